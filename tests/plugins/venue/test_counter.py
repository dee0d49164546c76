"""The course of one request: admission, resting, cancellation, amendment."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from strikeloop import Filled, OrderState, OrderUpdated, SubmitOrder, TimeInForce
from tests.plugins.venue.stage import CALL, Stage


@pytest.fixture
def stage() -> Stage:
    return Stage().index(70_000).ticker(500).quote(490, 510)


def test_a_canceled_order_says_how_it_ended(stage: Stage) -> None:
    order = stage.submit(5, 480)
    told = stage.cancel(order).order(order)
    assert (told.state, told.finish_as, told.left, told.finished) == (OrderState.CANCELED, "cancelled", D(5), stage.now)


def test_a_cancel_that_comes_after_the_fill_is_answered_with_the_order_as_it_ended(stage: Stage) -> None:
    order = stage.submit(1, 510)
    told = stage.cancel(order).order(order)
    assert (told.state, told.left) == (OrderState.FILLED, D(0))
    assert told.reason.startswith("ORDER_FINISHED: ")


def test_a_cancel_of_an_unknown_order_is_refused(stage: Stage) -> None:
    told = stage.cancel("t-nobody").order("t-nobody")
    assert told.state is OrderState.REJECTED
    assert told.reason.startswith("ORDER_NOT_FOUND: ")


def test_a_client_id_is_used_once_and_the_first_order_stands(stage: Stage) -> None:
    order = stage.submit(5, 480)
    stage.send(SubmitOrder(client_id=order, contract=CALL, size=D(1), price=D(470)))
    assert (stage.order(order).state, stage.order(order).price) == (OrderState.OPEN, D(480))
    assert stage.order(order).reason.startswith("INVALID_PARAM_VALUE: ")
    assert len(stage.venue.orders()) == 1


def test_poc_that_would_trade_is_refused_and_leaves_nothing(stage: Stage) -> None:
    told = stage.order(stage.submit(1, 510, TimeInForce.POC))
    assert (told.state, told.order_id) == (OrderState.REJECTED, None)
    assert told.reason.startswith("ORDER_POC_IMMEDIATE: ")
    assert stage.venue.orders() == ()


def test_poc_that_rests_is_maker_when_it_fills(stage: Stage) -> None:
    stage.submit(1, 500, TimeInForce.POC)
    stage.quote(480, 495)
    assert [(fill.price, fill.is_maker) for fill in stage.all(Filled)] == [(D(500), True)]


def test_a_smaller_order_at_the_same_price_keeps_its_place(stage: Stage) -> None:
    first, second = stage.submit(4, 495), stage.submit(4, 495)
    stage.amend(first, size=2).trade(495, -3)
    assert [(fill.client_id, fill.size) for fill in stage.all(Filled)] == [(first, D(2)), (second, D(1))]


@pytest.mark.parametrize(("price", "size"), [(None, 5), (495, 5)])
def test_a_larger_order_goes_to_the_end(stage: Stage, price: int | None, size: int) -> None:
    first, second = stage.submit(4, 495), stage.submit(4, 495)
    stage.amend(first, price=price, size=size).trade(495, -3)
    assert [fill.client_id for fill in stage.all(Filled)] == [second]


def test_an_order_amended_to_another_price_goes_to_the_end_there(stage: Stage) -> None:
    first, second = stage.submit(4, 494), stage.submit(4, 495)
    stage.amend(first, price=495).trade(495, -5)
    assert [(fill.client_id, fill.size) for fill in stage.all(Filled)] == [(second, D(4)), (first, D(1))]


def test_an_amendment_across_the_market_trades(stage: Stage) -> None:
    order = stage.submit(4, 495)
    stage.amend(order, price=510)
    assert [(fill.price, fill.is_maker) for fill in stage.all(Filled)] == [(D(510), False)]


def test_poc_amended_across_the_market_stays_where_it_was(stage: Stage) -> None:
    order = stage.submit(4, 495, TimeInForce.POC)
    told = stage.amend(order, price=510).order(order)
    assert (told.state, told.price, told.reason.split(":")[0]) == (OrderState.OPEN, D(495), "ORDER_POC_IMMEDIATE")


def test_a_size_not_above_what_is_filled_is_refused(stage: Stage) -> None:
    order = stage.submit(4, 495)
    told = stage.trade(495, -3).amend(order, size=3).order(order)
    assert (told.size, told.left, told.reason.split(":")[0]) == (D(4), D(1), "INVALID_PARAM_VALUE")


def test_an_amendment_counts_what_is_filled(stage: Stage) -> None:
    order = stage.submit(4, 495)
    told = stage.trade(495, -3).amend(order, size=9).order(order)
    assert (told.size, told.left, told.filled) == (D(9), D(6), D(3))


def test_reduce_only_without_a_position_ends_at_once(stage: Stage) -> None:
    told = stage.order(stage.submit(-1, 510, reduce_only=True))
    assert (told.state, told.finish_as, told.left) == (OrderState.CANCELED, "reduce_only", D(-1))


def test_reduce_only_trades_no_more_than_the_position(stage: Stage) -> None:
    stage.submit(3, 510)
    told = stage.order(stage.submit(-5, None, reduce_only=True))
    assert (told.filled, told.finish_as) == (D(-3), "reduce_only")
    assert stage.venue.positions() == ()


def test_resting_reduce_only_orders_end_with_the_position(stage: Stage) -> None:
    stage.submit(3, 510)
    resting = stage.submit(-3, 530, reduce_only=True)
    stage.submit(-3, 490)
    assert (stage.order(resting).state, stage.order(resting).finish_as) == (OrderState.CANCELED, "position_closed")


def test_trade_ids_count_for_each_contract(stage: Stage) -> None:
    stage.submit(1, 510)
    stage.submit(1, 510)
    assert [fill.trade_id for fill in stage.all(Filled)] == ["1", "2"]


def test_orders_are_found_by_either_id(stage: Stage) -> None:
    client_id = stage.submit(1, 480)
    order = stage.venue.order(client_id)
    assert order is not None
    assert stage.venue.order(order.order_id) is order
    assert stage.venue.orders(is_open=True) == (order,)
    assert stage.venue.orders(is_open=False) == ()


def test_every_step_of_an_order_is_told_once(stage: Stage) -> None:
    order = stage.submit(4, 495)
    stage.trade(495, -3).trade(495, -3)
    told = [(event.state, event.left) for event in stage.all(OrderUpdated) if event.client_id == order]
    assert told == [(OrderState.OPEN, D(4)), (OrderState.OPEN, D(1)), (OrderState.FILLED, D(0))]


def test_history_is_forgotten_oldest_first_and_nothing_of_the_present_is(stage: Stage) -> None:
    resting = stage.submit(1, 480)
    gone = [stage.submit(1, 470) for _ in range(3)]
    for order in gone:
        stage.cancel(order)
    bought = stage.submit(2, 510)
    cash = stage.venue.account().total
    stage.venue.forget(2)
    assert [order.client_id for order in stage.venue.orders()] == [resting, gone[-1], bought]
    assert [order.client_id for order in stage.venue.orders(is_open=True)] == [resting]
    assert stage.venue.order(gone[0]) is None
    assert (stage.venue.account().total, stage.venue.positions()[0].size) == (cash, D(2))
    stage.venue.forget(0)
    assert (stage.venue.fills(), stage.venue.ledger()) == ((), ())
    assert stage.cancel(resting).order(resting).state is OrderState.CANCELED
