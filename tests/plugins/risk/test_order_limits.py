"""OrderLimits, rule by rule."""

from __future__ import annotations

from typing import Any

import pytest

from strikeloop import ConfigError, Desk, OrderState
from strikeloop.settings import structure
from strikeloop_risk import OrderLimits
from tests.plugins.risk.scene import CALL, HIGH_CALL, HOUR, PUT, D, Scene, option


def with_market(rule: OrderLimits) -> Scene:
    scene = Scene(rule)
    scene.market()
    return scene


def test_an_order_of_the_largest_size_passes_and_one_more_contract_does_not() -> None:
    scene = with_market(OrderLimits(max_size=D(5)))
    assert not scene.refused(lambda desk: desk.buy(CALL.id, 5, 2000))
    assert scene.refused(lambda desk: desk.buy(CALL.id, 6, 2000))
    assert scene.reason == "rule0: size 6 is above the limit of 5 contracts"


def test_notional_is_size_times_multiplier_times_the_price_of_the_underlying() -> None:
    scene = with_market(OrderLimits(max_notional=D(1400)))
    assert not scene.refused(lambda desk: desk.sell(CALL.id, 2, 2000))
    assert scene.refused(lambda desk: desk.sell(CALL.id, 3, 2000))
    assert "notional 2100.00 (3 × 0.01 at 70000.00) is above the limit of 1400" in scene.reason


def test_notional_cannot_be_judged_before_the_underlying_has_a_price() -> None:
    scene = Scene(OrderLimits(max_notional=D(1400)))
    assert scene.refused(lambda desk: desk.buy(CALL.id, 1, 2000))
    assert "the price of BTC_USDT is not known yet" in scene.reason


def test_premium_is_size_times_multiplier_times_limit() -> None:
    scene = with_market(OrderLimits(max_premium=D(100)))
    assert not scene.refused(lambda desk: desk.buy(CALL.id, 5, 2000))
    assert scene.refused(lambda desk: desk.buy(CALL.id, 5, 2001))
    assert "premium 100.05" in scene.reason


def test_the_premium_of_a_market_order_is_taken_at_the_best_opposite_quote() -> None:
    scene = with_market(OrderLimits(max_premium=D(100)))
    scene.quote(CALL, 1990.0, 2100.0)
    assert scene.refused(lambda desk: desk.buy(CALL.id, 5))
    assert not scene.refused(lambda desk: desk.sell(CALL.id, 5))


@pytest.mark.parametrize(("side", "inside", "outside"), [("buy", 2200, 2201), ("sell", 1800, 1799)])
def test_the_collar_stops_only_prices_that_are_worse_than_the_mark(side: str, inside: int, outside: int) -> None:
    scene = with_market(OrderLimits(price_collar=0.1))
    assert not scene.refused(lambda desk: getattr(desk, side)(CALL.id, 1, inside))
    assert scene.refused(lambda desk: getattr(desk, side)(CALL.id, 1, outside))
    assert f"price {outside}" in scene.reason
    harmless = 100 if side == "buy" else 9000
    assert not scene.refused(lambda desk: getattr(desk, side)(CALL.id, 1, harmless))


def test_the_collar_holds_for_what_a_market_order_would_pay() -> None:
    scene = with_market(OrderLimits(price_collar=0.1))
    scene.quote(CALL, 1990.0, 2300.0)
    assert scene.refused(lambda desk: desk.buy(CALL.id, 1))
    assert not scene.refused(lambda desk: desk.sell(CALL.id, 1))


def test_the_collar_cannot_be_judged_without_a_mark() -> None:
    scene = Scene(OrderLimits(price_collar=0.1))
    assert scene.refused(lambda desk: desk.buy(CALL.id, 1, 2000))
    assert "has no mark yet" in scene.reason


def test_open_orders_are_counted_over_the_account_and_end_with_their_orders() -> None:
    scene = with_market(OrderLimits(max_open_orders=2))

    def three(desk: Desk) -> None:
        for _ in range(3):
            desk.buy(CALL.id, 1, 1900)

    assert scene.refused(three)
    assert "working order number 3 of the account, above the limit of 2" in scene.reason
    assert len(scene.orders) == 2
    scene.answer(scene.orders[0], OrderState.CANCELED)
    assert not scene.refused(lambda desk: desk.buy(CALL.id, 1, 1900))


def test_an_amendment_is_no_further_order() -> None:
    scene = with_market(OrderLimits(max_open_orders=1))
    scene.do(lambda desk: desk.buy(CALL.id, 1, 1900))
    assert not scene.refused(lambda desk: desk.amend(scene.orders[0].client_id, price=1950))


def test_an_amendment_is_judged_as_the_order_it_would_become() -> None:
    scene = with_market(OrderLimits(max_size=D(5), price_collar=0.1))
    scene.do(lambda desk: desk.buy(CALL.id, 5, 1900))
    working = scene.orders[0].client_id
    assert scene.refused(lambda desk: desk.amend(working, size=6))
    assert scene.refused(lambda desk: desk.amend(working, price=2300))
    assert not scene.refused(lambda desk: desk.amend(working, size=4, price=2100))


def test_a_naked_short_is_refused_and_a_held_one_may_be_sold() -> None:
    scene = with_market(OrderLimits(no_naked_short=True))
    assert scene.refused(lambda desk: desk.sell(CALL.id, 1, 2000))
    scene.hold(CALL, 2)
    assert scene.refused(lambda desk: desk.sell(CALL.id, 3, 2000))
    assert "naked short 1 calls of BTC_USDT for this expiry (without this order +2, this order -3)" in scene.reason
    assert not scene.refused(lambda desk: desk.sell(CALL.id, 2, 2000))


def test_working_sells_count_as_sold_when_a_naked_short_is_judged() -> None:
    scene = with_market(OrderLimits(no_naked_short=True))
    scene.hold(CALL, 2)
    assert not scene.refused(lambda desk: desk.sell(CALL.id, 2, 2500))
    assert scene.refused(lambda desk: desk.sell(CALL.id, 1, 2000))


def test_the_short_leg_of_a_vertical_spread_is_not_naked_but_a_put_covers_no_call() -> None:
    scene = with_market(OrderLimits(no_naked_short=True))
    scene.hold(CALL, 1)
    assert not scene.refused(lambda desk: desk.sell(HIGH_CALL.id, 1, 2000))
    assert scene.refused(lambda desk: desk.sell(PUT.id, 1, 2000))


def test_a_long_of_another_expiry_covers_nothing() -> None:
    later = option(70_000, expiry=CALL.expiry + HOUR)
    scene = Scene(OrderLimits(no_naked_short=True), contracts=(CALL, later))
    scene.hold(later, 5)
    assert scene.refused(lambda desk: desk.sell(CALL.id, 1, 2000))


def test_closing_is_never_naked() -> None:
    scene = with_market(OrderLimits(no_naked_short=True))
    scene.hold(CALL, 2)
    scene.do(lambda desk: desk.sell(CALL.id, 2, 2500))
    assert not scene.refused(lambda desk: desk.close(CALL.id))


def test_closing_the_long_leg_of_a_spread_leaves_a_naked_short() -> None:
    scene = with_market(OrderLimits(no_naked_short=True))
    scene.hold(CALL, 2)
    scene.hold(HIGH_CALL, -1)
    assert scene.refused(lambda desk: desk.close(CALL.id))
    assert not scene.refused(lambda desk: desk.close(CALL.id, 1))
    assert not scene.refused(lambda desk: desk.close(HIGH_CALL.id))


def test_no_short_allows_what_is_held_to_be_sold_and_no_more() -> None:
    scene = with_market(OrderLimits(no_short=True))
    scene.hold(CALL, 3)
    scene.hold(HIGH_CALL, 5)
    assert scene.refused(lambda desk: desk.sell(CALL.id, 4, 2000))
    assert "the account could be short 1 of" in scene.reason
    assert not scene.refused(lambda desk: desk.sell(CALL.id, 2, 2000))
    assert scene.refused(lambda desk: desk.sell(CALL.id, 2, 2000))
    assert not scene.refused(lambda desk: desk.close(CALL.id))


@pytest.mark.parametrize(("side", "inside", "outside"), [("buy", 2205, 2206), ("sell", 1791, 1790)])
def test_the_book_collar_stops_what_reaches_too_far_through_the_book(side: str, inside: int, outside: int) -> None:
    scene = with_market(OrderLimits(book_collar=0.1))
    scene.quote(CALL, 1990.0, 2005.0)
    assert not scene.refused(lambda desk: getattr(desk, side)(CALL.id, 1, inside))
    assert scene.refused(lambda desk: getattr(desk, side)(CALL.id, 1, outside))
    assert f"price {outside}" in scene.reason
    assert "the best" in scene.reason


def test_an_empty_side_cannot_be_reached_through_and_an_unknown_book_not_be_judged() -> None:
    scene = with_market(OrderLimits(book_collar=0.1))
    assert scene.refused(lambda desk: desk.buy(CALL.id, 1, 5000))
    assert "has no quote yet" in scene.reason
    scene.quote(CALL, 1990.0, None)
    assert not scene.refused(lambda desk: desk.buy(CALL.id, 1, 5000))


def test_what_only_closes_is_never_one_order_too_many() -> None:
    scene = with_market(OrderLimits(max_open_orders=1))
    scene.hold(CALL, 3)
    scene.do(lambda desk: desk.buy(PUT.id, 1, 1900))
    assert not scene.refused(lambda desk: desk.sell(CALL.id, 1, 2100))
    assert scene.refused(lambda desk: desk.sell(CALL.id, 3, 2200)), "with the other sell it would go beyond what is held"


def test_limits_may_stand_by_underlying_with_a_default() -> None:
    scene = with_market(OrderLimits(max_size={"default": D(10), "BTC_USDT": D(4)}))
    assert scene.refused(lambda desk: desk.buy(CALL.id, 5, 2000))
    scene = with_market(OrderLimits(max_size={"default": D(10), "ETH_USDT": D(4)}))
    assert not scene.refused(lambda desk: desk.buy(CALL.id, 5, 2000))
    scene = with_market(OrderLimits(max_size={"ETH_USDT": D(4)}))
    assert not scene.refused(lambda desk: desk.buy(CALL.id, 50, 2000))


def test_an_order_that_is_too_large_may_be_made_smaller_instead() -> None:
    scene = with_market(OrderLimits(max_size=D(6), max_premium=D(100), on_breach="resize"))
    assert not scene.refused(lambda desk: desk.sell(CALL.id, 8, 2000))
    assert [order.size for order in scene.orders] == [D(-5)]
    assert "premium 160.00" in scene.alerts[-1].text


def test_what_no_size_mends_is_refused_though_orders_may_be_made_smaller() -> None:
    scene = with_market(OrderLimits(price_collar=0.1, on_breach="resize"))
    assert scene.refused(lambda desk: desk.buy(CALL.id, 8, 2300))


def test_every_limit_that_is_passed_is_named_in_one_reason() -> None:
    scene = with_market(OrderLimits(max_size=D(1), max_premium=D(1)))
    scene.do(lambda desk: desk.buy(CALL.id, 2, 2000))
    assert "size 2 is above" in scene.reason
    assert "premium 40.00" in scene.reason


def test_a_rule_without_any_limit_is_refused_before_a_run() -> None:
    with pytest.raises(ConfigError, match=r"OrderLimits has no limit \(set at least one of max_size"):
        OrderLimits()


@pytest.mark.parametrize("setting", ["max_size", "max_premium", "price_collar", "max_open_orders"])
def test_a_limit_that_is_not_positive_is_refused_before_a_run(setting: str) -> None:
    with pytest.raises(ConfigError, match=f"{setting}: is 0; expected more than 0"):
        OrderLimits(**dict[str, Any]({setting: 0}))


def test_settings_come_from_plain_data() -> None:
    rule = structure({"max_size": 6, "price_collar": 0.2, "no_naked_short": True}, OrderLimits)
    assert (rule.max_size, rule.price_collar, rule.no_naked_short) == (D(6), 0.2, True)
