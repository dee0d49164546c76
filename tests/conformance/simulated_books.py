"""The simulated venue as the books behind a played venue: what the contract suite plays against, matched by the real machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import attrs

from strikeloop import (
    AmendOrder,
    BalanceUpdated,
    CancelOrder,
    Contract,
    Event,
    OrderState,
    OrderUpdated,
    PositionUpdated,
    Quoted,
    SubmitOrder,
    TickerUpdated,
    TimeInForce,
    UnderlyingPriced,
)
from strikeloop.testing import Books, asked, event
from strikeloop.testing.suite.asked import TurnedDownError
from strikeloop_venue import VenueSettings

D = Decimal
FAR_BID, FAR_ASK = 1.0, 100_000.0
INDEX = 70_000.0


class SimulatedBooks(Books):
    """Orders are matched by strikeloop-venue; what the check wants to trade is offered to it by the market."""

    def __init__(self, contracts: Sequence[Contract], currency: str, clock: Callable[[], int], tell: Callable[[Event], None]) -> None:
        super().__init__(contracts, currency, clock, tell)
        self.machine = VenueSettings(balance=D(100_000), price_deviation=False, latency={"entry_ms": 0, "response_ms": 0}).open(
            self.adapter, self.contracts
        )
        self._gone: set[str] = set()
        self._is_begun = False

    # ---- what is asked ----

    def place(self, asking: asked.Place) -> OrderUpdated:
        self.placed.append(asking)
        self._begin()
        is_taking = asking.price is None or asking.tif is TimeInForce.IOC
        if is_taking and self.depth:
            self._offer(asking.contract, asking.size, asking.price, self.depth)
        told = self._do(
            SubmitOrder(
                client_id=asking.client_id or "",
                contract=self._contract(asking.contract),
                size=asking.size,
                price=asking.price,
                tif=asking.tif,
                reduce_only=asking.reduce_only,
            )
        )
        self._offer(asking.contract, asking.size, asking.price, D(0))
        refused = [one for one in told if isinstance(one, OrderUpdated) and one.state is OrderState.REJECTED]
        if refused:
            raise TurnedDownError(asked.No.MARGIN)
        return self._found(asked.LookUp(client_id=asking.client_id))

    def withdraw(self, asking: asked.Withdraw) -> OrderUpdated:
        return self.end(self._working(asking))

    def change(self, asking: asked.Change) -> OrderUpdated:
        order = self._working(asking)
        self._do(AmendOrder(client_id=order.client_id or "", contract=order.contract, price=asking.price, size=asking.size))
        return self.now_is(order)

    # ---- what happens ----

    def trade(self, order: OrderUpdated, size: Decimal | int) -> None:
        """So much is offered at a price that the order takes."""
        if size:
            self._begin()
            self._offer(order.contract.name, order.size, order.price, D(size))
            self._offer(order.contract.name, order.size, order.price, D(0))

    def end(self, order: OrderUpdated) -> OrderUpdated:
        self._do(CancelOrder(client_id=order.client_id or "", contract=order.contract))
        return self.now_is(order)

    def forget(self) -> None:
        self._gone |= set(self.orders)
        self._sync()

    # ---- what is ----

    def positions(self) -> list[PositionUpdated]:
        return list(self.machine.positions())

    def balance(self) -> BalanceUpdated:
        self._begin()
        return self.machine.account()

    # ---- inside ----

    def _begin(self) -> None:
        """The market stands, far away from every order."""
        if self._is_begun:
            return
        self._is_begun = True
        now = self._clock()
        for contract in self.contracts:
            self.machine.on_market(event(UnderlyingPriced, at=now, underlying=contract.underlying, price=INDEX))
            self.machine.on_market(event(TickerUpdated, at=now, contract=contract.id, mark_price=100.0))
            self.machine.on_market(self._quote(contract.id.name, FAR_BID, FAR_ASK, 1_000, 1_000))
        self.machine.advance(now)

    def _offer(self, name: str, size: Decimal, price: Decimal | None, depth: Decimal) -> None:
        """The market offers `depth` where an order of this size and price takes it; with 0 it goes away again."""
        at = float(price or 100)
        if not depth:
            quote = self._quote(name, FAR_BID, FAR_ASK, 1_000, 1_000)
        elif size > 0:
            quote = self._quote(name, FAR_BID, at, 1_000, float(depth))
        else:
            quote = self._quote(name, at, FAR_ASK, float(depth), 1_000)
        self.machine.on_market(quote)
        self._advance()

    def _quote(self, name: str, bid: float, ask: float, bid_size: float, ask_size: float) -> Quoted:
        contract = self._contract(name)
        return event(Quoted, at=self._clock(), contract=contract, bid=bid, ask=ask, bid_size=bid_size, ask_size=ask_size)

    def _do(self, command: Any) -> list[Event]:
        self._begin()
        self.machine.accept(command, self._clock())
        return self._advance()

    def _advance(self) -> list[Event]:
        """What the machine says is told as the venue's."""
        told = list(self.machine.advance(self._clock()))
        self._sync()
        for one in told:
            self._tell(one)
        return told

    def _sync(self) -> None:
        now = self._clock()
        known = [order.event(now, now) for order in self.machine.orders()]
        self.orders = {one.order_id or "": one for one in known if (one.order_id or "") not in self._gone}
        self.fills = [attrs.evolve(fill) for fill in self.machine.fills()]
        self.sizes = {one.contract: one.size for one in self.machine.positions()}

    def _found(self, asking: asked.Named) -> OrderUpdated:
        found = self.find(asking)
        if found is None:
            raise TurnedDownError(asked.No.NO_ORDER)
        return found
