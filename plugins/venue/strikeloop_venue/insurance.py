"""The insurance fund: it takes over what a liquidation could not close, and pays what an account cannot.

Owns `InsuranceFund`. What it gains or loses is exactly what the account loses or gains, so both together are conserved.
"""

from __future__ import annotations

from decimal import Decimal

import attrs

from strikeloop import (
    Contract,
    ContractId,
)
from strikeloop.margin import settlement_cash
from strikeloop_venue.ledger import exact_sum, product

ZERO = Decimal(0)


@attrs.define(eq=False)
class InsuranceFund:
    """`cash` in the currency of the account, `positions` taken over and not yet settled, signed contracts."""

    cash: Decimal
    positions: dict[ContractId, Decimal] = attrs.field(factory=dict)

    @property
    def is_exhausted(self) -> bool:
        """Nothing is left: a venue would now deleverage winning positions against it (ADL)."""
        return self.cash < 0

    def receive(self, amount: Decimal) -> None:
        """Take an amount in (negative: pay it)."""
        self.cash = exact_sum(self.cash, amount)

    def take_over(self, contract: Contract, size: Decimal, price: Decimal) -> None:
        """A position of `size` (signed) changes hands at `price`; for a short the fund is paid, for a long it pays."""
        self.positions[contract.id] = self.positions.get(contract.id, ZERO) + size
        self.receive(-product(price, size, contract.multiplier))

    def settle(self, contract: Contract, settle_price: Decimal) -> None:
        """The contract expired; the fund pays no settlement fee."""
        size = self.positions.pop(contract.id, ZERO)
        if size:
            self.receive(settlement_cash(contract, size, settle_price))
