"""What a person is told: one thing that happened, and the message that takes one or many of them along.

Owns `Note`, `Message`, and which events are worth a note. Whatever a venue or a plugin wrote is made printable here: it may
reach terminals, mails and web pages.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime

import attrs

from strikeloop import AlertRaised, Event, Liquidated, PluginFaulted, RunStarted, RunStopping, Severity

LONGEST_TEXT = 1_000
MOST_LINES = 20
RANKS = {Severity.INFO: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}


@attrs.frozen(kw_only=True)
class Note:
    """One thing to tell; `count` of the same source and topic in one, of which `text` and `time` (ns UTC) are the last."""

    source: str
    topic: str
    severity: Severity
    text: str
    time: int
    count: int = 1

    @property
    def key(self) -> tuple[str, str]:
        """What makes two notes the same matter."""
        return (self.source, self.topic)

    def followed_by(self, later: Note) -> Note:
        """Both as one: the later text, the worse severity, the sum of the counts."""
        return attrs.evolve(later, severity=max(self.severity, later.severity, key=RANKS.__getitem__), count=self.count + later.count)


@attrs.frozen(kw_only=True)
class Message:
    """What leaves at once. `undelivered` notes before it never arrived; `label` says whose run this is."""

    notes: tuple[Note, ...]
    undelivered: int = 0
    label: str = ""

    @property
    def severity(self) -> Severity:
        return max((note.severity for note in self.notes), key=RANKS.__getitem__)

    @property
    def count(self) -> int:
        return sum(note.count for note in self.notes)

    @property
    def title(self) -> str:
        """One line: how bad, and what or how many."""
        what = f"{self.notes[0].topic} ({self.notes[0].source})" if len(self.notes) == 1 else f"{self.count} alerts"
        return " ".join(part for part in (self.label, f"{self.severity.value.upper()}:", what) if part)

    @property
    def body(self) -> str:
        """A line for each note, the worst first, and what was lost before."""
        worst_first = sorted(self.notes, key=lambda note: -RANKS[note.severity])
        lines = [_line(note, is_alone=len(self.notes) == 1) for note in worst_first[:MOST_LINES]]
        if len(worst_first) > MOST_LINES:
            lines.append(f"and {len(worst_first) - MOST_LINES} more matters")
        if self.undelivered:
            lines.append(f"{self.undelivered} earlier alerts could not be delivered")
        return "\n".join(lines)


def note_of(event: Event) -> Note | None:
    """The note that an event is worth: alerts, faults, liquidations, and a run's start and end. None for everything else."""
    match event:
        case AlertRaised():
            return _note(event, event.source, event.topic, event.severity, event.text)
        case PluginFaulted():
            state = "and is halted" if event.halted else "and goes on"
            return _note(event, event.instance, "fault", Severity.CRITICAL, f"{event.hook} raised {event.error}, {state}")
        case Liquidated():
            text = f"the venue liquidates the account: maintenance margin {event.maintenance_margin}, initial {event.initial_margin}"
            return _note(event, event.adapter, "liquidation", Severity.CRITICAL, text)
        case RunStarted():
            return _note(event, "run", "started", Severity.INFO, "the run has begun")
        case RunStopping():
            return _note(event, "run", "stopping", Severity.INFO, f"the run ends: {event.reason or 'it was asked to'}")
        case _:
            return None


def printable(text: str, longest: float = math.inf) -> str:
    r"""Control characters spelled out, line breaks as spaces, no longer than `longest`.

    >>> printable("two\nlines\x1b[2J")
    'two lines\\x1b[2J'
    """
    shown = "".join(char if char.isprintable() else repr(char)[1:-1] for char in text.replace("\r", "").replace("\n", " "))
    return shown if len(shown) <= longest else f"{shown[: int(longest) - 1]}…"


def _note(event: Event, source: str, topic: str, severity: Severity, text: str) -> Note:
    return Note(
        source=printable(source), topic=printable(topic), severity=severity, text=printable(text, LONGEST_TEXT), time=event.received
    )


def _line(note: Note, *, is_alone: bool) -> str:
    times = f" ({note.count} times, last at {_clock(note.time)})" if note.count > 1 else ""
    return f"{note.text}{times}" if is_alone else f"{note.severity.value.upper()} {note.topic} ({note.source}): {note.text}{times}"


def _clock(time: int) -> str:
    return f"{datetime.fromtimestamp(time / 1e9, UTC):%H:%M:%S} UTC"
