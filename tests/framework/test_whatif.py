"""The specification of strikeloop.whatif."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strikeloop import Event, OrderState, Origin, PortfolioRiskUpdated, SubmitOrder, TickerUpdated
from strikeloop.columns import Batch
from strikeloop.exposure import Exposure
from strikeloop.margin import GATE, Holding, trading_fee, value_at_risk
from strikeloop.orders import Orders
from strikeloop.portfolio import Portfolio
from strikeloop.whatif import Account, computed_risk, what_if
from tests.framework.accounts import (
    ALL,
    ETH,
    FAR,
    GREEKS,
    MODEL,
    TOLD,
    U,
    asked,
    balance,
    figures,
    market,
    order,
    resting,
    two_underlyings,
)
from tests.framework.stage import CALL, PUT, D, contract, position, ticker, update
from tests.framework.test_columns import columns
from tests.framework.test_passing import laid_out


def test_greeks_add_up_over_size_and_multiplier() -> None:
    before = asked(market(position(3))).before
    assert (before.delta, before.gamma, before.vega, before.theta) == pytest.approx((0.015, 0.00003, 0.6, -0.9))


def test_without_commands_nothing_changes() -> None:
    view = asked(market(position(-3)), orders=resting(order(2, price=D(90))))
    assert figures(view.before) == figures(view.after)


def test_an_order_is_taken_as_filled_whole() -> None:
    assert asked(market(), order(4)).after.delta == pytest.approx(0.02)


def test_a_buy_takes_its_premium_from_the_cash() -> None:
    assert asked(market(), order(4, price=D(90))).after.cash == D(1_000) - D("3.6")


def test_an_order_without_a_price_costs_the_mark() -> None:
    assert asked(market(), order(-4)).after.cash == D(1_004)


def test_the_fee_is_taken_too() -> None:
    fee = trading_fee(contract(taker_fee_rate=D("0.0003")), D(4), D(90), D(70_000), is_maker=False)
    assert asked(market(taker="0.0003"), order(4, price=D(90))).after.cash == D(1_000) - D("3.6") - fee


def test_a_short_needs_the_venues_own_margin() -> None:
    after = asked(market(), order(-2)).after
    figures = (contract(), D(-2), D(100), D(70_000))
    assert (after.initial_margin, after.maintenance_margin) == (MODEL.initial(*figures), MODEL.maintenance(*figures))


def test_working_orders_hold_back_margin() -> None:
    view = asked(market(), orders=resting(order(4, price=D(90))))
    assert (view.before.order_margin, view.before.available) == (D("3.6"), D("996.4"))


def test_an_order_of_unknown_outcome_holds_back_margin() -> None:
    orders = resting(order(4, price=D(90)))
    orders.apply(update("c", OrderState.UNKNOWN))
    assert asked(market(), orders=orders).before.order_margin == D("3.6")


def test_a_command_under_the_id_of_a_working_order_takes_its_place() -> None:
    assert asked(market(), order(1, price=D(90)), orders=resting(order(4, price=D(90)))).after.order_margin == 0


@given(held=st.integers(-5, 5), size=st.integers(-9, 9))
def test_a_reduce_only_order_only_reduces(held: int, size: int) -> None:
    after = asked(market(position(held)), order(size, reduce_only=True)).after.delta
    reached = held if held * size >= 0 else held + (max(size, -held) if held > 0 else min(size, -held))
    assert after == pytest.approx(0.005 * reached)


@given(st.lists(st.integers(-9, 9), max_size=5))
def test_the_order_of_the_commands_does_not_matter(sizes: list[int]) -> None:
    commands = [order(size, client_id=f"c{i}", price=D(100)) for i, size in enumerate(sizes)]
    forth, back = asked(market(), *commands).after, asked(market(), *reversed(commands)).after
    assert figures(forth) == figures(back)


@given(size=st.integers(1, 50))
def test_buying_and_selling_at_one_price_without_fees_leaves_the_account_as_it_was(size: int) -> None:
    view = asked(market(position(3)), order(size, price=D(95)), order(-size, client_id="d", price=D(95)))
    assert figures(view.after) == figures(view.before)


def test_what_cannot_be_priced_is_named() -> None:
    view = asked(market(position(1)), order(1, PUT))
    assert (view.before.unpriced, view.after.unpriced) == ((), (PUT,))


def test_the_greeks_that_came_with_a_position_serve_until_a_ticker_tells_some() -> None:
    assert asked(market(position(2, PUT, mark_price=50.0, **GREEKS))).before.delta == pytest.approx(0.01)


def test_orders_of_unknown_outcome_can_be_taken_as_filled() -> None:
    made, orders = two_underlyings(), resting(order(-3, price=D(2_000)))
    view = Account(made, orders, MODEL).what_if([order(-1, client_id="d", price=D(2_000))], 0, filled=orders.working())
    alone = asked(made, order(-3, price=D(2_000)), order(-1, client_id="d", price=D(2_000)))
    assert figures(view.after) == figures(alone.after)
    assert (view.before.size(CALL), view.after.size(CALL), view.before.order_margin) == (D(-3), D(-4), D(0))


# ---- what is kept between looks --------------------------------------------------------------------------------------

SOME_EVENTS = st.one_of(
    st.builds(lambda one, size: position(size, one), st.sampled_from(ALL), st.integers(-4, 4)),
    st.builds(lambda one, mark: ticker(one, mark=mark, **TOLD), st.sampled_from((CALL, PUT)), st.floats(1.0, 3_000.0)),
    st.builds(lambda mark: ticker(PUT, mark=mark), st.floats(1.0, 3_000.0)),
    st.builds(lambda one, size: order(size, one, price=D(100)), st.sampled_from(ALL), st.integers(-4, 4).filter(bool)),
    st.just("cancel"),
)


def held(exposure: Exposure) -> dict[str, Any]:
    """What counts contracts and money, exactly."""
    kinds = [contract(), contract(PUT), contract(ETH, underlying="ETH_USDT")]
    most = [exposure.most_held("sim", *scope) for scope in ((), ("BTC_USDT",), ("BTC_USDT", contract().expiry), ("ETH_USDT",))]
    return {
        "could hold": [exposure.could_hold(one) for one in ALL],
        "most": most,
        "least": [exposure.least_held(one) for one in kinds],
        "worth": (exposure.option_value, exposure.equity),
    }


@settings(max_examples=40, deadline=None)
@given(st.lists(SOME_EVENTS, max_size=12))
def test_a_later_look_shows_what_a_first_one_would(happened: list[Event | SubmitOrder | str]) -> None:
    made, orders = two_underlyings(), Orders()
    account = Account(made, orders, MODEL)
    for at, event in enumerate(happened):
        if isinstance(event, SubmitOrder):
            orders.pending(attrs.evolve(event, client_id=f"c{at}"), "s", 0)
        elif isinstance(event, str):
            for gone in orders.working()[:1]:
                orders.apply(update(gone.key, OrderState.CANCELED, str(gone.size), str(gone.left), contract=gone.contract))
        else:
            made.apply(event)
        command, now = order(1, client_id="x", price=D(50)), at // 3 * 1_000_000_000
        kept, first = account.what_if([command], now), what_if(made, orders, MODEL, [command], now)
        for one, other in ((kept.before, first.before), (kept.after, first.after)):
            assert figures(one) == {**figures(other), "value_at_risk": pytest.approx(other.value_at_risk, abs=1e-9)}
            assert one.worst_profits() == pytest.approx(other.worst_profits(), abs=1e-9)
            assert held(one) == held(other)


def test_what_did_not_change_is_not_computed_again() -> None:
    made = two_underlyings(position(2), position(2, ETH))
    account = Account(made, Orders(), MODEL)
    picture = account.look(5)
    assert account.look(6) is picture
    made.apply(ticker(mark=2_001.0, **TOLD))
    assert account.look(7).slots[ETH] is picture.slots[ETH]
    assert account.look(7).slots[CALL] is not picture.slots[CALL]


def test_while_it_is_held_one_look_serves_all() -> None:
    made = two_underlyings(position(2))
    account = Account(made, Orders(), MODEL)
    account.hold()
    assert account.look(6).slots[CALL].size == D(2)
    made.apply(position(3))
    assert account.look(6).slots[CALL].size == D(2)
    account.release()
    assert account.look(6).slots[CALL].size == D(3)


# ---- computed risk ---------------------------------------------------------------------------------------------------


def risk(made: Portfolio, orders: Orders | None = None, adapter: str = "sim") -> PortfolioRiskUpdated:
    return computed_risk(made, orders or Orders(), MODEL, adapter, 9)


def test_computed_risk_says_that_we_computed_it_and_when() -> None:
    found = risk(market())
    assert (found.origin, found.time, found.received, found.adapter, found.portfolio_var) == (Origin.COMPUTED, 9, 9, "sim", 0.0)


def test_computed_risk_sums_greeks_and_margin() -> None:
    found, view = risk(market(position(-2))), asked(market(position(-2))).before
    assert (found.total_delta, found.total_vega, found.margin_occupied, found.margin_required) == (
        view.delta,
        view.vega,
        view.margin_occupied,
        view.maintenance_margin,
    )


def test_computed_risk_carries_the_value_at_risk_of_what_is_held() -> None:
    made = market(ticker(mark=2_000.0, underlying_price=U, mark_iv=0.5, **GREEKS), position(-2), position(3, FAR))
    held = Holding(contract=contract(), size=D(-2), mark=D(2_000), underlying_price=D(70_000), years=contract().years(0), iv=0.5)
    found = risk(made).portfolio_var
    assert found is not None
    assert found == pytest.approx(value_at_risk([held])) != 0.0


def test_where_a_position_cannot_be_priced_the_value_at_risk_is_not_known() -> None:
    assert risk(market(position(1), position(1, PUT))).portfolio_var is None


def test_a_model_that_counts_options_as_balance_makes_them_available() -> None:
    made = market(position(2))
    view = what_if(made, Orders(), GATE, [order(4, price=D(100))], 0)
    assert (view.before.credit, view.after.credit) == (D(2), D(6))
    assert view.after.cash == D(996)
    assert view.after.available == D(996) + D(6) - view.after.initial_margin


def test_leverage_is_delta_notional_over_equity() -> None:
    assert risk(market(balance(option_value=D(400)), position(2))).effective_leverage == pytest.approx(0.01 * U / 1_400)


def test_without_equity_there_is_no_leverage() -> None:
    assert risk(market(balance(0), position(2))).effective_leverage == 0.0


def test_computed_risk_leaves_other_accounts_out() -> None:
    orders = resting(order(5, FAR, price=D(10)))
    made = market(position(7, FAR), ticker(FAR, mark=50.0, underlying_price=U, delta=0.9))
    assert attrs.evolve(risk(made, orders), raw={}) == risk(market())


def test_an_account_without_a_balance_has_no_equity_of_anothers() -> None:
    made = market(position(7, FAR), ticker(FAR, mark=50.0, underlying_price=U, delta=0.9))
    assert risk(made, adapter="other").effective_leverage == 0.0


# ---- while the orders rest -------------------------------------------------------------------------------------------


def test_orders_that_rest_hold_back_margin_and_change_nothing_else() -> None:
    view = asked(two_underlyings(position(3)), order(4, price=D(90)))
    assert view.resting.sums.total == view.before.sums.total
    assert (view.resting.order_margin, view.resting.cash) == (D("3.6"), view.before.cash)


def test_an_order_that_rests_takes_the_place_of_the_one_it_amends() -> None:
    working = resting(order(4, price=D(90)), order(2, client_id="d", price=D(90)))
    assert asked(two_underlyings(), order(1, price=D(90)), orders=working).resting.order_margin == D("2.7")


def test_equity_is_cash_and_what_the_options_are_worth() -> None:
    view = asked(two_underlyings(position(3), position(-2, ETH)), order(1, price=D(2_000)))
    assert (view.before.option_value, view.before.equity) == (D(60) - D(30), D(1_030))
    assert view.after.equity == view.before.equity


def test_an_answer_is_shared_while_the_account_is_held_and_no_longer() -> None:
    made, command = two_underlyings(position(3)), order(1, price=D(2_000))
    account = Account(made, Orders(), MODEL)
    account.hold()
    assert account.what_if([command], 0) is account.what_if([command], 0)
    account.release()
    made.apply(position(4))
    assert account.what_if([command], 0).after.size(CALL) == D(5)


def test_what_is_worked_out_is_kept_while_the_account_is_held_and_no_longer() -> None:
    account = Account(two_underlyings(), Orders(), MODEL)
    account.scratch["x"] = 1
    assert account.scratch == {}
    account.hold()
    account.scratch["x"] = 1
    assert account.scratch == {"x": 1}
    account.hold()
    assert account.scratch == {}
    account.scratch["x"] = 1
    account.release()
    assert account.scratch == {}


def test_rows_that_pass_untold_are_seen_at_the_next_look() -> None:
    told: dict[str, Any] = {"mark_price": [100.0, 120.0], "delta": [0.5, 0.7], "underlying_price": [U, U]}
    passing = laid_out(Batch(parts=(columns(TickerUpdated, times=[1, 2], names=(CALL,), **told),)))
    made = Portfolio()
    made.add_contract(contract(CALL))
    made.follow(passing)
    passing.at = 1
    made.apply(position(3))
    account = Account(made, resting(order(2, price=D(90))), MODEL)
    assert account.what_if([], 3).before.reach[1].total.delta == pytest.approx(0.025)
    passing.at = 2
    now = account.what_if([], 3, adapter="sim").before
    assert now.delta == pytest.approx(0.021)
    assert now.option_value == D("3.6")
    assert now.reach[1].total.delta == pytest.approx(0.035)
