"""The fault proxy between real clients and real servers: what passes, what does not, and how connections end."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable
from typing import Any

import anyio
import httpx
import pytest
import trustme

from strikeloop.errors import LinkLostError
from strikeloop.testing.faults import (
    CLOSE,
    Close,
    Coalesce,
    Connections,
    Cut,
    Delay,
    Drop,
    FaultProxy,
    Fragment,
    Frames,
    Freeze,
    HangUp,
    Hold,
    Passing,
    Raw,
    Repeat,
    Replace,
    Reply,
    Requests,
    Reset,
    Respond,
    Responses,
    Rule,
    Send,
    Slice,
    Upgrades,
)
from strikeloop.wire import WebSocketLink, connect_websocket, open_http
from tests.framework.wire.servers import Asked, HttpVenue, VenueSide, answered, serving, venue

pytestmark = pytest.mark.anyio
UPGRADE = (
    b"GET / HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
    b"sec-websocket-version: 13\r\nsec-websocket-key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
)
Faults = Callable[..., FaultProxy]


async def echo(side: VenueSide) -> None:
    """A venue that says what it hears."""
    while True:
        frame = await side.read()
        await side.write(frame.serialize(mask=False))
        if frame.opcode is frame.opcode.CLOSE:
            return


async def told(link: WebSocketLink, count: int = 1) -> list[bytes]:
    """The next `count` messages."""
    found: list[bytes] = []
    with anyio.fail_after(5):
        while len(found) < count:
            found += await link.receive()
    return found


async def lost(link: WebSocketLink) -> LinkLostError:
    with anyio.fail_after(5):
        while True:
            try:
                await link.receive()
            except LinkLostError as error:
                return error


async def heard(proxy: FaultProxy, *frames: str, count: int | None = None) -> list[bytes]:
    """What a client of the proxy hears after it has said these frames to a venue that echoes."""
    link = await connect_websocket(proxy.url("ws://venue/"))
    try:
        for frame in frames:
            await link.send(frame.encode())
        return await told(link, len(frames) if count is None else count)
    finally:
        await link.aclose()


async def loss(proxy: FaultProxy, *frames: str) -> LinkLostError:
    """How a client's link ends after it has said these frames."""
    link = await connect_websocket(proxy.url("ws://venue/"))
    try:
        for frame in frames:
            await link.send(frame.encode())
        return await lost(link)
    finally:
        await link.aclose()


# ---- frames


async def test_without_rules_frames_pass_both_ways(faults: Faults) -> None:
    async with serving(venue(echo)) as port, faults(f"ws://127.0.0.1:{port}") as proxy:
        assert await heard(proxy, "a", "b" * 70_000, "c") == [b"a", b"b" * 70_000, b"c"]


async def test_a_proxy_without_a_server_accepts_every_websocket_and_says_what_rules_say(faults: Faults) -> None:
    answer = Rule(Frames(to="server", has={"event": "subscribe"}), Reply(lambda asked: asked.replace(b"subscribe", b"done")))
    async with faults(None, answer) as proxy:
        assert await heard(proxy, '{"event": "subscribe"}') == [b'{"event": "done"}']


async def test_a_frame_is_dropped_and_the_next_one_arrives(faults: Faults) -> None:
    async with serving(venue(echo)) as port, faults(f"ws://127.0.0.1:{port}", Rule(Frames(), Drop(), first=2)) as proxy:
        assert await heard(proxy, "1", "2", "3", count=2) == [b"1", b"3"]


async def test_a_frame_is_repeated(faults: Faults) -> None:
    async with serving(venue(echo)) as port, faults(f"ws://127.0.0.1:{port}", Rule(Frames(text="2"), Repeat(3))) as proxy:
        assert await heard(proxy, "1", "2", "3", count=5) == [b"1", b"2", b"2", b"2", b"3"]


async def test_a_frame_is_overtaken_by_the_next_two(faults: Faults) -> None:
    async with serving(venue(echo)) as port, faults(f"ws://127.0.0.1:{port}", Rule(Frames(text="1"), Hold(2))) as proxy:
        assert await heard(proxy, "1", "2", "3", "4") == [b"2", b"3", b"1", b"4"]


async def test_a_frame_and_what_is_behind_it_is_delayed(faults: Faults) -> None:
    async with serving(venue(echo)) as port, faults(f"ws://127.0.0.1:{port}", Rule(Frames(), Delay(0.1))) as proxy:
        start = anyio.current_time()
        assert await heard(proxy, "1", "2") == [b"1", b"2"]
        assert anyio.current_time() - start >= 0.1


async def test_a_frame_arrives_in_fragments_and_with_other_words(faults: Faults) -> None:
    rules = [Rule(Frames(text="whole"), Fragment(3)), Rule(Frames(text="false"), Replace("true"))]
    async with serving(venue(echo)) as port, faults(f"ws://127.0.0.1:{port}", *rules) as proxy:
        assert await heard(proxy, "whole", "false") == [b"whole", b"true"]


async def test_frames_are_put_in_and_the_venue_hears_nothing_of_a_reply(faults: Faults) -> None:
    rules = [Rule(Frames(to="server", text="refuse me"), Reply("refused")), Rule(Frames(text="1"), Send(["extra", "more"]))]
    async with serving(venue(echo)) as port, faults(f"ws://127.0.0.1:{port}", *rules) as proxy:
        assert await heard(proxy, "refuse me", "1", count=4) == [b"refused", b"1", b"extra", b"more"]


async def test_what_the_client_says_is_changed_before_the_venue_hears_it(faults: Faults) -> None:
    rule = Rule(Frames(to="server"), Replace(lambda payload: payload.upper()))
    async with serving(venue(echo)) as port, faults(f"ws://127.0.0.1:{port}", rule) as proxy:
        assert await heard(proxy, "loud") == [b"LOUD"]


# ---- segments


async def test_every_byte_in_a_segment_of_its_own_from_the_handshake_on(faults: Faults) -> None:
    async with serving(venue(echo)) as port, faults(f"ws://127.0.0.1:{port}", Rule(Connections(), Slice())) as proxy:
        assert await heard(proxy, "a", "b" * 200) == [b"a", b"b" * 200]


async def test_the_handshake_and_eight_frames_come_in_one_segment(faults: Faults) -> None:
    rule = Rule(Upgrades(to="client"), Coalesce(9, within_s=5))
    async with (
        serving(venue(echo)) as port,
        faults(f"ws://127.0.0.1:{port}", rule) as proxy,
        await anyio.connect_tcp("127.0.0.1", proxy.port) as client,
    ):
        await client.send(UPGRADE)
        await proxy.passed(Upgrades(to="client"))
        for number in range(8):
            await client.send(bytes([0x81, 0x81, 0, 0, 0, 0, ord("0") + number]))
        with anyio.fail_after(5):
            first = await client.receive()
        assert first.startswith(b"HTTP/1.1 101")
        assert first.endswith(b"".join(b"\x81\x01%d" % number for number in range(8)))


async def test_what_is_gathered_leaves_after_a_while_also_when_it_is_not_enough(faults: Faults) -> None:
    rule = Rule(Frames(), Coalesce(9, within_s=0.01))
    async with serving(venue(echo)) as port, faults(f"ws://127.0.0.1:{port}", rule) as proxy:
        assert await heard(proxy, "1", "2") == [b"1", b"2"]


# ---- how connections end


@pytest.mark.parametrize("code", [1000, 1001, 1008, 1011, 1012, 4000])
async def test_the_client_reads_the_code_it_is_closed_with(faults: Faults, code: int) -> None:
    async with serving(venue(echo)) as port, faults(f"ws://127.0.0.1:{port}", Rule(Frames(), Close(code, "enough"))) as proxy:
        error = await loss(proxy, "1")
        assert error.code == code
        assert "enough" in str(error)


async def test_a_close_without_a_code_is_1005(faults: Faults) -> None:
    async with faults(None, Rule(Frames(to="server"), Close(None))) as proxy:
        assert (await loss(proxy, "1")).code == 1005


async def test_a_line_that_is_hung_up_and_one_that_is_reset_are_1006_and_differ(faults: Faults) -> None:
    async with faults(None, Rule(Frames(to="server", text="fin"), HangUp()), Rule(Frames(to="server", text="rst"), Reset())) as proxy:
        ended, reset = await loss(proxy, "fin"), await loss(proxy, "rst")
    assert (ended.code, reset.code) == (1006, 1006)
    assert "without a close frame" in str(ended)
    assert "reset" in str(reset)


@pytest.mark.parametrize("end", [[Fragment(2, sent=1), HangUp()], [Fragment(2, sent=1), Close(1011)], Cut(0.5), Cut(0.5, is_reset=True)])
async def test_a_message_cut_in_the_middle_is_not_a_message(faults: Faults, end: Any) -> None:
    async with serving(venue(echo)) as port, faults(f"ws://127.0.0.1:{port}", Rule(Frames(), end)) as proxy:
        link = await connect_websocket(proxy.url("ws://venue/"))
        await link.send(b"one message")
        with anyio.fail_after(5), pytest.raises(LinkLostError):
            await told(link)
        await link.aclose()


async def test_when_the_venue_leaves_the_client_is_told_and_the_other_way_round(faults: Faults) -> None:
    left: list[int] = []

    async def closes(side: VenueSide) -> None:
        await side.read()
        side.protocol.send_close(1001, "bye")
        await side.write(*side.protocol.data_to_send())
        left.append((await side.read()).opcode)

    async with serving(venue(closes)) as port, faults(f"ws://127.0.0.1:{port}") as proxy:
        assert (await loss(proxy, "1")).code == 1001
        with anyio.fail_after(5):
            while proxy.open or not left:  # noqa: ASYNC110 - what is waited for happens beyond a socket
                await anyio.sleep(0.001)
        assert left == [CLOSE]


async def test_everything_open_is_closed_at_once_when_a_test_says_so(faults: Faults) -> None:
    async with faults(None) as proxy:
        links = [await connect_websocket(proxy.url("ws://venue/")) for _ in range(3)]
        proxy.now(Close(1012), connections=[2])
        assert (await lost(links[1])).code == 1012
        proxy.now(Close(1001))
        assert [(await lost(link)).code for link in (links[0], links[2])] == [1001, 1001]
        for link in links:
            await link.aclose()


# ---- connections


async def test_the_first_two_connections_are_torn_down_and_the_third_works(faults: Faults) -> None:
    async with serving(venue(echo)) as port, faults(f"ws://127.0.0.1:{port}", Rule(Connections(), Reset(), times=2)) as proxy:
        for _ in range(2):
            with pytest.raises(LinkLostError):
                await connect_websocket(proxy.url("ws://venue/"))
        assert await heard(proxy, "1") == [b"1"]
        assert proxy.connections == 3


async def test_refused_connections_do_not_disturb_those_there_are(faults: Faults) -> None:
    async with faults(None, Rule(Frames(to="server"), Reply("here"))) as proxy:
        link = await connect_websocket(proxy.url("ws://venue/"))
        proxy.refuse()
        with pytest.raises(OSError, match=r"failed|refused"):
            await anyio.connect_tcp("127.0.0.1", proxy.port)
        await link.send(b"?")
        assert await told(link) == [b"here"]
        proxy.accept()
        await (await connect_websocket(proxy.url("ws://venue/"))).aclose()
        await link.aclose()


async def test_a_venue_that_is_not_there_is_a_lost_link(faults: Faults) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        async with faults(f"ws://127.0.0.1:{unused.getsockname()[1]}") as proxy:
            with pytest.raises(LinkLostError):
                await connect_websocket(proxy.url("ws://venue/"))


# ---- frozen lines


async def test_a_frozen_line_stays_up_and_gives_up_what_it_held_when_it_thaws(faults: Faults) -> None:
    async with serving(venue(echo)) as port, faults(f"ws://127.0.0.1:{port}", Rule(Frames(text="2"), Freeze())) as proxy:
        link = await connect_websocket(proxy.url("ws://venue/"))
        for frame in (b"1", b"2", b"3"):
            await link.send(frame)
        assert await told(link) == [b"1"]
        await proxy.passed(Frames(text="2"))
        with anyio.move_on_after(0.1):
            pytest.fail(f"this came through: {await link.receive()}")
        await link.ping()
        proxy.thaw()
        assert await told(link, 2) == [b"2", b"3"]
        await link.aclose()


async def test_a_line_that_is_frozen_for_a_while_thaws_by_itself(faults: Faults) -> None:
    async with serving(venue(echo)) as port, faults(f"ws://127.0.0.1:{port}", Rule(Frames(), Freeze(0.1))) as proxy:
        start = anyio.current_time()
        assert await heard(proxy, "1") == [b"1"]
        assert anyio.current_time() - start >= 0.1


@pytest.mark.parametrize("when", [Connections(), Upgrades(), Upgrades(to="client")])
async def test_a_server_may_be_silent_from_the_handshake_on(faults: Faults, when: Any) -> None:
    async with serving(venue(echo)) as port, faults(f"ws://127.0.0.1:{port}", Rule(when, Freeze())) as proxy:
        with pytest.raises(LinkLostError, match="no answer in time"):
            await connect_websocket(proxy.url("ws://venue/"), connect_timeout_s=0.1)


async def test_the_venue_does_not_hear_that_a_client_left_over_a_frozen_line(faults: Faults) -> None:
    ended = anyio.Event()

    async def waits(side: VenueSide) -> None:
        try:
            await side.read()
        finally:
            ended.set()

    async with serving(venue(waits)) as port, faults(f"ws://127.0.0.1:{port}") as proxy:
        link = await connect_websocket(proxy.url("ws://venue/"))
        proxy.now(Freeze())
        await anyio.wait_all_tasks_blocked()
        await link.aclose()
        with anyio.move_on_after(0.1):
            await ended.wait()
        assert not ended.is_set()
        proxy.thaw()
        with anyio.fail_after(5):
            await ended.wait()


# ---- HTTP


async def plain(asked: Asked, _stream: Any) -> bytes:
    return answered(json.dumps({"target": asked.target, "body": asked.body.decode(), "server_time": 1_700_000_000_000}).encode())


async def chunked(_asked: Asked, _stream: Any) -> bytes:
    return b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n6\r\n[1, 2,\r\n3\r\n 3]\r\n0\r\n\r\n"


async def asking(proxy: FaultProxy, method: str, path: str, body: bytes = b"", timeout_s: float = 5.0) -> httpx.Response:
    async with open_http(proxy.url("http://venue/"), read_timeout_s=timeout_s) as client:
        return await client.request(method, path, content=body)


async def test_requests_and_answers_pass_on_a_kept_connection(faults: Faults) -> None:
    http = HttpVenue(plain)
    async with serving(http) as port, faults(f"http://127.0.0.1:{port}") as proxy, open_http(proxy.url("http://venue/")) as client:
        assert (await client.get("/a")).json()["target"] == "/a"
        assert (await client.post("/b", content=b"x" * 100_000)).json()["body"] == "x" * 100_000
        assert http.connections == 1
        assert http.asked[0].headers["host"] == f"127.0.0.1:{port}"


async def test_chunks_and_answers_that_end_with_the_connection_pass(faults: Faults) -> None:
    async def endless(_asked: Asked, stream: Any) -> None:
        await stream.send(b"HTTP/1.1 200 OK\r\n\r\n[1, 2, 3]")

    for answer in (chunked, endless):
        async with serving(HttpVenue(answer)) as port, faults(f"http://127.0.0.1:{port}") as proxy:
            assert (await asking(proxy, "GET", "/")).json() == [1, 2, 3]


async def test_a_request_is_answered_without_asking_the_venue(faults: Faults) -> None:
    http = HttpVenue(plain)
    rule = Rule(Requests("POST", "/orders"), Respond(429, "slow down", headers={"retry-after": "3"}))
    async with serving(http) as port, faults(f"http://127.0.0.1:{port}", rule) as proxy:
        answer = await asking(proxy, "POST", "/orders?x=1", b"{}")
        assert (answer.status_code, answer.text, answer.headers["retry-after"]) == (429, "slow down", "3")
        assert (await asking(proxy, "GET", "/orders")).status_code == 200
    assert [asked.method for asked in http.asked] == ["GET"]


@pytest.mark.parametrize(
    ("fault", "error"), [(Drop(), httpx.ReadTimeout), (Reset(), httpx.ReadError), (HangUp(), httpx.RemoteProtocolError)]
)
async def test_a_request_arrives_and_its_answer_is_lost(faults: Faults, fault: Any, error: type[Exception]) -> None:
    http = HttpVenue(plain)
    async with serving(http) as port, faults(f"http://127.0.0.1:{port}", Rule(Responses("POST"), fault)) as proxy:
        with pytest.raises(error):
            await asking(proxy, "POST", "/orders", timeout_s=0.2)
    assert [asked.method for asked in http.asked] == ["POST"]


async def test_a_request_that_is_repeated_is_answered_twice_and_one_that_is_dropped_never(faults: Faults) -> None:
    http = HttpVenue(plain)
    rules = [Rule(Requests("PUT"), Repeat(2)), Rule(Requests("DELETE"), Drop())]
    async with serving(http) as port, faults(f"http://127.0.0.1:{port}", *rules) as proxy:
        assert (await asking(proxy, "PUT", "/twice")).status_code == 200
        with pytest.raises(httpx.ReadTimeout):
            await asking(proxy, "DELETE", "/never", timeout_s=0.1)
        await proxy.passed(Responses("PUT"), 2)
    assert [asked.method for asked in http.asked] == ["PUT", "PUT"]


async def test_an_answer_gets_another_body_also_when_it_came_in_chunks(faults: Faults) -> None:
    async with serving(HttpVenue(chunked)) as port, faults(f"http://127.0.0.1:{port}", Rule(Responses(), Replace("[]"))) as proxy:
        assert (await asking(proxy, "GET", "/")).json() == []


async def test_raw_bytes_stand_in_place_of_an_answer(faults: Faults) -> None:
    async with faults(None, Rule(Requests(), [Raw(b"SSH-2.0-OpenSSH_9.6\r\n"), HangUp()])) as proxy:
        with pytest.raises(httpx.RemoteProtocolError):
            await asking(proxy, "GET", "/")


async def test_a_proxy_without_a_server_knows_no_path(faults: Faults) -> None:
    async with faults(None) as proxy:
        assert (await asking(proxy, "GET", "/anything")).status_code == 404


# ---- TLS


async def test_clients_may_come_over_tls(faults: Faults) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with authority.cert_pem.tempfile() as ca_file:
        rules = [Rule(Connections(), Slice()), Rule(Frames(to="server", text="end"), Close(1012))]
        async with serving(venue(echo)) as port, faults(f"ws://127.0.0.1:{port}", *rules, tls=context) as proxy:
            link = await connect_websocket(proxy.url("ws://venue/"), ca_file=ca_file)
            await link.send(b"hello")
            assert await told(link) == [b"hello"]
            await link.send(b"end")
            assert (await lost(link)).code == 1012
            await link.aclose()


async def test_the_way_to_the_venue_may_be_tls(faults: Faults) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with authority.cert_pem.tempfile() as ca_file:
        async with serving(HttpVenue(plain), tls=context) as port, faults(f"https://127.0.0.1:{port}", ca_file=ca_file) as proxy:
            assert (await asking(proxy, "GET", "/safe")).json()["target"] == "/safe"


# ---- what a test sees


async def test_what_was_seen_can_be_asked_for_and_waited_for(faults: Faults) -> None:
    async with serving(venue(echo)) as port, faults(f"ws://127.0.0.1:{port}") as proxy:
        await heard(proxy, "1", "2")
        assert [passing.piece.payload for passing in proxy.those(Frames())] == [b"1", b"2"]  # type: ignore[union-attr]  # Frames gives frames
        assert all(isinstance(passing, Passing) for passing in proxy.seen)
        with pytest.raises(TimeoutError):
            await proxy.passed(Frames(), 3, within_s=0.01)


async def test_rules_are_added_and_forgotten_while_it_runs(faults: Faults) -> None:
    async with serving(venue(echo)) as port, faults(f"ws://127.0.0.1:{port}") as proxy:
        proxy.add(Rule(Frames(), Replace("other"), times=None))
        assert await heard(proxy, "1") == [b"other"]
        proxy.clear()
        assert await heard(proxy, "1") == [b"1"]


async def test_rules_that_never_struck_are_named() -> None:
    rules = [Rule(Frames(), Drop()), Rule(Connections(), HangUp())]
    async with FaultProxy(None, *rules) as proxy:
        with pytest.raises(LinkLostError):
            await connect_websocket(proxy.url("ws://venue/"))
        assert proxy.unstruck == (rules[0],)


async def test_an_error_of_the_block_is_not_wrapped_and_a_deadline_around_it_works() -> None:
    with pytest.raises(KeyError):
        async with FaultProxy(None):
            raise KeyError("the test's own")
    with anyio.move_on_after(0.01) as scope:
        async with FaultProxy(None):
            await anyio.sleep_forever()
    assert scope.cancelled_caught


def test_it_runs_in_a_thread_of_its_own_for_code_that_does_not_await() -> None:
    with FaultProxy(None, Rule(Requests("GET"), Respond(200, "[]"), times=None)) as proxy:
        assert httpx.get(proxy.url("http://venue/a"), trust_env=False).json() == []
        proxy.add(Rule(Requests("POST"), Respond(503)))
        assert httpx.post(proxy.url("http://venue/a"), trust_env=False).status_code == 503
        proxy.refuse()
        with pytest.raises(httpx.ConnectError):
            httpx.get(proxy.url("http://venue/a"), trust_env=False)


async def test_the_same_seed_gives_the_same_luck(faults: Faults) -> None:
    async def survivors(seed: int) -> list[bytes]:
        async with (
            serving(venue(echo)) as port,
            FaultProxy(f"ws://127.0.0.1:{port}", Rule(Frames(text="-"), Drop(), times=None, share=0.5), seed=seed) as proxy,
        ):
            link = await connect_websocket(proxy.url("ws://venue/"))
            for number in range(40):
                await link.send(b"-%d" % number)
            await link.send(b"end")
            found: list[bytes] = []
            while b"end" not in found:
                found += await told(link)
            await link.aclose()
            return found

    first = await survivors(1)
    assert first == await survivors(1)
    assert first != await survivors(2)
