"""The lines of a session: the one that counts, the one that is to replace it, and when there is to be another.

Owns `Lines`. It knows whether the credentials are trusted and how long to wait; what a line brings, and whether the
account is known on it, is not its business.
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from strikeloop import events as e
from strikeloop.adapter import Channel
from strikeloop.clock import SECOND_NS
from strikeloop.session.backoff import Backoff
from strikeloop.session.channels import AUTH_RETRY_NS, Channels
from strikeloop.session.line import Line
from strikeloop.session.outbox import Outbox

SETTLING_NS = 2 * SECOND_NS


class Lines:
    """At most two at a time. `is_ready` tells that what the line says may be relied on."""

    def __init__(self, channels: Iterable[Channel], random: Random, out: Outbox) -> None:
        self._declared, self._out = tuple(channels), out
        self._backoff, self._moves = Backoff(random), Backoff(random)
        self.line: Line | None = None
        self.next: Line | None = None
        """The line that is to replace the other."""
        self.channels = Channels(self._declared)
        """Those of the line, with what was counted on the lines before."""
        self.connections = 0
        self.auth_refused = ""
        self.is_ready = self.is_barred = False
        self.settling_ns = SETTLING_NS if any(not channel.acknowledged for channel in self._declared) else 0
        """Where nobody says when a subscription stands: how long it may take."""
        self._count = 0
        self._retry_at: int | None = None
        self._move_at: int | None = None

    def at(self, number: int) -> Line | None:
        """The line of this number, None when it counts no more."""
        if self.line is not None and self.line.number == number:
            return self.line
        return self.next if self.next is not None and self.next.number == number else None

    def begin(self) -> None:
        """Make a line."""
        self._retry_at = None
        self._adopt(self._new())

    def stands(self, now: int) -> None:
        """The line is open."""
        self.connections += 1
        self._backoff.up(now)

    def lost(self, reason: str, now: int, *, is_auth: bool) -> None:
        """The line is gone: the next takes its place at once, or another is made after a while."""
        follower = self.next
        wait = 0 if follower is not None else self._wait(reason, now, is_auth=is_auth)
        self.line, self.is_ready = None, False
        self.channels.ended()
        self._out.tell(e.StreamLost, now, reason=reason[:200], retry_in_s=wait / SECOND_NS)
        if follower is None:
            self._retry_at = now + wait
        else:
            self._adopt(follower)

    def lost_next(self, now: int) -> None:
        """The next line is gone: the other stays, and its replacement is tried again."""
        self.next, self._move_at = None, now + self._moves.down(now)

    def move(self) -> None:
        """The venue is about to end the line: replace it while it still speaks, or at once where nothing is known yet."""
        if self.line is None or self.next is not None:
            return
        if self.is_ready:
            self.next = self._new()
        else:
            self.line.end("the venue asks for a new connection")

    def switch(self, now: int) -> None:
        """The next line replaces the other."""
        before, follower = self.line, self.next
        if before is not None and follower is not None:
            self._adopt(follower)
            before.end("a new connection replaces it")
            self._out.tell(e.StreamOpened, now, connection=self.connections)

    def tick(self, now: int) -> None:
        """Time passed: retries, liveness, late acknowledgements."""
        if self.line is None:
            if self._retry_at is not None and now >= self._retry_at:
                self.begin()
            return
        if self._move_at is not None and now >= self._move_at:
            self._move_at = None
            self.move()
        for line in (self.line, self.next):
            if line is not None:
                line.tick(now)

    def is_up(self, line: Line, now: int) -> bool:
        """Whether a line that is to replace another is subscribed, as far as anybody can tell."""
        return line.is_open and not line.is_ending and line.channels.settled and now - line.opened_at >= self.settling_ns

    def trusted(self) -> None:
        """The credentials work, but for channels that they do not open."""
        self.is_barred = False
        if not self.channels.barred:
            self.auth_refused = ""

    def distrusted(self, what: str) -> None:
        """The credentials do not open a channel; where they open none the line is of no use."""
        self.auth_refused = self.auth_refused or what
        self.is_barred = self.channels.barred == len(self.channels)
        if self.is_barred and self.line is not None:
            self.line.end(f"credentials refused on {self.auth_refused}")

    def _new(self) -> Line:
        self._count += 1
        return Line(self._count, self._declared, self._out.ask)

    def _adopt(self, line: Line) -> None:
        """From here on this is the line."""
        line.channels.inherit(self.channels)
        self.line, self.next, self.channels = line, None, line.channels
        self.connections += line.is_open

    def _wait(self, reason: str, now: int, *, is_auth: bool) -> int:
        """How long to wait after a loss; the credentials are not tried again soon."""
        wait = self._backoff.down(now)
        if not (is_auth or self.is_barred or (self.channels.barred and not self.is_ready)):
            return wait
        self.is_barred, self.auth_refused = True, self.auth_refused or reason
        return max(wait, AUTH_RETRY_NS)
