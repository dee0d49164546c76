"""The venue's rate limits: so many requests per endpoint in a window, and the headers that say what is left.

Owns the counting. Reads no clock: it is told the time.
"""

from __future__ import annotations

import math

import attrs


@attrs.define
class _Window:
    ends: float
    used: int = 0


@attrs.define
class RateLimits:
    """`limit` requests per key and window (Gate: 200 per 10 s and endpoint, 200 per second for orders)."""

    limit: int = 200
    _windows: dict[str, _Window] = attrs.field(factory=dict)

    def admit(self, key: str, window_s: float, now_s: float) -> tuple[bool, list[tuple[str, str]]]:
        """Count one request: whether it may pass, and the X-Gate-RateLimit headers of its answer."""
        window = self._windows.get(key)
        if window is None or now_s >= window.ends:
            window = self._windows[key] = _Window(now_s + window_s)
        window.used += 1
        headers = [
            ("X-Gate-RateLimit-Requests-Remain", str(max(0, self.limit - window.used))),
            ("X-Gate-RateLimit-Limit", str(self.limit)),
            ("X-Gate-RateLimit-Reset-Timestamp", str(math.ceil(window.ends))),
        ]
        return window.used <= self.limit, headers
