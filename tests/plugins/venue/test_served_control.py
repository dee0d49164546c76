"""The control endpoint: what it shows, and everything it can make go wrong."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import httpx
import pytest

from strikeloop_venue.served import ws_face
from tests.plugins.venue.served_stage import USER, Client, Socket, served
from tests.plugins.venue.stage import CALL, PUT

pytestmark = pytest.mark.anyio

ALL = [USER, "!all"]


@asynccontextmanager
async def controlled(**options: Any) -> AsyncIterator[Client]:
    async with served(control_token="token", **options) as client:
        yield client


async def orders_heard(socket: Socket) -> None:
    await socket.subscribe("options.orders", ALL)
    await socket.until("options.orders", "subscribe")


async def ids(socket: Socket, count: int) -> list[int]:
    """The ids of the next `count` orders that are told."""
    return [(await socket.until("options.orders"))["result"][0]["id"] for _ in range(count)]


async def place(client: Client, *prices: int) -> list[int]:
    return [(await client.order(size=1, price=str(price))).json()["id"] for price in prices]


async def test_without_being_asked_for_it_is_not_there() -> None:
    async with served() as client:
        assert (await client.control("GET", "state")).status_code == 404


@pytest.mark.parametrize("token", ["x", "other"])
async def test_without_its_token_it_shows_nothing_and_does_nothing(token: str) -> None:
    async with controlled() as client:
        assert (await client.control("GET", "state", token=token)).status_code == 401
        assert (await client.control("POST", "faults", {"fault": "lose"}, token=token)).status_code == 401
        assert client.server.injection.rules == {}


async def test_the_state_is_shown_by_account() -> None:
    async with controlled(accounts=2) as client, client.socket() as socket:
        await orders_heard(socket)
        await client.order(size=2, price="0", tif="ioc")
        await client.order(size=1, price="400", text="t-rest")
        shown = {name: (await client.control("GET", name)).json() for name in ("orders", "fills", "positions", "accounts")}
        assert [order["text"] for order in shown["orders"][USER]] == ["api", "t-rest"]
        assert [fill["size"] for fill in shown["fills"][USER]] == [2]
        assert shown["positions"] == {USER: [{"contract": CALL.name, "size": "2", "entry_price": "510"}], "10002": []}
        assert shown["accounts"]["10002"]["total"] == "100000"
        (connection,) = (await client.control("GET", "connections")).json()
        assert (connection["channels"], connection["users"]) == (["options.orders"], [int(USER)])
        state = (await client.control("GET", "state")).json()
        assert (state["accounts"], state["contracts"], state["connections"]) == (2, 2, 1)


async def test_a_dropped_update_is_missing_and_the_next_one_is_not() -> None:
    async with controlled() as client, client.socket() as socket:
        await orders_heard(socket)
        await client.inject("drop", channel="options.orders")
        placed = await place(client, 400, 401)
        assert await ids(socket, 1) == placed[1:]


async def test_a_duplicated_update_comes_twice() -> None:
    async with controlled() as client, client.socket() as socket:
        await orders_heard(socket)
        await client.inject("duplicate", channel="options.orders")
        first, second = await place(client, 400, 401)
        assert await ids(socket, 3) == [first, first, second]


async def test_a_reordered_update_comes_after_the_next_one() -> None:
    async with controlled() as client, client.socket() as socket:
        await orders_heard(socket)
        await client.inject("reorder", channel="options.orders")
        first, second = await place(client, 400, 401)
        assert await ids(socket, 2) == [second, first]


async def test_a_delayed_update_comes_late() -> None:
    async with controlled() as client, client.socket() as socket:
        await orders_heard(socket)
        await client.inject("delay", channel="options.orders", seconds=0.3)
        began = anyio.current_time()
        first, second = await place(client, 400, 401)
        assert await ids(socket, 2) == [second, first]
        assert anyio.current_time() - began >= 0.3


async def test_a_rule_is_for_one_connection_where_it_says_so() -> None:
    async with controlled() as client, client.socket() as one, client.socket() as other:
        await orders_heard(one)
        await orders_heard(other)
        numbers = [connection["connection"] for connection in (await client.control("GET", "connections")).json()]
        await client.inject("drop", connection=numbers[0], count=0)
        placed = await place(client, 400)
        assert await ids(other, 1) == placed
        assert (await client.control("DELETE", "faults")).status_code == 200
        placed = await place(client, 401)
        assert await ids(one, 1) == placed


async def test_a_frozen_connection_is_silent_for_its_time_and_loses_nothing() -> None:
    async with controlled() as client, client.socket() as socket:
        await orders_heard(socket)
        assert await client.inject("freeze", seconds=0.4) == {"frozen": 1}
        placed = await place(client, 400)
        with anyio.move_on_after(0.15) as silence:
            await socket.next()
        assert silence.cancelled_caught
        assert await ids(socket, 1) == placed


async def test_connections_are_closed_with_a_code_or_reset() -> None:
    async with controlled() as client, client.socket() as polite, client.socket() as rude:
        for socket in (polite, rude):
            await orders_heard(socket)
        first, second = (connection["connection"] for connection in (await client.control("GET", "connections")).json())
        assert await client.inject("close", connection=first, code=1012) == {"closed": 1}
        with anyio.fail_after(5):
            while polite.protocol.close_rcvd is None:
                polite.protocol.receive_data(await polite.stream.receive())
                polite.protocol.events_received()
        assert polite.protocol.close_rcvd.code == 1012
        await client.inject("close", connection=second)
        with pytest.raises((anyio.BrokenResourceError, anyio.EndOfStream)), anyio.fail_after(5):
            await rude.next()


async def test_a_client_that_answers_a_close_need_not_wait_for_the_end_of_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ws_face, "GOODBYE_S", 3_600.0)
    async with controlled() as client, client.socket() as socket:
        await orders_heard(socket)
        await client.inject("close", code=4001)
        protocol = socket.protocol
        with anyio.fail_after(5), suppress(anyio.EndOfStream):
            while True:
                protocol.receive_data(await socket.stream.receive())
                for data in protocol.data_to_send():
                    if data:
                        await socket.stream.send(data)
        assert protocol.close_rcvd is not None
        assert protocol.close_rcvd.code == 4001


async def test_a_channel_is_refused_until_all_is_healed() -> None:
    async with controlled() as client, client.socket() as socket:
        await client.inject("refuse", channel="options.orders", code=3, message="service error")
        await socket.subscribe("options.orders", ALL)
        assert (await socket.until("options.orders", "subscribe"))["error"] == {"code": 3, "message": "service error"}
        await client.control("DELETE", "faults")
        await orders_heard(socket)


async def test_clients_are_asked_to_connect_anew() -> None:
    async with controlled() as client, client.socket() as socket:
        await orders_heard(socket)
        assert await client.inject("upgrade") == {"told": 1}
        assert (await socket.next())["event"] == "upgrade"


@pytest.mark.parametrize(
    ("fields", "status", "content_type", "text"),
    [
        ({"status": 429, "label": "TOO_MANY_REQUESTS"}, 429, "application/json", '{"label":"TOO_MANY_REQUESTS","message":"made to fail"}'),
        ({"status": 429}, 429, "application/json", '{"label":"TOO_MANY_REQUESTS","message":"made to fail"}'),
        ({"status": 500}, 500, "application/json", '{"label":"SERVER_ERROR","message":"made to fail"}'),
        ({"status": 502, "body": "<html>", "content_type": "text/html"}, 502, "text/html", "<html>"),
        ({"status": 200, "body": ""}, 200, "application/json", ""),
    ],
)
async def test_a_request_is_answered_in_another_way_and_not_carried_out(
    fields: dict[str, Any], status: int, content_type: str, text: str
) -> None:
    async with controlled() as client:
        await client.inject("answer", method="POST", path="/options/orders", **fields)
        answer = await client.order(size=1, price="400")
        assert (answer.status_code, answer.headers["Content-Type"], answer.text) == (status, content_type, text)
        assert await client.get("/options/orders?status=open") == []
        assert (await client.order(size=1, price="400")).status_code == 201


async def test_an_order_is_accepted_and_its_answer_is_lost() -> None:
    async with controlled() as client:
        await client.inject("lose", method="POST", path="/options/orders")
        with pytest.raises(httpx.TransportError):
            await client.order(size=1, price="400", text="t-lost")
        assert [order["text"] for order in await client.get("/options/orders?status=open")] == ["t-lost"]


async def test_an_answer_comes_late() -> None:
    async with controlled() as client:
        await client.inject("late", path="/options/accounts", seconds=0.3)
        began = anyio.current_time()
        await client.get("/options/accounts")
        assert anyio.current_time() - began >= 0.3


async def test_the_clock_is_skewed_and_healed() -> None:
    async with controlled() as client:
        await client.inject("skew", seconds=3600)
        assert (await client.request("GET", "/options/accounts")).json()["label"] == "REQUEST_EXPIRED"
        assert abs((await client.get("/spot/time"))["server_time"] / 1000 - time.time() - 3600) < 60
        await client.control("DELETE", "faults")
        await client.get("/options/accounts")


async def test_a_paused_server_still_hears_its_control() -> None:
    async with controlled() as client:
        client.server.pause()
        assert (await client.control("GET", "state")).json()["is_paused"] is True


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"fault": "earthquake"},
        {"fault": ["drop"]},
        {"fault": "drop", "colour": "red"},
        {"fault": "drop", "count": "many"},
        {"fault": "drop", "count": True},
        {"fault": "delay", "seconds": 1e300},
        {"fault": "refuse"},
        {"fault": "close", "code": 1006},
        {"fault": "answer", "status": 99},
        {"fault": "answer", "content_type": "a\r\nb: c"},
    ],
)
async def test_a_fault_that_does_not_exist_is_refused_and_changes_nothing(body: Any) -> None:
    async with controlled() as client:
        answer = await client.control("POST", "faults", body)
        assert (answer.status_code, "label" in answer.json()) == (400, True)
        assert (await client.control("GET", "faults")).json() == []


async def test_what_is_held_back_is_sent_when_all_is_healed() -> None:
    async with controlled() as client, client.socket() as socket:
        await orders_heard(socket)
        await client.inject("reorder", count=0)
        placed = await place(client, 400)
        await client.control("DELETE", "faults")
        assert await ids(socket, 1) == placed


async def test_accounts_trade_on_one_market_and_do_not_see_one_another() -> None:
    async with controlled(accounts=2) as client, client.socket() as mine, client.socket() as theirs:
        await orders_heard(mine)
        await theirs.subscribe("options.orders", ["10002", "!all"], key="key2", secret="secret2")
        await theirs.until("options.orders", "subscribe")
        await place(client, 400)
        other = {"contract": CALL.name, "size": -1, "price": "400"}
        answer = await client.request("POST", "/options/orders", other, key="key2", secret="secret2")
        assert answer.json()["fill_price"] == "490", "the market's bid, not the order of the other account"
        assert (await theirs.until("options.orders"))["result"][0]["user"] == "10002"
        assert (await mine.until("options.orders"))["result"][0]["user"] == USER
        assert len(await client.get("/options/orders?status=open")) == 1
        traded = await client.get(f"/options/trades?contract={CALL.name}")
        assert [(row["size"], row["price"]) for row in traded] == [(-1, "490")]


async def test_one_connection_may_carry_two_accounts() -> None:
    async with controlled(accounts=2) as client, client.socket() as socket:
        await orders_heard(socket)
        await socket.subscribe("options.orders", ["10002", "!all"], key="key2", secret="secret2")
        assert (await socket.until("options.orders", "subscribe"))["error"] is None
        await client.request("POST", "/options/orders", {"contract": PUT.name, "size": 1, "price": "400"}, key="key2", secret="secret2")
        assert (await socket.until("options.orders"))["result"][0]["user"] == "10002"
