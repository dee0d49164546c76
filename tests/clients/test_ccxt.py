"""ccxt, synchronous, against the served venue."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.clients.account import Account
from tests.clients.conftest import client


@pytest.fixture
def exchange(account: Account) -> Iterator[Any]:
    made = account.ccxt(client("ccxt").gate)
    yield made
    made.session.close()


@pytest.fixture
def symbol(exchange: Any) -> str:
    """The call that is nearest to the money, of the last expiry."""
    calls = [market for market in exchange.load_markets().values() if market["optionType"] == "call"]
    chosen = min(calls, key=lambda market: (-market["expiry"], abs(market["strike"] - 70_000)))
    return str(chosen["symbol"])


def test_markets_of_every_kind_are_loaded_as_ccxt_does_by_itself(account: Account) -> None:
    exchange = account.ccxt(client("ccxt").gate, "spot", "swap", "future", "option")
    markets = exchange.load_markets()
    assert {market["type"] for market in markets.values()} == {"option"}
    assert {market["optionType"] for market in markets.values()} == {"call", "put"}
    exchange.session.close()


def test_market_data_is_read(exchange: Any, symbol: str) -> None:
    ticker, greeks = exchange.fetch_ticker(symbol), exchange.fetch_greeks(symbol)
    assert 0 < ticker["bid"] < ticker["ask"]
    assert 0 < greeks["delta"] < 1
    assert min(greeks["gamma"], greeks["vega"], greeks["markImpliedVolatility"]) > 0 > greeks["theta"]
    assert list(exchange.fetch_tickers([symbol])) == [symbol]
    book = exchange.fetch_order_book(symbol, 3)
    assert 0 < len(book["bids"]) <= 3
    assert book["bids"][0][0] < book["asks"][0][0]
    assert book["nonce"] > 0
    assert exchange.fetch_option(symbol)["symbol"] == symbol
    assert symbol in exchange.fetch_option_chain("BTC")
    assert exchange.fetch_time() > 1_700_000_000_000


def test_an_order_is_placed_found_and_canceled(exchange: Any, symbol: str) -> None:
    placed = exchange.create_order(symbol, "limit", "buy", 2, 1, {"clientOrderId": "resting"})
    assert (placed["status"], placed["clientOrderId"], placed["remaining"]) == ("open", "t-resting", 2)
    assert [order["id"] for order in exchange.fetch_open_orders(symbol)] == [placed["id"]]
    canceled = exchange.cancel_order(placed["id"], symbol)
    assert (canceled["status"], exchange.fetch_order(placed["id"], symbol)["status"]) == ("canceled", "canceled")
    assert [order["id"] for order in exchange.fetch_closed_orders(symbol)] == [placed["id"]]
    for price in (1, 2):
        exchange.create_order(symbol, "limit", "buy", 1, price, {"postOnly": True})
    assert len(exchange.cancel_all_orders(symbol)) == 2
    assert exchange.fetch_open_orders(symbol) == []


def test_a_position_is_opened_told_and_closed(exchange: Any, symbol: str) -> None:
    bought = exchange.create_order(symbol, "market", "buy", 1)  # one contract is never filled in parts
    assert (bought["status"], bought["filled"]) == ("closed", 1)
    (trade,) = exchange.fetch_my_trades(symbol)
    assert (trade["order"], trade["amount"], trade["takerOrMaker"]) == (bought["id"], 1, "taker")
    assert trade["price"] == bought["average"]
    (position,) = exchange.fetch_positions(None, {"type": "option"})
    assert (position["symbol"], position["side"], position["contracts"]) == (symbol, "long", 1)
    assert exchange.fetch_position(symbol)["entryPrice"] == bought["average"]
    assert exchange.fetch_trades(symbol)[-1]["amount"] > 0
    assert exchange.fetch_ohlcv(symbol, "1m")[-1][1] > 0
    balance = exchange.fetch_balance({"type": "option"})
    spent = sum(entry["amount"] for entry in exchange.fetch_ledger(None, None, 10, {"type": "option"}))
    assert balance["USDT"]["total"] == pytest.approx(100_000 - spent)
    assert exchange.close_position(symbol)["status"] == "closed"
    assert exchange.fetch_positions(None, {"type": "option"}) == []
    assert exchange.fetch_my_liquidations(symbol)[0]["symbol"] == symbol


@pytest.mark.parametrize(
    ("error", "order"),
    [
        ("BadRequest", {"side": "buy", "amount": 1, "price": 1, "params": {"timeInForce": "FOK"}}),
        ("InsufficientFunds", {"side": "sell", "amount": 9_000, "price": 9_000, "params": {}}),
        ("OrderImmediatelyFillable", {"side": "sell", "amount": 1, "price": 1, "params": {"postOnly": True}}),
    ],
)
def test_a_refused_order_is_ccxts_own_error(exchange: Any, symbol: str, error: str, order: dict[str, Any]) -> None:
    with pytest.raises(getattr(client("ccxt"), error)):
        exchange.create_order(symbol, "limit", **order)
    assert exchange.fetch_open_orders(symbol) == []


def test_an_unknown_order_and_a_wrong_key_are_ccxts_own_errors(exchange: Any, symbol: str) -> None:
    ccxt = client("ccxt")
    with pytest.raises(ccxt.OrderNotFound):
        exchange.cancel_order("99", symbol)
    exchange.secret = "other"
    with pytest.raises(ccxt.AuthenticationError):
        exchange.fetch_balance({"type": "option"})
