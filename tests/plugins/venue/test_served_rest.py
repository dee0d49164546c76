"""The REST face: orders, account and history in Gate's form."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from strikeloop_venue.served.orders import refusal
from strikeloop_venue.served.signing import Credentials, Refusal, check_request, check_subscription
from tests.plugins.venue.served_stage import Client, call, depth, index, quote, served, ticker, trade
from tests.plugins.venue.stage import CALL, PUT, SECOND, START

pytestmark = pytest.mark.anyio

PUBLIC = {
    "rest_live_2026_05/GET_underlyings.json": "/options/underlyings",
    "rest_live_2026_05/GET_contracts.json": "/options/contracts?underlying=BTC_USDT",
    "rest_live_2026_05/GET_tickers.json": "/options/tickers?underlying=BTC_USDT",
    "rest_live_2026_05/GET_order_book.json": f"/options/order_book?contract={CALL.name}&with_id=True",
    "rest_live_2026_05/GET_underlying.tickers.BTC_USDT.json": "/options/underlying/tickers/BTC_USDT",
    "rest_docs/GET_trades.response_200.json": f"/options/trades?contract={CALL.name}",
    "rest_docs/GET_candlesticks.response_200.json": f"/options/candlesticks?contract={CALL.name}&interval=1m",
}
PRIVATE = {
    "rest_docs/GET_accounts.response_200.json": "/options/accounts",
    "rest_docs/GET_positions.response_200.json": "/options/positions",
    "rest_docs/GET_positions.contract.response_200.json": f"/options/positions/{CALL.name}",
    "rest_docs/GET_orders.response_200.json": "/options/orders?status=finished",
    "rest_docs/GET_orders.order_id.response_200.json": "/options/orders/1",
    "rest_docs/GET_my_trades.response_200.json": "/options/my_trades?underlying=BTC_USDT",
    "rest_docs/GET_account_book.response_200.json": "/options/account_book",
    "rest_live_ccxt_2022_2024/GET_account.detail.json": "/account/detail",
}
SETTLED = {
    "rest_docs/GET_settlements.response_200.json": "/options/settlements?underlying=BTC_USDT",
    "rest_docs/GET_my_settlements.response_200.json": "/options/my_settlements?underlying=BTC_USDT",
    "rest_docs/GET_position_close.response_200.json": "/options/position_close?underlying=BTC_USDT",
}
MORE_THAN_DOCUMENTED = {"rho", "user", "tkfr", "mkfr", "refu", "refr", "create_time_ms"}
"""Fields that other bodies of the venue have and this sample leaves out."""


def row(body: Any) -> dict[str, Any]:
    first = body[0] if isinstance(body, list) else body
    assert isinstance(first, dict), body
    return first


def kinds(body: Any) -> dict[str, str]:
    """Which JSON type each field has; one name for all numbers."""
    names = {str: "string", bool: "bool", int: "number", float: "number", dict: "object", list: "list"}
    return {name: names.get(type(value), "null") for name, value in row(body).items()}


async def assert_same_form(client: Client, shared: Path, paths: dict[str, str]) -> None:
    for fixture, path in paths.items():
        sample = json.loads((shared / "fixtures" / "gate" / fixture).read_text())
        ours, theirs = kinds(await client.get(path)), kinds(sample)
        assert {name for name in ours if name not in theirs} <= MORE_THAN_DOCUMENTED, fixture
        assert {name: ours.get(name) for name, kind in theirs.items() if kind != "object"} == {
            name: kind for name, kind in theirs.items() if kind != "object"
        }, fixture


async def test_bodies_have_the_fields_and_types_of_the_venues_own(shared: Path) -> None:
    told = (index(70_000.5), ticker(500), depth([(490, 5)], [(510, 8)]), quote(490, 510), trade(505, 3))
    async with served(*told) as client:
        await client.order(size=2, price="0", tif="ioc", text="t-one")
        await assert_same_form(client, shared, PUBLIC)
        await assert_same_form(client, shared, PRIVATE)


async def test_bodies_of_settled_contracts_have_the_fields_of_the_venues_own(shared: Path) -> None:
    soon = call(expiry=START + 30 * SECOND)
    async with served(index(71_000.5), ticker(500), quote(490, 510), contracts=(soon,)) as client, client.socket() as socket:
        await socket.heed("options.settlements", [CALL.name])
        await client.order(size=2, price="0", tif="ioc")
        client.hurry(60)
        await socket.until("options.settlements")
        await assert_same_form(client, shared, SETTLED)
        settled = row(await client.get("/options/my_settlements?underlying=BTC_USDT"))
        assert Decimal(settled["settle_profit"]) == Decimal("1000.5") * 2 * Decimal("0.01")
        assert await client.get("/options/positions") == []
        assert (await client.get(f"/options/settlements/{CALL.name}?underlying=BTC_USDT&at={START // SECOND + 30}"))["profit"] == "10.005"


@pytest.mark.parametrize("name", ["spot/currencies", "spot/currency_pairs", "margin/currency_pairs", "futures/usdt/contracts"])
async def test_markets_the_venue_has_none_of_are_empty(name: str) -> None:
    async with served() as client:
        assert await client.get(f"/{name}") == []


async def test_a_market_order_is_filled_through_the_latency_and_the_account_agrees() -> None:
    async with served(latency={"entry_ms": 20, "response_ms": 20}) as client:
        answer = await client.order(size=2, price="0", tif="ioc", text="t-one")
        body = answer.json()
        assert answer.status_code == 201
        assert (body["status"], body["finish_as"], body["left"], body["fill_price"], body["text"]) == (
            "finished",
            "filled",
            0,
            "510",
            "t-one",
        )
        position = row(await client.get("/options/positions"))
        assert (position["size"], position["entry_price"], position["mark_price"]) == (2, "510", "500")
        fill = row(await client.get(f"/options/my_trades?contract={CALL.name}"))
        assert (fill["order_id"], fill["size"], fill["price"], fill["role"], fill["underlying_price"]) == (
            body["id"],
            2,
            "510",
            "taker",
            "70000.5",
        )
        book = await client.get("/options/account_book")
        account = await client.get("/options/accounts")
        assert Decimal(account["total"]) == Decimal(100_000) + sum(Decimal(entry["change"]) for entry in book)
        assert Decimal(account["equity"]) == Decimal(account["total"]) + Decimal(account["position_value"])


async def test_a_resting_order_is_open_amended_and_cancelled() -> None:
    async with served() as client:
        placed = (await client.order(size=-3, price="600", text="t-rest")).json()
        assert (placed["status"], placed["left"], "finish_as" in placed, "finish_time" in placed) == ("open", -3, False, False)
        assert [order["id"] for order in await client.get("/options/orders?status=open")] == [placed["id"]]
        amended = (
            await client.request("PUT", f"/options/orders/{placed['id']}", {"contract": CALL.name, "price": "610", "size": -2})
        ).json()
        assert (amended["price"], amended["size"], amended["left"]) == ("610", -2, -2)
        ended = (await client.request("DELETE", f"/options/orders/{placed['id']}?contract={CALL.name}")).json()
        assert (ended["status"], ended["finish_as"], ended["left"]) == ("finished", "cancelled", -2)
        again = await client.request("DELETE", f"/options/orders/{placed['id']}")
        assert (again.status_code, again.json()["label"]) == (400, "ORDER_FINISHED")
        assert await client.get("/options/orders?status=open") == []
        assert (await client.get("/options/orders/t-rest"))["id"] == placed["id"]


async def test_all_orders_of_a_side_are_cancelled_at_once() -> None:
    async with served() as client:
        for size, price in ((1, "400"), (-1, "600"), (2, "410")):
            await client.order(size=size, price=price)
        gone = (await client.request("DELETE", f"/options/orders?contract={CALL.name}&side=bid")).json()
        assert sorted(order["size"] for order in gone) == [1, 2]
        assert [order["size"] for order in await client.get("/options/orders?status=open")] == [-1]


async def test_a_position_is_closed_with_size_zero() -> None:
    async with served() as client:
        await client.order(size=2, price="0", tif="ioc")
        closed = (await client.order(size=0, price="0", tif="ioc", close=True)).json()
        assert (closed["size"], closed["is_close"], closed["finish_as"]) == (-2, True, "filled")
        assert await client.get("/options/positions") == []
        flat = await client.get(f"/options/positions/{CALL.name}")
        assert (flat["size"], flat["delta"]) == (0, "0.5")
        empty = await client.order(size=0, price="0", tif="ioc", close=True)
        assert empty.json()["label"] == "POSITION_EMPTY"


@pytest.mark.parametrize(
    ("fields", "label"),
    [
        ({"size": 1, "price": "0.5"}, "INVALID_PARAM_VALUE"),
        ({"size": 1, "price": "100", "tif": "fok"}, "INVALID_PARAM_VALUE"),
        ({"size": 1, "price": "0"}, "INVALID_PARAM_VALUE"),
        ({"size": 0, "price": "100"}, "INVALID_PARAM_VALUE"),
        ({"size": True, "price": "100"}, "INVALID_PARAM_VALUE"),
        ({"size": "1.5", "price": "100"}, "INVALID_PARAM_VALUE"),
        ({"size": 1, "price": "NaN"}, "INVALID_PARAM_VALUE"),
        ({"size": 1, "price": "many"}, "INVALID_PARAM_VALUE"),
        ({"size": 1, "price": "100", "text": "x"}, "INVALID_PARAM_VALUE"),
        ({"size": 1, "price": "100", "text": "t-" + "x" * 29}, "INVALID_PARAM_VALUE"),
        ({"size": 1, "price": "100", "iceberg": 2}, "INVALID_PARAM_VALUE"),
        ({"size": 1, "price": "100", "contract": "BTC_USDT-20260601-1-C"}, "CONTRACT_NOT_FOUND"),
        ({"size": 1, "price": "100", "contract": None}, "MISSING_REQUIRED_PARAM"),
        ({"size": -9_000, "price": "600"}, "INSUFFICIENT_AVAILABLE"),
        ({"size": 10_001, "price": "1"}, "SIZE_TOO_LARGE"),
        ({"size": 1, "price": "510", "tif": "poc"}, "ORDER_POC_IMMEDIATE"),
        ({"size": 1, "price": "60000"}, "PRICE_TOO_DEVIATED"),
    ],
)
async def test_an_order_the_venue_refuses_is_400_with_its_label(fields: dict[str, Any], label: str) -> None:
    async with served() as client:
        answer = await client.order(**fields)
        assert (answer.status_code, answer.json()["label"]) == (400, label)
        assert await client.get("/options/orders?status=open") == await client.get("/options/orders?status=finished") == []


async def test_a_text_is_taken_once() -> None:
    async with served() as client:
        assert (await client.order(size=1, price="100", text="t-a")).status_code == 201
        assert (await client.order(size=1, price="100", text="t-a")).json()["label"] == "INVALID_PARAM_VALUE"


async def test_an_unknown_order_is_404() -> None:
    async with served() as client:
        for method in ("GET", "DELETE", "PUT"):
            answer = await client.request(method, "/options/orders/77", {"price": "1"} if method == "PUT" else None)
            assert (answer.status_code, answer.json()["label"]) == (404, "ORDER_NOT_FOUND")


async def test_a_refused_amendment_leaves_the_order_as_it_was() -> None:
    async with served() as client:
        placed = (await client.order(size=1, price="400")).json()
        refused = await client.request("PUT", f"/options/orders/{placed['id']}", {"contract": CALL.name, "price": "400.5"})
        assert (refused.status_code, refused.json()["label"]) == (400, "INVALID_PARAM_VALUE")
        assert (await client.get(f"/options/orders/{placed['id']}"))["price"] == "400"


@pytest.mark.parametrize(
    ("wrong", "label"),
    [
        ({"secret": "other"}, "INVALID_SIGNATURE"),
        ({"key": "other"}, "INVALID_KEY"),
        ({"at": "1541993715"}, "REQUEST_EXPIRED"),
        ({"at": "nan"}, "REQUEST_EXPIRED"),
        ({"at": "soon"}, "INVALID_REQUEST_BODY"),
    ],
)
async def test_a_request_with_wrong_credentials_is_401(wrong: dict[str, str], label: str) -> None:
    async with served() as client:
        answer = await client.request("GET", "/options/accounts", **wrong)
        assert (answer.status_code, answer.json()["label"]) == (401, label)


async def test_a_request_without_credentials_is_401() -> None:
    async with served() as client:
        answer = await client.http.get(client.server.rest_url + "/options/accounts")
        assert (answer.status_code, answer.json()["label"]) == (401, "MISSING_REQUIRED_HEADER")


async def test_the_signed_query_is_the_one_before_encoding() -> None:
    async with served() as client:
        encoded = CALL.name.replace("_", "%5F")
        assert await client.get(f"/options/orders?contract={encoded}&status=open") == []


def test_the_signatures_are_those_the_venue_publishes(shared: Path) -> None:
    vectors = json.loads((shared / "fixtures" / "gate" / "ws_envelopes" / "signature_vectors.json").read_text())
    credentials = Credentials(vectors["key"], vectors["secret"], 1)
    keys = {credentials.key: credentials}
    for vector in vectors["ws"]:
        channel, event, _ = (part.partition("=")[2] for part in vector["string"].split("&"))
        message = {"time": vectors["time"], "channel": channel, "event": event}
        message["auth"] = {"method": "api_key", "KEY": vectors["key"], "SIGN": vector["sign"]}
        assert check_subscription(keys, message, vectors["time"] + 60.0) is credentials
        assert check_subscription(keys, message, vectors["time"] + 61.0) is not credentials
    body = b'{"contract":"BTC_USDT-20260626-70000-C","size":-1,"price":"200","tif":"gtc","text":"t-abc"}'
    sign = (
        "7363cb90d1a8f9c30cae99f7afa82238ac529e606b2d862ae1e261ae14b414a286eee9be42b891a6b0ce1c306780ca41dfdbabe89929bc3359c1427bfadc9308"
    )
    headers = {"key": "key", "timestamp": "1541993715", "sign": sign}
    arguments = ("POST", "/api/v4/options/orders", "", body, headers)
    assert check_request(keys, *arguments, 1541993715.9) is credentials
    other = {"key": Credentials("key", "other", 1)}
    assert isinstance(check_request(other, *arguments, 1541993715.9), Refusal)


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("/options/contracts", "MISSING_REQUIRED_PARAM"),
        ("/options/contracts?underlying=DOGE_USDT", "INVALID_PARAM_VALUE"),
        ("/options/contracts/BTC_USDT-1", "CONTRACT_NOT_FOUND"),
        ("/options/positions/BTC_USDT-1", "CONTRACT_NOT_FOUND"),
        ("/options/order_book?contract=x", "CONTRACT_NOT_FOUND"),
        (f"/options/order_book?contract={CALL.name}&limit=51", "INVALID_PARAM_VALUE"),
        (f"/options/candlesticks?contract={CALL.name}&interval=7m", "INVALID_PARAM_VALUE"),
        ("/options/orders", "MISSING_REQUIRED_PARAM"),
        ("/options/orders?status=closed", "INVALID_PARAM_VALUE"),
    ],
)
async def test_wrong_parameters_are_400_with_their_label(path: str, label: str) -> None:
    async with served() as client:
        answer = await client.request("GET", path)
        assert (answer.status_code, answer.json()["label"]) == (400, label)


async def test_a_body_that_is_no_object_is_refused() -> None:
    async with served() as client:
        for body in ([1], "text", 5):
            answer = await client.request("POST", "/options/orders", body)
            assert (answer.status_code, answer.json()["label"]) == (400, "INVALID_REQUEST_BODY")


async def test_lists_are_cut_by_time_offset_and_limit() -> None:
    trades = [trade(500 + at, 1, at=at) for at in range(4)]
    async with served(index(70_000), quote(490, 510), *trades, index(1, at=60)) as client, client.socket() as socket:
        await socket.heed("options.ul_price", ["BTC_USDT"])
        client.hurry(600)
        await socket.until("options.ul_price", such=lambda result: result["price"] == 1)
        start, path = START // SECOND, f"/options/trades?contract={CALL.name}"
        queries = ("", "&limit=1", "&offset=3", f"&from={start + 1}&to={start + 2}")
        prices = [[item["price"] for item in await client.get(path + query)] for query in queries]
        assert prices == [["503", "502", "501", "500"], ["503"], ["500"], ["502", "501"]]
        assert await client.get("/options/trades?type=P") == []


async def test_minute_bars_are_made_of_trades() -> None:
    told = (index(70_000), quote(490, 510), trade(500, 1), trade(520, -2, at=10), trade(480, 3, at=61), index(1, at=62))
    async with served(*told) as client, client.socket() as socket:
        await socket.heed("options.ul_price", ["BTC_USDT"])
        client.hurry(600)
        await socket.until("options.ul_price", such=lambda result: result["price"] == 1)
        path = f"/options/candlesticks?contract={CALL.name}"
        assert [ohlcv(bar) for bar in await client.get(path + "&interval=1m")] == ["500 520 500 520 3", "480 480 480 480 3"]
        assert [ohlcv(bar) for bar in await client.get(path + "&interval=5m")] == ["500 520 480 480 6"]


def ohlcv(bar: dict[str, Any]) -> str:
    return " ".join(str(bar[name]) for name in "ohlcv")


async def test_a_countdown_cancels_the_orders_of_its_scope() -> None:
    async with served() as client, client.socket() as socket:
        await socket.subscribe("options.orders", ["10001", "!all"])
        await client.order(size=1, price="400")
        kept = (await client.order(size=1, price="300", contract=PUT.name)).json()
        armed = await client.request("POST", "/options/countdown_cancel_all", {"timeout": 5, "contract": CALL.name})
        assert int(armed.json()["triggerTime"]) > START // 1_000_000
        client.hurry(50)
        await socket.until("options.orders", such=lambda result: result and result[0]["status"] == "finished")
        assert [order["id"] for order in await client.get("/options/orders?status=open")] == [kept["id"]]
        assert (await client.request("POST", "/options/countdown_cancel_all", {"timeout": 3})).status_code == 400


LIMITS = {"underlying": "BTC_USDT", "window": 5000, "frozen_period": 200, "qty_limit": "10", "delta_limit": "10"}


async def test_market_maker_protection_is_kept_as_it_was_set() -> None:
    async with served() as client:
        assert await client.get("/options/mmp") == []
        assert (await client.request("POST", "/options/mmp/reset", {"underlying": "BTC_USDT"})).status_code == 400
        kept = (await client.request("POST", "/options/mmp", LIMITS)).json()
        assert kept == {**LIMITS, "trigger_time_ms": 0, "frozen_until_ms": 0}
        assert await client.get("/options/mmp?underlying=BTC_USDT") == [kept]


async def test_too_much_traded_at_once_freezes_protected_quotes_until_a_reset() -> None:
    async with served() as client:
        await client.request("POST", "/options/mmp", {**LIMITS, "qty_limit": "0.01", "frozen_period": 0})
        quote = (await client.order(size=1, price="400", mmp=True)).json()
        assert quote["is_mmp"] is True
        await client.order(size=1, price="510", mmp=True)
        assert (await client.get(f"/options/orders/{quote['id']}"))["finish_as"] == "mmp_cancelled"
        (frozen,) = await client.get("/options/mmp")
        assert frozen["trigger_time_ms"] > 0
        assert frozen["frozen_until_ms"] == 0
        assert (await client.order(size=1, price="400", mmp=True)).status_code == 400
        freed = (await client.request("POST", "/options/mmp/reset", {"underlying": "BTC_USDT"})).json()
        assert freed["trigger_time_ms"] == 0
        assert (await client.order(size=1, price="400", mmp=True)).status_code == 201


async def test_an_iceberg_says_how_much_it_shows() -> None:
    async with served() as client:
        placed = (await client.order(size=-4, price="600", iceberg=1)).json()
        assert (placed["iceberg"], placed["size"], placed["left"]) == (1, -4, -4)


@pytest.mark.parametrize(
    ("reason", "answer"),
    [
        ("ORDER_NOT_FOUND: no order t-1", (404, "ORDER_NOT_FOUND", "no order t-1")),
        ("TOO_BUSY: the request did not arrive", (503, "TOO_BUSY", "the request did not arrive")),
        ("no label at all", (400, "BAD_REQUEST", "no label at all")),
    ],
)
def test_a_reason_becomes_a_label_and_a_sentence(reason: str, answer: tuple[int, str, str]) -> None:
    error = refusal(reason)
    assert (error.status, error.label, error.message) == answer
