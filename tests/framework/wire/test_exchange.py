"""One HTTP/1.1 exchange: what is sent, what counts as an answer, and how large it may be."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import anyio
import httpx
import pytest
from anyio.abc import ByteStream

from strikeloop.wire.endpoint import Endpoint
from strikeloop.wire.exchange import Connection
from tests.framework.wire.servers import Asked, HttpVenue, answered, serving, until

pytestmark = pytest.mark.anyio

LONGEST = 10_000


async def asked(answer: bytes, *, method: str = "GET", content: bytes = b"", step: int = 0) -> tuple[httpx.Response, bool]:
    """The response to a venue that writes `answer` and hangs up, and whether the connection could be used again."""

    async def reply(_asked: Asked, stream: ByteStream) -> bytes | None:
        for at in range(0, len(answer), step or len(answer) or 1):
            await stream.send(answer[at : at + (step or len(answer))])
        return None

    async with serving(HttpVenue(reply)) as port:
        request = httpx.Request(method, f"http://127.0.0.1:{port}/x", content=content)
        async with await anyio.connect_tcp("127.0.0.1", port) as stream:
            connection = Connection(Endpoint("127.0.0.1", port, False), stream)
            response = await connection.ask(request, content, write_s=5, read_s=5, max_body=LONGEST)
            await response.aread()
            return response, connection.is_reusable


async def test_the_request_arrives_as_it_was_made_target_headers_and_body() -> None:
    async def reply(_asked: Asked, _stream: ByteStream) -> bytes | None:
        return answered()

    venue = HttpVenue(reply)
    async with serving(venue) as port, await anyio.connect_tcp("127.0.0.1", port) as stream:
        connection = Connection(Endpoint("127.0.0.1", port, False), stream)
        url = f"http://127.0.0.1:{port}/api/v4/options/orders?contract=BTC_USDT-20261225-50000-C&x=a%2Fb"
        request = httpx.Request("POST", url, headers={"KEY": "k", "SIGN": "s"}, content=b'{"size":1}')
        await connection.ask(request, b'{"size":1}', write_s=5, read_s=5, max_body=LONGEST)
    (seen,) = venue.asked
    assert seen.method == "POST"
    assert seen.target == "/api/v4/options/orders?contract=BTC_USDT-20261225-50000-C&x=a%2Fb"
    assert (seen.headers["key"], seen.headers["sign"], seen.headers["content-length"]) == ("k", "s", "10")
    assert seen.body == b'{"size":1}'


@pytest.mark.parametrize("step", [0, 1])
async def test_an_answer_is_read_whole_however_it_is_sliced(step: int) -> None:
    response, is_reusable = await asked(answered(b"x" * 300, headers=b"X-Gate-RateLimit-Remaining: 9\r\n"), step=step)
    assert response.content == b"x" * 300
    assert response.headers["x-gate-ratelimit-remaining"] == "9"
    assert response.extensions["reason_phrase"] == b"OK"
    assert is_reusable


async def test_a_chunked_answer_is_put_together() -> None:
    response, is_reusable = await asked(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    assert response.content == b"abcde"
    assert is_reusable


async def test_interim_answers_are_passed_over() -> None:
    response, _ = await asked(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" + answered(b"final"))
    assert response.content == b"final"


async def test_an_error_page_is_an_answer_like_any_other() -> None:
    response, _ = await asked(answered(b"<html>busy</html>", status="502 Bad Gateway"))
    assert (response.status_code, response.content) == (502, b"<html>busy</html>")


async def test_a_head_has_no_body() -> None:
    response, is_reusable = await asked(b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n", method="HEAD")
    assert response.content == b""
    assert is_reusable


@pytest.mark.parametrize(
    "answer",
    [answered(headers=b"connection: close\r\n"), b"HTTP/1.0 200 OK\r\n\r\nuntil the end", answered() + b"HTTP/1.1 408 stray\r\n\r\n"],
    ids=["close", "HTTP/1.0", "stray bytes"],
)
async def test_a_connection_whose_next_answer_would_be_in_doubt_is_not_used_again(answer: bytes) -> None:
    response, is_reusable = await asked(answer)
    assert response.status_code == 200
    assert not is_reusable


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\0\1\2 nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\ncontent-length: 10\r\n\r\n123456789",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 20_000,
    ],
    ids=["nothing", "nonsense", "short", "two lengths", "bad chunk", "cut chunk", "other protocol", "endless head"],
)
async def test_what_is_no_whole_answer_is_a_protocol_error_of_the_venue(answer: bytes) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        await asked(answer, method="POST", content=b"{}")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 10001\r\n\r\n" + b"x" * 10_001,
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
        b"3e8\r\n" + b"x" * 1_000 + b"\r\n" + (b"3e8\r\n" + b"x" * 1_000 + b"\r\n") * 20,
    ],
    ids=["length", "chunked"],
)
async def test_a_body_over_the_limit_is_not_read_to_its_end(answer: bytes) -> None:
    with pytest.raises(httpx.ReadError, match="longer than 10000 bytes"):
        await asked(answer)


async def test_a_gzipped_answer_is_unpacked_once() -> None:
    response, _ = await asked(answered(gzip.compress(b"packed" * 100), headers=b"content-encoding: gzip\r\n"))
    assert response.content == b"packed" * 100
    assert "content-encoding" not in response.headers


def squeezed(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("coding", "pack", "reason"),
    [
        (b"gzip", lambda: squeezed(b"\0" * 8_000_000), "longer than 10000 bytes once unpacked"),
        (b"gzip", lambda: gzip.compress(b"whole")[:-6], "cut short"),
        (b"gzip", lambda: gzip.compress(b"one") + gzip.compress(b"two"), "followed by something else"),
        (b"gzip", lambda: b"not gzip", "damaged"),
        (b"br", lambda: b"x", "not asked for"),
        (b"gzip, gzip", lambda: gzip.compress(gzip.compress(b"x")), "not asked for"),
    ],
    ids=["bomb", "cut", "two members", "nonsense", "unasked coding", "twice"],
)
async def test_a_coding_that_is_a_bomb_damaged_or_unasked_for_is_refused(coding: bytes, pack: Callable[[], bytes], reason: str) -> None:
    with pytest.raises(httpx.DecodingError, match=reason):
        await asked(answered(pack(), headers=b"content-encoding: %s\r\n" % coding))


async def test_a_bomb_is_not_unpacked_beyond_the_limit() -> None:
    bomb = answered(squeezed(b"\0" * 8_000_000), headers=b"content-encoding: gzip\r\n")
    tracemalloc.start()
    try:
        with pytest.raises(httpx.DecodingError):
            await asked(bomb)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4_000_000


async def test_a_header_that_cannot_be_sent_is_refused_before_anything_is() -> None:
    async def reply(_asked: Asked, _stream: ByteStream) -> bytes | None:
        return answered()

    venue = HttpVenue(reply)
    async with serving(venue) as port, await anyio.connect_tcp("127.0.0.1", port) as stream:
        connection = Connection(Endpoint("127.0.0.1", port, False), stream)
        request = httpx.Request("GET", f"http://127.0.0.1:{port}/", headers={"x": "a\r\nevil: 1"})
        with pytest.raises(httpx.LocalProtocolError):
            await connection.ask(request, b"", write_s=5, read_s=5, max_body=LONGEST)
    assert venue.asked == []


async def test_the_deadline_is_for_the_whole_answer_not_for_each_byte() -> None:
    async def trickle(_asked: Asked, stream: ByteStream) -> bytes | None:
        await stream.send(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        while True:
            await stream.send(b"x")
            await anyio.sleep(0.01)

    async with serving(HttpVenue(trickle)) as port, await anyio.connect_tcp("127.0.0.1", port) as stream:
        connection = Connection(Endpoint("127.0.0.1", port, False), stream)
        with pytest.raises(httpx.ReadTimeout, match="no answer in time"):
            await connection.ask(httpx.Request("GET", f"http://127.0.0.1:{port}/"), b"", write_s=5, read_s=0.1, max_body=LONGEST)


async def test_a_connection_is_quiet_until_the_venue_hangs_up_or_speaks_unasked() -> None:
    for last_words in (b"", b"HTTP/1.1 408 Request Timeout\r\n\r\n"):
        go_on = anyio.Event()

        async def wait(stream: ByteStream, last_words: bytes = last_words, go_on: anyio.Event = go_on) -> None:
            await go_on.wait()
            if last_words:
                await stream.send(last_words)
                await anyio.sleep_forever()

        async with serving(wait) as port, await anyio.connect_tcp("127.0.0.1", port) as stream:
            connection = Connection(Endpoint("127.0.0.1", port, False), stream)
            assert connection.is_quiet()
            go_on.set()
            await until(lambda connection=connection: not connection.is_quiet())  # type: ignore[misc]  # binds the loop's own
            await stream.aclose()
            assert not connection.is_quiet()
