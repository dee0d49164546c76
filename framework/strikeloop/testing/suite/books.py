"""What the played venue knows: the truth that adapters are compared with.

Owns `Books`: orders, executions, positions and cash, and what a venue does with them. It has no latency and no luck, and
tells each change to who listens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import attrs

from strikeloop.commands import TimeInForce
from strikeloop.contracts import Contract, ContractId
from strikeloop.events import BalanceUpdated, Event, Filled, LedgerPosted, OrderState, OrderUpdated, Origin, PositionUpdated
from strikeloop.testing.suite.asked import Change, Named, No, Place, TurnedDownError, Withdraw

D = Decimal
MILLISECOND_NS = 1_000_000
PRICE = D(100)
"""What trades without a price of its own trades at this."""


class Books:
    """Orders rest until the check lets them trade. `clock` is the venue's, `tell` hears every change in order."""

    def __init__(self, contracts: Sequence[Contract], currency: str, clock: Callable[[], int], tell: Callable[[Event], None]) -> None:
        self.contracts, self._currency, self._clock, self._tell = tuple(contracts), currency, clock, tell
        self.adapter = self.contracts[0].id.adapter
        self.orders: dict[str, OrderUpdated] = {}
        self.fills: list[Filled] = []
        self.placed: list[Place] = []
        self.sizes: dict[ContractId, Decimal] = {}
        self.costs: dict[ContractId, Decimal] = {}
        self.cash = D(1_000)
        self.depth = D(0)
        """How much an order that takes finds on the other side."""

    # ---- what is asked ----

    def place(self, asked: Place) -> OrderUpdated:
        """Take a new order. Raises TurnedDownError."""
        self.placed.append(asked)
        now = self._now()
        order = OrderUpdated(
            time=now,
            received=now,
            contract=self._contract(asked.contract),
            client_id=asked.client_id,
            order_id=str(70_001 + len(self.orders)),
            state=OrderState.OPEN,
            size=asked.size,
            left=asked.size,
            price=asked.price,
            tif=TimeInForce.IOC if asked.price is None else asked.tif,
            is_market=asked.price is None,
            reduce_only=asked.reduce_only,
            created=now,
        )
        if order.tif is not TimeInForce.IOC:
            return self._note(order)
        self.orders[order.order_id or ""] = order  # nothing is told of it before it trades or ends
        self.trade(order, min(self.depth, abs(order.size)))
        if self.now_is(order).state is OrderState.OPEN:
            self._note(attrs.evolve(self.now_is(order), state=OrderState.EXPIRED, finished=now, finish_as="ioc"))
        return self.now_is(order)

    def withdraw(self, asked: Withdraw) -> OrderUpdated:
        """Cancel. Raises TurnedDownError."""
        return self.end(self._working(asked))

    def change(self, asked: Change) -> OrderUpdated:
        """Amend. Raises TurnedDownError."""
        order = self._working(asked)
        size = order.size if asked.size is None else asked.size
        return self._note(
            attrs.evolve(order, size=size, left=size - order.filled, price=order.price if asked.price is None else asked.price)
        )

    def find(self, asked: Named) -> OrderUpdated | None:
        """The order that is meant; of several with one client id the latest."""
        found = [order for order in self.orders.values() if _is(order, asked)]
        return found[-1] if found else None

    # ---- what happens ----

    def trade(self, order: OrderUpdated, size: Decimal | int) -> None:
        """So much of an order trades, at its price."""
        order = self.now_is(order)
        done = min(D(size), abs(order.left or D(0))) * (1 if order.size > 0 else -1)
        if not done:
            return
        left, price, now = (order.left or D(0)) - done, order.price or PRICE, self._now()
        state = OrderState.OPEN if left else OrderState.FILLED
        ended: dict[str, Any] = {"finished": now, "finish_as": "filled"} if not left else {}
        self._note(attrs.evolve(order, left=left, fill_price=price, state=state, **ended))
        fill = Filled(
            time=now,
            received=now,
            contract=order.contract,
            trade_id=str(501 + len(self.fills)),
            order_id=order.order_id or "",
            client_id=order.client_id,
            size=done,
            price=price,
            fee=D("0.03"),
            is_maker=order.tif is not TimeInForce.IOC,
        )
        self.fills.append(fill)
        self.sizes[order.contract] = self.sizes.get(order.contract, D(0)) + done
        self.costs[order.contract] = self.costs.get(order.contract, D(0)) + done * price
        self.cash -= fill.fee or D(0)
        self._tell(fill)
        self._tell(self.position(order.contract))
        self._tell(self.balance())
        self._tell(
            LedgerPosted(
                time=now,
                received=now,
                adapter=self.adapter,
                currency=self._currency,
                change=-(fill.fee or D(0)),
                balance=self.cash,
                kind="fee",
                text=fill.trade_id,
            )
        )

    def end(self, order: OrderUpdated) -> OrderUpdated:
        """The order is withdrawn, by whoever."""
        return self._note(attrs.evolve(self.now_is(order), state=OrderState.CANCELED, finished=self._now(), finish_as="cancelled"))

    def forget(self) -> None:
        """The venue forgets every order."""
        self.orders.clear()

    # ---- what is ----

    def now_is(self, order: OrderUpdated) -> OrderUpdated:
        """The order as it stands."""
        return self.orders[order.order_id or ""]

    def listed(self, *, is_open: bool | None) -> list[OrderUpdated]:
        """Orders, oldest first."""
        return [order for order in self.orders.values() if is_open is None or (order.state is OrderState.OPEN) is is_open]

    def positions(self) -> list[PositionUpdated]:
        """Every position that is not flat."""
        return [self.position(contract) for contract, size in self.sizes.items() if size]

    def position(self, contract: ContractId) -> PositionUpdated:
        """One position."""
        now, size = self._now(), self.sizes.get(contract, D(0))
        entry = self.costs[contract] / size if size else D(0)
        return PositionUpdated(time=now, received=now, contract=contract, size=size, entry_price=entry, realized_pnl=D(0))

    def balance(self) -> BalanceUpdated:
        """The account's money."""
        now = self._now()
        return BalanceUpdated(
            time=now, received=now, adapter=self.adapter, currency=self._currency, total=self.cash, available=self.cash - D("50.5")
        )

    # ---- inside ----

    def _now(self) -> int:
        return self._clock() // MILLISECOND_NS * MILLISECOND_NS

    def _note(self, order: OrderUpdated) -> OrderUpdated:
        now = self._now()
        self.orders[order.order_id or ""] = order = attrs.evolve(order, time=now, received=now)
        self._tell(order)
        return order

    def _working(self, asked: Named) -> OrderUpdated:
        order = self.find(asked)
        if order is None or order.state is not OrderState.OPEN:
            raise TurnedDownError(No.NO_ORDER if order is None else No.OVER)
        return order

    def _contract(self, name: str) -> ContractId:
        return ContractId.of(self.adapter, name)


def _is(order: OrderUpdated, asked: Named) -> bool:
    if asked.order_id is not None:
        return order.order_id == asked.order_id
    return asked.client_id is not None and order.client_id == asked.client_id


def snapshots(events: Sequence[Any]) -> list[Any]:
    """The same events, as a snapshot has them."""
    return [attrs.evolve(event, origin=Origin.SNAPSHOT) for event in events]
