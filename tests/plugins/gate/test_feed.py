"""The feed port against a scripted venue on loopback."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import anyio
import pytest

from strikeloop import ContractId, OptionKind, UnderlyingPriced, VenueError
from strikeloop_gate import Gate

pytestmark = pytest.mark.anyio


async def test_contracts_are_listed_per_underlying_without_a_signature(adapter: Any, venue: Any) -> None:
    (contract,) = await adapter.feed.contracts()
    (asked,) = venue.calls("GET /options/contracts")
    assert asked.query == {"underlying": "BTC_USDT"}
    assert "sign" not in asked.headers
    assert (contract.id.adapter, contract.kind, contract.multiplier) == ("gate", OptionKind.PUT, Decimal("0.01"))


async def test_contracts_that_cannot_be_traded_are_left_out(adapter: Any, venue: Any) -> None:
    venue.replies["GET /options/contracts"][0] = venue.replies["GET /options/contracts"][0] | {"is_active": False}
    assert await adapter.feed.contracts() == ()


@pytest.mark.parametrize(
    ("field", "value"),
    [("strike_price", "0"), ("multiplier", "-1"), ("is_call", "true"), ("name", "a/b"), ("order_size_min", "0.5"), ("tag", 5)],
)
async def test_a_contract_that_cannot_be_one_is_an_error_of_the_venue(adapter: Any, venue: Any, field: str, value: Any) -> None:
    venue.replies["GET /options/contracts"][0] = venue.replies["GET /options/contracts"][0] | {field: value}
    with pytest.raises(VenueError, match=field):
        await adapter.feed.contracts()


async def test_the_seed_dialect_learns_the_contracts_before_it_subscribes_them(seed_adapter: Any, venue: Any) -> None:
    price = {"underlying": "BTC_USDT", "price": 79388.72, "time_ms": 1_700_000_000_123}
    venue.on_frame = lambda frame: [{"time": 1_700_000_000, "channel": "options.ul_price", "event": "update", "result": price}]
    with anyio.fail_after(5):
        link = await seed_adapter.feed.connect()
        await link.send(seed_adapter.feed.subscribe("options.contract_tickers", 1_700_000_000)[0])
        while not (frames := await link.receive()):
            pass
    await link.aclose()
    assert venue.frames[0] == {
        "time": 1_700_000_000,
        "channel": "options.contract_tickers",
        "event": "subscribe",
        "payload": ["BTC_USDT-20260516-77500-P"],
    }
    assert seed_adapter.feed.decode(frames[0], 5).events == (
        UnderlyingPriced(time=1_700_000_000_123_000_000, received=5, adapter="gate", underlying="BTC_USDT", price=79388.72),
    )


async def test_the_venues_dialect_subscribes_by_underlying(adapter: Any) -> None:
    assert b'"payload":{"underlyings":["BTC_USDT"]}' in adapter.feed.subscribe("options.trades", 1)[0]
    assert b'"event":"unsubscribe"' in adapter.feed.unsubscribe("options.trades", 1)[0]
    assert adapter.feed.ping(3) == b'{"time":3,"channel":"options.ping"}'


async def test_only_the_latest_quote_counts_but_every_trade_does(adapter: Any) -> None:
    assert {channel.name: channel.conflatable for channel in adapter.feed.channels} == {
        "options.contract_tickers": True,
        "options.book_ticker": True,
        "options.trades": False,
        "options.ul_price": True,
    }


async def test_a_whole_book_is_asked_for_with_its_id_and_as_deep_as_the_stream(adapter: Any, venue: Any) -> None:
    levels = [{"p": "10", "s": 5}, {"p": "11", "s": -4}]
    venue.replies["GET /options/order_book"] = {"id": 77, "current": 1700000000.1, "update": 1700000000.0, "asks": levels, "bids": levels}
    contract = ContractId.of("gate", "BTC_USDT-20260516-77500-P")
    book = await adapter.feed.book(contract)
    (asked,) = venue.calls("GET /options/order_book")
    assert asked.query == {"contract": contract.name, "limit": "20", "with_id": "true"}
    assert (book.bids, book.asks) == (((11.0, 4.0), (10.0, 5.0)), ((10.0, 5.0), (11.0, 4.0)))
    assert (book.contract, book.last_id, book.snapshot) == (contract, 77, True)


@pytest.mark.parametrize("body", [{"asks": [], "bids": []}, {"id": 1, "asks": [{"p": "0", "s": 1}], "bids": []}])
async def test_a_book_without_an_id_or_with_a_price_of_nothing_is_an_error_of_the_venue(adapter: Any, venue: Any, body: Any) -> None:
    venue.replies["GET /options/order_book"] = body
    with pytest.raises(VenueError, match="order_book"):
        await adapter.feed.book(ContractId.of("gate", "BTC_USDT-20260516-77500-P"))


async def test_the_channels_say_how_books_and_bars_come_about(settings: Any) -> None:
    names = ("options.order_book_update", "options.order_book", "options.contract_candlesticks", "options.trades")
    channels = {channel.name: channel for channel in Gate(channels=names, **settings).open("gate").feed.channels}
    assert [(channels[name].books.value, channels[name].book_depth, channels[name].repeats_bars) for name in names] == [
        ("chained", 20, False),
        ("rising", 20, False),
        ("none", 0, True),
        ("none", 0, False),
    ]
