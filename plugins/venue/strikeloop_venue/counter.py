"""The venue's counter: it takes submissions, cancellations and amendments, and knows every order it ever took.

Owns the index of orders and the course of one request from admission to resting or ending. Refusals are answers,
never errors: an order that was not taken does not exist at the venue.
"""

from __future__ import annotations

from decimal import Decimal

import attrs

from strikeloop import (
    AmendOrder,
    CancelOrder,
    OrderState,
    OrderUpdated,
    Origin,
    SubmitOrder,
    TimeInForce,
)
from strikeloop_venue.account import Account
from strikeloop_venue.admission import refuse_amendment, refuse_order
from strikeloop_venue.agenda import Request, Scope
from strikeloop_venue.markets import Market, Markets
from strikeloop_venue.matching import Matcher
from strikeloop_venue.order import Order
from strikeloop_venue.protection import Protection

ZERO = Decimal(0)


def refused(command: Request, time: int, received: int, reason: str) -> OrderUpdated:
    """The answer to a request about an order that does not exist at the venue."""
    size = ZERO if isinstance(command, CancelOrder) else command.size or ZERO
    submission = command if isinstance(command, SubmitOrder) else None
    return OrderUpdated(
        time=time,
        received=received,
        origin=Origin.SIMULATED,
        contract=command.contract,
        state=OrderState.REJECTED,
        size=size,
        client_id=command.client_id,
        left=size,
        price=None if isinstance(command, CancelOrder) else command.price,
        tif=TimeInForce.GTC if submission is None else submission.tif,
        is_market=submission is not None and submission.is_market,
        reduce_only=submission is not None and submission.reduce_only,
        finished=time,
        reason=reason,
    )


class Counter:
    """`orders` holds every order taken, by order id, oldest first."""

    def __init__(self, protection: Protection, account: Account, markets: Markets, matcher: Matcher) -> None:
        self._protection, self._account, self._markets, self._matcher = protection, account, markets, matcher
        self.orders: dict[str, Order] = {}
        self._by_client: dict[str, Order] = {}

    def find(self, key: str) -> Order | None:
        """By order id or client id."""
        return self.orders.get(key) or self._by_client.get(key)

    def open_orders(self) -> list[Order]:
        """Every resting order, oldest first."""
        return sorted((order for market in self._markets.busy() for order in market.open_orders), key=lambda order: order.rank)

    def serve(self, command: Request, *, is_frozen: bool) -> OrderUpdated | None:
        """Carry a request out; returns the refusal where no order exists to speak of. `is_frozen`: only reducing is allowed."""
        known = self._by_client.get(command.client_id)
        if isinstance(command, SubmitOrder):
            reason = "INVALID_PARAM_VALUE: the client id is in use" if known else self._submit(command, is_frozen=is_frozen)
        elif known is None or known.contract != command.contract:
            known, reason = None, f"ORDER_NOT_FOUND: no order {command.client_id} in {command.contract}"
        elif not known.is_open:
            reason = f"ORDER_FINISHED: the order is {known.state.value}"
        elif isinstance(command, CancelOrder):
            reason = None
            self._cancel(known)
        else:
            reason = self._amend(known, command, is_frozen=is_frozen)
        if reason is not None and known is not None:
            self._account.step.order(known, reason)
        elif reason is not None:
            return refused(command, self._account.now, self._account.now, reason)
        return None

    def forget(self, keep: int) -> None:
        """Drop finished orders, oldest first, until `keep` of them are left."""
        finished = [order for order in self.orders.values() if not order.is_open]
        for order in finished[: max(0, len(finished) - keep)]:
            self._forget(order)

    def liquidate(self, market: Market, size: Decimal, price: Decimal) -> None:
        """Reduce a position with an IOC reduce-only order of the venue's own; at price 0 it is a market order."""
        order = self._liquidation(market, size, price or None)
        self._matcher.take(market, order)
        if order.is_open:
            self._account.withdraw(market, order, OrderState.LIQUIDATED, "liquidated")

    def take_over(self, market: Market, size: Decimal, price: Decimal) -> None:
        """The insurance fund takes a position off the account at a price; the book sees nothing of it."""
        order = self._liquidation(market, size, price or None)
        self._account.insurance.take_over(market.contract, -size, price)
        self._account.fill(market, order, abs(size), price, is_maker=False, is_takeover=True)

    def _liquidation(self, market: Market, size: Decimal, price: Decimal | None) -> Order:
        command = SubmitOrder(client_id="", contract=market.contract.id, size=size, price=price, tif=TimeInForce.IOC, reduce_only=True)
        order = self._take_in(market, command, TimeInForce.IOC)
        order.is_liquidation = True
        return order

    def _submit(self, command: SubmitOrder, *, is_frozen: bool) -> str | None:
        market = self._markets.get(command.contract)
        if market is None:
            what = "has expired" if command.contract in self._markets.retired else "is not listed"
            return f"CONTRACT_NOT_FOUND: {command.contract} {what}"
        if is_frozen and not command.reduce_only:
            return "POSITION_IN_LIQUIDATION: only reduce-only orders are taken"
        if command.mmp and self._protection.is_frozen(market.contract.underlying):
            return "MMP_FROZEN: market maker protection has frozen quoting"
        if command.reduce_only and not command.size:
            if not market.position.size:
                return f"POSITION_EMPTY: there is no position in {command.contract}"
            command = attrs.evolve(command, size=-market.position.size)
        refusal = refuse_order(self._account, market, command)
        if refusal is not None:
            return refusal
        tif = TimeInForce.IOC if command.is_market else command.tif
        order = self._take_in(market, command, tif)
        if tif is TimeInForce.POC and self._matcher.crosses(market, order):
            self._forget(order)
            return "ORDER_POC_IMMEDIATE: the order would trade at once"
        self._account.step.order(order)
        self._place(market, order)
        return None

    def _place(self, market: Market, order: Order) -> None:
        """Trade what can trade, then rest or end."""
        account = self._account
        if order.reduce_only and not account.room(market, order):
            account.withdraw(market, order, OrderState.CANCELED, "reduce_only", "POSITION_EMPTY: there is nothing to reduce")
            return
        self._matcher.take(market, order)
        if not order.is_open:
            return
        if order.reduce_only and not account.room(market, order):
            account.withdraw(market, order, OrderState.CANCELED, "reduce_only", "there is nothing left to reduce")
        elif order.tif is TimeInForce.IOC:
            account.withdraw(market, order, OrderState.EXPIRED, "ioc")
        else:
            self._matcher.rest(market, order)
            if order.reduce_only:
                account.withdraw_reducing(market)

    def cancel_all(self, scope: Scope, reason: str) -> None:
        """Withdraw every resting order that the scope covers."""
        for market in self._markets.busy():
            if scope.covers(market.contract.underlying, market.contract.id):
                for order in market.open_orders:
                    self._account.withdraw(market, order, OrderState.CANCELED, "cancelled", reason)

    def _cancel(self, order: Order) -> None:
        market = self._markets.by_contract[order.contract]
        self._account.withdraw(market, order, OrderState.CANCELED, "cancelled")

    def _amend(self, order: Order, command: AmendOrder, *, is_frozen: bool) -> str | None:
        """Priority is kept only by an order that gets smaller at the same price."""
        market = self._markets.by_contract[order.contract]
        self._markets.catch_up(market)
        if is_frozen:
            return "POSITION_IN_LIQUIDATION: orders cannot be amended"
        refusal = refuse_amendment(self._account, market, order, command)
        if refusal is not None:
            return refusal
        size = order.size if command.size is None else command.size
        price = order.price if command.price is None else command.price
        keeps_place = price == order.price and abs(size) <= abs(order.size)
        if not keeps_place and order.tif is TimeInForce.POC and self._would_cross(market, order, price):
            return "ORDER_POC_IMMEDIATE: the order would trade at once"
        self._matcher.bracket.resize(order, abs(size) - abs(order.size))
        order.left, order.size = size - order.filled, size
        self._account.step.order(order)
        if not keeps_place:
            market.lift(order)
            order.price, order.limit, order.rank = price, float(price or ZERO), self._matcher.next_rank()
            self._place(market, order)
        return None

    def _would_cross(self, market: Market, order: Order, price: Decimal | None) -> bool:
        before = order.price, order.limit
        order.price, order.limit = price, float(price or ZERO)
        crosses = self._matcher.crosses(market, order)
        order.price, order.limit = before
        return crosses

    def _take_in(self, market: Market, command: SubmitOrder, tif: TimeInForce) -> Order:
        rank = self._matcher.next_rank()
        self._markets.use(market)
        order = Order(
            order_id=str(rank),
            client_id=command.client_id or None,
            contract=market.contract.id,
            size=command.size,
            left=command.size,
            price=command.price,
            limit=float(command.price or ZERO),
            tif=tif,
            reduce_only=command.reduce_only,
            iceberg=command.iceberg,
            mmp=command.mmp,
            created=self._account.now,
            rank=rank,
        )
        self.orders[order.order_id] = order
        if order.client_id is not None:
            self._by_client[order.client_id] = order
        return order

    def _forget(self, order: Order) -> None:
        """It was never taken."""
        del self.orders[order.order_id]
        if order.client_id is not None:
            del self._by_client[order.client_id]
