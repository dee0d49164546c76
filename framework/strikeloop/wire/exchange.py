"""One HTTP/1.1 connection: a request out, its whole answer in.

Owns the bytes of one exchange over h11, the size of an answer, and the errors that say how far a request got. It never
decides to send a request again and knows nothing of the other connections.
"""

from __future__ import annotations

import select
import socket
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import anyio
import anyio.abc
import attrs
import h11
import httpx
from anyio.abc import SocketAttribute

from strikeloop.wire.endpoint import FAILURES, Endpoint, describe

READ_SIZE = 65_536
HEAD_LIMIT = 65_536


@contextmanager
def translated(timed_out: type[httpx.TransportError], failed: type[httpx.TransportError], what: str) -> Iterator[None]:
    """Raise what a byte stream raises as the httpx error for this stage."""
    try:
        yield
    except TimeoutError as exc:
        raise timed_out(f"{what}: {describe(exc)}") from exc
    except FAILURES as exc:
        raise failed(f"{what}: {describe(exc)}") from exc


@attrs.define(eq=False)
class Connection:
    """An open connection to one endpoint; `idle_since` is on the event loop's clock."""

    endpoint: Endpoint
    stream: anyio.abc.ByteStream
    idle_since: float = 0.0
    is_answering: bool = False
    _h11: h11.Connection = attrs.field(init=False)
    _socket: socket.socket | None = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._socket = self.stream.extra(SocketAttribute.raw_socket, None)
        self._h11 = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_LIMIT)

    @property
    def is_reusable(self) -> bool:
        """Whether the last exchange ended cleanly and left nothing behind that the next one would take for its answer."""
        return self._h11.our_state is h11.IDLE

    def is_quiet(self) -> bool:
        """Whether an idle connection looks alive: nothing to read, for an end or stray bytes are all that could come."""
        try:
            descriptor = self._socket.fileno() if self._socket is not None else -1
            return descriptor >= 0 and not _is_readable(descriptor)
        except (OSError, ValueError):
            return False

    async def ask(
        self, request: httpx.Request, content: bytes, *, write_s: float | None, read_s: float | None, max_body: int
    ) -> httpx.Response:
        """Send the request and read the whole answer; `read_s` is for all of it, not for each read.

        Raises httpx.LocalProtocolError (nothing was sent), or, once bytes may have left: WriteTimeout, WriteError,
        ReadTimeout, ReadError, RemoteProtocolError, DecodingError.
        """
        self.is_answering = False
        data = self._encode(request, content)
        with translated(httpx.WriteTimeout, httpx.WriteError, "sending the request"), anyio.fail_after(write_s):
            await self.stream.send(data)
        with translated(httpx.ReadTimeout, httpx.ReadError, "waiting for the answer"), anyio.fail_after(read_s):
            head, body = await self._answer(max_body)
        if self._h11.our_state is h11.DONE and self._h11.their_state is h11.DONE and self._h11.trailing_data == (b"", False):
            self._h11.start_next_cycle()
        return _response(head, body, max_body)

    def _encode(self, request: httpx.Request, content: bytes) -> bytes:
        signed = request.extensions.get("leaving", dict)()
        headers = [*request.headers.raw, *((name.encode(), value.encode()) for name, value in signed.items())]
        try:
            head = h11.Request(method=request.method, target=request.url.raw_path, headers=headers)
            parts = [self._h11.send(head)]
            if content:
                parts.append(self._h11.send(h11.Data(data=content)))
            parts.append(self._h11.send(h11.EndOfMessage()))
        except h11.LocalProtocolError as exc:
            raise httpx.LocalProtocolError(str(exc)) from exc
        return b"".join(part for part in parts if part)

    async def _answer(self, max_body: int) -> tuple[h11.Response, bytes]:
        head = await self._event()
        while isinstance(head, h11.InformationalResponse) and head.status_code != 101:
            head = await self._event()
        if not isinstance(head, h11.Response):
            raise httpx.RemoteProtocolError("the venue's answer is not an HTTP response")
        body = bytearray()
        while isinstance(part := await self._event(), h11.Data):
            body += part.data
            if len(body) > max_body:
                raise httpx.ReadError(f"the answer is longer than {max_body} bytes")
        return head, bytes(body)

    async def _event(self) -> h11.Event | None:
        """The next part of the answer; None where the connection has stopped being HTTP."""
        try:
            while True:
                event = self._h11.next_event()
                if isinstance(event, h11.Event):
                    return event
                if event is h11.PAUSED:
                    return None
                await self._fill()
        except h11.RemoteProtocolError as exc:
            raise httpx.RemoteProtocolError(describe(exc)) from exc

    async def _fill(self) -> None:
        try:
            data = await self.stream.receive(READ_SIZE)
        except anyio.EndOfStream:
            data = b""
        self.is_answering = self.is_answering or bool(data)
        self._h11.receive_data(data)


def _is_readable(descriptor: int) -> bool:
    if not hasattr(select, "poll"):  # Windows, where select has no limit on the descriptor's number
        return bool(select.select([descriptor], [], [], 0)[0])
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


def _response(head: h11.Response, body: bytes, max_body: int) -> httpx.Response:
    headers = head.headers.raw_items()
    coding = b", ".join(value for name, value in headers if name.lower() == b"content-encoding").decode("latin-1").lower()
    if coding not in ("", "identity"):
        # Unpacked here, because httpx would unpack without a limit.
        body = _unpacked(body, coding, max_body)
        headers = [item for item in headers if item[0].lower() not in (b"content-encoding", b"content-length")]
    return httpx.Response(
        head.status_code,
        headers=headers,
        stream=httpx.ByteStream(body),
        extensions={"http_version": b"HTTP/" + head.http_version, "reason_phrase": head.reason},
    )


def _unpacked(body: bytes, coding: str, max_body: int) -> bytes:
    if not body:
        return body
    if coding not in ("gzip", "x-gzip"):
        raise httpx.DecodingError("the answer has a content coding that was not asked for")
    gzip = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        content = gzip.decompress(body, max_body + 1)
    except zlib.error as exc:
        raise httpx.DecodingError(f"the answer's gzip is damaged: {exc}") from exc
    if len(content) > max_body:
        raise httpx.DecodingError(f"the answer is longer than {max_body} bytes once unpacked")
    if not gzip.eof or gzip.unused_data:
        raise httpx.DecodingError("the answer's gzip is cut short or followed by something else")
    return content
