"""The displayed market of one contract, and what we have taken out of it.

Owns `Side` and `Book`: external levels from quotes, snapshots and deltas, less the size that our own fills consumed
until the level changes or trades. Prices are floats as the market gives them; what leaves here as money is Decimal.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from strikeloop import (
    BookUpdated,
    Quoted,
)

NONE = Decimal(0)


def exact(value: float) -> Decimal:
    """The Decimal a float stands for: whole numbers without a fraction, everything else by its shortest text."""
    return Decimal(int(value)) if value == int(value) else Decimal(repr(value))


class Side:
    """One side of a book. `sign` is +1 for bids (higher is better) and −1 for asks."""

    __slots__ = ("_sorted", "sign", "sizes", "taken")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.sizes: dict[float, float] = {}
        self.taken: dict[float, Decimal] = {}
        self._sorted: list[float] | None = []

    @property
    def prices(self) -> list[float]:
        """Displayed prices, best first."""
        if self._sorted is None:
            self._sorted = sorted(self.sizes, reverse=self.sign > 0)
        return self._sorted

    def replace(self, levels: Iterable[tuple[float, float]]) -> None:
        """These levels are all there is now. What we took out of a level that did not change stays taken."""
        fresh = {price: size for price, size in levels if size > 0}
        if fresh == self.sizes:
            return
        self.taken = {price: size for price, size in self.taken.items() if fresh.get(price) == self.sizes.get(price)}
        self.sizes, self._sorted = fresh, None

    def set(self, price: float, size: float) -> None:
        """One level now has this absolute size; 0 deletes it."""
        if self.sizes.get(price, 0.0) == size:
            return
        self.taken.pop(price, None)
        self._sorted = None
        if size > 0:
            self.sizes[price] = size
        else:
            self.sizes.pop(price, None)

    def lead(self, price: float | None, size: float) -> None:
        """The best level is this one: anything displayed that is better has gone."""
        if price is None:
            self.replace(())
            return
        for better in [other for other in self.sizes if (other - price) * self.sign > 0]:
            self.set(better, 0.0)
        self.set(price, size)

    def visible(self, price: float) -> float | None:
        """The displayed size at `price`; None beyond the last level that the feed shows."""
        size = self.sizes.get(price)
        if size is not None:
            return size
        prices = self.prices
        return None if prices and (prices[-1] - price) * self.sign > 0 else 0.0

    def available(self, price: float) -> Decimal:
        """What is left of a displayed level after our own fills."""
        return exact(self.sizes.get(price, 0.0)) - self.taken.get(price, NONE)

    def best(self) -> tuple[float, Decimal] | None:
        """The best price that has something left, and how much; None when the side is empty."""
        for price in self.prices:
            left = self.available(price)
            if left > 0:
                return price, left
        return None

    def take(self, price: float, size: Decimal) -> None:
        """We took this size from a level."""
        self.taken[price] = self.taken.get(price, NONE) + size


class Book:
    """Both sides of one contract. Once depth was seen, quotes only correct its top."""

    __slots__ = ("asks", "bids", "has_depth")

    def __init__(self) -> None:
        self.bids, self.asks = Side(+1), Side(-1)
        self.has_depth = False

    @property
    def is_touched(self) -> bool:
        """Whether our own fills are missing from it."""
        return bool(self.bids.taken or self.asks.taken)

    def on_quote(self, quote: Quoted) -> None:
        """Apply a best bid and ask."""
        if self.has_depth:
            self.bids.lead(quote.bid, quote.bid_size)
            self.asks.lead(quote.ask, quote.ask_size)
        else:
            self.bids.replace(() if quote.bid is None else ((quote.bid, quote.bid_size),))
            self.asks.replace(() if quote.ask is None else ((quote.ask, quote.ask_size),))

    def on_depth(self, event: BookUpdated) -> None:
        """Apply a snapshot or changes."""
        self.has_depth = True
        for side, levels in ((self.bids, event.bids), (self.asks, event.asks)):
            if event.snapshot:
                side.replace(levels)
            else:
                for price, size in levels:
                    side.set(price, size)

    def on_trade(self, price: float) -> None:
        """A trade shows that somebody stands at this price again."""
        self.bids.taken.pop(price, None)
        self.asks.taken.pop(price, None)

    def refill(self) -> None:
        """Forget what we took: for venues whose liquidity we do not consume."""
        self.bids.taken.clear()
        self.asks.taken.clear()
