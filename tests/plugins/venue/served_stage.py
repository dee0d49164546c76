"""A small market served on loopback, and a client that signs: what the tests of the served venue are played on."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import unquote_plus

import anyio
import attrs
import httpx
from anyio.abc import SocketStream
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.uri import parse_uri

from strikeloop import BookUpdated, Contract, ContractListed, Event, OptionKind, Quoted, TickerUpdated, Traded, UnderlyingPriced
from strikeloop_venue import VenueSettings
from strikeloop_venue.served import Faults, Login, ServedVenue, ServerRules, serve
from tests.plugins.venue.stage import CALL, NEAR, PUT, SECOND, START, contract

USER = "10001"
FAR_EXPIRY = START + 30 * 86_400 * SECOND


def call(**changes: Any) -> Contract:
    return contract(**{"expiry": FAR_EXPIRY, "tag": "day", **changes})


def put(**changes: Any) -> Contract:
    return contract(**{"id": PUT, "kind": OptionKind.PUT, "expiry": FAR_EXPIRY, "tag": "day", **changes})


@attrs.frozen
class Script:
    """A source that says what it was given; `at` counts seconds after the start."""

    listed: tuple[Contract, ...]
    told: tuple[Event, ...]

    def contracts(self) -> tuple[Contract, ...]:
        return self.listed

    def events(self) -> Iterator[Event]:
        return iter(self.told)

    def content_hash(self) -> str:
        return "scripted"


def stamp(at: float) -> dict[str, Any]:
    return {"time": START + round(at * SECOND), "received": START + round(at * SECOND)}


def index(price: float, at: float = 0) -> Event:
    return UnderlyingPriced(**stamp(at), adapter="venue", underlying="BTC_USDT", price=price)


def quote(bid: float | None, ask: float | None, at: float = 0) -> Event:
    return Quoted(**stamp(at), contract=CALL, bid=bid, ask=ask, bid_size=10.0, ask_size=10.0)


def ticker(mark: float, at: float = 0) -> Event:
    model: dict[str, Any] = {"mark_iv": 0.5, **NEAR}
    return TickerUpdated(**stamp(at), contract=CALL, mark_price=mark, underlying_price=70_004.4, **model)


def trade(price: float, size: float, at: float = 0) -> Event:
    return Traded(**stamp(at), contract=CALL, price=price, size=size)


def depth(bids: Sequence[tuple[float, float]], asks: Sequence[tuple[float, float]], at: float = 0) -> Event:
    return BookUpdated(**stamp(at), contract=CALL, bids=tuple(bids), asks=tuple(asks), snapshot=True)


def listing(specification: Contract, at: float = 0) -> Event:
    return ContractListed(**stamp(at), contract=specification.id, specification=specification)


def sign(text: str, secret: str) -> str:
    return hmac.new(secret.encode(), text.encode(), hashlib.sha512).hexdigest()


@attrs.define(eq=False)
class Socket:
    """A WebSocket client of its own, on the sans-IO protocol: nothing of the product takes part."""

    stream: SocketStream
    protocol: ClientProtocol
    waiting: list[dict[str, Any]] = attrs.field(factory=list)

    async def send(self, message: Any) -> None:
        self.protocol.send_text((message if isinstance(message, str) else json.dumps(message)).encode())
        await self.stream.send(b"".join(self.protocol.data_to_send()))

    async def subscribe(self, channel: str, payload: Any = None, *, event: str = "subscribe", skew: int = 0, **auth: str) -> None:
        """Sign and send; `secret` and `key` may be wrong on purpose."""
        now = int(time.time()) + skew
        signature = sign(f"channel={channel}&event={event}&time={now}", auth.get("secret", "secret"))
        message: dict[str, Any] = {"time": now, "channel": channel, "event": event}
        message["auth"] = {"method": "api_key", "KEY": auth.get("key", "key"), "SIGN": signature}
        await self.send(message if payload is None else {**message, "payload": payload})

    async def listen(self, channel: str, payload: Any) -> None:
        """Subscribe a public channel."""
        await self.send({"time": int(time.time()), "channel": channel, "event": "subscribe", "payload": payload})

    async def heed(self, channel: str, payload: Any) -> None:
        """Subscribe a public channel, and wait until the venue has heard it."""
        await self.listen(channel, payload)
        await self.until(channel, "subscribe")

    async def next(self) -> dict[str, Any]:
        """The next message. Raises anyio.EndOfStream or BrokenResourceError when the connection ends."""
        while not self.waiting:
            self.protocol.receive_data(await self.stream.receive())
            for frame in self.protocol.events_received():
                if isinstance(frame, Frame) and frame.opcode is Opcode.TEXT:
                    self.waiting.append(json.loads(bytes(frame.data)))
        return self.waiting.pop(0)

    async def until(self, channel: str, event: str = "update", such: Callable[[Any], bool] = lambda result: True) -> dict[str, Any]:
        """The next message of this channel and event whose result is such."""
        with anyio.fail_after(30):
            while True:
                message = await self.next()
                if message["channel"] == channel and message["event"] == event and such(message.get("result")):
                    return message


@attrs.define(eq=False)
class Client:
    """Signs like a client of the venue's."""

    server: ServedVenue
    http: httpx.AsyncClient

    def hurry(self, speed: float) -> None:
        """Let virtual time run so much faster from now on: what is to be heard of it must have been subscribed before."""
        self.server.venue.clock.pace(speed)
        self.server.venue.kick()

    async def get(self, path: str) -> Any:
        response = await self.request("GET", path)
        assert response.status_code == 200, response.text
        return response.json()

    async def request(self, method: str, path: str, body: Any = None, **wrong: str) -> httpx.Response:
        """Sign and send; `key`, `secret` and the moment `at` may be wrong on purpose."""
        content = b"" if body is None else json.dumps(body).encode()
        bare, _, query = ("/api/v4" + path).partition("?")
        moment = wrong.get("at", str(time.time()))
        digest = hashlib.sha512(content).hexdigest()
        signature = sign("\n".join((method, bare, unquote_plus(query), digest, moment)), wrong.get("secret", "secret"))
        headers = {"KEY": wrong.get("key", "key"), "Timestamp": moment, "SIGN": signature, "Content-Type": "application/json"}
        return await self.http.request(method, self.server.rest_url + path, content=content, headers=headers)

    async def order(self, **fields: Any) -> httpx.Response:
        return await self.request("POST", "/options/orders", {"contract": CALL.name, **fields})

    async def control(self, method: str, name: str, body: Any = None, **wrong: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {wrong.get('token', 'token')}"}
        return await self.http.request(method, f"{self.server.control_url}/{name}", json=body, headers=headers)

    async def inject(self, fault: str, **fields: Any) -> Any:
        answer = await self.control("POST", "faults", {"fault": fault, **fields})
        assert answer.status_code == 201, answer.text
        return answer.json()

    @asynccontextmanager
    async def socket(self, path: str = "") -> AsyncIterator[Socket]:
        url = f"ws://127.0.0.1:{self.server.port}{path}" if path else self.server.ws_url
        protocol = ClientProtocol(parse_uri(url))
        protocol.send_request(protocol.connect())
        async with await anyio.connect_tcp("127.0.0.1", self.server.port) as stream:
            await stream.send(b"".join(protocol.data_to_send()))
            while not protocol.events_received():
                protocol.receive_data(await stream.receive())
            if protocol.handshake_exc is not None:
                raise protocol.handshake_exc
            yield Socket(stream, protocol)


@asynccontextmanager
async def served(
    *told: Event,
    dialect: str = "gate",
    contracts: Sequence[Contract] = (),
    speed: float = 1.0,
    faults: Faults | None = None,
    rules: ServerRules | None = None,
    control_token: str = "",
    accounts: int = 1,
    **settings: Any,
) -> AsyncIterator[Client]:
    """A venue with one quoted call, 490 to 510 at a mark of 500, and a client of its first account; the keys are numbered."""
    listed = tuple(contracts) or (call(), put())
    script = Script(listed, told or (index(70_000.5), ticker(500), quote(490, 510)))
    making = VenueSettings(**{"latency": {"entry_ms": 1, "response_ms": 1}, **settings})
    logins = [
        Login(key=f"key{tail}", secret=f"secret{tail}", user_id=int(USER) + number, machine=making.open("venue", listed))
        for number, tail in enumerate(("", *range(2, accounts + 1)))
    ]
    async with (
        serve(script, logins, dialect=dialect, speed=speed, faults=faults, rules=rules, control_token=control_token) as server,
        httpx.AsyncClient(trust_env=False, timeout=30) as http,
    ):
        yield Client(server, http)
