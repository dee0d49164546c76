"""What happens next at the venue."""

from __future__ import annotations

from strikeloop import CancelOrder
from strikeloop_venue.agenda import NEVER, Agenda, Refresh, Scope
from tests.plugins.venue.stage import CALL, PUT, SECOND, START, Stage

REQUEST = CancelOrder(client_id="t-1", contract=CALL)
EVERYTHING = Scope()


def taken(agenda: Agenda) -> list[object]:
    out: list[object] = []
    while agenda.due != NEVER:
        out.append(agenda.take())
    return out


def test_an_empty_agenda_is_never_due() -> None:
    assert Agenda().due == NEVER


def test_at_one_instant_expiries_come_first_then_countdowns_then_requests_then_the_refresh() -> None:
    agenda = Agenda()
    agenda.refresh(5)
    agenda.request(5, REQUEST)
    agenda.count_down(EVERYTHING, 5)
    agenda.expire(5, CALL)
    assert taken(agenda) == [CALL, EVERYTHING, REQUEST, Refresh()]


def test_otherwise_the_earliest_comes_first() -> None:
    agenda = Agenda()
    agenda.expire(9, CALL)
    agenda.expire(4, PUT)
    agenda.request(7, REQUEST)
    agenda.refresh(1)
    assert taken(agenda) == [Refresh(), PUT, REQUEST, CALL]


def test_contracts_that_expire_together_do_so_in_the_order_of_listing() -> None:
    agenda = Agenda()
    agenda.expire(4, PUT)
    agenda.expire(4, CALL)
    assert taken(agenda) == [PUT, CALL]


def test_a_countdown_that_is_set_again_moves_and_one_that_is_disarmed_is_gone() -> None:
    agenda = Agenda()
    agenda.count_down(EVERYTHING, 5)
    agenda.count_down(EVERYTHING, 8)
    assert agenda.due == 8
    agenda.count_down(EVERYTHING, None)
    assert agenda.due == NEVER


def test_a_refresh_that_is_planned_is_not_put_off() -> None:
    agenda = Agenda()
    agenda.refresh(5)
    agenda.refresh(9)
    assert agenda.due == 5


def test_a_countdown_withdraws_every_order_in_its_scope_when_it_ends() -> None:
    stage = Stage().index(70_000).ticker(500)
    orders = [stage.submit(1, 480), stage.submit(1, 481, contract=PUT)]
    assert stage.venue.count_down(stage.now, 5 * SECOND, Scope(contract=CALL)) == START + 5 * SECOND
    stage.at(4.9)
    assert [order.client_id for order in stage.venue.orders(is_open=True)] == orders
    stage.at(5)
    assert [order.client_id for order in stage.venue.orders(is_open=True)] == orders[1:]
    assert stage.order(orders[0]).finish_as == "cancelled"


def test_a_countdown_that_is_asked_again_in_time_does_nothing() -> None:
    stage = Stage().index(70_000).ticker(500)
    order = stage.submit(1, 480)
    stage.venue.count_down(stage.now, 5 * SECOND, Scope(underlying="BTC_USDT"))
    stage.at(4).venue.count_down(stage.now, 5 * SECOND, Scope(underlying="BTC_USDT"))
    assert stage.at(8).venue.count_down(stage.now, 0, Scope(underlying="BTC_USDT")) is None
    assert not stage.at(60).order(order).state.is_terminal
