"""Engine time, one integer that only moves forward; and the venue's time, as far as it is known.

Owns `Clock` and `ServerClock`. Neither asks the machine what time it is: drivers move the one with the `received` of
each input, and hand the other a clock.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs

SECOND_NS = 1_000_000_000


@attrs.define
class Clock:
    """Now, in ns UTC. Shared by the engine (which moves it) and every desk (which reads it).

    >>> clock = Clock(5)
    >>> clock.move(3)
    5
    """

    now: int = 0

    def move(self, to: int) -> int:
        """Advance to `to`; an earlier time leaves the clock where it is. Returns now."""
        if to > self.now:
            self.now = to
        return self.now


class ServerClock:
    """A venue's time: our clock (`local`, ns UTC) and the offset of theirs, which every answer that tells a time narrows.

    >>> clock = ServerClock(lambda: 100)
    >>> clock.measured(3_600, sent=90, received=110)
    >>> clock.offset_ns, clock.now()
    (3500, 3600)
    """

    WORST_NS = 5 * SECOND_NS

    def __init__(self, local: Callable[[], int]) -> None:
        self.local = local
        self._low: int | None = None
        self._high: int | None = None
        self._is_contradicted = False

    def now(self) -> int:
        """The venue's time now, ns UTC; ours as long as nothing is known of theirs."""
        return self.local() + (self.offset_ns or 0)

    @property
    def offset_ns(self) -> int | None:
        """Their clock minus ours, None before it was measured."""
        return None if self._low is None or self._high is None else (self._low + self._high) // 2

    @property
    def is_doubtful(self) -> bool:
        """Whether what is known may be wrong by more than `WORST_NS`: signatures may be refused, or taken for old ones."""
        if self._low is None or self._high is None:
            return self._is_contradicted
        return self._is_contradicted or self._high - self._low > self.WORST_NS

    def measured(self, told: int, *, sent: int, received: int, grain: int = 0) -> None:
        """An answer says `told`, a reading not older than `grain` ns, taken between `sent` and `received` on our clock."""
        low, high = told - received, told + grain - sent
        if not self._is_contradicted and self._low is not None and self._high is not None and low <= self._high and high >= self._low:
            low, high = max(low, self._low), min(high, self._high)
        self._low, self._high, self._is_contradicted = low, high, False

    def heard(self, told: int, received: int) -> None:
        """A message says that it left at `told`. How long it took is not known, so it only shows that their clock is at least so far."""
        if self._high is None or told - received <= self._high:
            return
        self._is_contradicted = told - received > self._high + self.WORST_NS
        self._low = self._high = told - received
