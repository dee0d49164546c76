"""Market events as results of the public channels, the same in both dialects.

Owns which market event is pushed where, and its spelling (Gate: options WebSocket v4, public channels). Sends nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from strikeloop import ContractListed, ContractSettled, Event, Quoted, TickerUpdated, Traded, UnderlyingPriced
from strikeloop_venue.served import bodies
from strikeloop_venue.served.bars import Bar
from strikeloop_venue.served.frames import Facts, Push, Result
from strikeloop_venue.served.market import BookChange, ContractBoard
from strikeloop_venue.served.spelling import count, millis, number, seconds, text


def _ticker(event: TickerUpdated, facts: Facts) -> Result | None:
    board = facts.board(event.contract)
    return None if board is None else bodies.ticker_body(board, facts.market.underlyings[board.contract.underlying])


def _mark(event: TickerUpdated, _: Facts) -> Result:
    return {
        "contract": event.contract.name,
        "price": number(event.mark_price),
        "time": seconds(event.time),
        "time_ms": millis(event.time),
    }


def _book_ticker(event: Quoted, facts: Facts) -> Result:
    board = facts.board(event.contract)
    return {
        "t": millis(event.time),
        "u": board.book_id if board else 0,
        "s": event.contract.name,
        "b": "" if event.bid is None else text(event.bid),
        "B": count(event.bid_size),
        "a": "" if event.ask is None else text(event.ask),
        "A": count(event.ask_size),
    }


def book_update(name: str, change: BookChange) -> Result:
    return {
        "t": millis(change.time),
        "s": name,
        "U": change.first,
        "u": change.last,
        "b": bodies.levels_body(change.bids),
        "a": bodies.levels_body(change.asks),
    }


def legacy_book(name: str, change: BookChange) -> Result:
    """Bids have positive sizes, asks negative ones."""
    rows = [(price, size) for price, size in change.bids] + [(price, -size) for price, size in change.asks]
    return [{"p": text(price), "s": count(size), "c": name, "id": change.last} for price, size in rows]


def book_snapshot(board: ContractBoard, limit: int, time: int) -> Result:
    """The first message of the legacy order_book channel."""
    bids, asks = board.levels(limit)
    return {
        "t": millis(time),
        "contract": board.contract.id.name,
        "id": board.book_id,
        "asks": bodies.levels_body(asks),
        "bids": bodies.levels_body(bids),
    }


def candle(n: str, bar: Bar) -> dict[str, Any]:
    """A candle; `n` is the subscription's interval and name, joined."""
    return {**bodies.bar_body(bar), "a": bodies.amount(bar), "n": n}


def _trade(event: Traded, facts: Facts) -> Result | None:
    board = facts.board(event.contract)
    if board is None:
        return None
    row = {**bodies.trade_body(board.trades[-1]), "price": number(event.price), "underlying": board.contract.underlying}
    return [row]


def _underlying_trade(event: Traded, facts: Facts) -> Result | None:
    rows = _trade(event, facts)
    found = facts.contract(event.contract)
    return [{**row, "is_call": found.is_call} for row in rows] if isinstance(rows, list) and found else None


def _index(event: UnderlyingPriced, _: Facts) -> Result:
    return {
        "underlying": event.underlying,
        "price": number(event.price),
        "time": seconds(event.time),
        "time_ms": millis(event.time),
    }


def _underlying_ticker(event: UnderlyingPriced, facts: Facts) -> Result:
    return {"name": event.underlying, **bodies.underlying_ticker_body(facts.market.underlyings[event.underlying])}


def _listed(event: ContractListed, _: Facts) -> Result:
    contract = event.specification
    return {
        "contract": contract.id.name,
        "create_time": seconds(contract.created),
        "expiration_time": seconds(contract.expiry),
        "init_margin_high": number(contract.init_margin_high),
        "init_margin_low": number(contract.init_margin_low),
        "is_call": contract.is_call,
        "maint_margin_base": number(contract.maint_margin_base),
        "maker_fee_rate": number(contract.maker_fee_rate),
        "mark_price_round": number(contract.mark_tick),
        "min_balance_short": 0,
        "min_order_margin": number(contract.init_margin_low),
        "multiplier": number(contract.multiplier),
        "order_price_deviate": number(contract.price_deviation),
        "order_price_round": number(contract.tick),
        "order_size_max": count(contract.size_max),
        "order_size_min": count(contract.size_min),
        "orders_limit": contract.orders_limit or 0,
        "ref_discount_rate": 0,
        "ref_rebate_rate": 0,
        "strike_price": number(contract.strike),
        "tag": contract.tag,
        "taker_fee_rate": number(contract.taker_fee_rate),
        "underlying": contract.underlying,
        "time": seconds(event.time),
        "time_ms": millis(event.time),
    }


def _settled(event: ContractSettled, facts: Facts) -> Result | None:
    found = facts.contract(event.contract)
    if found is None:
        return None
    return {
        "contract": event.contract.name,
        "orderbook_id": 0,
        "position_size": 0,
        "profit": number(found.intrinsic(event.settle_price) * found.multiplier),
        "settle_price": number(event.settle_price),
        "strike_price": number(found.strike),
        "tag": found.tag,
        "trade_id": 0,
        "trade_size": 0,
        "underlying": found.underlying,
        "time": seconds(event.time),
        "time_ms": millis(event.time),
    }


PUBLIC: Mapping[type[Event], tuple[Push, ...]] = {
    TickerUpdated: (
        Push("options.contract_tickers", _ticker, conflate=True),
        Push("options.mark_prices", _mark, conflate=True),
        # Not a channel of the venue's, but one that a widespread client subscribes to.
        Push("options.tickers", _ticker, conflate=True),
    ),
    Quoted: (Push("options.book_ticker", _book_ticker, conflate=True),),
    Traded: (Push("options.trades", _trade), Push("options.ul_trades", _underlying_trade)),
    UnderlyingPriced: (
        Push("options.ul_price", _index, conflate=True),
        Push("options.ul_tickers", _underlying_ticker, conflate=True),
    ),
    ContractListed: (Push("options.contracts", _listed),),
    ContractSettled: (Push("options.settlements", _settled),),
}

BOOKS = frozenset({"options.order_book_update", "options.order_book"})
CANDLES = frozenset({"options.contract_candlesticks", "options.ul_candlesticks", "options.candlesticks"})
"""The last is none of the venue's, but one that a widespread client subscribes to."""

PUBLIC_CHANNELS = frozenset(push.channel for pushes in PUBLIC.values() for push in pushes) | BOOKS | CANDLES
