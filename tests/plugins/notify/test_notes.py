"""The specification of strikeloop_notify.notes: what is worth telling, and how it reads."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from strikeloop import AlertRaised, Event, Liquidated, PluginFaulted, RunStarted, RunStopping, Severity
from strikeloop_notify.notes import MOST_LINES, Message, Note, note_of, printable

D = Decimal
TIMES: dict[str, Any] = {"time": 1, "received": 1_780_272_000_000_000_000}


def note(text: str = "x", topic: str = "margin", severity: Severity = Severity.WARNING, count: int = 1) -> Note:
    return Note(source="watch", topic=topic, severity=severity, text=text, time=TIMES["received"], count=count)


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (AlertRaised(**TIMES, source="a", topic="t", text="x", severity=Severity.INFO), "info t (a): x"),
        (PluginFaulted(**TIMES, instance="quoter", hook="on_fill", error="KeyError: 1", halted=True), None),
        (Liquidated(**TIMES, adapter="gate", initial_margin=D(3), maintenance_margin=D(2), order_margin=D(0)), None),
        (RunStarted(**TIMES), "info started (run): the run has begun"),
        (RunStopping(**TIMES), "info stopping (run): the run ends: it was asked to"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_event_that_people_should_know_of_becomes_a_note(event: Event, told: str | None) -> None:
    made = note_of(event)
    assert made is not None
    assert made.time == TIMES["received"]
    if told is None:
        assert made.severity is Severity.CRITICAL
    else:
        assert f"{made.severity.value} {made.topic} ({made.source}): {made.text}" == told


def test_an_event_of_no_interest_becomes_none() -> None:
    assert note_of(Event(**TIMES)) is None


def test_what_others_wrote_cannot_command_a_terminal_or_begin_a_new_line() -> None:
    made = note_of(AlertRaised(**TIMES, source="a\x07", topic="t", text="one\r\ntwo \x1b[2J"))
    assert made is not None
    assert (made.source, made.text) == ("a\\x07", "one two \\x1b[2J")


def test_a_text_without_end_is_cut() -> None:
    assert printable("x" * 5000, 10) == "xxxxxxxxx…"


def test_one_note_is_its_own_message() -> None:
    message = Message(notes=(note("80 % of the limit"),), label="desk 7")
    assert message.title == "desk 7 WARNING: margin (watch)"
    assert message.body == "80 % of the limit"


def test_several_notes_are_one_message_with_the_worst_first() -> None:
    message = Message(notes=(note("a", "delta", count=3), note("b", "vega", Severity.CRITICAL)), undelivered=4)
    assert message.title == "CRITICAL: 4 alerts"
    assert message.body.splitlines() == [
        "CRITICAL vega (watch): b",
        "WARNING delta (watch): a (3 times, last at 00:00:00 UTC)",
        "4 earlier alerts could not be delivered",
    ]


def test_a_long_message_says_how_much_it_leaves_out() -> None:
    lines = Message(notes=tuple(note(topic=f"t{number}") for number in range(MOST_LINES + 3))).body.splitlines()
    assert len(lines) == MOST_LINES + 1
    assert lines[-1] == "and 3 more matters"


def test_two_notes_of_one_matter_are_one_with_the_later_text_and_the_worse_severity() -> None:
    both = note("bad", severity=Severity.CRITICAL, count=2).followed_by(note("better", severity=Severity.INFO))
    assert (both.text, both.severity, both.count) == ("better", Severity.CRITICAL, 3)
