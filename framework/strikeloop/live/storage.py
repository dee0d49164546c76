"""A book that cannot be written: nothing opens any more, cancels and the dead man's switch go on, and the run ends in order.

Owns `Storage`, the one way to the book. What is noted stays noted and is tried again each tick: a disk that has room again in time ends
the trouble, one that has not ends the run, once its orders are withdrawn or left to the dead man's switch. It never raises StorageError.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from strikeloop import events as e
from strikeloop.clock import SECOND_NS
from strikeloop.commands import Approved
from strikeloop.errors import StorageError
from strikeloop.live.clock import WallClock

CHANNEL = "journal"
PATIENCE_NS = 5 * SECOND_NS


class Book(Protocol):
    """Where a run is written down; strikeloop.journal is one. Raises StorageError where it cannot, and keeps what was noted."""

    def inputs(self, events: Sequence[e.Event]) -> None:
        """Note inputs of the engine, in order; they may be kept in memory until the next `intents` or `flush`."""
        ...

    async def intents(self, approved: Sequence[Approved[Any]]) -> None:
        """Return when these commands, and every input before them, are on disk."""
        ...

    async def flush(self) -> None:
        """Return when everything noted so far is on disk."""
        ...


class Storage:
    """`adapters` are where orders are executed; `give_up` is called once, with the reason, when patience is over."""

    def __init__(
        self,
        book: Book,
        clock: WallClock,
        adapters: Callable[[], Sequence[str]],
        deliver: Callable[[Sequence[e.Event]], None],
        give_up: Callable[[str], None],
    ) -> None:
        self._book, self._clock, self._adapters, self._deliver, self._give_up = book, clock, adapters, deliver, give_up
        self.reason = ""
        """Why the book cannot be written, "" where it can."""
        self._failing_since: int | None = None
        self._has_given_up = False

    def inputs(self, events: Sequence[e.Event]) -> None:
        self._book.inputs(events)

    async def intents(self, approved: Sequence[Approved[Any]]) -> str:
        """Why these commands are not on disk, "" where they are."""
        try:
            await self._book.intents(approved)
        except StorageError as error:
            self._failed(str(error))
            return self.reason
        self._succeeded()
        return ""

    async def flush(self) -> str:
        """Write what was noted; why it is not on disk, "" where it is."""
        try:
            await self._book.flush()
        except StorageError as error:
            self._failed(str(error))
        else:
            self._succeeded()
        return self.reason

    def _failed(self, reason: str) -> None:
        now, is_news = self._clock.now(), self._failing_since is None
        self.reason = reason
        if self._failing_since is None:
            self._failing_since = now
        if is_news:
            self._tell(e.GapOpened, reason=f"the journal cannot be written: {reason}")
            self._alert(f"{reason}: nothing is opened, orders are withdrawn when it lasts", e.Severity.CRITICAL)
        elif now - self._failing_since >= PATIENCE_NS and not self._has_given_up:
            self._has_given_up = True
            self._give_up(reason)

    def _succeeded(self) -> None:
        if self._failing_since is not None and not self._has_given_up:
            self._failing_since, self.reason = None, ""
            self._tell(e.GapClosed)
            self._alert("the journal can be written again", e.Severity.WARNING)

    def _tell(self, kind: type[e.GapOpened | e.GapClosed], **words: str) -> None:
        now = self._clock.now()
        self._deliver([kind(time=now, received=now, adapter=name, port="driver", channel=CHANNEL, **words) for name in self._adapters()])

    def _alert(self, text: str, severity: e.Severity) -> None:
        now = self._clock.now()
        self._deliver([e.AlertRaised(time=now, received=now, source="live", topic="storage", text=text, severity=severity)])
