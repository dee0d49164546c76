"""Value at risk: laws that hold for every book."""

from __future__ import annotations

import math
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikeloop import OptionKind
from strikeloop.pricing import price
from strikeloop_venue.var import NODES, RETURNS, Exposure, value_at_risk
from tests.plugins.venue.stage import SECOND, START, contract

DAY = 86_400 * SECOND


def exposure(units: float, strike: int = 70_000, *, days: float = 7, is_call: bool = True, iv: float = 0.5) -> Exposure:
    terms = contract(strike=D(strike), expiry=START + round(days * DAY), kind=OptionKind.CALL if is_call else OptionKind.PUT)
    return Exposure(
        contract=terms,
        units=units,
        mark=price(70_000.0, float(strike), days / 365, iv, is_call=is_call),
        forward=70_000.0,
        iv=iv,
    )


def test_a_flat_book_risks_nothing() -> None:
    assert value_at_risk([], START) == 0.0


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
    held = [exposure(units, strike, days=days, is_call=is_call, iv=iv) for units, strike, days, is_call, iv in book]
    worth = sum(one.units * one.mark for one in held)
    assert 0.0 <= value_at_risk(held, START) <= worth * (1 + 1e-12) + 1e-9


def test_risk_grows_with_the_size_in_proportion() -> None:
    one = value_at_risk([exposure(-1, 77_000), exposure(-1, 63_000, is_call=False)], START)
    ten = value_at_risk([exposure(-10, 77_000), exposure(-10, 63_000, is_call=False)], START)
    assert ten == pytest.approx(10 * one)
    assert one > 0


def test_wings_take_risk_off_a_short_strangle() -> None:
    strangle = [exposure(-1, 77_000), exposure(-1, 63_000, is_call=False)]
    wings = [exposure(1, 80_000), exposure(1, 60_000, is_call=False)]
    assert value_at_risk(strangle + wings, START) < value_at_risk(strangle, START)


def test_a_position_without_a_volatility_is_carried_at_its_mark() -> None:
    silent = Exposure(contract=contract(), units=-1, mark=100.0, forward=70_000.0, iv=None)
    assert value_at_risk([silent], START) == 0.0


def test_an_option_that_expires_within_the_day_is_worth_its_intrinsic_value() -> None:
    dying = exposure(1, 90_000, days=0.5)
    assert value_at_risk([dying], START) == pytest.approx(dying.mark)
