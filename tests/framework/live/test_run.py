"""A whole run: when it begins, what it watches, how it ends, and that it leaves nothing behind."""

from __future__ import annotations

from typing import Any

import anyio
import anyio.lowlevel
import pytest

from strikeloop import (
    AlertRaised,
    AuthRejectedError,
    BalanceUpdated,
    ContractExpired,
    ContractListed,
    Filled,
    LinkLostError,
    OrderRefused,
    OrderState,
    OrderUpdated,
    PortfolioRiskUpdated,
    Reconciled,
    RunStarted,
    RunStopping,
    StreamLost,
    VenueError,
)
from strikeloop.adapter import Channel
from strikeloop.live import Ending, status_of
from strikeloop.testing import Held
from tests.framework.live.stage import CALL, CONTRACT, D, Stage, until

pytestmark = pytest.mark.anyio


# ---- beginning ----


async def test_a_run_starts_once_contracts_are_known_and_the_account_is_reconciled() -> None:
    stage = Stage()
    async with stage.running():
        kinds = [type(event) for event in stage.events]
        assert kinds.count(RunStarted) == 1
        assert max(kinds.index(ContractListed), kinds.index(Reconciled), kinds.index(BalanceUpdated)) < kinds.index(RunStarted)
        assert [type(event) for event in stage.trader.heard][:1] == [RunStarted]


@pytest.mark.parametrize(("part", "kind"), [("feed", "contracts"), ("feed", "connect"), ("account", "prepare"), ("account", "snapshot")])
async def test_no_run_starts_before_every_port_is_ready(part: str, kind: str) -> None:
    stage = Stage()
    slow = Held()
    getattr(stage, part).script(kind, slow)
    async with stage.running(started=False):
        await slow.asked.wait()
        await stage.settle()
        assert not stage.live.started
        assert status_of(stage.live)["state"] == "starting"
        slow.release()
        await until(lambda: stage.live.started)


async def test_a_run_does_not_start_while_an_essential_channel_is_refused() -> None:
    stage = Stage()
    stage.account.refuse("orders")
    async with stage.running(started=False):
        await stage.pass_s(3)
        assert not stage.live.started
        stage.account.allow("orders")
        await stage.pass_s(4)
        assert stage.live.started


async def test_a_listing_that_is_known_already_is_not_told_again() -> None:
    stage = Stage()
    async with stage.running():
        await stage.pass_s(62)
        assert len(stage.feed.asked("contracts")) == 2
        assert [event.specification for event in stage.said(ContractListed)] == [CONTRACT]


# ---- orders and doubt ----


async def test_orders_are_refused_while_the_link_is_lost_and_pass_again_after_it() -> None:
    stage = Stage()
    async with stage.running():
        stage.account.link.lose()
        await until(lambda: stage.said(StreamLost))
        refused = stage.buy()
        assert stage.state(refused) == ""
        assert [event.client_id for event in stage.trader.heard if isinstance(event, OrderRefused)] == [refused]
        await stage.pass_s(2)
        client_id = stage.buy()
        await until(lambda: stage.state(client_id) == "open")


async def test_a_halted_run_refuses_orders_raises_an_alarm_and_cancels() -> None:
    stage = Stage()
    async with stage.running():
        client_id = stage.buy()
        await until(lambda: stage.state(client_id) == "open")
        stage.halt = "halted by hand"
        await until(lambda: [event for event in stage.trader.heard if isinstance(event, AlertRaised) and event.topic == "halt"])
        assert stage.state(stage.buy()) == ""
        assert status_of(stage.live)["state"] == "halted"
        stage.cancel(client_id)
        await until(lambda: stage.state(client_id) == "canceled")


async def test_orders_for_an_adapter_that_is_only_listened_to_come_back_rejected() -> None:
    stage = Stage(trade=False)
    async with stage.running():
        client_id = stage.buy()
        await until(lambda: stage.state(client_id) == "rejected")
        assert "nothing executes orders there" in stage.said(OrderUpdated)[-1].reason
        assert stage.account.calls == []


async def test_a_fill_and_an_order_reach_the_strategy_once_each() -> None:
    stage = Stage()
    async with stage.running():
        client_id = stage.buy()
        await until(lambda: stage.state(client_id) == "open")
        told = Filled(time=0, received=0, contract=CALL, trade_id="a", order_id="1", size=D(1), price=D(5))
        stage.account.say("orders", told, told)
        await until(lambda: stage.state(client_id) == "filled")
        assert [type(event).__name__ for event in stage.trader.heard if isinstance(event, Filled)] == ["Filled"]


# ---- risk ----


async def test_risk_is_computed_once_a_second_where_the_venue_does_not_report_it() -> None:
    stage = Stage()
    async with stage.running():
        await stage.settle()
        before = len(stage.said(PortfolioRiskUpdated))
        await stage.settle()
        assert len(stage.said(PortfolioRiskUpdated)) == before
        await stage.pass_s(5)
        assert len(stage.said(PortfolioRiskUpdated)) == before + 5
        assert {event.origin.value for event in stage.said(PortfolioRiskUpdated)} == {"computed"}


async def test_no_risk_is_computed_where_the_venue_reports_it() -> None:
    stage = Stage(account_channels=(Channel(name="orders", essential=True), Channel(name="risk", reports_risk=True)))
    async with stage.running():
        await stage.pass_s(3)
        assert stage.said(PortfolioRiskUpdated) == []


# ---- paper ----


async def test_a_paper_run_trades_in_this_process_and_sends_nothing_to_the_account() -> None:
    stage = Stage(paper=True)
    async with stage.running(started=False):
        await until(lambda: stage.live.feeds["venue"].session.state == "ready")
        stage.feed.say("quotes", stage.quote())
        await stage.pass_s(1)
        await until(lambda: stage.live.started)
        client_id = stage.buy(2, 6)
        await until(lambda: stage.notes.intended == [client_id])
        await stage.pass_s(2)
        assert stage.state(client_id) == "filled"
        assert sum((event.size for event in stage.said(Filled)), D(0)) == 2
        assert stage.account.calls == []
    assert stage.account.links == []


# ---- ending ----


async def test_a_stopped_run_tells_its_plugins_cancels_what_works_and_closes_everything() -> None:
    stage = Stage()
    async with stage.running():
        client_id = stage.buy()
        await until(lambda: stage.state(client_id) == "open")
        stage.live.stop("stop", "enough")
    assert stage.state(client_id) == "canceled"
    assert [event.reason for event in stage.trader.heard if isinstance(event, RunStopping)] == ["enough"]
    assert all(link.is_closed for link in (*stage.account.links, *stage.feed.links))
    assert stage.adapter.is_closed


async def test_the_first_cause_of_an_end_is_the_one_that_counts() -> None:
    stage = Stage()
    async with stage.running():
        stage.live.stop("halt", "risk")
        stage.live.stop("stop", "later")
    assert stage.live.ending == Ending(cause="halt", reason="risk")


async def test_a_run_ends_when_its_time_is_over() -> None:
    stage = Stage()
    assert await stage.live.run(0.02) == Ending(cause="duration", reason="0.02 s are over")
    assert stage.adapter.is_closed


async def test_a_run_stopped_before_it_began_ends_at_once() -> None:
    stage = Stage()
    stage.live.stop("stop", "early")
    assert (await stage.live.run()).reason == "early"
    assert not stage.live.started


async def test_a_stopping_run_does_not_wait_for_foreign_orders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("strikeloop.live.run.STOP_S", 30.0)
    stage = Stage()
    stage.account.orders["x"] = OrderUpdated(time=0, received=0, contract=CALL, order_id="77", state=OrderState.OPEN, size=D(1), left=D(1))
    with anyio.fail_after(5):
        async with stage.running():
            assert [order.instance for order in stage.engine.orders.working()] == [""]
    assert stage.account.asked("cancel") == []


async def test_an_order_on_its_way_when_the_run_stops_is_brought_to_an_answer() -> None:
    stage = Stage()
    slow = Held()
    stage.account.script("submit", slow)
    async with stage.running():
        client_id = stage.buy()
        await slow.asked.wait()
        stage.live.stop("stop", "enough")
        await until(lambda: stage.said(RunStopping))
        slow.release()
    assert stage.state(client_id) == "canceled"


async def test_a_run_that_cannot_get_an_answer_ends_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("strikeloop.live.sender.ANSWER_S", 0.05)
    stage = Stage()
    stage.account.script("submit", Held())
    stage.account.script("cancel", *[VenueError("502")] * 10_000)
    async with stage.running():
        client_id = stage.buy()
        await until(lambda: stage.account.asked("submit"))
    assert stage.state(client_id) == "unknown"
    assert stage.said(OrderUpdated)[-1].state is OrderState.UNKNOWN


async def test_a_run_ends_while_its_link_is_being_made_again() -> None:
    stage = Stage()
    async with stage.running():
        stage.account.script("connect", *[LinkLostError("refused")] * 100)
        stage.account.link.lose()
        await until(lambda: stage.said(StreamLost))
    assert stage.adapter.is_closed


# ---- credentials ----


@pytest.mark.parametrize("way", ["channel", "connect", "prepare"])
async def test_refused_credentials_end_a_run_that_is_to_fail_fast(way: str) -> None:
    stage = Stage(fail_fast=True)
    _refuse_credentials(stage, way)
    ending = await stage.live.run()
    assert ending.cause == "credentials"
    assert "bad key" in ending.reason
    assert not stage.live.started


async def test_refused_credentials_raise_one_alarm_and_the_feed_goes_on() -> None:
    stage = Stage()
    _refuse_credentials(stage, "connect")
    async with stage.running(started=False):
        await until(lambda: [event for event in stage.said(AlertRaised) if event.topic == "credentials"])
        await stage.pass_s(10)
        assert len(stage.said(AlertRaised)) == 1
        assert status_of(stage.live)["adapters"]["venue"]["connection"] == "auth-failed"
        assert stage.live.feeds["venue"].session.state == "ready"
        assert stage.account.asked("submit") == []
        assert status_of(stage.live)["state"] == "degraded"


async def test_a_run_whose_credentials_were_never_taken_says_so_at_its_end() -> None:
    stage = Stage()
    _refuse_credentials(stage, "connect")
    async with stage.running(started=False):
        await until(lambda: stage.live.refused)
    assert (stage.live.ending.cause, "bad key" in stage.live.ending.reason) == ("credentials", True)


async def test_who_interrupts_a_run_knows_why_it_ended() -> None:
    stage = Stage()
    _refuse_credentials(stage, "connect")
    async with stage.running(started=False):
        await until(lambda: stage.live.refused)
        stage.live.stop("interrupt", "interrupted")
    assert stage.live.ending.cause == "interrupt"


def _refuse_credentials(stage: Stage, way: str) -> None:
    if way == "channel":
        stage.account.refuse("orders", code="401", message="bad key", is_auth=True)
    else:
        stage.account.script(way, AuthRejectedError("bad key"))


# ---- expiry ----


@pytest.mark.parametrize("paper", [False, True], ids=["live", "paper"])
async def test_a_contract_ends_by_the_clock_once_and_nobody_holds_it_any_more(paper: bool) -> None:
    stage = Stage(paper=paper)
    async with stage.running():
        held = stage.engine.instances[0].desk
        held.book_fill(CALL, D(2))
        stage.clock.pass_s((CONTRACT.expiry - stage.clock.now()) / 1e9 - 0.5)
        await stage.settle()
        assert stage.said(ContractExpired) == []
        assert held.mine == {CALL: D(2)}
        await stage.pass_s(3)
        assert [(event.contract, event.time) for event in stage.said(ContractExpired)] == [(CALL, CONTRACT.expiry)]
        assert held.mine == {}


# ---- status ----


async def test_status_tells_connections_channels_and_orders() -> None:
    stage = Stage()
    async with stage.running():
        client_id = stage.buy(2, 7)
        await until(lambda: stage.state(client_id) == "open")
        status = status_of(stage.live)
        adapter = status["adapters"]["venue"]
        assert (status["state"], adapter["connection"], adapter["connections"], adapter["reconnects"]) == ("ready", "ready", 1, 0)
        assert {name: channel["state"] for name, channel in adapter["channels"].items()} == dict.fromkeys(
            ("quotes", "orders", "positions", "balances"), "confirmed"
        )
        assert status["orders"] == {"open": 1}
        working = {
            "client_id": client_id,
            "instance": "trader",
            "contract": "BTC-C",
            "size": "2",
            "left": "2",
            "price": "7",
            "state": "open",
        }
        assert status["working"] == [{**working, "state": "open"}]


async def test_a_run_with_a_refused_channel_is_degraded() -> None:
    stage = Stage()
    stage.account.refuse("balances")
    async with stage.running():
        assert status_of(stage.live)["state"] == "degraded"


async def test_the_summary_counts_connections_and_updates_when_the_run_is_over() -> None:
    stage = Stage()
    async with stage.running():
        stage.feed.say("quotes", stage.quote())
        await stage.pass_s(1)
    assert (stage.live.summary.connections, stage.live.summary.streams) == (1, 1)
    assert stage.live.summary.channels["quotes"] == 1
    assert len(stage.live.summary.digest) == 64


# ---- cancellation ----


async def test_a_run_cancelled_at_any_moment_closes_what_it_opened() -> None:
    for moment in range(0, 120, 3):
        stage = Stage()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_trade_for_ever, stage)
            for _ in range(moment):
                await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
        assert stage.adapter.is_closed
        assert all(link.is_closed for link in (*stage.account.links, *stage.feed.links)), moment
        sent = [command.client_id for command in stage.account.asked("submit")]
        assert len(sent) == len(set(sent))
        assert set(sent) <= set(stage.notes.intended)
        assert all(stage.state(client_id) in ("open", "canceled", "unknown") for client_id in sent), moment


async def _trade_for_ever(stage: Stage) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_use, stage)
        await stage.live.run()


async def _use(stage: Stage) -> None:
    await until(lambda: stage.live.started)
    while True:
        client_id = stage.buy()
        await anyio.lowlevel.checkpoint()
        stage.cancel(client_id)
        await anyio.lowlevel.checkpoint()


async def test_a_bug_of_the_book_ends_the_run_and_still_closes_everything() -> None:
    stage = Stage()

    async def fail(_approved: Any) -> str:
        raise OSError("no such row")

    stage.live._sender._journal = fail

    async def trade() -> None:
        async with stage.running():
            stage.buy()
            await until(lambda: stage.adapter.is_closed)

    with pytest.raises(ExceptionGroup) as caught:
        await trade()
    assert caught.group_contains(OSError)
    assert stage.account.asked("submit") == []
    assert stage.adapter.is_closed
