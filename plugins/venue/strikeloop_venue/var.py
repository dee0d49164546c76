"""Value at risk of a book of options: one day, 99 %, full revaluation.

Method: 33 quantiles of a Student-t return with four degrees of freedom, scaled to the book's own implied
volatility, times three relative shocks of volatility (Gauss-Hermite nodes) that lean against the return with
correlation −0.5; every position is priced anew by Black-76 a day later. The grid is fixed: no sampling noise, the
same book gives the same figure. The spread of the volatility shock is an assumption, not a venue's rule.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
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
    moves = [(math.exp(standard * daily), shock) for standard, shock, _ in _SCENARIOS]
    losses = [sum(scenario) for scenario in zip(*(_losses(exposure, now, moves) for exposure in exposures), strict=True)]
    return max(0.0, _quantile(zip(losses, (weight for _, _, weight in _SCENARIOS), strict=True)))


def _volatility(exposures: Sequence[Exposure]) -> float:
    """The implied volatilities of the book, weighted by the size of the positions."""
    known = [(abs(exposure.units), exposure.iv) for exposure in exposures if exposure.iv]
    weight = sum(units for units, _ in known)
    return sum(units * iv for units, iv in known) / weight if weight else VOLATILITY


def _losses(exposure: Exposure, now: int, moves: Sequence[tuple[float, float]]) -> list[float]:
    """What the position loses in each scenario: the mark plus the model's change is never worth less than nothing."""
    mark, units, forward, iv = exposure.mark, exposure.units, exposure.forward, exposure.iv
    if iv is None or forward <= 0:
        return [0.0] * len(moves)
    contract = exposure.contract
    strike, is_call, after = float(contract.strike), contract.is_call, contract.years(now + DAY_NS)
    change = mark - price(forward, strike, contract.years(now), iv, is_call=is_call)
    return [(mark - max(0.0, change + price(forward * move, strike, after, iv * shock, is_call=is_call))) * units for move, shock in moves]


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


def _scenarios() -> Iterator[tuple[float, float, float]]:
    """(standardized return, factor on volatility, probability)."""
    independent = math.sqrt(1 - CORRELATION**2)
    for probability, standard in RETURNS:
        for weight, node in NODES:
            lean = CORRELATION * standard + independent * node
            yield standard, math.exp(VOLATILITY_OF_VOLATILITY * lean), probability * weight


RETURNS = _returns()
NODES = ((1 / 6, -math.sqrt(3)), (2 / 3, 0.0), (1 / 6, math.sqrt(3)))
_SCENARIOS = tuple(_scenarios())
