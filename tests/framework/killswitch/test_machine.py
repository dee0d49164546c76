"""The kill switch in an engine: from armed to halted, canceling, reducing, and to flat or gave up; and back only by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strikeloop import (
    AlertRaised,
    CancelOrder,
    Desk,
    Event,
    HaltRequested,
    HaltReset,
    HaltUpdated,
    InvariantError,
    OrderState,
    Refused,
    RunStarted,
    SubmitOrder,
    TimerFired,
)
from strikeloop.engine import Engine, Plugin
from strikeloop.killswitch import NAME, HaltSettings
from strikeloop.margin import Classic
from tests.framework.stage import CALL, PUT, SECOND, D, Stage, contract, fill, made, position, quoted, ticker, update

DONE = (OrderState.CANCELED, OrderState.FILLED)


def asked(at: int = 0, *, cause: str = "command", by: str = "anna", reason: str = "news", **wishes: bool) -> HaltRequested:
    return HaltRequested(time=at, received=at, cause=cause, by=by, reason=reason, **wishes)


def states(played: Stage) -> list[str]:
    return [told.state.value for told in played.of(HaltUpdated)]


def pass_time(played: Stage, to_s: float) -> None:
    """Fire every timer that is due until then, as a driver does."""
    end = round(to_s * SECOND)
    while (due := played.engine.next_timer()) is not None and due <= end:
        fired = played.engine.due(due)
        assert fired is not None
        played.step(fired)


def opening(played: Stage) -> str:
    return played.reason(lambda desk: desk.buy(CALL, 1, 100))


def holding(size: int = -3, *, mark: float = 100.0, halt: HaltSettings | None = None, **more: Any) -> Stage:
    """A run that holds this many calls and has a mark for them."""
    played = Stage(made(on_start=lambda event, desk: None), halt=halt, **more)
    played.step(ticker(mark=mark), position(size))
    return played


def with_order() -> tuple[Stage, str]:
    played = Stage(made(on_start=lambda event, desk: None))
    order = played.does(lambda desk: desk.buy(CALL, 1, 100))
    played.step(update(order, OrderState.OPEN, 1, 1, order_id="v1"))
    return played, order


def answer(played: Stage, state: OrderState, left: int | str, **more: Any) -> None:
    """What the venue says of the kill switch's last order."""
    order = played.sent(SubmitOrder)[-1]
    played.step(update(order.client_id, state, int(order.size), left, order_id=order.client_id, contract=order.contract, **more))


# ---- halted ----------------------------------------------------------------------------------------------------------


def test_a_halted_run_opens_nothing_and_says_who_halted_it_and_why() -> None:
    played, order = with_order()
    played.step(asked(5))
    assert opening(played) == "stream: halted by anna: news"
    (told,) = played.of(HaltUpdated)
    assert (told.state, told.cause, told.by, told.reason, told.since) == ("halted", "command", "anna", "news", 5)
    assert played.engine.orders.get(order).is_working  # type: ignore[union-attr]  # it is there


def test_an_amendment_is_an_opening_and_a_cancel_is_not() -> None:
    played, order = with_order()
    played.step(asked())
    assert "halted" in played.reason(lambda desk: desk.amend(order, price=101))
    assert played.reason(lambda desk: desk.cancel(order)) == ""


def test_people_are_alerted_when_it_is_halted() -> None:
    played, _ = with_order()
    played.step(asked())
    (alert,) = played.of(AlertRaised)
    assert (alert.source, alert.topic, alert.severity, alert.text) == (NAME, "halt", "critical", "halted, by anna: news")


def test_plugins_are_told_by_a_hook() -> None:
    heard: list[str] = []
    played = Stage(made(on_halt=lambda event, desk: heard.append(event.state.value)))
    played.step(asked(cancel=True))
    assert heard == ["halted", "canceling", "halted"]


@pytest.mark.parametrize("kind", ["strategy", "risk"])
def test_a_strategy_and_a_rule_can_halt_the_run(kind: str) -> None:
    halts = made(on_position=lambda event, desk: desk.halt("drawdown of 12 %", cancel=True))
    played = Stage(halts) if kind == "strategy" else Stage(rules=[halts])
    played.step(position(1))
    told = played.of(HaltUpdated)[0]
    assert (told.cause, told.by, told.reason, told.cancel) == (kind, "s" if kind == "strategy" else "r", "drawdown of 12 %", True)


def test_what_a_plugin_asks_for_again_changes_nothing() -> None:
    played = Stage(made(on_position=lambda event, desk: desk.halt("drawdown")))
    played.step(position(1), position(2), position(3))
    assert states(played) == ["halted"]


def test_a_hook_that_fails_after_asking_for_a_halt_halts_nothing() -> None:
    def hook(event: Any, desk: Desk) -> None:
        desk.halt("drawdown")
        raise LookupError

    played = Stage(made(on_position=hook))
    played.step(position(1))
    assert states(played) == []


def test_more_that_is_asked_for_is_done_and_told() -> None:
    played, order = with_order()
    played.step(asked(), asked(by="ben", reason="all of it", cancel=True))
    assert [one.client_id for one in played.sent(CancelOrder)] == [order]
    assert states(played) == ["halted", "halted", "canceling"]
    assert played.of(HaltUpdated)[1].reason == "news; ben: all of it"


@pytest.mark.parametrize("wrong", [{"cancel": 1}, {"flatten": "yes"}])
def test_a_halt_of_wrong_types_is_refused_at_once(wrong: Any) -> None:
    played = Stage(made(on_start=lambda event, desk: None))
    with pytest.raises(TypeError):
        played.desk().halt("x", **wrong)


def test_no_plugin_may_have_the_name_of_the_kill_switch() -> None:
    with pytest.raises(InvariantError, match=NAME):
        Engine([Plugin(name=NAME, kind="strategy", plugin=made(on_start=lambda event, desk: None))], margin=Classic())


# ---- canceling -------------------------------------------------------------------------------------------------------


def test_every_order_of_ours_is_withdrawn_those_of_other_hands_stay() -> None:
    played, order = with_order()
    played.step(update("t-run-gone-7", OrderState.OPEN, 1, 1, order_id="v7"), update("theirs", OrderState.OPEN, 1, 1, order_id="v8"))
    played.step(asked(cancel=True))
    assert {one.client_id for one in played.sent(CancelOrder)} == {order, "t-run-gone-7"}


def test_when_nothing_works_any_more_it_is_halted_again() -> None:
    played, order = with_order()
    played.step(asked(cancel=True))
    assert states(played) == ["halted", "canceling"]
    played.step(update(order, OrderState.CANCELED, 1, 1, order_id="v1"))
    assert states(played) == ["halted", "canceling", "halted"]
    assert played.engine.switch.is_done


def test_a_cancel_that_did_nothing_is_repeated_and_given_up_with_the_names_of_what_works() -> None:
    played, order = with_order()
    played.step(asked(cancel=True))
    pass_time(played, 11)
    assert len(played.sent(CancelOrder)) == 3
    pass_time(played, 301)
    assert states(played)[-1] == "gave-up"
    assert played.of(HaltUpdated)[-1].left == (f"{order} is open and may still trade",)
    assert played.engine.next_timer() is None


def test_an_order_that_shows_up_later_is_withdrawn_too() -> None:
    played, order = with_order()
    played.step(asked(cancel=True), update(order, OrderState.CANCELED, 1, 1, order_id="v1"))
    played.step(update("t-run-s-9", OrderState.OPEN, 1, 1, order_id="v9"))
    assert [one.client_id for one in played.sent(CancelOrder)] == [order, "t-run-s-9"]


def test_before_the_account_is_known_it_withdraws_what_it_knows_and_is_not_done() -> None:
    played = Stage(start=False)
    played.step(update("t-run-s-9", OrderState.UNKNOWN, 1, 1), asked(flatten=True))
    assert [one.client_id for one in played.sent(CancelOrder)] == ["t-run-s-9"]
    played.step(update("t-run-s-9", OrderState.CANCELED, 1, 1))
    assert states(played)[-1] == "canceling"
    played.step(RunStarted(time=1, received=1))
    assert states(played)[-1] == "flat"


def test_plugins_that_did_not_run_yet_are_told_of_the_halt_when_they_begin() -> None:
    heard: list[Event] = []
    played = Stage(made(on_event=lambda event, desk: heard.append(event)), start=False)
    played.step(asked())
    assert heard == []
    played.step(RunStarted(time=1, received=1))
    assert [type(event) for event in heard] == [RunStarted, HaltUpdated]


# ---- reducing --------------------------------------------------------------------------------------------------------


def test_positions_are_closed_with_reduce_only_limits_that_end_at_once() -> None:
    played = holding(-3)
    played.step(asked(flatten=True))
    (order,) = played.sent(SubmitOrder)
    assert (order.size, order.price, order.tif.value, order.reduce_only, order.tag) == (D(3), D(110), "ioc", True, "halt")
    assert order.client_id == "t-run-killswitch-1"
    assert states(played) == ["halted", "canceling", "reducing"]


def test_it_is_flat_when_the_venue_says_that_nothing_is_held() -> None:
    played = holding(-3)
    played.step(asked(flatten=True))
    answer(played, OrderState.FILLED, 0)
    assert states(played)[-1] == "reducing"
    played.step(position(0))
    assert states(played)[-1] == "flat"
    assert [alert.text for alert in played.of(AlertRaised)][-1] == "flat, by anna: news"


def test_orders_are_withdrawn_before_positions_are_closed() -> None:
    played, order = with_order()
    played.step(ticker(mark=100.0), position(3), asked(flatten=True))
    assert (len(played.sent(CancelOrder)), len(played.sent(SubmitOrder))) == (1, 1)
    played.step(update(order, OrderState.CANCELED, 1, 1, order_id="v1"))
    assert played.sent(SubmitOrder)[-1].reduce_only


def test_orders_that_cannot_be_withdrawn_hold_nothing_up_for_longer_than_the_limit() -> None:
    played, _ = with_order()
    played.step(ticker(mark=100.0), position(3), asked(flatten=True))
    pass_time(played, 9.9)
    assert states(played)[-1] == "canceling"
    pass_time(played, 10)
    assert played.sent(SubmitOrder)[-1].reduce_only


def test_one_order_at_a_time_works_on_a_contract_however_its_outcome_is_in_doubt() -> None:
    played = holding(-3)
    played.step(asked(flatten=True))
    answer(played, OrderState.UNKNOWN, -3)
    pass_time(played, 30)
    assert len(played.sent(SubmitOrder)) == 1
    assert played.engine.switch.left == (f"{CALL}: -3 contracts; t-run-killswitch-1 is unknown",)


def test_the_next_order_waits_its_time_and_the_collar_widens_only_after_a_miss() -> None:
    played = holding(-250, contracts=[contract(size_max=None)])
    played.step(asked(flatten=True))
    answer(played, OrderState.FILLED, 0)
    played.step(position(-150))
    pass_time(played, 1)
    answer(played, OrderState.EXPIRED, 40)
    played.step(position(-90))
    pass_time(played, 1.9)
    assert len(played.sent(SubmitOrder)) == 2
    pass_time(played, 2)
    assert [(order.size, order.price) for order in played.sent(SubmitOrder)] == [(D(100), D(110)), (D(100), D(110)), (D(90), D(120))]


def test_the_next_order_waits_until_the_account_shows_what_the_last_one_did_but_not_for_ever() -> None:
    played = holding(-3)
    played.step(asked(flatten=True))
    answer(played, OrderState.EXPIRED, 1, at=SECOND)
    pass_time(played, 5.9)
    assert len(played.sent(SubmitOrder)) == 1
    assert played.engine.switch.left == (f"{CALL}: -3 contracts; the account does not show what t-run-killswitch-1 did",)
    pass_time(played, 6)
    assert len(played.sent(SubmitOrder)) == 2


def test_attempts_that_are_used_up_are_given_up_with_what_is_left() -> None:
    played = holding(-3, halt=HaltSettings(attempts=2))
    played.step(asked(flatten=True))
    answer(played, OrderState.EXPIRED, 3)
    pass_time(played, 1)
    answer(played, OrderState.EXPIRED, 3)
    pass_time(played, 5)
    assert len(played.sent(SubmitOrder)) == 2
    told = played.of(HaltUpdated)[-1]
    assert (told.state, told.left) == ("gave-up", (f"{CALL}: -3 contracts; 2 orders did not close it",))
    assert played.of(AlertRaised)[-1].severity == "critical"


def test_a_long_option_that_nobody_bids_for_is_reported_and_tried_again_when_somebody_does() -> None:
    played = holding(2)
    played.step(quoted(bid=None), asked(flatten=True))
    assert played.sent(SubmitOrder) == []
    pass_time(played, 1)
    assert played.engine.switch.left == (f"{CALL}: +2 contracts; nobody bids for it",)
    played.step(quoted(bid=95.0, at=2 * SECOND))
    pass_time(played, 3)
    assert [(order.size, order.price) for order in played.sent(SubmitOrder)] == [(D(-2), D(90))]


def test_what_cannot_be_closed_in_time_is_given_up() -> None:
    played = holding(2)
    played.step(quoted(bid=None), asked(flatten=True))
    pass_time(played, 400)
    assert played.of(HaltUpdated)[-1].left == (f"{CALL}: +2 contracts; nobody bids for it",)
    assert played.engine.switch.is_done


@pytest.mark.parametrize("by_hand", [True, False])
def test_only_a_person_makes_it_try_again_what_it_gave_up(by_hand: bool) -> None:
    played = holding(2)
    played.step(quoted(bid=None), asked(flatten=True))
    pass_time(played, 400)
    played.step(quoted(bid=99.0), asked(at=400 * SECOND, cause="command" if by_hand else "risk", flatten=True))
    assert len(played.sent(SubmitOrder)) == by_hand


def test_a_position_that_shows_up_when_it_is_flat_is_closed_too() -> None:
    played = holding(0)
    played.step(asked(flatten=True))
    assert states(played)[-1] == "flat"
    played.step(position(2, at=9 * SECOND))
    assert played.sent(SubmitOrder)[-1].size == -2
    assert states(played)[-1] == "reducing"


def test_a_rule_that_refuses_or_raises_cannot_keep_a_position_open() -> None:
    def fails(command: Any, desk: Desk) -> None:
        raise LookupError("no quote")

    rules = [made(review_order=lambda command, desk: Refused("never")), made(review_order=fails)]
    played = holding(-3, rules=rules)
    played.step(asked(flatten=True))
    assert len(played.sent(SubmitOrder)) == 1


def test_positions_of_an_account_that_is_not_confirmed_wait_until_it_is() -> None:
    played = holding(-3)
    played.engine.block("sim", "the connection to sim is lost: x")
    played.step(asked(flatten=True))
    assert played.sent(SubmitOrder) == []
    played.engine.unblock("sim")
    pass_time(played, 1)
    assert len(played.sent(SubmitOrder)) == 1


def test_a_run_that_stops_stops_reducing() -> None:
    played = holding(-3)
    played.step(asked(flatten=True))
    played.engine.wind_down()
    answer(played, OrderState.EXPIRED, 3)
    pass_time(played, 5)
    assert len(played.sent(SubmitOrder)) == 1


# ---- armed again -----------------------------------------------------------------------------------------------------


def reset(at: int = 0) -> HaltReset:
    return HaltReset(time=at, received=at, by="ben", reason="looked at it")


@pytest.mark.parametrize("wishes", [{}, {"cancel": True}, {"flatten": True}])
def test_a_reset_arms_it_from_whatever_state(wishes: Any) -> None:
    played, _ = with_order()
    played.step(position(2), asked(**wishes), reset(7))
    told = played.of(HaltUpdated)[-1]
    assert (told.state, told.by, told.reason, told.since, told.cancel) == ("armed", "ben", "looked at it", 0, False)
    assert opening(played) == ""
    sent = len(played.commands)
    pass_time(played, 100)
    assert len(played.commands) == sent


def test_a_reset_of_what_is_armed_says_nothing() -> None:
    played, _ = with_order()
    played.step(reset())
    assert played.events == []


def test_what_is_halted_again_begins_anew() -> None:
    played = holding(-3)
    played.step(asked(flatten=True), reset(1), asked(2, by="carl", reason="again"))
    told = played.of(HaltUpdated)[-1]
    assert (told.state, told.by, told.reason, told.flatten, told.since) == ("halted", "carl", "again", False, 2)


def test_a_block_of_another_cause_outlives_a_reset() -> None:
    played, _ = with_order()
    played.engine.block("", "the disk is full", cause="disk")
    played.step(asked(), reset())
    assert opening(played) == "stream: the disk is full"


# ---- laws ------------------------------------------------------------------------------------------------------------

Act = Callable[[Stage, int], None]


def _act(name: str) -> Act:
    def act(played: Stage, at: int) -> None:
        own = [order for order in played.engine.orders.working() if order.instance == NAME]
        match name:
            case "halt" | "cancel" | "flatten":
                played.step(asked(at, cancel=name == "cancel", flatten=name == "flatten"))
            case "reset":
                played.step(reset(at))
            case "long" | "short" | "none":
                played.step(position({"long": 3, "short": -2, "none": 0}[name], at=at))
            case "filled" | "expired" | "unknown" if own:
                left = 0 if name == "filled" else own[-1].left
                state = {"filled": OrderState.FILLED, "expired": OrderState.EXPIRED, "unknown": OrderState.UNKNOWN}[name]
                played.step(update(own[-1].key, state, int(own[-1].size), str(left), contract=own[-1].contract, at=at))
            case "bid" | "no bid":
                played.step(quoted(bid=95.0 if name == "bid" else None, at=at))
            case "order":
                played.does(lambda desk: desk.buy(PUT, 1, 100))

    return act


NAMES = ["halt", "cancel", "flatten", "reset", "long", "short", "none", "filled", "expired", "unknown", "bid", "no bid", "order"]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 3)), max_size=25))
def test_whatever_happens_it_only_ever_reduces_and_nothing_opens_while_it_is_halted(steps: list[tuple[str, int]]) -> None:
    played = Stage(made(on_start=lambda event, desk: None), halt=HaltSettings(give_up_s=20.0))
    played.step(ticker(mark=100.0))
    at = 0
    for name, seconds in steps:
        halted = played.engine.switch.is_engaged
        held = played.engine.portfolio.position(CALL)
        sent = len(played.sent(SubmitOrder))
        _act(name)(played, at)
        held = played.engine.portfolio.position(CALL) or held
        for order in played.sent(SubmitOrder)[sent:]:
            if played.engine.orders.get(order.client_id).instance == NAME:  # type: ignore[union-attr]  # it is there
                assert held is not None
                assert order.reduce_only
                assert order.size * held.size < 0
                assert abs(order.size) <= abs(held.size)
            else:
                assert not halted
        at += seconds * SECOND
        pass_time(played, at / SECOND)


def test_the_same_inputs_give_the_same_commands() -> None:
    def play() -> list[Any]:
        played = holding(-3)
        played.step(asked(flatten=True))
        answer(played, OrderState.EXPIRED, 2)
        played.step(fill("t-run-killswitch-1", 1), position(-2))
        pass_time(played, 3)
        return played.commands

    assert play() == play()


def test_a_timer_of_the_kill_switch_reaches_no_strategy() -> None:
    heard: list[Event] = []
    played = Stage(made(on_timer=lambda event, desk: heard.append(event)))
    played.step(ticker(mark=100.0), position(2), asked(flatten=True), TimerFired(time=1, received=1, instance=NAME, name="look", due=1))
    assert heard == []
    assert D(len(played.sent(SubmitOrder))) == 1
