"""A live run on the served venue through a proxy that may spoil anything, with marked credentials: one process, real sockets."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, TypeVar

import anyio
import attrs

from strikeloop import AlertRaised, Desk, Event, OrderRefused, OrderUpdated
from strikeloop.engine import Engine, Plugin
from strikeloop.live import Live, WallClock
from strikeloop.margin import Classic
from strikeloop.session import Session
from strikeloop.summary import Summary
from strikeloop.testing.faults import FaultProxy, Rule
from strikeloop.wire import Secret
from strikeloop_gate import Gate
from strikeloop_venue import GeneratedMarket, VenueSettings
from strikeloop_venue.served import Faults, ServedVenue, serve
from tests.framework.live.stage import Notes, Trader

KEY, SECRET = "marked-key-4f1c9a", "marked-secret-77e2d0"
E = TypeVar("E", bound=Event)


@attrs.define(eq=False)
class World:
    """What a test sees of the run, and does in it."""

    server: ServedVenue
    proxy: FaultProxy
    live: Live
    adapter: Any
    trader: Trader
    notes: Notes
    events: list[Event]
    """Everything that was told, also before the run began."""
    ended: anyio.Event = attrs.field(factory=anyio.Event)
    """The run is over."""

    @property
    def session(self) -> Session:
        return self.live.ports["gate"].session

    def said(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    async def until(self, condition: Callable[[], Any], *, within_s: float = 45) -> None:
        with anyio.fail_after(within_s):
            while not condition():  # noqa: ASYNC110 - what is waited for has no one owner
                await anyio.sleep(0.01)

    async def run(self) -> None:
        await self.live.run()
        self.ended.set()

    async def ready(self) -> None:
        await self.until(lambda: self.live.started)

    def do(self, action: Callable[[Desk], Any]) -> None:
        """The strategy does this now."""
        self.trader.todo.append(action)
        now = self.live.clock.now()
        self.live.deliver((AlertRaised(time=now, received=now, source="test", topic="go", text="go"),))

    def bid(self, **changes: Any) -> str:
        """A bid far below the market, which rests; returns its client id."""
        ids: list[str] = []
        self.do(lambda desk: ids.append(desk.buy(desk.chain("BTC_USDT")[0].id, 1, desk.chain("BTC_USDT")[0].tick, **changes)))
        return ids[0]

    def cancel(self, client_id: str) -> None:
        self.do(lambda desk: desk.cancel(client_id))

    def state(self, client_id: str) -> str:
        order = self.live.engine.orders.get(client_id)
        return "" if order is None else order.state.value

    async def told(self, client_id: str, state: str) -> OrderUpdated:
        """The first update of this order that says so."""
        await self.until(lambda: [event for event in self._updates(client_id) if event.state.value == state])
        return next(event for event in self._updates(client_id) if event.state.value == state)

    async def refused(self, client_id: str) -> str:
        """Why the review let the order not pass."""
        await self.until(lambda: [event for event in self.said(OrderRefused) if event.client_id == client_id])
        return "; ".join(text for event in self.said(OrderRefused) if event.client_id == client_id for _, text in event.reasons)

    def _updates(self, client_id: str) -> list[OrderUpdated]:
        return [event for event in self.said(OrderUpdated) if event.client_id == client_id]


@asynccontextmanager
async def trading(*rules: Rule, faults: Faults | None = None, **settings: Any) -> AsyncIterator[World]:
    """A run that trades, from its first request on; it is over after the block."""
    market = GeneratedMarket(start=time.time_ns(), duration_s=None, seed=3, step_ms=250, ticker_every_ms=1_000).open("venue")
    machine = VenueSettings(balance=Decimal(1_000_000)).open("venue", market.contracts())
    async with (
        serve(market, machine, key=KEY, secret=SECRET, faults=faults) as server,
        FaultProxy(f"http://127.0.0.1:{server.port}", *rules) as proxy,
    ):
        urls: dict[str, Any] = {"rest_url": proxy.url(server.rest_url), "ws_url": proxy.url(server.ws_url)}
        credentials = {"key": Secret(KEY), "secret": Secret(SECRET)}
        adapter = Gate(**(urls | credentials | {"request_timeout_s": 1.0} | settings)).open("gate")
        trader, notes, events = Trader(), Notes(), list[Event]()
        engine = Engine([Plugin(name="trader", kind="strategy", plugin=trader)], margin=Classic(), tag="w")
        live = Live(engine, clock=WallClock(), summary=Summary(run="world", mode="live"), book=notes, listen=events.append)
        live.add_adapter(adapter, trade=True)
        world = World(server, proxy, live, adapter, trader, notes, events)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(world.run)
            yield world
            live.stop("stop", "the test is over")
