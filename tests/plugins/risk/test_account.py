"""The account under moves of the underlying, and what liquidates it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikeloop.margin import GATE, Classic, Holding, MarginModel
from strikeloop.pricing import greeks, price
from strikeloop_risk.account import Projection, own_greeks
from tests.plugins.risk.scene import CALL, EXPIRY, START, D, option

YEARS = (EXPIRY - START) / (365 * 86_400e9)
PUT_LOW = option(60_000, "put")


def holding(contract: object = CALL, size: int = -10, iv: float = 0.5, index: float = 70_000.0) -> Holding:
    assert isinstance(contract, type(CALL))
    mark = price(index, float(contract.strike), YEARS, iv, is_call=contract.is_call)
    return Holding(contract=contract, size=D(size), mark=D(repr(mark)), underlying_price=D(repr(index)), years=YEARS, iv=iv)


def test_our_own_greeks_are_those_of_black_76_for_the_whole_position() -> None:
    one, unit = own_greeks(holding(size=-10)), greeks(70_000.0, 70_000.0, YEARS, 0.5, is_call=True)
    assert one.delta == pytest.approx(unit.delta * -0.1)
    assert one.vega == pytest.approx(unit.vega * -0.1)


def test_no_move_changes_nothing_and_a_move_against_the_position_costs() -> None:
    at_rest, up = Projection([holding()], Classic(), D(10_000)).after((0.0, 0.1))
    assert at_rest.profit == pytest.approx(0, abs=1e-6)
    assert at_rest.required == pytest.approx(Classic().account([holding()]).maintenance)
    assert up.profit < -300
    assert up.required > at_rest.required


@pytest.mark.parametrize("model", [Classic(), GATE], ids=["classic", "portfolio"])
def test_the_liquidating_move_is_where_the_balance_meets_the_maintenance_margin(model: MarginModel) -> None:
    book, cash = [holding(CALL, -10), holding(PUT_LOW, -10)], D(3_500)
    down, up = Projection(book, model, cash).liquidating()
    assert down is not None
    assert up is not None
    for move in (down, up):
        gone, safe = Projection(book, model, cash).after((move, move * 0.98))
        assert gone.is_liquidated
        assert not safe.is_liquidated
        assert float(abs(gone.balance - gone.required)) < 0.01 * float(cash)


def test_an_account_that_is_due_already_is_no_distance_away() -> None:
    assert Projection([holding()], Classic(), D(100)).liquidating() == (0.0, 0.0)


def test_a_long_option_and_an_empty_account_are_liquidated_by_no_move() -> None:
    assert Projection([holding(size=5)], Classic(), D(10)).liquidating() == (None, None)
    assert Projection([], Classic(), D(0)).liquidating() == (None, None)
    assert [str(move) for move in Projection([], Classic(), D(7)).after((0.1,))] == ["+10%: +0, required 0 of 7"]


@given(st.integers(-50, -1), st.integers(-50, -1), st.integers(2_000, 200_000))
def test_less_money_never_makes_the_distance_longer(calls: int, puts: int, cash: int) -> None:
    book = [holding(CALL, calls), holding(PUT_LOW, puts)]
    for much, little in zip(*(Projection(book, Classic(), D(cash) / part).liquidating() for part in (1, 2)), strict=True):
        assert _far(little) <= _far(much) + 1e-9


def _far(move: float | None) -> float:
    return 9.0 if move is None else abs(move)


def test_a_move_says_what_it_does() -> None:
    (after,) = Projection([holding()], Classic(), D(1_000)).after((0.5,))
    assert str(after).startswith("+50%: -")
    assert str(after).endswith(", liquidated")
    assert isinstance(after.profit, Decimal)
