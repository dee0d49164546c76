"""The specification of strikeloop_venue.market.smile: no strike and no expiry can be traded against another at a sure profit."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from strikeloop.pricing import vector
from strikeloop_venue.market.smile import Smile, Surface

Array = NDArray[np.float64]
LEVELS = st.floats(0.1, 2.0)
SKEWS = st.floats(-0.9, 0.9)
SHARES = st.floats(0.05, 1.0)
YEARS = st.floats(1e-4, 1.0)
FORWARD = 70_000.0


def surface(level: float, skew: float, share: float) -> Surface:
    """`share` of the largest curvature that this skew allows."""
    return Surface(volatility=level, skew=skew, curvature=2.0 * share / (1.0 + abs(skew)), reversion=25.0)


def smile_of(made: Surface, years: float, now: float, level: float = 1.0) -> Smile:
    return made.smile(np.array([FORWARD]), np.array([years]), now, level)


@given(LEVELS, SKEWS, SHARES, YEARS, LEVELS)
def test_calls_fall_with_the_strike_and_are_convex_in_it(level: float, skew: float, share: float, years: float, now: float) -> None:
    smile = smile_of(surface(level, skew, share), years, now)
    gap = math.sqrt(float(smile.theta[0])) * FORWARD / 8
    strikes = FORWARD + gap * np.arange(-24, 41)
    strikes = strikes[strikes > gap]
    iv = np.sqrt(smile.variance(np.log(strikes)) / years)
    falls = -np.diff(vector.price(FORWARD, strikes, years, iv, is_call=True))
    assert (falls >= -1e-9).all()
    assert (falls <= gap + 1e-9).all()
    assert (np.diff(falls) <= 1e-9).all()


@given(LEVELS, SKEWS, SHARES, YEARS, LEVELS, st.floats(1e-4, 0.5), st.floats(-1.0, 1.0))
def test_total_variance_grows_with_time(level: float, skew: float, share: float, years: float, now: float, later: float, k: float) -> None:
    made, log_strike = surface(level, skew, share), np.array([math.log(FORWARD) + k])
    near, far = (float(smile_of(made, time, now).variance(log_strike)[0]) for time in (years, years + later))
    assert far >= near * (1 - 1e-12)


def test_at_the_money_the_level_of_the_moment_fades_into_the_long_one() -> None:
    made = surface(0.5, -0.25, 0.5)
    near, far = (smile_of(made, years, 0.8).volatility(np.log([FORWARD]))[0] for years in (1e-4, 1.0))
    assert near == pytest.approx(0.8, abs=2e-3)
    assert 0.5 < far < 0.52


def test_a_factor_on_the_level_is_one_on_every_volatility() -> None:
    made, at_the_money = surface(0.5, 0.0, 0.5), np.log([FORWARD])
    one, other = (math.sqrt(float(smile_of(made, 0.1, 0.6, level).variance(at_the_money)[0])) for level in (1.0, 1.7))
    assert other == pytest.approx(1.7 * one)


def test_a_negative_skew_makes_low_strikes_dearer() -> None:
    low, middle, high = smile_of(surface(0.5, -0.25, 0.5), 0.1, 0.5).volatility(np.log([0.8 * FORWARD, FORWARD, FORWARD / 0.8]))
    assert low > middle
    assert low > high > 0.4


def test_published_volatilities_have_four_decimals() -> None:
    smile, log_strike = smile_of(surface(0.5, -0.25, 0.5), 0.1, 0.5), np.log([66_000.0])
    exact, published = math.sqrt(float(smile.variance(log_strike)[0]) / 0.1), float(smile.volatility(log_strike)[0])
    assert published == round(published, 4)
    assert 0 <= exact - published < 1e-4


def test_rows_of_one_expiry_share_its_smile() -> None:
    both = surface(0.5, -0.25, 0.5).smile(np.array([70_000.0, 71_000.0]), np.array([0.02, 0.1]), 0.5)
    rows = both.of(np.array([1, 0, 1]))
    assert rows.forward.tolist() == [71_000.0, 70_000.0, 71_000.0]
    assert rows.theta.tolist() == both.theta[[1, 0, 1]].tolist()


@pytest.mark.parametrize(("skew", "curvature"), [(1.0, 0.5), (-1.1, 0.5), (0.0, 0.0), (0.0, 2.1), (-0.5, 1.4), (math.nan, 0.5)])
def test_a_surface_that_admits_arbitrage_is_refused(skew: float, curvature: float) -> None:
    with pytest.raises(ValueError, match="admit arbitrage"):
        Surface(volatility=0.5, skew=skew, curvature=curvature, reversion=25.0)
