"""WebSockets over one connection: bytes to text frames and back, with the sans-IO protocol of websockets.

Owns the handshake, which paths exist, and the three tasks of a connection. What is said is the business of Conversation.
"""

from __future__ import annotations

import http
import re
import socket
from typing import Protocol

import anyio
import attrs
from anyio.abc import ByteStream, SocketAttribute
from websockets.exceptions import InvalidState
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from strikeloop_venue.served.conversation import Conversation
from strikeloop_venue.served.outbox import Connection, Outbox
from strikeloop_venue.served.streams import Streams

READ_SIZE = 65_536
LARGEST_FRAME = 1 << 20
GOODBYE_S = 1.0
GOING_AWAY = 1001
_PATHS = re.compile(r"/v4/ws(/usdt|/btc)?/?|/ws/v4/?|.*op-.*")


class Rules(Protocol):
    """How a connection is kept: frames that may wait, seconds between pings, seconds of silence that end it."""

    @property
    def queue_limit(self) -> int: ...

    @property
    def ping_interval_s(self) -> float: ...

    @property
    def idle_timeout_s(self) -> float: ...


class Notes(Protocol):
    """Where connections and frames are written down."""

    def opened(self, path: str, connection: int) -> None: ...

    def frame(self, path: str, text: str, connection: int) -> None: ...


class Valve(Protocol):
    """What holds every byte back while the server is paused."""

    async def passed(self) -> None: ...


@attrs.define(eq=False)
class WebSocketFace:
    """Carries WebSocket connections for one server."""

    streams: Streams
    conversation: Conversation
    notes: Notes
    valve: Valve
    rules: Rules

    async def converse(self, stream: ByteStream, upgrade: bytes, number: int) -> None:
        """Serve one connection, from its upgrade request on, until either side, or a drop, ends it."""
        protocol = ServerProtocol(max_size=LARGEST_FRAME)
        protocol.receive_data(upgrade)
        path = await _shake_hands(protocol, stream)
        if path is None:
            return
        self.notes.opened(path, number)
        with anyio.CancelScope() as scope:
            link = _Link(stream, protocol, path, scope, self)
            connection = Connection(number, path, Outbox(self.rules.queue_limit), link.drop)
            self.streams.connections.append(connection)
            try:
                await link.carry(connection)
            finally:
                self.streams.leave(connection)
        await link.say_goodbye()


@attrs.define(eq=False)
class _Link:
    """The socket of one WebSocket connection."""

    stream: ByteStream
    protocol: ServerProtocol
    path: str
    scope: anyio.CancelScope
    face: WebSocketFace
    ending: tuple[int | None] | None = None
    """Set by a drop: its close code, None for a reset."""
    _lock: anyio.Lock = attrs.field(factory=anyio.Lock)
    _text: bytes = b""
    _heard_at: float = attrs.field(factory=anyio.current_time)

    def drop(self, code: int | None) -> None:
        self.ending = (code,)
        self.scope.cancel()

    async def carry(self, connection: Connection) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._write, connection)
            tasks.start_soon(self._watch, connection)
            await self._read(connection)
            tasks.cancel_scope.cancel()

    async def _read(self, connection: Connection) -> None:
        while True:
            self._hear(connection)
            await self._flush()
            if self.protocol.close_expected() or self.protocol.state is not OPEN:
                return
            data = await _receive(self.stream)
            await self._may_go(connection)
            self._heard_at = anyio.current_time()
            if data:
                self.protocol.receive_data(data)
            else:
                self.protocol.receive_eof()

    def _hear(self, connection: Connection) -> None:
        for frame in self.protocol.events_received():
            if not isinstance(frame, Frame) or frame.opcode not in (Opcode.TEXT, Opcode.CONT):
                continue
            self._text += frame.data
            if not frame.fin:
                continue
            text, self._text = self._text.decode("utf-8", "replace"), b""
            self.face.notes.frame(self.path, text, connection.number)
            self.face.conversation.hear(connection, text)

    async def _write(self, connection: Connection) -> None:
        while True:
            for frame in await connection.outbox.take():
                await self._may_go(connection)
                if self.protocol.state is not OPEN:  # the client began to close while frames waited: they have no reader any more
                    return
                self.protocol.send_text(frame)
            await self._flush()

    async def _watch(self, connection: Connection) -> None:
        """Ping, and end the connection of a client that has said nothing for too long: not even a pong."""
        rules = self.face.rules
        while True:
            await anyio.sleep(rules.ping_interval_s)
            if anyio.current_time() - self._heard_at > rules.idle_timeout_s:
                self.drop(GOING_AWAY)
                return
            await self._may_go(connection)
            if self.protocol.state is not OPEN:
                return
            self.protocol.send_ping(b"")
            with anyio.move_on_after(rules.idle_timeout_s) as scope:
                await self._flush()
            if scope.cancelled_caught:  # its buffers are full: it has stopped reading
                self.drop(None)
                return

    async def _may_go(self, connection: Connection) -> None:
        """Wait while the server or this connection is held still."""
        await self.face.valve.passed()
        await connection.thawed()

    async def _flush(self) -> None:
        # Reader and writer both come here; what the protocol made first must leave first.
        async with self._lock:
            data = b"".join(self.protocol.data_to_send())
            if data:
                await self.stream.send(data)

    async def say_goodbye(self) -> None:
        """End as the drop asked for: a reset leaves no FIN, a code a close frame."""
        if self.ending is None:
            return
        code = self.ending[0]
        if code is None:
            reset(self.stream)
            return
        with anyio.move_on_after(GOODBYE_S):
            try:
                self.protocol.send_close(code, "")
            except InvalidState:
                return
            await self._flush()
            # It is the server who lets go of the socket, as soon as the client has answered the close.
            while self.protocol.close_rcvd is None and (data := await _receive(self.stream)):
                self.protocol.receive_data(data)


def reset(stream: ByteStream) -> None:
    """Make closing this connection abortive: the peer sees a reset."""
    raw = stream.extra(SocketAttribute.raw_socket)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")


async def _shake_hands(protocol: ServerProtocol, stream: ByteStream) -> str | None:
    """Accept or refuse the upgrade; the path when it was accepted."""
    path = ""
    for request in protocol.events_received():
        if isinstance(request, Request):
            path = request.path.partition("?")[0]
            known = _PATHS.fullmatch(path) is not None
            protocol.send_response(protocol.accept(request) if known else protocol.reject(http.HTTPStatus.NOT_FOUND, "no such path\n"))
    await stream.send(b"".join(protocol.data_to_send()))
    return path if protocol.state is OPEN else None


async def _receive(stream: ByteStream) -> bytes:
    try:
        return await stream.receive(READ_SIZE)
    except anyio.EndOfStream:
        return b""
