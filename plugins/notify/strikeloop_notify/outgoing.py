"""What leaves when: grouping, the rate limit, and what becomes of what could not be delivered. A machine without a clock.

Theory. The first note of a matter leaves at once. What follows on it within `group_s` seconds waits, as one note with a
count, unless it is worse than what was told. A message takes along everything that may leave. Attempts are limited to
`per_minute`; one that failed is repeated with growing pauses, together with what came since; a note that failed `tries`
times is given up, counted, and the count told by the next message. Nothing here grows without bound.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from strikeloop_notify.notes import RANKS, Message, Note

MOST_WAITING = 200
LONGEST_PAUSE_S = 60.0


@attrs.define
class _Told:
    """A matter that was told: what was said is enough until `until`; `held` came since."""

    until: float
    rank: int
    held: Note | None = None


@attrs.define
class _Waiting:
    note: Note
    failures: int = 0


@attrs.define(kw_only=True)
class Outgoing:
    """Times are seconds on any clock that never goes back.

    >>> from strikeloop import Severity
    >>> note = Note(source="a", topic="margin", severity=Severity.WARNING, text="80 %", time=0)
    >>> outgoing = Outgoing(group_s=60.0)
    >>> outgoing.add(note, 0.0)
    >>> outgoing.take(0.0).body
    '80 %'
    >>> outgoing.delivered(); outgoing.add(note, 1.0); outgoing.add(note, 2.0)
    >>> outgoing.take(2.0), outgoing.next_time(2.0)
    (None, 60.0)
    >>> outgoing.take(60.0).body
    '80 % (2 times, last at 00:00:00 UTC)'
    """

    group_s: float = 60.0
    per_minute: float = 6.0
    tries: int = 8
    label: str = ""
    undelivered: int = 0
    _told: dict[tuple[str, str], _Told] = attrs.field(factory=dict)
    _waiting: dict[tuple[str, str], _Waiting] = attrs.field(factory=dict)
    _flying: dict[tuple[str, str], _Waiting] = attrs.field(factory=dict)
    _allowance: float | None = None
    _counted: float = 0.0
    _pause_until: float = float("-inf")
    _failures: int = 0

    def add(self, note: Note, now: float) -> None:
        """Something happened."""
        told, rank = self._told.get(note.key), RANKS[note.severity]
        if told is not None and now < told.until and rank <= told.rank:
            told.held = note if told.held is None else told.held.followed_by(note)
            return
        if told is not None and told.held is not None:
            note = told.held.followed_by(note)
        self._told[note.key] = _Told(now + self.group_s, rank)
        self._enqueue(_Waiting(note))

    def take(self, now: float) -> Message | None:
        """The message that leaves now; what is in it is on its way until `delivered` or `failed`. None: nothing may leave."""
        self._end_groups(now)
        if not self._waiting or self._flying or now < self._next_attempt(now):
            return None
        self._allowance = self._allowed(now) - 1.0
        self._counted = now
        return self._leave()

    def take_all(self) -> Message | None:
        """Everything that waits or is held, without regard to limits: for the end of a run. None where there is nothing."""
        for key, told in self._told.items():
            if told.held is not None:
                self._enqueue(_Waiting(told.held))
                self._told[key] = attrs.evolve(told, held=None)
        return self._leave() if self._waiting and not self._flying else None

    def delivered(self) -> None:
        """What was taken arrived."""
        self._flying, self._failures, self.undelivered = {}, 0, 0

    def failed(self, now: float) -> float:
        """What was taken did not arrive; returns the pause in seconds before the next attempt."""
        flying, self._flying = self._flying, {}
        later, self._waiting = self._waiting, {}
        for waiting in flying.values():
            waiting.failures += 1
            if waiting.failures < self.tries:
                self._enqueue(waiting)
            else:
                self.undelivered += waiting.note.count
        for waiting in later.values():
            self._enqueue(waiting)
        pause = min(LONGEST_PAUSE_S, 2.0**self._failures)
        self._failures = min(self._failures + 1, 10)
        self._pause_until = now + pause
        return pause

    def next_time(self, now: float) -> float:
        """When `take` should be asked again; infinity while there is nothing."""
        times = [told.until for told in self._told.values() if told.held is not None]
        if self._waiting and not self._flying:
            times.append(self._next_attempt(now))
        return min(times, default=float("inf"))

    # ---- inside ----

    def _leave(self) -> Message:
        self._flying, self._waiting = self._waiting, {}
        return Message(notes=tuple(one.note for one in self._flying.values()), undelivered=self.undelivered, label=self.label)

    def _enqueue(self, waiting: _Waiting) -> None:
        before = self._waiting.pop(waiting.note.key, None)
        if before is not None:
            waiting = _Waiting(before.note.followed_by(waiting.note), min(before.failures, waiting.failures))
        self._waiting[waiting.note.key] = waiting
        if len(self._waiting) > MOST_WAITING:
            least = _least(self._waiting.values())
            self.undelivered += self._waiting.pop(least).note.count

    def _end_groups(self, now: float) -> None:
        for key, told in list(self._told.items()):
            if now < told.until:
                continue
            if told.held is None:
                del self._told[key]
            else:
                self._told[key] = _Told(now + self.group_s, RANKS[told.held.severity])
                self._enqueue(_Waiting(told.held))

    def _allowed(self, now: float) -> float:
        """How many attempts are free now."""
        full = max(1.0, self.per_minute)
        return full if self._allowance is None else min(full, self._allowance + (now - self._counted) * self.per_minute / 60.0)

    def _next_attempt(self, now: float) -> float:
        missing = max(0.0, 1.0 - self._allowed(now))
        # A hair later than computed, so that rounding cannot make it ask again and again for an allowance just below one.
        free_at = now if missing < 1e-9 else now + missing * 60.0 / self.per_minute + 1e-6
        return max(free_at, self._pause_until)


def _least(waiting: Iterable[_Waiting]) -> tuple[str, str]:
    """The oldest of the least severe."""
    return min(waiting, key=lambda one: RANKS[one.note.severity]).note.key
