"""Value at risk of a book of options: one day, 99 %, full revaluation.

Owns the scenarios of a day and the quantile of the losses in them. Returns are Student-t with four degrees of freedom,
scaled to the book's own implied volatility; volatility moves by a relative shock that leans against the return with
correlation −0.5. `GRID` is fixed: 57 quantiles of the return times four Gauss-Hermite nodes of the shock, no sampling
noise, the same book gives the same figure. The spread of the shock is an assumption, not a venue's rule.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from random import Random

import attrs

from strikeloop.margin.account import Holding
from strikeloop.margin.legs import Leg
from strikeloop.margin.revaluation import Shocks, revalue

CONFIDENCE = 0.99
HORIZON_DAYS = 1.0
DAYS_IN_YEAR = 365.0
VOLATILITY_OF_VOLATILITY = 0.08
"""Standard deviation of a day's relative change of implied volatility."""
CORRELATION = -0.5


@attrs.frozen(kw_only=True)
class DayScenarios:
    """What a day may bring: standardized returns, the volatility shock of each (relative), and probabilities that sum to 1."""

    returns: tuple[float, ...]
    shocks: tuple[float, ...]
    weights: tuple[float, ...]


def value_at_risk(holdings: Sequence[Holding], scenarios: DayScenarios | None = None) -> float:
    """The loss in quote currency that one day exceeds with probability 1 %; 0.0 for a flat book, never negative.

    Without `scenarios`, on `GRID`. No position can lose more than its mark, so the figure of a long-only book is at most
    what the book is worth.
    """
    legs = [Leg.of(holding) for holding in holdings]
    if not legs:
        return 0.0
    chosen = GRID if scenarios is None else scenarios
    profits = revalue(legs, day_shocks(book_volatility(legs, [leg.units for leg in legs]), chosen)).profits([leg.units for leg in legs])
    return tail_loss(profits, chosen)


def day_shocks(volatility: float, scenarios: DayScenarios | None = None) -> Shocks:
    """The shocks of one day (of `GRID`) for a book of this annual volatility."""
    chosen = GRID if scenarios is None else scenarios
    daily = volatility * math.sqrt(HORIZON_DAYS / DAYS_IN_YEAR)
    return Shocks(
        prices=tuple(math.exp(standard * daily) for standard in chosen.returns),
        volatilities=chosen.shocks,
        elapsed=HORIZON_DAYS / DAYS_IN_YEAR,
    )


def tail_loss(profits: Sequence[float], scenarios: DayScenarios | None = None) -> float:
    """The loss that is exceeded with probability 1 %, given the profit in each of these scenarios (of `GRID`); never negative."""
    chosen = GRID if scenarios is None else scenarios
    return max(0.0, _quantile((-profit, weight) for profit, weight in zip(profits, chosen.weights, strict=True)))


def book_volatility(legs: Sequence[Leg], units: Sequence[float]) -> float:
    """The implied volatilities of a book that holds so many units of each leg, weighted by them; 0 for a flat one."""
    weight = sum(map(abs, units))
    return sum(abs(held) * leg.iv for leg, held in zip(legs, units, strict=True)) / weight if weight else 0.0


def drawn(count: int, seed: int) -> DayScenarios:
    """`count` scenarios at random from the distributions that `GRID` stands for: how good the grid is, is seen against these."""
    random = Random(seed)  # noqa: S311  # risk figures, no secrets
    returns = tuple(random.gauss(0.0, 1.0) / math.sqrt(random.gammavariate(2.0, 0.5)) / math.sqrt(2.0) for _ in range(count))
    independent = math.sqrt(1 - CORRELATION**2)
    shocks = tuple(_shock(CORRELATION * standard + independent * random.gauss(0.0, 1.0)) for standard in returns)
    return DayScenarios(returns=returns, shocks=shocks, weights=(1 / count,) * count)


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


def _shock(lean: float) -> float:
    return math.exp(VOLATILITY_OF_VOLATILITY * lean) - 1.0


def _returns() -> tuple[tuple[float, float], ...]:
    """(probability, standardized return) of the strata, narrow where the losses are."""
    lower = (*(step * 0.0005 for step in range(21)), 0.0125, 0.015, 0.02, 0.03, 0.05, 0.1, 0.2, 0.35)
    edges = (*lower, *(1 - edge for edge in reversed(lower)))
    return tuple((high - low, _student4((low + high) / 2)) for low, high in pairwise(edges))


def _scenarios() -> Iterator[tuple[float, float, float]]:
    """(standardized return, shock of volatility, probability)."""
    independent = math.sqrt(1 - CORRELATION**2)
    for probability, standard in RETURNS:
        for weight, node in NODES:
            yield standard, _shock(CORRELATION * standard + independent * node), probability * weight


def _grid() -> DayScenarios:
    returns, shocks, weights = zip(*_scenarios(), strict=True)
    return DayScenarios(returns=returns, shocks=shocks, weights=weights)


RETURNS = _returns()
NODES = tuple(((3 + side * math.sqrt(6)) / 12, sign * math.sqrt(3 - side * math.sqrt(6))) for side in (1, -1) for sign in (-1, 1))
"""(probability, node) of the four-point rule for the standard normal distribution."""
GRID = _grid()
