"""The listing cycle: which expiries stand at a moment, and when they change.

Owns the rule that expiries are daily, weekly (Fridays) and monthly (the last Friday), all at 08:00:00 UTC. An expiry
that is listed once stays listed until it comes. Times are ns UTC; it reads no clock.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count, islice

import attrs

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
EIGHT_O_CLOCK = 8 * 3_600 * SECOND
_FRIDAY = 1
"""Days since 1970-01-01, a Thursday, modulo 7."""


def next_rollover(now: int) -> int:
    """The first 08:00 UTC after `now`."""
    return _at_eight((now - EIGHT_O_CLOCK) // DAY + 1)


def tag(expiry: int) -> str:
    """The venue's word for this expiry: month for a last Friday, week for any other Friday, else day."""
    if not _is_friday(expiry):
        return "day"
    return "month" if datetime_of(expiry).month != datetime_of(expiry + 7 * DAY).month else "week"


def datetime_of(time: int) -> datetime:
    return datetime.fromtimestamp(time // SECOND, UTC)


@attrs.frozen(kw_only=True)
class Cycle:
    """How many expiries stand at any time: the next days, then Fridays beyond them, then last Fridays beyond those."""

    daily: int
    weekly: int
    monthly: int

    def expiries(self, now: int) -> tuple[int, ...]:
        """Those listed right after `now`, nearest first; a later moment drops only what expired meanwhile."""
        first = next_rollover(now)
        found = [first + day * DAY for day in range(self.daily)]
        fridays = [day for day in islice((first + day * DAY for day in count()), 7 * (self._weeks + 1)) if _is_friday(day)]
        for tags, wanted in ((("week", "month"), self.weekly), (("month",), self.monthly)):
            found += [day for day in fridays if day not in found and tag(day) in tags][:wanted]
        return tuple(sorted(found))

    @property
    def _weeks(self) -> int:
        """Enough weeks to look ahead: no month has more than five Fridays."""
        return self.daily // 7 + self.weekly + 5 * (self.monthly + 1)


def _at_eight(day: int) -> int:
    return day * DAY + EIGHT_O_CLOCK


def _is_friday(expiry: int) -> bool:
    return expiry // DAY % 7 == _FRIDAY
