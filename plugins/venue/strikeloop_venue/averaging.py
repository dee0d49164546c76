"""The average that settles a contract, and the forward while it builds up.

Owns the samples of the index: at fixed steps over the window that ends at the expiry, each the last price known by
then, so a gap holds the price before it.
"""

from __future__ import annotations

import math

from strikeloop_venue.agenda import NEVER


class IndexWindow:
    """The index of one underlying as far back as the next settlement needs it. Times in ns."""

    __slots__ = ("_known", "_prices", "_times", "opens")

    def __init__(self) -> None:
        self.opens = NEVER
        self._times: list[int] = []
        self._prices: list[float] = []
        self._known: tuple[tuple[int, int, int], float | None] = ((0, 0, 0), None)

    def add(self, time: int, price: float) -> None:
        """The index is `price` from `time` on."""
        if time <= self.opens and self._times:
            self._times[-1], self._prices[-1] = time, price
        else:
            self._times.append(time)
            self._prices.append(price)

    def open_at(self, opens: int) -> None:
        """Nothing before `opens` will be asked for, except the price that held then."""
        self.opens = opens
        keep = 0
        while keep + 1 < len(self._times) and self._times[keep + 1] <= opens:
            keep += 1
        del self._times[:keep], self._prices[:keep]

    def mean(self, end: int, window: int, step: int) -> float | None:
        """Arithmetic mean of the samples at end − window + step, …, end; None when no price was known by `end`."""
        samples: list[float] = []
        at = -1
        for time in range(end - window + step, end + 1, step):
            while at + 1 < len(self._times) and self._times[at + 1] <= time:
                at += 1
            if at >= 0:
                samples.append(self._prices[at])
        return math.fsum(samples) / len(samples) if samples else None

    def so_far(self, opens: int, now: int, step: int) -> float | None:
        """The mean of the samples that the window opened at `opens` has by `now`; None before the first."""
        count = (now - opens) // step
        asked = (opens, count, step)
        if self._known[0] != asked:
            self._known = (asked, self.mean(opens + count * step, count * step, step) if count > 0 else None)
        return self._known[1]


def blended(forward: float, average: float, share: float) -> float:
    """The forward of a contract whose window has run for `share` of its length: share · average so far + (1 − share) · forward.

    Source: the documentation of Derive and Binance; Gate's rule is not public.
    """
    return share * average + (1.0 - share) * forward
