"""The public book order by order, where a feed tells it.

Owns `OrderShown`, one order's change, and `Level3`, who stands where in the queues of one contract. An order keeps its
place while it shrinks; one that grows or moves queues up anew. Levels and matching are others'.
"""

from __future__ import annotations

import attrs

from strikeloop import ContractId, Event


@attrs.frozen(kw_only=True, weakref_slot=False)
class OrderShown(Event):
    """One order of the public book: `size` is what remains of it (0: gone), `traded` how much of it this change executed."""

    contract: ContractId
    order_id: str
    is_buy: bool
    price: float
    size: float
    traded: float = 0.0


@attrs.define(eq=False)
class Standing:
    """Where one public order stands; a smaller `rank` came first."""

    is_buy: bool
    price: float
    size: float
    rank: int


class Level3:
    """The queues of one contract. `last` is the rank of the order that came last: who joins now stands behind it."""

    def __init__(self) -> None:
        self.last = 0
        self._orders: dict[str, Standing] = {}
        self._levels: dict[tuple[bool, float], dict[str, Standing]] = {}

    def apply(self, event: OrderShown) -> int:
        """Take a change in; returns the rank that the order had when it was made."""
        before = self._orders.get(event.order_id)
        keeps = before is not None and (before.is_buy, before.price) == (event.is_buy, event.price) and event.size <= before.size
        if before is not None and keeps and event.size > 0:
            before.size = event.size
            return before.rank
        if before is not None:
            del self._orders[event.order_id], self._levels[before.is_buy, before.price][event.order_id]
        if event.size > 0:
            self.last += 1
            standing = Standing(event.is_buy, event.price, event.size, self.last)
            self._orders[event.order_id] = standing
            self._levels.setdefault((event.is_buy, event.price), {})[event.order_id] = standing
        return self.last if before is None else before.rank

    def displayed(self, is_buy: bool, price: float) -> float:
        """The size of a level."""
        return sum(standing.size for standing in self._levels.get((is_buy, price), {}).values())

    def ahead(self, is_buy: bool, price: float, rank: int) -> float:
        """What stands at a price before somebody who joined behind the order with this rank."""
        return sum(standing.size for standing in self._levels.get((is_buy, price), {}).values() if standing.rank <= rank)

    def moved(self, event: OrderShown) -> tuple[float, ...]:
        """The prices whose size a change touches on its side, as it stands before the change is applied."""
        before = self._orders.get(event.order_id)
        return (event.price,) if before is None or before.price == event.price else (before.price, event.price)
