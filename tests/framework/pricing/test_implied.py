"""The specification of strikeloop.pricing.implied: the volatility behind one price."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from strikeloop.pricing import greeks, implied_volatility, price
from strikeloop.pricing.black import log_ratio
from strikeloop.pricing.implied import log_slope, price_over_slope

FORWARDS = st.floats(1e-2, 1e5)
DEVIATIONS_AWAY = st.floats(-5.0, 5.0)
YEARS = st.floats(1e-4, 5.0)
VOLATILITIES = st.floats(0.05, 3.0)
ANY = st.floats(allow_nan=True, allow_infinity=False)


def strike_at(forward: float, away: float, years: float, iv: float) -> float:
    return forward * math.exp(away * iv * math.sqrt(years))


@given(FORWARDS, DEVIATIONS_AWAY, YEARS, VOLATILITIES)
@example(7.4687, -0.2, 5e-4, 0.18)
def test_the_volatility_of_an_option_out_of_the_money_comes_back(forward: float, away: float, years: float, iv: float) -> None:
    strike = strike_at(forward, away, years, iv)
    is_call = strike > forward
    assume(greeks(forward, strike, years, iv, is_call=is_call).vega > 1e-8 * forward)
    found = implied_volatility(price(forward, strike, years, iv, is_call=is_call), forward, strike, years, is_call=is_call)
    assert found == pytest.approx(iv, abs=1e-10)


@given(FORWARDS, st.floats(-4.0, 0.0), YEARS, VOLATILITIES)
def test_the_volatility_of_an_option_in_the_money_comes_back_as_far_as_its_price_can_carry_it(
    forward: float, away: float, years: float, iv: float
) -> None:
    strike = strike_at(forward, away, years, iv)
    worth = price(forward, strike, years, iv, is_call=True)
    vega = greeks(forward, strike, years, iv, is_call=True).vega * 100
    assume(vega > 1e-6 * forward)
    found = implied_volatility(worth, forward, strike, years, is_call=True)
    assert found == pytest.approx(iv, abs=1e-12 + math.ulp(worth) / vega)


@pytest.mark.parametrize("is_call", [True, False])
def test_a_price_outside_its_bounds_has_no_volatility(is_call: bool) -> None:
    forward = 110.0 if is_call else 90.0
    bound = forward if is_call else 100.0
    for impossible in (9.999, -1.0, bound, bound + 1, math.nan, math.inf):
        assert math.isnan(implied_volatility(impossible, forward, 100.0, 0.5, is_call=is_call)), impossible
    assert implied_volatility(bound - 1e-9, forward, 100.0, 0.5, is_call=is_call) > 5


@pytest.mark.parametrize(
    ("worth", "strike"), [(5e-324, 1.5), (1e-300, 1.5), (1e-306, 10.0), (1 - 2**-53, 1.0), (1 - 2**-53, 1e200), (1e-12, 1e300)]
)
def test_the_least_and_the_largest_price_a_float_can_say_have_a_volatility(worth: float, strike: float) -> None:
    found = implied_volatility(worth, 1.0, strike, 1.0, is_call=True)
    assert price(1.0, strike, 1.0, found, is_call=True) == pytest.approx(worth, rel=1e-8, abs=0)


def test_the_volatility_of_the_intrinsic_value_is_zero() -> None:
    assert implied_volatility(10.0, 110.0, 100.0, 0.5, is_call=True) == 0.0
    assert implied_volatility(0.0, 90.0, 100.0, 0.5, is_call=True) == 0.0
    assert implied_volatility(10.0, 110.0, 100.0, 0.0, is_call=True) == 0.0


def test_a_price_above_intrinsic_has_no_volatility_when_no_time_is_left() -> None:
    assert math.isnan(implied_volatility(11.0, 110.0, 100.0, 0.0, is_call=True))


@given(ANY, ANY, ANY, ANY, st.booleans())
@example(1e300, 1e308, 1e-308, 1.0, True)
@example(5e-324, 1e-308, 1e308, 1e308, False)
@example(5e-324, 1e-300, 1e-300, 1e-300, True)
@example(1.0, 1e294, 1e294, 1.0, False)
@example(0.5, 1.0, math.nextafter(1.0, 2.0), 1.0, True)
def test_no_floats_make_it_raise(worth: float, forward: float, strike: float, years: float, is_call: bool) -> None:
    assert isinstance(implied_volatility(worth, forward, strike, years, is_call=is_call), float)


@given(st.floats(1e-300, 0.999999), st.floats(1e-9, 600.0))
@example(1e-300, 600.0)
@example(0.999999, 1e-12)
def test_any_share_of_the_upper_bound_has_the_deviation_at_which_it_is_the_normalized_price(share: float, away: float) -> None:
    strike = math.exp(away)
    s, x = implied_volatility(share, 1.0, strike, 1.0, is_call=True), log_ratio(1.0, strike)
    log_price = log_slope(x, s) + math.log(price_over_slope(x, s))
    assert log_price == pytest.approx(math.log(share) + x / 2, rel=2e-13, abs=2e-13)
