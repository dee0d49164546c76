"""How many requests Gate takes: one budget for each endpoint, kept below the venue's own limit.

Owns the documented limits, which requests share one, and the reading of the headers that say what is left. It never
waits and sends nothing. Source: APIv4 «Rate limit».
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import attrs

from strikeloop.wire import RateLimiter
from strikeloop_gate.sources import SECOND_NS

LONGEST_PAUSE_S: Final = 60.0
PLACING, CANCELLING = "placing", "cancelling"
_ORDERS = "/options/orders"
BURST: Final = 100
"""Half of the 200 requests the venue takes in a window: with what is refilled meanwhile, no window ever sees more than 200."""


@attrs.define(eq=False)
class Budgets:
    """A limiter for each endpoint, made when it is first asked.

    Orders and amendments share 200 a second, cancels have 200 a second of their own, every other endpoint, the
    countdown among them, 200 in 10 s. So no query can ever use up what an order, a cancel or the countdown needs.
    """

    clock: Callable[[], int]
    _limiters: dict[str, RateLimiter] = attrs.field(factory=dict, init=False)

    def of(self, method: str, path: str) -> RateLimiter:
        """The limiter of this request; `path` without the query."""
        name = endpoint(method, path)
        limiter = self._limiters.get(name)
        if limiter is None:
            per_s = 1.0 if name in (PLACING, CANCELLING) else 10.0
            limiter = self._limiters[name] = RateLimiter(BURST, per_s, clock=self.clock)
        return limiter

    def learn(self, limiter: RateLimiter, status: int, headers: Mapping[str, str], venue_time: int) -> None:
        """Take what the venue says is left. After a 429 nothing is, until Retry-After, the stated reset, or else a whole window."""
        now = self.clock()
        reset_s, left = _number(headers.get("x-gate-ratelimit-reset-timestamp")), _number(headers.get("x-gate-ratelimit-requests-remain"))
        wait_s = None if reset_s is None else reset_s - venue_time / SECOND_NS
        if status == 429:
            after_s = _number(headers.get("retry-after"))
            stated = after_s if after_s is not None else wait_s
            wait_s, left = limiter.per_s if stated is None or stated <= 0 else stated, 0.0
        if wait_s is not None and left is not None and wait_s > 0:
            limiter.restrict(int(left), now + int(min(wait_s, LONGEST_PAUSE_S) * SECOND_NS))


def endpoint(method: str, path: str) -> str:
    """The name of what a request is counted under: contracts, underlyings and order ids in its path make no difference."""
    if path == _ORDERS or path.startswith(_ORDERS + "/"):
        if method == "DELETE":
            return CANCELLING
        if method in ("POST", "PUT"):
            return PLACING
    steps = ("*" if any(char.isdigit() or char.isupper() for char in step) else step for step in path.split("/"))
    return f"{method} {'/'.join(steps)}"


def _number(text: str | None) -> float | None:
    """A header's plain number of seconds."""
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 13:
        return None
    # The venue writes seconds; a figure of 13 digits can only be milliseconds.
    return int(text) / 1_000 if len(text) == 13 else float(text)
