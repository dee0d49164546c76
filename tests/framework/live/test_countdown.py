"""The dead man's switch: armed before the first order leaves, refreshed while the loop turns, gone after a graceful end."""

from __future__ import annotations

from typing import Any

import anyio
import attrs
import pytest

from strikeloop import AlertRaised, GapClosed, GapOpened, OrderRefused, OrderState, OrderUpdated, RunStopping, StreamLost, VenueError
from strikeloop.journal import Legacy
from strikeloop.live import Switch, status_of
from strikeloop.testing import Held
from strikeloop.testing.scripted import START_NS
from tests.framework.live.stage import CALL, D, Stage, until
from tests.framework.live.test_takeover import OLD, intent, order

pytestmark = pytest.mark.anyio
ARM, DISARM = ("BTC_USDT", 30), ("BTC_USDT", 0)


def guarded(**more: Any) -> Stage:
    return Stage(guarded=True, **{"switch": Switch(), **more})


def asked(stage: Stage) -> list[Any]:
    return stage.account.asked("countdown")


def foreign(stage: Stage, number: str = "77") -> None:
    """An order of other hands is in the books."""
    stage.account.orders[number] = OrderUpdated(
        time=0, received=0, contract=CALL, order_id=number, state=OrderState.OPEN, size=D(1), left=D(1), price=D(5)
    )


def alerts(stage: Stage) -> list[str]:
    return [event.text for event in stage.said(AlertRaised) if event.topic == "countdown"]


async def opened(stage: Stage) -> str:
    client_id = stage.buy()
    await until(lambda: stage.state(client_id) == "open")
    return client_id


async def test_nothing_is_armed_before_there_is_an_order() -> None:
    stage = guarded()
    async with stage.running():
        await stage.pass_s(40)
        assert asked(stage) == []


async def test_the_underlying_is_armed_before_the_first_order_in_it_leaves() -> None:
    stage = guarded()
    slow = Held()
    stage.account.script("countdown", slow)
    async with stage.running():
        client_id = stage.buy()
        await slow.asked.wait()
        await stage.settle()
        assert stage.account.asked("submit") == []
        slow.release()
        await until(lambda: stage.state(client_id) == "open")
        assert asked(stage) == [ARM]
        assert status_of(stage.live)["adapters"]["venue"]["countdown"] == {"BTC_USDT": "armed"}


async def test_it_is_refreshed_every_quarter_of_its_time() -> None:
    stage = guarded(switch=Switch(timeout_s=40))
    async with stage.running():
        await opened(stage)
        await stage.pass_s(35)
        assert asked(stage) == [("BTC_USDT", 40)] * 4


async def test_a_loop_that_hangs_refreshes_nothing() -> None:
    stage = guarded()
    async with stage.running():
        await opened(stage)
        stage.clock.pass_s(60)
        assert asked(stage) == [ARM]


async def test_a_graceful_end_disarms_after_the_last_refresh_and_the_last_cancel() -> None:
    stage = guarded()
    async with stage.running():
        await opened(stage)
        slow = Held()
        stage.account.script("countdown", slow)
        await stage.pass_s(8)
        await slow.asked.wait()
        stage.live.stop("stop", "enough")
        await stage.settle()
        slow.release()
    assert asked(stage) == [ARM, ARM, DISARM]
    kinds = [kind for kind, _ in stage.account.calls]
    assert max(index for index, kind in enumerate(kinds) if kind == "cancel") < len(kinds) - 1 - kinds[::-1].index("countdown")


async def test_an_order_that_waits_for_it_when_the_run_stops_never_leaves() -> None:
    stage = guarded()
    slow = Held()
    stage.account.script("countdown", slow)
    async with stage.running():
        client_id = stage.buy()
        await slow.asked.wait()
        stage.live.stop("stop", "enough")
        await until(lambda: stage.said(RunStopping))
        slow.release()
    assert (stage.account.asked("submit"), stage.state(client_id)) == ([], "rejected")


async def test_nobody_waits_at_the_end_for_a_venue_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("strikeloop.live.countdown.DISARM_S", 0.1)
    stage = guarded()
    async with stage.running():
        await opened(stage)
        silent = Held()
        stage.account.script("countdown", silent)
        await stage.pass_s(8)
        await silent.asked.wait()
    assert asked(stage) == [ARM, ARM]


async def test_it_stays_armed_where_an_order_could_not_be_withdrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("strikeloop.live.run.STOP_S", 0.1)
    stage = guarded()
    stage.account.script("cancel", *[VenueError("502")] * 1_000)
    async with stage.running():
        await opened(stage)
    assert asked(stage) == [ARM]


async def test_an_order_does_not_leave_where_it_cannot_be_armed() -> None:
    stage = guarded()
    stage.account.script("countdown", *[VenueError("502")] * 10)
    async with stage.running():
        client_id = stage.buy()
        await until(lambda: stage.state(client_id) == "rejected")
        assert "the dead man's switch of BTC_USDT could not be set: 502" in next(
            event.reason for event in stage.said(OrderUpdated) if event.client_id == client_id
        )
        assert stage.account.asked("submit") == []


async def test_refreshes_that_fail_twice_block_openings_until_one_succeeds() -> None:
    stage = guarded()
    async with stage.running():
        await opened(stage)
        stage.account.script("countdown", VenueError("502"))
        await stage.pass_s(8)
        assert stage.said(GapOpened) == []
        slow = Held()
        stage.account.script("countdown", VenueError("502"), VenueError("502"), slow)
        await stage.pass_until(lambda: stage.said(GapOpened))
        assert len(alerts(stage)) == 1
        stage.buy()
        assert "could not be set" in next(event.reason for event in stage.trader.heard if isinstance(event, OrderRefused))
        slow.release()
        await stage.pass_until(lambda: stage.said(GapClosed))
        await opened(stage)


async def test_one_that_could_not_be_set_is_tried_again_also_when_no_order_is_left_to_ask_for_it() -> None:
    stage = guarded()
    stage.account.script("countdown", *[VenueError("502")] * 3)
    async with stage.running():
        refused = stage.buy()
        await until(lambda: stage.state(refused) == "rejected")
        assert stage.said(GapOpened)
        await stage.pass_until(lambda: stage.said(GapClosed))
        assert asked(stage) == [ARM] * 4
        await opened(stage)


async def test_where_orders_of_other_hands_work_it_is_not_armed_and_that_is_told() -> None:
    stage = guarded()
    foreign(stage)
    async with stage.running():
        await opened(stage)
        await stage.pass_s(20)
        assert asked(stage) == [DISARM], "one that an earlier run armed would withdraw their orders"
        assert ["other hands" in text for text in alerts(stage)] == [True]
        assert status_of(stage.live)["adapters"]["venue"]["countdown"] == {"BTC_USDT": "spared"}


async def test_it_is_disarmed_when_others_come_and_armed_again_when_they_go() -> None:
    stage = guarded()
    theirs = OrderUpdated(time=0, received=0, contract=CALL, order_id="77", client_id="web", state=OrderState.OPEN, size=D(1), left=D(1))
    async with stage.running():
        await opened(stage)
        stage.account.say("orders", theirs)
        await until(lambda: stage.live.foreign.foreign("venue"))
        await stage.pass_s(2)
        assert asked(stage) == [ARM, DISARM]
        stage.account.say("orders", attrs.evolve(theirs, time=1, state=OrderState.CANCELED))
        await until(lambda: not stage.live.foreign.foreign("venue"))
        await stage.pass_s(2)
        assert asked(stage) == [ARM, DISARM, ARM]


async def test_with_force_it_is_armed_all_the_same() -> None:
    stage = guarded(switch=Switch(force=True))
    foreign(stage)
    async with stage.running():
        await opened(stage)
        assert asked(stage) == [ARM]


async def test_without_a_switch_nothing_is_asked() -> None:
    stage = guarded(switch=None)
    async with stage.running():
        await opened(stage)
        await stage.pass_s(20)
    assert asked(stage) == []


async def test_a_venue_without_one_is_traded_on_as_before() -> None:
    stage = Stage(switch=Switch())
    async with stage.running():
        await opened(stage)
        assert status_of(stage.live)["adapters"]["venue"]["countdown"] == {}


async def test_orders_of_an_earlier_run_are_guarded_from_the_start() -> None:
    stage = guarded(tags=("old",), legacy=Legacy(begun=1, since=START_NS, intents=(intent(),)))
    stage.account.rest(order())
    async with stage.running():
        await until(lambda: stage.state(OLD) == "open")
        await until(lambda: asked(stage))
        assert asked(stage) == [ARM]


async def test_orders_that_are_sent_at_once_arm_it_once() -> None:
    stage = guarded()
    async with stage.running():
        stage.do(*[lambda desk: desk.buy(CALL, 1, 5)] * 5)
        await until(lambda: len(stage.account.asked("submit")) == 5)
        assert asked(stage) == [ARM]


async def test_a_lost_link_does_not_disarm() -> None:
    stage = guarded()
    async with stage.running():
        await opened(stage)
        stage.account.link.lose()
        await until(lambda: stage.said(StreamLost))
        with anyio.move_on_after(0.05):
            await stage.settle()
        assert DISARM not in asked(stage)
