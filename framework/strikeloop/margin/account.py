"""What margin is computed from, and what comes out: positions and orders with their prices, and three sums.

Owns `Holding`, `OpenOrder`, `AccountMargin` and the `MarginModel` protocol. It knows no formula.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import cached_property
from typing import Protocol

import attrs

from strikeloop.contracts import Contract
from strikeloop.margin.legs import Leg

ZERO = Decimal(0)


@attrs.frozen(kw_only=True, weakref_slot=False)
class Holding:
    """A position with the prices that margin is computed from; `size` is signed.

    `mark` and `underlying_price` (the forward of the expiry) are per unit of the underlying. Scenario models also look at
    `years`, the time left (ACT/365), and at `iv`, a fraction; without one the volatility implied by the mark is taken.
    """

    contract: Contract
    size: Decimal
    mark: Decimal
    underlying_price: Decimal
    years: float = 0.0
    iv: float | None = None

    @cached_property
    def leg(self) -> Leg:
        """It as scenarios take it."""
        return Leg.of(self)

    @property
    def value(self) -> Decimal:
        """What closing at the mark would bring: mark · size · multiplier."""
        return self.mark * self.size * self.contract.multiplier


@attrs.frozen(kw_only=True, weakref_slot=False)
class OpenOrder:
    """What is left of an order, with the prices that margin is computed from; `size` is signed, `fee` is for all of it."""

    contract: Contract
    size: Decimal
    price: Decimal
    mark: Decimal
    underlying_price: Decimal
    fee: Decimal = ZERO
    reduce_only: bool = False
    years: float = 0.0
    iv: float | None = None

    @cached_property
    def leg(self) -> Leg:
        """It as scenarios take it once it has filled."""
        return Leg.of(self)


@attrs.frozen(kw_only=True, weakref_slot=False)
class AccountMargin:
    """Margin of a whole account in quote currency: positions initial and maintenance, and what orders hold back.

    `credit` is the value of options that the model counts as a balance beside cash: 0 in a classic account.
    """

    initial: Decimal
    maintenance: Decimal
    order: Decimal
    credit: Decimal = ZERO

    @property
    def occupied(self) -> Decimal:
        """What is not available to trade with: initial margin + order margin."""
        return self.initial + self.order

    def balance(self, cash: Decimal) -> Decimal:
        """What stands against the margin; IM % and MM % of Gate are this over initial and maintenance margin."""
        return cash + self.credit

    def available(self, cash: Decimal) -> Decimal:
        """What no margin holds back; negative when initial margin is not covered."""
        return cash + self.credit - self.occupied


class MarginModel(Protocol):
    """How a venue computes the margin of an account.

    A model whose account is the sum of its contracts, each taken with its own orders alone, says so by a true `by_contract`:
    what did not change need not be computed again.
    """

    def account(self, holdings: Sequence[Holding], orders: Sequence[OpenOrder] = ()) -> AccountMargin:
        """The margin of these positions and orders. A contract may appear in several holdings."""
        ...
