"""The specification of strikeloop.summary.standing."""

from __future__ import annotations

from strikeloop import OrderState
from strikeloop.summary.standing import orders_told, positions_told
from tests.framework.stage import CALL, PUT, SECOND, Stage, made, position, update


def test_the_last_orders_are_told_oldest_first() -> None:
    stage = Stage(made(on_start=lambda event, desk: [desk.buy(CALL, size, 100) for size in (1, 2, 3)]))
    assert [row["size"] for row in orders_told(stage.engine.orders, 2)] == ["2", "3"]


def test_an_order_tells_when_it_was_heard_of_last() -> None:
    stage = Stage(made(on_start=lambda event, desk: desk.buy(CALL, 1, 100)))
    (placed,) = orders_told(stage.engine.orders, 1)
    stage.step(update(placed["client_id"], OrderState.CANCELED, 1, 1, at=9 * SECOND))
    (told,) = orders_told(stage.engine.orders, 1)
    assert (told["time"], told["updated"], told["state"]) == (placed["time"], 9 * SECOND, "canceled")


def test_a_flat_position_is_not_told() -> None:
    stage = Stage(made())
    stage.step(position(0))
    stage.step(position(-2, PUT, mark_price=90.0))
    assert [(row["contract"], row["size"], row["mark_price"]) for row in positions_told(stage.engine.portfolio)] == [(PUT.name, "-2", 90.0)]
