"""Corvid's frames and rows as events: pure, and strict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

import strikeloop as sl
from strikeloop.adapter import Decoded
from strikeloop.wire import Document

MS = 1_000_000
SIDES = {"buy": 1, "sell": -1}
STATES = {"live": sl.OrderState.OPEN, "done": sl.OrderState.FILLED, "gone": sl.OrderState.CANCELED}
TIFS = {"day": sl.TimeInForce.GTC, "take": sl.TimeInForce.IOC, "post": sl.TimeInForce.POC}
ROLES = {"maker": True, "taker": False}


@attrs.frozen
class Rows:
    """Makes events of rows for the adapter instance `name`; `said` is time, received and, of an account, origin."""

    name: str

    def decode(self, port: str, frame: bytes | str, received: int) -> Decoded:
        """One frame of a stream. Raises DecodeError."""
        told = Document.parse(frame)
        if "pong" in told:
            return Decoded(channel="", is_heartbeat=True, sent=told["pong"].time(MS))
        here: dict[str, Any] = {"time": received, "received": received, "adapter": self.name, "port": port}
        if "ack" in told:
            return Decoded(channel=told["ack"].text, events=(sl.ChannelSubscribed(**here, channel=told["ack"].text),))
        if "nak" in told:
            here |= {"channel": told["nak"].text, "code": told["code"].text, "message": told["text"].text}
            return Decoded(channel=here["channel"], events=(sl.ChannelRefused(**here, is_auth=here["code"] == "E_AUTH"),))
        channel = told["on"].text
        read = READERS.get(channel)
        if read is None:
            return Decoded(channel=channel, notices=(f"the channel {channel!r} is unknown",))
        said: dict[str, Any] = {"time": told["ts"].time(MS), "received": received}
        return Decoded(channel=channel, events=tuple(read(self, row, **said) for row in told.on(channel)["rows"]))

    def order(self, row: Document, **said: Any) -> sl.OrderUpdated:
        price = row.nullable("px")
        return sl.OrderUpdated(
            **said,
            contract=self.contract(row),
            order_id=row["id"].name,
            client_id=row["ref"].text or None,
            state=row["st"].word(STATES),
            size=row["side"].word(SIDES) * row["qty"].exact,
            left=row["side"].word(SIDES) * row["open"].exact,
            price=None if price is None else price.exact,
            fill_price=row["avg"].exact,
            tif=row["tif"].word(TIFS),
            is_market=price is None,
        )

    def fill(self, row: Document, **said: Any) -> sl.Filled:
        return sl.Filled(
            **{**said, "time": row["ts"].time(MS)},
            contract=self.contract(row),
            trade_id=row["id"].name,
            order_id=row["order"].name,
            client_id=row["ref"].text or None,
            size=row["side"].word(SIDES) * row["qty"].exact,
            price=row["px"].exact,
            fee=row["fee"].exact,
            is_maker=row["role"].word(ROLES),
        )

    def position(self, row: Document, **said: Any) -> sl.PositionUpdated:
        figures: dict[str, Any] = {"size": row["net"].exact, "entry_price": row["avg"].exact, "realized_pnl": row["pnl"].exact}
        return sl.PositionUpdated(**said, contract=self.contract(row), **figures)

    def cash(self, row: Document, **said: Any) -> sl.BalanceUpdated:
        figures: dict[str, Any] = {"total": row["total"].exact, "available": row["free"].exact}
        return sl.BalanceUpdated(**said, adapter=self.name, currency=row["ccy"].text, **figures)

    def quote(self, row: Document, **said: Any) -> sl.Quoted:
        prices: dict[str, Any] = {name: (price := row.nullable(name)) and price.number for name in ("bid", "ask")}
        return sl.Quoted(**said, contract=self.contract(row), **prices, bid_size=row["bq"].number, ask_size=row["aq"].number)

    def trade(self, row: Document, **said: Any) -> sl.Traded:
        size = row["side"].word(SIDES) * row["qty"].number
        return sl.Traded(**said, contract=self.contract(row), price=row["px"].number, size=size, trade_id=row["id"].name)

    def contract(self, row: Document) -> sl.ContractId:
        return sl.ContractId.of(self.name, row["inst"].text)


READERS: Mapping[str, Callable[..., sl.Event]] = {
    "orders": Rows.order,
    "fills": Rows.fill,
    "positions": Rows.position,
    "cash": Rows.cash,
    "quotes": Rows.quote,
    "trades": Rows.trade,
}
