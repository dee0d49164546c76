"""The public side of Corvid: quotes, trades and instruments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from strikeloop import Contract, ContractId, OptionKind
from strikeloop.adapter import Channel, Decoded
from strikeloop.wire import Document, JsonStream, Rest
from strikeloop_corvid.rows import MS, Rows

KINDS = {"call": OptionKind.CALL, "put": OptionKind.PUT}


@attrs.define(eq=False)
class CorvidFeed(JsonStream):
    """`strikeloop.adapter.Feed` of one instance."""

    name: str
    ws_url: str
    rest: Rest
    channels = (Channel(name="quotes", conflatable=True), Channel(name="trades"))
    keep_alive = b'{"do": "ping"}'

    def request(self, what: str, channel: str, time_s: int, contracts: Sequence[ContractId]) -> Mapping[str, Any]:
        return {"do": what.replace("scribe", ""), "on": channel}

    def decode(self, frame: bytes | str, received: int) -> Decoded:
        return Rows(self.name).decode("feed", frame, received)

    async def contracts(self) -> tuple[Contract, ...]:
        """GET /instruments. Raises VenueError."""
        return tuple(self._contract(row) for row in (await self.rest.query("/instruments", is_public=True))["rows"])

    def _contract(self, row: Document) -> Contract:
        return Contract(
            id=ContractId.of(self.name, row["inst"].text),
            underlying=row["base"].text,
            kind=row["type"].word(KINDS),
            strike=row["strike"].exact,
            expiry=row["expiry"].time(MS),
            multiplier=row["lot"].exact,
            tick=row["tick"].exact,
            mark_tick=row["tick"].exact,
            size_max=row["max"].exact,
        )
