"""ccxt, asynchronous, and its streams (ccxt.pro), against the served venue."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

from tests.clients.account import Account
from tests.clients.conftest import client

WITHIN_S = 30.0


@asynccontextmanager
async def opened(account: Account, module: str) -> AsyncIterator[tuple[Any, str]]:
    """An exchange, and the symbol of the call that is nearest to the money of the last expiry."""
    exchange = account.ccxt(client(module).gate)
    try:
        calls = [market for market in (await exchange.load_markets()).values() if market["optionType"] == "call"]
        yield exchange, min(calls, key=lambda market: (-market["expiry"], abs(market["strike"] - 70_000)))["symbol"]
    finally:
        await exchange.close()


async def soon(awaitable: Awaitable[Any]) -> Any:
    async with asyncio.timeout(WITHIN_S):
        return await awaitable


def test_account_and_orders_are_read_and_written_at_once(account: Account) -> None:
    async def talk() -> None:
        async with opened(account, "ccxt.async_support") as (exchange, symbol):
            placed = await asyncio.gather(*(exchange.create_order(symbol, "limit", "buy", 1, price) for price in (1, 2, 3)))
            found, balance = await asyncio.gather(exchange.fetch_open_orders(symbol), exchange.fetch_balance({"type": "option"}))
            assert {order["id"] for order in found} == {order["id"] for order in placed}
            assert balance["USDT"]["total"] == 100_000
            canceled = await asyncio.gather(*(exchange.cancel_order(order["id"], symbol) for order in placed))
            assert [order["status"] for order in canceled] == ["canceled"] * 3

    asyncio.run(talk())


def test_public_streams_are_followed(account: Account) -> None:
    async def talk() -> None:
        async with opened(account, "ccxt.pro") as (exchange, symbol):
            book = await soon(exchange.watch_order_book(symbol))
            nonce = book["nonce"]
            while book["nonce"] == nonce:
                book = await soon(exchange.watch_order_book(symbol))
            assert book["bids"][0][0] < book["asks"][0][0]
            assert (await soon(exchange.watch_ticker(symbol)))["bid"] > 0
            assert (await soon(exchange.watch_bids_asks([symbol])))[symbol]["ask"] > 0
            candles = asyncio.ensure_future(exchange.watch_ohlcv(symbol, "1m"))
            trades = asyncio.ensure_future(exchange.watch_trades(symbol))
            bought = await exchange.create_order(symbol, "market", "buy", 1)
            while not trades.done():  # the stream may have been opened a moment too late for the first
                await asyncio.wait([trades], timeout=1)
                await exchange.create_order(symbol, "market", "buy", 1)
            assert (await trades)[-1]["price"] > 0
            assert (await soon(candles))[-1][1] > 0
            assert bought["status"] == "closed"

    asyncio.run(talk())


def test_private_streams_tell_of_an_order(account: Account) -> None:
    async def talk() -> None:
        async with opened(account, "ccxt.pro") as (exchange, symbol):
            assert await soon(exchange.watch_positions(None, None, None, {"type": "option"})) == []
            told = {
                "orders": asyncio.ensure_future(exchange.watch_orders(symbol)),
                "trades": asyncio.ensure_future(exchange.watch_my_trades(symbol)),
                "balance": asyncio.ensure_future(exchange.watch_balance({"type": "option"})),
                "positions": asyncio.ensure_future(exchange.watch_positions(None, None, None, {"type": "option"})),
            }
            await subscribed(account, {f"options.{name}" for name in ("orders", "usertrades", "balances", "positions")})
            bought = await exchange.create_order(symbol, "market", "buy", 1)  # one contract is never filled in parts
            (order,) = await soon(told["orders"])
            assert (order["id"], order["status"], order["filled"]) == (bought["id"], "closed", 1)
            (trade,) = await soon(told["trades"])
            assert (trade["amount"], trade["price"]) == (1, bought["average"])
            (position,) = await soon(told["positions"])
            assert (position["symbol"], position["contracts"]) == (symbol, 1)
            assert (await soon(told["balance"]))["USDT"]["total"] < 100_000

    asyncio.run(talk())


async def subscribed(account: Account, channels: set[str]) -> None:
    """Wait until the venue has heard of these: what happens before is not told."""
    async with asyncio.timeout(WITHIN_S):
        while not channels <= await asyncio.to_thread(account.channels):
            pass


def test_a_refused_subscription_reaches_the_caller(account: Account) -> None:
    async def talk() -> None:
        async with opened(account, "ccxt.pro") as (exchange, symbol):
            exchange.secret = "other"
            try:
                await soon(exchange.watch_orders(symbol))
            except client("ccxt").AuthenticationError:
                return
            raise AssertionError("the refusal did not come")

    asyncio.run(talk())
