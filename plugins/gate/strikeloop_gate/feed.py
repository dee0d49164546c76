"""The public side of Gate options: market data channels and the list of contracts.

Owns the feed port. It keeps the names of the contracts it last listed, because subscriptions name them; it decides
nothing about reconnecting or resubscribing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from strikeloop import BookUpdated, Contract, ContractId, DecodeError, Origin, VenueError
from strikeloop.adapter import BookIds, Channel, Decoded, Link
from strikeloop.wire import connect_websocket
from strikeloop_gate import frames, market
from strikeloop_gate.decode import Dialect, FrameDecoder
from strikeloop_gate.forms import ListedContract
from strikeloop_gate.rest import Rest
from strikeloop_gate.restforms import Answer, RestBook
from strikeloop_gate.sources import Source
from strikeloop_gate.strictjson import MalformedError

CONTRACTS, BOOK = Answer(list[ListedContract]), Answer(RestBook)
CONFLATABLE = frozenset(
    {"options.contract_tickers", "options.book_ticker", "options.ul_price", "options.ul_tickers", "options.mark_prices"}
)
BOOK_IDS = {frames.BOOK_CHANGES: BookIds.CHAINED, frames.BOOKS: BookIds.RISING}


@attrs.define(eq=False)
class GateFeed:
    """`strikeloop.adapter.Feed` of one configured instance."""

    name: str
    dialect: Dialect
    ws_url: str
    ca_file: str | None
    underlyings: tuple[str, ...]
    channel_names: tuple[str, ...]
    rest: Rest
    names: tuple[str, ...] = attrs.field(default=(), init=False)
    """Venue names of the contracts last listed."""
    decode: Callable[[bytes | str, int], Decoded] = attrs.field(init=False)
    decode_batch: Callable[[Sequence[bytes | str], int], list[Decoded | DecodeError]] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        decoder = FrameDecoder(self.name, self.dialect)
        self.decode, self.decode_batch = decoder.decode, decoder.decode_batch

    @property
    def channels(self) -> tuple[Channel, ...]:
        is_seed = self.dialect is Dialect.SEED
        return tuple(
            Channel(
                name=name,
                acknowledged=not is_seed,
                conflatable=name in CONFLATABLE,
                by_contract=name in frames.NAMES_CONTRACTS or (is_seed and name not in frames.NAMES_UNDERLYINGS),
                books=BOOK_IDS.get(name, BookIds.NONE),
                book_depth=frames.BOOK_DEPTH if name in BOOK_IDS else 0,
                repeats_bars=name.endswith("_candlesticks"),
            )
            for name in self.channel_names
        )

    async def connect(self) -> Link:
        """Open a link; learns the contracts first where a subscription must name them. Raises LinkLostError, VenueError."""
        if not self.names:
            await self.contracts()
        return await connect_websocket(self.ws_url, ca_file=self.ca_file)

    def subscribe(self, channel: str, time_s: int, contracts: Sequence[ContractId] = ()) -> Sequence[bytes]:
        return self._requests(channel, "subscribe", time_s, contracts)

    def unsubscribe(self, channel: str, time_s: int, contracts: Sequence[ContractId] = ()) -> Sequence[bytes]:
        return self._requests(channel, "unsubscribe", time_s, contracts)

    def ping(self, time_s: int) -> bytes:
        return frames.ping(time_s)

    async def contracts(self) -> tuple[Contract, ...]:
        """Every contract of the configured underlyings that can be traded now. Raises VenueError."""
        found: list[Contract] = []
        for underlying in self.underlyings:
            body = await self.rest.get("/options/contracts", (("underlying", underlying),), signed=False)
            try:
                found += [market.contract(self.name, item) for item, _, _ in CONTRACTS.rows(body) if item.is_active is not False]
            except MalformedError as exc:
                raise VenueError(f"GET /options/contracts: {exc}") from None
        self.names = tuple(contract.id.name for contract in found)
        return tuple(found)

    async def book(self, contract: ContractId) -> BookUpdated:
        """The whole book, as deep as the stream of its changes. Raises VenueError."""
        query = (("contract", contract.name), ("limit", str(frames.BOOK_DEPTH)), ("with_id", "true"))
        body = await self.rest.get("/options/order_book", query, signed=False)
        source = Source(self.name, self.rest.clock.now(), self.rest.clock.local(), Origin.SNAPSHOT)
        try:
            [(_, book, _)] = BOOK.rows(body)
            return market.rest_book(source, contract, book)
        except MalformedError as exc:
            raise VenueError(f"GET /options/order_book: {exc}") from None

    def _requests(self, channel: str, event: str, time_s: int, contracts: Sequence[ContractId]) -> tuple[bytes, ...]:
        names = tuple(contract.name for contract in contracts) or self.names
        payloads = frames.public_payloads(self.dialect, channel, underlyings=self.underlyings, contracts=names)
        return tuple(frames.request(channel, event, time_s, payload) for payload in payloads)
