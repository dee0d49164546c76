"""The served venue as a whole: what a test may do to it, and what it remembers."""

from __future__ import annotations

import anyio
import httpx
import pytest
from websockets.exceptions import InvalidStatus

from strikeloop_venue.served import Faults, Limit, ServerRules, serve
from strikeloop_venue.served.clock import PacedClock
from strikeloop_venue.served.limits import RateLimits
from tests.plugins.venue.served_stage import USER, Script, call, index, quote, served, ticker
from tests.plugins.venue.stage import CALL, SECOND, START, Stage

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("path", ["/v4/ws", "/v4/ws/usdt", "/v4/ws/btc", "/ws/v4", "/op-ws/v4/ws", "/v4/ws?x=1"])
async def test_every_path_of_the_venue_opens_a_socket(path: str) -> None:
    async with served() as client, client.socket(path) as socket:
        await socket.send({"time": 5, "id": 7, "channel": "options.ping"})
        pong = await socket.until("options.pong", "")
        assert (pong["result"], pong["error"], pong["id"]) == (None, None, 7)


async def test_an_unknown_path_is_404_for_sockets_and_for_requests() -> None:
    async with served() as client:
        with pytest.raises(InvalidStatus) as refused:
            async with client.socket("/v5/ws"):
                pass
        assert refused.value.response.status_code == 404
        answer = await client.http.get(f"http://127.0.0.1:{client.server.port}/nothing")
        assert (answer.status_code, answer.json()["label"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_a_wrong_method_is_405(method: str) -> None:
    async with served() as client:
        answer = await client.request(method, "/options/accounts")
        assert (answer.status_code, answer.json()["label"]) == (405, "METHOD_NOT_ALLOWED")


async def test_bytes_that_are_no_http_are_refused_and_harm_nobody() -> None:
    async with served() as client:
        async with await anyio.connect_tcp("127.0.0.1", client.server.port) as stream:
            await stream.send(b"\x00\x01\x02 nonsense\r\n\r\n")
            assert (await stream.receive()).startswith(b"HTTP/1.1 400")
        assert (await client.get("/spot/time"))["server_time"] > 0


async def test_one_connection_serves_request_after_request() -> None:
    async with served() as client:
        for _ in range(3):
            await client.get("/options/accounts")
        assert {item.connection for item in client.server.log} == {1}


async def test_a_connection_that_carried_requests_becomes_a_socket() -> None:
    async with served() as client, await anyio.connect_tcp("127.0.0.1", client.server.port) as stream:
        await stream.send(b"GET /api/v4/spot/time HTTP/1.1\r\nHost: venue\r\n\r\n")
        assert (await stream.receive()).startswith(b"HTTP/1.1 200")
        asked = "Host: venue\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        await stream.send(f"GET /v4/ws HTTP/1.1\r\n{asked}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
        answer = await stream.receive()
        assert answer.startswith(b"HTTP/1.1 101")
        # The accept value that RFC 6455 prints for this key.
        assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in answer


async def test_a_reset_drops_private_connections_only() -> None:
    async with served() as client, client.socket() as private, client.socket() as public:
        await private.subscribe("options.orders", [USER, "!all"])
        await private.until("options.orders", "subscribe")
        await public.listen("options.ul_price", ["BTC_USDT"])
        await public.until("options.ul_price")
        assert client.server.drop() == 1
        with pytest.raises((anyio.BrokenResourceError, anyio.EndOfStream)), anyio.fail_after(5):
            await private.next()
        await public.send({"time": 1, "channel": "options.ping"})
        await public.until("options.pong", "")


async def test_a_drop_with_a_code_closes_politely() -> None:
    async with served() as client, client.socket() as socket:
        await socket.subscribe("options.orders", [USER, "!all"])
        await socket.until("options.orders", "subscribe")
        client.server.drop(4_001)
        with anyio.fail_after(5):
            while socket.protocol.close_code is None:
                socket.protocol.receive_data(await socket.stream.receive())
                socket.protocol.events_received()
                if socket.protocol.close_rcvd is not None:
                    break
        assert socket.protocol.close_rcvd is not None
        assert socket.protocol.close_rcvd.code == 4_001


async def test_a_planned_drop_happens_by_itself() -> None:
    async with served(faults=Faults(drop_after_s=(0.2,))) as client, client.socket() as socket:
        await socket.subscribe("options.orders", [USER, "!all"])
        await socket.until("options.orders", "subscribe")
        with pytest.raises((anyio.BrokenResourceError, anyio.EndOfStream)), anyio.fail_after(5):
            await socket.next()


async def test_a_paused_server_says_nothing_until_it_is_resumed() -> None:
    async with served() as client, client.socket() as socket:
        client.server.pause()
        await socket.send({"time": 1, "channel": "options.ping"})
        with anyio.move_on_after(0.15) as silence:
            await socket.next()
        assert silence.cancelled_caught
        client.server.resume()
        await socket.until("options.pong", "")


async def test_refused_connections_are_reset_and_later_ones_are_not() -> None:
    async with served() as client:
        client.server.refuse_connections(60)
        with pytest.raises(httpx.TransportError):
            await client.http.get(client.server.rest_url + "/spot/time")
        client.server.refuse_connections(0)
        await client.get("/spot/time")


async def test_a_refused_channel_is_refused_until_it_is_allowed() -> None:
    async with served() as client, client.socket() as socket:
        client.server.refuse("options.orders", 3, "service error")
        await socket.subscribe("options.orders", [USER, "!all"])
        refused = await socket.until("options.orders", "subscribe")
        assert refused["error"] == {"code": 3, "message": "service error"}
        client.server.allow("options.orders")
        await socket.subscribe("options.orders", [USER, "!all"])
        assert (await socket.until("options.orders", "subscribe"))["error"] is None


async def test_a_venue_whose_clock_is_off_refuses_every_signature() -> None:
    async with served(faults=Faults(skew_s=120)) as client, client.socket() as socket:
        answer = await client.request("GET", "/options/accounts")
        assert (answer.status_code, answer.json()["label"]) == (401, "REQUEST_EXPIRED")
        await socket.subscribe("options.orders", [USER, "!all"])
        refused = await socket.until("options.orders", "subscribe")
        assert refused["error"]["code"] == 4
        await socket.subscribe("options.orders", [USER, "!all"], skew=120)
        assert (await socket.until("options.orders", "subscribe"))["error"] is None


async def test_the_log_holds_everything_received_and_no_secret() -> None:
    async with served() as client, client.socket() as socket:
        await socket.subscribe("options.orders", [USER, "!all"])
        await socket.until("options.orders", "subscribe")
        assert client.server.orders_received() == []
        await client.order(size=1, price="100")
        assert [(item.method, item.status, item.signed) for item in client.server.orders_received()] == [("POST", 201, True)]
        assert [item.kind for item in client.server.log] == ["connection", "frame", "request"]
        heard = client.server.log[1].message
        assert heard is not None
        assert (heard["channel"], "auth" in heard) == ("options.orders", False)
        assert "SIGN" not in repr(client.server.log)


async def test_too_many_requests_are_429_and_headers_count_down() -> None:
    async with served(rules=ServerRules(rate_limits={"private": Limit(2, 10), "public": Limit(2, 10)})) as client:
        answers = [await client.request("GET", "/options/accounts") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert [answer.headers["X-Gate-RateLimit-Requests-Remain"] for answer in answers] == ["1", "0", "0"]
        assert answers[2].json()["label"] == "TOO_MANY_REQUESTS"
        await client.get("/options/positions")


async def test_virtual_time_runs_as_fast_as_asked() -> None:
    told = (index(70_000), ticker(500), quote(490, 510), index(71_000, at=60))
    async with served(*told) as client, client.socket() as socket:
        await socket.heed("options.ul_price", ["BTC_USDT"])
        client.hurry(600)
        moved = await socket.until("options.ul_price", such=lambda result: result["price"] == 71_000)
        assert moved["time"] >= moved["result"]["time"] == START // SECOND + 60


async def test_an_error_inside_the_block_comes_out_as_itself() -> None:
    with pytest.raises(LookupError):
        async with served():
            raise LookupError


@pytest.mark.parametrize("wrong", [{"speed": 0}, {"speed": -1}, {"dialect": "latin"}])
async def test_settings_that_make_no_server_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"speed|latin"):
        async with serve(Script((call(),), ()), Stage(call()).venue, **wrong):  # type: ignore[arg-type]  # wrong on purpose
            pass


def test_the_clock_never_waits_for_what_is_past() -> None:
    clock = PacedClock(start=START, speed=10.0)
    assert clock.now() >= START
    assert clock.until(START - SECOND) == 0.0
    assert 0.5 < clock.until(START + 10 * SECOND) <= 1.0


def test_a_change_of_pace_takes_back_nothing_that_has_passed() -> None:
    clock = PacedClock(start=START, speed=1e6)
    reached = clock.now()
    clock.pace(1e-6)
    assert reached <= clock.now() < clock.now() + SECOND
    assert clock.until(clock.now() + SECOND) > 1e5


def test_a_bucket_refills_evenly_and_each_has_its_own() -> None:
    limits = RateLimits({"public": Limit(2, 10)})
    assert [limits.admit("public", "a", now)[0] for now in (0.0, 0.0, 4.9, 5.0, 5.1)] == [True, True, False, True, False]
    assert limits.admit("public", "b", 0.0)[0]


def test_the_headers_say_what_is_left_and_when_a_request_passes_again() -> None:
    limits = RateLimits({"public": Limit(1, 10)})
    for now, left, reset in ((100.0, "0", "100"), (103.0, "0", "110")):
        assert [value for _, value in limits.admit("public", "", now)[1]] == [left, "1", reset]


@pytest.mark.parametrize("text", ["0/1", "1/0", "1/nan", "many", "1"])
def test_a_limit_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Limit.parse(text)


def test_a_group_that_does_not_exist_has_no_limit() -> None:
    with pytest.raises(ValueError, match="'order'"):
        RateLimits({"order": Limit(1, 1)})


async def test_the_contract_of_the_stage_is_the_one_that_is_served() -> None:
    async with served() as client:
        assert (await client.get(f"/options/contracts/{CALL.name}"))["name"] == CALL.name
