"""Flattening from outside: the kill switch of a process that only asks, where the run hangs or is gone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import pytest

from strikeloop import (
    BookUpdated,
    HaltUpdated,
    LinkLostError,
    OrderRejectedError,
    OrderState,
    OrderUpdated,
    PositionUpdated,
    SubmitOrder,
    VenueError,
)
from strikeloop.engine import Engine
from strikeloop.killswitch import HaltSettings
from strikeloop.live.outside import Outside
from strikeloop.margin import Classic
from strikeloop.testing import ScriptedAccount, ScriptedAdapter
from tests.framework.live.stage import CALL, CONTRACT, SECOND, D, Notes

pytestmark = pytest.mark.anyio


class Exchange(ScriptedAccount):
    """An account whose reduce-only orders trade as `trades` says: so many of each order's contracts."""

    trades: Callable[[SubmitOrder], int]

    def rest(self, command: SubmitOrder) -> OrderUpdated:
        filled = min(D(self.trades(command)), abs(command.size))
        left = command.size - filled * (1 if command.size > 0 else -1)
        self.positions = [
            PositionUpdated(time=0, received=0, contract=one.contract, size=size, entry_price=D(5), realized_pnl=D(0), mark_price=5.0)
            for one in self.positions
            if (size := one.size + command.size - left)
        ]
        rested = super().rest(command)
        state = OrderState.EXPIRED if left else OrderState.FILLED
        return self._book(OrderUpdated(**{**{name: getattr(rested, name) for name in SHOWN}, "state": state, "left": left}))


SHOWN = ("time", "received", "contract", "client_id", "order_id", "size", "price", "tif", "reduce_only")


class World:
    """An account that holds `size` calls, with an order of ours and one of other hands."""

    def __init__(self, size: int = -3, trades: Callable[[SubmitOrder], int] = lambda order: 100, **halt: Any) -> None:
        self.now, self.states = 0, list[str]()
        self.adapter = ScriptedAdapter([CONTRACT])
        self.account = self.adapter._account = Exchange("venue", self.adapter._account.channels, self.adapter._account._clock)  # type: ignore[union-attr]  # it has one
        self.account.trades = trades
        self.account.positions = [
            PositionUpdated(time=0, received=0, contract=CALL, size=D(size), entry_price=D(5), realized_pnl=D(0), mark_price=5.0)
        ]
        for number, client_id in enumerate(("t-old-maker-1", "web"), 90):
            self.account.orders[client_id] = OrderUpdated(
                time=0, received=0, contract=CALL, order_id=str(number), client_id=client_id, state=OrderState.OPEN, size=D(1), left=D(1)
            )
        self.notes = Notes()
        engine = Engine([], margin=Classic(), tag="new", tags=("old",), halt=HaltSettings(**halt))
        self.outside = Outside([self.adapter], engine, self.notes, self.clock, lambda told: self.states.append(told.state.value))

    def clock(self) -> int:
        """A moment passes each time somebody looks."""
        self.now += SECOND // 4
        return self.now

    async def flattened(self) -> HaltUpdated:
        with anyio.fail_after(20):
            return await self.outside.run("anna", "it hangs")

    @property
    def submitted(self) -> list[SubmitOrder]:
        return list(self.account.asked("submit"))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("strikeloop.live.outside.PAUSE_S", 0.001)


def offered(ask: float | None = 6.0) -> BookUpdated:
    return BookUpdated(time=0, received=0, contract=CALL, bids=(), asks=() if ask is None else ((ask, 10.0),), snapshot=True)


async def test_orders_are_withdrawn_positions_closed_and_other_hands_left_alone() -> None:
    world = World()
    world.adapter.feed.script("book", *[offered()] * 400)
    told = await world.flattened()
    assert (told.state, told.by, told.left) == ("flat", "anna", ())
    assert world.states == ["halted", "canceling", "reducing", "flat"]
    assert [(order.size, order.price, order.reduce_only) for order in world.submitted] == [(D(3), D(7), True)]
    states = {name: order.state.value for name, order in world.account.orders.items()}
    assert states == {"t-old-maker-1": "canceled", "web": "open", "t-new-killswitch-1": "filled"}
    assert world.adapter.is_closed


async def test_every_order_is_on_disk_before_it_leaves() -> None:
    world = World()
    world.adapter.feed.script("book", *[offered()] * 400)
    world.account.script("submit", OrderRejectedError("no margin"))
    await world.flattened()
    assert {order.client_id for order in world.submitted} <= set(world.notes.intended)


async def test_what_nobody_offers_is_given_up_and_said() -> None:
    world = World(give_up_s=60.0)
    told = await world.flattened()
    assert (told.state, told.left) == ("gave-up", (f"{CALL}: -3 contracts; nobody offers it",))
    assert world.submitted == []


@pytest.mark.parametrize("error", [OrderRejectedError("no"), LinkLostError("gone")])
async def test_an_order_that_was_refused_is_followed_by_another(error: Exception) -> None:
    world = World()
    world.adapter.feed.script("book", *[offered()] * 400)
    world.account.script("submit", error)
    assert (await world.flattened()).state == "flat"
    assert len(world.submitted) == 2


async def test_an_order_without_an_answer_is_looked_up_before_the_next_leaves() -> None:
    world = World()
    world.adapter.feed.script("book", *[offered()] * 400)
    world.account.script("submit", VenueError("no answer"))
    assert (await world.flattened()).state == "flat"
    first, second = world.submitted
    assert first.client_id != second.client_id
    polls = [found for found in world.account.asked("find") if found[1] == first.client_id]
    assert len(polls) >= 3


async def test_an_account_that_does_not_answer_for_a_while_is_waited_for() -> None:
    world = World()
    world.adapter.feed.script("book", *[offered()] * 400)
    world.account.script("snapshot", None, VenueError("busy"), VenueError("busy"))
    assert (await world.flattened()).state == "flat"
