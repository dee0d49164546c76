"""A book of options priced anew under shocks of price and volatility.

Owns `Leg`, `Shocks` and the two ways to revalue, which agree: on numpy where it is installed, on the standard library
where not. No option is ever worth less than nothing, so a long never loses more than its mark.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Protocol

import attrs

from strikeloop.contracts import Contract
from strikeloop.drafts import maker
from strikeloop.margin.account import Holding, OpenOrder
from strikeloop.pricing import Greeks, greeks, implied_volatility, price

if TYPE_CHECKING:
    from types import ModuleType

DAYS = 365.0
REFERENCE_DAYS = 30.0
_INFINITE = math.inf
FEW = 64
"""So many values (legs times scenarios) cost less one by one than as arrays."""
UNKNOWN_VOLATILITY = 0.6
"""Annual volatility of a contract whose volatility nobody states and whose mark has none."""


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
    def of(cls, source: Holding | OpenOrder) -> Leg:
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

    @property
    def delta(self) -> float:
        return self.slopes.delta

    @property
    def vega(self) -> float:
        return self.slopes.vega


_leg = maker(Leg)


@attrs.frozen(kw_only=True, cache_hash=True)
class Shocks:
    """Scenarios: scenario i multiplies the forward by `prices[i]` and volatility by 1 + `volatilities[i]` · (30/days left)^power.

    The power is `short_power` under 30 days to expiry and `long_power` from there on; days count as at least 1.
    `elapsed` years pass meanwhile.
    """

    prices: tuple[float, ...]
    volatilities: tuple[float, ...]
    short_power: float = 0.0
    long_power: float = 0.0
    elapsed: float = 0.0

    @classmethod
    def grid(cls, moves: Sequence[float], volatilities: Sequence[float], elapsed: float = 0.0) -> Shocks:
        """Every move of the price (a fraction of it) with every change of volatility (a fraction of it), `elapsed` years on.

        >>> Shocks.grid([-0.1, 0.1], [0.0, 0.3]).prices
        (0.9, 1.1, 0.9, 1.1)
        """
        rows = [(1.0 + move, shock) for shock in volatilities for move in moves]
        return cls(prices=tuple(move for move, _ in rows), volatilities=tuple(shock for _, shock in rows), elapsed=elapsed)

    def term(self, years: float) -> float:
        """The factor on the shock of volatility for an option with this time left."""
        days = max(1.0, years * DAYS)
        return math.pow(REFERENCE_DAYS / days, self.short_power if days < REFERENCE_DAYS else self.long_power)


class Revaluation(Protocol):
    """The change of value of one unit of each leg in each scenario."""

    def profits(self, units: Sequence[float]) -> list[float]:
        """Profit (negative: loss) of the book in each scenario, holding this many units of each leg."""
        ...

    def of_unit(self, leg: int) -> list[float]:
        """Profit of one unit of the leg at this place in each scenario."""
        ...

    def replaced(self, legs: Mapping[int, Leg]) -> Revaluation:
        """The same with these legs in these places."""
        ...


def revalue(legs: Sequence[Leg], shocks: Shocks) -> Revaluation:
    """Price every leg in every scenario, on numpy where it is installed and there are more than a few."""
    kernel = vector_kernel() if len(legs) * len(shocks.prices) > FEW else None
    return ScalarRevaluation(legs, shocks) if kernel is None else VectorRevaluation.of(legs, shocks, kernel)


@cache
def vector_kernel() -> ModuleType | None:
    """The kernel for arrays, loaded when it is first needed; None without the `vector` extra."""
    try:
        from strikeloop.pricing import vector  # noqa: PLC0415  # numpy is an extra, and heavy
    except ModuleNotFoundError:
        return None
    return vector


class ScalarRevaluation:
    """On the standard library."""

    def __init__(self, legs: Sequence[Leg], shocks: Shocks) -> None:
        self._changes = [self._of(leg, shocks) for leg in legs]
        self._shocks, self._count = shocks, len(shocks.prices)

    def profits(self, units: Sequence[float]) -> list[float]:
        return [math.fsum(change[at] * held for change, held in zip(self._changes, units, strict=True)) for at in range(self._count)]

    def of_unit(self, leg: int) -> list[float]:
        return self._changes[leg]

    def replaced(self, legs: Mapping[int, Leg]) -> ScalarRevaluation:
        made = ScalarRevaluation((), self._shocks)
        made._changes = [self._of(legs[at], self._shocks) if at in legs else known for at, known in enumerate(self._changes)]
        return made

    @staticmethod
    def _of(leg: Leg, shocks: Shocks) -> list[float]:
        term, left = shocks.term(leg.years), max(0.0, leg.years - shocks.elapsed)
        offset = leg.mark - price(leg.forward, leg.strike, leg.years, leg.iv, is_call=leg.is_call)
        return [
            max(0.0, offset + price(leg.forward * move, leg.strike, left, leg.iv * max(0.0, 1.0 + shock * term), is_call=leg.is_call))
            - leg.mark
            for move, shock in zip(shocks.prices, shocks.volatilities, strict=True)
        ]


class VectorRevaluation:
    """On numpy: `changes` of one unit, a row for each scenario."""

    def __init__(self, changes: Any, shocks: Shocks, kernel: Any) -> None:
        self._changes, self._shocks, self._kernel = changes, shocks, kernel

    @classmethod
    def of(cls, legs: Sequence[Leg], shocks: Shocks, kernel: Any) -> VectorRevaluation:
        import numpy as np  # noqa: PLC0415  # the kernel has it

        rows = [(leg.forward, leg.strike, leg.years, leg.iv, leg.mark, leg.is_call) for leg in legs]
        forward, strike, years, iv, mark, is_call = np.array(rows, dtype=float).reshape(-1, 6).T
        calls = is_call > 0
        days = np.maximum(1.0, years * DAYS)
        term = (REFERENCE_DAYS / days) ** np.where(days < REFERENCE_DAYS, shocks.short_power, shocks.long_power)
        factor = np.maximum(0.0, 1.0 + np.multiply.outer(shocks.volatilities, term))
        moved, left = np.multiply.outer(shocks.prices, forward), np.maximum(0.0, years - shocks.elapsed)
        offset = mark - kernel.price(forward, strike, years, iv, is_call=calls)
        changes = np.empty_like(moved)
        step = max(1, kernel.BLOCK // max(1, len(legs)))  # whole scenarios that fit a block: what all share is worked out on one row
        for start in range(0, len(moved), step):
            some = slice(start, start + step)
            worth = kernel.price(moved[some], strike, left, iv * factor[some], is_call=calls)
            changes[some] = np.maximum(0.0, offset + worth) - mark
        return cls(changes, shocks, kernel)

    def profits(self, units: Sequence[float]) -> list[float]:
        return (self._changes * units).sum(axis=1).tolist()  # type: ignore[no-any-return]  # an array of floats as a list

    def of_unit(self, leg: int) -> list[float]:
        return self._changes[:, leg].tolist()  # type: ignore[no-any-return]  # the same

    def replaced(self, legs: Mapping[int, Leg]) -> VectorRevaluation:
        anew, changes = revalue([*legs.values()], self._shocks), self._changes.copy()
        if isinstance(anew, VectorRevaluation):
            changes[:, [*legs]] = anew._changes
        else:
            for row, place in enumerate(legs):
                changes[:, place] = anew.of_unit(row)
        return VectorRevaluation(changes, self._shocks, self._kernel)
