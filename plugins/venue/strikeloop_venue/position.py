"""The account's net position in one contract: size, average entry, realized profit.

Owns the arithmetic of opening, reducing and turning a position. Fees count into realized profit when they are
charged, the premium only when the position is closed (gate_options: realised_pnl starts at −fee).
"""

from __future__ import annotations

from decimal import Decimal

import attrs

from strikeloop import (
    Contract,
)

ZERO = Decimal(0)


@attrs.frozen
class Closed:
    """A position that went to zero: its side, and what it brought since it was opened, fees included."""

    is_long: bool
    pnl: Decimal


@attrs.define(eq=False)
class Position:
    """Signed `size` in contracts; prices per unit of the underlying; `realized_pnl` since the position was opened."""

    contract: Contract
    size: Decimal = ZERO
    entry_price: Decimal = ZERO
    realized_pnl: Decimal = ZERO

    def trade(self, size: Decimal, price: Decimal, fee: Decimal) -> Closed | None:
        """Fold a signed fill; returns what was closed, if the position went through or to zero.

        A fill that turns the position pays its fee for both parts in proportion.
        """
        if self.size * size >= 0:
            self._open(size, price, fee)
            return None
        reducing = max(size, -self.size) if size < 0 else min(size, -self.size)
        opening = size - reducing
        fee_of_opening = fee * opening / size if opening else ZERO
        self.realized_pnl += (self.entry_price - price) * reducing * self.contract.multiplier - (fee - fee_of_opening)
        was_long, self.size = self.size > 0, self.size + reducing
        if self.size:
            return None
        closed = Closed(was_long, self.realized_pnl)
        self.entry_price = ZERO
        if opening:
            self.realized_pnl = ZERO
            self._open(opening, price, fee_of_opening)
        return closed

    def settle(self, payoff: Decimal, fee: Decimal) -> Closed:
        """The contract paid `payoff` per unit of the underlying: the position is gone."""
        closed = self.trade(-self.size, payoff, fee)
        return Closed(is_long=True, pnl=ZERO) if closed is None else closed

    def unrealized(self, mark: Decimal) -> Decimal:
        """(mark − entry) · size · multiplier."""
        return (mark - self.entry_price) * self.size * self.contract.multiplier

    def value(self, mark: Decimal) -> Decimal:
        """What closing at the mark would bring: mark · size · multiplier."""
        return mark * self.size * self.contract.multiplier

    def _open(self, size: Decimal, price: Decimal, fee: Decimal) -> None:
        total = self.size + size
        if not self.size:
            self.realized_pnl = ZERO
        if total:
            self.entry_price = price if not self.size else (self.entry_price * self.size + price * size) / total
        self.size = total
        self.realized_pnl -= fee
