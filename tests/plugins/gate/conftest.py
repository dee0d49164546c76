"""A venue of a few lines on loopback: it answers HTTP and WebSocket as a test has scripted, and keeps what it was asked."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import anyio
import anyio.abc
import attrs
import h11
import pytest
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from strikeloop.wire import Secret
from strikeloop_gate import Gate

NOW = 1_700_000_000 * 1_000_000_000
VENUE_AHEAD_MS = 3_600_000


@attrs.frozen
class Asked:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@attrs.frozen
class Reply:
    body: Any = None
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    fault: str = ""
    """"" answers; "reset" closes without a byte; "silent" never answers."""


@attrs.define
class Scripted:
    """`replies` maps "METHOD path" to a body, a Reply, or a list of Replies: each answers once, the last one ever after."""

    replies: dict[str, Any]
    rest_url: str = ""
    ws_url: str = ""
    asked: list[Asked] = attrs.field(factory=list)
    frames: list[dict[str, Any]] = attrs.field(factory=list)
    on_frame: Callable[[dict[str, Any]], list[dict[str, Any]]] = lambda _frame: []

    def calls(self, what: str) -> list[Asked]:
        return [asked for asked in self.asked if f"{asked.method} {asked.path}" == what]

    def reply(self, asked: Asked) -> Reply:
        found = self.replies.get(f"{asked.method} {asked.path}", Reply({"label": "NOT_FOUND", "message": asked.path}, 404))
        if isinstance(found, list) and found and isinstance(found[0], Reply):
            found = found.pop(0) if len(found) > 1 else found[0]
        return found if isinstance(found, Reply) else Reply(found)

    async def serve_http(self, stream: anyio.abc.SocketStream) -> None:
        async with stream:
            connection = h11.Connection(h11.SERVER)
            while (asked := await _request(connection, stream)) is not None:
                self.asked.append(asked)
                reply = self.reply(asked)
                if reply.fault == "reset":
                    return
                if reply.fault == "silent":
                    await anyio.sleep_forever()
                body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
                head = [("content-type", "application/json"), ("content-length", str(len(body))), *reply.headers]
                answer = h11.Response(status_code=reply.status, headers=head)
                sent = [connection.send(part) for part in (answer, h11.Data(data=body), h11.EndOfMessage())]
                await stream.send(b"".join(part for part in sent if part))
                connection.start_next_cycle()

    async def serve_ws(self, stream: anyio.abc.SocketStream) -> None:
        async with stream:
            protocol = ServerProtocol()
            try:
                while data := await stream.receive():
                    protocol.receive_data(data)
                    for event in protocol.events_received():
                        if isinstance(event, Request):
                            protocol.send_response(protocol.accept(event))
                        elif isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                            frame = json.loads(bytes(event.data))
                            self.frames.append(frame)
                            for answer in self.on_frame(frame):
                                protocol.send_text(json.dumps(answer).encode())
                    await stream.send(b"".join(protocol.data_to_send()))
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                return


async def _request(connection: h11.Connection, stream: anyio.abc.SocketStream) -> Asked | None:
    head, body = None, b""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            try:
                connection.receive_data(await stream.receive())
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                return None
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            target = urlsplit(head.target.decode())
            headers = {name.decode(): value.decode() for name, value in head.headers}
            return Asked(head.method.decode(), target.path.removeprefix("/api/v4"), dict(parse_qsl(target.query)), headers, body)
        else:
            return None


@asynccontextmanager
async def scripted(replies: dict[str, Any]) -> AsyncIterator[Scripted]:
    venue = Scripted(replies)
    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as http,
        await anyio.create_tcp_listener(local_host="127.0.0.1") as ws,
        anyio.create_task_group() as tasks,
    ):
        venue.rest_url = f"http://127.0.0.1:{http.extra(anyio.abc.SocketAttribute.local_port)}/api/v4"
        venue.ws_url = f"ws://127.0.0.1:{ws.extra(anyio.abc.SocketAttribute.local_port)}/v4/ws"
        tasks.start_soon(http.serve, venue.serve_http)
        tasks.start_soon(ws.serve, venue.serve_ws)
        yield venue
        tasks.cancel_scope.cancel()


CONTRACT = {
    "name": "BTC_USDT-20260516-77500-P",
    "is_active": True,
    "is_call": False,
    "tag": "day",
    "strike_price": "77500",
    "underlying": "BTC_USDT",
    "create_time": 1778692045,
    "expiration_time": 1778918400,
    "multiplier": "0.01",
    "order_price_round": "1",
    "mark_price_round": "0.1",
    "order_size_min": 1,
    "order_size_max": 10000,
    "orders_limit": 10,
    "position_limit": 40000,
    "maker_fee_rate": "0.0003",
    "taker_fee_rate": "0.0003",
    "price_limit_fee_rate": "0.125",
    "settle_fee_rate": "0",
    "settle_limit_fee_rate": "0.125",
    "init_margin_low": "0.1",
    "init_margin_high": "0.15",
    "maint_margin_base": "0.075",
    "order_price_deviate": "0.2",
}
ACCOUNT = {
    "user": 666,
    "currency": "USDT",
    "total": "1650.443022",
    "position_value": "-40.1136",
    "equity": "1610.329422",
    "unrealised_pnl": "-0.7811",
    "init_margin": "0",
    "maint_margin": "135.541485",
    "order_margin": "139.74496",
    "available": "1514.901537",
}
ORDER = {
    "id": 2593450699,
    "contract": CONTRACT["name"],
    "size": 2,
    "left": 2,
    "price": "200",
    "fill_price": "0",
    "status": "open",
    "tif": "gtc",
    "text": "t-r1-a-1",
    "create_time": 1700000000.25,
    "is_reduce_only": False,
}


@pytest.fixture
def replies() -> dict[str, Any]:
    """What a healthy venue with one contract, no position and no order answers."""
    return {
        "GET /spot/time": {"server_time": NOW // 1_000_000 + VENUE_AHEAD_MS},
        "GET /options/contracts": [CONTRACT],
        "GET /options/accounts": ACCOUNT,
        "GET /options/positions": [],
        "GET /options/orders": [],
        "GET /options/my_trades": [],
    }


@pytest.fixture
async def venue(replies: dict[str, Any], anyio_backend: str) -> AsyncIterator[Scripted]:
    async with scripted(replies) as found:
        yield found


@pytest.fixture
def settings(venue: Scripted) -> dict[str, Any]:
    return {"rest_url": venue.rest_url, "ws_url": venue.ws_url, "key": Secret("key"), "secret": Secret("secret"), "request_timeout_s": 1.0}


@pytest.fixture
async def adapter(settings: dict[str, Any]) -> AsyncIterator[Any]:
    opened = Gate(**settings).open("gate", clock=lambda: NOW)
    yield opened
    await opened.aclose()


@pytest.fixture
async def seed_adapter(settings: dict[str, Any]) -> AsyncIterator[Any]:
    opened = Gate(dialect="seed", **settings).open("gate", clock=lambda: NOW)
    yield opened
    await opened.aclose()


@pytest.fixture
def order() -> dict[str, Any]:
    """An open order as REST answers it."""
    return dict(ORDER)


@pytest.fixture
def reply() -> type[Reply]:
    return Reply
