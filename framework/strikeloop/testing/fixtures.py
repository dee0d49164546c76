"""The fixtures of the pytest plugin that comes with the core."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from strikeloop.testing.sim import Sim


@pytest.fixture
def sim() -> Sim:
    """A generated market and the simulated venue for tests of plugins: `sim.run(MyStrategy(), seconds=60).fills`."""
    return Sim()


@pytest.fixture
def faults() -> Iterator[Callable[..., Any]]:
    """What makes fault proxies for a test: `faults(url, *rules, seed=1)`. A rule that never struck fails the test: it tested nothing."""
    from strikeloop.testing.faults import FaultProxy  # noqa: PLC0415 - every pytest run imports this module

    made: list[FaultProxy] = []

    def make(*upstream_and_rules: Any, **how: Any) -> FaultProxy:
        made.append(FaultProxy(*upstream_and_rules, **how))
        return made[-1]

    yield make
    unstruck = [rule for proxy in made for rule in proxy.unstruck]
    if unstruck:
        pytest.fail(f"{len(unstruck)} of the rules never struck, so nothing was tested: {unstruck}", pytrace=False)
