"""The specification of strikeloop_notify.outgoing: what leaves when."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from strikeloop import Severity
from strikeloop_notify.notes import Message
from strikeloop_notify.outgoing import LONGEST_PAUSE_S, MOST_WAITING, Outgoing
from tests.plugins.notify.test_notes import note


def sent(outgoing: Outgoing, now: float) -> Message | None:
    """What leaves and arrives at `now`."""
    message = outgoing.take(now)
    if message is not None:
        outgoing.delivered()
    return message


def body(outgoing: Outgoing, now: float) -> str | None:
    message = sent(outgoing, now)
    return None if message is None else message.body


def test_the_first_note_of_a_matter_leaves_at_once() -> None:
    outgoing = Outgoing()
    assert outgoing.next_time(0.0) == math.inf
    outgoing.add(note("first"), 0.0)
    assert outgoing.next_time(0.0) == 0.0
    assert body(outgoing, 0.0) == "first"
    assert body(outgoing, 0.0) is None


def test_more_of_the_same_matter_is_counted_and_told_once_the_time_is_over() -> None:
    outgoing = Outgoing(group_s=60.0)
    outgoing.add(note("first"), 0.0)
    sent(outgoing, 0.0)
    for second in range(1, 10):
        outgoing.add(note(f"again {second}"), float(second))
    assert body(outgoing, 30.0) is None
    assert outgoing.next_time(30.0) == 60.0
    assert body(outgoing, 60.0) == "again 9 (9 times, last at 00:00:00 UTC)"
    assert outgoing.next_time(60.0) == math.inf


def test_what_is_worse_than_what_was_told_does_not_wait() -> None:
    outgoing = Outgoing(group_s=60.0)
    outgoing.add(note("warned"), 0.0)
    sent(outgoing, 0.0)
    outgoing.add(note("warned again"), 1.0)
    outgoing.add(note("critical", severity=Severity.CRITICAL), 2.0)
    assert body(outgoing, 2.0) == "critical (2 times, last at 00:00:00 UTC)"


def test_another_matter_does_not_wait_for_the_first() -> None:
    outgoing = Outgoing()
    outgoing.add(note("a", "delta"), 0.0)
    sent(outgoing, 0.0)
    outgoing.add(note("b", "vega"), 1.0)
    assert body(outgoing, 1.0) == "b"


def test_a_matter_that_was_quiet_for_the_time_is_told_at_once_again() -> None:
    outgoing = Outgoing(group_s=60.0)
    for now in (0.0, 100.0):
        outgoing.add(note("x"), now)
        assert body(outgoing, now) == "x"


def test_beyond_the_limit_everything_that_waits_leaves_as_one_message() -> None:
    outgoing = Outgoing(per_minute=2.0)
    bodies = []
    for number in range(10):
        outgoing.add(note(f"n{number}", f"t{number}"), float(number))
        bodies.append(body(outgoing, float(number)))
    assert bodies == ["n0", "n1", *[None] * 8]
    assert 30.0 <= outgoing.next_time(9.0) < 30.001
    message = sent(outgoing, outgoing.next_time(9.0))
    assert message is not None
    assert [one.text for one in message.notes] == [f"n{number}" for number in range(2, 10)]


def test_what_did_not_arrive_leaves_again_after_growing_pauses_with_what_came_since() -> None:
    outgoing = Outgoing(per_minute=1000.0)
    outgoing.add(note("a", "delta"), 0.0)
    pauses, now = [], 0.0
    for _ in range(4):
        assert outgoing.take(now) is not None
        pauses.append(outgoing.failed(now))
        assert outgoing.take(now) is None
        now = outgoing.next_time(now)
    assert pauses == [1.0, 2.0, 4.0, 8.0]
    outgoing.add(note("b", "vega"), now)
    message = outgoing.take(now)
    assert message is not None
    assert [one.text for one in message.notes] == ["a", "b"]


def test_a_note_is_given_up_after_so_many_tries_and_the_next_message_says_how_many_are_lost() -> None:
    outgoing = Outgoing(tries=2, per_minute=1000.0)
    outgoing.add(note("lost", "delta", count=3), 0.0)
    for now in (0.0, 10.0):
        outgoing.take(now)
        outgoing.failed(now)
    outgoing.add(note("b", "vega"), 100.0)
    message = sent(outgoing, 100.0)
    assert message is not None
    assert (message.body, message.undelivered) == ("b\n3 earlier alerts could not be delivered", 3)
    outgoing.add(note("c", "theta"), 200.0)
    assert body(outgoing, 200.0) == "c"


def test_a_note_that_came_late_into_a_failing_message_has_all_its_tries() -> None:
    outgoing = Outgoing(tries=2, per_minute=1000.0)
    outgoing.add(note("old", "delta"), 0.0)
    outgoing.take(0.0)
    outgoing.failed(0.0)
    outgoing.add(note("new", "vega"), 5.0)
    outgoing.take(5.0)
    outgoing.failed(5.0)
    assert body(outgoing, 100.0) == "new\n1 earlier alerts could not be delivered"


def test_a_pause_has_a_longest() -> None:
    outgoing = Outgoing(tries=100, per_minute=1000.0)
    outgoing.add(note(), 0.0)
    now = 0.0
    for _ in range(20):
        now = outgoing.next_time(now)
        outgoing.take(now)
        assert outgoing.failed(now) <= LONGEST_PAUSE_S


def test_while_a_message_is_on_its_way_no_other_leaves() -> None:
    outgoing = Outgoing()
    outgoing.add(note("a", "delta"), 0.0)
    outgoing.take(0.0)
    outgoing.add(note("b", "vega"), 0.0)
    assert outgoing.take(0.0) is None
    assert outgoing.next_time(0.0) == math.inf
    outgoing.delivered()
    assert body(outgoing, 0.0) == "b"


def test_what_waits_is_bounded_and_the_least_severe_goes_first() -> None:
    outgoing = Outgoing()
    outgoing.add(note("info", "info", Severity.INFO), 0.0)
    for number in range(MOST_WAITING):
        outgoing.add(note("x", f"t{number}", Severity.CRITICAL), 0.0)
    message = sent(outgoing, 0.0)
    assert message is not None
    assert len(message.notes) == MOST_WAITING
    assert {one.severity for one in message.notes} == {Severity.CRITICAL}
    assert message.undelivered == 1


def test_at_the_end_everything_leaves_without_regard_to_limits() -> None:
    outgoing = Outgoing(per_minute=0.001)
    outgoing.add(note("first"), 0.0)
    sent(outgoing, 0.0)
    outgoing.add(note("held"), 1.0)
    outgoing.add(note("waits", "vega"), 1.0)
    message = outgoing.take_all()
    assert message is not None
    assert sorted(one.text for one in message.notes) == ["held", "waits"]
    outgoing.delivered()
    assert outgoing.take_all() is None


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(list(Severity)), st.floats(0.0, 50.0), st.booleans()), max_size=40))
def test_every_note_is_delivered_or_counted_as_lost(steps: list[tuple[int, Severity, float, bool]]) -> None:
    outgoing, now, arrived, lost = Outgoing(group_s=30.0, per_minute=3.0, tries=2), 0.0, 0, 0
    for topic, severity, pause, works in steps:
        outgoing.add(note(topic=f"t{topic}", severity=severity), now)
        message = outgoing.take(now)
        if message is not None and works:
            arrived, lost = arrived + message.count, lost + message.undelivered
            outgoing.delivered()
        elif message is not None:
            outgoing.failed(now)
        now += pause
    last = outgoing.take_all()
    if last is not None:
        arrived, lost = arrived + last.count, lost + last.undelivered
        outgoing.delivered()
    assert arrived + lost + outgoing.undelivered == len(steps)


@given(st.lists(st.floats(0.0, 20.0), min_size=1, max_size=60))
def test_no_minute_sees_more_messages_than_twice_the_limit(pauses: list[float]) -> None:
    outgoing, now, times = Outgoing(group_s=1.0, per_minute=5.0), 0.0, []
    for number, pause in enumerate(pauses):
        outgoing.add(note(topic=f"t{number}"), now)
        if sent(outgoing, now) is not None:
            times.append(now)
        now += pause
    assert all(sum(start <= time < start + 60.0 for time in times) <= 10 for start in times)
