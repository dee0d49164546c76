"""Candles: prices and volumes gathered into bars of fixed lengths, and read back in any length the venue offers.

Owns `Series`, the bars of one thing (trades of a contract, its mark, an index) in three lengths, each kept for so long.
Times are ns; bars begin at multiples of their length. A bar without a price is not made.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping

import attrs

SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS
HOUR_NS = 60 * MINUTE_NS
DAY_NS = 24 * HOUR_NS

INTERVALS: Mapping[str, int] = {
    "10s": 10 * SECOND_NS,
    "1m": MINUTE_NS,
    "5m": 5 * MINUTE_NS,
    "15m": 15 * MINUTE_NS,
    "30m": 30 * MINUTE_NS,
    "1h": HOUR_NS,
    "4h": 4 * HOUR_NS,
    "8h": 8 * HOUR_NS,
    "1d": DAY_NS,
    "7d": 7 * DAY_NS,
}
"""The lengths that streams offer, by the venue's name; REST offers 1m to 1h."""

_KEPT = ((HOUR_NS, 336), (MINUTE_NS, 720), (10 * SECOND_NS, 90))
"""How many bars of which length are kept, longest first: two weeks, twelve hours, a quarter of an hour."""


@attrs.define
class Bar:
    """`volume` in contracts, `amount` in the quote currency per unit of the underlying."""

    start: int
    open: float
    high: float
    low: float
    close: float
    volume: float = 0.0
    amount: float = 0.0

    def add(self, other: Bar) -> None:
        """What happened next belongs to this bar too."""
        self.high, self.low, self.close = max(self.high, other.high), min(self.low, other.low), other.close
        self.volume += other.volume
        self.amount += other.amount


@attrs.define(eq=False)
class Series:
    """The bars of one price."""

    _bars: dict[int, deque[Bar]] = attrs.field(factory=lambda: {length: deque(maxlen=kept) for length, kept in _KEPT})

    def add(self, time: int, price: float, volume: float = 0.0) -> None:
        """A price, at which so many contracts traded."""
        for length, bars in self._bars.items():
            bar = Bar(time - time % length, price, price, price, price, volume, volume * price)
            if bars and bars[-1].start == bar.start:
                bars[-1].add(bar)
            else:
                bars.append(bar)

    def bars(self, length: int) -> Iterator[Bar]:
        """Bars of `length`, newest first, as far back as they are kept; made as they are asked for."""
        source = next(bars for own, bars in self._bars.items() if length % own == 0)
        made: Bar | None = None
        for bar in reversed(source):
            start = bar.start - bar.start % length
            if made is None or made.start != start:
                if made is not None:
                    yield made
                made = attrs.evolve(bar, start=start)
            else:
                earlier = attrs.evolve(bar, start=start)
                earlier.add(made)
                made = earlier
        if made is not None:
            yield made
