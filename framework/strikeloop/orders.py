"""Every order of the account as a fold of events: one table of states, one rule of versions.

Theory: an order's version is (amend generation, filled size, terminal). What the venue says may come late, twice
or out of order; an update that would take a version back is stale and changes nothing. A closed order never opens
again, ABSENT excepted, which the venue's evidence revives. Orders are keyed by our client id; orders of other
hands (foreign) by the venue's id.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import attrs

from strikeloop.commands import AmendOrder, SubmitOrder, TimeInForce
from strikeloop.contracts import ContractId
from strikeloop.events import Filled, OrderState, OrderUpdated

_S = OrderState
_VENUE = frozenset({_S.OPEN, _S.FILLED, _S.CANCELED, _S.EXPIRED, _S.REJECTED, _S.LIQUIDATED})

TRANSITIONS: dict[OrderState, frozenset[OrderState]] = {
    _S.PENDING: _VENUE | {_S.PENDING, _S.SENT, _S.UNKNOWN},
    _S.SENT: _VENUE | {_S.SENT, _S.UNKNOWN},
    _S.OPEN: _VENUE - {_S.REJECTED} | {_S.UNKNOWN},
    _S.UNKNOWN: _VENUE | {_S.UNKNOWN, _S.ABSENT},
    _S.ABSENT: _VENUE,
    _S.FILLED: frozenset({_S.FILLED}),
    _S.CANCELED: frozenset({_S.CANCELED, _S.FILLED, _S.LIQUIDATED}),
    _S.EXPIRED: frozenset({_S.EXPIRED, _S.FILLED}),
    _S.REJECTED: frozenset({_S.REJECTED}),
    _S.LIQUIDATED: frozenset({_S.LIQUIDATED, _S.FILLED}),
}
"""Which state may follow which. A terminal state gives way only to a terminal one that knows more fills."""


@attrs.frozen(kw_only=True)
class Order:
    """One order as far as we know. Sizes are signed (buy > 0), in contracts; `price` None is a market order.

    `instance` is the plugin that owns it, "" for a foreign order; `executed` the signed sum of its reported fills;
    `generation` counts amendments.
    """

    key: str
    contract: ContractId
    size: Decimal
    left: Decimal
    state: OrderState
    instance: str = ""
    client_id: str | None = None
    order_id: str | None = None
    price: Decimal | None = None
    fill_price: Decimal = Decimal(0)
    executed: Decimal = Decimal(0)
    tif: TimeInForce = TimeInForce.GTC
    reduce_only: bool = False
    tag: str = ""
    finish_as: str = ""
    reason: str = ""
    created: int = 0
    updated: int = 0
    generation: int = 0

    @property
    def filled(self) -> Decimal:
        """Signed size filled so far."""
        return self.size - self.left

    @property
    def is_working(self) -> bool:
        """Whether it can still trade, as far as we know (UNKNOWN counts)."""
        return not self.state.is_terminal

    @property
    def is_buy(self) -> bool:
        return self.size > 0


class Orders:
    """The orders of every adapter, oldest first. Only the engine changes it."""

    def __init__(self) -> None:
        self._orders: dict[str, Order] = {}
        self._by_venue_id: dict[tuple[str, str], str] = {}
        self._working: dict[str, None] = {}

    def __iter__(self) -> Iterator[Order]:
        return iter(self._orders.values())

    def __len__(self) -> int:
        return len(self._orders)

    def get(self, client_id: str) -> Order | None:
        """The order with this client id (or, for a foreign order, its key)."""
        return self._orders.get(client_id)

    def by_order_id(self, adapter: str, order_id: str) -> Order | None:
        """The order the venue calls `order_id`."""
        key = self._by_venue_id.get((adapter, order_id))
        return None if key is None else self._orders[key]

    def working(self) -> tuple[Order, ...]:
        """Every order that can still trade, oldest first."""
        return tuple(self._orders[key] for key in self._working)

    def find(self, event: OrderUpdated | Filled) -> Order | None:
        """The order an event speaks of: by client id, else by the venue's id."""
        if event.client_id is not None and (order := self._orders.get(event.client_id)) is not None:
            return order
        return None if event.order_id is None else self.by_order_id(event.contract.adapter, event.order_id)

    def pending(self, command: SubmitOrder, instance: str, now: int) -> Order:
        """Fold an approved submission as PENDING, so that the next review counts it."""
        order = Order(
            key=command.client_id,
            client_id=command.client_id,
            contract=command.contract,
            instance=instance,
            size=command.size,
            left=command.size,
            price=command.price,
            state=OrderState.PENDING,
            tif=command.tif,
            reduce_only=command.reduce_only,
            tag=command.tag,
            created=now,
            updated=now,
        )
        return self._put(order)

    def amending(self, command: AmendOrder, now: int) -> Order | None:
        """Fold an approved amendment: from here on only answers to it (or fills) count as news."""
        order = self._orders.get(command.client_id)
        if order is None:
            return None
        size = order.size if command.size is None else command.size
        price = order.price if command.price is None else command.price
        return self._put(
            attrs.evolve(order, size=size, left=size - order.filled, price=price, generation=order.generation + 1, updated=now)
        )

    def sent(self, client_id: str, now: int) -> None:
        """The bytes of this order left."""
        order = self._orders.get(client_id)
        if order is not None and order.state is OrderState.PENDING:
            self._put(attrs.evolve(order, state=OrderState.SENT, updated=now))

    def apply(self, event: OrderUpdated) -> bool:
        """Fold one update; False when it is stale or impossible and nothing changed."""
        order = self.find(event)
        if order is None:
            self._put(_foreign(event))
            return True
        merged = _merge(order, event)
        if merged is None:
            return False
        self._put(merged)
        return True

    def apply_fill(self, event: Filled) -> Order | None:
        """Fold one execution; returns the order it belongs to, None when no order of ours or known foreign one fits."""
        order = self.find(event)
        if order is None:
            return None
        executed = order.executed + event.size
        left, state, price = order.left, order.state, order.fill_price
        if abs(executed) > abs(order.filled):
            price = (order.fill_price * order.filled + event.price * (executed - order.filled)) / executed
            left = order.size - executed
            state = _after_fill(state, left)
        return self._put(
            attrs.evolve(
                order, executed=executed, left=left, state=state, fill_price=price, order_id=order.order_id or event.order_id, updated=event.received
            )
        )

    def _put(self, order: Order) -> Order:
        self._orders[order.key] = order
        if order.order_id is not None:
            self._by_venue_id[(order.contract.adapter, order.order_id)] = order.key
        if order.is_working:
            self._working[order.key] = None
        else:
            self._working.pop(order.key, None)
        return order


def _after_fill(state: OrderState, left: Decimal) -> OrderState:
    if left == 0:
        return OrderState.FILLED
    return OrderState.OPEN if state in (OrderState.PENDING, OrderState.SENT, OrderState.UNKNOWN, OrderState.ABSENT) else state


def _foreign(event: OrderUpdated) -> Order:
    key = event.client_id or f"{event.contract.adapter}:{event.order_id}"
    left = event.left if event.left is not None else event.size - event.filled
    return Order(
        key=key,
        client_id=event.client_id,
        order_id=event.order_id,
        contract=event.contract,
        size=event.size,
        left=left,
        price=event.price,
        fill_price=event.fill_price,
        state=event.state,
        tif=event.tif,
        reduce_only=event.reduce_only,
        finish_as=event.finish_as,
        reason=event.reason,
        created=event.created or event.time,
        updated=event.received,
    )


def _merge(order: Order, event: OrderUpdated) -> Order | None:
    """`order` as `event` leaves it, or None when the event is older than what we know."""
    if event.state not in TRANSITIONS[order.state]:
        return None
    speaks_of_size = event.state not in (OrderState.SENT, OrderState.UNKNOWN, OrderState.REJECTED, OrderState.ABSENT)
    left, size, price = order.left, order.size, order.price
    if speaks_of_size:
        size = event.size
        filled = event.filled if event.left is not None or event.state is OrderState.FILLED else order.filled
        if abs(filled) < abs(order.filled):
            return None
        left = size - filled
        price = order.price if event.price is None or event.is_market else event.price
    if order.state.is_terminal and order.state is not OrderState.ABSENT and (event.state, left) == (order.state, order.left):
        return None
    return attrs.evolve(
        order,
        state=event.state,
        size=size,
        left=left,
        price=price,
        fill_price=event.fill_price or order.fill_price,
        order_id=event.order_id or order.order_id,
        finish_as=event.finish_as or order.finish_as,
        reason=event.reason or order.reason,
        updated=event.received,
    )
