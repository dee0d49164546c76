"""What a contract pays at its expiry, and what that does to the account.

Owns the settlement of one contract: orders end, intrinsic value is paid, the fee charged, the position closed.
"""

from __future__ import annotations

from decimal import Decimal

import attrs

from strikeloop import (
    ContractId,
    ContractSettled,
    OrderState,
)
from strikeloop.margin import settlement_cash, settlement_fee
from strikeloop_venue.account import Account
from strikeloop_venue.markets import Market

ZERO = Decimal(0)


@attrs.frozen(kw_only=True)
class Settlement:
    """A settled contract: venue time, final price, cash per contract before fee, and our position then."""

    contract: ContractId
    time: int
    settle_price: Decimal
    profit: Decimal
    size: Decimal


def settle(account: Account, market: Market, price: Decimal) -> Settlement:
    """Cancel what rests, pay the intrinsic value, charge the fee, close the position. All of it goes into the account's step."""
    contract, size = market.contract, market.position.size
    for order in market.open_orders:
        account.withdraw(market, order, OrderState.EXPIRED, "cancelled", "the contract expired")
    payoff = contract.intrinsic(price)
    cash, fee = settlement_cash(contract, size, price), settlement_fee(contract, size, price)
    closed = market.position.settle(payoff, fee) if size else None
    account.insurance.settle(contract, price)
    account.step.fact(
        ContractSettled,
        contract=contract.id,
        settle_price=price,
        size=size,
        pnl=cash,
        fee=fee,
        realized_pnl=None if closed is None else closed.pnl,
    )
    if closed is not None:
        account.closed(market, closed, "settled")
        account.post("set", cash, contract.id.name)
        account.post("fee", -fee, contract.id.name)
        account.step.position(market)
    return Settlement(contract=contract.id, time=account.now, settle_price=price, profit=payoff * contract.multiplier, size=size)
