"""What a contract is worth at its expiry, and what that does to the account.

Owns the averaging of the index and the settlement of one contract. The index is sampled at fixed steps over the
window that ends at the expiry; each sample is the last price known by then, so a gap holds the price before it.
"""

from __future__ import annotations

import math
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
NEVER = 2**63 - 1


@attrs.frozen(kw_only=True)
class Settlement:
    """A settled contract: venue time, final price, cash per contract before fee, and our position then."""

    contract: ContractId
    time: int
    settle_price: Decimal
    profit: Decimal
    size: Decimal


class IndexWindow:
    """The index of one underlying as far back as the next settlement needs it. Times in ns."""

    __slots__ = ("_prices", "_times", "opens")

    def __init__(self) -> None:
        self.opens = NEVER
        self._times: list[int] = []
        self._prices: list[float] = []

    def add(self, time: int, price: float) -> None:
        """The index is `price` from `time` on."""
        if time <= self.opens and self._times:
            self._times[-1], self._prices[-1] = time, price
        else:
            self._times.append(time)
            self._prices.append(price)

    def open_at(self, opens: int) -> None:
        """Nothing before `opens` will be asked for, except the price that held then."""
        self.opens = opens
        keep = 0
        while keep + 1 < len(self._times) and self._times[keep + 1] <= opens:
            keep += 1
        del self._times[:keep], self._prices[:keep]

    def mean(self, end: int, window: int, step: int) -> float | None:
        """Arithmetic mean of the samples at end − window + step, …, end; None when no price was known by `end`."""
        samples: list[float] = []
        at = -1
        for time in range(end - window + step, end + 1, step):
            while at + 1 < len(self._times) and self._times[at + 1] <= time:
                at += 1
            if at >= 0:
                samples.append(self._prices[at])
        return math.fsum(samples) / len(samples) if samples else None


def settle(account: Account, market: Market, price: Decimal) -> Settlement:
    """Cancel what rests, pay the intrinsic value, charge the fee, close the position. All of it goes into the account's step."""
    contract, size = market.contract, market.position.size
    for order in market.open_orders:
        account.withdraw(market, order, OrderState.EXPIRED, "cancelled", "the contract expired")
    payoff = contract.intrinsic(price)
    cash, fee = settlement_cash(contract, size, price), settlement_fee(contract, size, price)
    closed = market.position.settle(payoff, fee) if size else None
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
