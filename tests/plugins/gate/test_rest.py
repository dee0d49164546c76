"""Requests to Gate's REST: how they are signed, and what each way of failing means."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import httpx
import pytest

from strikeloop import AuthRejectedError, LinkLostError, OrderRejectedError, OutcomeUnknownError, VenueError
from strikeloop.adapter import ServerClock
from strikeloop.wire import Secret
from strikeloop_gate import rest
from strikeloop_gate.rest import Lines, Rest
from strikeloop_gate.signing import request_signature

pytestmark = pytest.mark.anyio

S = 1_000_000_000
NOW = 1_700_000_000 * S
BASE = "https://venue.test/api/v4"
LINES = ("queries", "orders", "cancels")


class Venue:
    """Answers every request with `answer`, a response or an exception (a list: each once, the last ever after), and keeps the requests."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.requests: list[httpx.Request] = []
        self.now, self.connecting_s = NOW, 0
        self.lines = Lines(*(httpx.AsyncClient(transport=httpx.MockTransport(partial(self.handle, line))) for line in LINES))
        self.rest = Rest(BASE, self.lines, ServerClock(lambda: self.now), Secret("key"), Secret("secret"))
        self.used: list[str] = []

    def handle(self, line: str, request: httpx.Request) -> httpx.Response:
        self.now += self.connecting_s * S
        request.headers.update(request.extensions["leaving"]())
        self.requests.append(request)
        self.used.append(line)
        found = self.answer
        if isinstance(found, list):
            found = found.pop(0) if len(found) > 1 else found[0]
        if isinstance(found, Exception):
            raise found
        assert isinstance(found, httpx.Response)
        return found

    def delay(self, what: str) -> float:
        """Seconds that the next such request would be held back."""
        method, path = what.split()
        return self.rest.budgets.of(method, path).delay(self.now)


def answer(status: int, body: Any, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx.Response(status, content=content, headers={name.replace("_", "-"): value for name, value in headers.items()})


def labelled(status: int, label: str, **headers: str) -> httpx.Response:
    return answer(status, {"label": label, "message": "said so"}, **headers)


async def ask(venue: Venue, method: str) -> bytes:
    if method == "GET":
        return await venue.rest.get("/options/x")
    return await (
        venue.rest.cancel(method, "/options/orders") if method == "DELETE" else venue.rest.order(method, "/options/orders", b"{}")
    )


async def failure(response: Any, method: str = "GET") -> VenueError:
    venue = Venue(response)
    with pytest.raises(VenueError) as caught:
        await ask(venue, method)
    assert len(venue.requests) == 1
    return caught.value


async def test_a_get_signs_the_query_as_it_reads_before_it_is_encoded() -> None:
    venue = Venue(answer(200, []))
    await venue.rest.get("/options/orders", (("status", "open"), ("contract", "A B/C")))
    (request,) = venue.requests
    assert request.url.query == b"status=open&contract=A+B%2FC"
    expected = request_signature(
        Secret("secret"), method="GET", path="/api/v4/options/orders", query="status=open&contract=A B/C", body=b"", timestamp="1700000000"
    )
    assert (request.headers["KEY"], request.headers["Timestamp"], request.headers["SIGN"]) == ("key", "1700000000", expected)


async def test_a_public_request_carries_no_key() -> None:
    venue = Venue(answer(200, []))
    await venue.rest.get("/options/contracts", (("underlying", "BTC_USDT"),), signed=False)
    assert not {"key", "sign", "timestamp"} & set(venue.requests[0].headers)


async def test_a_signed_request_without_a_key_is_refused_before_it_is_sent() -> None:
    venue = Venue(answer(200, []))
    venue.rest.key = None
    with pytest.raises(AuthRejectedError):
        await venue.rest.get("/options/accounts")
    assert not venue.requests


@pytest.mark.parametrize("skew_s", [-3600, -5, 5, 3600])
async def test_requests_are_signed_with_the_venues_time_once_it_is_known(skew_s: int) -> None:
    venue = Venue(answer(200, {"server_time": (NOW + skew_s * S) // 1_000_000}))
    await venue.rest.synchronize()
    venue.answer = answer(200, [])
    await venue.rest.get("/options/accounts")
    assert venue.requests[-1].headers["Timestamp"] == str(1_700_000_000 + skew_s)


async def test_a_request_is_signed_when_it_leaves_however_long_its_connection_took() -> None:
    venue = Venue(answer(200, []))
    venue.connecting_s = 40
    await venue.rest.order("POST", "/options/orders", b"{}")
    assert venue.requests[0].headers["Timestamp"] == str(1_700_000_040)


async def test_the_venues_time_is_measured_from_when_a_request_left() -> None:
    venue = Venue(answer(200, [], date="Tue, 14 Nov 2023 22:14:00 GMT"))
    venue.connecting_s = 40
    await venue.rest.get("/options/accounts")
    assert venue.rest.clock.offset_ns == pytest.approx(0, abs=S)


@pytest.mark.parametrize("body", [{}, [], {"server_time": "soon"}, {"server_time": 1.5}, {"server_time": True}, {"server_time": 10**20}])
async def test_a_server_time_that_is_none_is_refused(body: Any) -> None:
    with pytest.raises(VenueError):
        await Venue(answer(200, body)).rest.synchronize()


async def test_every_answer_teaches_the_venues_clock_to_the_second() -> None:
    venue = Venue(answer(200, [], date="Tue, 14 Nov 2023 23:13:20 GMT"))
    await venue.rest.get("/options/accounts")
    assert venue.rest.clock.offset_ns == pytest.approx(3600 * S, abs=S)


async def test_a_question_refused_as_expired_is_asked_again_with_the_venues_time() -> None:
    venue = Venue([labelled(401, "REQUEST_EXPIRED"), *[answer(200, {"server_time": NOW // 1_000_000 + 3_600_000})] * 2, answer(200, [])])
    assert await venue.rest.get("/options/accounts") == b"[]"
    assert [request.headers.get("Timestamp") for request in venue.requests] == ["1700000000", None, None, "1700003600"]


async def test_a_question_that_stays_expired_is_asked_no_third_time() -> None:
    venue = Venue([labelled(401, "REQUEST_EXPIRED"), *[answer(200, {"server_time": 1})] * 2, labelled(401, "REQUEST_EXPIRED")])
    with pytest.raises(AuthRejectedError):
        await venue.rest.get("/options/accounts")
    assert len(venue.requests) == 4


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_an_order_refused_as_expired_is_not_sent_again_and_teaches_the_clock(method: str) -> None:
    venue = Venue(labelled(401, "REQUEST_EXPIRED", date="Tue, 14 Nov 2023 23:13:20 GMT"))
    with pytest.raises(AuthRejectedError):
        await ask(venue, method)
    assert len(venue.requests) == 1
    assert venue.rest.clock.offset_ns == pytest.approx(3600 * S, abs=S)


async def test_queries_orders_and_cancels_each_have_a_line_of_their_own() -> None:
    venue = Venue(answer(200, []))
    for method in ("GET", "POST", "PUT", "DELETE"):
        await ask(venue, method)
    await venue.rest.cancel("POST", "/options/countdown_cancel_all", b"{}")
    assert venue.used == ["queries", "orders", "orders", "cancels", "cancels"]


async def test_asking_the_time_opens_the_lines_that_orders_and_cancels_use() -> None:
    venue = Venue(answer(200, {"server_time": NOW // 1_000_000}))
    await venue.rest.synchronize()
    assert venue.used == ["orders", "cancels"]


async def test_lines_that_were_opened_and_went_quiet_are_kept_open() -> None:
    venue = Venue(answer(200, {"server_time": NOW // 1_000_000}))
    await venue.rest.keep_open()
    assert venue.used == []
    await venue.rest.synchronize()
    venue.now += 20 * S
    await ask(venue, "POST")
    venue.now += 10 * S
    await venue.rest.keep_open()
    assert venue.used == ["orders", "cancels", "orders", "cancels"]


async def test_an_order_that_gets_no_turn_is_told_to_be_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    venue = Venue(labelled(429, "TOO_MANY_REQUESTS", retry_after="30"))
    with pytest.raises(OrderRejectedError):
        await ask(venue, "POST")
    monkeypatch.setattr(rest, "TURN_S", 0.01)
    with pytest.raises(LinkLostError, match="held back"):
        await ask(venue, "POST")
    assert len(venue.requests) == 1


async def test_a_date_that_cannot_be_read_teaches_nothing() -> None:
    venue = Venue(answer(200, [], date="soon"))
    await venue.rest.get("/options/accounts")
    assert venue.rest.clock.offset_ns is None


@pytest.mark.parametrize("label", ["INVALID_KEY", "INVALID_SIGNATURE", "IP_FORBIDDEN", "READ_ONLY", "FORBIDDEN"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PUT"])
async def test_refused_credentials_are_told_apart_by_label(label: str, method: str) -> None:
    error = await failure(labelled(400, label), method)
    assert type(error) is AuthRejectedError
    assert error.code == label


@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT"])
@pytest.mark.parametrize("status", [200, 201, 400, 404])
async def test_an_order_that_the_venue_refuses_is_rejected_with_its_label(method: str, status: int) -> None:
    error = await failure(labelled(status, "INSUFFICIENT_AVAILABLE"), method)
    assert type(error) is OrderRejectedError
    assert (error.code, "said so" in str(error)) == ("INSUFFICIENT_AVAILABLE", True)


@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT"])
@pytest.mark.parametrize(
    "response",
    [
        labelled(500, "INTERNAL"),
        labelled(400, "TOO_BUSY"),
        labelled(502, "ORDER_NOT_FOUND"),
        answer(502, b"<html>bad gateway</html>"),
        answer(408, b""),
        answer(200, b"<html>login</html>"),
        answer(200, b'{"id": NaN}'),
        answer(302, b"", location="https://elsewhere.test/"),
    ],
    ids=["500", "busy", "502-label", "502", "408", "html", "nan", "redirect"],
)
async def test_an_order_whose_fate_the_answer_does_not_tell_is_unknown(method: str, response: httpx.Response) -> None:
    assert type(await failure(response, method)) is OutcomeUnknownError


@pytest.mark.parametrize(
    "response",
    [
        answer(500, b""),
        labelled(400, "INVALID_PARAM_VALUE"),
        answer(200, b"<html>"),
        answer(200, b""),
        answer(302, b"", location="https://elsewhere.test/"),
    ],
)
async def test_a_query_that_fails_is_an_error_of_the_venue(response: httpx.Response) -> None:
    assert type(await failure(response)) is VenueError


@pytest.mark.parametrize("exception", [httpx.ConnectError("x"), httpx.ConnectTimeout("x"), httpx.PoolTimeout("x")])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_what_was_never_sent_is_a_lost_link(exception: Exception, method: str) -> None:
    assert type(await failure(exception, method)) is LinkLostError


@pytest.mark.parametrize(
    "exception",
    [httpx.ReadTimeout("x"), httpx.WriteTimeout("x"), httpx.ReadError("x"), httpx.WriteError("x"), httpx.RemoteProtocolError("x")],
)
async def test_what_may_have_been_sent_is_unknown_for_orders_and_lost_for_queries(exception: Exception) -> None:
    assert type(await failure(exception, "POST")) is OutcomeUnknownError
    assert type(await failure(exception, "DELETE")) is OutcomeUnknownError
    assert type(await failure(exception)) is LinkLostError


async def test_too_many_requests_pause_their_budget_until_the_venue_says() -> None:
    venue = Venue(labelled(429, "TOO_MANY_REQUESTS", retry_after="7"))
    with pytest.raises(VenueError) as caught:
        await venue.rest.get("/options/accounts")
    assert (caught.value.code, caught.value.retryable) == ("TOO_MANY_REQUESTS", True)
    assert venue.delay("GET /options/accounts") == pytest.approx(7.0)
    assert venue.delay("DELETE /options/orders/7") == 0.0


async def test_an_order_over_the_limit_is_rejected_and_pauses_orders_only() -> None:
    venue = Venue(labelled(429, "TOO_MANY_REQUESTS", x_gate_ratelimit_reset_timestamp=str(1_700_000_003)))
    with pytest.raises(OrderRejectedError):
        await venue.rest.order("POST", "/options/orders", b"{}")
    assert venue.delay("POST /options/orders") == pytest.approx(3.0)
    assert venue.delay("DELETE /options/orders/7") == 0.0


async def test_the_stated_rest_of_a_window_is_respected() -> None:
    venue = Venue(answer(200, [], x_gate_ratelimit_requests_remain="0", x_gate_ratelimit_reset_timestamp="1700000004"))
    await venue.rest.get("/options/accounts")
    assert venue.delay("GET /options/accounts") == pytest.approx(4.0)


@pytest.mark.parametrize("reset", ["soon", "-1", "99999999999999", "1_0", ""])
async def test_a_limit_header_that_makes_no_sense_never_blocks_for_longer_than_a_minute(reset: str) -> None:
    venue = Venue(answer(200, [], x_gate_ratelimit_requests_remain="0", x_gate_ratelimit_reset_timestamp=reset))
    await venue.rest.get("/options/accounts")
    assert venue.delay("GET /options/accounts") <= 60.0


async def test_no_error_shows_key_secret_or_signature() -> None:
    for response in (labelled(401, "INVALID_KEY"), answer(200, b"no"), httpx.ReadError("x")):
        error = await failure(response, "POST")
        assert "secret" not in str(error)
        assert "SIGN" not in str(error)
