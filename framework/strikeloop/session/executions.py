"""How much of each order was executed: as fills report it, as the order says itself, and as it was passed on.

Owns `Executions`: every execution is passed on once, whoever tells of it, and orders that nobody speaks of any more are
forgotten. What is not newer than the last execution forgotten counts as old, so that none is ever passed on again.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from decimal import Decimal

import attrs

from strikeloop.contracts import ContractId
from strikeloop.events import Filled, OrderUpdated

FillKey = tuple[ContractId, str, str]
OrderKey = tuple[ContractId, str]
ZERO = Decimal(0)
MOST_ORDERS = 5_000


def fill_key(fill: Filled) -> FillKey:
    """Trade ids are small and per contract: only with contract and order do they name one execution."""
    return (fill.contract, fill.trade_id, fill.order_id)


class _Executed:
    """Of one order: the trades that were reported, and signed sums of sizes. What is as here costs an order nothing."""

    trades: Container[str] = ()
    """A dict from the first one on."""
    reported: Decimal = ZERO
    told: Decimal | None = None
    """What the order says itself, None before it did."""
    passed_on: Decimal = ZERO
    paid: Decimal = ZERO
    """Σ size · price of what was passed on."""
    forgiven: Decimal = ZERO
    """What nobody reported before the last snapshot: it is in the positions, and missed no more."""
    latest: int = -1
    """The time of its last execution."""
    spoken: int = 0
    """When it was last spoken of, as a count."""

    @property
    def missing(self) -> bool:
        return self.told is not None and abs(self.told) > abs(self.reported + self.forgiven)

    def add(self, trade_id: str) -> None:
        """This trade was reported."""
        if isinstance(self.trades, dict):
            self.trades[trade_id] = None
        else:
            self.trades = {trade_id: None}


class Executions:
    """The orders of one account."""

    def __init__(self) -> None:
        self._orders: dict[OrderKey, _Executed] = {}
        self._horizon, self._spoken = -1, 0

    def __len__(self) -> int:
        return len(self._orders)

    def resume(self, fills: Iterable[FillKey], filled: Mapping[OrderKey, tuple[Decimal, Decimal]]) -> None:
        """An earlier run passed on these fills, and of these orders (size, size · price)."""
        for contract, trade_id, order_id in fills:
            self._order((contract, order_id)).add(trade_id)
        for key, (size, paid) in filled.items():
            order = self._order(key)
            order.passed_on = order.reported = size
            order.paid = paid

    def news(self, fill: Filled) -> Filled | None:
        """The part of `fill` that was not passed on before.

        A synthetic fill states how much of its order is filled so far and at what price on average, a reported one a
        single execution; what both tell of one order overlaps, so an order's fills are passed on up to the larger sum.
        """
        key = (fill.contract, fill.order_id)
        if fill.time <= self._horizon and key not in self._orders:
            return None
        order = self._order(key)
        if fill.synthetic:
            total = fill.size
        elif fill.trade_id in order.trades:
            return None
        else:
            order.add(fill.trade_id)
            total = order.reported = order.reported + fill.size
        if fill.time > order.latest:
            order.latest = fill.time
        before = order.passed_on
        if not total or (before and abs(total) <= abs(before)):
            return None
        size = total - before if before else total
        news = fill if size is fill.size or size == fill.size else _remainder(fill, order, size)
        order.passed_on, order.paid = total, order.paid + size * news.price
        return news

    def told(self, update: OrderUpdated) -> None:
        """An order says how much of it is filled."""
        left = update.left
        if update.order_id is not None and left is not None:
            order, filled = self._order((update.contract, update.order_id)), update.size - left
            if order.told is None or abs(filled) > abs(order.told):
                order.told = filled

    def has_told(self, contract: ContractId, order_id: str) -> bool:
        """Whether it is known from the order itself how much of it is filled."""
        order = self._orders.get((contract, order_id))
        return order is not None and order.told is not None

    def passed_on(self, contract: ContractId, order_id: str) -> Decimal:
        """How much of the order was passed on."""
        order = self._orders.get((contract, order_id))
        return ZERO if order is None else order.passed_on

    def gap(self, contract: ContractId, order_id: str) -> str:
        """A sentence when an order says that more of it is filled than fills were reported."""
        order = self._orders.get((contract, order_id))
        if order is None or not order.missing:
            return ""
        return f"order {order_id} in {contract} is filled {order.told}, fills say {order.reported + order.forgiven}"

    def forgive(self) -> None:
        """Positions are known from a snapshot: what was not reported until now is missed no more."""
        for order in self._orders.values():
            if order.missing:
                order.forgiven = (order.told or ZERO) - order.reported

    def purge(self, open_orders: Container[str]) -> None:
        """Forget the orders nobody spoke of for longest, but for those that are open, once there are too many."""
        if len(self._orders) <= MOST_ORDERS:
            return
        too_many = len(self._orders) - MOST_ORDERS * 3 // 4
        closed = [(order.spoken, key) for key, order in self._orders.items() if key[1] not in open_orders]
        for _, key in sorted(closed)[:too_many]:
            self._horizon = max(self._horizon, self._orders.pop(key).latest)

    def _order(self, key: OrderKey) -> _Executed:
        order = self._orders.get(key)
        if order is None:
            order = self._orders[key] = _Executed()
        self._spoken = order.spoken = self._spoken + 1
        return order


def _remainder(fill: Filled, order: _Executed, size: Decimal) -> Filled:
    """The part of a fill that is news; of an average price, what makes it come out so."""
    price = (fill.size * fill.price - order.paid) / size if fill.synthetic else fill.price
    return attrs.evolve(fill, size=size, price=price)
