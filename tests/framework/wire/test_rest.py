"""The specification of strikeloop.wire.rest: each failure of a request told apart, and nothing sent twice."""

from __future__ import annotations

import traceback
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import anyio
import httpx
import pytest

from strikeloop import AuthRejectedError, LinkLostError, OrderRejectedError, OutcomeUnknownError, VenueError
from strikeloop.adapter import ServerClock
from strikeloop.wire import Document, RateLimiter, Refusal, Rest, Verdict
from strikeloop.wire.network import through

pytestmark = pytest.mark.anyio
S = 1_000_000_000


class World:
    """Answers as it was told, one answer for each request; `seen` are the requests."""

    def __init__(self) -> None:
        self.answers: list[Any] = []
        self.seen: list[httpx.Request] = []

    async def connect(self, url: str, headers: Any) -> Any:
        raise NotImplementedError

    async def answer(self, request: httpx.Request, content: bytes) -> httpx.Response:
        await anyio.lowlevel.checkpoint()
        self.seen.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        status, body = answer[:2]
        return httpx.Response(status, content=body, headers=answer[2] if len(answer) > 2 else {})


def refused(status: int, document: Document) -> Refusal | None:
    if "error" not in document:
        return None
    code = document["error"].text
    verdicts = {"BAD_KEY": Verdict.CREDENTIALS, "BUSY": Verdict.UNCERTAIN}
    return Refusal(code, f"at {status}", verdicts.get(code, Verdict.REFUSED))


def sign(method: str, target: str, body: bytes, time_ns: int) -> Mapping[str, str]:
    return {"sign": f"{method} {target} {body.decode()} {time_ns // S}"}


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def rest(world: World) -> AsyncIterator[Rest]:
    made = Rest("https://venue.test/v1/", ServerClock(lambda: 100 * S), refused, sign, limit=RateLimiter(20, 10.0, clock=lambda: 100 * S))
    with through(world):
        yield made
    await made.aclose()


async def place(rest: Rest, world: World, answer: Any) -> Any:
    world.answers = [answer]
    return await rest.act("POST", "/orders", {"size": "1"}, read=lambda document: document["id"].name)


async def ask(rest: Rest, world: World, answer: Any) -> Any:
    world.answers = [answer]
    return await rest.query("/orders", {"status": "open"})


async def test_a_good_answer_is_read(rest: Rest, world: World) -> None:
    assert await place(rest, world, (201, b'{"id": 7}')) == "7"
    assert (await ask(rest, world, (200, b"[1]"))).is_list


async def test_what_leaves_is_signed_as_it_is_sent(rest: Rest, world: World) -> None:
    await place(rest, world, (200, b'{"id": 7}'))
    await ask(rest, world, (200, b"[]"))
    assert [request.headers["sign"] for request in world.seen] == ['POST /orders {"size":"1"} 100', "GET /orders?status=open  100"]


async def test_what_is_public_is_not_signed(rest: Rest, world: World) -> None:
    world.answers = [(200, b"[]")]
    await rest.query("/instruments", is_public=True)
    assert "sign" not in world.seen[0].headers


NEVER_DONE: list[Any] = [(400, b'{"error": "NO_MARGIN"}'), (200, b'{"error": "NO_MARGIN"}'), (429, b""), (404, b"<html>")]
NOBODY_KNOWS: list[Any] = [
    (500, b"<html>"),
    (503, b'{"error": "NO_MARGIN"}'),
    (200, b"<html>"),
    (200, b'{"id": '),
    (200, b'{"order": 7}'),
    (200, b'{"error": "BUSY"}'),
    (302, b""),
    httpx.ReadTimeout("slow"),
    httpx.ReadError("reset"),
    httpx.RemoteProtocolError("nonsense"),
    httpx.WriteError("reset"),
]
NOT_SENT: list[Any] = [httpx.ConnectError("refused"), httpx.ConnectTimeout("slow"), httpx.PoolTimeout("busy")]
CREDENTIALS: list[Any] = [(401, b""), (403, b"<html>"), (200, b'{"error": "BAD_KEY"}')]


@pytest.mark.parametrize(
    ("answers", "error"),
    [(NEVER_DONE, OrderRejectedError), (NOBODY_KNOWS, OutcomeUnknownError), (NOT_SENT, LinkLostError), (CREDENTIALS, AuthRejectedError)],
)
async def test_of_an_order_it_is_told_whether_it_may_have_been_done(world: World, answers: list[Any], error: type[VenueError]) -> None:
    rest = Rest("https://venue.test", ServerClock(lambda: 0), refused)
    with through(world):
        for answer in answers:
            world.seen.clear()
            with pytest.raises(VenueError) as raised:
                await place(rest, world, answer)
            assert (type(raised.value), len(world.seen)) == (error, 1), answer


@pytest.mark.parametrize("answer", [*NEVER_DONE, *NOBODY_KNOWS[:2], NOBODY_KNOWS[5], *NOBODY_KNOWS[6:], *NOT_SENT])
async def test_a_question_that_fails_is_a_failure_of_the_venue(world: World, answer: Any) -> None:
    rest = Rest("https://venue.test", ServerClock(lambda: 0), refused)
    with through(world), pytest.raises(VenueError) as raised:
        await ask(rest, world, answer)
    assert type(raised.value) in (VenueError, LinkLostError)


async def test_a_refusal_bears_its_code(rest: Rest, world: World) -> None:
    with pytest.raises(OrderRejectedError, match="POST /orders: HTTP 400: NO_MARGIN at 400") as raised:
        await place(rest, world, (400, b'{"error": "NO_MARGIN"}'))
    assert raised.value.code == "NO_MARGIN"


async def test_after_a_429_an_order_is_held_back_and_then_not_sent(rest: Rest, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OrderRejectedError):
        await place(rest, world, (429, b"", {"retry-after": "7"}))
    assert rest.limit is not None
    assert rest.limit.delay(100 * S, urgent=True) == 7
    monkeypatch.setattr("strikeloop.wire.rest.TURN_S", 0.0)
    with pytest.raises(LinkLostError, match="held back"):
        await place(rest, world, (200, b'{"id": 1}'))
    assert len(world.seen) == 1


async def test_a_listing_is_read_page_by_page_to_its_end(rest: Rest, world: World) -> None:
    world.answers = [(200, b"[1, 2]"), (200, b"[3, 4]"), (200, b"[5]")]
    rows = await rest.pages("/orders", {"state": "open"}, list, size=2, offset="skip")
    assert [row.whole for row in rows] == [1, 2, 3, 4, 5]
    assert [dict(request.url.params) for request in world.seen] == [{"state": "open", "skip": skip} for skip in ("0", "2", "4")]


async def test_a_listing_without_an_end_is_a_failure(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("strikeloop.wire.rest.MOST_PAGES", 3)
    world.answers = [(200, b"[1]")] * 3
    with through(world), pytest.raises(VenueError, match="GET /orders: more than 3 pages"):
        await Rest("https://venue.test", ServerClock(lambda: 0), refused).pages("/orders", None, list, size=1)


async def test_the_venues_time_is_learned(rest: Rest, world: World) -> None:
    world.answers = [(200, b'{"now": 3700}')]
    await rest.told_time("/time", lambda document: document["now"].time(S), grain_ns=S)
    assert 3600 <= (rest.clock.offset_ns or 0) / S <= 3601


@pytest.mark.parametrize("failed", [place, ask])
async def test_an_error_keeps_no_frame_that_holds_the_signed_request(
    rest: Rest, world: World, failed: Callable[[Rest, World, Any], Any]
) -> None:
    with pytest.raises(VenueError) as raised:
        await failed(rest, world, httpx.ReadError("reset"))
    shown = traceback.TracebackException.from_exception(raised.value, capture_locals=True)
    assert "sign" not in "".join(line for cause in (shown.__cause__,) if cause for line in cause.format())
