"""The specification of strikeloop.margin.revaluation: with and without numpy the same, and never below nothing."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikeloop.margin import Leg, Revaluation, Shocks, revalue
from strikeloop.margin.revaluation import FEW, ScalarRevaluation, VectorRevaluation, remembered, vector_kernel
from strikeloop.pricing import price
from tests.framework.margin.stage import held

SHOCKS = Shocks(prices=(0.8, 1.0, 1.2, 6.0), volatilities=(0.4, -0.3, 0.0, -2.0), short_power=0.3, long_power=0.13, elapsed=1 / 365)
MANY = Shocks.grid([step / 100 for step in range(-40, 41)], [0.0])
POSITIONS = st.tuples(
    st.integers(-50, 50), st.integers(30_000, 150_000), st.booleans(), st.floats(0.01, 400), st.floats(0.05, 2), st.floats(1e3, 2e5)
)


def leg(size: int, strike: int, is_call: bool, days: float, iv: float, forward: float) -> Leg:
    return Leg.of(held(size, strike, is_call=is_call, days=days, iv=iv, forward=forward))


@given(st.lists(POSITIONS, max_size=8))
def test_numpy_and_the_standard_library_say_the_same(book: list[Any]) -> None:
    kernel = vector_kernel()
    if kernel is None:
        pytest.skip("the vector extra is not installed")
    legs = [leg(*position) for position in book]
    units = [one.units for one in legs]
    scalar, vector = ScalarRevaluation(legs, SHOCKS).profits(units), VectorRevaluation.of(legs, SHOCKS, kernel).profits(units)
    assert vector == pytest.approx(scalar, rel=1e-9, abs=1e-6)


@given(st.lists(POSITIONS, min_size=1, max_size=4))
def test_a_book_is_the_sum_of_its_units(book: list[Any]) -> None:
    legs = [leg(*position) for position in book]
    found = revalue(legs, SHOCKS)
    each = [[profit * one.units for profit in found.of_unit(at)] for at, one in enumerate(legs)]
    assert found.profits([one.units for one in legs]) == pytest.approx([sum(row) for row in zip(*each, strict=True)], abs=1e-6)


@given(st.lists(POSITIONS, min_size=2, max_size=4), POSITIONS)
def test_a_leg_may_be_replaced_without_the_others(book: list[Any], new: Any) -> None:
    legs, kernel = [leg(*position) for position in book], vector_kernel()
    ways: list[Callable[[list[Leg], Shocks], Revaluation]] = [ScalarRevaluation]
    if kernel is not None:
        ways.append(lambda legs, shocks: VectorRevaluation.of(legs, shocks, kernel))
    for shocks, way in itertools.product((SHOCKS, MANY), ways):
        changed = way(legs, shocks).replaced({1: leg(*new)})
        whole = way([legs[0], leg(*new), *legs[2:]], shocks)
        for at in range(len(legs)):
            assert changed.of_unit(at) == pytest.approx(whole.of_unit(at), rel=1e-9, abs=1e-6)


@given(st.lists(POSITIONS, min_size=1, max_size=5), st.sets(st.integers(0, 4)))
def test_legs_remember_what_they_gain_and_nothing_differs(book: list[Any], before: set[int]) -> None:
    legs = [leg(*position) for position in book]
    for shocks in (SHOCKS, MANY):
        for at in before & set(range(len(legs))):
            remembered([legs[at]], shocks)
        found, anew = remembered(legs, shocks), revalue(legs, shocks)
        assert all(shocks in one.known for one in legs)
        for at in range(len(legs)):
            assert found.of_unit(at) == pytest.approx(anew.of_unit(at), rel=1e-9, abs=1e-6)
        assert found.profits([1.0] * len(legs)) == pytest.approx(anew.profits([1.0] * len(legs)), abs=1e-6)


@pytest.mark.parametrize("way", [ScalarRevaluation, VectorRevaluation])
def test_a_book_is_made_of_legs_whose_gains_are_known(way: Any) -> None:
    if way is VectorRevaluation and vector_kernel() is None:
        pytest.skip("the vector extra is not installed")
    known = way.known([(1.0, 2.0, 3.0, 4.0), (0.0, 1.0, 0.0, -1.0)], SHOCKS)
    assert known.profits([2.0, 10.0]) == [2.0, 14.0, 6.0, -2.0]
    assert [[*row] for row in known.rows()] == [known.of_unit(0), known.of_unit(1)]
    assert way.known([], SHOCKS).profits([]) == [0.0] * 4


@pytest.mark.skipif(vector_kernel() is None, reason="the vector extra is not installed")
def test_a_few_values_are_computed_one_by_one_and_many_as_arrays() -> None:
    one = leg(1, 72_000, True, 7, 0.5, 70_000.0)
    assert isinstance(revalue([one] * (FEW // len(SHOCKS.prices)), SHOCKS), ScalarRevaluation)
    assert isinstance(revalue([one], MANY), VectorRevaluation)


def test_a_grid_is_every_move_with_every_change_of_volatility() -> None:
    made = Shocks.grid([-0.1, 0.0, 0.2], [0.0, 0.5], elapsed=0.25)
    assert made.prices == (0.9, 1.0, 1.2, 0.9, 1.0, 1.2)
    assert made.volatilities == (0.0, 0.0, 0.0, 0.5, 0.5, 0.5)
    assert made.elapsed == 0.25


@given(POSITIONS)
def test_a_long_never_loses_more_than_its_mark(position: Any) -> None:
    one = leg(*position)
    assert min(revalue([one], SHOCKS).profits([1.0])) >= -one.mark


def test_a_scenario_moves_price_and_volatility_and_time() -> None:
    one = leg(1, 72_000, True, 7, 0.5, 70_000.0)
    shocks = Shocks(prices=(1.1,), volatilities=(0.4,), short_power=0.3, elapsed=2 / 365)
    term = (30 / 7) ** 0.3
    expected = price(77_000.0, 72_000.0, 5 / 365, 0.5 * (1 + 0.4 * term), is_call=True) - one.mark
    for found in (revalue([one], shocks), ScalarRevaluation([one], shocks)):
        assert found.profits([3.0]) == pytest.approx([3 * expected])


def test_the_mark_that_differs_from_the_model_keeps_its_difference() -> None:
    one = attrs.evolve(leg(1, 72_000, True, 7, 0.5, 70_000.0), mark=2_000.0)
    still = Shocks(prices=(1.0,), volatilities=(0.0,))
    for found in (revalue([one], still), ScalarRevaluation([one], still)):
        assert found.profits([1.0]) == pytest.approx([0.0], abs=1e-9)


@pytest.mark.parametrize(("days", "expected"), [(0.1, 30**0.3), (15, 2**0.3), (30, 1.0), (60, 0.5**0.13)])
def test_the_term_of_a_volatility_shock_shrinks_with_the_time_left(days: float, expected: float) -> None:
    assert SHOCKS.term(days / 365) == pytest.approx(expected)


def test_an_empty_book_has_no_profits() -> None:
    assert revalue([], SHOCKS).profits([]) == [0.0] * 4
    assert ScalarRevaluation([], SHOCKS).profits([]) == [0.0] * 4


def test_without_numpy_the_standard_library_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("strikeloop.pricing.vector", raising=False)
    monkeypatch.setitem(sys.modules, "strikeloop.pricing.vector", None)
    vector_kernel.cache_clear()
    try:
        assert vector_kernel() is None
        assert isinstance(revalue([leg(1, 72_000, True, 7, 0.5, 70_000.0)], MANY), ScalarRevaluation)
    finally:
        vector_kernel.cache_clear()
