"""A simulated venue as a server on loopback that speaks Gate's options WebSocket and REST.

Owns the listening socket, the tasks of a server, and what a test may do to it: drop, pause, refuse. Everything it says
is made elsewhere; everything it hears is kept in `log`.
"""

from __future__ import annotations

import itertools
import json
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import anyio
import attrs
from anyio.abc import SocketAttribute, SocketListener, SocketStream

from strikeloop.venue import Source
from strikeloop_venue.served.clock import PacedClock
from strikeloop_venue.served.control import PREFIX as CONTROL
from strikeloop_venue.served.control import Control
from strikeloop_venue.served.conversation import Conversation
from strikeloop_venue.served.frames import Dialect
from strikeloop_venue.served.injection import Injection
from strikeloop_venue.served.limits import Limit, RateLimits
from strikeloop_venue.served.log import Received
from strikeloop_venue.served.market import MarketBoard
from strikeloop_venue.served.member import Machine
from strikeloop_venue.served.outbox import Connection
from strikeloop_venue.served.rest import PREFIX
from strikeloop_venue.served.rest_face import LostError, RestFace
from strikeloop_venue.served.running import RunningVenue
from strikeloop_venue.served.signing import Credentials
from strikeloop_venue.served.streams import PULSE_S, Streams
from strikeloop_venue.served.ws_face import WebSocketFace, reset

LOG_KEPT = 10_000
WS_PATHS = {Dialect.SEED: "/ws/v4", Dialect.GATE: "/op-ws/v4/ws"}

logger = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class Faults:
    """What goes wrong on purpose, from the start on; the methods of the server and its `injection` make the rest go wrong later.

    `skew_s`: the venue's time of day is off by so much. `answer_delay_s`: every REST answer waits so long. `drop_after_s`:
    wall seconds after the start at which private connections are reset. `refusals`: channels whose subscription is refused,
    with code and message.
    """

    skew_s: float = 0.0
    answer_delay_s: float = 0.0
    drop_after_s: tuple[float, ...] = ()
    refusals: Mapping[str, tuple[int, str]] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class ServerRules:
    """How clients are kept in bounds. `rate_limits`: REST requests by group (public, private, orders, cancels).

    `queue_limit`: frames that may wait for one client before it is reset. `ping_interval_s`: wall seconds between two protocol
    pings; a client that has said nothing for `idle_timeout_s`, not even a pong, is dropped, as is a silent REST connection.
    """

    rate_limits: Mapping[str, Limit] = attrs.field(factory=dict)
    queue_limit: int = 10_000
    ping_interval_s: float = 15.0
    idle_timeout_s: float = 60.0


@attrs.frozen(kw_only=True)
class Login:
    """One account of a server: its key, whose it is, and the machine that trades for it."""

    key: str
    secret: str = attrs.field(repr=False)
    user_id: int
    machine: Machine


@attrs.define(eq=False)
class ServedVenue:
    """A running server. `log` holds what was received, oldest first: the last 10,000 messages."""

    host: str
    port: int
    dialect: Dialect
    venue: RunningVenue
    streams: Streams
    conversation: Conversation
    injection: Injection
    log: deque[Received] = attrs.field(factory=lambda: deque(maxlen=LOG_KEPT))
    _open: anyio.Event = attrs.field(factory=anyio.Event, init=False)
    _refusing_until: float = attrs.field(default=0.0, init=False)
    _accepted: int = attrs.field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._open.set()

    @property
    def ws_url(self) -> str:
        """Where the WebSocket is: on a path that the dialect's clients know theirs by."""
        return f"ws://{self._authority}{WS_PATHS[self.dialect]}"

    @property
    def rest_url(self) -> str:
        """The base of the REST endpoints."""
        return f"http://{self._authority}{PREFIX}"

    @property
    def control_url(self) -> str:
        """The base of the control endpoint, where one was asked for."""
        return f"http://{self._authority}{CONTROL}"

    @property
    def _authority(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def drop(self, code: int | None = None) -> int:
        """End every connection that listens to the account: reset it, or close it with `code`; how many there were."""
        private = [connection for connection in self.streams.connections if connection.is_private]
        for connection in private:
            connection.drop(code)
        return len(private)

    def close(self, number: int | None = None, code: int | None = None) -> int:
        """End one connection, or every one: reset it, or close it with `code`; how many there were."""
        chosen = self._chosen(number)
        for connection in chosen:
            connection.drop(code)
        return len(chosen)

    def freeze(self, seconds: float, number: int | None = None) -> int:
        """For so long nothing is read from one connection, or from any, or written to it; how many there were."""
        chosen = self._chosen(number)
        for connection in chosen:
            connection.freeze()
            self.injection.later(seconds, connection.thaw)
        return len(chosen)

    def upgrade(self, number: int | None = None) -> int:
        """Ask one client, or all, to connect anew; how many there were."""
        chosen = self._chosen(number)
        for connection in chosen:
            self.conversation.upgrade(connection)
        return len(chosen)

    def heal(self) -> None:
        """Let nothing go wrong any more that was injected, refused, frozen or skewed."""
        self.injection.clear()
        self.conversation.refusals.clear()
        self.venue.clock.skew_s = 0.0
        for connection in self.streams.connections:
            connection.thaw()
            connection.release()

    def _chosen(self, number: int | None) -> list[Connection]:
        return [connection for connection in self.streams.connections if number in (None, connection.number)]

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
        self.conversation.refusals[channel] = (code, message)

    def allow(self, channel: str) -> None:
        """Take subscriptions of this channel again."""
        self.conversation.refusals.pop(channel, None)

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
    venue: Machine | Sequence[Login],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    dialect: str = "gate",
    key: str = "key",
    secret: str = "secret",  # noqa: S107  # the key of a venue that is not real
    user_id: int = 10_001,
    speed: float = 1.0,
    faults: Faults | None = None,
    rules: ServerRules | None = None,
    control_token: str = "",
) -> AsyncIterator[ServedVenue]:
    """Serve `venue`, fed by `source`, until the block is left. Works on asyncio and trio.

    `venue` is the machine of one account, to which `key`, `secret` and `user_id` belong, or the logins of several; they trade on
    the same market and do not see one another. Virtual time begins with the source's first event and runs `speed` times as fast
    as the wall. `port` 0 takes a free one. With a `control_token` the control endpoint is served too. Raises ValueError for an
    unknown dialect or a speed that is not positive, OSError when the port cannot be had.

    >>> async with serve(source, venue, dialect="gate") as server:     # doctest: +SKIP
    ...     print(server.ws_url, server.rest_url)
    """
    if not speed > 0:
        raise ValueError(f"speed is {speed}; expected a number greater than 0")
    chosen, faults, rules = Dialect(dialect), faults or Faults(), rules or ServerRules()
    limits = RateLimits(rules.rate_limits)
    logins = venue if isinstance(venue, Sequence) else (Login(key=key, secret=secret, user_id=user_id, machine=venue),)
    running, injection = _running(source, logins, speed, faults), Injection()
    streams = Streams(running, chosen, injection.deliver)
    running.publish_market, running.publish_account = streams.publish_market, streams.publish_account
    listener = await anyio.create_tcp_listener(local_host=host, local_port=port)
    conversation = Conversation(streams, dict(faults.refusals))
    server = ServedVenue(host, listener.extra(SocketAttribute.local_port), chosen, running, streams, conversation, injection)
    control = Control(server, control_token) if control_token else None
    rest = RestFace(running, server, server, injection, control, limits, faults.answer_delay_s, rules.idle_timeout_s)
    web_socket = WebSocketFace(streams, conversation, server, server, rules)
    async with _at_work(cast("SocketListener", listener), server, rest, web_socket):
        for delay in faults.drop_after_s:
            injection.later(delay, server.drop)
        yield server


@asynccontextmanager
async def _at_work(listener: SocketListener, server: ServedVenue, rest: RestFace, web_socket: WebSocketFace) -> AsyncIterator[None]:
    """The tasks of a server, for as long as the block lasts. What the block raises comes out as itself."""
    failure: Exception | None = None
    async with listener, anyio.create_task_group() as tasks:
        server.injection.later = lambda delay, action: tasks.start_soon(_later, delay, action)
        server.venue.step()
        tasks.start_soon(server.venue.run)
        tasks.start_soon(_pulse, server)
        tasks.start_soon(_listen, listener, server, rest, web_socket)
        try:
            yield
        except Exception as error:  # noqa: BLE001  # raised again below, outside of the group that would wrap it
            failure = error
        finally:
            tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure


def _running(source: Source, logins: Sequence[Login], speed: float, faults: Faults) -> RunningVenue:
    listed = itertools.chain(source.contracts(), *(login.machine.contracts() for login in logins))
    contracts = {contract.id: contract for contract in listed}
    events = source.events()
    first = next(events, None)
    clock = PacedClock(start=0 if first is None else first.time, speed=speed, skew_s=faults.skew_s)
    rest = events if first is None else itertools.chain((first,), events)
    running = RunningVenue(rest, clock, MarketBoard.of(contracts.values()))
    for login in logins:
        running.join(Credentials(login.key, login.secret, login.user_id), login.machine)
    return running


async def _later(delay: float, action: Callable[[], object]) -> None:
    await anyio.sleep(delay)
    action()


async def _pulse(server: ServedVenue) -> None:
    while True:
        await anyio.sleep(PULSE_S)
        if not server.venue.is_paused:
            server.streams.pulse()


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
            except* LostError:
                reset(stream)

    await listener.serve(handle)
