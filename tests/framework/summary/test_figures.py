"""The specification of strikeloop.summary.figures; empyrical says what the figures should be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikeloop.summary import figures

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
YEAR = 365.0

RETURNS = st.lists(st.floats(-0.2, 0.2).map(lambda one: round(one, 6)), min_size=figures.LEAST_PERIODS, max_size=60)


def oracle() -> Any:
    return pytest.importorskip("empyrical")


def arrayed(series: Sequence[float]) -> Any:
    numpy = pytest.importorskip("numpy")
    return numpy.array(series)


def near(found: float | None, expected: float) -> bool:
    """Equal to nine digits; what is not defined is None here and not finite there."""
    return not math.isfinite(expected) if found is None else math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-12)


# ---- against an independent library ----------------------------------------------------------------------------------


@given(RETURNS.filter(lambda series: len({round(one, 4) for one in series}) > 1))
def test_volatility_and_sharpe_are_those_of_an_independent_library(series: list[float]) -> None:
    library, values = oracle(), arrayed(series)
    assert near(figures.volatility(series, YEAR), library.annual_volatility(values, annualization=365))
    assert near(figures.sharpe(series, YEAR), library.sharpe_ratio(values, annualization=365))


@given(RETURNS.filter(lambda series: min(series) < 0))
def test_sortino_is_that_of_an_independent_library(series: list[float]) -> None:
    assert near(figures.sortino(series, YEAR), oracle().sortino_ratio(arrayed(series), annualization=365))


@given(RETURNS.filter(lambda series: min(series) < 0))
def test_return_drawdown_and_calmar_are_those_of_an_independent_library(series: list[float]) -> None:
    library, values, wealth, equity = oracle(), arrayed(series), figures.Wealth(), 1_000.0
    wealth.mark(equity)
    for one in series:
        equity *= 1.0 + one
        wealth.mark(equity)
    total = wealth.value - 1.0
    yearly = figures.annual_return(total, len(series) * 86_400.0)
    assert near(total, library.cum_returns_final(values))
    assert near(wealth.worst, library.max_drawdown(values))
    assert near(yearly, library.annual_return(values, annualization=365))
    assert near(figures.calmar(yearly, wealth.worst), library.calmar_ratio(values, annualization=365))


# ---- periods ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "period"), [(20, 86_400), (19.99, 3_600), (1, 3_600), (0.5, 60), (1 / 24, 60), (0.01, None)])
def test_returns_are_of_days_hours_or_minutes_whichever_is_the_longest_that_fits_twenty_times(days: float, period: int | None) -> None:
    assert figures.period_of([5 * DAY], 5 * DAY + round(days * DAY)) == period


def test_a_run_that_begins_within_a_period_counts_from_the_next_one_that_is_whole() -> None:
    assert figures.period_of([DAY // 2], 20 * DAY) == 3_600
    assert figures.period_of([DAY // 2], 21 * DAY) == 86_400


def test_nothing_known_has_no_period() -> None:
    assert figures.period_of([], DAY) is None


def test_the_return_of_a_period_is_between_the_last_values_known_at_its_ends() -> None:
    times, wealth = [DAY // 2, DAY - 1, DAY + 1, 2 * DAY, 4 * DAY + 5], [1.0, 2.0, 9.0, 3.0, 7.0]
    assert figures.returns(times, wealth, 86_400, 4 * DAY + 9) == [0.5, 0.0, 0.0]


def test_an_account_that_lost_everything_stays_where_it_is() -> None:
    assert figures.returns([0, DAY, 2 * DAY], [1.0, 0.0, 0.0], 86_400, 2 * DAY) == [-1.0, 0.0]


# ---- what is not defined ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("series", [[], [0.01]])
def test_one_return_has_no_spread(series: list[float]) -> None:
    assert figures.volatility(series, YEAR) is None
    assert figures.sharpe(series, YEAR) is None


def test_without_variation_or_loss_ratios_are_not_defined() -> None:
    assert figures.volatility([0.0, 0.0], YEAR) == 0.0
    assert figures.sharpe([0.0, 0.0], YEAR) is None
    assert figures.sortino([0.01, 0.02], YEAR) is None
    assert figures.sortino([], YEAR) is None
    assert figures.calmar(0.1, 0.0) is None
    assert figures.calmar(None, -0.1) is None


def test_a_run_of_less_than_a_week_has_no_yearly_return() -> None:
    assert figures.annual_return(0.01, 7 * 86_400 - 1) is None
    assert figures.annual_return(-1.0, 30 * 86_400) is None
    assert figures.annual_return(1e300, 7 * 86_400) is None
    assert figures.annual_return(0.0, 7 * 86_400) == 0.0


# ---- wealth ----------------------------------------------------------------------------------------------------------


def test_money_paid_in_is_no_gain() -> None:
    wealth = figures.Wealth()
    wealth.mark(100.0)
    wealth.mark(250.0, paid_in=140.0)
    assert wealth.value == pytest.approx(1.1)
    assert wealth.worst == 0.0


def test_the_deepest_drawdown_is_that_of_any_mark_and_the_low_can_be_set_back() -> None:
    wealth = figures.Wealth()
    for equity in (100.0, 120.0, 90.0, 110.0):
        wealth.mark(equity)
    assert [wealth.low, wealth.worst] == pytest.approx([-0.25, -0.25])
    wealth.low = wealth.drawdown
    wealth.mark(115.0)
    assert wealth.low == pytest.approx(110 / 120 - 1)
    assert wealth.worst == pytest.approx(-0.25)


def test_what_fell_to_nothing_is_lost() -> None:
    wealth = figures.Wealth()
    for equity in (100.0, -5.0, 50.0):
        wealth.mark(equity)
    assert (wealth.value, wealth.worst) == (0.0, -1.0)
