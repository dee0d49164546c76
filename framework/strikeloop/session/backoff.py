"""When to try again: exponential backoff with full jitter, forgotten only after lasting health.

Owns `Backoff`. The random numbers are handed in.
"""

from __future__ import annotations

from random import Random

from strikeloop.clock import SECOND_NS


class Backoff:
    """Waits uniform in (0, min(cap, base · 2ⁿ)) s, n counting failures; n restarts after `healthy` s of health."""

    def __init__(self, random: Random, *, base_s: float = 0.5, cap_s: float = 30.0, healthy_s: float = 30.0) -> None:
        self._random, self._base, self._cap, self._healthy_ns = random, base_s, cap_s, round(healthy_s * SECOND_NS)
        self._failures = 0
        self._up_since: int | None = None

    def up(self, now: int) -> None:
        """The connection works from now on."""
        if self._up_since is None:
            self._up_since = now

    def down(self, now: int) -> int:
        """The connection failed; returns the wait in ns before the next attempt."""
        if self._up_since is not None and now - self._up_since >= self._healthy_ns:
            self._failures = 0
        self._up_since = None
        limit = min(self._cap, self._base * 2.0 ** min(self._failures, 16))
        self._failures += 1
        return round(self._random.uniform(0.0, limit) * SECOND_NS)
