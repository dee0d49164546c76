"""One port of one adapter in the world: carries out what its session asks for and reports back.

Owns `Port`. All decisions are the session's; this shell keeps its connections, asks what the session wants to know, and
bounds how long each answer may take. It never catches cancellation.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

import anyio
import anyio.lowlevel
from anyio.abc import TaskGroup

from strikeloop.adapter import Account, BookFeed, Feed, KnowsFreezes, Stream
from strikeloop.clock import ServerClock
from strikeloop.contracts import ContractId
from strikeloop.errors import AuthRejectedError, DecodeError, VenueError
from strikeloop.events import Event, MmpTriggered
from strikeloop.live.clock import WallClock
from strikeloop.live.connection import Connection, Tap, ignore
from strikeloop.session import (
    Action,
    Connect,
    Drop,
    FetchBook,
    FetchContracts,
    FetchFills,
    FetchSnapshot,
    Find,
    Prepare,
    SendPing,
    Session,
    Subscribe,
    Unsubscribe,
)

SNAPSHOT_S = 20.0
FIND_S = 5.0

Deliver = Callable[[Sequence[Event]], None]
Quarantine = Callable[[str, str, DecodeError, int], None]
"""Takes the adapter, the port, what is wrong with a frame, and when it came."""


class Port:
    """`deliver` receives the events the session releases, in order, at once; `make_way` gives others a turn, `tap` sees raw frames."""

    def __init__(
        self,
        session: Session,
        stream: Feed | Account,
        clock: WallClock,
        venue_clock: ServerClock,
        deliver: Deliver,
        make_way: Callable[[], Awaitable[None]] = anyio.lowlevel.checkpoint,
        tap: Tap = ignore,
        *,
        quarantine: Quarantine | None = None,
    ) -> None:
        self._make_way, self._tap, self._quarantine = make_way, tap, quarantine
        self.session, self._stream, self._clock, self._venue_clock, self._deliver = session, stream, clock, venue_clock, deliver
        self._freezes = stream if isinstance(stream, KnowsFreezes) else None
        """Every order that protection withdrew tells that it was triggered; whoever keeps it knows whether that is the same freeze."""
        self._tasks: TaskGroup | None = None
        self._connections: dict[int, Connection] = {}
        self._asking: anyio.CancelScope | None = None

    @property
    def stream(self) -> Stream:
        return self._stream

    @property
    def lag_ns(self) -> int:
        """How long the last frames waited for the engine."""
        return max((connection.lag_ns for connection in self._connections.values()), default=0)

    async def run(self) -> None:
        """Until cancelled: keep the connections that the session wants."""
        try:
            async with anyio.create_task_group() as self._tasks:
                self.session.start(self._clock.now())
                self.pump()
                await anyio.sleep_forever()
        finally:
            self._tasks = None

    def tick(self) -> None:
        """Time passed."""
        if self._tasks is not None:
            now = self._clock.now()
            self.session.clock_is(self._venue_clock.offset_ns, now, is_doubtful=self._venue_clock.is_doubtful)
            self.session.tick(now)
            self.pump()

    def pump(self) -> None:
        """Release the session's events and carry out its actions, until it has neither."""
        while True:
            events, actions = self.session.take()
            if not events and not actions:
                return
            for action in actions:
                self._act(action)
            if self._freezes is not None:
                events = [event for event in events if type(event) is not MmpTriggered or self._freezes.triggered(event.underlying)]
            if events:
                self._deliver(events)

    def _act(self, action: Action) -> None:
        match action:
            case Connect(line):
                self._start(self._connect, line)
            case Drop(line, reason):
                if line in self._connections:
                    self._connections[line].end(reason)
            case Subscribe(line) | Unsubscribe(line) | SendPing(line):
                if line in self._connections:
                    self._connections[line].put(action)
            case FetchFills() | FetchSnapshot():
                if self._asking is not None:
                    self._asking.cancel()  # one question of a snapshot at a time: what was asked before is wanted no more
                self._asking = anyio.CancelScope()
                self._start(self._ask, action, self._asking)
            case FetchBook(contract):
                self._start(self._fetch_book, contract)
            case FetchContracts():
                self._start(self._report, self._list_contracts)
            case Prepare():
                self._start(self._report, self._prepare)
            case Find():
                self._start(self.look_up, action)

    def _start(self, function: Callable[..., Coroutine[Any, Any, None]], *args: object) -> None:
        if self._tasks is not None:
            self._tasks.start_soon(function, *args)

    # ---- connections ----

    async def _connect(self, line: int) -> None:
        connection = Connection(
            line,
            self.session,
            self._stream,
            self._clock,
            self._venue_clock,
            prepare=self._prepare,
            pump=self.pump,
            garbled=self._garbled,
            make_way=self._make_way,
            tap=self._tap,
        )
        self._connections[line] = connection
        try:
            await connection.run()
        finally:
            del self._connections[line]

    def _garbled(self, line: int, error: DecodeError, now: int) -> None:
        if self._quarantine is not None:
            self._quarantine(self.session.adapter, self.session.port, error, now)
        self.session.garbled(line, error, now)

    async def _prepare(self) -> None:
        if self.session.port == "account":
            await self.account.prepare()
        elif not self.session.is_listed:
            await self._list_contracts()

    async def _list_contracts(self) -> None:
        self.session.listed(await self._feed.contracts(), self._clock.now())
        self.pump()

    # ---- questions ----

    async def _report(self, request: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Ask for something that is asked for again anyway; people are told when it does not come."""
        try:
            with anyio.fail_after(SNAPSHOT_S):
                await request()
        except (VenueError, TimeoutError) as error:
            self.session.failed(str(error) or f"no answer within {SNAPSHOT_S:g} s", self._clock.now())
            self.pump()

    async def _ask(self, question: FetchFills | FetchSnapshot, scope: anyio.CancelScope) -> None:
        report = None
        with scope:
            report = await self._answer(question)
        if report is not None and scope is self._asking:
            report(self._clock.now())
            self.pump()

    async def _answer(self, question: FetchFills | FetchSnapshot) -> Callable[[int], None]:
        """What to tell the session, given the time."""
        try:
            with anyio.fail_after(SNAPSHOT_S):
                if isinstance(question, FetchFills):
                    fills = await self.account.fills(question.since)
                    return lambda now: self.session.fills(fills, now)
                snapshot = await self.account.snapshot()
        except (VenueError, TimeoutError) as error:
            reason = str(error) or f"no answer within {SNAPSHOT_S:g} s"
            is_auth = isinstance(error, AuthRejectedError)
            return lambda now: self.session.snapshot_failed(reason, now, is_auth=is_auth)
        return lambda _: self.session.snapshot(snapshot)

    async def _fetch_book(self, contract: ContractId) -> None:
        try:
            with anyio.fail_after(SNAPSHOT_S):
                book = await self._books.book(contract)
        except (VenueError, TimeoutError):
            self.session.book_failed(contract, self._clock.now())
        else:
            self.session.book(book, self._clock.now())
        self.pump()

    async def look_up(self, find: Find) -> None:
        """Ask the venue what it knows of an order, and tell the session."""
        try:
            with anyio.fail_after(FIND_S):
                order = await self.account.find(find.contract, client_id=find.client_id, order_id=find.order_id)
        except (VenueError, TimeoutError):
            self.session.find_failed(find, self._clock.now())
        else:
            self.session.found(find, order, self._clock.now())
        self.pump()

    @property
    def account(self) -> Account:
        """The stream as an account port; only sessions of account ports ask for what needs it."""
        return self._stream  # type: ignore[return-value]  # a feed's session issues no account actions

    @property
    def _feed(self) -> Feed:
        return self._stream  # type: ignore[return-value]  # an account's session lists no contracts

    @property
    def _books(self) -> BookFeed:
        return self._stream  # type: ignore[return-value]  # a session asks for books of feeds that declare them only
