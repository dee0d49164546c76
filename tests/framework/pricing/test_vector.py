"""The specification of strikeloop.pricing.vector: what the scalar kernel says, for arrays."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

np = pytest.importorskip("numpy", reason="the vector extra is not installed")
pytest.importorskip("scipy", reason="the vector extra is not installed")

from strikeloop import pricing  # noqa: E402  # what follows needs the extra that was looked for above
from strikeloop.pricing import vector  # noqa: E402  # the same

ANY = arrays.arrays(np.float64, 24, elements=st.floats(allow_nan=True, allow_infinity=True))
GREEKS = ("delta", "gamma", "vega", "theta")
FURTHER = ("rho", "vanna", "volga", "charm")


def chain(count: int = 4_000, seed: int = 7) -> dict[str, Any]:
    """Options of every kind: from a minute to years, calm to wild, deep in and out of the money."""
    random = np.random.default_rng(seed)
    years, iv = 10 ** random.uniform(-5.5, 0.7, count), 10 ** random.uniform(-1.5, 0.5, count)
    forward = 10 ** random.uniform(-2, 5, count)
    strike = forward * np.exp(random.uniform(-6, 6, count) * iv * np.sqrt(years))
    return {"forward": forward, "strike": strike, "years": years, "iv": iv, "is_call": random.random(count) < 0.5}


def rows(given: dict[str, Any]) -> list[dict[str, Any]]:
    return [dict(zip(given, row, strict=True)) for row in zip(*(array.tolist() for array in given.values()), strict=True)]


def test_prices_and_greeks_are_those_of_the_scalar_kernel() -> None:
    options = chain()
    found, further = vector.value(**options), vector.further_greeks(**options)
    expected = [pricing.value(**row) for row in rows(options)]
    np.testing.assert_allclose(found.price, [value.price for value in expected], rtol=1e-11, atol=1e-13 * options["forward"].max())
    for name in GREEKS:
        np.testing.assert_allclose(
            getattr(found.greeks, name), [getattr(value.greeks, name) for value in expected], rtol=1e-12, atol=1e-300
        )
    for name in FURTHER:
        rest = [getattr(pricing.further_greeks(**row), name) for row in rows(options)]
        np.testing.assert_allclose(getattr(further, name), rest, rtol=1e-9, atol=1e-13)
    assert (vector.price(**options) == found.price).all()
    assert (vector.greeks(**options).delta == found.greeks.delta).all()


def test_implied_volatilities_are_those_of_the_scalar_kernel() -> None:
    options = chain()
    worth = vector.price(**options)
    asked = {"price": worth, **{name: options[name] for name in ("forward", "strike", "years", "is_call")}}
    np.testing.assert_allclose(vector.implied_volatility(**asked), [pricing.implied_volatility(**row) for row in rows(asked)], rtol=1e-12)


def test_volatilities_of_options_out_of_the_money_come_back() -> None:
    options = chain(20_000)
    options["is_call"] = options["strike"] > options["forward"]
    vega = vector.greeks(**options).vega
    found = vector.implied_volatility(
        vector.price(**options), options["forward"], options["strike"], options["years"], is_call=options["is_call"]
    )
    seen = (vega > 1e-8 * options["forward"]) & (options["years"] > 1e-4)
    assert seen.sum() > 10_000
    assert np.abs(found - options["iv"])[seen].max() <= 1e-10


def test_parity_holds_to_the_last_digits() -> None:
    options = chain()
    gap = vector.price(**{**options, "is_call": True}) - vector.price(**{**options, "is_call": False})
    scale = np.maximum(options["forward"], options["strike"])
    assert (np.abs(gap - (options["forward"] - options["strike"])) <= 1e-12 * scale).all()


def test_arguments_broadcast_and_the_answer_has_their_common_shape() -> None:
    forwards, strikes = np.array([90.0, 100.0, 110.0])[:, None], np.array([95.0, 105.0])
    found = vector.value(forwards, strikes, 0.5, [0.2, 0.3], is_call=[True, False])
    assert found.price.shape == found.greeks.theta.shape == (3, 2)
    assert found.price[2, 1] == pytest.approx(pricing.price(110.0, 105.0, 0.5, 0.3, is_call=False), rel=1e-14)
    assert vector.implied_volatility(found.price, forwards, strikes, 0.5, is_call=[True, False]).shape == (3, 2)


def test_one_option_has_no_dimension_and_no_options_have_no_answers() -> None:
    assert vector.price(100.0, 100.0, 0.5, 0.2, is_call=True).shape == ()
    assert vector.price([], 100.0, 0.5, 0.2, is_call=True).shape == (0,)
    assert vector.implied_volatility([], 100.0, 100.0, 0.5, is_call=True).shape == (0,)


def test_more_than_a_block_is_the_same_as_its_parts() -> None:
    options = chain(2 * vector.BLOCK + 17)
    whole = vector.value(**options)
    tail = vector.value(**{name: array[-20:] for name, array in options.items()})
    assert (whole.price[-20:] == tail.price).all()
    assert (whole.greeks.vega[-20:] == tail.greeks.vega).all()


def test_a_column_against_a_long_row_is_priced_in_blocks_too() -> None:
    forwards = np.linspace(50.0, 150.0, 301)[:, None]
    strikes = np.linspace(80.0, 120.0, 100)
    found = vector.price(forwards, strikes, 0.25, 0.6, is_call=False)
    assert found.shape == (301, 100)
    assert found[17, 33] == vector.price(forwards[17, 0], strikes[33], 0.25, 0.6, is_call=False)


def test_limits_are_those_of_the_scalar_kernel() -> None:
    cases = [
        (forward, 100.0, years, iv, is_call)
        for forward in (90.0, 100.0, 110.0, 0.0, -1.0, math.nan)
        for years, iv in ((0.0, 0.5), (-1.0, 0.5), (0.5, 0.0), (math.nan, 0.5), (0.5, -0.1), (0.5, math.nan))
        for is_call in (True, False)
    ]
    forward, strike, years, iv, is_call = (np.array(column) for column in zip(*cases, strict=True))
    found, further = (
        vector.value(forward, strike, years, iv, is_call=is_call),
        vector.further_greeks(forward, strike, years, iv, is_call=is_call),
    )
    for at, (*numbers, kind) in enumerate(cases):
        expected, rest = pricing.value(*numbers, is_call=kind), pricing.further_greeks(*numbers, is_call=kind)
        assert repr(float(found.price[at]) + 0.0) == repr(expected.price + 0.0), cases[at]
        for name in GREEKS:
            assert repr(float(getattr(found.greeks, name)[at]) + 0.0) == repr(getattr(expected.greeks, name) + 0.0), (name, cases[at])
        for name in FURTHER:
            assert repr(float(getattr(further, name)[at]) + 0.0) == repr(getattr(rest, name) + 0.0), (name, cases[at])


def test_prices_outside_their_bounds_have_no_volatility_and_intrinsic_has_none_left() -> None:
    worth = [9.999, -1.0, 110.0, 111.0, math.nan, math.inf, 10.0, 12.0]
    found = vector.implied_volatility(worth, 110.0, 100.0, 0.5, is_call=True)
    assert np.isnan(found[:6]).all()
    assert found[6] == 0.0
    assert found[7] > 0.0
    assert np.isnan(vector.implied_volatility([11.0, 10.0, 10.0], 110.0, 100.0, [0.0, 0.0, math.nan], is_call=True)).tolist() == [
        True,
        False,
        True,
    ]


@given(ANY, ANY, ANY, ANY, ANY)
@example(*(np.array([figure] * 24) for figure in (1e308, 1e-308, 1.0, 0.5, 1e300)))
@example(*(np.array([figure] * 24) for figure in (1e-308, 1e308, 1e308, 1e308, 5e-324)))
def test_no_array_makes_it_raise_or_warn(forward: Any, strike: Any, years: Any, iv: Any, worth: Any) -> None:
    calls = np.arange(24) % 2 == 0
    for result in (
        vector.price(forward, strike, years, iv, is_call=calls),
        vector.greeks(forward, strike, years, iv, is_call=calls).theta,
        vector.further_greeks(forward, strike, years, iv, is_call=calls).volga,
        vector.implied_volatility(worth, forward, strike, years, is_call=calls),
    ):
        assert result.shape == (24,)
