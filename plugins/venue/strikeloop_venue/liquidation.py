"""What the venue does when margin runs out (Gate's classic account, rules of 2026-05-12).

Theory. With IM % = balance / initial and MM % = balance / maintenance margin: below 100 % of the first, resting orders
go, largest margin first. At or below 100 % of the second nothing rests, and IOC reduce-only orders at the agreement price
take positions a batch at a time: shorts before longs, what cuts |delta| most, near expiries, strikes near the money.
What nobody takes stays until the account would be worth nothing at agreement prices; then the insurance fund has it.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from strikeloop import (
    Liquidated,
    OrderState,
)
from strikeloop.margin import AccountMargin
from strikeloop_venue.account import Account
from strikeloop_venue.markets import Market

ZERO = Decimal(0)
SHORTS_AT, LONGS_AT = Decimal("1.5"), Decimal("0.5")
"""The agreement price as a multiple of the mark: Gate's mark_price_up and mark_price_down. That they bound it is inferred."""

Send = Callable[[Market, Decimal, Decimal], None]


def is_due(account: Account, margin: AccountMargin) -> bool:
    """Whether positions must be taken away: MM % at or below 100 %, or, without maintenance margin, nothing left at all."""
    balance = margin.balance(account.ledger.cash)
    return balance <= margin.maintenance if margin.maintenance > 0 else balance < 0


def trim_orders(account: Account, margin: AccountMargin) -> None:
    """Below initial margin: cancel resting orders, largest margin first, until it is covered."""
    while account.available(margin) < 0 and margin.order > 0:
        freed, chosen = margin, None
        for market in account.markets.busy():
            for order in market.open_orders:
                without = account.margin(without=order)
                if without.order < freed.order:
                    freed, chosen = without, (market, order)
        if chosen is None:
            break
        account.withdraw(*chosen, OrderState.CANCELED, "cancelled", "INSUFFICIENT_AVAILABLE: margin call")
        margin = freed


class Liquidator:
    """Watches one account. `send` places an order of the venue's own: market, signed size, price; `take_over` the same off the book."""

    def __init__(self, account: Account, send: Send, take_over: Send) -> None:
        self._account, self._send, self._take_over = account, send, take_over
        self.is_active = False
        """Whether the account is in liquidation: only reduce-only orders are taken."""

    def watch(self) -> None:
        """Look at the margin, and do what the rules say."""
        account = self._account
        margin = account.margin()
        held = account.markets.held()
        if held and is_due(account, margin):
            self._liquidate(margin)
        else:
            self.is_active = False
            trim_orders(account, margin)
        if account.ledger.cash < 0 and not account.markets.held():
            self._cover()

    def _liquidate(self, margin: AccountMargin) -> None:
        account = self._account
        if not self.is_active:
            self.is_active = True
            account.step.fact(
                Liquidated,
                adapter=account.adapter,
                initial_margin=margin.initial,
                maintenance_margin=margin.maintenance,
                order_margin=margin.order,
            )
        for market in account.markets.busy():
            for order in market.open_orders:
                account.withdraw(market, order, OrderState.LIQUIDATED, "liquidated", "the account is in liquidation")
        self._reduce()
        if is_due(account, account.margin()) and self._worth() <= 0:
            for market in account.markets.held():
                self._take_over(market, -market.position.size, agreement_price(account, market))
        self.is_active = bool(account.markets.held()) and is_due(account, account.margin())

    def _reduce(self) -> None:
        """Batch by batch, until the margin suffices or nobody takes more."""
        account = self._account
        batches = {market.contract.id: self._batch(market) for market in account.markets.held()}
        exhausted: set[str] = set()
        while is_due(account, account.margin()):
            left = [market for market in in_sequence(account) if market.contract.id.name not in exhausted]
            if not left:
                return
            market, size = left[0], left[0].position.size
            batch = min(abs(size), batches[market.contract.id])
            self._send(market, -batch if size > 0 else batch, agreement_price(account, market))
            if abs(market.position.size) > abs(size) - batch:
                exhausted.add(market.contract.id.name)

    def _batch(self, market: Market) -> Decimal:
        """The share of a position that goes at once, in whole orders of the contract's least size."""
        least = market.contract.size_min
        return (abs(market.position.size) * self._account.rules.liquidation_batch / least).to_integral_value(ROUND_CEILING) * least

    def _worth(self) -> Decimal:
        """What is left if every position goes at its agreement price."""
        account = self._account
        return account.ledger.cash + sum(
            (market.position.value(agreement_price(account, market)) for market in account.markets.held()), ZERO
        )

    def _cover(self) -> None:
        """An account owes nothing: the insurance fund pays what it cannot."""
        missing = -self._account.ledger.cash
        self._account.insurance.receive(-missing)
        self._account.post("insurance", missing, "the insurance fund covers the deficit")


def agreement_price(account: Account, market: Market) -> Decimal:
    """The worst price at which a position is closed, on the tick: above the mark for a short, below it for a long."""
    is_short = market.position.size < 0
    factor, rounding = (SHORTS_AT, ROUND_CEILING) if is_short else (LONGS_AT, ROUND_FLOOR)
    tick = market.contract.tick
    return (account.mark(market) * factor / tick).to_integral_value(rounding) * tick


def in_sequence(account: Account) -> list[Market]:
    """Positions in the order in which they are taken."""
    held = account.markets.held()
    deltas = {market.contract.id: _delta(market) for market in held}
    net: dict[str, float] = {}
    for market in held:
        net[market.contract.underlying] = net.get(market.contract.underlying, 0.0) + deltas[market.contract.id]

    def rank(market: Market) -> tuple[bool, float, int, float]:
        contract, whole = market.contract, net[market.contract.underlying]
        cut = abs(whole) - abs(whole - deltas[contract.id])
        away = abs(float(contract.strike) / account.forward(market) - 1.0)
        return market.position.size > 0, -cut, contract.expiry, away

    return sorted(held, key=rank)


def _delta(market: Market) -> float:
    """The delta of the whole position; of a contract that tells none, that of the underlying itself."""
    ticker, contract = market.ticker, market.contract
    one = ticker.delta if ticker is not None and ticker.delta is not None else 1.0 if contract.is_call else -1.0
    return float(market.position.size * contract.multiplier) * one
