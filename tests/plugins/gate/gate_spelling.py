"""How Gate says things, from its documentation (APIv4, options WebSocket) and not from the adapter."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from strikeloop import (
    BalanceUpdated,
    Contract,
    ContractSettled,
    Event,
    Filled,
    LedgerPosted,
    Liquidated,
    OrderState,
    OrderUpdated,
    PositionClosed,
    PositionUpdated,
    Quoted,
    TickerUpdated,
    TimeInForce,
    Traded,
    UnderlyingPriced,
)
from strikeloop.testing import KEY, SECRET, Spelling, asked, plain

S, MS = 1_000_000_000, 1_000_000
UNDERLYING = "BTC_USDT"
PAGE = 1_000
NOES = {
    asked.No.MARGIN: (400, "INSUFFICIENT_AVAILABLE"),
    asked.No.NO_ORDER: (404, "ORDER_NOT_FOUND"),
    asked.No.OVER: (400, "ORDER_FINISHED"),
    asked.No.CREDENTIALS: (401, "INVALID_KEY"),
    asked.No.TOO_MANY: (429, "TOO_MANY_REQUESTS"),
}
CHANNELS = {
    OrderUpdated: "options.orders",
    Filled: "options.usertrades",
    PositionUpdated: "options.positions",
    LedgerPosted: "options.balances",
    Liquidated: "options.liquidates",
    ContractSettled: "options.user_settlements",
    PositionClosed: "options.position_closes",
    Quoted: "options.book_ticker",
    TickerUpdated: "options.contract_tickers",
    Traded: "options.trades",
    UnderlyingPriced: "options.ul_price",
}
SINGLE = ("options.book_ticker", "options.contract_tickers", "options.ul_price")
"""Channels whose result is one object and no list."""


class GateSpelling(Spelling):
    underlying = UNDERLYING
    calls = ("BTC_USDT-20260626-70000-C",)
    puts = ("BTC_USDT-20260626-70000-P",)
    page = PAGE
    limit = (200, 10.0)

    # ---- streams ----

    def heard(self, frame: bytes) -> asked.Heard:
        told = json.loads(frame)
        if told["channel"] == "options.ping":
            return asked.Ping()
        kinds: dict[str, Callable[[str], asked.Heard]] = {"subscribe": asked.Subscribe, "unsubscribe": asked.Unsubscribe}
        return kinds[told["event"]](told["channel"])

    def acknowledged(self, asking: asked.Subscribe, now: int) -> Sequence[bytes]:
        return (envelope(asking.channel, "subscribe", {"status": "success"}, now),)

    def refused(self, asking: asked.Subscribe, now: int, *, is_auth: bool) -> bytes:
        code, message = (4, "authentication fail") if is_auth else (2, "invalid argument provided")
        stamp = {"time": now // S, "channel": asking.channel, "event": "subscribe"}
        return json.dumps({**stamp, "error": {"code": code, "message": message}, "result": None}).encode()

    def pong(self, asking: asked.Ping, now: int) -> bytes:
        return json.dumps({"time": now // S, "channel": "options.pong", "event": "", "error": None, "result": None}).encode()

    def told(self, event: Event) -> Sequence[tuple[str, bytes]]:
        channel = CHANNELS.get(type(event))
        if channel is None:
            return ()
        row = streamed(event)
        return ((channel, envelope(channel, "update", row if channel in SINGLE else [row], event.time)),)

    # ---- requests ----

    def understood(self, request: asked.Request) -> asked.Asked:  # noqa: PLR0911 - one for each request there is
        query, body = request.query, request.json
        match request.method, request.path.removeprefix("/api/v4").strip("/").split("/"):
            case "GET", ["spot", "time"]:
                return asked.TellTime()
            case "GET", ["options", name] if name in LISTS:
                return LISTS[name]()
            case "GET", ["options", "my_settlements" | "position_close"]:
                return asked.Else([])
            case "GET", ["options", "my_trades"]:
                return asked.ListFills(since=int(query["from"]) * S, offset=int(query["offset"]), limit=int(query["limit"]))
            case "GET", ["options", "orders"]:
                is_open = query["status"] == "open"
                return asked.ListOrders(is_open=is_open, offset=int(query["offset"]), limit=int(query["limit"]))
            case "GET", ["options", "orders", order_id]:
                return asked.LookUp(order_id=order_id)
            case "POST", ["options", "orders"]:
                return placed(body)
            case "DELETE", ["options", "orders", order_id]:
                return asked.Withdraw(order_id=order_id)
            case "PUT", ["options", "orders", order_id]:
                return asked.Change(order_id=order_id, size=Decimal(body["size"]), price=Decimal(body["price"]))
        raise ValueError("no such request")

    def answered(self, asking: asked.Asked, answer: Any) -> asked.Reply:
        match asking:
            case asked.TellTime():
                return asked.Reply({"server_time": answer // MS})
            case asked.LookUp() if answer is None:
                return self.turned_down(asking, asked.No.NO_ORDER)
            case asked.ListBalances():
                return asked.Reply(account(answer[0]))
            case asked.Place():
                return asked.Reply(order(answer), 201)
        builders: dict[type, Callable[[Any], Any]] = {
            asked.ListContracts: listed,
            asked.ListPositions: position,
            asked.ListFills: trade,
            asked.ListOrders: order,
        }
        if type(asking) in builders:
            return asked.Reply([builders[type(asking)](one) for one in answer])
        return asked.Reply(order(answer))

    def turned_down(self, asking: asked.Asked, no: asked.No) -> asked.Reply:
        status, label = NOES[no]
        return asked.Reply({"label": label, "message": no.value}, status)

    def is_authentic(self, signed: asked.Request | bytes, now: int) -> bool:
        if isinstance(signed, bytes):
            frame = json.loads(signed)
            if "auth" not in frame:
                return frame["channel"] in (*SINGLE, "options.trades")
            auth, text = frame["auth"], f"channel={frame['channel']}&event={frame['event']}&time={frame['time']}"
            return bool(auth["KEY"] == KEY and auth["SIGN"] == sign(text) and abs(frame["time"] - now // S) <= 60)
        headers, query = signed.headers, "&".join(f"{name}={value}" for name, value in signed.query.items())
        digest = hashlib.sha512(signed.body).hexdigest()
        text = f"{signed.method}\n{signed.path}\n{query}\n{digest}\n{headers['timestamp']}"
        return headers["key"] == KEY and headers["sign"] == sign(text) and abs(int(headers["timestamp"]) - now // S) <= 60


LISTS: dict[str, Callable[[], asked.Asked]] = {
    "contracts": asked.ListContracts,
    "accounts": asked.ListBalances,
    "positions": asked.ListPositions,
}


def sign(text: str) -> str:
    return hmac.new(SECRET.encode(), text.encode(), hashlib.sha512).hexdigest()


def envelope(channel: str, event: str, result: Any, at: int) -> bytes:
    return json.dumps({"time": at // S, "time_ms": at // MS, "channel": channel, "event": event, "result": result}).encode()


def placed(body: dict[str, Any]) -> asked.Place:
    price = Decimal(body["price"])
    return asked.Place(
        contract=body["contract"],
        size=Decimal(body["size"]),
        price=price or None,
        client_id=body["text"],
        tif=TimeInForce(body["tif"]),
        reduce_only=body.get("reduce_only", False),
    )


def exact(number: Decimal | float | None) -> float | int:
    """A JSON number."""
    value = Decimal(str(number or 0))
    return int(value) if value == value.to_integral_value() else float(value)


def stamp(event: Event) -> dict[str, Any]:
    return {"user": "666", "time": event.time // S, "time_ms": event.time // MS}


def streamed(event: Any) -> dict[str, Any]:
    """A row of the stream: JSON numbers for money."""
    match event:
        case OrderUpdated():
            ended = {"finish_as": event.finish_as} if event.state.is_terminal else {}
            return {
                "id": int(event.order_id or 0),
                "contract": event.contract.name,
                "underlying": UNDERLYING,
                "create_time": event.time // S,
                "size": int(event.size),
                "left": int(event.left or 0),
                "price": exact(event.price),
                "fill_price": exact(event.fill_price),
                "status": "open" if event.state is OrderState.OPEN else "finished",
                **ended,
                "tif": event.tif.value,
                "text": event.client_id,
                "is_close": False,
                "is_reduce_only": event.reduce_only,
                "is_liq": False,
                **stamp(event),
            }
        case Filled():
            row = trade(event)
            return {**row, "order": row.pop("order_id"), "create_time": event.time // S, "create_time_ms": event.time // MS}
        case PositionUpdated():
            numbers = {"size": int(event.size), "entry_price": exact(event.entry_price), "realised_pnl": exact(event.realized_pnl)}
            return {"contract": event.contract.name, **numbers, **stamp(event)}
        case LedgerPosted():
            return {"balance": exact(event.balance), "change": exact(event.change), "type": event.kind, "text": event.text, **stamp(event)}
        case Liquidated():
            margins = {"init_margin": exact(event.initial_margin), "maint_margin": exact(event.maintenance_margin)}
            return {**margins, "order_margin": exact(event.order_margin), **stamp(event)}
        case ContractSettled():
            prices = {"strike_price": 70_000, "settle_price": exact(event.settle_price), "settle_profit": 10, "realised_pnl": 0}
            return {"contract": event.contract.name, "underlying": UNDERLYING, "size": int(event.size), **prices, **stamp(event)}
        case PositionClosed():
            row = {"contract": event.contract.name, "side": event.side, "pnl": exact(event.pnl), "text": "api", "settle_size": 0}
            return {**row, **stamp(event)}
    return public(event)


def public(event: Any) -> dict[str, Any]:
    """What the market does."""
    match event:
        case Quoted():
            sides = {"b": plain(event.bid), "B": int(event.bid_size), "a": plain(event.ask), "A": int(event.ask_size)}
            return {"t": event.time // MS, "u": 7, "s": event.contract.name, **sides}
        case Traded():
            row = {"id": int(event.trade_id), "contract": event.contract.name, "size": int(event.size), "price": event.price}
            return {**row, "create_time": event.time // S, "create_time_ms": event.time // MS}
        case UnderlyingPriced():
            return {"underlying": event.underlying, "price": event.price, "time": event.time // S, "time_ms": event.time // MS}
        case TickerUpdated():
            names = ("last_price", "mark_price", "index_price", "underlying_price", "mark_iv", "bid_iv", "ask_iv")
            greeks = ("delta", "gamma", "vega", "theta", "rho", "leverage")
            numbers = {name: plain(getattr(event, name) or 0) for name in (*names, *greeks)}
            quotes = {"bid1_price": "99.5", "bid1_size": 3, "ask1_price": "101.5", "ask1_size": 4}
            return {"name": event.contract.name, **numbers, **quotes}
    raise ValueError(f"{event} has no row")


def order(event: OrderUpdated) -> dict[str, Any]:
    """A row of REST: texts for money, seconds with a fraction."""
    ended = {"finish_time": event.time / S, "finish_as": event.finish_as} if event.state.is_terminal else {}
    return {
        "id": int(event.order_id or 0),
        "user": 666,
        "contract": event.contract.name,
        "create_time": event.time / S,
        **ended,
        "status": "open" if event.state is OrderState.OPEN else "finished",
        "size": int(event.size),
        "left": int(event.left or 0),
        "iceberg": 0,
        "price": plain(event.price or 0),
        "fill_price": plain(event.fill_price),
        "tif": event.tif.value,
        "text": event.client_id,
        "is_close": False,
        "is_liq": False,
        "is_reduce_only": event.reduce_only,
        "mkfr": "0.0003",
        "tkfr": "0.0003",
        "refu": 0,
    }


def trade(event: Filled) -> dict[str, Any]:
    return {
        "id": int(event.trade_id),
        "create_time": event.time / S,
        "contract": event.contract.name,
        "order_id": int(event.order_id),
        "size": int(event.size),
        "price": plain(event.price),
        "underlying_price": "70000",
        "role": "maker" if event.is_maker else "taker",
        "fee": plain(event.fee or 0),
        "text": event.client_id,
    }


def position(event: PositionUpdated) -> dict[str, Any]:
    greeks = dict.fromkeys(("mark_price", "unrealised_pnl", "delta", "gamma", "vega", "theta", "mark_iv"), "0")
    figures = {"entry_price": plain(event.entry_price), "realised_pnl": plain(event.realized_pnl), **greeks}
    return {"user": 666, "underlying": UNDERLYING, "contract": event.contract.name, "size": int(event.size), **figures, "pending_orders": 0}


def account(event: BalanceUpdated) -> dict[str, Any]:
    margins = dict.fromkeys(("unrealised_pnl", "init_margin", "maint_margin", "order_margin", "position_value"), "0")
    money = {"total": plain(event.total), "available": plain(event.available), "equity": plain(event.total)}
    return {"user": 666, "currency": event.currency, **money, **margins, "margin_mode": 0, "mmp_enabled": False, "orders_limit": 100}


def listed(contract: Contract) -> dict[str, Any]:
    return {
        "name": contract.id.name,
        "underlying": contract.underlying,
        "is_call": contract.is_call,
        "is_active": True,
        "strike_price": plain(contract.strike),
        "expiration_time": contract.expiry // S,
        "create_time": 1_780_000_000,
        "multiplier": plain(contract.multiplier),
        "order_price_round": plain(contract.tick),
        "mark_price_round": plain(contract.mark_tick),
        "order_size_min": int(contract.size_min),
        "order_size_max": int(contract.size_max or 0),
        "maker_fee_rate": "0.0003",
        "taker_fee_rate": "0.0003",
    }
