"""The specification of strikeloop.clock."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from strikeloop.clock import SECOND_NS, Clock


@given(st.lists(st.integers(0, 2**62)))
def test_the_clock_shows_the_latest_time_it_was_told(times: list[int]) -> None:
    clock = Clock()
    for time in times:
        clock.move(time)
    assert clock.now == max(times, default=0)


def test_moving_tells_what_the_clock_shows() -> None:
    assert (Clock(5).move(3), Clock(5).move(7)) == (5, 7)


def test_a_second_has_a_billion_nanoseconds() -> None:
    assert SECOND_NS == 10**9
