"""A book of options priced anew under shocks of price and volatility.

Owns `Shocks` and the two ways to revalue, which agree: on numpy where it is installed, on the standard library
where not. No option is ever worth less than nothing, so a long never loses more than its mark.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

import attrs

from strikeloop.margin.legs import Leg
from strikeloop.pricing import price

if TYPE_CHECKING:
    from types import ModuleType

DAYS = 365.0
REFERENCE_DAYS = 30.0
FEW = 64
"""So many values (legs times scenarios) cost less one by one than as arrays."""


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


def remembered(legs: Sequence[Leg], shocks: Shocks) -> Revaluation:
    """As `revalue`, where each leg remembers what it gains: for books of which most was priced in the same scenarios before."""
    anew = [leg for leg in legs if shocks not in leg.known]
    if anew:
        made = revalue(anew, shocks)
        for leg, row in zip(anew, made.rows(), strict=True):
            leg.known[shocks] = row
        if len(anew) == len(legs):
            return made
    rows = [leg.known[shocks] for leg in legs]
    return ScalarRevaluation.known(rows, shocks) if vector_kernel() is None else VectorRevaluation.known(rows, shocks)


class Revaluation(Protocol):
    """The change of value of one unit of each leg in each scenario."""

    def profits(self, units: Sequence[float]) -> list[float]:
        """Profit (negative: loss) of the book in each scenario, holding this many units of each leg."""
        ...

    def of_unit(self, leg: int) -> list[float]:
        """Profit of one unit of the leg at this place in each scenario."""
        ...

    def rows(self) -> Sequence[Sequence[float]]:
        """`of_unit` of every leg, each a sequence of its own kind."""
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

    @classmethod
    def known(cls, changes: Sequence[Sequence[float]], shocks: Shocks) -> ScalarRevaluation:
        """Of legs whose changes are known."""
        made = cls((), shocks)
        made._changes = [[*row] for row in changes]
        return made

    def profits(self, units: Sequence[float]) -> list[float]:
        return [math.fsum(change[at] * held for change, held in zip(self._changes, units, strict=True)) for at in range(self._count)]

    def of_unit(self, leg: int) -> list[float]:
        return self._changes[leg]

    def rows(self) -> Sequence[Sequence[float]]:
        return self._changes

    def replaced(self, legs: Mapping[int, Leg]) -> ScalarRevaluation:
        changes = [self._of(legs[at], self._shocks) if at in legs else known for at, known in enumerate(self._changes)]
        return self.known(changes, self._shocks)

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

    def __init__(self, changes: Any, shocks: Shocks) -> None:
        self._changes, self._shocks = changes, shocks

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
        return cls(changes, shocks)

    @classmethod
    def known(cls, changes: Sequence[Sequence[float]], shocks: Shocks) -> VectorRevaluation:
        """Of legs whose changes are known."""
        import numpy as np  # noqa: PLC0415  # the kernel has it

        rows = np.concatenate(changes) if changes else np.empty(0)
        return cls(rows.reshape(-1, len(shocks.prices)).T, shocks)

    def profits(self, units: Sequence[float]) -> list[float]:
        return (self._changes * units).sum(axis=1).tolist()  # type: ignore[no-any-return]  # an array of floats as a list

    def of_unit(self, leg: int) -> list[float]:
        return self._changes[:, leg].tolist()  # type: ignore[no-any-return]  # the same

    def rows(self) -> Sequence[Sequence[float]]:
        return [*self._changes.T.copy()]

    def replaced(self, legs: Mapping[int, Leg]) -> VectorRevaluation:
        anew, changes = revalue([*legs.values()], self._shocks), self._changes.copy()
        if isinstance(anew, VectorRevaluation):
            changes[:, [*legs]] = anew._changes
        else:
            for row, place in enumerate(legs):
                changes[:, place] = anew.of_unit(row)
        return VectorRevaluation(changes, self._shocks)
