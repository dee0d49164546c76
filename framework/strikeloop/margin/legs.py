"""One option of a book as scenarios take it.

Owns `Leg`. It is worked out from a contract and its prices, once; what is computed of it later it remembers, for it never changes.
"""

from __future__ import annotations

import math
from decimal import Decimal
from functools import cached_property
from typing import Any, Protocol

import attrs

from strikeloop.contracts import Contract
from strikeloop.drafts import maker
from strikeloop.pricing import Greeks, greeks, implied_volatility

_INFINITE = math.inf
UNKNOWN_VOLATILITY = 0.6
"""Annual volatility of a contract whose volatility nobody states and whose mark has none."""


class Priced(Protocol):
    """What a leg is made of: a `Holding` or an `OpenOrder`."""

    @property
    def contract(self) -> Contract: ...
    @property
    def size(self) -> Decimal: ...
    @property
    def mark(self) -> Decimal: ...
    @property
    def underlying_price(self) -> Decimal: ...
    @property
    def years(self) -> float: ...
    @property
    def iv(self) -> float | None: ...


@attrs.frozen(kw_only=True, weakref_slot=False)
class Leg:
    """One option of a book, per unit of the underlying; `units` is size · multiplier, signed. `delta` and `vega` are of one unit."""

    underlying: str
    expiry: int
    strike: float
    is_call: bool
    units: float
    mark: float
    forward: float
    years: float
    iv: float

    @classmethod
    def of(cls, source: Priced) -> Leg:
        """The leg of a position, or of an order that filled."""
        units = float(source.size * source.contract.multiplier)
        return cls.at(source.contract, units, float(source.mark), float(source.underlying_price), source.years, source.iv)

    @classmethod
    def at(cls, contract: Contract, units: float, mark: float, forward: float, years: float, iv: float | None) -> Leg:
        """The leg of so many units at these prices; without a volatility, at the one implied by the mark."""
        strike, is_call = float(contract.strike), contract.is_call
        if iv is None:
            iv = implied_volatility(mark, forward, strike, years, is_call=is_call)
        if not 0.0 <= iv < _INFINITE:
            iv = UNKNOWN_VOLATILITY
        return _leg(contract.underlying, contract.expiry, strike, is_call, units, mark, forward, years, iv)

    @cached_property
    def slopes(self) -> Greeks:
        """The greeks of one unit, computed when they are first asked for."""
        return greeks(self.forward, self.strike, self.years, self.iv, is_call=self.is_call)

    @cached_property
    def known(self) -> dict[Any, Any]:
        """What one unit gains in scenarios, by the scenarios: worked out once (`strikeloop.margin.revaluation.remembered`)."""
        return {}

    @property
    def delta(self) -> float:
        return self.slopes.delta

    @property
    def vega(self) -> float:
        return self.slopes.vega


_leg = maker(Leg)
