"""Prices as whole ticks: exact, or not at all."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikeloop_store.ticks import Scale, found


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 6)), min_size=1, max_size=50))
def test_every_price_with_decimals_comes_back_as_the_float_it_was_printed_as(figures: list[tuple[int, int]]) -> None:
    prices = np.array([float(Decimal(whole).scaleb(-decimals)) for whole, decimals in figures])
    scale = found([prices])
    assert scale is not None
    assert scale.prices(scale.ticks(prices)).tolist() == prices.tolist()


@given(st.sampled_from(["0.5", "0.05", "5", "2.5", "0.0001", "0.125"]), st.lists(st.integers(0, 10**9), min_size=1, max_size=50))
def test_prices_on_a_tick_are_one_division_away_from_their_ticks(tick: str, ticks: list[int]) -> None:
    scale = Scale.of_tick(Decimal(tick))
    prices = scale.prices(np.array(ticks))
    assert prices.tolist() == [float(Decimal(one) * Decimal(tick)) for one in ticks]
    assert scale.fits(prices).all()
    assert scale.ticks(prices).tolist() == ticks


def test_a_price_that_was_computed_has_no_scale() -> None:
    assert found([np.array([0.1 + 0.2])]) is None
    assert found([np.array([1 / 3])]) is None


def test_what_is_not_there_fits_every_scale() -> None:
    assert found([np.array([np.nan, 0.5])]) == Scale(1, 10)


@pytest.mark.parametrize("tick", ["0", "-1", "NaN", "Infinity"])
def test_a_tick_is_positive_and_finite(tick: str) -> None:
    with pytest.raises(ValueError, match="no price step"):
        Scale.of_tick(Decimal(tick))
