"""Public market data over REST: read whole, page by page and window by window, without a key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from strikeloop import Quoted, TickerUpdated, VenueError
from strikeloop_gate.downloads import Downloads

pytestmark = pytest.mark.anyio

S = 1_000_000_000
NAME = "BTC_USDT-20260516-77500-P"
TRADE = {"id": 25, "create_time": 1682378573, "contract": NAME, "size": -5, "price": "209.1"}


@pytest.fixture
def downloads(adapter: Any) -> Downloads:
    found: Downloads = adapter.downloads
    return found


def recorded(shared: Path, name: str) -> Any:
    return json.loads((shared / "fixtures/gate/rest_live_2026_05" / name).read_text())


def bar(start_s: int) -> dict[str, Any]:
    return {"t": start_s, "v": 3, "o": "1", "h": "4", "l": "0.5", "c": "2"}


async def test_what_is_listed_is_read(downloads: Downloads, venue: Any, shared: Path) -> None:
    venue.replies["GET /options/underlyings"] = recorded(shared, "GET_underlyings.json")
    venue.replies["GET /options/expirations"] = recorded(shared, "GET_expirations.json")
    venue.replies["GET /options/underlying/tickers/BTC_USDT"] = recorded(shared, "GET_underlying.tickers.BTC_USDT.json")
    assert await downloads.underlyings() == {"BTC_USDT": 79392.68}
    assert await downloads.expirations("BTC_USDT") == [t * S for t in (1778745600, 1778918400, 1779436800, 1785484800, 1798185600)]
    assert (await downloads.underlying("BTC_USDT")).price == 79388.72


async def test_tickers_come_with_their_quotes(downloads: Downloads, venue: Any, shared: Path) -> None:
    venue.replies["GET /options/tickers"] = recorded(shared, "GET_tickers.json")
    ticker, quote = await downloads.tickers("BTC_USDT")
    assert isinstance(ticker, TickerUpdated)
    assert isinstance(quote, Quoted)
    assert (ticker.mark_price, ticker.mark_iv, quote.bid, quote.ask) == (350.6, 0.4103, 322.0, 343.0)


async def test_trades_come_oldest_first_once_and_from_every_page(downloads: Downloads, venue: Any, reply: Any) -> None:
    later = [TRADE | {"id": number, "create_time_ms": 1_682_378_573_500 + number} for number in range(1_000)]
    venue.replies["GET /options/trades"] = [reply(later), reply([later[-1], TRADE | {"id": 5_000}])]
    found = await downloads.trades(contract=NAME, since=S)
    assert (len(found), found[0].trade_id, found[0].size, found[0].time) == (1_001, "5000", -5.0, 1_682_378_573 * S)
    assert venue.asked[-1].query == {"contract": NAME, "from": "1", "limit": "1000", "offset": "1000"}


async def test_candles_are_asked_window_by_window_on_their_own_grid(downloads: Downloads, venue: Any, reply: Any) -> None:
    first, second = range(60, 60_060, 60), range(60_000, 60_180, 60)
    venue.replies["GET /options/candlesticks"] = [reply([bar(t) for t in reversed(first)]), reply([bar(t) for t in second])]
    found = await downloads.candles(NAME, "1m", since=61 * S, until=60_150 * S)
    assert [event.start // S for event in found] == list(range(120, 60_150, 60))
    assert (found[0].interval, found[0].open, found[0].high, found[0].low, found[0].close, found[0].volume) == (60 * S, 1, 4, 0.5, 2, 3)
    assert [(asked.query["from"], asked.query["to"]) for asked in venue.asked] == [("60", "60000"), ("60060", "60150")]


async def test_candles_of_an_underlying_carry_its_name(downloads: Downloads, venue: Any) -> None:
    venue.replies["GET /options/underlying/candlesticks"] = [bar(300) | {"sum": "3580"}]
    (found,) = await downloads.underlying_candles("BTC_USDT", "5m", since=0, until=600 * S)
    assert (found.contract.name, found.start) == ("BTC_USDT", 300 * S)


async def test_an_interval_that_the_venue_does_not_keep_is_refused(downloads: Downloads) -> None:
    with pytest.raises(VenueError, match="1m, 5m, 15m, 30m, 1h"):
        await downloads.candles(NAME, "2m", since=0, until=S)


async def test_settlements_are_per_contract(downloads: Downloads, venue: Any) -> None:
    row = {"time": 1598839200, "contract": NAME, "profit": "312.35", "fee": "0.3284", "strike_price": "12000", "settle_price": "11687.65"}
    venue.replies["GET /options/settlements"] = [row, row]
    (settled,) = await downloads.settlements("BTC_USDT", since=S, until=2 * S)
    assert (settled.contract, settled.time, settled.profit, settled.settle_price) == (NAME, 1598839200 * S, 312.35, 11687.65)


async def test_downloads_need_no_key(downloads: Downloads, venue: Any) -> None:
    venue.replies["GET /options/underlyings"] = []
    await downloads.underlyings()
    assert not {"key", "sign", "timestamp"} & set(venue.asked[0].headers)


@pytest.mark.parametrize("body", [b"no", [{"id": 1}], [TRADE | {"contract": "../x"}], [TRADE | {"price": "1_0"}]])
async def test_a_listing_that_cannot_be_read_is_an_error_of_the_venue(downloads: Downloads, venue: Any, body: Any) -> None:
    venue.replies["GET /options/trades"] = body
    with pytest.raises(VenueError, match="GET /options/trades"):
        await downloads.trades()
