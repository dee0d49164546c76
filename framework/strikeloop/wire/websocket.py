"""WebSocket links: the thin anyio shell around the protocol in `framing`.

Owns the socket, the order of writes and the translation of every way a connection can fail into LinkLostError.
It never reconnects, subscribes, measures time for liveness or catches a cancellation.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

import anyio
import anyio.abc
import anyio.lowlevel
import attrs

from strikeloop.errors import AuthRejectedError, LinkLostError
from strikeloop.wire.endpoint import FAILURES, describe, open_stream, parse_endpoint
from strikeloop.wire.extras import require_live
from strikeloop.wire.network import network

if TYPE_CHECKING:
    from strikeloop.wire.framing import Framing, Opening

READ_SIZE = 262_144
CLOSE_WITHIN_S = 1.0
ABNORMAL = 1006


@attrs.define(eq=False)
class WebSocketLink:
    """One open WebSocket; made by `connect_websocket`. It is a `strikeloop.adapter.Link`.

    One task may wait in `receive` while others send. When a write fails, times out or is cancelled, half a frame may be
    on the wire: the link is then lost for both directions and the socket is closed at once.
    """

    _stream: anyio.abc.ByteStream
    _framing: Framing
    _name: str
    _write_timeout_s: float
    _arrived: bytes
    _ready: list[bytes] = attrs.field(init=False, factory=list)
    _loss: LinkLostError | None = attrs.field(init=False, default=None)
    _sending: anyio.Lock = attrs.field(init=False, factory=anyio.Lock)

    async def receive(self) -> list[bytes]:
        """The messages of one read of the socket; empty where it brought only a control frame or part of a frame.

        Every return is therefore a sign of life. A cancelled call loses nothing. Raises LinkLostError, whose `code` is
        the close code (1006 where there was none), after the last message was handed over.
        """
        if not self._ready and self._loss is None:
            await self._read()
        if not self._ready and self._loss is not None:
            raise self._lost()
        ready, self._ready = self._ready, []
        return ready

    async def send(self, frame: bytes) -> None:
        """Send one text frame. Raises LinkLostError, also when it could not be written in time."""
        async with self._sending:
            self._require_open()
            self._framing.send_text(frame)
            await self._write()

    async def ping(self) -> None:
        """Send a protocol ping. Raises LinkLostError."""
        async with self._sending:
            self._require_open()
            self._framing.send_ping()
            await self._write()

    async def aclose(self) -> None:
        """Close politely within a second, also when cancelled; never raises."""
        with anyio.CancelScope(shield=True):
            with anyio.move_on_after(CLOSE_WITHIN_S):
                await self._part()
            self._lose("closed by this side")
            await anyio.aclose_forcefully(self._stream)

    async def _read(self) -> None:
        try:
            data = await self._next()
        except anyio.EndOfStream:
            self._framing.feed_end()
            self._lose_as_told()
            return
        except FAILURES as exc:
            self._lose(f"reading failed: {describe(exc)}", exc)
            return
        self._ready = self._framing.feed(data)
        if self._framing.has_output:
            # A failure to answer is kept as the loss and raised once the messages are handed over.
            with suppress(LinkLostError):
                async with self._sending:
                    await self._write()
        if not self._framing.is_open:
            self._lose_as_told()

    async def _next(self) -> bytes:
        """What came with the handshake, nothing while the framing still has something, else what the socket brings."""
        if self._arrived or self._framing.has_more:
            await anyio.lowlevel.checkpoint()
            data, self._arrived = self._arrived, b""
            return data
        return await self._stream.receive(READ_SIZE)

    async def _write(self) -> None:
        """Send what is queued; the caller holds the lock."""
        data = self._framing.output()
        if not data:
            return
        is_whole = False
        try:
            with anyio.fail_after(self._write_timeout_s):
                await self._stream.send(data)
            is_whole = True
        except FAILURES as exc:
            self._lose(f"writing failed: {describe(exc)}", exc)
            raise self._lost() from exc
        finally:
            if not is_whole:
                self._lose("a write was cut short")
                await anyio.aclose_forcefully(self._stream)

    async def _part(self) -> None:
        """Send a close frame if none was, then let the other side end the connection, so that it can read ours."""
        with suppress(LinkLostError, anyio.BusyResourceError, *FAILURES):
            async with self._sending:
                if self._framing.is_open:
                    self._framing.send_close()
                await self._write()
            while True:
                await self._stream.receive(READ_SIZE)

    def _require_open(self) -> None:
        if self._loss is None and not self._framing.is_open:
            self._lose_as_told()
        if self._loss is not None:
            raise self._lost()

    def _lose(self, reason: str, cause: BaseException | None = None) -> None:
        if self._loss is None:
            self._loss = LinkLostError(f"{self._name}: {reason}", code=ABNORMAL)
            self._loss.__cause__ = cause

    def _lose_as_told(self) -> None:
        if self._loss is None:
            code, reason = self._framing.loss()
            self._loss = LinkLostError(f"{self._name}: {reason}", code=code)

    def _lost(self) -> LinkLostError:
        """A fresh error each time: one instance raised twice would collect both tracebacks."""
        if self._loss is None:
            return LinkLostError(f"{self._name}: closed", code=ABNORMAL)
        error = LinkLostError(str(self._loss), code=self._loss.code)
        error.__cause__ = self._loss.__cause__
        return error


async def connect_websocket(
    url: str,
    *,
    headers: Iterable[tuple[str, str]] = (),
    max_size: int = 1_048_576,
    connect_timeout_s: float = 10.0,
    write_timeout_s: float = 5.0,
    ca_file: str | None = None,
) -> WebSocketLink:
    """Open a link to `url`: wss, verified; or ws for a loopback host.

    `headers` are (name, value) pairs added to the handshake. `max_size` is the longest message in bytes; a longer one
    closes the link with 1009. `ca_file` (PEM) replaces the system's authorities. `connect_timeout_s` covers name
    resolution, TCP, TLS and handshake together. Compression is not offered and redirects are not followed.

    Raises LinkLostError when the connection cannot be made, AuthRejectedError for HTTP 401 and 403, ConfigError for a
    URL, header or file that can never work, or when the extra `strikeloop[live]` is not installed.
    """
    require_live("connect_websocket", "websockets")
    from strikeloop.wire.framing import Opening  # noqa: PLC0415 - needs an optional library

    endpoint = parse_endpoint(url, plain="ws", secure="wss")
    in_place = network()
    if in_place is not None:
        return await in_place.connect(url, tuple(headers))  # type: ignore[return-value]  # a Link, all that an adapter counts on
    opening = Opening.start(url, headers, max_size)
    try:
        with anyio.fail_after(connect_timeout_s):
            stream = await open_stream(endpoint, ca_file=ca_file, timeout_s=connect_timeout_s)
            framing, arrived = await _shake_hands(stream, opening)
    except (LinkLostError, AuthRejectedError) as exc:
        raise type(exc)(f"{endpoint}: {exc}", code=exc.code) from exc.__cause__
    except FAILURES as exc:
        raise LinkLostError(f"{endpoint}: cannot connect: {describe(exc)}") from exc
    return WebSocketLink(stream, framing, str(endpoint), write_timeout_s, arrived)


async def _shake_hands(stream: anyio.abc.ByteStream, opening: Opening) -> tuple[Framing, bytes]:
    try:
        await stream.send(opening.request)
        while (opened := opening.feed(await stream.receive(READ_SIZE))) is None:
            pass
    except BaseException:
        await anyio.aclose_forcefully(stream)
        raise
    return opened
