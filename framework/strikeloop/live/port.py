"""One port of one adapter in the world: carries out what its session asks for and reports back.

Owns `Port`. All decisions are the session's; this shell connects, reads, writes, and ends, and bounds how long each
of that may take. It never catches cancellation, and whatever a connection does ends in `session.lost`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

import anyio
from anyio.abc import TaskGroup

from strikeloop.adapter import Account, BookFeed, Decoded, Feed, Link, Stream
from strikeloop.clock import SECOND_NS, ServerClock
from strikeloop.contracts import ContractId
from strikeloop.errors import AuthRejectedError, DecodeError, VenueError
from strikeloop.events import Event
from strikeloop.live.clock import WallClock
from strikeloop.session import Connect, Drop, FetchBook, FetchFills, FetchSnapshot, Find, SendPing, Session, Subscribe

CONNECT_S = 30.0
SNAPSHOT_S = 20.0
FIND_S = 5.0
CLOSE_S = 1.0
POLICY_VIOLATION = 1008

Deliver = Callable[[Sequence[Event]], None]


class Port:
    """`deliver` receives the events the session releases, in order, synchronously."""

    def __init__(
        self,
        session: Session,
        stream: Feed | Account,
        clock: WallClock,
        venue_clock: ServerClock,
        deliver: Deliver,
        prepare: Callable[[], Awaitable[None]],
    ) -> None:
        self.session, self._stream, self._clock, self._deliver, self._prepare = session, stream, clock, deliver, prepare
        self._venue_clock = venue_clock
        self._tasks: TaskGroup | None = None
        self._link_tasks: TaskGroup | None = None
        self._reason, self._is_auth = "", False
        self._connect = anyio.Event()
        self._outbox: list[Subscribe | SendPing] = []
        self._written = anyio.Event()

    @property
    def stream(self) -> Stream:
        return self._stream

    async def run(self) -> None:
        """Until cancelled: keep one connection, whenever the session wants it."""
        try:
            async with anyio.create_task_group() as self._tasks:
                self.session.start(self._clock.now())
                self.pump()
                while True:
                    await self._connect.wait()
                    self._connect = anyio.Event()
                    await self._one_connection()
        finally:
            self._tasks = None

    def tick(self) -> None:
        """Time passed."""
        if self._tasks is not None:
            self.session.tick(self._clock.now())
            self.pump()

    def pump(self) -> None:
        """Release the session's events and carry out its actions, until it has neither."""
        while True:
            events, actions = self.session.take()
            if not events and not actions:
                return
            for action in actions:
                self._act(action)
            if events:
                self._deliver(events)

    def _act(self, action: object) -> None:
        match action:
            case Connect():
                self._connect.set()
            case Drop(reason):
                self._end(reason)
            case Subscribe() | SendPing():
                self._outbox.append(action)
                self._written.set()
            case FetchFills() | FetchSnapshot():
                self._start(self._link_tasks, self._fetch, action)  # one of an earlier connection would be too old
            case FetchBook(contract):
                self._start(self._link_tasks, self._fetch_book, contract)
            case Find():
                self._start(self._tasks, self.look_up, action)

    def _start(self, tasks: TaskGroup | None, function: Callable[..., Coroutine[Any, Any, None]], *args: object) -> None:
        if tasks is not None:
            tasks.start_soon(function, *args)

    def _end(self, reason: str, *, is_auth: bool = False) -> None:
        """This connection is over; the first reason is the one that counts."""
        if self._link_tasks is not None and not self._reason:
            self._reason, self._is_auth = reason, is_auth
            self._link_tasks.cancel_scope.cancel()

    async def _one_connection(self) -> None:
        self._reason, self._is_auth = "", False
        try:
            with anyio.fail_after(CONNECT_S):
                await self._prepare()
                link = await self._stream.connect()
        except AuthRejectedError as error:
            self._reason, self._is_auth = str(error), True
        except VenueError as error:
            self._reason = str(error)
        except TimeoutError:
            self._reason = f"no connection within {CONNECT_S:g} s"
        else:
            await self._use(link)
        self.session.lost(self._reason or "the connection ended", self._clock.now(), is_auth=self._is_auth)
        self.pump()

    async def _use(self, link: Link) -> None:
        self._outbox = []
        try:
            async with anyio.create_task_group() as self._link_tasks:
                self._link_tasks.start_soon(self._write, link)
                self.session.connected(self._clock.now())
                self.pump()
                await self._read(link)
        finally:
            self._link_tasks = None
            with anyio.move_on_after(CLOSE_S, shield=True):
                await link.aclose()

    async def _read(self, link: Link) -> None:
        while True:
            try:
                frames = await link.receive()
            except VenueError as error:
                self._end(str(error), is_auth=isinstance(error, AuthRejectedError) or error.code == POLICY_VIOLATION)
                return
            now = self._clock.now()
            self.session.alive(now)
            for frame in frames:
                decoded = self._decode(frame, now)
                if decoded is not None:
                    self.session.receive(decoded, now)
            self.pump()

    def _decode(self, frame: bytes, now: int) -> Decoded | None:
        try:
            return self._stream.decode(frame, now)
        except DecodeError as error:
            self.session.garbled(error, now)
            return None

    async def _write(self, link: Link) -> None:
        while True:
            await self._written.wait()
            self._written = anyio.Event()
            while self._outbox:
                action = self._outbox.pop(0)
                try:
                    await self._send(link, action)
                except VenueError as error:
                    self._end(str(error))
                    return

    async def _send(self, link: Link, action: Subscribe | SendPing) -> None:
        second = self._venue_clock.now() // SECOND_NS
        if isinstance(action, Subscribe):
            for frame in self._stream.subscribe(action.channel, second):
                await link.send(frame)
            return
        await link.ping()
        keep_alive = self._stream.ping(second)
        if keep_alive is not None:
            await link.send(keep_alive)

    async def _fetch(self, question: FetchFills | FetchSnapshot) -> None:
        try:
            with anyio.fail_after(SNAPSHOT_S):
                if isinstance(question, FetchFills):
                    fills = await self.account.fills(question.since)
                    self.session.fills(fills, self._clock.now())
                else:
                    self.session.snapshot(await self.account.snapshot())
        except (VenueError, TimeoutError) as error:
            self.session.snapshot_failed(str(error) or f"no answer within {SNAPSHOT_S:g} s", self._clock.now())
        self.pump()

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
    def _books(self) -> BookFeed:
        return self._stream  # type: ignore[return-value]  # a session asks for books of feeds that declare them only
