"""How Kestrel says things, written from its documentation (README.md) and not from the adapter."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from strikeloop import Event, Quoted, UnderlyingPriced
from strikeloop.testing import Spelling, asked, plain

MS = 1_000_000


class KestrelSpelling(Spelling):
    def heard(self, frame: bytes) -> asked.Heard:
        told = json.loads(frame)
        return asked.Subscribe(told["topic"]) if told["op"] == "subscribe" else asked.Unsubscribe(told["topic"])

    def acknowledged(self, asking: asked.Subscribe, now: int) -> Sequence[bytes]:
        return (json.dumps({"op": "subscribed", "topic": asking.channel}).encode(),)

    def refused(self, asking: asked.Subscribe, now: int, *, is_auth: bool) -> bytes:
        return json.dumps({"op": "error", "topic": asking.channel, "why": "no such topic"}).encode()

    def told(self, event: Event) -> Sequence[tuple[str, bytes]]:
        match event:
            case Quoted():
                prices = {"b": plain(event.bid) or None, "a": plain(event.ask) or None}
                row = {
                    "topic": "quotes",
                    "i": event.contract.name,
                    **prices,
                    "bs": event.bid_size,
                    "as": event.ask_size,
                    "t": event.time // MS,
                }
            case UnderlyingPriced():
                row = {"topic": "index", "u": event.underlying, "p": event.price}
            case _:
                return ()
        return ((str(row["topic"]), json.dumps({**row, "t": event.time // MS}).encode()),)

    def understood(self, request: asked.Request) -> asked.Asked:
        if (request.method, request.path) == ("GET", "/v1/instruments"):
            return asked.ListContracts()
        raise ValueError("no such request")

    def answered(self, asking: asked.Asked, answer: Any) -> asked.Reply:
        return asked.Reply(
            [
                {
                    "i": contract.id.name,
                    "u": contract.underlying,
                    "k": "C" if contract.is_call else "P",
                    "x": plain(contract.strike),
                    "e": contract.expiry // MS,
                    "m": plain(contract.multiplier),
                    "tick": plain(contract.tick),
                }
                for contract in answer
            ]
        )

    def turned_down(self, asking: asked.Asked, no: asked.No) -> asked.Reply:
        return asked.Reply({"why": no.value}, 429 if no is asked.No.TOO_MANY else 400)
