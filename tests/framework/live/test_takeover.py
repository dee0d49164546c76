"""What earlier runs left: explained before anything new is opened, and told once."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from strikeloop import (
    CancelOrder,
    ContractId,
    Filled,
    GapClosed,
    GapOpened,
    OrderRefused,
    OrderState,
    OrderUpdated,
    RunStarted,
    SubmitOrder,
    VenueError,
)
from strikeloop.journal import Intent, Legacy
from strikeloop.journal.legacy import KEPT_NS
from strikeloop.live import state_of
from strikeloop.testing.scripted import START_NS
from tests.framework.live.stage import CALL, SECOND, D, Stage, until

pytestmark = pytest.mark.anyio
OLD = "t-old-trader-1"
SINCE = START_NS - 3600 * SECOND


def order(client_id: str = OLD, size: int = 5) -> SubmitOrder:
    return SubmitOrder(client_id=client_id, contract=CALL, size=D(size), price=D(5))


def intent(client_id: str = OLD, **heard: Any) -> Intent:
    return Intent("trader", SINCE, order(client_id), **heard)


def left(*intents: Intent, **more: Any) -> Stage:
    """A run after one that left these orders."""
    return Stage(tags=("old",), legacy=Legacy(begun=SINCE - SECOND, since=SINCE, intents=intents, **more))


def fill(trade: str, size: int = 2, at: int = SINCE + SECOND, **more: Any) -> Filled:
    return Filled(time=at, received=at, contract=CALL, trade_id=trade, order_id="1", size=D(size), price=D(5), **more)


def refusals(stage: Stage) -> list[str]:
    return [event.reason for event in stage.trader.heard if isinstance(event, OrderRefused)]


async def test_an_order_that_is_still_open_is_the_desks_again_from_the_start() -> None:
    stage = left(intent())
    stage.account.rest(order())
    async with stage.running():
        await until(lambda: stage.said(GapClosed))
        desk = stage.engine.instances[0].desk
        assert [(one.key, one.state.value, one.size) for one in desk.working] == [(OLD, "open", D(5))]
        assert stage.account.asked("find") == []
        stage.cancel(OLD)
        await until(lambda: stage.state(OLD) == "canceled")


async def test_an_open_order_no_journal_tells_of_is_known_by_its_text() -> None:
    stage = left()
    stage.account.rest(order("t-old-trader-7"))
    async with stage.running():
        assert [one.key for one in stage.engine.instances[0].desk.working] == ["t-old-trader-7"]


async def test_orders_are_unknown_before_the_account_has_answered() -> None:
    stage = left(intent())
    async with stage.running(started=False):
        await stage.settle()
        told = [event for event in stage.said(OrderUpdated) if event.client_id == OLD]
        assert (told[0].state, told[0].reason) == (OrderState.UNKNOWN, "an earlier run left it pending")
        stage.live.stop("stop", "seen")


async def test_what_the_first_listing_does_not_explain_is_looked_up_and_nothing_opens_meanwhile() -> None:
    stage = left(intent())
    gone = stage.account.rest(order())
    stage.account.orders[OLD] = attrs.evolve(gone, state=OrderState.FILLED, left=D(0), fill_price=D(5))
    async with stage.running():
        assert state_of(stage.live) == "degraded"
        stage.buy()
        assert "it is not known yet what became of 1 orders of earlier runs: t-old-trader-1" in refusals(stage)[0]
        await stage.pass_s(2)
        await until(lambda: stage.state(OLD) == "filled")
        await stage.settle()
        assert state_of(stage.live) == "ready"
        client_id = stage.buy()
        await until(lambda: stage.state(client_id) == "open")


async def test_cancels_leave_while_orders_of_earlier_runs_are_in_doubt() -> None:
    stage = left(intent(), intent("t-old-trader-2"))
    stage.account.rest(order("t-old-trader-2"))
    async with stage.running():
        assert state_of(stage.live) == "degraded"
        stage.cancel("t-old-trader-2")
        await until(lambda: stage.state("t-old-trader-2") == "canceled")
        assert [command.client_id for command in stage.account.asked("cancel") if isinstance(command, CancelOrder)] == ["t-old-trader-2"]


async def test_an_order_the_venue_never_heard_of_is_absent_after_half_a_minute() -> None:
    stage = left(intent())
    async with stage.running():
        await stage.pass_s(25)
        assert (stage.state(OLD), state_of(stage.live)) == ("unknown", "degraded")
        await stage.pass_s(12)
        assert (stage.state(OLD), state_of(stage.live)) == ("absent", "ready")
        assert len(stage.account.asked("find")) >= 3
        assert stage.account.asked("submit") == []


async def test_a_look_up_that_fails_proves_nothing() -> None:
    stage = left(intent())
    stage.account.script("find", *[VenueError("502")] * 1_000)
    async with stage.running():
        await stage.pass_s(60)
        assert (stage.state(OLD), state_of(stage.live)) == ("unknown", "degraded")


async def test_an_order_whose_number_is_known_is_looked_up_by_it() -> None:
    stage = left(intent(order_id="77", state=OrderState.OPEN))
    async with stage.running():
        await stage.pass_s(2)
        assert stage.account.asked("find")[0] == (CALL, OLD, "77")


async def test_fills_of_the_time_between_are_told_once_and_those_told_before_are_not() -> None:
    known = ("venue", "BTC-C", "a", "1")
    stage = left(intent(order_id="1", state=OrderState.OPEN, filled=D(2), paid=D(10)), fills={known: SINCE})
    stage.account.orders[OLD] = attrs.evolve(stage.account.rest(order()), left=D(1))
    stage.account.booked += [fill("a", at=SINCE), fill("b")]
    async with stage.running():
        assert [(event.trade_id, event.client_id) for event in stage.said(Filled)] == [("b", OLD)]
        assert stage.engine.instances[0].desk.mine == {CALL: D(2)}


async def test_without_an_earlier_run_the_fills_of_the_past_are_history() -> None:
    stage = Stage()
    stage.account.booked.append(fill("a"))
    async with stage.running():
        assert stage.said(Filled) == []


async def test_the_desk_is_complete_when_the_run_starts() -> None:
    stage = left(intent())
    stage.account.rest(order())
    async with stage.running():
        await until(lambda: stage.said(GapClosed))
        kinds = [type(event) for event in stage.events]
        assert kinds.index(GapOpened) < kinds.index(RunStarted)
        assert kinds.index(OrderUpdated) < kinds.index(RunStarted)


async def test_orders_of_other_accounts_are_theirs() -> None:
    other = attrs.evolve(order(), contract=ContractId.of("elsewhere", CALL.name))
    stage = Stage(tags=("old",), legacy=Legacy(begun=1, since=SINCE, intents=(Intent("trader", 1, other),)))
    async with stage.running():
        assert stage.said(GapOpened) == []


async def test_a_first_run_takes_nothing_over() -> None:
    stage = Stage(legacy=Legacy())
    async with stage.running():
        assert stage.said(GapOpened) == []


async def test_every_fill_that_is_asked_for_again_is_one_that_an_earlier_run_still_knows() -> None:
    stage = left()
    async with stage.running():
        assert min(stage.account.asked("fills")) > SINCE - KEPT_NS
