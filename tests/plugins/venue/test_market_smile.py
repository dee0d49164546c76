"""The specification of strikeloop_venue.market.smile: no strike and no expiry can be traded against another at a sure profit."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikeloop.pricing import price
from strikeloop_venue.market.smile import Smile, Surface

LEVELS = st.floats(0.1, 2.0)
SKEWS = st.floats(-0.9, 0.9)
SHARES = st.floats(0.05, 1.0)
YEARS = st.floats(1e-4, 1.0)
FORWARD = 70_000.0


def surface(level: float, skew: float, share: float) -> Surface:
    """`share` of the largest curvature that this skew allows."""
    return Surface(volatility=level, skew=skew, curvature=2.0 * share / (1.0 + abs(skew)), reversion=25.0)


def call(smile: Smile, strike: float) -> float:
    return price(FORWARD, strike, smile.years, math.sqrt(smile.variance(strike) / smile.years), is_call=True)


@given(LEVELS, SKEWS, SHARES, YEARS, LEVELS)
def test_calls_fall_with_the_strike_and_are_convex_in_it(level: float, skew: float, share: float, years: float, now: float) -> None:
    smile = surface(level, skew, share).smile(FORWARD, years, now)
    gap = math.sqrt(smile.theta) * FORWARD / 8
    calls = [call(smile, FORWARD + step * gap) for step in range(-24, 41) if FORWARD + step * gap > gap]
    falls = [left - right for left, right in pairwise(calls)]
    assert all(-1e-9 <= fall <= gap + 1e-9 for fall in falls)
    assert all(left - right >= -1e-9 for left, right in pairwise(falls))


@given(LEVELS, SKEWS, SHARES, YEARS, LEVELS, st.floats(1e-4, 0.5), st.floats(-1.0, 1.0))
def test_total_variance_grows_with_time(level: float, skew: float, share: float, years: float, now: float, later: float, k: float) -> None:
    made, strike = surface(level, skew, share), FORWARD * math.exp(k)
    near, far = (made.smile(FORWARD, time, now).variance(strike) for time in (years, years + later))
    assert far >= near * (1 - 1e-12)


def test_at_the_money_the_level_of_the_moment_fades_into_the_long_one() -> None:
    made = surface(0.5, -0.25, 0.5)
    near, far = (made.smile(FORWARD, years, 0.8).volatility(FORWARD) for years in (1e-4, 1.0))
    assert near == pytest.approx(0.8, abs=2e-3)
    assert 0.5 < far < 0.52


def test_a_negative_skew_makes_low_strikes_dearer() -> None:
    smile = surface(0.5, -0.25, 0.5).smile(FORWARD, 0.1, 0.5)
    assert smile.volatility(0.8 * FORWARD) > smile.volatility(FORWARD / 0.8) > 0.4


def test_published_volatilities_have_four_decimals() -> None:
    smile = surface(0.5, -0.25, 0.5).smile(FORWARD, 0.1, 0.5)
    exact = math.sqrt(smile.variance(66_000.0) / 0.1)
    assert smile.volatility(66_000.0) == round(smile.volatility(66_000.0), 4)
    assert 0 <= exact - smile.volatility(66_000.0) < 1e-4


@pytest.mark.parametrize(("skew", "curvature"), [(1.0, 0.5), (-1.1, 0.5), (0.0, 0.0), (0.0, 2.1), (-0.5, 1.4), (math.nan, 0.5)])
def test_a_surface_that_admits_arbitrage_is_refused(skew: float, curvature: float) -> None:
    with pytest.raises(ValueError, match="admit arbitrage"):
        Surface(volatility=0.5, skew=skew, curvature=curvature, reversion=25.0)
