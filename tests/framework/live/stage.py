"""A whole live run around a scripted adapter and a clock that stands still: what the live driver's tests are played on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, TypeVar

import anyio
import anyio.lowlevel

from strikeloop import (
    AlertRaised,
    Approved,
    Command,
    Contract,
    ContractId,
    ContractSettled,
    Desk,
    Event,
    OptionKind,
    Quoted,
    hookimpl,
    plugin,
    state,
)
from strikeloop.engine import Engine, Plugin
from strikeloop.journal import Asked
from strikeloop.live import Halting, Live, LocalVenue
from strikeloop.margin import Classic
from strikeloop.summary import Summary
from strikeloop.testing import ManualClock, ScriptedAccount, ScriptedAdapter, ScriptedFeed
from strikeloop.testing.scripted import ACCOUNT_CHANNELS, START_NS
from strikeloop_venue import VenueSettings

D = Decimal
SECOND = 1_000_000_000
CALL = ContractId.of("venue", "BTC-C")
CONTRACT = Contract(
    id=CALL,
    underlying="BTC_USDT",
    kind=OptionKind.CALL,
    strike=D(70_000),
    expiry=START_NS + 86_400 * SECOND,
    multiplier=D("0.01"),
    tick=D(1),
    mark_tick=D("0.1"),
    size_max=D(1_000),
)

PATIENCE_S = 30
"""The machine may be busy with other things, too."""
TURNS = 10
"""As many steps as what a tick starts takes until it asks the venue."""

E = TypeVar("E", bound=Event)


async def until(condition: Callable[[], Any]) -> None:
    """Let the others run until this is so."""
    with anyio.fail_after(PATIENCE_S):
        while not condition():
            await anyio.lowlevel.checkpoint()


@plugin
class Trader:
    """Does what the test tells it, and remembers what it hears."""

    todo: list[Callable[[Desk], Any]] = state(factory=list)
    heard: list[Event] = state(factory=list)

    @hookimpl
    def on_alert(self, event: AlertRaised, desk: Desk) -> None:
        while event.topic == "go" and self.todo:
            self.todo.pop(0)(desk)

    @hookimpl
    def on_event(self, event: Event) -> None:
        self.heard.append(event)


class Notes:
    """A book that keeps everything in `calls`, beside what the venue is asked; `gate` makes intents wait."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.intended: list[str] = []
        self.gate: anyio.Event | None = None
        self.flushes = 0

    def inputs(self, events: Sequence[Event]) -> None:
        self.events.extend(events)

    async def intents(self, approved: Sequence[Approved[Command]]) -> None:
        if self.gate is not None:
            await self.gate.wait()
        await anyio.lowlevel.checkpoint()
        self.intended.extend(one.command.client_id for one in approved)

    async def flush(self) -> None:
        await anyio.lowlevel.checkpoint()
        self.flushes += 1


class GuardedAccount(ScriptedAccount):
    """One whose venue has a dead man's switch and remembers what expired; kinds for scripts are countdown and settled."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.settlements: list[ContractSettled] = []

    async def countdown(self, underlying: str, timeout_s: int) -> None:
        await self._answer("countdown", (underlying, timeout_s))

    async def settled(self, since: int) -> Sequence[ContractSettled]:
        answer = await self._answer("settled", since)
        return [one for one in self.settlements if one.time >= since] if answer is None else answer


class Stage:
    """A run with one adapter, one strategy and a book in memory."""

    def __init__(self, *, paper: bool = False, trade: bool = True, tags: Sequence[str] = (), guarded: bool = False, **options: Any) -> None:
        self.clock, self.notes, self.trader = ManualClock(), options.pop("book", None) or Notes(), Trader()
        adapter_options = {key: options.pop(key) for key in ("account_channels", "feed_channels") if key in options}
        self.adapter = ScriptedAdapter([CONTRACT], clock=self.clock, **adapter_options)
        if guarded:
            self.adapter._account = GuardedAccount("venue", ACCOUNT_CHANNELS, self.clock)
        plugins = [Plugin(name="trader", kind="strategy", plugin=self.trader)]
        self.engine = Engine(plugins, margin=Classic(), tag="a", tags=tags, halt=options.pop("settings", None))
        self.halt = ""
        self.live = Live(
            self.engine,
            clock=self.clock,
            summary=Summary(run="test", mode="paper" if paper else "live"),
            book=self.notes,
            halted=lambda: self.halt,
            halting=options.pop("halting", None) or Halting(asked=self.asked),
            tags=(*tags, "a"),
            **options,
        )
        self.live.add_adapter(self.adapter, trade=trade and not paper)
        if paper:
            self.live.add_venue(LocalVenue("venue", VenueSettings().open("venue", ()), self.clock, self.live.deliver))

    def asked(self) -> Asked | None:
        """What another process asks for."""
        return Asked(reason=self.halt, by="anna", mark=1) if self.halt else None

    @property
    def account(self) -> ScriptedAccount:
        assert self.adapter.account is not None
        return self.adapter.account

    @property
    def feed(self) -> ScriptedFeed:
        return self.adapter.feed

    @property
    def events(self) -> list[Event]:
        return self.notes.events

    def said(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    def states(self, client_id: str) -> list[str]:
        """What the strategy was told of its order, in order."""
        return [
            event.state.value for event in self.trader.heard if getattr(event, "client_id", None) == client_id and hasattr(event, "state")
        ]

    def state(self, client_id: str) -> str:
        order = self.engine.orders.get(client_id)
        return "" if order is None else order.state.value

    def do(self, *actions: Callable[[Desk], Any]) -> None:
        """The strategy does this now, in one hook."""
        self.trader.todo.extend(actions)
        now = self.clock.now()
        self.live.deliver((AlertRaised(time=now, received=now, source="test", topic="go", text="go"),))

    def buy(self, size: int = 1, price: int = 5) -> str:
        """The strategy buys; returns the client id."""
        ids: list[str] = []
        self.do(lambda desk: ids.append(desk.buy(CALL, size, price)))
        return ids[0]

    def cancel(self, client_id: str) -> None:
        self.do(lambda desk: desk.cancel(client_id))

    def quote(self, bid: float = 4.0, ask: float = 6.0) -> Quoted:
        return Quoted(time=self.clock.now(), received=0, contract=CALL, bid=bid, ask=ask, bid_size=10, ask_size=10)

    async def pass_s(self, seconds: float) -> None:
        """Let time pass a second at a time, with a tick and every consequence after each."""
        for _ in range(round(seconds)):
            self.clock.pass_s(1)
            await self.settle()

    async def pass_until(self, condition: Callable[[], Any]) -> None:
        """Let time pass, a second for each thousandth of a real one, until this is so."""
        with anyio.fail_after(PATIENCE_S):
            while not condition():
                self.clock.pass_s(1)
                await self.settle()

    async def settle(self) -> None:
        """Let two ticks and what they lead to happen."""
        flushes = self.notes.flushes
        await until(lambda: self.notes.flushes >= flushes + 2)
        for _ in range(TURNS):
            await anyio.lowlevel.checkpoint()

    @asynccontextmanager
    async def running(self, *, started: bool = True) -> AsyncIterator[None]:
        """The run goes on while the block does, and is stopped after it."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.live.run)
            if started:
                await until(lambda: self.live.started)
            yield
            self.live.stop("stop", "the test is over")
