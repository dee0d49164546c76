"""How much hangs on the queue: what our resting orders would have filled with nobody ahead of them, and with everybody.

Owns what the two ghosts of a resting order fill, and the totals. A ghost meets the same trades and the same displayed market
as its order, is of its size, and ends when the order ends; nothing it does reaches the account. The front ghost has
nobody ahead; the back ghost has everything ahead that was displayed when it joined, and only trades bring it forward.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import attrs

from strikeloop_venue.order import Order
from strikeloop_venue.queue import Ghosts, Place

ZERO = Decimal(0)


@attrs.define(eq=False)
class Tally:
    """What resting orders filled under one view of the queue: contracts, and orders that filled completely."""

    contracts: Decimal = ZERO
    orders: int = 0

    def add(self, size: Decimal, *, is_complete: bool) -> None:
        self.contracts += size
        self.orders += is_complete


@attrs.define(eq=False)
class Bracket:
    """`back` ≤ `real` ≤ `front`, counted over every order that rested. `whole`: whoever is reached fills whole."""

    whole: bool = False
    front: Tally = attrs.field(factory=Tally)
    real: Tally = attrs.field(factory=Tally)
    back: Tally = attrs.field(factory=Tally)

    def join(self, order: Order) -> None:
        """An order came to rest. One that rests again brings what its ghosts are ahead and behind."""
        left, place, ghosts = abs(order.left), order.place, order.ghosts
        displayed = None if place is None else place.displayed
        ahead = Place(float("inf") if displayed is None or order.iceberg else displayed, displayed)
        done = ghosts is not None and ghosts.front <= 0
        order.ghosts = Ghosts(ZERO if done else left, left, ahead)

    def resize(self, order: Order, change: Decimal) -> None:
        """What is left of a resting order changed by this much (unsigned sizes), and it keeps its place."""
        ghosts = order.ghosts
        if ghosts is not None:
            ghosts.front, ghosts.back = max(ghosts.front + change, ZERO), max(ghosts.back + change, ZERO)

    def on_depth(self, order: Order, displayed: float) -> None:
        """A level that the feed did not show when the order joined shows."""
        ghosts = order.ghosts
        if ghosts is not None and ghosts.place.displayed is None and not order.iceberg:
            ghosts.place.front = ghosts.place.displayed = displayed

    def on_trade(self, resting: Sequence[Order], price: float, size: Decimal, lot: Decimal) -> None:
        """A trade of `size` reached our orders: each view shares it once, in priority."""
        ahead = behind = size
        for order in resting:
            if not order.accepts(price):
                return
            ghosts = order.ghosts
            if ghosts is None:
                continue
            reach = behind
            if order.limit == price:
                ghosts.place.front -= float(behind)
                reach = min(ghosts.place.reach(float(lot)) * lot, behind)
            ahead -= self._fill_front(order, ghosts, ahead)
            behind -= self._fill_back(order, ghosts, reach)

    def on_reached(self, order: Order, available: Decimal) -> None:
        """The other side's displayed orders came to the price of this one: where it stands in the queue makes no difference."""
        if order.ghosts is not None:
            self._fill_front(order, order.ghosts, available)
            self._fill_back(order, order.ghosts, available)

    def took(self, order: Order, size: Decimal) -> None:
        """The order itself filled."""
        if size > 0:
            self.real.add(size, is_complete=not order.left)

    def report(self) -> dict[str, dict[str, object]]:
        """The totals, plain."""
        tallies = {"back": self.back, "real": self.real, "front": self.front}
        return {name: {"orders": tally.orders, "contracts": f"{tally.contracts:f}"} for name, tally in tallies.items()}

    def _fill_front(self, order: Order, ghosts: Ghosts, reach: Decimal) -> Decimal:
        size = self._size(order, ghosts.front, reach)
        if size > 0:
            ghosts.front -= size
            self.front.add(size, is_complete=not ghosts.front)
        return ZERO if self.whole else size

    def _fill_back(self, order: Order, ghosts: Ghosts, reach: Decimal) -> Decimal:
        size = self._size(order, ghosts.back, reach)
        if size > 0:
            ghosts.back -= size
            self.back.add(size, is_complete=not ghosts.back)
        return ZERO if self.whole else size

    def _size(self, order: Order, left: Decimal, reach: Decimal) -> Decimal:
        if reach <= 0 or left <= 0 or not order.is_open:
            return ZERO
        return left if self.whole else min(left, reach)
