"""What the account's events go through before they are told: naming, repetitions, look-ups. Played on a whole session."""

from __future__ import annotations

import pytest

from strikeloop import AlertRaised, Filled, OrderState, OrderUpdated, Origin
from strikeloop.session import Find
from tests.framework.session.stage import CALL, FILLS, ORDERS, SECOND, Stage, fill, order

UNKNOWN = order(OrderState.UNKNOWN, order_id=None, origin=Origin.COMPUTED)


def found(stage: Stage, find: Find, answer: OrderUpdated | None) -> Stage:
    stage.session.found(find, answer, stage.now)
    return stage.listen()


def answer_all(stage: Stage, seconds: float, answer: OrderUpdated | None) -> Stage:
    """Let time pass, and answer every look-up at once."""
    end = stage.now + round(seconds * SECOND)
    while stage.now < end:
        stage.say_nothing()
        stage.at((stage.now - 1_780_272_000 * SECOND) / SECOND + 0.1)
        for find in stage.asked(Find):
            found(stage, find, answer)
        stage.actions.clear()
    return stage


def doubtful() -> Stage:
    """An order has left and nobody said what became of it."""
    stage = Stage().ready()
    stage.session.submitted("t-a-1")
    stage.session.outcome_unknown("t-a-1", CALL, UNKNOWN, stage.now)
    return stage.listen()


# ---- whose order it is ----


def test_a_fill_before_the_answer_waits_for_it_and_then_bears_our_id() -> None:
    stage = Stage().ready()
    stage.session.submitted("t-a-1")
    stage.say(FILLS, fill("a", 2))
    assert stage.events == []
    stage.session.answered("t-a-1", [order(left=8)], stage.now)
    stage.listen()
    assert [type(event) for event in stage.events] == [Filled, OrderUpdated]
    assert [event.client_id for event in stage.said(Filled)] == ["t-a-1"]


def test_a_fill_that_only_a_snapshot_shows_is_told_once_its_order_is_named() -> None:
    stage = Stage().ready().alive_until(30.2).snapshot(fill("a", 2))
    assert stage.said(Filled) == []
    found(stage, Find(CALL, None, "1"), order(left=8))
    assert [(event.trade_id, event.client_id) for event in stage.said(Filled)] == [("a", "t-a-1")]
    assert stage.say(FILLS, fill("a", 2)).said(Filled)[1:] == []


@pytest.mark.parametrize("sizes", [(1,), (1, 2), (3, 1, 2)])
def test_no_fill_is_lost_on_the_way_to_its_name(sizes: tuple[int, ...]) -> None:
    stage = Stage().ready()
    stage.session.submitted("t-a-1")
    for index, size in enumerate(sizes):
        stage.say(FILLS, fill(str(index), size), fill(str(index), size))
    stage.session.answered("t-a-1", [order(left=10 - sum(sizes))], stage.now)
    assert [event.size for event in stage.listen().said(Filled)] == list(sizes)


def test_an_order_of_an_unknown_number_is_looked_up_at_once_when_nothing_is_on_its_way() -> None:
    stage = Stage().ready().say(FILLS, fill("a", 2)).at(0.1)
    assert stage.asked(Find) == [Find(CALL, None, "1")]
    found(stage, Find(CALL, None, "1"), order(left=8))
    assert [event.client_id for event in stage.said(Filled)] == ["t-a-1"]


def test_an_order_of_an_unknown_number_is_looked_up_after_a_second_when_an_answer_is_awaited() -> None:
    stage = Stage().ready()
    stage.session.submitted("t-a-1")
    stage.say(FILLS, fill("a", 2, received=stage.now)).at(0.9)
    assert stage.asked(Find) == []
    assert stage.at(1.1).asked(Find) == [Find(CALL, None, "1")]


def test_a_fill_of_a_foreign_order_is_told_without_a_client_id() -> None:
    stage = Stage().ready().say(FILLS, fill("a", 2)).at(0.1)
    found(stage, Find(CALL, None, "1"), order(left=8, client_id=None))
    assert [event.client_id for event in stage.said(Filled)] == [None]
    assert stage.forget().at(60).asked(Find) == []


def test_a_foreign_order_that_a_snapshot_lists_is_told_and_not_looked_up() -> None:
    stage = Stage().ready().alive_until(30.2).snapshot(order(left=10, client_id=None))
    assert [event.client_id for event in stage.said(OrderUpdated)] == [None]
    assert stage.say(FILLS, fill("a", 2)).at(32).asked(Find) == []
    assert len(stage.said(Filled)) == 1


def test_a_listed_order_without_a_name_is_not_called_foreign_while_one_of_ours_is_on_its_way() -> None:
    stage = Stage().ready().alive_until(30.2)
    stage.session.submitted("t-a-1")
    stage.snapshot(order(left=10, client_id=None))
    assert stage.said(OrderUpdated) == []
    stage.session.answered("t-a-1", [order(left=10)], stage.now)
    assert {event.client_id for event in stage.listen().said(OrderUpdated)} == {"t-a-1"}


def test_what_the_venue_does_not_know_by_number_is_told_as_foreign_rather_than_lost() -> None:
    stage = Stage().ready().say(FILLS, fill("a", 2)).at(0.1)
    found(stage, Find(CALL, None, "1"), None)
    assert [event.client_id for event in stage.said(Filled)] == [None]


def test_a_number_is_looked_up_again_while_an_answer_is_awaited() -> None:
    stage = Stage().ready()
    stage.session.submitted("t-a-1")
    stage.say(FILLS, fill("a", 2)).at(0.1)
    found(stage, Find(CALL, None, "1"), None)
    assert stage.said(Filled) == []
    assert len(stage.forget().alive_until(12).asked(Find)) == 1


def test_a_look_up_that_got_no_answer_is_made_again_after_a_second() -> None:
    stage = Stage().ready()
    stage.session.find_failed(Find(CALL, "t-a-1", "1"), stage.now)
    assert stage.at(0.9).asked(Find) == []
    assert stage.at(1.1).asked(Find) == [Find(CALL, "t-a-1", "1")]
    assert stage.forget().at(5).asked(Find) == []


def test_look_ups_go_on_while_there_is_no_link() -> None:
    stage = doubtful().lose()
    assert Find(CALL, "t-a-1") in stage.at(1).asked(Find)


# ---- told once ----


def test_an_order_that_answer_and_stream_tell_with_the_same_words_is_told_once() -> None:
    stage = Stage().ready().say(ORDERS, order(left=10))
    stage.session.answered("t-a-1", [order(left=10)], stage.now)
    assert len(stage.listen().said(OrderUpdated)) == 1


# ---- outcomes nobody told ----


def test_an_unknown_outcome_is_told_at_once() -> None:
    assert [event.state for event in doubtful().said(OrderUpdated)] == [OrderState.UNKNOWN]


def test_an_order_the_venue_never_heard_of_is_absent_between_thirty_and_thirty_five_seconds() -> None:
    stage = answer_all(doubtful(), 29.9, None)
    assert stage.said(OrderUpdated)[-1].state is OrderState.UNKNOWN
    answer_all(stage, 5, None)
    assert stage.said(OrderUpdated)[-1].state is OrderState.ABSENT


def test_an_order_that_a_look_up_finds_is_what_the_venue_says() -> None:
    stage = answer_all(doubtful(), 1, order(left=10))
    assert [event.state for event in stage.said(OrderUpdated)] == [OrderState.UNKNOWN, OrderState.OPEN]
    assert answer_all(stage, 40, None).said(AlertRaised) == []


def test_evidence_from_the_stream_ends_the_look_ups() -> None:
    stage = doubtful().say(ORDERS, order(left=10))
    assert stage.forget().alive_until(29).asked(Find) == []


def test_an_order_known_before_it_came_in_doubt_is_told_again() -> None:
    stage = Stage().ready().say(ORDERS, order(left=10))
    stage.session.outcome_unknown("t-a-1", CALL, UNKNOWN, stage.now)
    stage.listen().say(ORDERS, order(left=10))
    assert [event.state for event in stage.said(OrderUpdated)] == [OrderState.OPEN, OrderState.UNKNOWN, OrderState.OPEN]


@pytest.mark.parametrize("evidence", [order(left=10), fill("a", 2, client_id="t-a-1")], ids=["order", "fill"])
def test_late_evidence_revives_an_absent_order_and_raises_an_alarm(evidence: OrderUpdated | Filled) -> None:
    stage = answer_all(doubtful(), 35, None).forget().say(ORDERS, evidence)
    assert [type(event) for event in stage.events] == [type(evidence), AlertRaised]
    assert stage.said(AlertRaised)[0].topic == "revived"
    assert stage.say(ORDERS, order(left=9)).said(AlertRaised) == stage.said(AlertRaised)[:1]


@pytest.mark.parametrize("passed_s", [1, 35], ids=["in-doubt", "absent"])
def test_a_fill_shows_that_a_doubtful_order_exists_and_has_it_asked_how_it_stands(passed_s: float) -> None:
    stage = answer_all(doubtful(), passed_s, None).forget().say(ORDERS, fill("a", 2, client_id="t-a-1"))
    stage.at((stage.now - 1_780_272_000 * SECOND) / SECOND + 0.1)
    assert [find.client_id for find in stage.asked(Find)] == ["t-a-1"]


def test_an_order_that_the_venue_knew_and_no_longer_knows_is_in_doubt_and_then_absent() -> None:
    stage = Stage().ready().say(ORDERS, order(left=10)).alive_until(30.2).snapshot()
    found(stage, Find(CALL, "t-a-1", "1"), None)
    assert stage.said(OrderUpdated)[-1].state is OrderState.UNKNOWN
    assert answer_all(stage, 35, None).said(OrderUpdated)[-1].state is OrderState.ABSENT
