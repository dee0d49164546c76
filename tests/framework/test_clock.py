"""The specification of strikeloop.clock."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikeloop.clock import SECOND_NS, Clock, ServerClock


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


# ---- the venue's time ----

HOUR = 3_600 * SECOND_NS


class Ours:
    """Our clock, at a time of the test's choice."""

    now = 0

    def __call__(self) -> int:
        return self.now


def test_what_nobody_told_is_taken_to_be_our_time() -> None:
    clock = ServerClock(lambda: 7)
    assert (clock.now(), clock.offset_ns, clock.is_doubtful) == (7, None, False)


@given(
    st.integers(-HOUR, HOUR),
    st.lists(st.tuples(st.integers(0, SECOND_NS), st.integers(0, SECOND_NS), st.sampled_from([1, 10**6, SECOND_NS])), min_size=1),
)
def test_the_offset_is_within_what_any_answer_allows(offset: int, answers: list[tuple[int, int, int]]) -> None:
    ours = Ours()
    clock, widest = ServerClock(ours), 2 * SECOND_NS
    for there, back, grain in answers:
        sent = ours.now
        ours.now += there
        told = (ours.now + offset) // grain * grain
        ours.now += back
        clock.measured(told, sent=sent, received=ours.now, grain=grain)
        widest = min(widest, there + back + grain)
        assert abs((clock.offset_ns or 0) - offset) <= widest // 2 + 1
        assert not clock.is_doubtful
    assert clock.now() == ours.now + (clock.offset_ns or 0)


def test_an_answer_that_contradicts_the_earlier_ones_replaces_them() -> None:
    clock = ServerClock(lambda: 0)
    clock.measured(HOUR, sent=0, received=0)
    clock.measured(-HOUR, sent=0, received=0)
    assert clock.offset_ns == -HOUR


def test_an_answer_that_took_too_long_leaves_doubt_until_a_better_one() -> None:
    clock = ServerClock(lambda: 0)
    clock.measured(6 * SECOND_NS, sent=0, received=6 * SECOND_NS)
    assert clock.is_doubtful
    clock.measured(6 * SECOND_NS, sent=5 * SECOND_NS, received=6 * SECOND_NS)
    assert not clock.is_doubtful


@pytest.mark.parametrize(("ahead_s", "offset_s", "is_doubtful"), [(-30, 0, False), (3, 3, False), (30, 30, True)])
def test_a_message_can_only_show_that_their_clock_is_further_ahead(ahead_s: int, offset_s: int, is_doubtful: bool) -> None:
    clock = ServerClock(lambda: 0)
    clock.heard(HOUR, 0)  # before anything was measured it tells nothing
    clock.measured(0, sent=0, received=0)
    clock.heard(ahead_s * SECOND_NS, 0)
    assert (clock.offset_ns, clock.is_doubtful) == (offset_s * SECOND_NS, is_doubtful)
    clock.measured(5, sent=0, received=0)
    assert (clock.offset_ns, clock.is_doubtful) == (5, False)
