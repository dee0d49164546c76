"""The fixtures of the pytest plugin that comes with the core."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from strikeloop.testing.frames import Frames
    from strikeloop.testing.scripted import ManualClock
    from strikeloop.testing.sim import Sim
    from strikeloop.testing.stage import DeskStage


@pytest.fixture
def sim() -> Sim:
    """A generated market and the simulated venue for tests of plugins: `sim.run(MyStrategy(), seconds=60).fills`."""
    from strikeloop.testing.sim import Sim  # noqa: PLC0415 - every pytest run imports this module

    return Sim()


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands still until the test moves it: `clock.now()`, `clock.pass_s(60)`."""
    from strikeloop.testing.scripted import ManualClock  # noqa: PLC0415 - the same

    return ManualClock()


@pytest.fixture
def desk() -> DeskStage:
    """Plugins at a desk, told by hand what happens: `desk.runs(MyStrategy()).hears(event(…))`, then `desk.orders`."""
    from strikeloop.testing.stage import DeskStage  # noqa: PLC0415 - the same

    return DeskStage()


@pytest.fixture
def frames(request: pytest.FixtureRequest) -> Frames:
    """Recorded frames of the folder `frames` beside the test: `frames("orders")` reads orders.jsonl, or orders.json as one frame."""
    from strikeloop.testing.frames import Frames  # noqa: PLC0415 - the same

    return Frames(request.path.parent / "frames")


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
