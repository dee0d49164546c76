"""HTTP for orders and queries: an httpx transport with a capped number of warm HTTP/1.1 connections.

Owns the connections, their cap and the rule what may be sent twice: a GET or HEAD, once, when a kept connection turned
out to be closed before a byte of the answer. It never repeats anything else, follows no redirect, and holds a place
only while a request runs, so that a cancelled one cannot leave it taken.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import anyio
import httpx

from strikeloop.wire.endpoint import Endpoint, open_stream, parse_endpoint
from strikeloop.wire.extras import require_live
from strikeloop.wire.network import network

if TYPE_CHECKING:
    from strikeloop.wire.exchange import Connection

REPEATABLE = frozenset({"GET", "HEAD"})
MAX_BODY = 8 * 1024 * 1024


class HttpTransport(httpx.AsyncBaseTransport):
    """Answers are read whole before they are handed over, so a place is free as soon as the request returns or is cancelled.

    `max_connections` bounds open connections, idle ones included; a request over it waits. `keepalive_s` is how long an
    idle one is kept. `connect_timeout_s` covers name resolution, TCP and TLS, `read_timeout_s` the whole answer; the
    timeouts of an httpx client, where it sends any, come first. `max_body` in bytes holds after unpacking. `ca_file`
    (PEM) replaces the system's authorities. Plain http is for loopback hosts.

    A request's extension `leaving`, a function without arguments, is called when its connection stands and its bytes leave,
    again where they leave again; the mapping of headers that it returns is sent: a signature is never older than the send.

    What an error says of the request:
    not sent: ConnectError, ConnectTimeout, PoolTimeout, LocalProtocolError, ConfigError;
    perhaps sent, outcome unknown: every other httpx.RequestError.
    """

    def __init__(
        self,
        *,
        max_connections: int = 10,
        keepalive_s: float = 120.0,
        connect_timeout_s: float = 5.0,
        read_timeout_s: float = 10.0,
        max_body: int = MAX_BODY,
        ca_file: str | None = None,
    ) -> None:
        require_live("HttpTransport", "h11")
        self._max_connections = max_connections
        self._keepalive_s = keepalive_s
        self._timeouts: dict[str, float | None] = {
            "connect": connect_timeout_s,
            "read": read_timeout_s,
            "write": read_timeout_s,
            "pool": read_timeout_s,
        }
        self._max_body = max_body
        self._ca_file = ca_file
        self._idle: list[Connection] = []
        self._places = anyio.Semaphore(max_connections, max_value=max_connections)
        self._is_closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send `request`, once, and return its answer, read and unpacked."""
        endpoint = _endpoint(request.url.scheme, request.url.userinfo, request.url.netloc)
        timeouts = self._timeouts | request.extensions.get("timeout", {})
        content = await request.aread()
        in_place = network()
        if in_place is not None:
            request.headers.update(request.extensions.get("leaving", dict)())
            return await in_place.answer(request, content)
        await self._take_place(endpoint, timeouts["pool"])
        try:
            return await self._exchange(endpoint, request, content, timeouts)
        finally:
            self._places.release()

    async def aclose(self) -> None:
        """Close every idle connection at once and each busy one when its request ends."""
        self._is_closed = True
        await self._discard(self._idle)

    async def _take_place(self, endpoint: Endpoint, timeout_s: float | None) -> None:
        try:
            self._places.acquire_nowait()
        except anyio.WouldBlock:
            try:
                with anyio.fail_after(timeout_s):
                    await self._places.acquire()
            except TimeoutError as exc:
                raise httpx.PoolTimeout(f"{endpoint}: all {self._max_connections} connections stayed busy") from exc

    async def _exchange(
        self, endpoint: Endpoint, request: httpx.Request, content: bytes, timeouts: dict[str, float | None]
    ) -> httpx.Response:
        kept = await self._kept(endpoint)
        if kept is not None:
            try:
                return await self._ask(kept, request, content, timeouts)
            except (httpx.WriteError, httpx.ReadError, httpx.RemoteProtocolError):
                if kept.is_answering or request.method not in REPEATABLE:
                    raise
        return await self._ask(await self._open(endpoint, timeouts["connect"]), request, content, timeouts)

    async def _ask(
        self, connection: Connection, request: httpx.Request, content: bytes, timeouts: dict[str, float | None]
    ) -> httpx.Response:
        is_kept = False
        try:
            response = await connection.ask(request, content, write_s=timeouts["write"], read_s=timeouts["read"], max_body=self._max_body)
            is_kept = connection.is_reusable and not self._is_closed
        finally:
            if is_kept:
                connection.idle_since = anyio.current_time()
                self._idle.append(connection)
            else:
                await anyio.aclose_forcefully(connection.stream)
        return response

    async def _kept(self, endpoint: Endpoint) -> Connection | None:
        """The idle connection to `endpoint` used last; first those too old or no longer alive are closed."""
        oldest = anyio.current_time() - self._keepalive_s
        dead = [kept for kept in self._idle if kept.idle_since < oldest or not kept.is_quiet()]
        await self._discard(dead)
        for connection in reversed(self._idle):
            if connection.endpoint == endpoint:
                self._idle.remove(connection)
                return connection
        return None

    async def _open(self, endpoint: Endpoint, timeout_s: float | None) -> Connection:
        from strikeloop.wire.exchange import Connection, translated  # noqa: PLC0415 - needs an optional library

        # Places taken and connections idle are together what is open, or about to be; the idle ones give way, oldest first.
        excess = len(self._idle) - self._places.value
        await self._discard(self._idle[: max(0, excess)])
        with translated(httpx.ConnectTimeout, httpx.ConnectError, f"{endpoint}: connecting"):
            stream = await open_stream(endpoint, ca_file=self._ca_file, timeout_s=float("inf") if timeout_s is None else timeout_s)
        return Connection(endpoint, stream)

    async def _discard(self, connections: list[Connection]) -> None:
        """Drop idle connections: from the list before anything is awaited, and all of them, cancelled or not."""
        self._idle = [kept for kept in self._idle if kept not in connections]
        with anyio.CancelScope(shield=True):
            for connection in connections:
                await anyio.aclose_forcefully(connection.stream)


@lru_cache(maxsize=64)
def _endpoint(scheme: str, userinfo: bytes, netloc: bytes) -> Endpoint:
    """The endpoint of an httpx URL, judged once: a client asks few."""
    user = f"{userinfo.decode('ascii')}@" if userinfo else ""
    return parse_endpoint(f"{scheme}://{user}{netloc.decode('ascii')}", plain="http", secure="https")


def open_http(
    base_url: str,
    *,
    max_connections: int = 10,
    keepalive_s: float = 120.0,
    connect_timeout_s: float = 5.0,
    read_timeout_s: float = 10.0,
    max_body: int = MAX_BODY,
    ca_file: str | None = None,
) -> httpx.AsyncClient:
    """A client for one venue over `HttpTransport`; options and errors are described there.

    No redirect is followed, so a signed header cannot reach a second host, and neither proxies nor credentials are taken
    from the environment. Raises ConfigError for a URL that may not be used.
    """
    parse_endpoint(base_url, plain="http", secure="https")
    transport = HttpTransport(
        max_connections=max_connections,
        keepalive_s=keepalive_s,
        connect_timeout_s=connect_timeout_s,
        read_timeout_s=read_timeout_s,
        max_body=max_body,
        ca_file=ca_file,
    )
    return httpx.AsyncClient(
        base_url=base_url,
        transport=transport,
        timeout=httpx.Timeout(read_timeout_s, connect=connect_timeout_s),
        follow_redirects=False,
        trust_env=False,
        headers={"accept-encoding": "gzip"},
    )
