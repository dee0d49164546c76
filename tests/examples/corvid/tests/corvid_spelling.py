"""How Corvid says things, written from its documentation (README.md) and not from the adapter."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from strikeloop import BalanceUpdated, Contract, Event, Filled, OrderState, OrderUpdated, PositionUpdated, Quoted, TimeInForce, Traded
from strikeloop.testing import KEY, SECRET, Spelling, asked, plain

MS = 1_000_000
STATES = {OrderState.OPEN: "live", OrderState.FILLED: "done", OrderState.CANCELED: "gone", OrderState.EXPIRED: "gone"}
TIFS = {TimeInForce.GTC: "day", TimeInForce.IOC: "take", TimeInForce.POC: "post"}
NOES = {
    asked.No.MARGIN: (400, "E_MARGIN"),
    asked.No.NO_ORDER: (404, "E_NO_ORDER"),
    asked.No.OVER: (400, "E_OVER"),
    asked.No.CREDENTIALS: (401, "E_AUTH"),
    asked.No.TOO_MANY: (429, "E_RATE"),
}
CHANNELS = {
    OrderUpdated: "orders",
    Filled: "fills",
    PositionUpdated: "positions",
    BalanceUpdated: "cash",
    Quoted: "quotes",
    Traded: "trades",
}


class CorvidSpelling(Spelling):
    page = 50
    limit = (50, 5.0)

    # ---- streams ----

    def heard(self, frame: bytes) -> asked.Heard:
        match json.loads(frame):
            case {"do": "sub", "on": channel}:
                return asked.Subscribe(channel)
            case {"do": "unsub", "on": channel}:
                return asked.Unsubscribe(channel)
            case {"do": "ping"}:
                return asked.Ping()
        raise ValueError("no such request")

    def acknowledged(self, asking: asked.Subscribe, now: int) -> Sequence[bytes]:
        return (json.dumps({"ack": asking.channel}).encode(),)

    def refused(self, asking: asked.Subscribe, now: int, *, is_auth: bool) -> bytes:
        return json.dumps({"nak": asking.channel, "code": "E_AUTH" if is_auth else "E_TOPIC", "text": "no"}).encode()

    def pong(self, asking: asked.Ping, now: int) -> bytes:
        return json.dumps({"pong": now // MS}).encode()

    def told(self, event: Event) -> Sequence[tuple[str, bytes]]:
        channel = CHANNELS.get(type(event))
        if channel is None:
            return ()
        return ((channel, json.dumps({"on": channel, "ts": event.time // MS, "rows": [row(event)]}).encode()),)

    # ---- requests ----

    def understood(self, request: asked.Request) -> asked.Asked:  # noqa: PLR0911 - one for each request there is
        query, body, path = request.query, request.json, request.path.removeprefix("/v1")
        match request.method, path.strip("/").split("/"):
            case "GET", ["time"]:
                return asked.TellTime()
            case "GET", ["instruments"]:
                return asked.ListContracts()
            case "GET", ["positions"]:
                return asked.ListPositions()
            case "GET", ["cash"]:
                return asked.ListBalances()
            case "GET", ["fills"]:
                return asked.ListFills(since=int(query["since"]) * MS, offset=int(query["skip"]), limit=50)
            case "GET", ["orders"] if "ref" in query:
                return asked.LookUp(client_id=query["ref"])
            case "GET", ["orders"]:
                return asked.ListOrders(is_open=query["state"] == "live", offset=int(query["skip"]), limit=50)
            case "GET", ["orders", order_id]:
                return asked.LookUp(order_id=order_id)
            case "POST", ["orders"]:
                return placed(body)
            case "DELETE", ["orders", order_id]:
                return asked.Withdraw(order_id=order_id)
            case "PATCH", ["orders", order_id]:
                return asked.Change(order_id=order_id, size=number(body, "qty"), price=number(body, "px"))
        raise ValueError("no such request")

    def answered(self, asking: asked.Asked, answer: Any) -> asked.Reply:
        match asking:
            case asked.TellTime():
                return asked.Reply({"ts": answer // MS})
            case asked.ListContracts():
                return asked.Reply({"rows": [instrument(contract) for contract in answer]})
            case asked.LookUp(order_id=None):
                return asked.Reply({"rows": [row(answer)] if answer else []})
            case asked.LookUp() if answer is None:
                return self.turned_down(asking, asked.No.NO_ORDER)
        return asked.Reply({"rows": [row(one) for one in answer]} if isinstance(answer, list) else row(answer))

    def turned_down(self, asking: asked.Asked, no: asked.No) -> asked.Reply:
        status, code = NOES[no]
        return asked.Reply({"error": {"code": code, "text": no.value}}, status)

    def is_authentic(self, signed: asked.Request | bytes, now: int) -> bool:
        if isinstance(signed, bytes):
            frame = json.loads(signed)
            if frame["on"] in ("quotes", "trades"):
                return True
            text, at_s = f"{frame['do']} {frame['on']} {frame['at']}", frame["at"]
            return bool(frame["key"] == KEY and frame["sign"] == sign(text) and abs(at_s - now / 1e9) <= 5)
        headers, query = signed.headers, "&".join(f"{name}={value}" for name, value in signed.query.items())
        target = signed.path.removeprefix("/v1") + (f"?{query}" if query else "")
        text = f"{headers['x-time']}{signed.method}{target}{signed.body.decode()}"
        is_now = abs(int(headers["x-time"]) * MS - now) <= 5_000 * MS
        return headers["x-key"] == KEY and headers["x-sign"] == sign(text) and is_now


def sign(text: str) -> str:
    return hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()


def number(body: dict[str, Any], name: str) -> Decimal | None:
    return Decimal(body[name]) if name in body else None


def placed(body: dict[str, Any]) -> asked.Place:
    tif = next(tif for tif, word in TIFS.items() if word == body["tif"])
    size = Decimal(body["qty"]) * (1 if body["side"] == "buy" else -1)
    return asked.Place(
        contract=body["inst"], size=size, price=number(body, "px"), client_id=body["ref"], tif=tif, reduce_only=body["reduce"]
    )


def instrument(contract: Contract) -> dict[str, Any]:
    return {
        "inst": contract.id.name,
        "base": contract.underlying,
        "type": "call" if contract.is_call else "put",
        "strike": plain(contract.strike),
        "expiry": contract.expiry // MS,
        "lot": plain(contract.multiplier),
        "tick": plain(contract.tick),
        "max": plain(contract.size_max),
    }


def row(event: Any) -> dict[str, Any]:
    """One event as a row, the same in streams and lists."""
    match event:
        case OrderUpdated():
            return {
                "id": event.order_id,
                "ref": event.client_id or "",
                "inst": event.contract.name,
                "side": "buy" if event.size > 0 else "sell",
                "qty": plain(abs(event.size)),
                "open": plain(abs(event.left or Decimal(0))),
                "px": None if event.price is None else plain(event.price),
                "avg": plain(event.fill_price),
                "st": STATES[event.state],
                "tif": TIFS[event.tif],
            }
        case Filled():
            return {
                "id": event.trade_id,
                "order": event.order_id,
                "ref": event.client_id or "",
                "inst": event.contract.name,
                "side": "buy" if event.size > 0 else "sell",
                "qty": plain(abs(event.size)),
                "px": plain(event.price),
                "fee": plain(event.fee),
                "role": "maker" if event.is_maker else "taker",
                "ts": event.time // MS,
            }
        case PositionUpdated():
            return {
                "inst": event.contract.name,
                "net": plain(event.size),
                "avg": plain(event.entry_price),
                "pnl": plain(event.realized_pnl),
            }
        case BalanceUpdated():
            return {"ccy": event.currency, "total": plain(event.total), "free": plain(event.available)}
        case Quoted():
            bid, ask = plain(event.bid) or None, plain(event.ask) or None
            return {"inst": event.contract.name, "bid": bid, "ask": ask, "bq": plain(event.bid_size), "aq": plain(event.ask_size)}
        case Traded():
            side = "buy" if event.size > 0 else "sell"
            return {
                "id": event.trade_id,
                "inst": event.contract.name,
                "side": side,
                "qty": plain(abs(event.size)),
                "px": plain(event.price),
            }
    raise ValueError(f"{event} has no row")
