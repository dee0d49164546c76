"""Orders nobody here placed: reported in words that say whose they are, at most once a minute, and left alone."""

from __future__ import annotations

from typing import Any

import pytest

from strikeloop import AlertRaised, OrderState, OrderUpdated, Severity
from strikeloop.live import Halting, status_of
from tests.framework.live.stage import CALL, D, Stage, until

pytestmark = pytest.mark.anyio


def theirs(order_id: str, client_id: str | None = None, **more: Any) -> OrderUpdated:
    told: dict[str, Any] = {"time": 0, "received": 0, "contract": CALL, "size": D(1), "left": D(1), "price": D(5), "state": OrderState.OPEN}
    return OrderUpdated(order_id=order_id, client_id=client_id, **{**told, **more})


def alerts(stage: Stage) -> list[tuple[str, str]]:
    return [(event.topic, event.text) for event in stage.said(AlertRaised)]


async def started(stage: Stage, *orders: OrderUpdated) -> list[tuple[str, str]]:
    """What is reported of a run that finds these orders; that it touched none."""
    for order in orders:
        stage.account.orders[order.order_id or ""] = order
    async with stage.running():
        await stage.pass_s(2)
        assert stage.account.asked("cancel") == []
    assert stage.account.asked("cancel") == []
    return alerts(stage)


async def test_orders_of_other_hands_are_told_by_name_and_listed_in_the_status() -> None:
    stage = Stage()
    stage.account.orders["77"] = theirs("77", "web")
    async with stage.running():
        await stage.pass_s(1)
        assert alerts(stage) == [("foreign", "1 orders on venue are of other hands and are left alone (web)")]
        assert status_of(stage.live)["foreign"] == ["web"]


async def test_an_order_of_another_strikeloop_is_an_alarm() -> None:
    stage = Stage()
    assert [topic for topic, _ in await started(stage, theirs("77", "t-other-maker-1"))] == ["other-run"]
    assert [event.severity for event in stage.said(AlertRaised)] == [Severity.CRITICAL]


async def test_an_order_of_an_instance_that_is_gone_is_told_with_the_way_to_withdraw_it() -> None:
    ((topic, text),) = await started(Stage(tags=("old",)), theirs("77", "t-old-gone-1"))
    assert (topic, "halt --cancel" in text) == ("orphan", True)


async def test_who_acted_in_the_place_of_a_run_that_hung_is_no_other_strikeloop() -> None:
    stage = Stage(halting=Halting(tags=lambda: ("late",)))
    assert [topic for topic, _ in await started(stage, theirs("77", "t-late-killswitch-1"))] == ["orphan"]


async def test_each_kind_is_told_at_once_and_then_once_a_minute() -> None:
    stage = Stage()
    async with stage.running():
        stage.account.say("orders", theirs("1", "web"))
        await until(lambda: stage.live.foreign.foreign("venue"))
        await stage.pass_s(1)
        for number in range(2, 9):
            stage.account.say("orders", theirs(str(number), f"web{number}"))
        await stage.pass_s(30)
        assert len(alerts(stage)) == 1
        await stage.pass_s(32)
        assert alerts(stage)[1:] == [
            ("foreign", "7 orders on venue are of other hands and are left alone (web2, web3, web4, web5, web6 and 2 more)")
        ]


async def test_an_order_is_told_once_however_often_the_venue_speaks_of_it() -> None:
    stage = Stage()
    async with stage.running():
        stage.account.say("orders", theirs("1", "web"), theirs("1", "web", left=D(0), state=OrderState.FILLED))
        await stage.pass_s(70)
        assert len(alerts(stage)) == 1


async def test_our_own_orders_are_no_strangers() -> None:
    stage = Stage()
    async with stage.running():
        client_id = stage.buy()
        await until(lambda: stage.state(client_id) == "open")
        await stage.pass_s(2)
        assert alerts(stage)[1:] == []
        assert status_of(stage.live)["foreign"] == []


@pytest.mark.parametrize(("age_s", "told"), [(0, ["other-run"]), (120, [])])
async def test_an_order_that_was_over_long_before_it_was_heard_of_is_history(age_s: int, told: list[str]) -> None:
    stage = Stage()
    async with stage.running():
        now = stage.clock.now()
        over = {"state": OrderState.CANCELED, "finished": now - age_s * 1_000_000_000, "received": now, "time": now}
        stage.account.say("orders", theirs("77", "t-other-maker-1", **over))
        await until(lambda: stage.engine.orders.by_order_id("venue", "77") is not None)
        await stage.pass_s(2)
        assert [topic for topic, _ in alerts(stage)] == told


async def test_what_was_seen_is_remembered_as_long_as_the_order_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("strikeloop.orders.MOST_CLOSED", 5)
    monkeypatch.setattr("strikeloop.live.foreign.MOST_SEEN", 10)
    stage = Stage()
    async with stage.running():
        stage.live.foreign._most_seen = 10
        stage.account.say("orders", theirs("0", "web-0"))
        for number in range(1, 30):
            stage.account.say("orders", theirs(str(number), f"web-{number}", state=OrderState.CANCELED))
        await until(lambda: stage.engine.orders.by_order_id("venue", "29") is not None)
        assert len(stage.live.foreign._seen) <= 11
        assert "web-0" in stage.live.foreign._seen
