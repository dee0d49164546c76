"""The one place that asks the machine for the time."""

from __future__ import annotations

import time

import pytest

from strikeloop.live import WallClock


class Machine:
    """A machine whose two clocks a test sets."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.utc, self.monotonic = 1_000_000, 50
        patch.setattr(time, "time_ns", lambda: self.utc)
        patch.setattr(time, "monotonic_ns", lambda: self.monotonic)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


def test_the_clock_starts_at_the_machines_utc(machine: Machine) -> None:
    assert WallClock().now() == 1_000_000


def test_it_goes_on_with_the_monotonic_clock(machine: Machine) -> None:
    clock = WallClock()
    machine.monotonic += 7
    assert clock.now() == 1_000_007


@pytest.mark.parametrize("jump", [-3_600_000_000_000, 3_600_000_000_000])
def test_a_jump_of_the_systems_clock_moves_nothing(machine: Machine, jump: int) -> None:
    clock = WallClock()
    machine.utc += jump
    assert clock.now() == 1_000_000


def test_a_faster_clock_stretches_the_time_since_its_start(machine: Machine) -> None:
    clock = WallClock(speed=10.0)
    machine.monotonic += 7
    assert clock.now() == 1_000_070
