"""Engine and venue under one virtual clock, and the books of what happens between them.

Owns `World`: it says what is due beside the market, lets it happen, and carries commands to the venue and answers back. Which row of the
market comes when is for those who walk through it.
"""

from __future__ import annotations

from collections.abc import Callable

from strikeloop.commands import Command
from strikeloop.encoding import Digest
from strikeloop.engine import NOTHING, Engine, Step
from strikeloop.events import Event, RunStarted, RunStopping
from strikeloop.summary import Summary
from strikeloop.venue import Venue

NEVER = 1 << 63
Decision = tuple[int, Command]
"""Engine time, and what left then."""
Progress = Callable[[int, int], None]
"""Hears (rows of the market so far, engine time)."""


def ignore(_: object) -> None:
    """Nobody listens."""


class World:
    """`listen` hears account and run events, `sent` every command that leaves, `decided` the same with the engine time."""

    def __init__(
        self,
        engine: Engine,
        venue: Venue,
        *,
        digest: Digest,
        summary: Summary,
        listen: Callable[[Event], None] = ignore,
        sent: Callable[[Command], None] = ignore,
        decided: Callable[[Decision], None] = ignore,
    ) -> None:
        self.engine, self.venue, self.digest, self.summary = engine, venue, digest, summary
        self._listen, self._sent, self._decided = listen, sent, decided
        self._timer = NEVER
        """When the next timer is due."""

    def open(self, time: int, now: int) -> None:
        """The account as it stands at the venue's `time` is on the desks when on_start is called `now`."""
        for event in self.venue.advance(time):
            self.input(event)
        started = RunStarted(time=now, received=now)
        self._note(started)
        self.after(self.engine.step(started))

    def close(self) -> None:
        """The last thing that happens."""
        now = self.engine.clock.now
        self.input(RunStopping(time=now, received=now, reason="end of data"))

    def due(self) -> int:
        """When something is due beside the market: a response or request at the venue, or a timer."""
        response = self.venue.next_time()
        return self._timer if response is None or self._timer < response else response

    def do(self, due: int) -> None:
        """Let happen what is due: at one time the venue's part comes first."""
        if due == self.venue.next_time():
            for event in self.venue.advance(due):
                self.input(event)
            return
        fired = self.engine.due(due)
        self._note_timers()
        if fired is not None:
            self.input(fired)

    def input(self, event: Event) -> None:
        """An account event or timer: part of the digest."""
        self._note(event)
        step = self.engine.step(event)
        if step is not NOTHING:
            self.after(step)

    def after(self, step: Step) -> None:
        """What a step led to: events into the books, commands to the venue."""
        if step is NOTHING:
            return
        for event in step.events:
            self._note(event)
        now = self.engine.clock.now
        for approved in step.approved:
            command = approved.command
            self.digest.add(command)
            self._sent(command)
            self._decided((now, command))
            self.venue.on_command(approved, now)
            self.engine.sent((command.client_id,))
        self.summary.approve(step.approved)
        self._note_timers()

    def _note(self, event: Event) -> None:
        self.digest.add(event)
        self.summary.see(event)
        self._listen(event)

    def _note_timers(self) -> None:
        timer = self.engine.next_timer()
        self._timer = NEVER if timer is None else timer
