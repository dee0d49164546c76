"""Times as people write them: a day, or a moment with its zone.

Owns `moment` and `day`. It reads no clock.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
SECOND_NS = 1_000_000_000


def moment(text: str) -> int:
    """Ns UTC of "2026-06-01" (its midnight, UTC) or "2026-06-01T08:00:00Z". Raises ValueError for anything else.

    >>> moment("1970-01-02")
    86400000000000
    """
    try:
        if _DAY.fullmatch(text):
            whole = date.fromisoformat(text)
            found = datetime(whole.year, whole.month, whole.day, tzinfo=UTC)
        else:
            found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f'{text!r} is no time: write "2026-06-01" or "2026-06-01T08:00:00Z"') from None
    if found.tzinfo is None:
        raise ValueError(f"{text!r} bears no time zone: write {text}Z for UTC")
    since = found - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * SECOND_NS + since.microseconds * 1_000
