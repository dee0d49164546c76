"""Requests and frames that mean nothing: each gets the venue's own error, and nothing changes."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote_plus

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.plugins.venue.served_stage import USER, Client, Socket, served
from tests.plugins.venue.stage import CALL, PUT

pytestmark = pytest.mark.anyio

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ("contract", "size", "price", "tif", "text", "close", "reduce_only", "iceberg", "mmp")
BODIES = st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, JSON))
NEARLY = st.fixed_dictionaries(
    {"contract": st.just(CALL.name), "size": JSON | st.integers(-3, 3), "price": JSON | st.just("-1")},
    optional={"tif": JSON | st.just("gtc"), "text": JSON, "iceberg": JSON, "reduce_only": JSON, "close": JSON},
)
PATHS = ("/options/orders", "/options/my_trades", "/options/account_book", "/options/trades", "/options/order_book", "/options/settlements")
QUERY = st.dictionaries(
    st.sampled_from(["contract", "limit", "offset", "from", "to", "status", "side", "type", "underlying"]), st.text(max_size=12)
)


async def standing(client: Client) -> Any:
    """What must not have changed."""
    member = client.server.venue.members[0]
    return len(member.book.orders), len(member.book.ledger), member.machine.account().total, len(member.machine.positions())


async def test_bodies_of_any_shape_are_refused_or_taken_and_never_break_the_server() -> None:
    async with served() as client:
        await examples(client, 60, BODIES | NEARLY, post_order)


async def post_order(client: Client, body: Any) -> None:
    before = await standing(client)
    answer = await client.request("POST", "/options/orders", body)
    assert answer.status_code in (201, 400), answer.text
    if answer.status_code == 400:
        assert answer.json()["label"].isupper()
        assert await standing(client) == before


async def test_queries_of_any_shape_are_answered() -> None:
    async def get(client: Client, query: dict[str, str]) -> None:
        for path in PATHS:
            asked = "&".join(f"{name}={quote_plus(value)}" for name, value in query.items())
            answer = await client.request("GET", f"{path}?{asked}")
            assert answer.status_code in (200, 400), answer.text
            assert isinstance(answer.json(), list) or answer.status_code == 400 or "asks" in answer.json()

    async with served() as client:
        await examples(client, 40, QUERY, get)


async def test_frames_of_any_shape_are_answered_with_one_frame() -> None:
    messages = st.fixed_dictionaries(
        {},
        optional={
            "channel": st.sampled_from(["options.orders", "options.trades", "options.order_book", "options.contract_candlesticks", ""])
            | JSON,
            "event": st.sampled_from(["subscribe", "unsubscribe"]) | JSON,
            "payload": st.lists(st.sampled_from([CALL.name, PUT.name, USER, "!all", "1m", "5"]) | JSON, max_size=4) | JSON,
            "id": JSON,
            "time": JSON,
            "auth": st.fixed_dictionaries({"method": st.just("api_key") | JSON, "KEY": st.just("key") | JSON, "SIGN": JSON}) | JSON,
        },
    )
    async with served() as client, client.socket() as socket:
        await examples(client, 100, messages, lambda _, message: talk(socket, json.dumps(message)))
        await examples(client, 30, st.text(max_size=30), lambda _, text: talk(socket, text))


async def talk(socket: Socket, text: str) -> None:
    """The answer to a frame is the first that repeats it or says why not; a ping behind it shows that the connection lives."""
    await socket.send(text)
    await socket.send({"time": 1, "channel": "options.ping", "id": "mark"})
    with anyio.fail_after(5):
        while (answer := await socket.next()).get("id") != "mark":
            assert "channel" in answer


async def examples(client: Client, count: int, strategy: st.SearchStrategy[Any], check: Any) -> None:
    """Draw examples once and check each: hypothesis itself cannot await."""
    drawn: list[Any] = []

    @settings(max_examples=count, suppress_health_check=list(HealthCheck), database=None)
    @given(strategy)
    def draw(example: Any) -> None:
        drawn.append(example)

    draw()
    for example in drawn:
        try:
            await check(client, example)
        except BaseException as error:
            error.add_note(f"the example: {example!r}")
            raise


@pytest.mark.parametrize(
    ("method", "path", "status", "label"),
    [
        ("GET", "/options/nothing", 404, "NOT_FOUND"),
        ("PUT", "/futures/USDT/orders/1", 404, "NOT_FOUND"),
        ("PATCH", "/options/orders", 405, "METHOD_NOT_ALLOWED"),
        ("DELETE", "/options/accounts", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/options/orders?status=open&limit=" + "9" * 5_000, 400, "INVALID_PARAM_VALUE"),
        ("GET", "/options/orders?status=open&limit=1001", 400, "INVALID_PARAM_VALUE"),
        ("GET", "/options/orders?status=open&limit=-1", 400, "INVALID_PARAM_VALUE"),
        ("GET", "/options/orders?status=open&offset=x", 400, "INVALID_PARAM_VALUE"),
        ("GET", "/options/orders?status=open&contract=x", 400, "CONTRACT_NOT_FOUND"),
        ("GET", "/options/orders?status=open&underlying=x", 400, "INVALID_PARAM_VALUE"),
        ("GET", "/options/position_close", 400, "MISSING_REQUIRED_PARAM"),
        ("GET", "/options/my_settlements", 400, "MISSING_REQUIRED_PARAM"),
        ("GET", "/options/account_book?type=gift", 400, "INVALID_PARAM_VALUE"),
        ("GET", "/options/trades?type=X", 400, "INVALID_PARAM_VALUE"),
        ("GET", "/options/settlements?underlying=x", 400, "INVALID_PARAM_VALUE"),
        ("GET", "/options/underlying/candlesticks?underlying=x", 400, "INVALID_PARAM_VALUE"),
        ("GET", "/options/candlesticks?contract=x", 400, "CONTRACT_NOT_FOUND"),
        ("GET", "/options/accounts?" + "&".join(f"a{number}=1" for number in range(200)), 400, "INVALID_PARAM_VALUE"),
        ("DELETE", "/options/orders?side=up", 400, "INVALID_PARAM_VALUE"),
        ("DELETE", "/options/orders?contract=x", 400, "CONTRACT_NOT_FOUND"),
        ("GET", "/options/orders/%00", 404, "ORDER_NOT_FOUND"),
    ],
)
async def test_a_request_that_cannot_be_has_its_status_and_label(method: str, path: str, status: int, label: str) -> None:
    async with served() as client:
        answer = await client.request(method, path)
        assert (answer.status_code, answer.json()["label"]) == (status, label)


@pytest.mark.parametrize(
    ("path", "body", "label"),
    [
        ("/options/countdown_cancel_all", {}, "MISSING_REQUIRED_PARAM"),
        ("/options/countdown_cancel_all", {"timeout": 4}, "INVALID_PARAM_VALUE"),
        ("/options/countdown_cancel_all", {"timeout": -5}, "INVALID_PARAM_VALUE"),
        ("/options/countdown_cancel_all", {"timeout": 10**400}, "INVALID_PARAM_VALUE"),
        ("/options/countdown_cancel_all", {"timeout": 30, "contract": 5}, "INVALID_PARAM_VALUE"),
        ("/options/countdown_cancel_all", {"timeout": 30, "contract": "x"}, "CONTRACT_NOT_FOUND"),
        ("/options/countdown_cancel_all", {"timeout": 30, "underlying": "x"}, "INVALID_PARAM_VALUE"),
        ("/options/mmp", {"underlying": "BTC_USDT"}, "MISSING_REQUIRED_PARAM"),
        (
            "/options/mmp",
            {"underlying": "BTC_USDT", "window": 5001, "frozen_period": 0, "qty_limit": "1", "delta_limit": "1"},
            "INVALID_PARAM_VALUE",
        ),
        (
            "/options/mmp",
            {"underlying": "BTC_USDT", "window": 0, "frozen_period": 0, "qty_limit": "-1", "delta_limit": "1"},
            "INVALID_PARAM_VALUE",
        ),
        ("/options/mmp/reset", {"underlying": []}, "INVALID_PARAM_VALUE"),
        ("/options/orders", {"contract": CALL.name, "size": 1, "price": "1e16"}, "INVALID_PARAM_VALUE"),
        ("/options/orders", {"contract": CALL.name, "size": 1, "price": " 1"}, "INVALID_PARAM_VALUE"),
        ("/options/orders", {"contract": CALL.name, "size": 1, "price": "1_0"}, "INVALID_PARAM_VALUE"),
        ("/options/orders", {"contract": CALL.name, "size": 1, "price": "1", "close": "yes"}, "INVALID_PARAM_VALUE"),
        ("/options/orders", {"contract": CALL.name, "size": 1, "price": "1", "close": True}, "INVALID_PARAM_VALUE"),
        ("/options/orders", {"contract": CALL.name, "size": 1, "price": "1", "tif": ["gtc"]}, "INVALID_PARAM_VALUE"),
    ],
)
async def test_a_body_that_cannot_be_has_its_label(path: str, body: Any, label: str) -> None:
    async with served() as client:
        before = await standing(client)
        answer = await client.request("POST", path, body)
        assert (answer.status_code, answer.json()["label"]) == (400, label)
        assert await standing(client) == before


async def test_a_body_that_is_too_long_is_refused_while_others_are_served() -> None:
    async with served() as client, await anyio.connect_tcp("127.0.0.1", client.server.port) as stream:
        await stream.send(b"POST /api/v4/options/orders HTTP/1.1\r\nHost: venue\r\nContent-Length: 3000000\r\n\r\n")
        with anyio.fail_after(10):
            try:
                for _ in range(30):
                    await stream.send(b"x" * 100_000)
            except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                pass
        assert await client.get("/options/orders?status=open") == []
