"""When an order trades, at what price and how much."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from strikeloop import Filled, OrderState, TimeInForce
from tests.plugins.venue.stage import Stage


@pytest.fixture
def stage() -> Stage:
    return Stage().index(70_000).ticker(500)


def fills(stage: Stage) -> list[tuple[D, D, bool | None]]:
    return [(fill.size, fill.price, fill.is_maker) for fill in stage.all(Filled)]


def test_a_marketable_limit_order_takes_the_displayed_price_not_its_own(stage: Stage) -> None:
    stage.quote(490, 510).submit(3, 600)
    assert fills(stage) == [(D(3), D(510), False)]


def test_an_order_walks_through_the_depth_best_price_first(stage: Stage) -> None:
    order = stage.depth([(490, 5)], [(510, 2), (520, 3), (530, 9)]).submit(6, 530)
    assert fills(stage) == [(D(2), D(510), False), (D(3), D(520), False), (D(1), D(530), False)]
    assert stage.order(order).fill_price == (D(510) * 2 + D(520) * 3 + D(530)) / 6


def test_the_rest_of_a_marketable_order_rests_and_does_not_fill_at_its_limit(stage: Stage) -> None:
    order = stage.quote(490, 510, ask_size=4).submit(10, 515)
    assert fills(stage) == [(D(4), D(510), False)]
    assert (stage.order(order).state, stage.order(order).left) == (OrderState.OPEN, D(6))


def test_what_we_took_is_gone_until_the_level_changes(stage: Stage) -> None:
    stage.quote(490, 510, ask_size=4).submit(4, 510, TimeInForce.IOC)
    again = stage.quote(490, 510, ask_size=4).submit(1, 510, TimeInForce.IOC)
    assert stage.order(again).finish_as == "ioc"
    refreshed = stage.quote(490, 510, ask_size=5).submit(5, 510, TimeInForce.IOC)
    assert stage.order(refreshed).state is OrderState.FILLED


def test_a_trade_refreshes_its_level(stage: Stage) -> None:
    stage.quote(490, 510, ask_size=4).submit(4, 510, TimeInForce.IOC)
    stage.trade(510, 1)
    assert stage.order(stage.submit(2, 510, TimeInForce.IOC)).state is OrderState.FILLED


def test_what_we_took_stays_gone_when_only_the_other_side_moves(stage: Stage) -> None:
    stage.quote(490, 510, ask_size=4).submit(4, 510, TimeInForce.IOC)
    stage.quote(491, 510, ask_size=4)
    assert stage.order(stage.submit(1, 510, TimeInForce.IOC)).finish_as == "ioc"


def test_without_consumption_the_displayed_size_is_always_there() -> None:
    stage = Stage(consume_liquidity=False).index(70_000).ticker(500).quote(490, 510, ask_size=4)
    orders = [stage.submit(4, 510, TimeInForce.IOC) for _ in range(2)]
    assert [stage.order(order).state for order in orders] == [OrderState.FILLED] * 2


@pytest.mark.parametrize("price", [None, "600"])
def test_nothing_fills_against_an_empty_side(stage: Stage, price: str | None) -> None:
    order = stage.quote(490, None).submit(1, price, TimeInForce.IOC)
    assert (stage.order(order).state, stage.order(order).finish_as, fills(stage)) == (OrderState.EXPIRED, "ioc", [])


def test_a_quote_that_has_gone_fills_nobody(stage: Stage) -> None:
    stage.quote(490, 510).quote(490, None)
    assert stage.order(stage.submit(1, None)).finish_as == "ioc"


def test_a_market_order_takes_all_there_is_and_drops_the_rest(stage: Stage) -> None:
    order = stage.depth([(490, 5)], [(510, 2), (520, 3)]).submit(9, None)
    assert (stage.order(order).left, stage.order(order).finish_as, stage.order(order).is_market) == (D(4), "ioc", True)


def test_a_resting_order_fills_at_its_own_price_when_the_other_side_comes_to_it(stage: Stage) -> None:
    order = stage.quote(490, 510).submit(5, 500)
    stage.quote(480, 499, ask_size=3)
    assert fills(stage) == [(D(3), D(500), True)]
    stage.quote(480, 500, ask_size=9)
    assert stage.order(order).state is OrderState.FILLED


def test_what_came_to_a_resting_order_is_taken_once(stage: Stage) -> None:
    stage.quote(490, 510).submit(9, 500)
    stage.quote(480, 499, ask_size=3).quote(481, 499, ask_size=3)
    assert fills(stage) == [(D(3), D(500), True)]


def test_depth_that_is_newer_than_a_quote_replaces_it(stage: Stage) -> None:
    stage.quote(490, 510).depth([(480, 5)], [(520, 5)]).submit(1, 530)
    assert fills(stage) == [(D(1), D(520), False)]


def test_a_quote_that_is_newer_than_depth_corrects_it(stage: Stage) -> None:
    stage.depth([(480, 5)], [(520, 5)]).quote(490, 510, ask_size=1).quote(490, 515, ask_size=1).submit(2, 530)
    assert fills(stage) == [(D(1), D(515), False), (D(1), D(520), False)]


def test_a_trade_through_the_price_fills_at_once(stage: Stage) -> None:
    stage.quote(490, 510).submit(5, 490)
    stage.trade(489, -3)
    assert fills(stage) == [(D(3), D(490), True)]


def test_a_trade_at_the_price_fills_after_those_ahead(stage: Stage) -> None:
    stage.quote(490, 510, bid_size=10).submit(5, 490)
    stage.trade(490, -8)
    assert fills(stage) == []
    stage.trade(490, -4)
    assert fills(stage) == [(D(2), D(490), True)]


def test_an_order_better_than_the_market_has_nobody_ahead(stage: Stage) -> None:
    stage.quote(490, 510).submit(5, 495)
    stage.trade(495, -2)
    assert fills(stage) == [(D(2), D(495), True)]


def test_a_trade_of_the_own_side_fills_nothing(stage: Stage) -> None:
    stage.quote(490, 510, bid_size=0).submit(5, 490)
    stage.trade(490, 50)
    assert fills(stage) == []


def test_the_size_of_a_trade_is_shared_once_among_own_orders_by_price_then_time(stage: Stage) -> None:
    late_but_better = [stage.quote(480, 510).submit(3, 490), stage.submit(3, 490), stage.submit(3, 491)][-1]
    stage.trade(490, -5)
    assert [fill.client_id for fill in stage.all(Filled)] == [late_but_better, "t-1"]
    assert [fill.size for fill in stage.all(Filled)] == [D(3), D(2)]


def test_own_orders_on_both_sides_meet_at_the_price_of_the_resting_one(stage: Stage) -> None:
    stage.quote(480, 520).submit(-2, 500)
    stage.submit(3, 505)
    assert fills(stage) == [(D(-2), D(500), True), (D(2), D(500), False)]


def test_the_market_stands_before_an_own_order_at_the_same_price(stage: Stage) -> None:
    stage.quote(480, 510).submit(-2, 510)
    stage.submit(11, 510)
    assert fills(stage) == [(D(10), D(510), False), (D(-1), D(510), True), (D(1), D(510), False)]


def test_the_displayed_size_after_our_fills_is_what_the_book_shows(stage: Stage) -> None:
    stage.depth([(490, 5)], [(510, 2), (520, 3)]).submit(3, 520)
    assert stage.venue.book(stage.all(Filled)[0].contract) == (((490, 5.0),), ((520, 2.0),))


# ---- icebergs --------------------------------------------------------------------------------------------------------


def test_of_an_iceberg_only_what_shows_stands_in_the_queue(stage: Stage) -> None:
    order = stage.quote(490, 510, bid_size=10).submit(9, 490, iceberg=2)
    stage.trade(490, -12)
    assert fills(stage) == [(D(2), D(490), True)]
    assert stage.order(order).left == 7


def test_a_trade_larger_than_all_that_shows_reaches_what_is_hidden(stage: Stage) -> None:
    stage.quote(490, 510, bid_size=10).submit(9, 490, iceberg=2)
    stage.trade(490, -15)
    assert fills(stage) == [(D(2), D(490), True), (D(2), D(490), False), (D(1), D(490), False)]


def test_the_next_part_shows_behind_everybody_and_trades_as_a_taker(stage: Stage) -> None:
    stage.quote(490, 510, bid_size=10).submit(9, 490, iceberg=2)
    stage.trade(490, -12)
    stage.trade(490, -9)
    stage.trade(490, -3)
    assert fills(stage) == [(D(2), D(490), True), (D(2), D(490), False)]


def test_another_own_order_comes_before_the_part_that_was_hidden(stage: Stage) -> None:
    stage.quote(480, 510).submit(9, 490, iceberg=2)
    stage.submit(3, 490)
    stage.trade(490, -6)
    assert [(fill.client_id, fill.size) for fill in stage.all(Filled)] == [("t-1", D(2)), ("t-2", D(3)), ("t-1", D(1))]


def test_a_trade_through_the_price_takes_what_is_hidden_too(stage: Stage) -> None:
    order = stage.quote(490, 510).submit(9, 490, iceberg=2)
    stage.trade(489, -20)
    assert fills(stage) == [(D(2), D(490), True), (D(7), D(490), False)]
    assert stage.order(order).state is OrderState.FILLED


def test_an_own_order_that_meets_an_iceberg_goes_on_to_what_was_hidden(stage: Stage) -> None:
    stage.quote(480, 520).submit(-5, 500, iceberg=2)
    stage.submit(5, 500)
    assert [(fill.size, fill.is_maker) for fill in stage.all(Filled) if fill.client_id == "t-1"] == [
        (D(-2), True),
        (D(-2), False),
        (D(-1), False),
    ]


# ---- own orders that would meet --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("policy", "open_after"), [("cn", ["t-1"]), ("co", ["t-2"]), ("cb", [])])
def test_own_orders_do_not_trade_with_each_other_where_that_is_prevented(policy: str, open_after: list[str]) -> None:
    stage = Stage(self_trade=policy).index(70_000).ticker(500).quote(480, 520)
    stage.submit(-2, 500)
    stage.submit(3, 505)
    assert fills(stage) == []
    assert [order.client_id for order in stage.venue.orders(is_open=True)] == open_after


def test_what_stood_before_the_own_order_is_taken_first(stage: Stage) -> None:
    stage = Stage(self_trade="cn").index(70_000).ticker(500).quote(480, 499, ask_size=1)
    stage.submit(-2, 500)
    taker = stage.submit(3, 505)
    assert fills(stage) == [(D(1), D(499), False)]
    assert (stage.order(taker).state, stage.order(taker).left) == (OrderState.CANCELED, D(2))


# ---- what the feed does not show ------------------------------------------------------------------------------------


def test_after_a_gap_in_the_depth_nothing_fills_and_nobody_moves_forward(stage: Stage) -> None:
    stage.depth([(490, 10)], [(510, 5)], ids=(1, 5)).submit(5, 490)
    stage.depth([(490, 1)], [(489, 9)], snapshot=False, ids=(8, 9))
    taker = stage.submit(1, None)
    assert (fills(stage), stage.order(taker).finish_as) == ([], "ioc")
    stage.depth([(490, 10)], [(510, 5)], ids=(20, 20)).trade(490, -10)
    assert fills(stage) == []
    stage.trade(490, -2)
    assert fills(stage) == [(D(2), D(490), True)]


def test_an_order_that_is_reached_fills_whole_where_fills_are_whole() -> None:
    stage = Stage(whole_fills=True, consume_liquidity=False).index(70_000).ticker(500).quote(490, 510, bid_size=2)
    orders = [stage.submit(5, 490), stage.submit(5, 490)]
    stage.trade(490, -3)
    assert [stage.order(order).state for order in orders] == [OrderState.FILLED] * 2
