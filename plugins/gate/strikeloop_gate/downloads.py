"""Public market data over REST: what is listed, tickers, and the past as trades, candles and settlements.

Owns one method for each public listing that is downloaded rather than streamed, its paging and what its rows mean as
events. It needs no key. Source: APIv4, section Options.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar

import attrs
from msgspec import UNSET

from strikeloop import CandleClosed, Event, Quoted, TickerUpdated, Traded, UnderlyingPriced, VenueError
from strikeloop_gate import market
from strikeloop_gate.forms import Ticker
from strikeloop_gate.rest import Rest
from strikeloop_gate.restforms import (
    Answer,
    RestCandle,
    RestContractSettlement,
    RestPublicTrade,
    RestUnderlying,
    RestUnderlyingTicker,
    listed,
)
from strikeloop_gate.sources import SECOND_NS, Source, contract_id, moment, nanoseconds
from strikeloop_gate.strictjson import MalformedError

UNDERLYINGS, UNDERLYING_TICKER = Answer(list[RestUnderlying]), Answer(RestUnderlyingTicker)
TICKERS = Answer(list[Ticker])
TRADES, CANDLES = Answer(list[RestPublicTrade]), Answer(list[RestCandle])
SETTLEMENTS = Answer(list[RestContractSettlement])
PAGE: Final = 1_000
MOST_PAGES: Final = 200
INTERVALS: Final[Mapping[str, int]] = {"1m": 60, "5m": 300, "15m": 900, "30m": 1_800, "1h": 3_600}
"""The candles the venue keeps, in seconds."""

E = TypeVar("E", bound=Event)
Pairs = tuple[tuple[str, str], ...]


@attrs.frozen(kw_only=True)
class Settled:
    """What a contract was settled at; `profit` and `fee` are per contract."""

    contract: str
    time: int
    settle_price: float
    strike_price: float
    profit: float
    fee: float


@attrs.define(eq=False)
class Downloads:
    """The public listings, for contracts of one adapter instance. Times are ns UTC; everything raises VenueError."""

    name: str
    rest: Rest

    async def underlyings(self) -> dict[str, float]:
        """GET /options/underlyings: the index price of each."""
        rows = listed("GET /options/underlyings", UNDERLYINGS, await self._get("/options/underlyings"))
        return {twin.name: twin.index_price for _, twin, _ in rows}

    async def expirations(self, underlying: str) -> list[int]:
        """GET /options/expirations, ns UTC, soonest first."""
        rows = listed_numbers(await self._get("/options/expirations", (("underlying", underlying),)))
        return sorted(seconds * SECOND_NS for seconds in rows)

    async def underlying(self, underlying: str) -> UnderlyingPriced:
        """GET /options/underlying/tickers/{underlying}: its index price."""
        path = f"/options/underlying/tickers/{underlying}"
        [(_, twin, _)] = listed(f"GET {path}", UNDERLYING_TICKER, await self._get(path))
        source = self._source()
        return UnderlyingPriced(
            time=source.time, received=source.received, adapter=self.name, underlying=underlying, price=twin.index_price
        )

    async def tickers(self, underlying: str) -> list[TickerUpdated | Quoted]:
        """GET /options/tickers: mark, volatilities, greeks and best quotes of every contract."""
        rows = listed("GET /options/tickers", TICKERS, await self._get("/options/tickers", (("underlying", underlying),)))
        return list(self._built("/options/tickers", (twin for _, twin, _ in rows), market.ticker))

    async def trades(self, *, contract: str = "", since: int = 0, until: int = 0) -> list[Traded]:
        """GET /options/trades of one contract, or of all, oldest first."""
        query = (*((("contract", contract),) if contract else ()), *_window(since, until))
        found: dict[tuple[str, str], Traded] = {}
        for number in range(MOST_PAGES):
            page = await self._rows("/options/trades", (*query, *_page(number)), TRADES, _traded)
            found.update({(event.contract.name, event.trade_id): event for event in page})
            if len(page) < PAGE:
                return sorted(found.values(), key=lambda event: (event.time, event.contract, event.trade_id))
        raise VenueError(f"GET /options/trades: more than {MOST_PAGES * PAGE} rows; ask for a shorter time")

    async def candles(self, contract: str, interval: str, *, since: int, until: int) -> list[CandleClosed]:
        """GET /options/candlesticks of the bars that start in [since, until), oldest first. `mark_` before the name asks for its mark."""
        return await self._bars("/options/candlesticks", "contract", contract, interval, since, until)

    async def underlying_candles(self, underlying: str, interval: str, *, since: int, until: int) -> list[CandleClosed]:
        """GET /options/underlying/candlesticks; a bar of an underlying carries the underlying's name as its contract."""
        return await self._bars("/options/underlying/candlesticks", "underlying", underlying, interval, since, until)

    async def settlements(self, underlying: str, *, since: int = 0, until: int = 0) -> list[Settled]:
        """GET /options/settlements, oldest first."""
        path, found = "/options/settlements", []
        for number in range(MOST_PAGES):
            query = (("underlying", underlying), *_window(since, until), *_page(number))
            rows = listed(f"GET {path}", SETTLEMENTS, await self._get(path, query))
            found += [_settled(path, item, twin) for item, twin, _ in rows]
            if len(rows) < PAGE:
                return sorted(set(found), key=lambda row: (row.time, row.contract))
        raise VenueError(f"GET {path}: more than {MOST_PAGES * PAGE} rows; ask for a shorter time")

    # ---- inside ----

    async def _get(self, path: str, query: Pairs = ()) -> bytes:
        return await self.rest.get(path, query, signed=False)

    def _source(self) -> Source:
        return Source(self.name, self.rest.clock.now(), self.rest.clock.local())

    def _built(self, path: str, rows: Iterator[Any], build: Callable[[Source, Any], Iterable[Event]]) -> Iterator[Any]:
        source = self._source()
        try:
            for row in rows:
                yield from build(source, row)
        except MalformedError as exc:
            raise VenueError(f"GET {path}: {exc}") from None

    async def _rows(self, path: str, query: Pairs, form: Answer, build: Callable[[Source, Any], Iterable[E]]) -> list[E]:
        rows = listed(f"GET {path}", form, await self._get(path, query))
        return list(self._built(path, ((item, twin) for item, twin, _ in rows), build))

    async def _bars(self, path: str, kind: str, name: str, interval: str, since: int, until: int) -> list[CandleClosed]:
        """Window by window, each of as many bars as one page holds."""
        if interval not in INTERVALS:
            raise VenueError(f"GET {path}: interval {interval!r} is none of {', '.join(INTERVALS)}", code="INVALID_PARAM_VALUE")
        width = INTERVALS[interval]
        start = since // SECOND_NS // width * width
        found: dict[int, CandleClosed] = {}
        while start * SECOND_NS < until:
            end = min(start + (PAGE - 1) * width, -(-until // SECOND_NS))
            query = ((kind, name), ("from", str(start)), ("to", str(end)), ("interval", interval))
            bars = await self._rows(path, query, CANDLES, lambda source, row: _bar(source, row, name, width * SECOND_NS))
            found.update({bar.start: bar for bar in bars if since <= bar.start < until})
            start = end + width
        return [found[start] for start in sorted(found)]


def listed_numbers(body: bytes) -> list[int]:
    """The whole seconds that GET /options/expirations answers. Raises VenueError."""
    rows = listed("GET /options/expirations", Answer(list[int]), body)
    return [seconds for seconds, _, _ in rows]


def _traded(source: Source, row: Any) -> Iterator[Traded]:
    item, twin = row
    time = round(twin.create_time_ms * 1_000_000) if twin.create_time_ms is not UNSET else nanoseconds(item.create_time, "create_time")
    yield Traded(
        time=time,
        received=source.received,
        contract=contract_id(source.adapter, item.contract),
        price=twin.price,
        size=twin.size,
        trade_id=str(item.id),
    )


def _bar(source: Source, row: Any, name: str, interval: int) -> Iterator[CandleClosed]:
    item, twin = row
    start = nanoseconds(item.t, "t")
    yield CandleClosed(
        time=start + interval,
        received=source.received,
        contract=contract_id(source.adapter, name),
        start=start,
        interval=interval,
        open=twin.o,
        high=twin.h,
        low=twin.l,
        close=twin.c,
        volume=twin.v,
    )


def _settled(path: str, item: Any, twin: Any) -> Settled:
    try:
        contract_id("", item.contract)
        time = moment(Source("", 0, 0), item)
    except MalformedError as exc:
        raise VenueError(f"GET {path}: {exc}") from None
    return Settled(
        contract=item.contract,
        time=time,
        settle_price=float(item.settle_price),
        strike_price=twin.strike_price,
        profit=twin.profit,
        fee=twin.fee,
    )


def _page(number: int) -> Pairs:
    return (("limit", str(PAGE)), ("offset", str(number * PAGE)))


def _window(since: int, until: int) -> Pairs:
    """`from` and `to` in seconds, the later one rounded up."""
    start = (("from", str(since // SECOND_NS)),) if since > 0 else ()
    return (*start, *((("to", str(-(-until // SECOND_NS))),) if until else ()))
