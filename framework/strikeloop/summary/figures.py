"""The standard figures of a return series, by formulas that are stated here and nowhere else.

Returns are simple, time-weighted, and of whole periods of UTC: days where the run holds 20 of them, else hours, else minutes.
A year has 365 days, for these markets never close; the risk-free rate is 0. What is not defined (no variation, too short a
run) is None, never 0 or infinity. Pure functions of numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

SECOND = 1_000_000_000
YEAR_S = 365 * 86_400
PERIODS_S = (86_400, 3_600, 60)
LEAST_PERIODS = 20
LEAST_DAYS = 7
"""A shorter run has no yearly return: what a day would come to in a year is no forecast."""


def period_of(times: Sequence[int], ended: int) -> int | None:
    """The period of returns in seconds: the longest of which the span holds at least 20 whole ones; None for a shorter span."""
    if not times:
        return None
    for period in PERIODS_S:
        first, last = _boundaries(times[0], ended, period * SECOND)
        if last - first >= LEAST_PERIODS:
            return period
    return None


def returns(times: Sequence[int], wealth: Sequence[float], period_s: int, ended: int) -> list[float]:
    """The return of each whole period: W(end) / W(begin) − 1, W the last value known at that time.

    >>> minute = 60 * SECOND
    >>> returns([0, minute // 2, minute, 3 * minute], [1.0, 1.5, 2.0, 3.0], 60, 3 * minute)
    [1.0, 0.0, 0.5]
    """
    step = period_s * SECOND
    first, last = _boundaries(times[0], ended, step)
    found, place, values = wealth[0], 0, []
    for boundary in range(first, last + 1):
        while place < len(times) and times[place] <= boundary * step:
            found, place = wealth[place], place + 1
        values.append(found)
    return [after / before - 1.0 if before > 0 else 0.0 for before, after in pairwise(values)]


def per_year(period_s: int) -> float:
    """Periods in a year."""
    return YEAR_S / period_s


def volatility(series: Sequence[float], periods: float) -> float | None:
    """Sample standard deviation (n − 1) · √(periods of a year)."""
    spread = _deviation(series)
    return None if spread is None else spread * math.sqrt(periods)


def sharpe(series: Sequence[float], periods: float) -> float | None:
    """Mean / sample standard deviation · √(periods of a year)."""
    spread = _deviation(series)
    return None if not spread else _mean(series) / spread * math.sqrt(periods)


def sortino(series: Sequence[float], periods: float) -> float | None:
    """Mean · periods of a year / (√(mean of min(r, 0)²) · √(periods of a year))."""
    if not series:
        return None
    below = math.sqrt(math.fsum(min(one, 0.0) ** 2 for one in series) / len(series))
    return _mean(series) * periods / (below * math.sqrt(periods)) if below else None


def annual_return(total: float, seconds: float) -> float | None:
    """(1 + total)^(year / length) − 1; None for less than 7 days."""
    if seconds < LEAST_DAYS * 86_400 or total <= -1.0:
        return None
    exponent = YEAR_S / seconds * math.log1p(total)
    return math.expm1(exponent) if exponent < 700 else None


def calmar(yearly: float | None, drawdown: float) -> float | None:
    """Yearly return / abs(maximum drawdown)."""
    return None if yearly is None or not drawdown else yearly / abs(drawdown)


class Wealth:
    """What one unit of money put in at the start has become, and its drawdown, at each mark of the account.

    Time-weighted: between two marks it grows by the PnL over the equity before; money paid in or out changes nothing.
    """

    def __init__(self) -> None:
        self.value = self.peak = 1.0
        self.worst = self.low = 0.0
        """The deepest drawdown of all, and since `low` was last set back."""
        self._equity: float | None = None

    def mark(self, equity: float, paid_in: float = 0.0) -> None:
        """The account is worth `equity` now; `paid_in` of it came from outside since the last mark."""
        before, self._equity = self._equity, equity
        if before is None or before <= 0.0:
            return
        self.value *= max(0.0, (equity - paid_in) / before)
        self.peak = max(self.peak, self.value)
        self.low = min(self.low, self.drawdown)
        self.worst = min(self.worst, self.low)

    @property
    def drawdown(self) -> float:
        """How far below its peak it is now, as a fraction: 0 or negative."""
        return self.value / self.peak - 1.0


def _boundaries(began: int, ended: int, step: int) -> tuple[int, int]:
    """The first multiple of `step` at or after `began`, and the last at or before `ended`, both divided by it."""
    return -(-began // step), ended // step


def _mean(series: Sequence[float]) -> float:
    return math.fsum(series) / len(series)


def _deviation(series: Sequence[float]) -> float | None:
    if len(series) < 2:
        return None
    mean = _mean(series)
    return math.sqrt(math.fsum((one - mean) ** 2 for one in series) / (len(series) - 1))
