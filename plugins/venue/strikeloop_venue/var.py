"""Value at risk of a book of options: one day, 99 %, full revaluation.

Method: 33 quantiles of a Student-t return with four degrees of freedom, scaled to the book's own implied
volatility, times three relative shocks of volatility (Gauss-Hermite nodes) that lean against the return with
correlation −0.5; every position is priced anew by Black-76 a day later. The grid is fixed: no sampling noise, the
same book gives the same figure. The spread of the volatility shock is an assumption, not a venue's rule.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

import attrs

from strikeloop import (
    Contract,
)
from strikeloop.pricing import price

CONFIDENCE = 0.99
DAY_NS = 86_400_000_000_000
DAYS_IN_YEAR = 365.0
VOLATILITY = 0.55
"""Annual volatility where no position tells its own."""
VOLATILITY_OF_VOLATILITY = 0.08
"""Standard deviation of a day's relative change of implied volatility."""
CORRELATION = -0.5


@attrs.frozen(kw_only=True)
class Exposure:
    """One position: `units` is size · multiplier, `iv` None where no ticker gave one (then it is carried at its mark)."""

    contract: Contract
    units: float
    mark: float
    forward: float
    iv: float | None


def value_at_risk(exposures: Sequence[Exposure], now: int) -> float:
    """The loss in quote currency that one day exceeds with probability 1 %; 0.0 for a flat book, never negative.

    No position can lose more than its mark, so the figure of a long-only book is at most what the book is worth.
    """
    if not exposures:
        return 0.0
    daily = _volatility(exposures) / math.sqrt(DAYS_IN_YEAR)
    bases = [(exposure, _value(exposure, now, 1.0, 1.0)) for exposure in exposures]
    losses = []
    for probability, standard in _RETURNS:
        move = math.exp(standard * daily)
        for weight, node in _NODES:
            lean = CORRELATION * standard + math.sqrt(1 - CORRELATION**2) * node
            shock = math.exp(VOLATILITY_OF_VOLATILITY * lean)
            losses.append((sum(_loss(exposure, base, now + DAY_NS, move, shock) for exposure, base in bases), probability * weight))
    return max(0.0, _quantile(losses))


def _volatility(exposures: Sequence[Exposure]) -> float:
    """The implied volatilities of the book, weighted by the size of the positions."""
    known = [(abs(exposure.units), exposure.iv) for exposure in exposures if exposure.iv]
    weight = sum(units for units, _ in known)
    return sum(units * iv for units, iv in known) / weight if weight else VOLATILITY


def _value(exposure: Exposure, time: int, move: float, shock: float) -> float:
    if exposure.iv is None or exposure.forward <= 0:
        return exposure.mark
    contract = exposure.contract
    return price(exposure.forward * move, float(contract.strike), contract.years(time), exposure.iv * shock, is_call=contract.is_call)


def _loss(exposure: Exposure, base: float, time: int, move: float, shock: float) -> float:
    """What the position loses: the mark plus the model's change, never worth less than nothing."""
    after = max(0.0, exposure.mark + _value(exposure, time, move, shock) - base)
    return (exposure.mark - after) * exposure.units


def _quantile(losses: Iterable[tuple[float, float]]) -> float:
    """The loss at CONFIDENCE of a weighted sample, linear between the midpoints of the weights."""
    worst_first = sorted(losses, reverse=True)
    tail, seen = 1 - CONFIDENCE, 0.0
    before: tuple[float, float] | None = None
    for loss, weight in worst_first:
        middle = seen + weight / 2
        if middle >= tail:
            if before is None:
                return loss
            share = (tail - before[0]) / (middle - before[0])
            return before[1] + share * (loss - before[1])
        before, seen = (middle, loss), seen + weight
    return worst_first[-1][0]


def _student4(p: float) -> float:
    """The quantile of Student's t with four degrees of freedom (closed form), scaled to variance 1."""
    alpha = 4 * p * (1 - p)
    q = math.cos(math.acos(math.sqrt(alpha)) / 3) / math.sqrt(alpha)
    return math.copysign(2 * math.sqrt(max(q - 1, 0.0)), p - 0.5) / math.sqrt(2)


def _returns() -> tuple[tuple[float, float], ...]:
    """(probability, standardized return) of the strata, narrow where the losses are."""
    lower = (0.0, 0.001, 0.0025, 0.005, 0.0075, 0.01, 0.0125, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4)
    edges = (*lower, *(1 - edge for edge in reversed(lower)))
    return tuple((high - low, _student4((low + high) / 2)) for low, high in pairwise(edges))


_RETURNS = _returns()
_NODES = ((1 / 6, -math.sqrt(3)), (2 / 3, 0.0), (1 / 6, math.sqrt(3)))
