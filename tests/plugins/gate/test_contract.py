"""The Gate adapter keeps the contract of an adapter, before a played venue that speaks as Gate documents."""

from __future__ import annotations

import json
from collections.abc import Sequence

from strikeloop import BookUpdated, Event
from strikeloop.testing import KEY, SECRET, AdapterContract, asked
from strikeloop.testing.suite.connecting import Connecting
from strikeloop.testing.suite.decoding import Decoding
from strikeloop.testing.suite.hygiene import Hygiene
from strikeloop.wire import Secret
from strikeloop_gate import Gate
from tests.plugins.gate.gate_spelling import MS, GateSpelling, envelope
from tests.plugins.gate.seed_spelling import SeedSpelling


class TestGate(AdapterContract):
    spelling = GateSpelling()

    def adapter(self) -> Gate:
        return Gate(key=Secret(KEY), secret=Secret(SECRET))


class TestGateOfTheSeedDocument(AdapterContract):
    spelling = SeedSpelling()
    backends = ("asyncio",)

    def adapter(self) -> Gate:
        return Gate(dialect="seed", key=Secret(KEY), secret=Secret(SECRET))


CHANGES = "options.order_book_update"


class BooksSpelling(GateSpelling):
    """With changes of order books, for each of which a subscription names its contract."""

    def heard(self, frame: bytes) -> asked.Heard:
        told = json.loads(frame)
        if told["channel"] == CHANGES and told["event"] == "subscribe":
            return asked.Subscribe(CHANGES, tuple(told["payload"][:1]))
        return super().heard(frame)

    def told(self, event: Event) -> Sequence[tuple[str, bytes]]:
        if not isinstance(event, BookUpdated):
            return super().told(event)
        sides = {name: [{"p": str(price), "s": int(size)} for price, size in side] for name, side in (("b", event.bids), ("a", event.asks))}
        row = {"t": event.time // MS, "s": event.contract.name, "U": event.first_id, "u": event.last_id, **sides}
        return ((CHANGES, envelope(CHANGES, "update", row, event.time)),)

    def is_authentic(self, signed: asked.Request | bytes, now: int) -> bool:
        is_public = isinstance(signed, bytes) and json.loads(signed)["channel"] == CHANGES
        return is_public or super().is_authentic(signed, now)

    def understood(self, request: asked.Request) -> asked.Asked:
        if request.path == "/api/v4/options/order_book":
            return asked.Else({"id": 9, "current": 1780272000.0, "update": 1780272000.0, "bids": [], "asks": []})
        return super().understood(request)


class TestGateBooks(Decoding, Connecting, Hygiene):
    """Channels that the others leave out: changes of order books, subscribed by contract."""

    spelling = BooksSpelling()
    backends = ("asyncio",)

    def adapter(self) -> Gate:
        return Gate(channels=(CHANGES,))
