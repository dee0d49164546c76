"""The specification of strikeloop.exposure."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strikeloop import ContractId, SubmitOrder
from strikeloop.margin import GATE, MarginModel
from strikeloop.portfolio import Portfolio
from strikeloop.whatif import WhatIf, what_if
from tests.framework.accounts import ALL, ETH, MODEL, U, asked, market, order, resting, two_underlyings
from tests.framework.stage import PUT, D, position


def test_totals_stand_by_underlying_and_in_currency() -> None:
    sums = asked(two_underlyings(position(3), position(-5, ETH))).before.sums
    assert sums.of("BTC_USDT") == pytest.approx((0.015, 0.00003, 0.6, -0.9, 0.015 * U, 0.00003 * U * U / 100))
    assert sums.of("ETH_USDT").delta_cash == pytest.approx(-0.2 * 4_000)
    assert sums.of(None).delta_cash == pytest.approx(0.015 * U - 800)
    assert sums.of("SOL_USDT") == (0.0,) * 6


orders_on_the_book = st.lists(
    st.tuples(st.sampled_from(ALL), st.integers(-6, 6).filter(bool), st.booleans(), st.integers(100, 4_000)), max_size=4
)
held_sizes = st.tuples(*[st.integers(-5, 5)] * len(ALL))


def placed(rows: list[tuple[ContractId, int, bool, int]]) -> list[SubmitOrder]:
    return [order(size, where, f"w{at}", reduce_only=reduces, price=D(price)) for at, (where, size, reduces, price) in enumerate(rows)]


def choices(made: Portfolio, working: list[SubmitOrder]) -> list[WhatIf]:
    """The account after each choice of the working orders that fill."""
    picks = itertools.chain.from_iterable(itertools.combinations(working, count) for count in range(len(working) + 1))
    return [asked(made, *pick) for pick in picks]


@settings(max_examples=30, deadline=None)
@given(sizes=held_sizes, rows=orders_on_the_book)
def test_no_choice_of_orders_that_fill_goes_beyond_the_reach(sizes: tuple[int, ...], rows: list[tuple[ContractId, int, bool, int]]) -> None:
    made = two_underlyings(*(position(size, one) for size, one in zip(sizes, ALL, strict=True)))
    low, high = asked(made, orders=resting(*placed(rows))).before.reach
    for name in (None, "BTC_USDT", "ETH_USDT"):
        found = [choice.after.sums.of(name) for choice in choices(made, placed(rows))]
        assert all(a >= b - 1e-9 for totals in found for a, b in zip(totals, low.of(name), strict=True))
        assert all(a <= b + 1e-9 for totals in found for a, b in zip(totals, high.of(name), strict=True))
        if not any(reduces for _, _, reduces, _ in rows):
            assert [min(figure) for figure in zip(*found, strict=True)] == pytest.approx(low.of(name))
            assert [max(figure) for figure in zip(*found, strict=True)] == pytest.approx(high.of(name))


@settings(max_examples=15, deadline=None)
@given(sizes=held_sizes, rows=orders_on_the_book)
def test_the_worst_of_each_scenario_is_the_worst_choice_of_orders_that_fill(
    sizes: tuple[int, ...], rows: list[tuple[ContractId, int, bool, int]]
) -> None:
    made = two_underlyings(*(position(size, one) for size, one in zip(sizes, ALL, strict=True)))
    working = placed([(where, size, False, price) for where, size, _, price in rows])
    found = asked(made, orders=resting(*working)).before
    least = [min(profits) for profits in zip(*(choice.after.worst_profits() for choice in choices(made, working)), strict=True)]
    assert found.worst_profits() == pytest.approx(least, abs=1e-6)
    apart = [found.profits(underlying=name) for name in ("BTC_USDT", "ETH_USDT")]
    assert found.profits() == pytest.approx([sum(both) for both in zip(*apart, strict=True)], abs=1e-6)


def test_filling_at_worse_than_the_mark_costs_the_difference_at_once_and_better_brings_nothing() -> None:
    at_mark, dear, cheap = (asked(two_underlyings(), order(2, price=D(price))).after.worst_profits() for price in (2_000, 2_500, 1_500))
    assert dear == pytest.approx([profit - 10 for profit in at_mark])
    assert cheap == at_mark == asked(two_underlyings(), order(2, price=D(2_000))).after.profits()


@given(sizes=st.tuples(*[st.integers(0, 50)] * len(ALL)))
@settings(max_examples=25, deadline=None)
def test_a_book_of_longs_risks_no_more_than_what_it_is_worth(sizes: tuple[int, ...]) -> None:
    found = asked(two_underlyings(*(position(size, one) for size, one in zip(sizes, ALL, strict=True)))).before
    worth = 20.0 * sizes[0] + 19.0 * sizes[1] + 15.0 * sizes[2]
    assert 0.0 <= found.value_at_risk <= worth + 1e-9
    assert 0.0 <= found.stress() <= worth + 1e-9


def test_occupied_margin_is_that_of_positions_and_orders() -> None:
    found = asked(market(position(-2)), orders=resting(order(4, PUT, price=D(90)), order(-1, client_id="d", price=D(90)))).before
    assert found.margin_occupied == found.initial_margin + found.order_margin > found.initial_margin
    assert found.available == D(1_000) - found.margin_occupied


@pytest.mark.parametrize("model", [GATE, MODEL])
def test_margin_after_an_order_is_that_of_the_account_it_leads_to(model: MarginModel) -> None:
    working = [order(-2, PUT, "w", price=D(1_900)), order(1, ETH, "v", price=D(150))]
    made = two_underlyings(position(-3), position(4, ETH))
    after = what_if(made, resting(*working), model, [order(-2, price=D(2_000))], 0).after
    there = two_underlyings(position(-5), position(4, ETH))
    assert after.margin == what_if(there, resting(*working), model, [], 0).before.margin
