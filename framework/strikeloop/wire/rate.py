"""How fast requests may leave: a token bucket that keeps a share for what is urgent.

Owns the pace of one budget of a venue. `delay`, `take` and `restrict` read no clock and never wait; `acquire` is the
thin shell around them. It never sends anything and knows no venue: reading a venue's headers is its adapter's work.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import anyio
import attrs

from strikeloop.errors import ConfigError

NS_PER_S = 1_000_000_000


@attrs.define(eq=False)
class RateLimiter:
    """At most `rate` requests in a burst, refilled evenly over `per_s` seconds; times are ns UTC.

    The last `reserve` (0 to 1) of the budget is for urgent requests, such as cancels: ordinary ones wait while no more
    than that is left, so an urgent one never queues behind them. `restrict` adds what the venue itself says is left of
    its current window; both limits hold. Raises ConfigError for values that leave nothing to spend.

    >>> limiter = RateLimiter(10, 1.0, reserve=0.2)
    >>> for _ in range(8):
    ...     limiter.take(now_ns=0)
    >>> limiter.delay(0), limiter.delay(0, urgent=True)
    (0.1, 0.0)
    """

    rate: int
    per_s: float
    reserve: float = attrs.field(default=0.1, kw_only=True)
    clock: Callable[[], int] = attrs.field(default=time.time_ns, kw_only=True)
    _tokens: float = attrs.field(init=False)
    _at_ns: int | None = attrs.field(init=False, default=None)
    _window_left: int | None = attrs.field(init=False, default=None)
    _window_ends_ns: int = attrs.field(init=False, default=0)
    _lanes: tuple[anyio.Lock, anyio.Lock] = attrs.field(init=False, factory=lambda: (anyio.Lock(), anyio.Lock()))

    def __attrs_post_init__(self) -> None:
        if self.rate < 1 or not self.per_s > 0 or not 0 <= self.reserve < 1:
            raise ConfigError(
                f"a rate limit needs rate >= 1, per_s > 0 and 0 <= reserve < 1, not {self.rate}, {self.per_s}, {self.reserve}"
            )
        self._tokens = float(self.rate)

    def delay(self, now_ns: int, urgent: bool = False) -> float:
        """Seconds until one request may leave; 0.0 means now. Takes nothing."""
        self._advance(now_ns)
        floor = 1.0 if urgent else 1.0 + self._reserved
        short = floor - self._tokens
        # The slack of 1e-9 tokens keeps a rounding error of the refill from asking for one more, tiny wait.
        wait = short * self.per_s / self.rate if short > 1e-9 else 0.0
        if self._window_left is not None and self._window_left < floor:
            wait = max(wait, (self._window_ends_ns - now_ns) / NS_PER_S)
        return wait

    def take(self, now_ns: int) -> None:
        """Spend one request, whether or not `delay` allowed it."""
        self._advance(now_ns)
        self._tokens -= 1.0
        if self._window_left is not None:
            self._window_left -= 1

    def restrict(self, remaining: int, reset_ns: int) -> None:
        """The venue says: `remaining` requests are left until `reset_ns` (ns UTC by this limiter's clock).

        Answers may arrive out of order: of the same window the smaller figure holds, and an older window is ignored.
        A refusal for too many requests is `restrict(0, now_ns + retry_after_ns)`.
        """
        if self._window_left is None or reset_ns > self._window_ends_ns:
            self._window_left, self._window_ends_ns = remaining, reset_ns
        elif reset_ns == self._window_ends_ns:
            self._window_left = min(self._window_left, remaining)

    async def acquire(self, urgent: bool = False) -> None:
        """Wait for a turn and spend it. First come, first served, in a lane each for ordinary and urgent requests.

        A cancelled wait spends nothing.
        """
        async with self._lanes[urgent]:
            while (wait := self.delay(self.clock(), urgent)) > 0:  # noqa: ASYNC110 - a computed wait, not polling
                await anyio.sleep(wait)
            self.take(self.clock())

    @property
    def _reserved(self) -> float:
        """Tokens kept back from ordinary requests; never so many that they could not leave at all."""
        return min(self.rate * self.reserve, self.rate - 1.0)

    def _advance(self, now_ns: int) -> None:
        if self._at_ns is not None and now_ns > self._at_ns:
            self._tokens = min(float(self.rate), self._tokens + (now_ns - self._at_ns) / NS_PER_S * self.rate / self.per_s)
        # Also when the clock was set back: refilling goes on from there instead of standing still until it has caught up.
        self._at_ns = now_ns
        if self._window_left is not None and now_ns >= self._window_ends_ns:
            self._window_left = None
