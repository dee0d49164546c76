"""The WebSocket face: subscriptions, pushes and errors in both dialects."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest

from strikeloop.wire import connect_websocket
from strikeloop_venue import GeneratedMarket, VenueSettings
from strikeloop_venue.served import Limit, ServerRules
from strikeloop_venue.served.outbox import Outbox
from tests.plugins.venue.served_stage import USER, Socket, call, depth, index, listing, put, quote, served, ticker, trade
from tests.plugins.venue.stage import CALL, PUT, SECOND, START, contract

pytestmark = pytest.mark.anyio

ALL = [USER, "!all"]
GATE_PRIVATE = {
    "options.orders": ALL,
    "options.usertrades": ALL,
    "options.positions": ALL,
    "options.balances": [USER],
    "options.user_settlements": [USER, CALL.name],
    "options.position_closes": [USER, CALL.name],
    "options.liquidates": [USER, CALL.name],
}
PUBLIC: dict[str, list[str]] = {
    "options.contract_tickers": [CALL.name],
    "options.book_ticker": [CALL.name],
    "options.trades": [CALL.name],
    "options.ul_trades": ["BTC_USDT"],
    "options.ul_price": ["BTC_USDT"],
    "options.ul_tickers": ["BTC_USDT"],
    "options.order_book_update": [CALL.name, "100ms", "50"],
    "options.order_book": [CALL.name, "50", "0"],
    "options.mark_prices": [CALL.name],
    "options.settlements": [CALL.name],
    "options.contract_candlesticks": ["10s", CALL.name],
    "options.ul_candlesticks": ["1m", "BTC_USDT"],
}
SEED_PRIVATE: dict[str, list[str]] = {name: [] for name in ("options.positions", "options.orders", "options.balances", "options.portfolio")}


def item(result: Any) -> dict[str, Any]:
    first = result[0] if isinstance(result, list) else result
    assert isinstance(first, dict)
    return first


def sample(shared: Path, channel: str, event: str = "update") -> dict[str, Any]:
    name = f"{channel.partition('.')[2]}.{event}.json"
    loaded = json.loads((shared / "fixtures" / "gate" / "ws_docs" / name).read_text())
    assert isinstance(loaded, dict)
    return loaded


def kinds(fields: dict[str, Any]) -> dict[str, str]:
    names = {str: "string", bool: "bool", int: "number", float: "number", list: "list"}
    return {name: names[type(value)] for name, value in fields.items()}


def assert_same_form(ours: dict[str, Any], theirs: dict[str, Any], *, extra: Sequence[str] = ()) -> None:
    assert isinstance(ours["result"], list) is isinstance(theirs["result"], list), ours["channel"]
    mine = {name: kind for name, kind in kinds(item(ours["result"])).items() if name not in extra}
    assert mine == kinds(item(theirs["result"])), ours["channel"]


async def subscribe_gate(socket: Socket, *channels: str) -> None:
    for channel in channels:
        await socket.subscribe(channel, GATE_PRIVATE[channel])
        assert (await socket.until(channel, "subscribe"))["error"] is None


# ---- the real venue ----------------------------------------------------------------------------------------------


async def test_an_order_is_told_on_every_private_channel_in_the_venues_form(shared: Path) -> None:
    async with served() as client, client.socket() as socket:
        told = ("options.orders", "options.usertrades", "options.positions", "options.balances")
        await subscribe_gate(socket, *told)
        placed = (await client.order(size=2, price="0", tif="ioc", text="t-one")).json()
        order = await socket.until("options.orders")
        assert_same_form(order, sample(shared, "options.orders"))
        assert (item(order["result"])["id"], item(order["result"])["finish_as"]) == (placed["id"], "filled")
        fill = await socket.until("options.usertrades")
        assert_same_form(fill, sample(shared, "options.usertrades"))
        assert (item(fill["result"])["order"], item(fill["result"])["text"]) == (str(placed["id"]), "t-one")
        posted = [item((await socket.until("options.balances"))["result"]) for _ in range(2)]
        assert kinds(posted[0]) == kinds(item(sample(shared, "options.balances")["result"]))
        assert [entry["type"] for entry in posted] == ["prem", "fee"]
        assert posted[0]["change"] == -10.2
        position = await socket.until("options.positions")
        assert_same_form(position, sample(shared, "options.positions"))
        assert (item(position["result"])["size"], item(position["result"])["entry_price"]) == (2, 510)


async def test_an_order_that_rests_is_pushed_without_finish_as() -> None:
    async with served() as client, client.socket() as socket:
        await subscribe_gate(socket, "options.orders")
        await client.order(size=-2, price="600")
        order = item((await socket.until("options.orders"))["result"])
        assert (order["status"], order["left"], "finish_as" in order) == ("open", -2, False)


async def test_a_settlement_is_told_on_every_channel_it_concerns(shared: Path) -> None:
    soon = call(expiry=START + 30 * SECOND)
    channels = ("options.user_settlements", "options.position_closes")
    async with served(index(71_000.5), ticker(500), quote(490, 510), contracts=(soon,)) as client, client.socket() as socket:
        await subscribe_gate(socket, *channels)
        await socket.heed("options.settlements", [CALL.name])
        await client.order(size=2, price="0", tif="ioc")
        client.hurry(60)
        told: dict[str, dict[str, Any]] = {}
        while len(told) < 3:
            message = await socket.next()
            if message["event"] == "update":
                told[message["channel"]] = message
        for channel in (*channels, "options.settlements"):
            assert_same_form(told[channel], sample(shared, channel))
        settled = item(told["options.user_settlements"]["result"])
        assert (settled["settle_price"], settled["settle_profit"], settled["size"]) == (71_000.5, 10.005, 2)


async def test_a_moving_mark_alone_is_no_news_of_a_position() -> None:
    marks = [ticker(500 + at, at=at) for at in range(1, 30)]
    async with served(index(70_000), ticker(500), quote(490, 510), *marks, index(1, at=30)) as client, client.socket() as socket:
        await subscribe_gate(socket, "options.positions")
        await socket.heed("options.ul_price", ["BTC_USDT"])
        await client.order(size=2, price="0", tif="ioc")
        client.hurry(60)
        heard: list[dict[str, Any]] = []
        while not heard or heard[-1]["channel"] != "options.ul_price" or heard[-1].get("result", {}).get("price") != 1:
            heard.append(await socket.next())
        assert sum(message["channel"] == "options.positions" and message["event"] == "update" for message in heard) == 1


@pytest.mark.parametrize(
    ("channel", "payload", "code"),
    [
        ("options.portfolio", [USER], 2),
        ("options.nothing", [], 2),
        ("options.orders", ["BTC"], 2),
        ("options.orders", ["10002", "!all"], 2),
        ("options.orders", [USER], 2),
        ("options.orders", [USER, "BTC_USDT-1"], 2),
        ("options.orders", None, 1),
        ("options.orders", [10001, "!all"], 1),
        ("options.orders", {}, 1),
        ("options.orders", {"underlyings": ["DOGE_USDT"]}, 2),
        ("options.orders", {"underlyings": ["BTC_USDT"] * 2_001}, 2),
    ],
)
async def test_a_wrong_payload_is_refused_with_an_error_object(channel: str, payload: Any, code: int) -> None:
    async with served() as client, client.socket() as socket:
        await socket.subscribe(channel, payload)
        answer = await socket.until(channel, "subscribe")
        assert (answer["error"]["code"], answer["result"]) == (code, {"status": "fail"})


@pytest.mark.parametrize("wrong", [{"secret": "other"}, {"key": "other"}])
async def test_a_bad_signature_is_error_four_with_a_label(wrong: dict[str, Any]) -> None:
    async with served() as client, client.socket() as socket:
        await socket.subscribe("options.orders", ALL, **wrong)
        error = (await socket.until("options.orders", "subscribe"))["error"]
        assert error["code"] == 4
        assert json.loads(error["message"])["label"] in ("INVALID_SIGNATURE", "INVALID_KEY")


async def test_a_private_channel_without_auth_is_refused() -> None:
    async with served() as client, client.socket() as socket:
        await socket.listen("options.orders", ALL)
        assert (await socket.until("options.orders", "subscribe"))["error"]["code"] == 4


async def test_the_id_of_a_request_is_echoed() -> None:
    async with served() as client, client.socket() as socket:
        await socket.send({"time": 1, "id": 42, "channel": "options.ul_price", "event": "subscribe", "payload": ["BTC_USDT"]})
        answer = await socket.until("options.ul_price", "subscribe")
        assert (answer["id"], answer["error"], answer["result"]) == (42, None, {"status": "success"})


async def test_a_subscription_by_underlying_needs_no_user_id() -> None:
    async with served() as client, client.socket() as socket:
        await socket.subscribe("options.orders", {"underlyings": ["BTC_USDT"]})
        await socket.until("options.orders", "subscribe")
        await client.order(size=1, price="400")
        assert item((await socket.until("options.orders"))["result"])["contract"] == CALL.name


async def test_an_ended_subscription_is_silent_and_the_others_go_on() -> None:
    async with served() as client, client.socket() as socket:
        await socket.subscribe("options.orders", [USER, CALL.name, PUT.name])
        await socket.until("options.orders", "subscribe")
        await socket.subscribe("options.orders", [USER, CALL.name], event="unsubscribe")
        await socket.until("options.orders", "unsubscribe")
        await client.order(size=1, price="400")
        await client.order(size=1, price="300", contract=PUT.name)
        assert item((await socket.until("options.orders"))["result"])["contract"] == PUT.name


@pytest.mark.parametrize("text", ["{", "[1]", '{"channel": 5}', '{"channel": "options.orders", "event": "shout"}', "null"])
async def test_nonsense_is_answered_with_an_error_and_the_connection_lives(text: str) -> None:
    async with served() as client, client.socket() as socket:
        await socket.send(text)
        assert (await socket.next())["error"]["code"] == 1
        await socket.send({"time": 1, "channel": "options.ping"})
        await socket.until("options.pong", "")


# ---- public channels, the same in both ---------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", ["gate", "seed"])
async def test_public_channels_are_pushed_in_the_venues_form(shared: Path, dialect: str) -> None:
    told = (index(70_000.5), ticker(500.5), depth([(490, 5)], [(510, 8)]), quote(490, 510))
    later = (depth([(491, 5)], [(511, 8)], at=20), trade(505.5, 3, at=20), listing(contract(id=PUT), at=20))
    async with served(*told, *later, dialect=dialect, contracts=[call()]) as client, client.socket() as socket:
        for channel, payload in PUBLIC.items():
            await socket.listen(channel, payload)
        heard: dict[tuple[str, str], dict[str, Any]] = {}
        with anyio.fail_after(30):
            while len([channel for channel, event in heard if event == "subscribe"]) < len(PUBLIC):
                message = await socket.next()
                heard[message["channel"], message["event"]] = message
            client.hurry(50)
            while not {"options.ul_trades", "options.order_book", "options.contract_candlesticks"} <= {
                channel for channel, event in heard if event == "update"
            }:
                message = await socket.next()
                heard[message["channel"], message["event"]] = message
    for channel in PUBLIC:
        assert heard[channel, "subscribe"]["error"] is None
        if channel != "options.settlements":
            extra = ("underlying_price", "expiration_time") if channel == "options.contract_tickers" else ()
            assert_same_form(heard[channel, "update"], sample(shared, channel), extra=extra)
    assert_same_form(heard["options.order_book", "all"], sample(shared, "options.order_book", "all"))


async def test_a_new_contract_is_announced_to_those_who_named_its_underlying(shared: Path) -> None:
    async with served(index(70_000), listing(put(), at=10), contracts=[call()]) as client, client.socket() as socket:
        await socket.heed("options.contracts", {"underlyings": ["BTC_USDT"]})
        client.hurry(20)
        announced = await socket.until("options.contracts")
        assert_same_form(announced, sample(shared, "options.contracts"))
        assert announced["result"]["contract"] == PUT.name
        assert (await client.get(f"/options/contracts/{PUT.name}"))["is_call"] is False


async def test_a_book_kept_by_the_venues_rule_equals_the_venues_book() -> None:
    books = [depth([(490 + at, 5), (480, at + 1)], [(510 + at, 8)], at=at / 10) for at in range(1, 40)]
    whole = f"/options/order_book?contract={CALL.name}&with_id=true&limit=50"
    async with served(index(70_000), *books, index(1, at=30)) as client, client.socket() as socket:
        await socket.heed("options.ul_price", ["BTC_USDT"])
        await socket.heed("options.order_book_update", [CALL.name, "100ms", "50"])
        client.hurry(5)
        await socket.until("options.order_book_update")
        base = await client.get(whole)
        client.hurry(25)
        sides = {side: {level["p"]: level["s"] for level in base[name]} for side, name in (("b", "bids"), ("a", "asks"))}
        last, final = base["id"], None
        while final is None or last < final["id"]:
            message = await socket.next()
            change = message["result"]
            if message["channel"] != "options.order_book_update":
                final = await client.get(whole) if change.get("price") == 1 else final
            if message["channel"] != "options.order_book_update" or change["u"] <= last:
                continue
            assert change["U"] <= last + 1
            last = change["u"]
            for side in ("b", "a"):
                sides[side] = {p: s for p, s in {**sides[side], **{level["p"]: level["s"] for level in change[side]}}.items() if s}
        assert final["id"] == last
        assert {level["p"]: level["s"] for level in final["bids"]} == sides["b"]
        assert {level["p"]: level["s"] for level in final["asks"]} == sides["a"]


async def test_candles_come_by_interval_and_kind_as_they_change() -> None:
    told = (index(70_000), ticker(500), quote(490, 510), trade(505, 2, at=5), trade(507, 1, at=65), index(70_500, at=66))
    async with served(*told) as client, client.socket() as socket:
        names, heeded = (f"mark_{CALL.name}", f"index_{CALL.name}", CALL.name), 0
        for name in names:
            await socket.listen("options.contract_candlesticks", ["1m", name])
        bars: dict[str, dict[int, dict[str, Any]]] = {}
        with anyio.fail_after(30):
            while len(bars.get(CALL.name, {})) < 2 or len(bars.get(f"index_{CALL.name}", {})) < 2:
                message = await socket.next()
                heeded += message["event"] == "subscribe"
                if message["event"] == "subscribe" and heeded == len(names):
                    client.hurry(40)
                for bar in message["result"] if message["event"] == "update" else ():
                    bars.setdefault(bar["n"].removeprefix("1m_"), {})[bar["t"]] = bar
        (_, first), (_, second) = sorted(bars[CALL.name].items())[-2:]
        assert (first["c"], first["v"], first["a"]) == ("505", 2, "1010")
        assert (second["o"], second["v"], second["t"] - first["t"]) == ("507", 1, 60)
        assert [bar["c"] for bar in bars[f"mark_{CALL.name}"].values()] == ["500"]
        assert sorted(bar["c"] for bar in bars[f"index_{CALL.name}"].values()) == ["70000", "70500"]


@pytest.mark.parametrize(
    ("channel", "payload"),
    [
        ("options.contract_candlesticks", ["2m", CALL.name]),
        ("options.contract_candlesticks", ["1m"]),
        ("options.contract_candlesticks", ["1m", "mark_BTC"]),
        ("options.ul_candlesticks", ["1m", CALL.name]),
        ("options.order_book_update", [CALL.name, "50ms"]),
        ("options.order_book_update", [CALL.name, "100ms", "7"]),
        ("options.order_book_update", [CALL.name, "100ms", "5", "x"]),
        ("options.order_book", [CALL.name, "50", "1"]),
        ("options.ul_price", [CALL.name]),
        ("options.trades", []),
        ("options.trades", [CALL.name] * 2_001),
    ],
)
async def test_parameters_a_channel_does_not_have_are_error_two(channel: str, payload: list[str]) -> None:
    async with served() as client, client.socket() as socket:
        await socket.listen(channel, payload)
        assert (await socket.until(channel, "subscribe"))["error"]["code"] == 2


async def test_a_book_is_told_as_deep_as_it_was_asked_for() -> None:
    deep = depth([(490 - at, 1) for at in range(10)], [(510 + at, 1) for at in range(10)])
    changed = [depth([(491, 9), *((490 - at, 1) for at in range(10))], [(510 + at, 1) for at in range(10)], at=at) for at in (5,)]
    async with served(index(70_000), deep, *changed) as client, client.socket() as socket:
        await socket.heed("options.order_book_update", [CALL.name, "100ms", "5"])
        client.hurry(20)
        told = (await socket.until("options.order_book_update"))["result"]
        assert told["b"] == [{"p": "486", "s": 0}, {"p": "491", "s": 9}]
        assert told["a"] == []


@pytest.mark.parametrize("channel", ["options.ul_price", "options.order_book_update", "options.balances"])
async def test_a_channel_that_is_not_asked_for_by_underlying_takes_no_object(channel: str) -> None:
    async with served() as client, client.socket() as socket:
        await socket.subscribe(channel, {"underlyings": ["BTC_USDT"]})
        assert (await socket.until(channel, "subscribe"))["error"]["code"] == 1


async def test_candles_by_underlying_cover_its_contracts() -> None:
    async with served(index(70_000), quote(490, 510), trade(505, 2)) as client, client.socket() as socket:
        await socket.listen("options.contract_candlesticks", {"interval": "5m", "underlyings": ["BTC_USDT"]})
        assert (await socket.until("options.contract_candlesticks", "subscribe"))["error"] is None
        assert (await socket.until("options.contract_candlesticks"))["result"][0]["n"] == f"5m_{CALL.name}"


async def test_what_was_asked_for_by_name_stays_when_the_underlying_is_left() -> None:
    async with served() as client, client.socket() as socket:
        whole = {"underlyings": ["BTC_USDT"]}
        await socket.subscribe("options.orders", [USER, CALL.name])
        await socket.subscribe("options.orders", whole)
        await socket.subscribe("options.orders", whole, event="unsubscribe")
        await socket.until("options.orders", "unsubscribe")
        await client.order(size=1, price="300", contract=PUT.name)
        await client.order(size=1, price="400")
        assert item((await socket.until("options.orders"))["result"])["contract"] == CALL.name


async def test_a_client_that_does_not_answer_pings_is_dropped_and_one_that_does_is_not() -> None:
    rules = ServerRules(ping_interval_s=0.1, idle_timeout_s=0.4)
    async with served(rules=rules) as client:
        async with client.socket() as deaf:
            with anyio.fail_after(5):
                while deaf.protocol.close_rcvd is None:
                    deaf.protocol.receive_data(await deaf.stream.receive())
                    deaf.protocol.events_received()
                    deaf.protocol.data_to_send()  # the pongs that never leave
            assert deaf.protocol.close_rcvd.code == 1001
        link = await connect_websocket(client.server.ws_url)
        began = anyio.current_time()
        await link.send(b'{"channel": "options.ping"}')
        while anyio.current_time() - began < 1:
            assert len(client.server.streams.connections) == 1
            with anyio.move_on_after(0.2):
                await link.receive()
        await link.aclose()


async def test_an_application_ping_resets_the_idle_timer() -> None:
    rules = ServerRules(ping_interval_s=0.1, idle_timeout_s=0.4)
    async with served(rules=rules) as client, client.socket() as socket:
        for _ in range(8):
            await socket.send({"channel": "options.ping"})
            await anyio.sleep(0.1)
        assert len(client.server.streams.connections) == 1


# ---- the seed document -------------------------------------------------------------------------------------------


def seed_sample(shared: Path, channel: str, kind: str = "update") -> dict[str, Any]:
    loaded = json.loads((shared / "fixtures" / "seed_dialect" / f"ws_{channel.partition('.')[2]}.{kind}.json").read_text())
    assert isinstance(loaded, dict)
    return loaded


async def test_the_present_state_answers_a_subscription_in_the_documents_form(shared: Path) -> None:
    async with served(dialect="seed") as client, client.socket() as socket:
        await client.order(size=2, price="0", tif="ioc")
        await client.order(size=1, price="400")
        for channel, payload in SEED_PRIVATE.items():
            await socket.subscribe(channel, payload)
            message = await socket.until(channel)
            document = seed_sample(shared, channel)
            assert list(message) == list(document)
            assert kinds(message["result"]) == kinds(document["result"]), channel


async def test_changes_are_pushed_as_one_object_each() -> None:
    async with served(dialect="seed") as client, client.socket() as socket:
        await socket.subscribe("options.portfolio", [])
        await socket.until("options.portfolio")
        for channel in ("options.orders", "options.positions", "options.balances"):
            await socket.subscribe(channel, [])
        await socket.until("options.balances")
        await client.order(size=-2, price="0", tif="ioc", text="t-one")
        order = (await socket.until("options.orders"))["result"]
        assert (order["status"], order["type"], order["size"], order["fill_price"]) == ("closed", "market", "-2", "490")
        assert order["finish_time"] >= order["create_time"] > 0
        assert "text" not in order
        assert (await socket.until("options.positions"))["result"]["size"] == "-2"
        balance = (await socket.until("options.balances"))["result"]
        assert (balance["short_positions"], balance["long_positions"], balance["currency"]) == ("1", "0", "USDT")
        assert (await socket.until("options.portfolio"))["result"]["total_delta"] == "-0.01"


async def test_contracts_in_the_payload_filter_and_a_missing_payload_means_all() -> None:
    async with served(dialect="seed") as client, client.socket() as some, client.socket() as every:
        await some.subscribe("options.orders", [PUT.name])
        await every.subscribe("options.orders")
        for socket in (some, every):
            await socket.send({"time": 1, "channel": "options.ping"})
            await socket.until("options.pong", "")
        await client.order(size=1, price="400")
        await client.order(size=1, price="300", contract=PUT.name)
        assert (await some.until("options.orders"))["result"]["contract"] == PUT.name
        assert (await every.until("options.orders"))["result"]["contract"] == CALL.name


async def test_nothing_is_acknowledged_on_a_private_channel() -> None:
    async with served(dialect="seed") as client, client.socket() as socket:
        await socket.subscribe("options.orders", [])
        await socket.subscribe("options.orders", [], event="unsubscribe")
        await socket.send({"time": 1, "channel": "options.ping"})
        assert (await socket.next())["channel"] == "options.pong"


async def test_bad_credentials_are_the_documents_error(shared: Path) -> None:
    async with served(dialect="seed") as client, client.socket() as socket:
        await socket.subscribe("options.orders", [], secret="other")
        refused = await socket.until("options.orders", "error")
        assert {**refused, "time": 1234567890} == seed_sample(shared, "options.orders", "error")


@pytest.mark.parametrize("channel", ["options.usertrades", "options.greeks"])
async def test_a_channel_the_document_does_not_know_is_an_error(channel: str) -> None:
    async with served(dialect="seed") as client, client.socket() as socket:
        await socket.subscribe(channel, [])
        assert (await socket.until(channel, "error"))["code"] == 2


# ---- slow readers ------------------------------------------------------------------------------------------------


async def test_an_outbox_keeps_the_latest_of_each_key_and_everything_without_one() -> None:
    outbox = Outbox(limit=10)
    for frame, key in ((b"1", "a"), (b"2", None), (b"3", "a"), (b"4", None)):
        outbox.put(frame, key)
    assert await outbox.take() == [b"3", b"2", b"4"]
    assert not outbox.is_overflown


async def test_a_client_that_does_not_read_is_reset_and_others_are_served() -> None:
    flood = [trade(500, 1, at=1 + number / 1e6) for number in range(60_000)]
    async with (
        served(index(70_000), quote(490, 510), *flood, speed=2, rules=ServerRules(rate_limits={"public": Limit(10**9, 1)})) as client,
        client.socket() as socket,
    ):
        await socket.listen("options.trades", [CALL.name])
        with anyio.fail_after(20):
            while client.server.streams.connections:
                await client.get("/spot/time")
        with pytest.raises((anyio.BrokenResourceError, anyio.EndOfStream)):
            await socket.until("options.pong", "")


async def test_private_frames_arrive_in_the_order_of_their_making() -> None:
    async with served() as client, client.socket() as socket:
        await subscribe_gate(socket, "options.orders")
        placed = [(await client.order(size=1, price=str(400 + number))).json()["id"] for number in range(3)]
        assert [item((await socket.until("options.orders"))["result"])["id"] for _ in range(3)] == placed


async def test_clients_that_leave_while_frames_flow_harm_nobody() -> None:
    market = GeneratedMarket(start=time.time_ns(), duration_s=None, step_ms=50, ticker_every_ms=50, strikes=3, daily=1, weekly=1, monthly=0)
    names = [contract.id.name for contract in market.open("venue").contracts()]
    subscribe = json.dumps({"time": 1, "channel": "options.contract_tickers", "event": "subscribe", "payload": names}).encode()
    async with VenueSettings().serve(market.open("venue")) as server:
        for _ in range(40):
            link = await connect_websocket(server.ws_url)
            await link.send(subscribe)
            await link.receive()
            await link.aclose()
        link = await connect_websocket(server.ws_url)
        await link.send(subscribe)
        assert await link.receive()
        await link.aclose()
