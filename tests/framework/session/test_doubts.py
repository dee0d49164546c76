"""Orders that a stream says are filled, and not how much: looked up, told once, and believed only where nobody knows better."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from strikeloop import Filled, OrderState, OrderUpdated
from strikeloop.session import Find
from strikeloop.session.doubts import is_vague
from tests.framework.session.stage import CALL, ORDERS, QUIET, D, Stage, fill, order

TRADED: dict[str, Any] = {"fill_price": D(5)}
LOOK_UP = Find(CALL, None, "1")


def closed(**changes: Any) -> OrderUpdated:
    """How the seed document tells an end: filled, of so many, at a price; how many of them nobody says."""
    return order(OrderState.FILLED, **{"client_id": None, **TRADED, **changes})


def quiet() -> Stage:
    """A session whose stream reports no executions, with order 1 open."""
    stage = Stage(QUIET).connect().snapshot().forget()
    stage.session.submitted("t-a-1")
    stage.session.answered("t-a-1", [order(left=10)], stage.now)
    return stage.listen().forget()


def found(stage: Stage, answer: OrderUpdated | None) -> Stage:
    stage.session.found(LOOK_UP, answer, stage.now)
    return stage.listen()


def ended(stage: Stage) -> tuple[list[OrderState], list[Decimal], list[Decimal]]:
    """The states of the order, the sizes of its fills and their prices, as they were told."""
    fills = stage.said(Filled)
    return [event.state for event in stage.said(OrderUpdated)], [event.size for event in fills], [event.price for event in fills]


def test_an_order_is_vague_when_it_has_traded_and_nobody_says_how_much() -> None:
    assert is_vague(closed())
    assert not is_vague(closed(left=3))
    assert not is_vague(order(OrderState.OPEN))


def test_a_vague_end_is_looked_up_at_once_and_told_as_the_venue_knows_it() -> None:
    stage = quiet().say(ORDERS, closed(), fill("order:1", 10, synthetic=True))
    assert (stage.events, stage.asked(Find)) == ([], [LOOK_UP])
    assert ended(found(stage, order(OrderState.CANCELED, left=7, **TRADED))) == ([OrderState.CANCELED], [D(3)], [D(5)])


def test_an_open_order_that_trades_tells_each_part_as_it_is_looked_up() -> None:
    stage = quiet().say(ORDERS, order(client_id=None, **TRADED))
    found(stage, order(left=6, **TRADED))
    stage.say(ORDERS, closed(fill_price=D(8)))
    found(stage, order(OrderState.FILLED, left=0, fill_price=D(8)))
    assert ended(stage) == ([OrderState.OPEN, OrderState.FILLED], [D(4), D(6)], [D(5), D(10)])
    assert len({event.trade_id for event in stage.said(Filled)}) == 2


def test_what_the_answer_to_a_command_told_needs_no_look_up_and_counts_once() -> None:
    stage = quiet()
    stage.session.answered("t-a-1", [order(OrderState.CANCELED, left=7, **TRADED)], stage.now)
    stage.say(ORDERS, closed(), fill("order:1", 10, synthetic=True))
    assert ended(stage) == ([OrderState.CANCELED], [D(3)], [D(5)])
    assert stage.asked(Find) == []


def test_the_answer_to_a_command_ends_the_doubt_that_came_before_it() -> None:
    stage = quiet().say(ORDERS, closed())
    stage.session.answered("t-a-1", [order(OrderState.CANCELED, left=7, **TRADED)], stage.now)
    found(stage.listen(), order(OrderState.CANCELED, left=7, **TRADED))
    assert ended(stage)[1] == [D(3)]
    assert stage.forget().at(5).asked(Find) == []


def test_a_vague_end_before_the_answer_waits_for_its_name_and_then_for_its_size() -> None:
    stage = Stage(QUIET).connect().snapshot().forget()
    stage.session.submitted("t-a-1")
    stage.say(ORDERS, closed(), fill("order:1", 10, synthetic=True))
    stage.session.answered("t-a-1", [order(OrderState.EXPIRED, left=4, **TRADED)], stage.now)
    stage.listen()
    assert ended(stage) == ([OrderState.EXPIRED], [D(6)], [D(5)])
    assert [event.client_id for event in stage.said(Filled)] == ["t-a-1"]


def test_an_answer_that_is_older_than_the_stream_is_asked_for_again() -> None:
    stage = quiet().say(ORDERS, closed())
    found(stage.forget(), order(left=10)).at(0.5)
    assert stage.asked(Find) == []
    assert stage.at(1.1).asked(Find) == [LOOK_UP]
    assert ended(found(stage.forget(), order(OrderState.CANCELED, left=7, **TRADED)))[1] == [D(3)]


def test_what_trades_while_a_look_up_is_on_its_way_is_looked_up_after_it() -> None:
    stage = quiet().say(ORDERS, order(client_id=None, **TRADED)).forget().say(ORDERS, order(client_id=None, **TRADED))
    assert stage.asked(Find) == []
    assert found(stage, order(left=6, **TRADED)).asked(Find) == [LOOK_UP]
    assert ended(found(stage, order(left=5, **TRADED)))[1] == [D(4), D(1)]


def test_a_look_up_that_got_no_answer_is_made_again() -> None:
    stage = quiet().say(ORDERS, closed()).forget()
    stage.session.find_failed(LOOK_UP, stage.now)
    assert stage.at(1.1).asked(Find) == [LOOK_UP]


def test_where_the_venue_knows_no_more_the_stream_is_believed() -> None:
    assert ended(found(quiet().say(ORDERS, closed()), None)) == ([OrderState.FILLED], [D(10)], [D(5)])


def test_executions_that_a_snapshot_lists_and_what_the_order_implies_count_once() -> None:
    stage = quiet().say(ORDERS, order(client_id=None, **TRADED))
    stage.alive_until(3).snapshot(order(left=6, **TRADED), fill("a", 1), fill("b", 3))
    found(stage, order(OrderState.CANCELED, left=5, **TRADED))
    assert ended(stage)[1] == [D(1), D(3), D(1)]


@pytest.mark.parametrize("reports", [True, False])
def test_only_where_no_executions_are_reported_does_an_order_imply_them(reports: bool) -> None:
    stage = Stage().ready() if reports else quiet()
    stage.say(ORDERS, order(OrderState.CANCELED, left=7, **TRADED))
    assert len(stage.said(Filled)) == (0 if reports else 1)
