"""The displayed market of one contract, and what we have taken out of it.

Owns `Side` and `Book`: external levels from quotes, snapshots and changes, less the size that our own fills consumed
until the level changes or trades. A book whose changes do not follow one another knows nothing until the next
snapshot or quote. Prices are floats as the market gives them; what leaves here as money is Decimal.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator, Sequence
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
    """One side of a book. `sign` is +1 for bids (higher is better) and −1 for asks.

    `sizes` is what is displayed at each price; `taken` what our own fills took of it. Until something was shown, and after a
    gap, the side is not known: nobody can say how much stands at a price.
    """

    __slots__ = ("_known", "_rising", "sign", "sizes", "taken")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.sizes: dict[float, float] = {}
        self.taken: dict[float, Decimal] = {}
        self._rising: list[float] = []
        self._known = False

    @property
    def prices(self) -> list[float]:
        """Displayed prices, best first."""
        return self._rising[::-1] if self.sign > 0 else self._rising[:]

    def forget(self) -> None:
        """Nothing is known any more."""
        self.sizes, self.taken, self._rising, self._known = {}, {}, [], False

    def replace(self, levels: Iterable[tuple[float, float]]) -> None:
        """These levels are all there is now. What we took out of a level that did not change stays taken."""
        fresh = {price: size for price, size in levels if size > 0}
        if self.taken:
            self.taken = {price: size for price, size in self.taken.items() if fresh.get(price) == self.sizes.get(price)}
        self.sizes, self._rising, self._known = fresh, sorted(fresh), True

    def change(self, levels: Sequence[tuple[float, float]]) -> None:
        """These levels now have these absolute sizes; 0 deletes one."""
        sizes, rising = self.sizes, self._rising
        self._known = True
        if self.taken:
            self.taken = {price: size for price, size in self.taken.items() if not any(p == price and s != sizes.get(p) for p, s in levels)}
        for price, size in levels:
            if size > 0:
                if price not in sizes:
                    insort(rising, price)
                sizes[price] = size
            elif sizes.pop(price, None) is not None:
                del rising[bisect_left(rising, price)]

    def lead(self, price: float | None, size: float) -> None:
        """The best level is this one: anything displayed that is better has gone."""
        if price is None or size <= 0:
            self.replace(())
            return
        rising, sizes = self._rising, self.sizes
        if rising and price == (rising[-1] if self.sign > 0 else rising[0]):
            if sizes[price] != size:
                sizes[price] = size
                self.taken.pop(price, None)
            return
        better = rising[bisect_right(rising, price) :] if self.sign > 0 else rising[: bisect_left(rising, price)]
        if better:
            self.change([(gone, 0.0) for gone in better])
        if sizes.get(price) != size:
            self.change(((price, size),))

    def only(self, price: float | None, size: float) -> None:
        """This level is all there is now."""
        if price is None or size <= 0:
            self.replace(())
        elif len(self.sizes) != 1 or self.sizes.get(price) != size:
            if self.taken:
                self.replace(((price, size),))
            else:
                self.sizes, self._rising, self._known = {price: size}, [price], True

    def visible(self, price: float) -> float | None:
        """The displayed size at `price`; None where the feed does not show it: beyond its last level, or after a gap."""
        size = self.sizes.get(price)
        if size is not None:
            return size
        rising = self._rising
        if not rising:
            return 0.0 if self._known else None
        return None if (rising[0] - price if self.sign > 0 else price - rising[-1]) > 0 else 0.0

    def available(self, price: float) -> Decimal:
        """What is left of a displayed level after our own fills."""
        return exact(self.sizes.get(price, 0.0)) - self.taken.get(price, NONE)

    def touch(self) -> float | None:
        """The best price that has something left; None when the side is empty."""
        rising = self._rising
        if not self.taken:
            return None if not rising else rising[-1] if self.sign > 0 else rising[0]
        return next((price for price in self._from_best() if self.available(price) > 0), None)

    def within(self, limit: float) -> list[float]:
        """Displayed prices, best first, that an order against this side with this limit accepts."""
        rising = self._rising
        return rising[bisect_left(rising, limit) :][::-1] if self.sign > 0 else rising[: bisect_right(rising, limit)]

    def take(self, price: float, size: Decimal) -> None:
        """We took this size from a level."""
        self.taken[price] = self.taken.get(price, NONE) + size

    def _from_best(self) -> Iterator[float]:
        return reversed(self._rising) if self.sign > 0 else iter(self._rising)


class Book:
    """Both sides of one contract. Once depth was seen, quotes only correct its top.

    Changes carry the ids of the updates they hold (`first_id` to `last_id`; 0 where the feed numbers nothing). One that does not
    follow the last one shows that updates were missed: everything is forgotten, and changes are passed over until a snapshot.
    Source: Gate's local order book procedure.
    """

    __slots__ = ("_last_id", "asks", "bids", "has_depth", "is_broken")

    def __init__(self) -> None:
        self.bids, self.asks = Side(+1), Side(-1)
        self.has_depth = self.is_broken = False
        self._last_id = 0

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
            self.bids.only(quote.bid, quote.bid_size)
            self.asks.only(quote.ask, quote.ask_size)

    def on_depth(self, event: BookUpdated) -> None:
        """Apply a snapshot or changes."""
        if event.snapshot:
            self.has_depth, self.is_broken = True, False
            self._last_id = event.last_id
            self.bids.replace(event.bids)
            self.asks.replace(event.asks)
        elif self._follows(event):
            self.has_depth = True
            self.bids.change(event.bids)
            self.asks.change(event.asks)

    def _follows(self, event: BookUpdated) -> bool:
        """Whether changes are to be applied: they are the next ones, and none is missing."""
        if self.is_broken:
            return False
        last = self._last_id
        if not event.last_id or not last:
            self._last_id = event.last_id or last
            return True
        if event.last_id <= last:
            return False
        if event.first_id > last + 1:
            self.is_broken, self.has_depth = True, False
            self.bids.forget()
            self.asks.forget()
            return False
        self._last_id = event.last_id
        return True

    def on_trade(self, price: float) -> None:
        """A trade shows that somebody stands at this price again."""
        self.bids.taken.pop(price, None)
        self.asks.taken.pop(price, None)

    def refill(self) -> None:
        """Forget what we took: for venues whose liquidity we do not consume."""
        self.bids.taken.clear()
        self.asks.taken.clear()
