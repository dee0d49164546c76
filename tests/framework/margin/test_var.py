"""The specification of strikeloop.margin.var: laws that hold for every book."""

from __future__ import annotations

import math
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikeloop.margin import DayScenarios, Holding, Leg, book_volatility, day_shocks, drawn, revalue, tail_loss, value_at_risk
from strikeloop.margin.var import GRID, NODES, RETURNS
from strikeloop.pricing import price
from tests.framework.margin.stage import option

F = 70_000.0


def holding(units: float, strike: int = 70_000, *, days: float = 7, is_call: bool = True, iv: float = 0.5) -> Holding:
    mark = price(F, float(strike), days / 365, iv, is_call=is_call)
    size, mark_price = D(repr(units)), D(repr(mark))
    return Holding(
        contract=option(strike, is_call=is_call), size=size, mark=mark_price, underlying_price=D(70_000), years=days / 365, iv=iv
    )


def test_a_flat_book_risks_nothing() -> None:
    assert value_at_risk([]) == 0.0


def test_the_grid_is_a_distribution_with_the_tails_of_student_s_t() -> None:
    assert sum(weight for weight, _ in RETURNS) == pytest.approx(1)
    assert sum(weight * node for weight, node in RETURNS) == pytest.approx(0, abs=1e-12)
    assert sum(weight for weight, _ in NODES) == pytest.approx(1)
    at_one_percent = [node for weight, node in RETURNS if node < -2.6]
    assert max(at_one_percent) == pytest.approx(-3.7469 / math.sqrt(2), abs=0.15)


@given(
    st.lists(
        st.tuples(st.floats(0.01, 10), st.integers(40_000, 110_000), st.floats(0.1, 90), st.booleans(), st.floats(0.2, 1.5)),
        min_size=1,
        max_size=4,
    )
)
def test_a_long_only_book_cannot_lose_more_than_it_is_worth(book: list[tuple[float, int, float, bool, float]]) -> None:
    held = [holding(units, strike, days=days, is_call=is_call, iv=iv) for units, strike, days, is_call, iv in book]
    worth = sum(float(one.value) for one in held)
    assert 0.0 <= value_at_risk(held) <= worth * (1 + 1e-12) + 1e-9


def test_risk_grows_with_the_size_in_proportion() -> None:
    one = value_at_risk([holding(-1, 77_000), holding(-1, 63_000, is_call=False)])
    ten = value_at_risk([holding(-10, 77_000), holding(-10, 63_000, is_call=False)])
    assert ten == pytest.approx(10 * one)
    assert one > 0


def test_wings_take_risk_off_a_short_strangle() -> None:
    strangle = [holding(-1, 77_000), holding(-1, 63_000, is_call=False)]
    wings = [holding(1, 80_000), holding(1, 60_000, is_call=False)]
    assert value_at_risk(strangle + wings) < value_at_risk(strangle)


def test_without_a_volatility_the_one_of_the_mark_is_taken() -> None:
    told = holding(-1, 75_000)
    silent = Holding(contract=told.contract, size=told.size, mark=told.mark, underlying_price=told.underlying_price, years=told.years)
    assert value_at_risk([silent]) == pytest.approx(value_at_risk([told]), rel=1e-9)


def test_an_option_that_expires_within_the_day_is_worth_its_intrinsic_value() -> None:
    dying = holding(1, 90_000, days=0.5)
    assert value_at_risk([dying]) == pytest.approx(float(dying.mark))


BOOKS = {
    "short strangle": [holding(-10, 77_000), holding(-10, 63_000, is_call=False)],
    "long put": [holding(10, 62_000, is_call=False)],
    "iron condor": [holding(-10, 77_000), holding(-10, 63_000, is_call=False), holding(10, 80_000), holding(10, 60_000, is_call=False)],
    "calendar": [holding(10, 72_000, days=35), holding(-10, 72_000)],
}


@pytest.mark.parametrize("book", BOOKS)
def test_the_fixed_grid_says_what_many_random_days_say(book: str) -> None:
    pytest.importorskip("numpy", reason="the vector extra is not installed")
    expected = value_at_risk(BOOKS[book], drawn(100_000, seed=1))
    assert value_at_risk(BOOKS[book]) == pytest.approx(expected, rel=0.03)


def test_random_days_are_the_same_for_the_same_seed_and_have_unit_variance() -> None:
    days = drawn(20_000, seed=3)
    assert days == drawn(20_000, seed=3) != drawn(20_000, seed=4)
    assert sum(weight * move**2 for weight, move in zip(days.weights, days.returns, strict=True)) == pytest.approx(1.0, abs=0.1)
    assert sum(GRID.weights) == pytest.approx(1.0)


def test_where_each_scenario_is_likelier_than_the_quantile_the_worst_counts() -> None:
    """Four equally likely moves: none is rarer than one in a hundred."""
    moves = DayScenarios(returns=(0.0, 1.0, 2.0, 3.0), shocks=(0.0,) * 4, weights=(0.25,) * 4)
    worst = DayScenarios(returns=(3.0,), shocks=(0.0,), weights=(1.0,))
    assert value_at_risk([holding(-1)], moves) == value_at_risk([holding(-1)], worst) > 0


def test_the_parts_are_the_whole() -> None:
    book = [holding(-1, 77_000), holding(-1, 63_000, is_call=False)]
    held = [Leg.of(one) for one in book]
    units = [leg.units for leg in held]
    profits = revalue(held, day_shocks(book_volatility(held, units))).profits(units)
    assert tail_loss(profits) == value_at_risk(book)


def test_a_flat_book_has_no_volatility() -> None:
    assert book_volatility([], []) == 0.0
