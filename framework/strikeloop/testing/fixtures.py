"""The fixtures of the pytest plugin that comes with the core."""

from __future__ import annotations

import pytest

from strikeloop.testing.sim import Sim


@pytest.fixture
def sim() -> Sim:
    """A generated market and the simulated venue for tests of plugins: `sim.run(MyStrategy(), seconds=60).fills`."""
    return Sim()
