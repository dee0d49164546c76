"""The specification of strikeloop.margin.portfolio: margin by scenarios, and its presets."""

from __future__ import annotations

import json
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikeloop.margin import DERIBIT_LIKE, FREE, GATE, MODELS, SPAN_LIKE, Classic, Holding, Leg, MarginModel, Portfolio, Shocks
from strikeloop.margin import revaluation as rooms
from strikeloop.pricing import price
from tests.framework.margin.stage import held, ordered

PRESETS = {"gate": GATE, "deribit_like": DERIBIT_LIKE, "span_like": SPAN_LIKE}
BARE = attrs.evolve(GATE, charges=(), initial_factor=1.0)
BOOKS = st.lists(
    st.tuples(st.integers(-20, 20).filter(bool), st.integers(40_000, 120_000), st.booleans(), st.sampled_from([2, 7, 40, 90])),
    min_size=1,
    max_size=5,
)


def book(rows: list[tuple[int, int, bool, int]]) -> list[Holding]:
    return [held(size, strike, is_call=is_call, days=days) for size, strike, is_call, days in rows]


def grid(model: Portfolio) -> list[tuple[float, float, float]]:
    return [
        (round(move - 1, 4), shock, round(weight, 4))
        for move, shock, weight in zip(model.shocks.prices, model.shocks.volatilities, model.weights, strict=True)
    ]


def test_gates_grid_is_thirty_three_moves_of_price_and_volatility(shared: Path) -> None:
    """The first eleven stand in the answer of Gate's portfolio calculator."""
    sample = json.loads((shared / "fixtures" / "gate" / "unified_docs" / "POST_unified.portfolio_calculator.response_200.json").read_text())
    rows = sample["risk_unit"][0]["margin_result"][0]["profit_loss_ranges"]
    published = [(float(row["price_percentage"]), float(row["implied_volatility_percentage"]), 1.0) for row in rows]
    assert grid(GATE)[:11] == published
    assert len(set(grid(GATE))) == 33
    assert {shock for _, shock, _ in grid(GATE)} == {-0.3, 0.0, 0.3}


def test_the_other_presets_have_the_scenarios_they_are_named_for() -> None:
    assert len(grid(DERIBIT_LIKE)) == 24
    assert (5.0, 0.4, 0.032) in grid(DERIBIT_LIKE)
    assert (-0.66, 0.4, 0.2424) in grid(DERIBIT_LIKE)
    assert len(grid(SPAN_LIKE)) == 16
    assert grid(SPAN_LIKE)[-2:] == [(-0.3, 0.0, 0.35), (0.3, 0.0, 0.35)]


def test_the_stress_is_the_worst_loss_of_the_grid() -> None:
    short = held(-10, 75_000)
    worst = max(
        price(70_000.0 * (1 + step / 100), 75_000.0, 7 / 365, 0.5 * factor, is_call=True)
        for step in range(-20, 21, 4)
        for factor in (0.7, 1.0, 1.3)
    )
    expected = 10 * (worst - float(short.mark))
    (unit,) = BARE.risk_units([short])
    assert unit.stress == pytest.approx(expected)
    assert float(BARE.account([short]).maintenance) == pytest.approx(expected)
    assert len(unit.profits) == 33
    assert -unit.stress == pytest.approx(min(unit.profits))


def test_charges_come_on_top_and_factors_last() -> None:
    short = [held(-10, 75_000)]
    (unit,) = GATE.risk_units(short)
    assert unit.charges == pytest.approx((0.0, 0.0, 0.01 * 70_000 * 10))
    assert unit.requirement == pytest.approx(unit.stress + 7_000)
    found = GATE.account(short)
    assert float(found.maintenance) == pytest.approx(unit.requirement)
    assert float(found.initial) == pytest.approx(1.3 * unit.requirement)


def test_a_floor_is_compared_not_added() -> None:
    hedged = [held(10, 70_000, days=40), held(-10, 70_000, days=40)]
    floor = DERIBIT_LIKE.floor
    assert floor is not None
    (unit,) = attrs.evolve(DERIBIT_LIKE, charges=()).risk_units(hedged)
    assert unit.stress == 0.0
    assert unit.requirement == floor.amount([Leg.of(one) for one in hedged]) > 7_000


def test_a_weight_says_which_share_of_a_loss_counts() -> None:
    model = Portfolio(shocks=Shocks(prices=(2.0,), volatilities=(0.0,)), weights=(0.5,), initial_factor=1.0)
    short = held(-1, 70_000)
    full = price(140_000.0, 70_000.0, 7 / 365, 0.5, is_call=True) - float(short.mark)
    assert float(model.account([short]).initial) == pytest.approx(0.5 * full)


@pytest.mark.parametrize("model", PRESETS.values(), ids=PRESETS)
def test_equity_pays_a_long_once(model: Portfolio) -> None:
    """Cash paid the premium; the value of the option counts beside the cash, less what the scenarios can take of it."""
    found = model.account([held(10, 75_000)])
    assert found.credit == held(10, 75_000).value
    assert found.available(D(0)) <= found.credit
    assert found.maintenance <= found.credit + D("0.01") + D(str(0.02 * 70_000 * 10))


@given(BOOKS)
def test_spreads_need_no_more_than_their_parts(rows: list[Any]) -> None:
    parts = sum(BARE.account([one]).maintenance for one in book(rows))
    assert BARE.account(book(rows)).maintenance <= parts + D("0.01")


@given(BOOKS)
def test_a_long_only_book_stresses_no_more_than_its_worth(rows: list[Any]) -> None:
    longs = book([(abs(size), *rest) for size, *rest in rows])
    assert BARE.account(longs).maintenance <= sum(one.value for one in longs) + D("0.01")


def test_underlyings_do_not_offset_each_other() -> None:
    bitcoin, ether = held(10, 75_000), held(-10, 75_000, underlying="ETH_USDT")
    both = GATE.account([bitcoin, ether])
    assert both.initial == pytest.approx(GATE.account([bitcoin]).initial + GATE.account([ether]).initial, abs=D("0.02"))
    assert [unit.underlying for unit in GATE.risk_units([bitcoin, ether])] == ["BTC_USDT", "ETH_USDT"]


def test_orders_count_as_the_worse_of_both_signs_of_delta() -> None:
    position = [held(-5, 75_000)]
    more, less = ordered(-5, 75_000), ordered(5, 75_000)
    alone = BARE.account(position)
    with_more = BARE.account(position, [more])
    assert float(with_more.order) == pytest.approx(float(alone.initial), rel=1e-6)
    assert BARE.account(position, [less]).order == 0
    assert BARE.account(position, [more, less]).order == with_more.order
    assert with_more.initial == alone.initial


def test_an_order_that_loses_against_the_mark_holds_that_back_with_its_fee() -> None:
    mark = float(held(1, 90_000).mark)
    found = BARE.account([], [ordered(2, 90_000, mark + 50, fee=3)])
    (unit,) = BARE.risk_units([held(2, 90_000)])
    assert float(found.order) == pytest.approx(unit.stress + 103, abs=0.01)


def test_a_reduce_only_order_holds_nothing_back() -> None:
    assert GATE.account([held(5, 75_000)], [ordered(-5, 75_000, reduce_only=True)]).order == 0


def test_an_empty_account_needs_nothing() -> None:
    for model in MODELS.values():
        assert model.account([]).occupied == model.account([]).maintenance == 0


def test_figures_are_rounded_up_to_the_cent_and_noise_is_none() -> None:
    found = GATE.account([held(-3, 71_000)])
    (unit,) = GATE.risk_units([held(-3, 71_000)])
    assert found.initial == found.initial.quantize(D("0.01"))
    assert 0 <= float(found.maintenance) - unit.requirement <= 0.01
    noise = Portfolio(shocks=Shocks(prices=(1.0,), volatilities=(0.0,)), weights=(1.0,))
    assert noise.account([held(1, strike) for strike in range(60_000, 80_000, 1_000)]).initial == 0


@pytest.mark.parametrize("name", [name for name, model in MODELS.items() if isinstance(model, Portfolio)])
def test_without_numpy_the_margin_is_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    positions = [held(-3, 71_000), held(2, 80_000, days=40), held(-1, 60_000, is_call=False, days=40)]
    orders = [ordered(-2, 77_000), ordered(4, 66_000, is_call=False)]
    with_numpy = MODELS[name].account(positions, orders)
    monkeypatch.setattr(rooms, "vector_kernel", lambda: None)
    without = MODELS[name].account(positions, orders)
    for field in ("initial", "maintenance", "order", "credit"):
        assert getattr(with_numpy, field) == getattr(without, field)


def test_a_grid_whose_columns_differ_in_length_is_refused() -> None:
    with pytest.raises(ValueError, match="the same scenarios"):
        Portfolio(shocks=Shocks(prices=(1.0, 1.1), volatilities=(0.0,)), weights=(1.0,))
    with pytest.raises(ValueError, match="at least one"):
        Portfolio(shocks=Shocks(prices=(), volatilities=()), weights=())


def test_settings_choose_among_five_models() -> None:
    chosen: dict[str, MarginModel] = dict(MODELS)
    assert chosen == {"classic": Classic(), "portfolio": GATE, "deribit_like": DERIBIT_LIKE, "span_like": SPAN_LIKE, "none": FREE}
