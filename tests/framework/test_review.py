"""The specification of strikeloop.review."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikeloop import (
    AlertRaised,
    AmendOrder,
    CancelOrder,
    ContractId,
    Desk,
    OrderRefused,
    OrderState,
    PluginFaulted,
    Refused,
    Resized,
    Severity,
    SubmitOrder,
    TimeInForce,
    Verdict,
)
from tests.framework.stage import CALL, EXPIRY, PUT, SECOND, D, Stage, contract, fill, made, position, quoted, update


def stage(*rules: Callable[[Any, Desk], Verdict], **more: Any) -> Stage:
    """One strategy that does nothing by itself, and these rules."""
    return Stage(made(on_start=lambda event, desk: None), rules=[made(review_order=rule) for rule in rules], **more)


def working(*rules: Callable[[Any, Desk], Verdict], size: int = 10) -> tuple[Stage, str]:
    """The same with one order, open with 2 filled."""
    played = stage(*rules)
    order = str(played.does(lambda desk: desk.buy(CALL, size, 100)))
    played.step(update(order, OrderState.OPEN, size, size - 2, price=D(100)))
    return played, order


def fails(command: Any, desk: Desk) -> Verdict:
    raise LookupError("no vega")


# ---- what the contract allows ----------------------------------------------------------------------------------------


def test_an_order_within_what_the_contract_allows_leaves() -> None:
    played = stage()
    played.does(lambda desk: desk.buy(CALL, 1, 100))
    assert [command.size for command in played.sent(SubmitOrder)] == [D(1)]


@pytest.mark.parametrize(
    ("size", "price", "reason"),
    [
        (0, 100, "size is 0: nothing to trade"),
        ("1.5", 100, "size 1.5 is not a whole number of contracts"),
        (1, 100, "size 1 is below the contract's minimum of 2"),
        (101, 100, "size 101 is above the contract's maximum of 100"),
        ("1e40", 100, "size 1E+40 is beyond what can be traded"),
        (2, 0, "price 0 must be positive"),
        (2, -5, "price -5 must be positive"),
        (2, 100.5, "price 100.5 is off the tick of 1: the nearest are 100 and 101"),
        (2, 0.5, "price 0.5 is off the tick of 1: the nearest is 1"),
        (2, "1e40", "price 1E+40 is beyond what can be traded"),
    ],
)
def test_what_the_contract_does_not_allow_is_refused_with_the_figures(size: Any, price: Any, reason: str) -> None:
    played = stage(contracts=[contract(size_min=D(2))])
    assert played.reason(lambda desk: desk.buy(CALL, size, price)) == f"contract: {reason}"


@given(
    size=st.decimals(allow_nan=False, allow_infinity=False) | st.integers(0, 200),
    price=st.decimals(allow_nan=False, allow_infinity=False) | st.none(),
)
def test_no_figure_upsets_the_review(size: D | int, price: D | None) -> None:
    played = stage()
    played.does(lambda desk: desk.sell(CALL, str(abs(size)), price))
    assert len(played.sent(SubmitOrder)) + len(played.of(OrderRefused)) == 1


@given(ticks=st.integers(1, 10**6), tick=st.sampled_from(["1", "0.1", "0.0005", "5", "2.5"]))
def test_every_price_on_the_tick_passes_also_as_a_float(ticks: int, tick: str) -> None:
    played = stage(contracts=[contract(tick=D(tick))])
    assert played.reason(lambda desk: desk.buy(CALL, 1, float(ticks * D(tick)))) == ""


def test_a_sell_is_measured_by_its_amount() -> None:
    assert stage().reason(lambda desk: desk.sell(CALL, 101, 100)) == "contract: size 101 is above the contract's maximum of 100"


def test_fill_or_kill_is_not_offered() -> None:
    assert stage().reason(lambda desk: desk.buy(CALL, 1, 100, tif="fok")) == "contract: tif fok is not offered: use ioc, or gtc"


def test_an_iceberg_shows_whole_contracts() -> None:
    refusal = "contract: iceberg 1.5 is not a whole number of contracts to show"
    assert stage().reason(lambda desk: desk.buy(CALL, 9, 100, iceberg="1.5")) == refusal
    assert stage().reason(lambda desk: desk.buy(CALL, 9, 100, iceberg=2)) == ""


def test_an_unlisted_contract_is_refused_by_name() -> None:
    reason = stage().reason(lambda desk: desk.buy(ContractId.of("sim", "nope"), 1, 100))
    assert reason == "contract: nope is not listed: use one of desk.contracts"


def test_the_same_name_at_another_adapter_is_not_listed() -> None:
    assert "is not listed" in stage().reason(lambda desk: desk.buy(ContractId.of("other", CALL.name), 1, 100))


def test_an_expired_contract_is_refused_from_its_expiry_on() -> None:
    played = stage()
    played.step(quoted(at=EXPIRY - 1))
    assert played.reason(lambda desk: desk.buy(CALL, 1, 100)) == ""
    played.step(quoted(at=EXPIRY))
    assert played.reason(lambda desk: desk.buy(CALL, 1, 100)) == f"contract: {CALL} has expired"


def test_all_that_the_contract_objects_to_is_said_at_once() -> None:
    assert stage().reason(lambda desk: desk.buy(CALL, 0, 0.5)).count("contract: ") == 2


def test_what_the_contract_refuses_no_rule_is_asked_about() -> None:
    asked: list[Any] = []
    stage(lambda command, desk: asked.append(command)).does(lambda desk: desk.buy(CALL, 0, 100))
    assert asked == []


# ---- rules -----------------------------------------------------------------------------------------------------------


def test_every_rule_is_asked_and_every_reason_recorded() -> None:
    played = stage(lambda c, d: Refused("too much"), lambda c, d: None, lambda c, d: Refused("too late"))
    played.does(lambda desk: desk.buy(CALL, 1, 100))
    (refused,) = played.of(OrderRefused)
    assert refused.reasons == (("r", "too much"), ("r3", "too late"))


def test_a_refused_order_does_not_leave() -> None:
    played = stage(lambda c, d: Refused("no"))
    played.does(lambda desk: desk.buy(CALL, 1, 100))
    assert played.commands == []


def test_a_rule_that_raises_refuses_with_what_it_raised() -> None:
    assert stage(fails).reason(lambda desk: desk.buy(CALL, 1, 100)) == "r: the rule failed: LookupError: no vega"


def test_a_rule_that_raises_keeps_no_position_open() -> None:
    played = stage(fails)
    played.step(position(3))
    played.does(lambda desk: desk.close(CALL, price=100))
    assert [command.size for command in played.sent(SubmitOrder)] == [D(-3)]
    assert [(event.instance, event.halted) for event in played.of(PluginFaulted)] == [("r", False)]


def test_a_rule_that_refuses_what_only_reduces_is_heard() -> None:
    played = stage(lambda c, d: Refused("no"))
    played.step(position(3))
    assert played.reason(lambda desk: desk.close(CALL, price=100)) == "r: no"


def test_an_order_that_was_made_smaller_is_told_of_with_the_reason() -> None:
    played = stage(lambda c, d: Resized(D(2), "vega would be 7"))
    placed = played.does(lambda desk: desk.buy(CALL, 5, 100))
    (alert,) = played.of(AlertRaised)
    assert (alert.source, alert.topic, alert.severity) == ("r", "resized", Severity.INFO)
    assert alert.text == f"{placed} of s is made smaller: vega would be 7"


def test_a_size_that_stays_is_nothing_to_tell_of() -> None:
    played = stage(lambda c, d: Resized(D(5)))
    played.does(lambda desk: desk.buy(CALL, 5, 100))
    assert played.of(AlertRaised) == []


def test_a_rule_that_raises_is_told_of_and_stays() -> None:
    played = stage(fails)
    reasons = [played.reason(lambda desk: desk.buy(CALL, 1, 100)) for _ in range(3)]
    assert len(set(reasons)) == 1
    assert [(fault.instance, fault.hook, fault.halted) for fault in played.of(PluginFaulted)] == [("r", "review_order", False)] * 3


def test_rules_behind_one_that_raises_are_asked_too() -> None:
    assert "r2: no" in stage(fails, lambda c, d: Refused("no")).reason(lambda desk: desk.buy(CALL, 1, 100))


@pytest.mark.parametrize("verdict", [True, "no", 0, Refused])
def test_a_verdict_that_is_none_refuses(verdict: Any) -> None:
    assert "must return None, Refused or Resized" in stage(lambda c, d: verdict).reason(lambda desk: desk.buy(CALL, 1, 100))


@pytest.mark.parametrize(("ask", "size"), [(lambda desk: desk.buy(CALL, 10, 100), 4), (lambda desk: desk.sell(CALL, 10, 100), -4)])
def test_a_resized_order_leaves_with_the_smaller_size(ask: Callable[[Desk], str], size: int) -> None:
    played = stage(lambda c, d: Resized(D(size)))
    played.does(ask)
    assert [command.size for command in played.sent(SubmitOrder)] == [D(size)]


def test_a_resized_order_counts_with_the_smaller_size() -> None:
    played = stage(lambda c, d: Resized(D(4)))
    played.does(lambda desk: desk.buy(CALL, 10, 100))
    assert [order.left for order in played.desk().working] == [D(4)]


def test_the_next_rule_sees_the_resized_order() -> None:
    seen: list[D] = []
    stage(lambda c, d: Resized(D(4)), lambda c, d: seen.append(c.size)).does(lambda desk: desk.buy(CALL, 10, 100))
    assert seen == [D(4)]


def test_a_size_given_as_int_leaves_as_decimal() -> None:
    played = stage(lambda c, d: Resized(4))  # type: ignore[arg-type]  # what somebody writes without a type checker
    played.does(lambda desk: desk.buy(CALL, 10, 100))
    assert type(played.sent(SubmitOrder)[0].size) is D


@pytest.mark.parametrize("size", [D(0), D(-4), D(11), 4.0, True, D("NaN"), "4"])
def test_a_resize_that_turns_or_grows_the_order_refuses_it(size: Any) -> None:
    played = stage(lambda c, d: Resized(size))
    assert "the rule failed" in played.reason(lambda desk: desk.buy(CALL, 10, 100))
    assert played.commands == []


def test_a_resize_below_what_the_contract_allows_is_refused() -> None:
    played = stage(lambda c, d: Resized(D("0.5")))
    assert played.reason(lambda desk: desk.buy(CALL, 1, 100)) == "contract: size 0.5 is not a whole number of contracts"


def test_a_rule_may_raise_an_alert_that_is_told_in_the_same_step() -> None:
    def warn(command: SubmitOrder | AmendOrder, desk: Desk) -> None:
        desk.alert("large")

    played = Stage(
        made(on_quote=lambda event, desk: desk.buy(CALL, 1, 100), on_start=lambda event, desk: desk.watch(CALL)),
        rules=[made(review_order=warn)],
    )
    step = played.step(quoted())
    assert [type(event).__name__ for event in step.events] == ["AlertRaised"]


# ---- amendments and cancels ------------------------------------------------------------------------------------------


def test_an_amendment_passes_the_rules_too() -> None:
    played, order = working(lambda c, d: Refused("frozen") if isinstance(c, AmendOrder) else None)
    assert played.reason(lambda desk: desk.amend(order, price=99)) == "r: frozen"


def test_an_amendment_is_held_to_the_contract() -> None:
    played, order = working()
    assert "off the tick" in played.reason(lambda desk: desk.amend(order, price=99.5))


def test_an_amendment_of_nothing_is_refused() -> None:
    played, order = working()
    assert played.reason(lambda desk: desk.amend(order)) == "order: neither price nor size is given: nothing to change"


def test_an_amendment_to_no_more_than_is_filled_is_refused() -> None:
    played, order = working()
    reason = played.reason(lambda desk: desk.amend(order, size=2))
    assert reason == "order: size 2 is not more than the 2 already filled: cancel it instead"


def test_a_rule_may_not_resize_an_amendment_to_what_is_filled() -> None:
    played, order = working(lambda c, d: Resized(D(2)) if isinstance(c, AmendOrder) else None)
    assert "already filled" in played.reason(lambda desk: desk.amend(order, size=8))


def test_an_amendment_without_a_size_cannot_be_resized() -> None:
    played, order = working(lambda c, d: Resized(D(2)) if isinstance(c, AmendOrder) else None)
    assert "the rule failed" in played.reason(lambda desk: desk.amend(order, price=99))


@pytest.mark.parametrize("act", [lambda desk, order: desk.amend(order, price=99), lambda desk, order: desk.cancel(order)])
def test_an_order_that_is_closed_cannot_be_changed(act: Callable[[Desk, str], str]) -> None:
    played, order = working()
    played.step(update(order, OrderState.CANCELED, 10, 8))
    assert played.reason(lambda desk: act(desk, order)) == f"order: {order} is canceled: nothing is left to change"


@pytest.mark.parametrize("act", [lambda desk: desk.amend("x", price=99), lambda desk: desk.cancel("x")])
def test_an_order_that_nobody_knows_cannot_be_changed(act: Callable[[Desk], str]) -> None:
    assert stage().reason(act) == "order: there is no order x"


@pytest.mark.parametrize("act", [lambda desk, order: desk.amend(order, price=99), lambda desk, order: desk.cancel(order)])
def test_the_order_of_another_instance_cannot_be_changed(act: Callable[[Desk, str], str]) -> None:
    played = Stage(made(on_start=lambda event, desk: None), made(on_start=lambda event, desk: None))
    order = played.does(lambda desk: desk.buy(CALL, 1, 100), "s2")
    assert played.reason(lambda desk: act(desk, order)) == f"order: {order} is not an order of s"


def test_the_order_of_other_hands_cannot_be_canceled() -> None:
    played = stage()
    played.step(update(None, OrderState.OPEN, 3, 3, order_id="v7"))
    assert played.reason(lambda desk: desk.cancel("sim:v7")) == "order: sim:v7 is not an order of s"


def test_a_cancel_is_judged_by_no_rule() -> None:
    refuse: list[Any] = []
    played, order = working(lambda c, d: Refused("no") if refuse else None)
    refuse.append(True)
    played.does(lambda desk: desk.cancel(order))
    assert played.sent(CancelOrder) == [CancelOrder(client_id=order, contract=CALL)]


def test_an_order_of_unknown_outcome_can_be_canceled() -> None:
    played, order = working()
    played.step(update(order, OrderState.UNKNOWN))
    assert played.reason(lambda desk: desk.cancel(order)) == ""


# ---- blocks ----------------------------------------------------------------------------------------------------------


def test_a_blocked_account_opens_nothing_and_says_why() -> None:
    played = stage()
    played.engine.block("sim", "not reconciled")
    assert played.reason(lambda desk: desk.buy(CALL, 1, 100)) == "stream: not reconciled"


def test_a_blocked_account_amends_nothing() -> None:
    played, order = working()
    played.engine.block("sim", "not reconciled")
    assert played.reason(lambda desk: desk.amend(order, size=3)) == "stream: not reconciled"


def test_a_blocked_account_may_still_reduce() -> None:
    played = stage()
    played.engine.block("sim", "not reconciled")
    assert played.reason(lambda desk: desk.sell(CALL, 1, 100, reduce_only=True)) == ""


def test_a_blocked_account_may_still_cancel() -> None:
    played, order = working()
    played.engine.block("sim", "not reconciled")
    assert played.reason(lambda desk: desk.cancel(order)) == ""


def test_a_blocked_account_does_not_block_another() -> None:
    other = contract(ContractId.of("other", "x-C"))
    played = stage(contracts=[contract(), other])
    played.engine.block("sim", "not reconciled")
    assert played.reason(lambda desk: desk.buy(other.id, 1, 100)) == ""


def test_a_halted_run_lets_nothing_leave_but_cancels() -> None:
    played, order = working()
    played.engine.block("", "halted by hand")
    assert played.reason(lambda desk: desk.sell(CALL, 1, 100, reduce_only=True)) == "stream: halted by hand"
    assert played.reason(lambda desk: desk.cancel(order)) == ""


def test_a_block_without_words_blocks_too() -> None:
    played = stage()
    played.engine.block("sim", "")
    assert played.reason(lambda desk: desk.buy(CALL, 1, 100)) == "stream: "


def test_an_unblocked_account_opens_again() -> None:
    played = stage()
    played.engine.block("sim", "not reconciled")
    played.engine.unblock("sim")
    assert played.reason(lambda desk: desk.buy(CALL, 1, 100)) == ""


# ---- each approval before the next -----------------------------------------------------------------------------------


def test_a_rule_sees_the_orders_approved_before_in_the_same_step() -> None:
    def one_at_most(command: Any, desk: Desk) -> Verdict:
        return Refused("one is enough") if desk.working else None

    played = stage(one_at_most)
    played.does(lambda desk: [desk.buy(CALL, 1, 100), desk.buy(PUT, 1, 100)])
    assert [command.contract for command in played.sent(SubmitOrder)] == [CALL]
    assert [event.contract for event in played.of(OrderRefused)] == [PUT]


def test_an_order_that_is_filled_makes_room_again() -> None:
    played = stage(lambda c, d: Refused("one is enough") if d.working else None)
    first = played.does(lambda desk: desk.buy(CALL, 1, 100))
    played.step(fill(first, 1))
    assert played.reason(lambda desk: desk.buy(PUT, 1, 100)) == ""


def test_an_approval_bears_the_time_and_the_instance_that_asked() -> None:
    played = Stage(made(on_start=lambda event, desk: desk.watch(CALL), on_quote=lambda event, desk: desk.buy(CALL, 1, tif=TimeInForce.GTC)))
    (approved,) = played.step(quoted(at=SECOND)).approved
    assert (approved.instance, approved.approved) == ("s", SECOND)
