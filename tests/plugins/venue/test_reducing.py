"""Which resting reduce-only orders end because there is nothing left for them to reduce."""

from __future__ import annotations

from decimal import Decimal as D

from strikeloop import OrderState
from tests.plugins.venue.stage import CALL, Stage


def long(size: int) -> Stage:
    stage = Stage().index(70_000).ticker(500).quote(490, 510, ask_size=50)
    stage.submit(size, 510)
    return stage


def ends(stage: Stage, *orders: str) -> list[tuple[OrderState, str]]:
    return [(stage.order(order).state, stage.order(order).finish_as) for order in orders]


def test_orders_that_fit_into_the_position_rest() -> None:
    stage = long(5)
    orders = [stage.submit(-3, 520, reduce_only=True), stage.submit(-2, 530, reduce_only=True)]
    assert ends(stage, *orders) == [(OrderState.OPEN, "")] * 2


def test_behind_orders_that_reduce_all_of_it_there_is_nothing_to_do() -> None:
    stage = long(5)
    orders = [stage.submit(-5, 520, reduce_only=True), stage.submit(-2, 530, reduce_only=True)]
    assert ends(stage, *orders) == [(OrderState.OPEN, ""), (OrderState.CANCELED, "reduce_out")]


def test_a_better_order_pushes_the_worse_one_out() -> None:
    stage = long(5)
    orders = [stage.submit(-5, 530, reduce_only=True), stage.submit(-5, 520, reduce_only=True)]
    assert ends(stage, *orders) == [(OrderState.CANCELED, "reduce_out"), (OrderState.OPEN, "")]


def test_an_order_larger_than_the_position_trades_no_more_than_that() -> None:
    stage = long(5)
    order = stage.submit(-9, 520, reduce_only=True)
    stage.trade(521, 20)
    assert (stage.order(order).left, stage.order(order).finish_as) == (D(-4), "position_closed")


def test_other_orders_do_not_count() -> None:
    stage = long(5)
    stage.submit(-5, 520)
    order = stage.submit(-5, 530, reduce_only=True)
    assert ends(stage, order) == [(OrderState.OPEN, "")]


def test_a_closing_order_is_of_the_size_of_the_position() -> None:
    stage = long(5).quote(490, 510, ask_size=50)
    order = stage.submit(0, None, reduce_only=True, contract=CALL)
    assert (stage.order(order).size, stage.order(order).state) == (D(-5), OrderState.FILLED)


def test_without_a_position_there_is_nothing_to_close() -> None:
    stage = Stage().index(70_000).ticker(500).quote(490, 510)
    assert stage.order(stage.submit(0, None, reduce_only=True)).reason.startswith("POSITION_EMPTY: ")
