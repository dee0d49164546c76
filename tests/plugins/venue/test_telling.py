"""The specification of strikeloop_venue.telling: the client hears each event once, in sequence, and none before its time."""

from __future__ import annotations

from strikeloop import OrderUpdated
from strikeloop_venue.agenda import NEVER
from strikeloop_venue.telling import Teller
from tests.plugins.venue.stage import Stage


def teller() -> Teller:
    return Stage().venue._teller  # the stage's own machine has everything a teller needs


def update(received: int) -> OrderUpdated:
    order = Stage(latency_ms=0).index(70_000).ticker(500).quote(490, 510)
    order.submit(1, 400)
    told = order.at(1).last(OrderUpdated)
    return OrderUpdated(time=0, received=received, contract=told.contract, state=told.state, size=told.size, order_id=told.order_id)


def test_what_is_not_received_yet_waits() -> None:
    line = teller()
    line.tell(update(5), update(5), update(9))
    assert line.due == 5
    assert line.heard(4) == ()
    assert [event.received for event in line.heard(5)] == [5, 5]
    assert line.due == 9
    assert [event.received for event in line.heard(20)] == [9]
    assert line.due == NEVER
    assert line.heard(30) == ()


def test_an_answer_is_never_received_before_the_one_before_it() -> None:
    line = teller()
    assert [line.received(at) for at in (10, 7, 12)] == [10, 10, 12]


def test_a_step_that_changed_nothing_is_not_heard_of() -> None:
    line = teller()
    line.finish()
    assert line.due == NEVER
