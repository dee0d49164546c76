"""Loopback servers for the tests of the wire: raw TCP, TLS, a WebSocket venue and an HTTP venue, all told what to do by the test."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import attrs
import h11
from anyio.abc import ByteStream, Listener, SocketAttribute
from anyio.streams.tls import TLSListener
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

ENDED = (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError, OSError)


@asynccontextmanager
async def serving(handler: Callable[[ByteStream], Awaitable[None]], *, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Serve on a free port of 127.0.0.1 until the block ends; a client that goes away is no error."""

    async def handle(stream: ByteStream) -> None:
        async with stream:
            with suppress(*ENDED):
                await handler(stream)

    listener: Listener[Any] = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(SocketAttribute.local_port)
    if tls is not None:
        listener = TLSListener(listener, tls, standard_compatible=False)
    failure: Exception | None = None
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, handle)
        try:
            yield port
        except Exception as exc:  # noqa: BLE001 - raised again below, where the task group does not wrap it
            failure = exc
        tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure


async def until(condition: Callable[[], bool]) -> None:
    """Let the other tasks run until `condition` holds."""
    with anyio.fail_after(5):
        while not condition():  # noqa: ASYNC110 - what is waited for happens beyond a socket
            await anyio.sleep(0.001)


def frame(opcode: int, payload: bytes, *, fin: bool = True, reserved: int = 0, masked: bool = False, form: int | None = None) -> bytes:
    """One frame as a server writes it; `form` (125, 126, 127) chooses how the length is written, wasteful or not."""
    size = len(payload)
    form = form or (125 if size < 126 else 126 if size < 65_536 else 127)
    mark = 0x80 if masked else 0
    first = (0x80 if fin else 0) | reserved << 4 | opcode
    head = {125: bytes([first, mark | size & 0x7F]), 126: bytes([first, mark | 126]), 127: bytes([first, mark | 127])}[form]
    head += b"" if form == 125 else size.to_bytes(2 if form == 126 else 8, "big")
    return head + (b"\0\0\0\0" if masked else b"") + payload


def text(payload: str) -> bytes:
    return frame(Opcode.TEXT, payload.encode())


@attrs.define(eq=False)
class VenueSide:
    """The server's end of one WebSocket: raw bytes out, frames in."""

    stream: ByteStream
    request: Request
    protocol: ServerProtocol
    frames: list[Frame] = attrs.field(factory=list)

    async def write(self, *pieces: bytes) -> None:
        """Each piece is one write, and the client is given time to read it on its own."""
        for piece in pieces:
            await self.stream.send(piece)
            await anyio.lowlevel.checkpoint()

    async def read(self) -> Frame:
        """The next frame of the client."""
        while not self.frames:
            self.protocol.receive_data(await self.stream.receive())
            self.frames += [event for event in self.protocol.events_received() if isinstance(event, Frame)]
        return self.frames.pop(0)


async def accept(stream: ByteStream, *, extra: bytes = b"", cut: Callable[[bytes], list[bytes]] = lambda data: [data]) -> VenueSide:
    """Answer the client's handshake; `extra` follows the answer, and `cut` says how both are sliced into writes."""
    protocol = ServerProtocol(max_size=None)
    requests: list[Request] = []
    while not requests:
        protocol.receive_data(await stream.receive())
        requests = [event for event in protocol.events_received() if isinstance(event, Request)]
    protocol.send_response(protocol.accept(requests[0]))
    side = VenueSide(stream, requests[0], protocol)
    await side.write(*cut(b"".join(protocol.data_to_send()) + extra))
    return side


def venue(script: Callable[[VenueSide], Awaitable[None]], **how: Any) -> Callable[[ByteStream], Awaitable[None]]:
    """A handler that accepts the WebSocket and then runs `script`."""

    async def handle(stream: ByteStream) -> None:
        await script(await accept(stream, **how))

    return handle


@attrs.define(eq=False)
class Asked:
    """One request as the HTTP venue saw it."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@attrs.define(eq=False)
class HttpVenue:
    """Serves HTTP/1.1 with keep-alive; `answer` gets each request and the stream, and returns the bytes to write (None: hang up)."""

    answer: Callable[[Asked, ByteStream], Awaitable[bytes | None]]
    asked: list[Asked] = attrs.field(factory=list)
    connections: int = 0
    open_now: int = 0
    most_open: int = 0

    async def __call__(self, stream: ByteStream) -> None:
        self.connections += 1
        self.open_now += 1
        self.most_open = max(self.most_open, self.open_now)
        try:
            while (asked := await _next_request(stream)) is not None:
                self.asked.append(asked)
                data = await self.answer(asked, stream)
                if data is None:
                    return
                await stream.send(data)
        finally:
            self.open_now -= 1


async def _next_request(stream: ByteStream) -> Asked | None:
    machine = h11.Connection(h11.SERVER)
    head: h11.Request | None = None
    body = b""
    while True:
        event = machine.next_event()
        if event is h11.NEED_DATA:
            try:
                machine.receive_data(await stream.receive())
            except ENDED:
                return None
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            headers = {name.decode(): value.decode() for name, value in head.headers}
            return Asked(head.method.decode(), head.target.decode(), headers, body)


def answered(body: bytes = b"{}", *, status: str = "200 OK", headers: bytes = b"") -> bytes:
    """A whole answer."""
    return b"HTTP/1.1 %s\r\ncontent-length: %d\r\n%s\r\n%s" % (status.encode(), len(body), headers, body)
