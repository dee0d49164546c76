"""Withdrawing from outside: what bears a tag of this directory goes, everything else stays."""

from __future__ import annotations

import anyio
import pytest

from strikeloop import AuthRejectedError, CancelOrder, OrderState, OrderUpdated, VenueError
from strikeloop.live.withdraw import Withdrawn, withdraw
from strikeloop.testing import Held, ScriptedAccount, ScriptedAdapter
from tests.framework.live.stage import CALL, CONTRACT, D

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("strikeloop.live.withdraw.PAUSE_S", 0.001)


def adapter(*client_ids: str | None) -> ScriptedAdapter:
    """An account with an open order under each of these names."""
    made = ScriptedAdapter([CONTRACT])
    for number, client_id in enumerate(client_ids, 1):
        order = OrderUpdated(
            time=0, received=0, contract=CALL, order_id=str(number), client_id=client_id, state=OrderState.OPEN, size=D(1), left=D(1)
        )
        account(made).orders[client_id or str(number)] = order
    return made


def account(made: ScriptedAdapter) -> ScriptedAccount:
    assert made.account is not None
    return made.account


def canceled(made: ScriptedAdapter) -> list[str]:
    return [command.client_id for command in account(made).asked("cancel") if isinstance(command, CancelOrder)]


async def done(made: ScriptedAdapter, *tags: str) -> Withdrawn:
    (one,) = await withdraw([made], tags or ("old",))
    assert made.is_closed
    return one


async def test_orders_of_every_run_and_instance_of_the_directory_are_canceled_and_those_of_other_hands_stay() -> None:
    made = adapter("t-old-maker-1", "t-older-a_long_1a2b-7", "web", None, "t-other-maker-1")
    told = await done(made, "old", "older")
    assert sorted(canceled(made)) == sorted(told.canceled) == ["t-old-maker-1", "t-older-a_long_1a2b-7"]
    assert (told.left, told.foreign, told.error) == ([], 3, "")


async def test_an_order_that_arrives_after_the_first_look_is_canceled_too() -> None:
    made, late = adapter("t-old-maker-1"), adapter("t-old-maker-2")
    slow = Held()
    account(made).script("cancel", slow)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(done, made)
        await slow.asked.wait()
        account(made).orders |= account(late).orders
        slow.release()
    assert [order.state for order in account(made).orders.values()] == [OrderState.CANCELED] * 2


async def test_an_order_that_cannot_be_canceled_is_told_with_the_reason() -> None:
    made = adapter("t-old-maker-1")
    account(made).script("cancel", *[VenueError("502")] * 100)
    told = await done(made)
    assert (told.canceled, told.left, told.error) == ([], ["t-old-maker-1"], "502")


async def test_a_cancel_that_failed_once_is_tried_again() -> None:
    made = adapter("t-old-maker-1")
    account(made).script("cancel", VenueError("502"))
    assert (await done(made)).left == []


async def test_with_nothing_to_cancel_the_venue_is_only_asked() -> None:
    made = adapter("web")
    assert (await done(made)).canceled == canceled(made) == []


async def test_credentials_that_are_refused_end_it_and_everything_is_closed() -> None:
    made = adapter("t-old-maker-1")
    account(made).script("prepare", AuthRejectedError("bad key"))
    with pytest.raises(AuthRejectedError):
        await withdraw([made], ("old",))
    assert made.is_closed


async def test_an_adapter_without_an_account_has_nothing_to_withdraw() -> None:
    assert await withdraw([ScriptedAdapter([CONTRACT], account_channels=None)], ("old",)) == []
