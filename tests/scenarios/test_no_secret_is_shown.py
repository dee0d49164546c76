"""A run on which everything goes wrong, with marked credentials: whatever it says, shows, logs or keeps, the marks are not in it."""

from __future__ import annotations

import io
import json
import logging
import traceback
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any

import anyio
import attrs
import pytest
from rich.console import Console
from rich.traceback import Traceback

from strikeloop import OutcomeUnknownError
from strikeloop.encoding import plain
from strikeloop.live import run, status_of
from strikeloop.testing.faults import (
    Close,
    FaultProxy,
    Freeze,
    HangUp,
    Requests,
    Reset,
    Respond,
    Responses,
    Rule,
    Send,
    html_page,
    server_error,
    wrong_length,
)
from strikeloop.wire import Secret
from strikeloop_gate import Gate
from tests.scenarios.gate_world import KEY, SECRET, World, trading

pytestmark = pytest.mark.anyio

ANSWERS: dict[str, Any] = {
    "refused key": Respond(401, '{"label": "INVALID_KEY", "message": "no"}'),
    "gateway": server_error(502),
    "page": html_page(),
    "wrong length": [wrong_length(), HangUp()],
    "reset": Reset(),
    "silence": Freeze(),
}


class Heard(logging.Handler):
    """Every record of every logger on our side, with its arguments and its exception; the server beside us logs what it is sent."""

    def __init__(self) -> None:
        super().__init__(0)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name == "websockets.server":
            return
        self.lines.append(f"{record.name} {record.getMessage()} {record.args!r}")
        if record.exc_info and record.exc_info[1] is not None:
            self.lines.append("".join(shown(record.exc_info[1])))


@pytest.fixture(autouse=True)
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[Heard]:
    """Everything is logged, from level 0 on."""
    monkeypatch.setattr(run, "STOP_S", 0.3)
    heard, root = Heard(), logging.getLogger()
    loggers = [root, *(logging.getLogger(name) for name in ("httpx", "httpcore", "h11", "websockets", "asyncio", "strikeloop"))]
    before = [logger.level for logger in loggers]
    root.addHandler(heard)
    for logger in loggers:
        logger.setLevel(1)
    yield heard
    root.removeHandler(heard)
    for logger, level in zip(loggers, before, strict=True):
        logger.setLevel(level)


def shown(error: BaseException) -> list[str]:
    """An exception with every local of every frame, causes included."""
    return list(traceback.TracebackException.from_exception(error, capture_locals=True).format())


def rendered(error: BaseException) -> str:
    """The same as rich shows it to people."""
    console = Console(file=io.StringIO(), record=True, width=400)
    console.print(Traceback.from_exception(type(error), error, error.__traceback__, show_locals=True, locals_max_string=2_000))
    return console.export_text()


def leaks(text: str) -> list[str]:
    """Where a mark stands, with what is around it."""
    found = []
    for mark in (KEY, SECRET):
        at = text.find(mark)
        if at >= 0:
            found.append(text[max(0, at - 200) : at + 60].replace(mark, f"<<{mark[:10]}>>"))
    return found


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
async def test_no_failed_request_shows_a_secret_in_its_error_its_traceback_or_a_log(answer: Any, logged: Heard) -> None:
    async with FaultProxy(None, Rule(Requests(), answer, times=None)) as proxy:
        urls: dict[str, Any] = {"rest_url": proxy.url("http://x/api/v4"), "ws_url": proxy.url("ws://x/v4/ws")}
        adapter = Gate(**urls, key=Secret(KEY), secret=Secret(SECRET), request_timeout_s=0.3).open("gate")
        assert adapter.account is not None
        rest = adapter.account.rest
        asks: list[Callable[[], Awaitable[Any]]] = [
            lambda: rest.get("/options/accounts"),
            lambda: rest.order("POST", "/options/orders", b"{}"),
            lambda: rest.cancel("DELETE", "/options/orders/7"),
            adapter.account.prepare,
            adapter.account.snapshot,
        ]
        for ask in asks:
            with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever it is, it must keep the secret
                await ask()
            assert leaks("".join(shown(caught.value))) == []
        await adapter.aclose()
    assert leaks("\n".join(logged.lines)) == []


async def test_an_order_that_is_never_answered_shows_no_secret_to_people() -> None:
    async with FaultProxy(None, Rule(Requests(), Freeze(), times=None)) as proxy:
        adapter = Gate(
            rest_url=proxy.url("http://x/api/v4"), ws_url="ws://127.0.0.1:1", key=Secret(KEY), secret=Secret(SECRET), request_timeout_s=0.1
        ).open("gate")
        assert adapter.account is not None
        with pytest.raises(OutcomeUnknownError) as caught:
            await adapter.account.rest.order("POST", "/options/orders", b"{}")
        await adapter.aclose()
    assert leaks(rendered(caught.value)) == []


async def test_no_request_that_is_never_sent_shows_a_secret(logged: Heard) -> None:
    settings: dict[str, Any] = {"rest_url": "http://127.0.0.1:1/api/v4", "ws_url": "ws://127.0.0.1:1/v4/ws"}
    adapter = Gate(**settings, key=Secret(KEY), secret=Secret(SECRET)).open("gate")
    assert adapter.account is not None
    for ask in (lambda: adapter.account.rest.get("/options/accounts"), adapter.account.connect):
        with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever it is, it must keep the secret
            await ask()
        assert leaks("".join(shown(caught.value))) == []
    await adapter.aclose()
    assert leaks("\n".join(logged.lines)) == []


def _is_told(world: World, client_id: str) -> bool:
    return world.state(client_id) in ("open", "unknown", "rejected")


async def _trouble(world: World) -> None:
    """Orders and cancels with every bad answer, a stream that ends, garbles and comes back."""
    await world.ready()
    for method, answer in (
        ("POST", server_error()),
        ("POST", html_page()),
        ("POST", Reset()),
        ("DELETE", server_error()),
        ("DELETE", Reset()),
    ):
        world.proxy.add(Rule(Requests(method, "/options/orders"), answer))
        client_id = world.bid()
        await world.until(partial(_is_told, world, client_id))
        world.cancel(client_id)
    world.proxy.add(Rule(Responses("GET", "/options/my_trades"), Reset()))
    world.proxy.now(Send(b'{"time": 1, "channel": "options.orders", "event": "update", "result": [{"id": true}]}'))
    await anyio.sleep(0.3)
    connections = world.session.connections
    world.proxy.now(Close(1011, "bye"))
    await world.until(lambda: world.session.connections > connections)


async def test_nothing_that_a_troubled_run_tells_shows_or_keeps_holds_a_secret(logged: Heard) -> None:
    async with trading() as world:
        await _trouble(world)
        told = [repr(event) for event in world.events] + [json.dumps(plain(event), default=str) for event in world.events]
        kept = [json.dumps(status_of(world.live), default=str), *map(repr, world.notes.events)]
        objects = (world.adapter, world.adapter.account, world.adapter.account.rest, world.adapter.account.guard, world.live, world.session)
        reprs = [repr(one) + repr(vars(one) if hasattr(one, "__dict__") else one) for one in objects]
        settings = Gate(key=Secret(KEY), secret=Secret(SECRET))
        settled = [repr(settings), repr(attrs.asdict(settings))]
    for text in (told, kept, reprs, settled, logged.lines):
        assert leaks("\n".join(text)) == []


async def test_a_run_whose_credentials_are_refused_does_not_say_them(logged: Heard) -> None:
    async with trading(Rule(Requests("GET", "/options/accounts"), ANSWERS["refused key"], times=None)) as world:
        await world.until(lambda: world.session.auth_refused)
        await anyio.sleep(0.2)
        told = [repr(event) for event in world.events] + [json.dumps(status_of(world.live), default=str)]
    assert leaks("\n".join([*told, *logged.lines])) == []


def test_the_most_talkative_printers_would_show_a_secret_that_stands_in_a_frame() -> None:
    def careless() -> None:
        headers = {"KEY": KEY}
        raise ValueError(f"{len(headers)} headers")

    with pytest.raises(ValueError, match="headers") as caught:
        careless()
    assert leaks("".join(shown(caught.value)))
    assert leaks(rendered(caught.value))
