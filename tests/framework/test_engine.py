"""The specification of strikeloop.engine."""

from __future__ import annotations

import decimal
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikeloop import (
    AlertRaised,
    CancelOrder,
    Desk,
    Event,
    GapClosed,
    GapOpened,
    InvariantError,
    OrderRefused,
    OrderState,
    PluginFaulted,
    Reconciled,
    Refused,
    RunStarted,
    RunStopping,
    Severity,
    StreamLost,
    SubmitOrder,
    TimerFired,
    hookimpl,
    plugin,
)
from strikeloop.engine import MOST_EVENTS_PER_INPUT, NOTHING, Engine, Plugin
from strikeloop.margin import Classic
from tests.framework.stage import CALL, PUT, SECOND, D, Stage, contract, fill, made, position, quoted, ticker, update, watching

START = RunStarted(time=0, received=0)


def buys(event: Any, desk: Desk) -> None:
    desk.buy(CALL, 1, 100)


def both(*acts: Callable[[Any, Desk], None]) -> Callable[[Any, Desk], None]:
    def hook(event: Any, desk: Desk) -> None:
        for act in acts:
            act(event, desk)

    return hook


def alerts(text: str) -> Callable[[Any, Desk], None]:
    return lambda event, desk: desk.alert(text)


def fails(event: Any, desk: Desk) -> None:
    raise LookupError("no quote")


def kinds(events: Any) -> list[str]:
    return [type(event).__name__ for event in events]


# ---- time ------------------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 10**18), min_size=1))
def test_time_is_that_of_the_latest_input_and_never_goes_back(times: list[int]) -> None:
    played = Stage(start=False)
    for index, time in enumerate(times):
        played.step(quoted(at=time))
        assert played.engine.clock.now == max(times[: index + 1])


def test_what_the_engine_makes_bears_the_time_of_the_input() -> None:
    played = Stage(made(on_position=alerts("look")))
    played.step(position(1, at=5))
    assert [(event.time, event.received) for event in played.events] == [(5, 5)]


# ---- before and at the start -----------------------------------------------------------------------------------------


def test_before_the_start_inputs_are_only_folded() -> None:
    heard: list[Event] = []
    played = Stage(made(on_event=lambda event, desk: heard.append(event)), start=False)
    played.step(position(2), quoted(), ticker(), update(None, OrderState.OPEN, order_id="v7"), fill(None, 1))
    assert heard == []
    assert [one.size for one in played.engine.portfolio.positions] == [D(2)]


def test_at_the_start_everything_is_on_the_desk() -> None:
    seen: list[Any] = []
    played = Stage(made(on_start=lambda event, desk: seen.append((desk.positions[0].size, desk.quote(CALL)))), start=False)
    played.step(position(2), quoted(), START)
    assert seen == [(D(2), quoted())]


def test_an_input_that_leads_to_nothing_costs_nothing() -> None:
    assert Stage(made(on_position=lambda event, desk: None)).step(position(1)) is NOTHING


# ---- outboxes --------------------------------------------------------------------------------------------------------


def test_what_plugins_ask_for_is_handled_in_config_order_whoever_was_called_first() -> None:
    class Eager:
        @hookimpl(tryfirst=True)
        def on_position(self, desk: Desk) -> None:
            desk.buy(CALL, 2, 100)

    played = Stage(made(on_position=buys), plugin(Eager)())
    played.step(position(1))
    assert [command.size for command in played.sent(SubmitOrder)] == [D(1), D(2)]


def test_what_one_plugin_asks_for_is_handled_in_the_order_in_which_it_asked() -> None:
    played = Stage(made(on_start=lambda event, desk: [desk.buy(CALL, size, 100) for size in (3, 1, 2)]))
    assert [command.size for command in played.sent(SubmitOrder)] == [D(3), D(1), D(2)]


def test_an_approved_order_is_pending_until_the_driver_has_sent_it() -> None:
    played = Stage(made(on_start=buys))
    (order,) = played.engine.orders
    assert (order.state, order.instance) == (OrderState.PENDING, "s")
    played.engine.sent([order.key])
    assert [one.state for one in played.engine.orders] == [OrderState.SENT]


def test_an_approved_amendment_counts_until_the_answer() -> None:
    played = Stage(made(on_start=buys))
    (order,) = played.engine.orders
    played.does(lambda desk: desk.amend(order.key, size=5, price=101))
    assert [(one.size, one.price) for one in played.desk().working] == [(D(5), D(101))]


def test_what_a_rule_asks_for_while_it_judges_comes_out_in_the_same_step_wherever_it_stands() -> None:
    def warn(command: Any, desk: Desk) -> None:
        desk.alert("large")

    plugins = [("r", "risk", made(review_order=warn)), ("s", "strategy", made(on_start=buys))]
    engine = Engine([Plugin(name=name, kind=kind, plugin=one) for name, kind, one in plugins], contracts=[contract()], margin=Classic())  # type: ignore[arg-type]  # the kinds are literals
    assert kinds(engine.step(START).events) == ["AlertRaised"]


def test_log_lines_come_out_beside_the_events() -> None:
    played = Stage(made(on_start=lambda event, desk: desk.log("begun", size=3)))
    assert [(name, line.text, line.fields) for name, line in played.logs] == [("s", "begun", {"size": 3})]


# ---- events of the engine itself -------------------------------------------------------------------------------------


def test_events_of_the_engine_are_delivered_behind_the_input_and_never_within_it() -> None:
    log: list[str] = []

    def on_position(event: Any, desk: Desk) -> None:
        desk.alert("look")
        log.append("position")

    played = Stage(made(on_position=on_position, on_alert=lambda event, desk: log.append("alert")), made(on_position=on_position))
    played.step(position(1))
    assert log == ["position", "position", "alert", "alert"]


def test_events_that_events_lead_to_stand_in_the_order_of_their_making() -> None:
    def on_alert(event: AlertRaised, desk: Desk) -> None:
        if len(event.text) < 3:
            desk.alert(event.text + "a")
            desk.alert(event.text + "b")

    played = Stage(made(on_start=alerts("x"), on_alert=on_alert))
    assert [event.text for event in played.of(AlertRaised)] == ["x", "xa", "xb", "xaa", "xab", "xba", "xbb"]


def test_a_strategy_may_answer_a_refusal() -> None:
    played = Stage(made(on_start=lambda event, desk: desk.buy(CALL, 0, 100), on_refused=buys))
    assert (len(played.of(OrderRefused)), len(played.sent(SubmitOrder))) == (1, 1)


def test_alerts_are_heard_by_every_plugin() -> None:
    log: list[str] = []
    Stage(
        made(on_start=alerts("x"), on_alert=lambda event, desk: log.append(event.source)),
        made(on_alert=lambda event, desk: log.append(desk.instance)),
        rules=[made(on_alert=lambda event, desk: log.append(desk.instance))],
    )
    assert log == ["s", "s2", "r"]


def test_a_plugin_that_causes_events_without_end_is_halted() -> None:
    played = Stage(made(on_start=alerts("x"), on_alert=alerts("x")))
    (fault,) = played.of(PluginFaulted)
    assert (fault.instance, fault.hook, fault.halted) == ("s", "engine", True)
    assert fault.error == f"caused more than {MOST_EVENTS_PER_INPUT} events for one input"
    assert len(played.of(AlertRaised)) == MOST_EVENTS_PER_INPUT + 1


def test_as_many_events_as_are_allowed_halt_nobody() -> None:
    played = Stage(made(on_start=both(*[alerts("x")] * MOST_EVENTS_PER_INPUT)))
    assert (len(played.of(AlertRaised)), played.of(PluginFaulted)) == (MOST_EVENTS_PER_INPUT, [])


def test_who_only_answered_once_is_not_halted_with_the_one_that_floods() -> None:
    def once(event: PluginFaulted, desk: Desk) -> None:
        desk.alert("noted")

    played = Stage(made(on_start=alerts("x"), on_alert=alerts("x")), made(on_fault=once))
    assert [(fault.instance, fault.halted) for fault in played.of(PluginFaulted)] == [("s", True)]


def test_the_orders_of_a_plugin_that_floods_are_canceled() -> None:
    played = Stage(made(on_start=both(buys, alerts("x")), on_alert=alerts("x")))
    assert [command.client_id for command in played.sent(CancelOrder)] == [played.sent(SubmitOrder)[0].client_id]


def test_a_rule_that_floods_is_no_longer_called_but_still_judges() -> None:
    rule = made(on_alert=alerts("x"), review_order=lambda command, desk: Refused("no"))
    played = Stage(made(on_start=lambda event, desk: None), rules=[rule])
    played.does(lambda desk: desk.alert("x"))
    assert [fault.instance for fault in played.of(PluginFaulted)] == ["r"]
    assert played.reason(lambda desk: desk.buy(CALL, 1, 100)) == "r: no"


def test_a_rule_that_floods_while_orders_work_is_no_trouble() -> None:
    played = Stage(made(on_start=buys), rules=[made(on_alert=alerts("x"))])
    played.does(lambda desk: desk.alert("x"))
    assert played.sent(CancelOrder) == []


def test_a_rule_that_fails_at_the_news_of_its_own_failure_ends_somewhere() -> None:
    played = Stage(rules=[made(on_position=fails, on_fault=fails)])
    played.step(position(1))
    assert played.of(PluginFaulted)[-1].halted


# ---- faults ----------------------------------------------------------------------------------------------------------


def test_a_plugin_that_raises_harms_no_other() -> None:
    log: list[str] = []
    played = Stage(made(on_position=fails), made(on_position=buys), made(on_position=lambda event, desk: log.append("third")))
    played.step(position(1))
    assert (log, len(played.sent(SubmitOrder))) == (["third"], 1)


def test_a_fault_names_plugin_hook_and_error() -> None:
    played = Stage(made(on_position=fails))
    played.step(position(1))
    (fault,) = played.of(PluginFaulted)
    assert (fault.instance, fault.hook, fault.error, fault.halted) == ("s", "on_position", "LookupError: no quote", True)


def test_a_plugin_that_raises_loses_what_it_asked_for() -> None:
    def on_position(event: Any, desk: Desk) -> None:
        desk.buy(CALL, 1, 100)
        desk.alert("x")
        raise LookupError

    played = Stage(made(on_position=on_position))
    played.step(position(1))
    assert (played.commands, kinds(played.events)) == ([], ["PluginFaulted"])


def test_a_halted_strategy_hears_nothing_more_not_even_of_the_same_event() -> None:
    heard: list[Event] = []
    played = Stage(made(on_quote=fails, on_start=watching(CALL), on_event=lambda event, desk: heard.append(event)))
    heard.clear()
    played.step(quoted(), quoted(at=1), position(1))
    assert heard == []


def test_the_others_hear_the_event_that_halted_one() -> None:
    heard: list[str] = []
    played = Stage(
        made(on_position=lambda event, desk: heard.append("s")),
        made(on_position=fails, on_event=lambda event, desk: None),
        made(on_position=lambda event, desk: heard.append("s3"), on_event=lambda event, desk: None),
    )
    played.step(position(1))
    assert heard == ["s", "s3"]


def test_a_strategy_that_fails_at_an_event_of_the_engine_is_halted_too() -> None:
    played = Stage(made(on_start=alerts("x"), on_alert=fails, on_event=lambda event, desk: None))
    assert [fault.hook for fault in played.of(PluginFaulted)] == ["on_alert"]


def test_two_that_fail_at_one_event_are_both_told_of() -> None:
    played = Stage(made(on_position=fails), made(on_position=fails))
    played.step(position(1))
    assert [fault.instance for fault in played.of(PluginFaulted)] == ["s", "s2"]


@pytest.mark.parametrize(("fate", "canceled"), [("cancel", 2), ("keep", 0)])
def test_the_orders_of_a_halted_strategy_are_canceled_or_kept(fate: Any, canceled: int) -> None:
    played = Stage(
        made(orders=fate, on_start=lambda event, desk: [desk.buy(CALL, 1, 100), desk.sell(PUT, 1, 100)], on_position=fails),
        made(on_start=buys),
    )
    played.step(position(1))
    assert len(played.sent(CancelOrder)) == canceled


def test_a_rule_that_raises_in_a_hook_goes_on() -> None:
    heard: list[Event] = []
    played = Stage(rules=[made(on_position=fails, on_balance=lambda event, desk: None, on_quote=lambda event, desk: heard.append(event))])
    played.does(lambda desk: desk.watch(CALL), "r")
    played.step(position(1), quoted())
    assert (heard, played.of(PluginFaulted)[0].halted) == ([quoted()], False)


def test_a_halted_strategy_keeps_no_timer() -> None:
    played = Stage(made(on_start=lambda event, desk: desk.every(1, "x"), on_position=fails))
    played.step(position(1))
    assert played.engine.next_timer() is None


def test_arithmetic_that_a_plugin_bends_bends_for_nobody_else() -> None:
    def bends(event: Any, desk: Desk) -> None:
        decimal.getcontext().prec = 2

    with decimal.localcontext():
        played = Stage(made(on_position=bends))
        played.step(position(1), position(12345, entry_price=D("1.2345"), mark_price=2.3456))
        (held,) = played.engine.portfolio.positions
        assert held.unrealized_pnl == D("137.165295")


def test_arithmetic_that_a_plugin_bends_does_not_bend_the_review_of_its_orders() -> None:
    def bends(event: Any, desk: Desk) -> None:
        decimal.getcontext().prec = 2
        desk.buy(CALL, 1, 12345)

    with decimal.localcontext():
        assert len(Stage(made(on_start=bends)).sent(SubmitOrder)) == 1


# ---- orders ----------------------------------------------------------------------------------------------------------


def test_an_absent_order_that_comes_back_is_an_alert() -> None:
    played = Stage(made(on_start=buys))
    order = played.engine.orders.working()[0].key
    played.step(update(order, OrderState.UNKNOWN), update(order, OrderState.ABSENT))
    assert played.of(AlertRaised) == []
    played.step(update(order, OrderState.OPEN, 1, 1))
    (alert,) = played.of(AlertRaised)
    assert (alert.source, alert.severity, alert.text) == (
        "engine",
        Severity.CRITICAL,
        f"{order} was thought absent and is open at the venue",
    )


def test_winding_down_cancels_the_orders_of_every_strategy() -> None:
    played = Stage(made(on_start=buys), made(on_start=buys))
    step = played.engine.wind_down()
    assert [(one.instance, type(one.command)) for one in step.approved] == [("s", CancelOrder), ("s2", CancelOrder)]


def test_winding_down_leaves_the_orders_of_other_hands_alone() -> None:
    played = Stage(rules=[made(on_start=lambda event, desk: None)])
    played.step(update(None, OrderState.OPEN, 2, 2, order_id="v7"))
    assert played.engine.wind_down().approved == ()


def test_a_run_that_is_stopping_withdraws_what_works_and_lets_nothing_new_leave() -> None:
    played = Stage(made(on_start=buys))
    assert [type(one.command) for one in played.engine.wind_down().approved] == [CancelOrder]
    assert opening(played) == "stream: the run is stopping"


# ---- connections -----------------------------------------------------------------------------------------------------


def lost(port: str = "account", adapter: str = "sim") -> StreamLost:
    return StreamLost(time=0, received=0, adapter=adapter, port=port, reason="reset")


GAP = GapOpened(time=0, received=0, adapter="sim", channel="orders", reason="a hole")


def opening(played: Stage) -> str:
    return played.reason(lambda desk: desk.buy(CALL, 1, 100))


@pytest.mark.parametrize(
    ("event", "reason"), [(lost(), "the connection to sim is lost: reset"), (GAP, "orders of sim missed messages: a hole")]
)
def test_nothing_opens_while_the_account_is_not_confirmed(event: Event, reason: str) -> None:
    played = Stage(made(on_start=lambda event, desk: None))
    played.step(event)
    assert opening(played) == f"stream: {reason}"


@pytest.mark.parametrize(
    ("event", "back"),
    [(lost(), Reconciled(time=0, received=0, adapter="sim")), (GAP, GapClosed(time=0, received=0, adapter="sim", channel="orders"))],
)
def test_a_confirmed_account_opens_again(event: Event, back: Event) -> None:
    played = Stage(made(on_start=lambda event, desk: None))
    played.step(event, back)
    assert opening(played) == ""


def test_what_a_strategy_asks_for_at_the_loss_itself_is_refused_already() -> None:
    played = Stage(made(on_stream=buys))
    played.step(lost())
    assert [event.reason for event in played.of(OrderRefused)] == ["stream: the connection to sim is lost: reset"]


@pytest.mark.parametrize("event", [lost("feed"), lost(adapter="other")])
def test_the_loss_of_a_feed_or_of_another_account_blocks_nothing_here(event: Event) -> None:
    played = Stage(made(on_start=lambda event, desk: None))
    played.step(event)
    assert opening(played) == ""


# ---- timers ----------------------------------------------------------------------------------------------------------


def at(*times: tuple[int, str]) -> Callable[[Desk], None]:
    def act(desk: Desk) -> None:
        for time, name in times:
            desk.at(time, name)

    return act


def timed(act: Callable[[Desk], Any]) -> tuple[Stage, list[TimerFired]]:
    heard: list[TimerFired] = []
    return Stage(made(on_start=lambda event, desk: act(desk), on_timer=lambda event, desk: heard.append(event))), heard


def run_to(played: Stage, now: int) -> None:
    """What a driver does at each moment: fire what is due."""
    while (fired := played.engine.due(now)) is not None:
        played.step(fired)


def test_a_timer_fires_once_at_its_time_and_not_before() -> None:
    played, heard = timed(lambda desk: desk.at(5, "x"))
    assert played.engine.next_timer() == 5
    run_to(played, 4)
    assert heard == []
    run_to(played, 6)
    run_to(played, 7)
    assert heard == [TimerFired(time=5, received=6, instance="s", name="x", due=5)]


def test_a_repeating_timer_fires_at_every_multiple_of_its_interval() -> None:
    played, heard = timed(lambda desk: desk.every(1, "x"))
    for second in range(4):
        run_to(played, second * SECOND)
    assert [event.due for event in heard] == [SECOND, 2 * SECOND, 3 * SECOND]


def test_after_a_gap_a_repeating_timer_fires_once_and_keeps_its_beat() -> None:
    played, heard = timed(lambda desk: desk.every(1, "x"))
    run_to(played, 10 * SECOND + 1)
    assert [event.due for event in heard] == [SECOND]
    assert played.engine.next_timer() == 11 * SECOND


def test_a_timer_set_again_under_its_name_is_the_new_one_only() -> None:
    played, heard = timed(at((5, "x"), (9, "x"), (7, "y")))
    run_to(played, 20)
    assert [(event.name, event.due) for event in heard] == [("y", 7), ("x", 9)]


def test_timers_due_at_one_time_fire_in_the_order_in_which_they_were_set() -> None:
    played, heard = timed(at((5, "c"), (5, "a"), (5, "b")))
    run_to(played, 5)
    assert [event.name for event in heard] == ["c", "a", "b"]


def test_a_canceled_timer_does_not_fire() -> None:
    played, heard = timed(at((5, "x")))
    played.does(lambda desk: desk.cancel_timer("x"))
    played.does(lambda desk: desk.cancel_timer("never set"))
    run_to(played, 9)
    assert (heard, played.engine.next_timer()) == ([], None)


def test_a_timer_for_the_past_fires_at_once_and_at_the_present_time() -> None:
    played, heard = timed(lambda desk: None)
    played.step(quoted(at=10))
    played.does(lambda desk: desk.at(3, "x"))
    run_to(played, 3)
    assert [(event.due, event.received) for event in heard] == [(3, 10)]


def test_the_same_name_is_a_timer_of_each_instance() -> None:
    log: list[str] = []
    one: dict[str, Any] = {"on_start": lambda event, desk: desk.at(5, "x"), "on_timer": lambda event, desk: log.append(desk.instance)}
    run_to(Stage(made(**one), made(**one)), 5)
    assert log == ["s", "s2"]


# ---- names and ids ---------------------------------------------------------------------------------------------------


def test_the_same_plugin_runs_twice_under_two_names() -> None:
    played = Stage(made(on_start=buys), made(on_start=lambda event, desk: desk.sell(CALL, 2, 100)))
    assert [(order.instance, order.size) for order in played.engine.orders] == [("s", D(1)), ("s2", D(-2))]


def test_two_plugins_under_one_name_are_refused() -> None:
    plugins = [Plugin(name="s", kind="strategy", plugin=made(on_start=buys)) for _ in range(2)]
    with pytest.raises(InvariantError, match="share one name"):
        Engine(plugins, margin=Classic())


def test_the_last_hook_may_still_ask_for_something() -> None:
    played = Stage(made(on_stop=buys))
    played.step(RunStopping(time=0, received=0))
    assert len(played.sent(SubmitOrder)) == 1


# ---- earlier runs ------------------------------------------------------------------------------------------------------


def earlier(client_id: str) -> Stage:
    """A run that is told of an open order of this name before it starts, and in which everybody may cancel."""
    played = Stage(made(on_start=lambda event, desk: desk.cancel_all()), tags=("old",), start=False)
    played.step(update(client_id, OrderState.OPEN), START)
    return played


def test_an_open_order_of_an_earlier_run_is_the_one_of_the_instance_of_the_same_name() -> None:
    assert [command.client_id for command in earlier("t-old-s-7").sent(CancelOrder)] == ["t-old-s-7"]


@pytest.mark.parametrize("client_id", ["t-other-s-7", "t-old-gone-7", "web"])
def test_orders_of_other_hands_are_left_alone(client_id: str) -> None:
    assert earlier(client_id).sent(CancelOrder) == []


# ---- what the driver misses ----------------------------------------------------------------------------------------------


MISSED = GapOpened(time=0, received=0, adapter="sim", port="driver", channel="intents", reason="2 orders are not resolved")


def test_what_the_driver_misses_of_an_account_blocks_it_until_the_driver_says_otherwise() -> None:
    played = Stage(made(on_start=lambda event, desk: None))
    played.step(MISSED, Reconciled(time=0, received=0, adapter="sim"))
    assert "2 orders are not resolved" in opening(played)
    played.step(GapClosed(time=0, received=0, adapter="sim", port="driver", channel="intents"))
    assert opening(played) == ""


def test_each_cause_of_a_block_ends_by_itself() -> None:
    played = Stage(made(on_start=lambda event, desk: None))
    played.step(MISSED, attrs.evolve(MISSED, channel="countdown", reason="not refreshed"))
    played.step(GapClosed(time=0, received=0, adapter="sim", port="driver", channel="intents"))
    assert "not refreshed" in opening(played)
