"""What expired while nobody listened: booked once, whoever tells of it first, over any number of restarts."""

from __future__ import annotations

from typing import Any

import pytest

from strikeloop import AlertRaised, ContractId, ContractSettled, Origin, RunStarted, StreamLost, VenueError
from strikeloop.journal import Legacy
from strikeloop.journal.legacy import SETTLEMENTS_NS
from strikeloop.testing import Held
from strikeloop.testing.scripted import START_NS
from tests.framework.live.stage import CALL, SECOND, D, GuardedAccount, Stage, until

pytestmark = pytest.mark.anyio
HOUR = 3600 * SECOND
GONE = ContractId.of("venue", "BTC-GONE")
AFTER = Legacy(begun=START_NS - 50 * HOUR, since=START_NS - 10 * HOUR)


def settled(at: int = START_NS - HOUR, contract: ContractId = GONE, **more: Any) -> ContractSettled:
    return ContractSettled(time=at, received=at, contract=contract, settle_price=D(9), size=D(1), pnl=D(3), **more)


def stage_with(*settlements: ContractSettled, legacy: Legacy = AFTER) -> Stage:
    stage = Stage(guarded=True, legacy=legacy)
    account(stage).settlements += settlements
    return stage


def account(stage: Stage) -> GuardedAccount:
    assert isinstance(stage.account, GuardedAccount)
    return stage.account


async def booked(stage: Stage) -> list[ContractSettled]:
    async with stage.running():
        await stage.pass_s(2)
    return stage.said(ContractSettled)


async def test_what_expired_while_no_run_was_there_is_told_to_the_plugins() -> None:
    stage = stage_with(settled())
    assert [(one.contract, one.pnl, one.origin) for one in await booked(stage)] == [(GONE, D(3), Origin.SNAPSHOT)]
    kinds = [type(event) for event in stage.trader.heard]
    assert kinds.index(RunStarted) < kinds.index(ContractSettled)


async def test_what_an_earlier_run_booked_is_not_booked_again() -> None:
    assert await booked(stage_with(settled(), legacy=Legacy(begun=1, since=START_NS - HOUR, settled={GONE: START_NS - HOUR}))) == []


async def test_what_expired_before_the_first_run_of_the_directory_is_nobodys() -> None:
    assert await booked(stage_with(settled(), legacy=Legacy())) == []


async def test_settlements_that_venues_post_late_are_asked_for_again() -> None:
    stage = stage_with()
    await booked(stage)
    assert account(stage).asked("settled") == [AFTER.since - SETTLEMENTS_NS]


async def test_a_settlement_the_stream_tells_after_it_was_booked_is_not_told_twice() -> None:
    stage = stage_with(settled(contract=CALL))
    async with stage.running():
        await until(lambda: stage.said(ContractSettled))
        account(stage).say("orders", settled(contract=CALL, origin=Origin.VENUE))
        await stage.pass_s(2)
        assert len(stage.said(ContractSettled)) == 1


async def test_a_settlement_the_stream_tells_first_is_not_booked_again() -> None:
    stage = stage_with()
    slow = Held()
    account(stage).script("settled", slow)
    async with stage.running():
        await slow.asked.wait()
        account(stage).say("orders", settled(contract=CALL, origin=Origin.VENUE))
        await until(lambda: stage.said(ContractSettled))
        slow.release([settled(contract=CALL)])
        await stage.pass_s(2)
        assert len(stage.said(ContractSettled)) == 1


async def test_what_expired_while_the_link_was_lost_is_booked_after_it() -> None:
    stage = stage_with(legacy=Legacy())
    async with stage.running():
        await stage.pass_s(1)
        account(stage).link.lose()
        await until(lambda: stage.said(StreamLost))
        account(stage).settlements.append(settled(START_NS + SECOND // 2, CALL))
        await stage.pass_s(4)
        assert [one.contract for one in stage.said(ContractSettled)] == [CALL]


async def test_a_venue_that_does_not_answer_is_asked_again() -> None:
    stage = stage_with(settled())
    account(stage).script("settled", VenueError("502"))
    async with stage.running():
        await until(lambda: [event for event in stage.said(AlertRaised) if event.topic == "settlements"])
        assert stage.said(ContractSettled) == []
        await stage.pass_s(8)
        assert len(stage.said(ContractSettled)) == 1
