"""The specification of strikeloop.wire.streams: one JSON request for each subscription, made when it is asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import anyio
import pytest

from strikeloop import ContractId
from strikeloop.wire import JsonStream
from strikeloop.wire.network import through

CALL = ContractId.of("venue", "BTC-C")


class Stream(JsonStream):
    ws_url = "wss://venue.test/ws"

    def request(self, what: str, channel: str, time_s: int, contracts: Sequence[ContractId]) -> Mapping[str, Any]:
        return {"op": what, "channel": channel, "at": time_s, "names": [contract.name for contract in contracts]}


class Memory:
    async def connect(self, url: str, headers: Any) -> Any:
        await anyio.lowlevel.checkpoint()
        return url

    async def answer(self, request: Any, content: bytes) -> Any:
        raise NotImplementedError


def test_a_subscription_is_one_request() -> None:
    (frame,) = Stream().subscribe("quotes", 7, (CALL,))
    assert json.loads(frame) == {"op": "subscribe", "channel": "quotes", "at": 7, "names": ["BTC-C"]}


def test_so_is_its_end() -> None:
    (frame,) = Stream().unsubscribe("quotes", 8)
    assert json.loads(frame) == {"op": "unsubscribe", "channel": "quotes", "at": 8, "names": []}


def test_the_keep_alive_is_what_the_venue_wants_where_it_has_one() -> None:
    class Kept(Stream):
        keep_alive = b"ping"

    assert (Stream().ping(1), Kept().ping(1)) == (None, b"ping")


@pytest.mark.anyio
async def test_it_connects_to_its_address() -> None:
    with through(Memory()):
        link: Any = await Stream().connect()
    assert link == "wss://venue.test/ws"


def test_who_does_not_say_how_to_ask_is_told() -> None:
    with pytest.raises(NotImplementedError, match="how the venue wants to be asked"):
        JsonStream().subscribe("quotes", 1)
