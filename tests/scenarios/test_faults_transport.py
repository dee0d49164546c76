"""The Gate adapter on sockets that lie: certificates, redirects, pages, bombs, lengths. What it must never do is say its key."""

from __future__ import annotations

import ssl
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import attrs
import pytest
import trustme

from strikeloop import AuthRejectedError, DecodeError, LinkLostError, OrderRejectedError, OutcomeUnknownError, Traded, VenueError
from strikeloop.testing.faults import (
    Connections,
    Cut,
    FaultProxy,
    Frame,
    Frames,
    Freeze,
    HangUp,
    Mutate,
    Pass,
    Raw,
    Requests,
    Reset,
    Respond,
    Responses,
    Rule,
    Send,
    Slice,
    Upgrades,
    chunked_garbage,
    gzip_bomb,
    html_page,
    redirect,
    server_error,
    too_many_requests,
    wrong_length,
)
from strikeloop.wire import Secret, connect_websocket
from strikeloop_gate import Gate

pytestmark = pytest.mark.anyio

KEY, SECRET = "the-key-nobody-may-see", "the-secret-nobody-may-see"
ACCOUNT = '{"user": 7, "currency": "USDT", "total": "1", "available": "1", "equity": "1", "init_margin": "0", "maint_margin": "0"}'
PATH = "/options/accounts"
TRADE = (
    '{"time": 1630576356, "channel": "options.trades", "event": "update", "result": [{"contract": "BTC_USDT-20211231-59800-C", '
    '"create_time": 1639144526, "create_time_ms": 1639144526597, "id": 12279, "price": 997.8, "size": -100, "underlying": "BTC_USDT"}]}'
)
HALF_A_SERVER_HELLO = b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03" + bytes(40)


def context_of(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@attrs.frozen
class Server:
    """How a server on TLS is made wrong: its context, or what it says in place of a handshake."""

    tls: ssl.SSLContext | None
    rules: tuple[Rule, ...] = ()


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Server]]:
    """The file of the one authority that is trusted, and servers that must not be believed."""
    trusted, stranger = trustme.CA(), trustme.CA()
    ca_file: Path = tmp_path_factory.mktemp("ca") / "ca.pem"
    trusted.cert_pem.write_to_path(str(ca_file))
    good = trusted.issue_cert("127.0.0.1")
    expired = trusted.issue_cert("127.0.0.1", not_before=datetime(2019, 1, 1, tzinfo=UTC), not_after=datetime(2020, 1, 1, tzinfo=UTC))
    old = context_of(good)
    old.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that TLS 1.0 is deprecated is the point
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1
    cut = Rule(Connections(), [Raw(HALF_A_SERVER_HELLO), HangUp()], times=None)
    plain = Rule(Connections(), [Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"), HangUp()], times=None)
    return str(ca_file), {
        "expired": Server(context_of(expired)),
        "for another host": Server(context_of(trusted.issue_cert("venue.example"))),
        "self-signed": Server(context_of(stranger.issue_cert("127.0.0.1"))),
        "TLS 1.0": Server(old),
        "cut in the handshake": Server(context_of(good), (cut,)),
        "no TLS at all": Server(context_of(good), (plain,)),
        "good": Server(context_of(good)),
    }


@asynccontextmanager
async def facing(proxy: FaultProxy, **settings: Any) -> AsyncIterator[Any]:
    """The Gate adapter, both of whose URLs lead through `proxy`."""
    async with proxy:
        urls: dict[str, Any] = {"rest_url": proxy.url("https://venue/api/v4"), "ws_url": proxy.url("wss://venue/v4/ws")}
        adapter = Gate(key=Secret(KEY), secret=Secret(SECRET), request_timeout_s=1.0, **urls, **settings).open("gate")
        try:
            yield adapter
        finally:
            await adapter.aclose()


# ---- TLS


@pytest.mark.parametrize("fault", ["expired", "for another host", "self-signed", "TLS 1.0", "cut in the handshake", "no TLS at all"])
async def test_a_server_that_cannot_prove_itself_is_told_nothing(servers: tuple[str, dict[str, Server]], fault: str) -> None:
    ca_file, server = servers[0], servers[1][fault]
    proxy = FaultProxy(None, *server.rules, tls=server.tls)
    async with facing(proxy, ca_file=ca_file) as adapter:
        with pytest.raises(LinkLostError):
            await adapter.account.connect()
        with pytest.raises(LinkLostError, match="not sent"):
            await adapter.account.rest.get(PATH)
        with pytest.raises(LinkLostError, match="not sent"):
            await adapter.account.rest.order("POST", "/options/orders", b"{}")
        assert proxy.connections == 3
    assert proxy.those(Connections()) == tuple(proxy.seen)  # three connections, and not one byte in them


async def test_a_server_that_proves_itself_is_spoken_to(servers: tuple[str, dict[str, Server]]) -> None:
    proxy = FaultProxy(None, Rule(Requests("GET", PATH), Respond(200, ACCOUNT)), tls=servers[1]["good"].tls)
    async with facing(proxy, ca_file=servers[0]) as adapter:
        await (await adapter.account.connect()).aclose()
        assert b'"user": 7' in await adapter.account.rest.get(PATH)


# ---- answers


BAD_ANSWERS: dict[str, Any] = {
    "a page": html_page(),
    "a page that forbids": html_page(403),
    "a page of a gateway": server_error(502),
    "unavailable": server_error(503),
    "too many": too_many_requests(),
    "too many, and when": too_many_requests(1),
    "a gzip bomb": gzip_bomb(),
    "gzip that is none": Respond(200, "not gzip", headers={"content-encoding": "gzip"}),
    "an unknown coding": Respond(200, "{}", headers={"content-encoding": "br"}),
    "9 MB": Respond(200, b'"' + b"x" * 9_000_000 + b'"'),
    "a length too long": [wrong_length(), HangUp()],
    "a length too short": Respond(200, '{"user": 7}', headers={"content-length": "3"}),
    "a length that is no number": Respond(200, "{}", headers={"content-length": "many"}),
    "two lengths": Respond(200, "{}", headers={"content-length": "2, 3"}),
    "chunks of garbage": chunked_garbage(),
    "cut JSON": Respond(200, '{"user": 7, "equ'),
    "deep JSON": Respond(200, "[" * 200_000),
    "an empty body": Respond(200, ""),
    "not HTTP": [Raw(b"SSH-2.0-OpenSSH_9.6\r\n"), HangUp()],
    "nothing, then the end": HangUp(),
    "a reset": Reset(),
    "silence": Freeze(),
    "an endless head": [Raw(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 200_000), HangUp()],
}


@pytest.mark.parametrize("answer", BAD_ANSWERS.values(), ids=BAD_ANSWERS.keys())
async def test_a_bad_answer_is_an_error_that_says_what_was_asked_and_no_more(answer: Any) -> None:
    proxy = FaultProxy(None, Rule(Requests(path=PATH), answer, times=None))
    async with facing(proxy) as adapter:
        with anyio.fail_after(5), pytest.raises(VenueError) as told:
            await adapter.account.rest.get(PATH)
    assert PATH in str(told.value)
    assert len(str(told.value)) < 500
    assert not [word for word in (KEY, SECRET) if word in str(told.value)]


@pytest.mark.parametrize("answer", BAD_ANSWERS.values(), ids=BAD_ANSWERS.keys())
async def test_an_order_whose_answer_is_bad_was_sent_once_and_is_unknown_unless_the_venue_refused_it(answer: Any) -> None:
    proxy = FaultProxy(None, Rule(Requests("POST"), answer, times=None))
    async with facing(proxy) as adapter:
        with anyio.fail_after(5), pytest.raises(VenueError) as told:
            await adapter.account.rest.order("POST", "/options/orders", b"{}")
    refused: dict[object, type[VenueError]] = {403: AuthRejectedError, 429: OrderRejectedError}
    assert type(told.value) is refused.get(getattr(answer, "status", None), OutcomeUnknownError)
    assert len(proxy.those(Requests("POST"))) == 1


# ---- redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
async def test_a_redirect_never_takes_a_signature_to_another_host(method: str, status: int) -> None:
    async with FaultProxy(None, host="127.0.0.2") as elsewhere:
        proxy = FaultProxy(None, Rule(Requests(), redirect(elsewhere.url("http://x/api/v4/options/orders"), status), times=None))
        async with facing(proxy) as adapter:
            ask: Callable[..., Awaitable[Any]] = adapter.account.rest.get if method == "GET" else adapter.account.rest.order
            with pytest.raises(VenueError, match=str(status)):
                await (ask(PATH) if method == "GET" else ask(method, "/options/orders", b"{}"))
        assert elsewhere.connections == 0
        assert len(proxy.those(Requests(method))) == 1


# ---- segments


async def test_an_answer_in_segments_of_one_byte_is_read() -> None:
    proxy = FaultProxy(None, Rule(Connections(), Slice()), Rule(Requests(path=PATH), Respond(200, ACCOUNT)))
    async with facing(proxy) as adapter:
        assert b'"user": 7' in await adapter.account.rest.get(PATH)


async def test_a_byte_now_and_then_does_not_hold_a_request_longer_than_its_time() -> None:
    proxy = FaultProxy(None, Rule(Connections(), Slice(pause_s=0.2)), Rule(Requests(path=PATH), Respond(200, ACCOUNT)))
    async with facing(proxy) as adapter:
        with anyio.fail_after(3), pytest.raises(LinkLostError, match="no answer"):
            await adapter.account.rest.get(PATH)


@pytest.mark.parametrize("end", [Cut(0.5), Cut(0.9, is_reset=True)], ids=["cut", "reset"])
async def test_an_answer_that_is_cut_is_none(end: Any) -> None:
    async with (
        FaultProxy(None, Rule(Requests(path=PATH), Respond(200, ACCOUNT))) as venue,
        facing(FaultProxy(venue.url("http://venue/"), Rule(Responses(path=PATH), end))) as adapter,
    ):
        with anyio.fail_after(5), pytest.raises(LinkLostError, match="no answer"):
            await adapter.account.rest.get(PATH)


# ---- frames


async def test_of_damaged_frames_with_good_ones_among_them_every_good_one_is_decoded() -> None:
    decode, count = Gate.decoder(dialect="gate"), 2_000
    frames = [Frame(TRADE.replace("12279", str(number)).encode()) for number in range(1, count + 1)]
    rules = [Rule(Frames(), Pass(), first=50, every=50, times=None), Rule(Frames(), Mutate(), times=None)]
    found: set[str] = set()
    read = 0
    async with (
        FaultProxy(None, Rule(Upgrades(to="client"), Send(frames))) as venue,
        FaultProxy(venue.url("ws://venue/"), *rules) as proxy,
    ):
        link = await connect_websocket(proxy.url("ws://venue/"))
        with anyio.fail_after(20):
            while read < count:
                for frame in await link.receive():
                    read += 1
                    with suppress(DecodeError):
                        found |= {event.trade_id for event in decode(frame, 0).events if isinstance(event, Traded)}
        await link.aclose()
    assert found >= {str(number) for number in range(50, count + 1, 50)}
    assert len(found) < count / 2
