"""The money of a run: what it began with, what it is worth, and what was paid in from outside.

Owns `Account`, a fold of balances. Drawdown and return are those of every balance that was told, not of a thinned curve.
"""

from __future__ import annotations

from decimal import Decimal

from strikeloop.events import BalanceUpdated
from strikeloop.summary.figures import Wealth

ZERO = Decimal(0)


class Account:
    """Balances of one run, and what follows from them.

    Accounts of several adapters are one where they are in one currency, that of the first; others take no part.
    """

    def __init__(self) -> None:
        self.currency = ""
        self.since = 0
        self.wealth = Wealth()
        self.paid_in = ZERO
        self._known: dict[str, BalanceUpdated] = {}
        self._before: tuple[int, float] | None = None
        self._area = 0.0
        self._fresh = ZERO
        self.first: Decimal | None = None
        self.equity: Decimal | None = None
        self._told: tuple[float, float, float, float] | None = None

    def on_balance(self, event: BalanceUpdated) -> None:
        """An account's balance; the first one of a further account is money that came from outside."""
        if not self._known:
            self.currency, self.since = event.currency, event.received
        elif event.currency != self.currency:
            return
        elif event.adapter not in self._known:
            self.pay_in(_worth(event))
        self._known[event.adapter], self._told = event, None
        self.equity = sum((_worth(one) for one in self._known.values()), ZERO)
        if self.first is None:
            self.first = self.equity
        self.wealth.mark(float(self.equity), float(self._fresh))
        self._fresh = ZERO
        self._average(event.received)

    def pay_in(self, change: Decimal) -> None:
        """Money came from outside, or went there (negative)."""
        self._told = None
        self.paid_in += change
        self._fresh += change

    @property
    def pnl(self) -> Decimal:
        """What was gained since the first balance."""
        return ZERO if self.equity is None or self.first is None else self.equity - self.first - self.paid_in

    @property
    def told(self) -> tuple[float, float, float, float]:
        """Equity, cash, available and PnL as the balances have them."""
        if self._told is None:
            self._told = float(self.equity or ZERO), float(self.cash), float(self.available), float(self.pnl)
        return self._told

    @property
    def mean_equity(self) -> float:
        """Over time; that of the only moment where there is but one."""
        if self._before is None:
            return 0.0
        time, equity = self._before
        return self._area / (time - self.since) if time > self.since else equity

    @property
    def cash(self) -> Decimal:
        return sum((one.total for one in self._known.values()), ZERO)

    @property
    def available(self) -> Decimal:
        return sum((one.available for one in self._known.values()), ZERO)

    def _average(self, now: int) -> None:
        if self._before is not None:
            time, equity = self._before
            self._area += equity * (now - time)
        self._before = (now, float(self.equity or ZERO))


def _worth(balance: BalanceUpdated) -> Decimal:
    return balance.total + (balance.option_value or ZERO)
