"""The specification of strikeloop.timers; what strategies make of them is played in test_engine.py."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from strikeloop import TimerFired
from strikeloop.desk import SetTimer
from strikeloop.timers import Timers


def test_a_timer_that_is_set_again_and_again_takes_the_room_of_one() -> None:
    timers = Timers()
    timers.set("s", SetTimer("other", 9))
    for due in range(10_000):
        timers.set("s", SetTimer("x", due))
    assert len(timers._heap) < 200
    assert [timers.pop(10_000), timers.pop(10_000), timers.pop(10_000)] == [
        TimerFired(time=9, received=10_000, instance="s", name="other", due=9),
        TimerFired(time=9_999, received=10_000, instance="s", name="x", due=9_999),
        None,
    ]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 50), st.sampled_from([0, 7])), max_size=30), st.integers(0, 60))
def test_timers_fire_by_time(sets: list[tuple[str, int, int]], now: int) -> None:
    timers = Timers()
    for name, due, every in sets:
        timers.set("s", SetTimer(name, due, every))
    fired = []
    while (one := timers.pop(now)) is not None:
        fired.append(one)
    last = {name: due for name, due, _ in sets}
    assert [event.due for event in fired] == sorted(due for due in last.values() if due <= now)
    assert timers.next() is None or timers.next() > now  # type: ignore[operator]  # it is a number here
