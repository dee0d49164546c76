"""The fault proxy: a listening socket on loopback, one link for each client, and what a test may do to them.

Owns `FaultProxy`. It works in `async with` on asyncio and trio, and in `with`, where it runs in a thread of its own.
"""

from __future__ import annotations

import socket
import ssl
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterable
from contextlib import ExitStack
from functools import partial
from random import Random
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import anyio
from anyio.abc import ByteStream, TaskGroup
from anyio.from_thread import BlockingPortal, start_blocking_portal
from anyio.streams.tls import TLSStream

from strikeloop.testing.faults.link import Link
from strikeloop.testing.faults.nobody import serve_nobody
from strikeloop.testing.faults.pieces import Passing
from strikeloop.testing.faults.rules import Book, Rule
from strikeloop.testing.faults.sockets import Socket, listen
from strikeloop.testing.faults.what import Fault
from strikeloop.testing.faults.when import When
from strikeloop.wire.endpoint import open_stream, parse_endpoint

SEEN_KEPT = 20_000
PLAIN, SECURE = {"wss": "ws", "https": "http"}, {"ws": "wss", "http": "https"}


class FaultProxy:
    """Stands between clients and the server at `upstream` (http, https, ws or wss), or alone, where None is given.

    `rules` say what goes wrong; without any, everything passes. `tls` makes clients connect over TLS; `ca_file` is trusted
    on the way to a server with TLS. Alone, it accepts every WebSocket and answers 404 to every request that no rule
    answers. `seed` decides what rules leave to chance.

    >>> from strikeloop.testing.faults import Connections, FaultProxy, Reset, Rule
    >>> with FaultProxy(None, Rule(Connections(), Reset(), times=2)) as proxy:
    ...     proxy.url("ws://venue.example/v4/ws")
    'ws://127.0.0.1:.../v4/ws'
    """

    def __init__(
        self,
        upstream: str | None = None,
        *rules: Rule,
        seed: int = 0,
        tls: ssl.SSLContext | None = None,
        ca_file: str | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        self._upstream, self._ca_file, self._tls, self._host = upstream, ca_file, tls, host
        self._book, self._random = Book(seed), Random(f"{seed}/now")
        self._book.add(rules)
        self._links: dict[int, Link] = {}
        self._accepted = 0
        self._listener: socket.socket
        self._accepting: anyio.CancelScope
        self._tasks: TaskGroup
        self._portal: BlockingPortal | None = None
        self._thread = ExitStack()
        self._news: anyio.Event | None = None
        self.port = 0
        self.seen: deque[Passing] = deque(maxlen=SEEN_KEPT)
        """What came to pass, as it came, before any rule: the latest 20,000 pieces."""

    # ---- where clients go ----

    def url(self, url: str) -> str:
        """`url`, leading through this proxy: the same path at its address."""
        parts = urlsplit(url)
        scheme = PLAIN.get(parts.scheme, parts.scheme) if self._tls is None else SECURE.get(parts.scheme, parts.scheme)
        return parts._replace(scheme=scheme, netloc=f"{self._host}:{self.port}").geturl()

    # ---- what a test does ----

    def add(self, *rules: Rule) -> None:
        """Rules from now on, behind those there are; they count from here."""
        self._call(self._book.add, rules)

    def clear(self) -> None:
        """Forget every rule: from now on everything passes."""
        self._call(self._book.rules.clear)

    def now(self, fault: Fault, *, connections: Collection[int] | None = None) -> None:
        """Do `fault` at once to every open WebSocket, or to the connections with these numbers."""
        self._call(self._now, fault, connections)

    def thaw(self) -> None:
        """Let flow what freezes have stopped."""
        self._call(self._thaw)

    def refuse(self) -> None:
        """New connections are refused by the operating system from now on, until `accept`; those there are stay."""
        self._call(self._refuse)

    def accept(self) -> None:
        """Take connections again, at the same port."""
        self._call(self._accept)

    # ---- what a test sees ----

    @property
    def connections(self) -> int:
        """How many connections were accepted so far."""
        return self._accepted

    @property
    def open(self) -> tuple[int, ...]:
        """The numbers of the connections that are open."""
        return tuple(number for number, link in list(self._links.items()) if link.is_open)

    @property
    def websockets(self) -> tuple[int, ...]:
        """The numbers of the open WebSockets."""
        return tuple(number for number in self.open if self._links[number].is_websocket)

    def those(self, when: When) -> tuple[Passing, ...]:
        """Of what was seen, what matches."""
        return tuple(passing for passing in list(self.seen) if when.matches(passing))

    @property
    def unstruck(self) -> tuple[Rule, ...]:
        """The rules that have not struck yet."""
        return tuple(counted.rule for counted in self._book.rules if not counted.strikes)

    async def passed(self, when: When, count: int = 1, *, within_s: float = 5.0) -> tuple[Passing, ...]:
        """Wait until so many pieces that match have come. Raises TimeoutError."""
        with anyio.fail_after(within_s):
            while len(found := self.those(when)) < count:
                self._news = self._news or anyio.Event()
                await self._news.wait()
        return found

    # ---- its life ----

    async def __aenter__(self) -> Self:
        self._tasks = anyio.create_task_group()
        await self._tasks.__aenter__()
        self._accept()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None) -> None:
        self._refuse()
        self._tasks.cancel_scope.cancel()
        if isinstance(exc, Exception):  # the block's own, which the task group would wrap; a cancellation has to pass through it
            await self._tasks.__aexit__(None, None, None)
        else:
            await self._tasks.__aexit__(kind, exc, traceback)
        self._listener.close()  # where the task that does it was cancelled before it began

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            portal = stack.enter_context(start_blocking_portal())
            stack.enter_context(portal.wrap_async_context_manager(self))
            self._portal, self._thread = portal, stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._portal = None
        self._thread.close()

    # ---- inside ----

    def _call(self, function: Callable[..., None], *args: Any) -> None:
        if self._portal is None:
            function(*args)
        else:
            self._portal.call(partial(function, *args))

    def _now(self, fault: Fault, connections: Iterable[int] | None) -> None:
        for number in self.websockets if connections is None else connections:
            self._links[number].strike(fault, self._random)

    def _thaw(self) -> None:
        for link in self._links.values():
            link.thaw()

    def _refuse(self) -> None:
        self._accepting.cancel()
        if self._listener.fileno() >= 0:
            self._listener.shutdown(socket.SHUT_RDWR)  # at once, while closing waits until nobody accepts any more

    def _accept(self) -> None:
        self._listener, self._accepting = listen(self._host, self.port), anyio.CancelScope()
        self.port = self._listener.getsockname()[1]
        self._tasks.start_soon(self._take_connections, self._listener, self._accepting)

    async def _take_connections(self, listener: socket.socket, scope: anyio.CancelScope) -> None:
        with listener, scope:
            while True:
                await anyio.wait_readable(listener)
                try:
                    raw, _ = listener.accept()
                except BlockingIOError:
                    continue
                self._accepted += 1
                self._tasks.start_soon(self._serve, Link(self._accepted, Socket(raw), self._authority(), self._book, self._note))

    async def _serve(self, link: Link) -> None:
        self._links[link.number] = link
        secure: Callable[[ByteStream], Awaitable[ByteStream]] | None = None if self._tls is None else self._secure
        try:
            if self._upstream is not None:
                await link.run(secure, self._open_upstream)
                return
            async with anyio.create_task_group() as tasks:
                await link.run(secure, partial(self._open_nobody, tasks))
        finally:
            del self._links[link.number]

    def _authority(self) -> str:
        return f"{self._host}:{self.port}" if self._upstream is None else urlsplit(self._upstream).netloc

    async def _secure(self, stream: ByteStream) -> ByteStream:
        return await TLSStream.wrap(stream, server_side=True, ssl_context=self._tls, standard_compatible=False)

    async def _open_upstream(self) -> ByteStream:
        url = self._upstream or ""
        plain, secure = ("ws", "wss") if url.startswith("ws") else ("http", "https")
        return await open_stream(parse_endpoint(url, plain=plain, secure=secure), ca_file=self._ca_file)

    async def _open_nobody(self, tasks: TaskGroup) -> ByteStream:
        ours, theirs = socket.socketpair()
        tasks.start_soon(self._be_nobody, Socket(theirs))
        return Socket(ours)

    async def _be_nobody(self, stream: Socket) -> None:
        try:
            await serve_nobody(stream)
        finally:
            await stream.aclose()

    def _note(self, passing: Passing) -> None:
        self.seen.append(passing)
        if self._news is not None:
            news, self._news = self._news, None
            news.set()
