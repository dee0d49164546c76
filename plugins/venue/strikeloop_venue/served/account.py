"""What the served venue has told about one account: orders, fills, ledger, closed and settled positions.

Owns the fold of account events that the REST history is made from. Positions, balances and margins are always asked
of the venue itself. Reads no clock and sends nothing.
"""

from __future__ import annotations

from collections import deque

import attrs

from strikeloop import ContractId, ContractSettled, Event, Filled, LedgerPosted, OrderState, OrderUpdated, PositionClosed

ROWS_KEPT = 5_000
FINISHED_KEPT = 5_000


@attrs.frozen
class Asked:
    """What the request of an order said that its events do not: `iceberg` in contracts."""

    is_close: bool = False
    iceberg: int = 0
    is_mmp: bool = False


_PLAIN = Asked()


@attrs.define
class OrderRow:
    """The latest state of one order, and how it was asked for."""

    event: OrderUpdated
    asked: Asked = _PLAIN

    @property
    def is_open(self) -> bool:
        return not self.event.state.is_terminal


@attrs.frozen
class FillRow:
    """One fill with the price of the underlying when it happened."""

    event: Filled
    underlying_price: float


@attrs.define
class AccountBook:
    """The account as a list of what happened. Feed it every event of the venue, in order, with `add`."""

    orders: dict[str, OrderRow] = attrs.field(factory=dict)
    """By the venue's order id, oldest first; rejected orders never existed there."""
    open: dict[str, OrderRow] = attrs.field(factory=dict)
    by_text: dict[str, str] = attrs.field(factory=dict)
    fills: deque[FillRow] = attrs.field(factory=lambda: deque(maxlen=ROWS_KEPT))
    ledger: deque[LedgerPosted] = attrs.field(factory=lambda: deque(maxlen=ROWS_KEPT))
    closes: deque[PositionClosed] = attrs.field(factory=lambda: deque(maxlen=ROWS_KEPT))
    settlements: deque[ContractSettled] = attrs.field(factory=lambda: deque(maxlen=ROWS_KEPT))
    asked: dict[str, Asked] = attrs.field(factory=dict)
    """By client id, how orders were asked for that the venue has not answered yet."""

    def add(self, event: Event, underlying_price: float) -> None:
        match event:
            case OrderUpdated():
                self._add_order(event)
            case Filled():
                self.fills.append(FillRow(event, underlying_price))
            case LedgerPosted():
                self.ledger.append(event)
            case PositionClosed():
                self.closes.append(event)
            case ContractSettled() if event.size:
                self.settlements.append(event)

    def find(self, order_id: str) -> OrderRow | None:
        """The order with this venue id, or with this text (`t-…`)."""
        return self.orders.get(order_id) or self.orders.get(self.by_text.get(order_id, ""))

    def how(self, order_id: str) -> Asked:
        """How this order was asked for."""
        row = self.orders.get(order_id)
        return _PLAIN if row is None else row.asked

    def pending(self, contract: ContractId) -> int:
        """How many orders are open in one contract."""
        return sum(row.event.contract == contract for row in self.open.values())

    def close_order(self, contract: ContractId) -> OrderRow | None:
        """The open order that closes the position of this contract, if any."""
        return next((row for row in self.open.values() if row.asked.is_close and row.event.contract == contract), None)

    def _add_order(self, event: OrderUpdated) -> None:
        asked = self.asked.pop(event.client_id or "", _PLAIN)
        if event.state is OrderState.REJECTED or event.order_id is None:
            return
        row = self.orders.get(event.order_id)
        if row is None:
            self.orders[event.order_id] = OrderRow(event, asked)
        else:
            row.event = event
        self._index(event.order_id, self.orders[event.order_id])
        if event.client_id is not None:
            self.by_text[event.client_id] = event.order_id
        if len(self.orders) > FINISHED_KEPT:
            self._forget()

    def _index(self, order_id: str, row: OrderRow) -> None:
        if row.is_open:
            self.open[order_id] = row
        else:
            self.open.pop(order_id, None)

    def _forget(self) -> None:
        """Drop the oldest tenth of the finished orders."""
        finished = [order_id for order_id, row in self.orders.items() if not row.is_open]
        for order_id in finished[: FINISHED_KEPT // 10]:
            gone = self.orders.pop(order_id).event
            if gone.client_id is not None:
                self.by_text.pop(gone.client_id, None)
