"""The HTTP transport over loopback: the cap, warm connections, cancellation, what is repeated and what never is."""

from __future__ import annotations

import contextlib
import gc
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version
from typing import Any

import anyio
import httpx
import pytest
from anyio.abc import ByteStream

from strikeloop.errors import ConfigError
from strikeloop.wire import HttpTransport, open_http
from tests.framework.wire.conftest import Certificates
from tests.framework.wire.servers import Asked, HttpVenue, answered, serving, until

pytestmark = pytest.mark.anyio

PATIENCE_S = 60
"""The machine may be busy with other things, too."""


async def at_once(_asked: Asked, _stream: ByteStream) -> bytes | None:
    return answered(b'{"ok":true}')


async def never(_asked: Asked, _stream: ByteStream) -> bytes | None:
    await anyio.sleep_forever()
    return None


@asynccontextmanager
async def client_of(venue: HttpVenue, **options: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(venue) as port, open_http(f"http://127.0.0.1:{port}/api/v4", **options) as client:
        with anyio.fail_after(PATIENCE_S):
            yield client


# ---- connections


async def test_what_signs_a_request_is_asked_when_it_has_its_place_and_its_connection() -> None:
    venue, let_go = HttpVenue(at_once), anyio.Event()

    async def held(asked: Asked, _stream: ByteStream) -> bytes | None:
        if asked.target.endswith("/first"):
            await let_go.wait()
        return answered()

    venue.answer = held
    asked: list[str] = []

    def leaving() -> dict[str, str]:
        asked.append("second")
        return {"SIGN": "fresh"}

    async with client_of(venue, max_connections=1) as client, anyio.create_task_group() as tasks:
        tasks.start_soon(client.get, "/first")
        await until(lambda: len(venue.asked) == 1)
        tasks.start_soon(partial(client.post, "/second", extensions={"leaving": leaving}))
        await anyio.wait_all_tasks_blocked()
        assert not asked
        let_go.set()
    assert asked == ["second"]
    assert venue.asked[1].headers["sign"] == "fresh"


async def test_one_connection_serves_one_request_after_another() -> None:
    venue = HttpVenue(at_once)
    async with client_of(venue) as client:
        for _ in range(20):
            response = await client.post("/options/orders", content=b"{}")
            assert response.json() == {"ok": True}
            assert response.elapsed.total_seconds() >= 0
    assert (venue.connections, len(venue.asked)) == (1, 20)
    assert venue.asked[0].target == "/api/v4/options/orders"


async def test_no_more_connections_than_allowed_are_open_and_every_request_gets_its_turn() -> None:
    async def once_all_are_busy(_asked: Asked, _stream: ByteStream) -> bytes | None:
        await until(lambda: venue.most_open >= 3)
        return answered()

    venue = HttpVenue(once_all_are_busy)
    async with client_of(venue, max_connections=3) as client, anyio.create_task_group() as tasks:
        for _ in range(30):
            tasks.start_soon(client.get, "/")
    assert venue.most_open == 3
    assert venue.connections == 3
    assert len(venue.asked) == 30


async def test_the_cap_holds_over_several_endpoints_by_closing_the_oldest_idle_connection() -> None:
    venue = HttpVenue(at_once)
    async with serving(venue) as one, serving(venue) as two, httpx.AsyncClient(transport=HttpTransport(max_connections=1)) as client:
        for port in (one, two, one):
            await client.get(f"http://127.0.0.1:{port}/")
            await until(lambda: venue.open_now == 1)
    assert venue.connections == 3


async def test_a_request_that_gets_no_place_in_time_was_not_sent() -> None:
    venue = HttpVenue(never)
    async with client_of(venue, max_connections=1) as client, anyio.create_task_group() as tasks:
        tasks.start_soon(client.get, "/first")
        await until(lambda: len(venue.asked) == 1)
        with pytest.raises(httpx.PoolTimeout, match="all 1 connections stayed busy"):
            await client.post("/second", timeout=httpx.Timeout(5, pool=0.05))
        tasks.cancel_scope.cancel()
    assert [asked.target for asked in venue.asked] == ["/api/v4/first"]


async def test_an_idle_connection_is_given_up_after_its_time() -> None:
    venue = HttpVenue(at_once)
    async with client_of(venue, keepalive_s=0.0) as client:
        await client.get("/")
        await client.get("/")
    assert venue.connections == 2


async def test_closing_the_client_closes_idle_connections_at_once_and_a_busy_one_after_its_answer() -> None:
    go_on = anyio.Event()

    async def told(asked: Asked, _stream: ByteStream) -> bytes | None:
        if asked.target.endswith("/busy"):
            await go_on.wait()
        return answered()

    venue = HttpVenue(told)
    async with client_of(venue) as client, anyio.create_task_group() as tasks:
        tasks.start_soon(client.get, "/busy")
        await until(lambda: len(venue.asked) == 1)
        await client.get("/idle")
        assert venue.open_now == 2
        await client.aclose()
        await until(lambda: venue.open_now == 1)
        go_on.set()
        await until(lambda: venue.open_now == 0)


# ---- cancellation


async def test_a_thousand_requests_cancelled_by_deadlines_leave_every_place_free() -> None:
    # One in four runs out of time while it waits for a place or connects, the others once the venue has read them.
    scopes: dict[str, anyio.CancelScope] = {}

    async def slow(asked: Asked, stream: ByteStream) -> bytes | None:
        if asked.target.endswith("healthy"):
            return await at_once(asked, stream)
        scopes[asked.target].deadline = anyio.current_time() + 0.001
        return await never(asked, stream)

    venue = HttpVenue(slow)
    cancelled = 0

    async def give_up(client: httpx.AsyncClient, task: int) -> None:
        nonlocal cancelled
        for n in range(50):
            with anyio.move_on_after(0.001 if (task + n) % 4 == 0 else PATIENCE_S) as scope:
                scopes[f"/api/v4/{task}/{n}"] = scope
                await client.post(f"/{task}/{n}", content=b"{}")
            cancelled += scope.cancelled_caught

    async with client_of(venue, max_connections=10) as client:
        async with anyio.create_task_group() as tasks:
            for task in range(20):
                tasks.start_soon(give_up, client, task)
        assert cancelled == 1_000
        assert 750 <= len(venue.asked) < 1_000
        with anyio.fail_after(PATIENCE_S):
            assert (await client.post("/healthy", content=b"{}")).status_code == 200
        async with anyio.create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(client.get, "/healthy")


async def places_after_a_thousand_deadlines(make: Callable[[str], httpx.AsyncClient]) -> int:
    """How many of ten requests at once a client of ten connections still answers, after 1,000 that ran out of time at some moment."""

    async def slow(_asked: Asked, _stream: ByteStream) -> bytes | None:
        await anyio.sleep(0.002)
        return answered()

    async def give_up(client: httpx.AsyncClient, task: int) -> None:
        rng = random.Random(task)
        for _ in range(50):
            with anyio.move_on_after(rng.uniform(0, 0.01)):
                await client.post("/order", content=b"{}")

    answers = 0

    async def try_once(client: httpx.AsyncClient) -> None:
        nonlocal answers
        with contextlib.suppress(httpx.PoolTimeout):
            await client.post("/order", content=b"{}", timeout=httpx.Timeout(5, pool=0.5))
            answers += 1

    async with serving(HttpVenue(slow)) as port, make(f"http://127.0.0.1:{port}") as client:
        async with anyio.create_task_group() as tasks:
            for task in range(20):
                tasks.start_soon(give_up, client, task)
        async with anyio.create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(try_once, client)
    return answers


async def test_requests_that_run_out_of_time_at_any_moment_leave_every_place_free() -> None:
    assert await places_after_a_thousand_deadlines(lambda url: open_http(url, max_connections=10)) == 10


@pytest.mark.skipif(version("httpcore") != "1.0.9", reason="only httpcore 1.0.9 is known to lose connections to cancelled requests")
@pytest.mark.filterwarnings("ignore:Async generator 'httpx._content:ResourceWarning")  # it leaves bodies half sent, which trio notices
async def test_the_pool_that_httpx_comes_with_loses_its_connections_to_the_same_requests() -> None:
    # encode/httpcore#1093: a request that is cancelled at the wrong moment leaves its connection CONNECTING for ever.
    limits = httpx.Limits(max_connections=10)
    assert await places_after_a_thousand_deadlines(lambda url: httpx.AsyncClient(base_url=url, limits=limits, trust_env=False)) < 10
    gc.collect()  # what it left is noticed here, and not in another test


async def test_a_connection_whose_request_was_cancelled_is_not_used_again() -> None:
    async def second_only(asked: Asked, stream: ByteStream) -> bytes | None:
        return await (never if asked.target.endswith("first") else at_once)(asked, stream)

    venue = HttpVenue(second_only)
    async with client_of(venue) as client:
        with anyio.move_on_after(0.05):
            await client.post("/first")
        await client.post("/second")
    assert venue.connections == 2


# ---- what a failure says


async def hang_up_on_the_second(asked: Asked, _stream: ByteStream) -> bytes | None:
    return None if asked.target.endswith("second") else answered()


async def test_a_get_is_repeated_once_when_its_kept_connection_ended_before_an_answer() -> None:
    venue = HttpVenue(hang_up_on_the_second)
    async with client_of(venue) as client:
        await client.get("/first")
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get("/second")
    assert [asked.target[-6:] for asked in venue.asked] == ["/first", "second", "second"]


@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT", "PATCH"])
async def test_nothing_else_is_ever_repeated(method: str) -> None:
    venue = HttpVenue(hang_up_on_the_second)
    async with client_of(venue) as client:
        await client.get("/first")
        with pytest.raises(httpx.RemoteProtocolError):
            await client.request(method, "/second")
    assert [asked.target[-6:] for asked in venue.asked] == ["/first", "second"]


async def test_a_get_is_not_repeated_once_its_answer_has_begun_nor_after_a_timeout() -> None:
    async def half(asked: Asked, stream: ByteStream) -> bytes | None:
        if asked.target.endswith("first"):
            return answered()
        await stream.send(b"HTTP/1.1 2" if asked.target.endswith("half") else b"")
        return None if asked.target.endswith("half") else await never(asked, stream)

    for target, error in (("/half", httpx.RemoteProtocolError), ("/late", httpx.ReadTimeout)):
        venue = HttpVenue(half)
        async with client_of(venue, read_timeout_s=0.1) as client:
            await client.get("/first")
            with pytest.raises(error):
                await client.get(target)
        assert len(venue.asked) == 2


async def test_a_post_does_not_meet_a_kept_connection_that_has_ended() -> None:
    async def then_close(asked: Asked, stream: ByteStream) -> bytes | None:
        await stream.send(answered())
        return None

    venue = HttpVenue(then_close)
    async with client_of(venue) as client:
        for _ in range(5):
            assert (await client.post("/options/orders")).status_code == 200
            await until(lambda: venue.open_now == 0)
    assert (venue.connections, len(venue.asked)) == (5, 5)


async def test_a_refused_connection_says_that_nothing_was_sent() -> None:
    async with serving(HttpVenue(at_once)) as port:
        pass
    async with open_http(f"http://127.0.0.1:{port}") as client:
        with pytest.raises(httpx.ConnectError, match=f"{port}: connecting"):
            await client.post("/options/orders")


async def test_a_connection_that_is_not_made_in_time_says_that_nothing_was_sent(certificates: Certificates) -> None:
    async def mute(stream: ByteStream) -> None:
        await anyio.sleep_forever()

    async with serving(mute) as port, open_http(f"https://127.0.0.1:{port}", connect_timeout_s=0.05) as client:
        with pytest.raises(httpx.ConnectTimeout):
            await client.post("/options/orders")


async def test_a_request_without_an_answer_says_that_it_may_have_arrived() -> None:
    venue = HttpVenue(never)
    async with client_of(venue, read_timeout_s=0.05) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.post("/options/orders")
    assert len(venue.asked) == 1


async def test_a_header_that_cannot_be_sent_leaves_the_venue_alone() -> None:
    venue = HttpVenue(at_once)
    async with client_of(venue) as client:
        with pytest.raises(httpx.LocalProtocolError):
            await client.get("/", headers={"x": "a\r\nevil: 1"})
        assert (await client.get("/")).status_code == 200
    assert len(venue.asked) == 1


# ---- safety


async def test_a_redirect_is_an_answer_and_the_second_host_hears_nothing() -> None:
    other = HttpVenue(at_once)
    async with serving(other) as port:

        async def redirect(_asked: Asked, _stream: ByteStream) -> bytes | None:
            return answered(status="307 Temporary Redirect", headers=b"location: http://127.0.0.1:%d/steal\r\n" % port)

        async with client_of(HttpVenue(redirect)) as client:
            for method in ("GET", "POST", "DELETE"):
                assert (await client.request(method, "/", headers={"KEY": "k", "SIGN": "s"})).status_code == 307
    assert other.connections == 0


async def test_plain_http_to_another_machine_is_refused_by_client_and_transport() -> None:
    with pytest.raises(ConfigError, match="loopback"):
        open_http("http://192.0.2.1")
    async with open_http("http://127.0.0.1:1") as client:
        with pytest.raises(ConfigError, match="loopback"):
            await client.get("http://192.0.2.1/")


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = HttpVenue(at_once)
    async with serving(proxy) as port:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
        venue = HttpVenue(at_once)
        async with client_of(venue) as client:
            assert not client.trust_env
            await client.get("/")
    assert (proxy.connections, len(venue.asked)) == (0, 1)


async def test_only_gzip_is_asked_for() -> None:
    venue = HttpVenue(at_once)
    async with client_of(venue) as client:
        await client.get("/")
    assert venue.asked[0].headers["accept-encoding"] == "gzip"


async def test_a_verified_venue_is_spoken_to_over_tls_on_one_warm_connection(certificates: Certificates) -> None:
    venue = HttpVenue(at_once)
    async with (
        serving(venue, tls=certificates.good) as port,
        open_http(f"https://127.0.0.1:{port}", ca_file=certificates.ca_file) as client,
    ):
        for _ in range(5):
            assert (await client.post("/", content=b"x" * 50_000)).json() == {"ok": True}
    assert (venue.connections, len(venue.asked)) == (1, 5)


@pytest.mark.parametrize("fault", ["expired", "wrong host", "self-signed", "TLS 1.1"])
async def test_a_venue_that_cannot_prove_itself_hears_nothing(certificates: Certificates, fault: str) -> None:
    venue = HttpVenue(at_once)
    async with (
        serving(venue, tls=certificates.bad[fault]) as port,
        open_http(f"https://127.0.0.1:{port}", ca_file=certificates.ca_file) as client,
    ):
        with pytest.raises(httpx.ConnectError):
            await client.post("/options/orders", headers={"KEY": "k"})
    assert venue.asked == []


async def test_a_good_certificate_of_an_authority_that_was_not_named_is_refused(certificates: Certificates) -> None:
    venue = HttpVenue(at_once)
    async with serving(venue, tls=certificates.good) as port, open_http(f"https://127.0.0.1:{port}") as client:
        with pytest.raises(httpx.ConnectError, match=r"(?i)certificate.verify.failed"):
            await client.get("/")
    assert venue.asked == []
