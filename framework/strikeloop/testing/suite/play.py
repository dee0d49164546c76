"""One check's stage: the adapter under test, the played venue behind it, and whoever asks for orders.

Owns `Play`, `Hand` (an engine whose strategy does what the check says, for approved commands) and `Run` (a whole live run).
Everything happens in virtual time, in one thread.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from decimal import Decimal
from typing import Any, cast

import anyio
import pytest

from strikeloop import events as e
from strikeloop.adapter import Account, Adapter, Decoded, Feed, Link, Stream
from strikeloop.clock import SECOND_NS
from strikeloop.commands import AmendOrder, Approved, CancelOrder, Command, SubmitOrder
from strikeloop.contracts import Contract
from strikeloop.desk import Desk
from strikeloop.engine import Engine, Plugin
from strikeloop.errors import LinkLostError
from strikeloop.hooks import hookimpl, plugin, state
from strikeloop.live import Live
from strikeloop.margin import Classic
from strikeloop.session import Session
from strikeloop.summary import Summary
from strikeloop.testing.suite.broken import broken, place
from strikeloop.testing.suite.venue import PlayedVenue
from strikeloop.testing.virtual import VirtualClock
from strikeloop.wire.network import through

ADAPTER = "venue"
QUIET_S = 0.5
Action = Callable[[Desk], Any]


@plugin
class Doer:
    """A strategy that does what it is told, and remembers what it hears."""

    todo: list[Action] = state(factory=list)
    heard: list[e.Event] = state(factory=list)

    @hookimpl
    def on_alert(self, event: e.AlertRaised, desk: Desk) -> None:
        while event.topic == "go" and self.todo:
            self.todo.pop(0)(desk)

    @hookimpl
    def on_event(self, event: e.Event) -> None:
        self.heard.append(event)


def _go(now: int) -> e.AlertRaised:
    return e.AlertRaised(time=now, received=now, source="check", topic="go", text="go")


class Hand:
    """Asks for commands, and has them approved by a review without rules."""

    def __init__(self, contracts: Sequence[Contract], clock: VirtualClock) -> None:
        self._clock, self._doer = clock, Doer()
        self._engine = Engine([Plugin(name="hand", kind="strategy", plugin=self._doer)], contracts=contracts, margin=Classic(), tag="ct")
        self._engine.step(e.RunStarted(time=clock.now(), received=clock.now()))

    def approved(self, action: Action) -> Approved[Any]:
        """The command that this leads to, approved."""
        self._doer.todo.append(action)
        step = self._engine.step(_go(self._clock.now()))
        if not step.approved:
            raise RuntimeError(f"the check asked for what cannot be approved: {[getattr(event, 'reason', '') for event in step.events]}")
        return step.approved[-1]

    def hear(self, events: Sequence[e.Event]) -> None:
        """What the venue says."""
        for event in events:
            self._engine.step(event)


class Memory:
    """A book that keeps nothing: what a check needs to know it sees itself."""

    def inputs(self, events: Sequence[e.Event]) -> None:
        """Nothing is noted."""

    async def intents(self, approved: Sequence[Approved[Command]]) -> None:
        await anyio.lowlevel.checkpoint()

    async def flush(self) -> None:
        await anyio.lowlevel.checkpoint()


class Run:
    """A live run on the adapter under test."""

    def __init__(self, play: Play, *, trade: bool) -> None:
        self.play, self.doer, self.events = play, Doer(), list[e.Event]()
        self.engine = Engine([Plugin(name="hand", kind="strategy", plugin=self.doer)], margin=Classic(), tag="ct")
        self.live = Live(self.engine, clock=play.clock, summary=Summary(run="check", mode="live"), book=Memory(), listen=self.events.append)
        self.live.add_adapter(play.adapter, trade=trade)

    @property
    def session(self) -> Session:
        """That of the account, or of the feed where there is none."""
        return (self.live.ports.get(ADAPTER) or self.live.feeds[ADAPTER]).session

    def said(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def do(self, action: Action) -> None:
        """The strategy does this now."""
        self.doer.todo.append(action)
        self.live.deliver((_go(self.play.clock.now()),))

    def buy(self, size: int = 2, price: int | None = 100, **changes: Any) -> str:
        """The strategy buys; its client id."""
        ids: list[str] = []
        self.do(lambda desk: ids.append(desk.buy(self.play.contract.id, size, price, **changes)))
        return ids[0]

    def state(self, client_id: str) -> str:
        order = self.engine.orders.get(client_id)
        return "" if order is None else order.state.value

    async def until(self, condition: Callable[[], Any], expected: str, where: str, *, within_s: float = 90) -> None:
        """Let time pass until this is so."""
        end = anyio.current_time() + within_s
        while not condition():
            if anyio.current_time() > end:
                last = "; ".join(_short(event) for event in self.events[-4:])
                broken(self.play.story, f"{expected} within {within_s:g} s", f"it is not so; the last events are: {last}", where)
            await anyio.sleep(0.05)

    async def agree(self, where: str, *, within_s: float = 90) -> None:
        """Let time pass until we know what the venue knows."""
        end = anyio.current_time() + within_s
        while difference := self.difference():
            if anyio.current_time() > end:
                broken(self.play.story, f"account and venue agree within {within_s:g} s", difference, where)
            await anyio.sleep(0.05)

    def difference(self) -> str:
        """What we hold otherwise than the venue, "" for nothing."""
        books = self.play.venue.books
        for order in self.engine.orders:
            theirs = next((one for one in books.listed(is_open=None) if one.client_id == order.key), None)
            if theirs is None and order.is_working:
                return f"order {order.key} is {order.state.value} here, and the venue has none"
            if theirs is not None and (_end(order.state), order.filled) != (_end(theirs.state), theirs.filled):
                here, there = (f"{one.state.value} with {one.filled} filled" for one in (order, theirs))
                return f"order {order.key} is {here} here, and {there} there"
        mine = next(iter(self.engine.instances)).desk.mine
        for contract in books.contracts:
            held = self.engine.portfolio.position(contract.id)
            ours, theirs_size = Decimal(0) if held is None else held.size, books.sizes.get(contract.id, Decimal(0))
            if ours != theirs_size:
                return f"the position in {contract.id} is {ours} here and {theirs_size} there"
            if mine.get(contract.id, Decimal(0)) != theirs_size:
                return f"the fills of {contract.id} add up to {mine.get(contract.id, Decimal(0))} here and {theirs_size} there"
        return ""


class Play:
    """What a check is played on; `story` is what the venue does, for the message of a check that fails."""

    def __init__(self, suite: Any, clock: VirtualClock) -> None:
        self.suite, self.clock, self.spelling = suite, clock, suite.spelling
        self.venue = PlayedVenue(suite.spelling, ADAPTER, clock.now, suite.books)
        self.settings = suite.adapter()
        with through(self.venue):
            self.adapter: Adapter = self.settings.open(ADAPTER, clock=clock.now)
        account = self.adapter.account
        self.venue.private = frozenset(() if account is None else (channel.name for channel in account.channels))
        self.contract: Contract = self.venue.books.contracts[0]
        self.hand = Hand(self.venue.books.contracts, clock)
        self.story = "the venue does as it should"

    # ---- the adapter ----

    @property
    def feed(self) -> Feed:
        return self.adapter.feed

    @property
    def account(self) -> Account:
        """The account; a check that needs one is skipped where there is none."""
        self.need_account()
        return cast("Account", self.adapter.account)

    def need_account(self) -> None:
        """Skip a check that is about accounts where there is none."""
        if self.adapter.account is None:
            pytest.skip("the adapter is read-only: it has no account")

    @property
    def streams(self) -> list[tuple[str, Stream]]:
        """The ports, by name."""
        ports: list[tuple[str, Stream]] = [("feed", self.feed)]
        return ports if self.adapter.account is None else [*ports, ("account", self.adapter.account)]

    def where(self, name: str, port: Any = None) -> str:
        """Where the author wrote this method of a port."""
        owner = port if port is not None else (self.adapter.account or self.feed)
        return place(owner, name)

    async def prepare(self) -> None:
        """As the core does before it connects."""
        await self.feed.contracts()
        if self.adapter.account is not None:
            await self.adapter.account.prepare()

    async def reopen(self) -> None:
        """Another object of the same settings, as a new run has it."""
        await self.adapter.aclose()
        self.adapter = self.settings.open(ADAPTER, clock=self.clock.now)

    # ---- streams ----

    async def subscribe(self, stream: Stream) -> Link:
        """Connect, and subscribe every channel."""
        link = await stream.connect()
        for channel in stream.channels:
            for frame in stream.subscribe(channel.name, self.venue.now() // SECOND_NS):
                await link.send(frame)
        return link

    async def read(self, stream: Stream, link: Link) -> list[Decoded]:
        """What comes until the link is quiet, decoded."""
        heard: list[Decoded] = []
        with anyio.move_on_after(QUIET_S):
            try:
                while True:
                    heard += [stream.decode(frame, self.clock.now()) for frame in await link.receive()]
            except LinkLostError:
                pass
        return heard

    # ---- orders ----

    def order(self, size: int = 2, price: int | None = 100, **changes: Any) -> Approved[SubmitOrder]:
        """An approved order in the first contract; a negative size sells."""

        def ask(desk: Desk) -> None:
            act = desk.buy if size > 0 else desk.sell
            act(self.contract.id, abs(size), price, **changes)

        return self.hand.approved(ask)

    async def placed(self, size: int = 2, **changes: Any) -> tuple[Approved[SubmitOrder], e.OrderUpdated]:
        """An order that rests at the venue, and what the venue says of it."""
        order = self.order(size, **changes)
        events = await self.account.submit(order)
        self.hand.hear(events)
        return order, self.theirs(order)

    def theirs(self, order: Approved[Any]) -> e.OrderUpdated:
        """The order in the venue's books."""
        found = [one for one in self.venue.books.listed(is_open=None) if one.client_id == order.command.client_id]
        if not found:
            broken(self.story, f"an order with the client id {order.command.client_id} at the venue", "none", self.where("submit"))
        return found[-1]

    def cancel_of(self, order: Approved[SubmitOrder]) -> Approved[CancelOrder]:
        return self.hand.approved(lambda desk: desk.cancel(order.command.client_id))

    def amend_of(self, order: Approved[SubmitOrder], **changes: Any) -> Approved[AmendOrder]:
        return self.hand.approved(lambda desk: desk.amend(order.command.client_id, **changes))

    # ---- whole runs ----

    def trading(self) -> AbstractAsyncContextManager[Run]:
        """A live run that trades; skipped where there is no account."""
        self.need_account()
        return self.running()

    @asynccontextmanager
    async def running(self, *, started: bool = True) -> AsyncIterator[Run]:
        """A live run, which goes on while the block does."""
        run = Run(self, trade=self.adapter.account is not None)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run.live.run)
            if started:
                await run.until(lambda: run.live.started, "contracts are listed and the account is reconciled", self.where("snapshot"))
            yield run
            tasks.cancel_scope.cancel()


def _end(state: e.OrderState) -> e.OrderState:
    """Venues differ in what they call the end of an order that found nobody."""
    return e.OrderState.CANCELED if state is e.OrderState.EXPIRED else state


def _short(event: e.Event) -> str:
    text = str(event)
    return text if len(text) <= 160 else text[:157] + "…"
