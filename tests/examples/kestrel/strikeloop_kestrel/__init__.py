"""Kestrel, an invented venue with market data only, as a strikeloop adapter."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

import strikeloop as sl
from strikeloop.adapter import Channel, Decoded, Ports, ServerClock
from strikeloop.wire import Document, JsonStream, Refusal, Rest

__all__ = ["Kestrel"]

MS = 1_000_000
KINDS = {"C": sl.OptionKind.CALL, "P": sl.OptionKind.PUT}


@attrs.frozen(kw_only=True)
class Kestrel:
    """Settings: where the venue is."""

    rest_url: str = "https://kestrel.test/v1"
    ws_url: str = "wss://kestrel.test/stream"

    def open(self, name: str, *, clock: Callable[[], int] = time.time_ns) -> Ports:
        """The adapter of this instance; it connects to nothing yet."""
        venue_clock = ServerClock(clock)
        rest = Rest(self.rest_url, venue_clock, _refusal)
        return Ports(name=name, clock=venue_clock, feed=KestrelFeed(name, self.ws_url, rest), closes=(rest.aclose,))


@attrs.define(eq=False)
class KestrelFeed(JsonStream):
    """`strikeloop.adapter.Feed` of one instance."""

    name: str
    ws_url: str
    rest: Rest
    channels = (Channel(name="quotes", conflatable=True), Channel(name="index", conflatable=True))

    def request(self, what: str, channel: str, time_s: int, contracts: Sequence[sl.ContractId]) -> Mapping[str, Any]:
        return {"op": what, "topic": channel}

    def decode(self, frame: bytes | str, received: int) -> Decoded:
        """One frame. Raises DecodeError."""
        told = Document.parse(frame)
        channel = told["topic"].text
        told, here = told.on(channel), {"time": received, "received": received, "adapter": self.name, "port": "feed", "channel": channel}
        if "op" in told:
            return Decoded(channel=channel, events=(told["op"].word(ANSWERS)(told, here),))
        return Decoded(channel=channel, events=(told["topic"].word(READERS)(self, told, received),))

    def quote(self, told: Document, received: int) -> sl.Quoted:
        bid, ask = told.nullable("b"), told.nullable("a")
        return sl.Quoted(
            time=told["t"].time(MS),
            received=received,
            contract=self.contract(told),
            bid=None if bid is None else bid.number,
            ask=None if ask is None else ask.number,
            bid_size=told["bs"].number,
            ask_size=told["as"].number,
        )

    def index(self, told: Document, received: int) -> sl.UnderlyingPriced:
        names = {"adapter": self.name, "underlying": told["u"].text}
        return sl.UnderlyingPriced(time=told["t"].time(MS), received=received, **names, price=told["p"].number)

    async def contracts(self) -> tuple[sl.Contract, ...]:
        """GET /instruments. Raises VenueError."""
        return tuple(self._contract(row) for row in await self.rest.query("/instruments", is_public=True))

    def contract(self, row: Document) -> sl.ContractId:
        return sl.ContractId.of(self.name, row["i"].text)

    def _contract(self, row: Document) -> sl.Contract:
        return sl.Contract(
            id=self.contract(row),
            underlying=row["u"].text,
            kind=row["k"].word(KINDS),
            strike=row["x"].exact,
            expiry=row["e"].time(MS),
            multiplier=row["m"].exact,
            tick=row["tick"].exact,
            mark_tick=row["tick"].exact,
        )


def _refused(told: Document, here: dict[str, Any]) -> sl.Event:
    return sl.ChannelRefused(**here, code=told["why"].text, message=told["why"].text)


ANSWERS: Mapping[str, Callable[[Document, dict[str, Any]], sl.Event]] = {
    "subscribed": lambda _, here: sl.ChannelSubscribed(**here),
    "error": _refused,
}
READERS: Mapping[str, Callable[[KestrelFeed, Document, int], sl.Event]] = {"quotes": KestrelFeed.quote, "index": KestrelFeed.index}


def _refusal(_status: int, answer: Document) -> Refusal | None:
    return Refusal(answer["why"].text) if "why" in answer else None
