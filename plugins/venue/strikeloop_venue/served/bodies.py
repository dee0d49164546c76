"""Values as the bodies of Gate's REST v4: strings for decimals, ints for sizes and ids, seconds for times.

Owns the spelling of every REST row (gate_options: contracts, tickers, books, trades, accounts, positions, orders).
Decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from strikeloop import BalanceUpdated, Contract, ContractSettled, LedgerPosted, OrderState, OrderUpdated, PositionClosed, PositionUpdated
from strikeloop.adapter import UNTIL_RESET, Mmp
from strikeloop.margin import settlement_fee
from strikeloop_venue.served.account import AccountBook, FillRow, OrderRow
from strikeloop_venue.served.bars import Bar
from strikeloop_venue.served.market import ContractBoard, SettlementRow, TradeRow, UnderlyingBoard
from strikeloop_venue.served.spelling import count, fraction, millis, seconds, text

Body = dict[str, Any]

FINISH_AS = frozenset(
    {"filled", "cancelled", "liquidated", "ioc", "auto_deleveraged", "reduce_only", "position_closed", "reduce_out", "mmp_cancelled"}
)
"""The words the venue documents: strict clients refuse any other."""

_FINISHED = {
    OrderState.FILLED: "filled",
    OrderState.CANCELED: "cancelled",
    OrderState.EXPIRED: "cancelled",
    OrderState.LIQUIDATED: "liquidated",
}


def finish_as(event: OrderUpdated) -> str:
    """How a finished order ended, in the venue's word; "" while it is open."""
    if not event.state.is_terminal:
        return ""
    return event.finish_as if event.finish_as in FINISH_AS else _FINISHED.get(event.state, "cancelled")


def shown_text(event: OrderUpdated) -> str:
    """What the venue shows as the order's text: the client's `t-…`, or `api` where the client gave none."""
    return event.client_id if event.client_id and event.client_id.startswith("t-") else "api"


def contract_body(board: ContractBoard) -> Body:
    contract, ticker, quote = board.contract, board.ticker, board.quote
    mark = ticker.mark_price if ticker else 0.0
    return {
        "name": contract.id.name,
        "tag": contract.tag,
        "is_active": True,
        "is_call": contract.is_call,
        "create_time": seconds(contract.created),
        "expiration_time": seconds(contract.expiry),
        "strike_price": text(contract.strike),
        "underlying": contract.underlying,
        "underlying_price": text(ticker.underlying_price if ticker else None, 2),
        "last_price": text(board.last_price),
        "mark_price": text(mark),
        "mark_price_up": text(mark * 1.5, 8),
        "mark_price_down": text(mark * 0.5, 8),
        "bid1_price": text(quote.bid if quote else None),
        "ask1_price": text(quote.ask if quote else None),
        "bid1_size": count(quote.bid_size if quote else None),
        "ask1_size": count(quote.ask_size if quote else None),
        **_contract_terms(contract),
        "orderbook_id": board.book_id,
        "trade_id": board.trade_count,
        "trade_size": count(board.traded_size),
        "position_size": 0,
    }


def _contract_terms(contract: Contract) -> Body:
    return {
        "multiplier": text(contract.multiplier),
        "order_price_round": text(contract.tick),
        "mark_price_round": text(contract.mark_tick),
        "maker_fee_rate": text(contract.maker_fee_rate),
        "taker_fee_rate": text(contract.taker_fee_rate),
        "price_limit_fee_rate": text(contract.fee_cap),
        "settle_fee_rate": text(contract.settle_fee_rate),
        "settle_limit_fee_rate": text(contract.settle_fee_cap),
        "ref_discount_rate": "0",
        "ref_rebate_rate": "0",
        "init_margin_low": text(contract.init_margin_low),
        "init_margin_high": text(contract.init_margin_high),
        "maint_margin_base": text(contract.maint_margin_base),
        "order_price_deviate": text(contract.price_deviation),
        "order_size_min": count(contract.size_min),
        "order_size_max": count(contract.size_max or Decimal(1_000_000)),
        "orders_limit": contract.orders_limit or 1_000,
        "position_limit": count(contract.position_limit or Decimal(1_000_000)),
    }


def ticker_body(board: ContractBoard, underlying: UnderlyingBoard) -> Body:
    """A ticker as REST and the WebSocket both write it."""
    ticker, quote = board.ticker, board.quote
    index = ticker.index_price if ticker and ticker.index_price else underlying.price
    return {
        "name": board.contract.id.name,
        "last_price": text(board.last_price),
        "mark_price": text(ticker.mark_price if ticker else None),
        "index_price": text(index, 2) if index else "",
        "underlying_price": text(ticker.underlying_price if ticker else None, 2),
        "bid1_price": text(quote.bid if quote else None),
        "bid1_size": count(quote.bid_size if quote else None),
        "ask1_price": text(quote.ask if quote else None),
        "ask1_size": count(quote.ask_size if quote else None),
        "mark_iv": text(ticker.mark_iv if ticker else None, 4),
        "bid_iv": text(ticker.bid_iv if ticker else None, 4),
        "ask_iv": text(ticker.ask_iv if ticker else None, 4),
        "delta": text(ticker.delta if ticker else None, 5),
        "gamma": text(ticker.gamma if ticker else None, 6),
        "vega": text(ticker.vega if ticker else None, 5),
        "theta": text(ticker.theta if ticker else None, 5),
        "rho": text(ticker.rho if ticker else None, 5),
        "leverage": text(ticker.leverage if ticker else None, 12),
        "position_size": 0,
        "expiration_time": seconds(board.contract.expiry),
    }


def underlying_body(board: UnderlyingBoard) -> Body:
    return {"name": board.name, "index_price": text(board.price, 2), "index_time": seconds(board.time)}


def underlying_ticker_body(board: UnderlyingBoard) -> Body:
    return {"trade_put": count(board.trade_put), "trade_call": count(board.trade_call), "index_price": text(board.price, 2)}


def levels_body(levels: Sequence[tuple[float, float]]) -> list[Body]:
    return [{"p": text(price), "s": count(size)} for price, size in levels]


def book_body(board: ContractBoard, limit: int, now: int, *, with_id: bool) -> Body:
    bids, asks = board.levels(limit)
    head: Body = {"id": board.book_id} if with_id else {}
    return {**head, "current": fraction(now), "update": fraction(board.book_time), "asks": levels_body(asks), "bids": levels_body(bids)}


def trade_body(row: TradeRow) -> Body:
    event = row.event
    return {
        "id": row.id,
        "create_time": seconds(event.time),
        "create_time_ms": millis(event.time),
        "contract": event.contract.name,
        "size": count(event.size),
        "price": text(event.price),
    }


def bar_body(bar: Bar) -> Body:
    return {
        "t": seconds(bar.start),
        "v": count(bar.volume),
        "o": text(bar.open),
        "h": text(bar.high),
        "l": text(bar.low),
        "c": text(bar.close),
    }


def amount(bar: Bar) -> str:
    """What traded in a bar, in the quote currency."""
    return text(bar.amount, 8)


def settlement_body(row: SettlementRow) -> Body:
    contract, price = row.contract, row.settle_price
    return {
        "time": seconds(row.time),
        "contract": contract.id.name,
        "profit": text(contract.intrinsic(price) * contract.multiplier),
        "fee": text(settlement_fee(contract, Decimal(1), price)),
        "strike_price": text(contract.strike),
        "settle_price": text(price),
    }


def account_body(balance: BalanceUpdated, orders: AccountBook, user: int, orders_limit: int) -> Body:
    value = balance.option_value or Decimal(0)
    order_margin = balance.order_margin or Decimal(0)
    asks = any(row.event.size < 0 for row in orders.open.values())
    return {
        "user": user,
        "currency": balance.currency,
        "short_enabled": True,
        "mmp_enabled": False,
        "liq_triggered": _is_liquidating(balance),
        "margin_mode": 0,
        "total": text(balance.total),
        "position_value": text(value),
        "equity": text(balance.total + value),
        "unrealised_pnl": text(balance.unrealized_pnl),
        "init_margin": text(balance.initial_margin),
        "maint_margin": text(balance.maintenance_margin),
        "order_margin": text(order_margin),
        # The venue object does not split order margin by side; it is shown on the side that needs it most.
        "ask_order_margin": text(order_margin if asks else None),
        "bid_order_margin": text(None if asks else order_margin),
        "available": text(balance.available),
        "point": "0",
        "orders_limit": orders_limit,
        "position_notional_limit": 1_000_000,
    }


def _is_liquidating(balance: BalanceUpdated) -> bool:
    """MM % at or below 100: what stands against the margin is at most the maintenance margin."""
    maintenance, available = balance.maintenance_margin or Decimal(0), balance.available or Decimal(0)
    return maintenance > 0 and available + (balance.initial_margin or 0) + (balance.order_margin or 0) <= maintenance


def position_body(event: PositionUpdated, board: ContractBoard | None, underlying: str, orders: AccountBook, user: int) -> Body:
    ticker = board.ticker if board else None
    closing = orders.close_order(event.contract)
    return {
        "user": user,
        "underlying": underlying,
        "underlying_price": text(ticker.underlying_price if ticker else None, 2),
        "contract": event.contract.name,
        "size": count(event.size),
        "entry_price": text(event.entry_price),
        "mark_price": text(event.mark_price),
        "mark_iv": text(ticker.mark_iv if ticker else None, 4),
        "realised_pnl": text(event.realized_pnl),
        "unrealised_pnl": text(event.unrealized_pnl),
        "pending_orders": orders.pending(event.contract),
        "close_order": None if closing is None else _close_order_body(closing.event),
        "delta": text(event.delta, 5),
        "gamma": text(event.gamma, 6),
        "vega": text(event.vega, 5),
        "theta": text(event.theta, 5),
    }


def _close_order_body(event: OrderUpdated) -> Body:
    return {"id": int(event.order_id or 0), "price": text(event.price), "is_liq": False}


def order_body(row: OrderRow, contract: Contract | None, user: int) -> Body:
    """An order; `finish_time` and `finish_as` are there only when it has finished."""
    event = row.event
    ended: Body = {}
    if event.state.is_terminal:
        ended = {"finish_time": fraction(event.finished or event.time), "finish_as": finish_as(event)}
    return {
        "id": int(event.order_id or 0),
        "user": user,
        "contract": event.contract.name,
        "create_time": fraction(event.created or event.time),
        **ended,
        "status": "finished" if event.state.is_terminal else "open",
        "size": count(event.size),
        "left": count(event.left),
        "iceberg": row.asked.iceberg,
        "price": text(event.price),
        "fill_price": text(event.fill_price),
        "tif": event.tif.value,
        "text": shown_text(event),
        "is_close": row.asked.is_close,
        "is_reduce_only": event.reduce_only,
        "is_liq": event.state is OrderState.LIQUIDATED,
        "is_mmp": row.asked.is_mmp,
        "tkfr": text(contract.taker_fee_rate if contract else None),
        "mkfr": text(contract.maker_fee_rate if contract else None),
        "refu": 0,
        "refr": "0",
    }


def my_trade_body(row: FillRow) -> Body:
    event = row.event
    return {
        "id": count(Decimal(event.trade_id)) if event.trade_id.isdecimal() else event.trade_id,
        "create_time": fraction(event.time),
        "contract": event.contract.name,
        "order_id": int(event.order_id),
        "size": count(event.size),
        "price": text(event.price),
        "underlying_price": text(row.underlying_price, 2),
        "role": "maker" if event.is_maker else "taker",
    }


def ledger_body(event: LedgerPosted) -> Body:
    return {
        "time": seconds(event.time),
        "change": text(event.change),
        "balance": text(event.balance),
        "text": event.text,
        "type": event.kind,
    }


def close_body(event: PositionClosed) -> Body:
    return {
        "time": seconds(event.time),
        "pnl": text(event.pnl),
        "settle_size": "0",
        "side": event.side,
        "contract": event.contract.name,
        "text": event.reason or "api",
    }


def my_settlement_body(event: ContractSettled, contract: Contract | None) -> Body:
    return {
        "time": seconds(event.time),
        "underlying": contract.underlying if contract else "",
        "contract": event.contract.name,
        "strike_price": text(contract.strike if contract else None),
        "settle_price": text(event.settle_price),
        "size": count(event.size),
        "settle_profit": text(event.pnl),
        "fee": text(event.fee),
        "realised_pnl": text(event.realized_pnl),
    }


def mmp_body(limits: Mmp, triggered: int) -> Body:
    """Market maker protection; `triggered` is when it last froze quoting, ns, 0 for never. What holds until a reset has no end."""
    until = limits.frozen_until
    return {
        "underlying": limits.underlying,
        "window": limits.window_ms,
        "frozen_period": limits.frozen_ms,
        "qty_limit": text(limits.qty_limit),
        "delta_limit": text(limits.delta_limit),
        "trigger_time_ms": millis(triggered) if until is not None else 0,
        "frozen_until_ms": 0 if until is None or until == UNTIL_RESET else millis(until),
    }
