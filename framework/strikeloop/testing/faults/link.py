"""One client's connection through the proxy: two pumps, and the carrying out of what the rules have decided.

Owns `Link`. Pieces of one direction are carried one after another; a write is never cut by another one. It decides
nothing: the book does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from random import Random

import anyio
import anyio.lowlevel
import attrs
from anyio.abc import ByteStream, TaskGroup

from strikeloop.testing.faults.ops import Keep, Op, Part, Pause, Shape, Still, Write
from strikeloop.testing.faults.pieces import Opened, Passing, Piece, Request, Side, with_headers
from strikeloop.testing.faults.rules import Book
from strikeloop.testing.faults.sockets import FAILURES, Socket
from strikeloop.testing.faults.splitter import Splitter, Talk
from strikeloop.testing.faults.what import Fault

PARTING_S = 1.0


@attrs.define(eq=False)
class Link:
    """`note` hears of every piece before it is judged; `host` is what requests name as the server."""

    number: int
    socket: Socket
    host: str
    _book: Book
    _note: Callable[[Passing], None]
    is_open: bool = attrs.field(default=False, init=False)
    """False once a fault or a side has ended it, also while the client is still given time to read."""
    _streams: dict[Side, ByteStream] = attrs.field(factory=dict, init=False)
    _talk: Talk = attrs.field(factory=Talk, init=False)
    _locks: dict[Side, anyio.Lock] = attrs.field(factory=lambda: {"client": anyio.Lock(), "server": anyio.Lock()}, init=False)
    _kept: dict[Side, list[Keep]] = attrs.field(factory=lambda: {"client": [], "server": []}, init=False)
    _shapes: dict[Side, Shape] = attrs.field(factory=dict, init=False)
    _gathered: dict[Side, list[bytes]] = attrs.field(factory=lambda: {"client": [], "server": []}, init=False)
    _flowing: anyio.Event = attrs.field(factory=anyio.Event, init=False)
    _is_reset: bool = attrs.field(default=True, init=False)
    _tasks: TaskGroup = attrs.field(init=False)

    @property
    def is_websocket(self) -> bool:
        """Whether both sides have agreed to speak frames."""
        return self._talk.is_websocket

    async def run(
        self, secure: Callable[[ByteStream], Awaitable[ByteStream]] | None, open_server: Callable[[], Awaitable[ByteStream]]
    ) -> None:
        """Serve until either side leaves or a fault ends it; then both connections are closed."""
        self._flowing.set()
        try:
            async with anyio.create_task_group() as self._tasks:
                self.is_open = True
                self._streams["client"] = self.socket
                await self._carry(Passing(Opened(), "client", self.number))
                try:
                    if secure is not None:
                        self._streams["client"] = await secure(self.socket)
                    self._streams["server"] = await open_server()
                except (anyio.EndOfStream, *FAILURES):
                    await self._do(Part(is_reset=True))
                self._tasks.start_soon(self._pump, "client", "server")
                self._tasks.start_soon(self._pump, "server", "client")
        finally:
            self.is_open = False
            with anyio.CancelScope(shield=True):
                await self._close()

    def strike(self, fault: Fault, random: Random) -> None:
        """Do `fault` now, beside whatever passes."""
        self._tasks.start_soon(self._do_all, list(fault.ops(Passing(Opened(), "client", self.number), random)))

    def thaw(self) -> None:
        """Let flow what a freeze has stopped."""
        self._flowing.set()

    async def _pump(self, source: Side, to: Side) -> None:
        splitter = Splitter(to, self._talk)
        try:
            while True:
                for piece in splitter.feed(await self._streams[source].receive()):
                    await self._carry(Passing(self._forwarded(piece), to, self.number))
        except anyio.EndOfStream:
            for piece in splitter.end():
                await self._carry(Passing(piece, to, self.number))
            await self._end(is_reset=False)
        except FAILURES:
            await self._end(is_reset=True)

    async def _end(self, *, is_reset: bool) -> None:
        """A side has left; over a frozen line the other one does not hear of it."""
        await self._flowing.wait()
        await self._do(Part(is_reset=is_reset))

    def _forwarded(self, piece: Piece) -> Piece:
        """Requests name the server they reach, and offer no compression of frames: nobody here could read it."""
        if not isinstance(piece, Request):
            return piece
        changes: dict[str, str | None] = {"host": self.host, "sec-websocket-extensions": None}
        return attrs.evolve(piece, headers=with_headers(piece.headers, changes), raw=b"")

    async def _carry(self, passing: Passing) -> None:
        self._note(passing)
        ops = self._book.decide(passing)
        kept, self._kept[passing.to] = self._kept[passing.to], []
        await self._do_all([Write.of(passing.piece, passing.to)] if ops is None else ops)
        for keep in kept:
            if keep.behind > 1:
                self._kept[passing.to].append(attrs.evolve(keep, behind=keep.behind - 1))
            else:
                await self._do(keep.write)

    async def _do_all(self, ops: list[Op]) -> None:
        for op in ops:
            await self._do(op)

    async def _do(self, op: Op) -> None:
        match op:
            case Write():
                await self._write(op)
            case Keep():
                self._kept[op.write.to].append(op)
            case Pause():
                await anyio.sleep(op.seconds)
            case Shape():
                self._shape(op)
            case Still():
                self._flowing = anyio.Event()
                if op.seconds is not None:
                    self._tasks.start_soon(self._thaw_after, op.seconds)
            case Part():
                await self._flush("client")
                self.is_open, self._is_reset = False, op.is_reset
                self._tasks.cancel_scope.cancel()
                await anyio.lowlevel.checkpoint()

    def _shape(self, shape: Shape) -> None:
        self._shapes[shape.to] = shape
        if shape.to == "client":
            self.socket.size, self.socket.pause_s = shape.size, shape.pause_s

    async def _thaw_after(self, seconds: float) -> None:
        await anyio.sleep(seconds)
        self.thaw()

    async def _write(self, write: Write) -> None:
        if write.request is not None and write.to == "server":
            self._talk.asked.append(write.request)
        if not write.data:
            return
        shape = self._shapes.get(write.to)
        if shape is None or shape.gather == 1:
            await self._send(write.to, write.data)
            return
        gathered = self._gathered[write.to]
        gathered.append(write.data)
        if len(gathered) >= shape.gather:
            await self._flush(write.to)
        elif len(gathered) == 1:
            self._tasks.start_soon(self._flush_after, write.to, shape.within_s)

    async def _flush_after(self, to: Side, seconds: float) -> None:
        await anyio.sleep(seconds)
        await self._flush(to)

    async def _flush(self, to: Side) -> None:
        gathered, self._gathered[to] = self._gathered[to], []
        if gathered:
            await self._send(to, b"".join(gathered))

    async def _send(self, to: Side, data: bytes) -> None:
        await self._flowing.wait()
        async with self._locks[to]:
            try:
                await self._streams[to].send(data)
            except FAILURES:
                await self._do(Part(is_reset=True))

    async def _close(self) -> None:
        server = self._streams.get("server")
        if server is not None:
            await anyio.aclose_forcefully(server)
        if self._is_reset:
            self.socket.reset()
        else:
            await self._part_politely()
        await self.socket.aclose()

    async def _part_politely(self) -> None:
        """Say that nothing more comes, and read what the client still says: closing over unread bytes would be a reset."""
        with anyio.move_on_after(PARTING_S):
            try:
                await self.socket.send_eof()
                while True:
                    await self.socket.receive()
            except (anyio.EndOfStream, *FAILURES):
                return
