"""What the venue does when margin runs out (Gate's classic account, rules of 2026-05-12).

Owns the sequence: below initial margin, resting orders go, largest margin first; at or below maintenance margin,
everything rests no more and positions are reduced with IOC reduce-only orders, shorts first, most delta first. The
machine places the orders; this decides which.
"""

from __future__ import annotations

from decimal import Decimal

from strikeloop import (
    OrderState,
)
from strikeloop.margin import AccountMargin
from strikeloop_venue.account import Account
from strikeloop_venue.markets import Market

ZERO = Decimal(0)


def is_due(account: Account, margin: AccountMargin) -> bool:
    """Whether positions must be taken away: MM % = cash / maintenance margin is at or below 100 %."""
    return margin.maintenance > 0 and account.ledger.cash <= margin.maintenance


def trim_orders(account: Account, margin: AccountMargin) -> AccountMargin:
    """Below initial margin: cancel resting orders, largest margin first, until it is covered. Returns the margin then."""
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
    return margin


def withdraw_all(account: Account) -> None:
    """In liquidation nothing rests."""
    for market in account.markets.busy():
        for order in market.open_orders:
            account.withdraw(market, order, OrderState.LIQUIDATED, "liquidated", "the account is in liquidation")


def in_sequence(account: Account) -> list[Market]:
    """Positions in the order in which they are taken: shorts by |delta| they add, then longs by value."""

    def rank(market: Market) -> tuple[bool, float, int]:
        size, delta = market.position.size, 1.0
        if market.ticker is not None and market.ticker.delta is not None:
            delta = market.ticker.delta
        weight = abs(float(size * market.contract.multiplier) * delta)
        return size > 0, -weight, market.contract.expiry

    return sorted(account.markets.held(), key=rank)
