"""A simulated venue as a server on loopback that speaks Gate's options WebSocket and REST.

Owns the listening socket, the tasks of a server, and what a test may do to it: drop, pause, refuse. Everything it says
is made elsewhere; everything it hears is kept in `log`.
"""

from __future__ import annotations

import itertools
import json
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

import anyio
import attrs
from anyio.abc import SocketAttribute, SocketListener, SocketStream

from strikeloop.venue import Source
from strikeloop_venue.served.clock import PacedClock
from strikeloop_venue.served.frames import Dialect
from strikeloop_venue.served.limits import RateLimits
from strikeloop_venue.served.log import Received
from strikeloop_venue.served.market import MarketBoard
from strikeloop_venue.served.rest import PREFIX
from strikeloop_venue.served.rest_face import RestFace
from strikeloop_venue.served.running import Machine, RunningVenue
from strikeloop_venue.served.signing import Credentials
from strikeloop_venue.served.streams import Streams
from strikeloop_venue.served.ws_face import WebSocketFace, reset

LOG_KEPT = 200_000
WS_PATHS = {Dialect.SEED: "/ws/v4", Dialect.GATE: "/v4/ws"}

logger = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class Faults:
    """What goes wrong on purpose, from the start on; the methods of the server make the rest go wrong later.

    `skew_s`: the venue's time of day is off by so much. `answer_delay_s`: every REST answer waits so long. `drop_after_s`:
    wall seconds after the start at which private connections are reset. `refusals`: channels whose subscription is refused,
    with code and message. `queue_limit`: frames that may wait for one client before it is reset. `rate_limit`: REST requests
    per endpoint and window.
    """

    skew_s: float = 0.0
    answer_delay_s: float = 0.0
    drop_after_s: tuple[float, ...] = ()
    refusals: Mapping[str, tuple[int, str]] = attrs.field(factory=dict)
    queue_limit: int = 10_000
    rate_limit: int = 200


@attrs.define(eq=False)
class ServedVenue:
    """A running server. `log` holds what was received, oldest first: the last 180,000 messages at least."""

    host: str
    port: int
    dialect: Dialect
    venue: RunningVenue
    streams: Streams
    log: list[Received] = attrs.field(factory=list)
    _open: anyio.Event = attrs.field(factory=anyio.Event, init=False)
    _refusing_until: float = attrs.field(default=0.0, init=False)
    _accepted: int = attrs.field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._open.set()

    @property
    def ws_url(self) -> str:
        """Where the WebSocket is, on the path that the dialect's own document names."""
        return f"ws://{self._authority}{WS_PATHS[self.dialect]}"

    @property
    def rest_url(self) -> str:
        """The base of the REST endpoints."""
        return f"http://{self._authority}{PREFIX}"

    @property
    def _authority(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def drop(self, code: int | None = None) -> int:
        """End every connection that listens to the account: reset it, or close it with `code`; how many there were."""
        private = [connection for connection in self.streams.connections if connection.is_private]
        for connection in private:
            connection.drop(code)
        return len(private)

    def pause(self) -> None:
        """Fall silent: connections stay open, nothing is answered or pushed and the market stands still, until `resume`."""
        self._open = anyio.Event()
        self.venue.is_paused = True

    def resume(self) -> None:
        self._open.set()
        self.venue.is_paused = False

    def refuse_connections(self, seconds: float) -> None:
        """Reset every new connection for so long."""
        self._refusing_until = anyio.current_time() + seconds

    def refuse(self, channel: str, code: int, message: str) -> None:
        """Refuse subscriptions of this channel from now on."""
        self.streams.refusals[channel] = (code, message)

    def allow(self, channel: str) -> None:
        """Take subscriptions of this channel again."""
        self.streams.refusals.pop(channel, None)

    def orders_received(self) -> list[Received]:
        """The requests that would place, change or cancel an order."""
        return [item for item in self.log if item.method in ("POST", "PUT", "DELETE") and item.path.startswith(PREFIX + "/options/orders")]

    # ---- what the faces need ---------------------------------------------------------------------------------

    async def passed(self) -> None:
        """Wait while the server is paused."""
        await self._open.wait()

    def opened(self, path: str, connection: int) -> None:
        self._note(kind="connection", path=path, connection=connection)

    def frame(self, path: str, text: str, connection: int) -> None:
        message = _object(text)
        signed = message is not None and "auth" in message
        shown = None if message is None else {name: value for name, value in message.items() if name != "auth"}
        self._note(kind="frame", path=path, connection=connection, signed=signed, message=shown)

    def request(self, target: str, method: str, signed: bool, status: int, body: bytes, connection: int) -> None:
        path, _, query = target.partition("?")
        message = _object(body)
        self._note(
            kind="request", path=path, connection=connection, method=method, query=query, signed=signed, status=status, message=message
        )

    def _note(self, **fields: Any) -> None:
        self.log.append(Received(wall_s=self.venue.clock.wall_s(), **fields))
        if len(self.log) > LOG_KEPT:
            del self.log[: LOG_KEPT // 10]

    def admit(self) -> int | None:
        """The number of a new connection; None while connections are refused."""
        if anyio.current_time() < self._refusing_until:
            return None
        self._accepted += 1
        return self._accepted


def _object(text: str | bytes) -> dict[str, Any] | None:
    try:
        message = json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) else None


@asynccontextmanager
async def serve(
    source: Source,
    venue: Machine,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    dialect: str = "seed",
    key: str = "key",
    secret: str = "secret",  # noqa: S107  # the key of a venue that is not real
    user_id: int = 10_001,
    speed: float = 1.0,
    faults: Faults | None = None,
) -> AsyncIterator[ServedVenue]:
    """Serve `venue`, fed by `source`, until the block is left. Works on asyncio and trio.

    Virtual time begins with the source's first event and runs `speed` times as fast as the wall, so a source should begin
    at the present. `port` 0 takes a free one. Raises ValueError for an unknown dialect or a speed that is not positive,
    OSError when the port cannot be had.

    >>> async with serve(source, venue, dialect="gate") as server:     # doctest: +SKIP
    ...     print(server.ws_url, server.rest_url)
    """
    if not speed > 0:
        raise ValueError(f"speed is {speed}; expected a number greater than 0")
    chosen, faults = Dialect(dialect), faults or Faults()
    credentials = Credentials(key, secret, user_id)
    running = _running(source, venue, speed, faults)
    streams = Streams(running, chosen, credentials, dict(faults.refusals))
    running.publish_market, running.publish_account = streams.publish_market, streams.publish_account
    listener = await anyio.create_tcp_listener(local_host=host, local_port=port)
    server = ServedVenue(host, listener.extra(SocketAttribute.local_port), chosen, running, streams)
    rest = RestFace(running, credentials, server, server, RateLimits(faults.rate_limit), faults.answer_delay_s)
    web_socket = WebSocketFace(streams, server, server, faults.queue_limit)
    failure: Exception | None = None
    async with listener, anyio.create_task_group() as tasks:
        running.step()
        tasks.start_soon(running.run)
        tasks.start_soon(_listen, cast("SocketListener", listener), server, rest, web_socket)
        for delay in faults.drop_after_s:
            tasks.start_soon(_drop_later, server, delay)
        try:
            yield server
        except Exception as error:  # noqa: BLE001  # raised again below, outside of the group that would wrap it
            failure = error
        finally:
            tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure


def _running(source: Source, venue: Machine, speed: float, faults: Faults) -> RunningVenue:
    contracts = {contract.id: contract for contract in (*source.contracts(), *venue.contracts())}
    events = source.events()
    first = next(events, None)
    clock = PacedClock(start=0 if first is None else first.time, speed=speed, skew_s=faults.skew_s)
    rest = events if first is None else itertools.chain((first,), events)
    return RunningVenue(rest, venue, clock, MarketBoard.of(contracts.values()))


async def _drop_later(server: ServedVenue, delay: float) -> None:
    await anyio.sleep(delay)
    server.drop()


async def _listen(listener: SocketListener, server: ServedVenue, rest: RestFace, web_socket: WebSocketFace) -> None:
    async def handle(stream: SocketStream) -> None:
        async with stream:
            number = server.admit()
            if number is None:
                reset(stream)
                return
            try:
                upgrade = await rest.converse(stream, number)
                if upgrade is not None:
                    await web_socket.converse(stream, upgrade, number)
            except* (anyio.BrokenResourceError, anyio.ClosedResourceError):
                logger.debug("connection %d ended by the client", number)

    await listener.serve(handle)
