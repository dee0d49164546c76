"""The specification of strikeloop.wire.network: what a test puts in the place of the world."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anyio
import httpx
import pytest

from strikeloop import ConfigError
from strikeloop.wire import connect_websocket, open_http
from strikeloop.wire.network import network, through

pytestmark = pytest.mark.anyio


class Memory:
    """Remembers where it was asked to go."""

    def __init__(self) -> None:
        self.went: list[Any] = []

    async def connect(self, url: str, headers: Sequence[tuple[str, str]]) -> Any:
        await anyio.lowlevel.checkpoint()
        self.went.append((url, tuple(headers)))
        return "a link"

    async def answer(self, request: httpx.Request, content: bytes) -> httpx.Response:
        await anyio.lowlevel.checkpoint()
        self.went.append((str(request.url), request.headers.get("sign"), content))
        return httpx.Response(200, content=b"{}")


async def test_links_and_requests_go_where_the_test_wants_them() -> None:
    memory = Memory()
    with through(memory):
        link: Any = await connect_websocket("wss://venue.test/ws", headers=[("a", "b")])
        async with open_http("https://venue.test") as client:
            answer = await client.post("/orders", content=b"x", extensions={"leaving": lambda: {"sign": "s"}})
    assert (link, answer.status_code) == ("a link", 200)
    assert memory.went == [("wss://venue.test/ws", (("a", "b"),)), ("https://venue.test/orders", "s", b"x")]


async def test_tasks_that_are_started_there_go_there_too() -> None:
    found: list[object] = []
    with through(Memory()):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_note, found)
    assert found[0] is not None
    assert network() is None


async def _note(found: list[Any]) -> None:
    await anyio.lowlevel.checkpoint()
    found.append(network())


async def test_a_url_that_would_send_in_plain_text_is_refused_there_too() -> None:
    with through(Memory()), pytest.raises(ConfigError, match="unencrypted"):
        await connect_websocket("ws://venue.test/ws")
