"""Corvid's frames and rows as events: pure, and strict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import attrs

from strikeloop import (
    BalanceUpdated,
    ChannelRefused,
    ChannelSubscribed,
    ContractId,
    Event,
    Filled,
    OrderState,
    OrderUpdated,
    Origin,
    PositionUpdated,
    Quoted,
    TimeInForce,
    Traded,
)
from strikeloop.adapter import Decoded
from strikeloop.wire import Document

MS = 1_000_000
SIDES = {"buy": 1, "sell": -1}
STATES = {"live": OrderState.OPEN, "done": OrderState.FILLED, "gone": OrderState.CANCELED}
TIFS = {"day": TimeInForce.GTC, "take": TimeInForce.IOC, "post": TimeInForce.POC}
ROLES = {"maker": True, "taker": False}


@attrs.frozen
class Rows:
    """Makes events of rows for the adapter instance `name`."""

    name: str

    def decode(self, port: str, frame: bytes | str, received: int) -> Decoded:
        """One frame of a stream. Raises DecodeError."""
        told = Document.parse(frame)
        if "pong" in told:
            return Decoded(channel="", is_heartbeat=True, sent=told["pong"].time(MS))
        here: dict[str, Any] = {"time": received, "received": received, "adapter": self.name, "port": port}
        if "ack" in told:
            channel = told["ack"].text
            return Decoded(channel=channel, events=(ChannelSubscribed(**here, channel=channel),))
        if "nak" in told:
            channel, code = told["nak"].text, told["code"].text
            refused = ChannelRefused(**here, channel=channel, code=code, message=told["text"].text, is_auth=code == "E_AUTH")
            return Decoded(channel=channel, events=(refused,))
        channel = told["on"].text
        told = told.on(channel)
        read = READERS.get(channel)
        if read is None:
            return Decoded(channel=channel, notices=(f"the channel {channel!r} is unknown",))
        stamp = told["ts"].time(MS)
        return Decoded(channel=channel, events=tuple(read(self, row, stamp, received, Origin.VENUE) for row in told["rows"]))

    def order(self, row: Document, time: int, received: int, origin: Origin) -> OrderUpdated:
        sign, price = row["side"].word(SIDES), row.nullable("px")
        return OrderUpdated(
            time=time,
            received=received,
            origin=origin,
            contract=self.contract(row),
            order_id=row["id"].name,
            client_id=row["ref"].text or None,
            state=row["st"].word(STATES),
            size=sign * row["qty"].exact,
            left=sign * row["open"].exact,
            price=None if price is None else price.exact,
            fill_price=row["avg"].exact,
            tif=row["tif"].word(TIFS),
            is_market=price is None,
            finish_as="" if row["st"].text == "live" else row["st"].text,
        )

    def fill(self, row: Document, time: int, received: int, origin: Origin) -> Filled:
        return Filled(
            time=row["ts"].time(MS),
            received=received,
            origin=origin,
            contract=self.contract(row),
            trade_id=row["id"].name,
            order_id=row["order"].name,
            client_id=row["ref"].text or None,
            size=row["side"].word(SIDES) * row["qty"].exact,
            price=row["px"].exact,
            fee=row["fee"].exact,
            is_maker=row["role"].word(ROLES),
        )

    def position(self, row: Document, time: int, received: int, origin: Origin) -> PositionUpdated:
        return PositionUpdated(
            time=time,
            received=received,
            origin=origin,
            contract=self.contract(row),
            size=row["net"].exact,
            entry_price=row["avg"].exact,
            realized_pnl=row["pnl"].exact,
        )

    def cash(self, row: Document, time: int, received: int, origin: Origin) -> BalanceUpdated:
        return BalanceUpdated(
            time=time,
            received=received,
            origin=origin,
            adapter=self.name,
            currency=row["ccy"].text,
            total=row["total"].exact,
            available=row["free"].exact,
        )

    def quote(self, row: Document, time: int, received: int, _: Origin) -> Quoted:
        bid, ask = row.nullable("bid"), row.nullable("ask")
        return Quoted(
            time=time,
            received=received,
            contract=self.contract(row),
            bid=None if bid is None else bid.number,
            ask=None if ask is None else ask.number,
            bid_size=row["bq"].number,
            ask_size=row["aq"].number,
        )

    def trade(self, row: Document, time: int, received: int, _: Origin) -> Traded:
        size = row["side"].word(SIDES) * row["qty"].number
        return Traded(time=time, received=received, contract=self.contract(row), price=row["px"].number, size=size, trade_id=row["id"].name)

    def contract(self, row: Document) -> ContractId:
        return ContractId.of(self.name, row["inst"].text)


READERS: Mapping[str, Callable[[Rows, Document, int, int, Origin], Event]] = {
    "orders": Rows.order,
    "fills": Rows.fill,
    "positions": Rows.position,
    "cash": Rows.cash,
    "quotes": Rows.quote,
    "trades": Rows.trade,
}


def plain(number: Decimal) -> str:
    """Plain digits, as Corvid writes numbers."""
    return format(number, "f")
