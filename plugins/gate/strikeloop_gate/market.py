"""Market forms to market events: what Gate's public channels mean.

Owns signs, empty sides and units of market data, and the specification of a contract. Pure. Market figures are floats
taken from the twin of a form (see strictjson); only a contract's specification is exact. Source: options WebSocket page.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from msgspec import UNSET

from strikeloop import (
    BookUpdated,
    CandleClosed,
    Contract,
    ContractExpired,
    ContractId,
    ContractListed,
    Event,
    OptionKind,
    Quoted,
    TickerUpdated,
    Traded,
    UnderlyingPriced,
    maker,
)
from strikeloop_gate.figures import figure, whole
from strikeloop_gate.sources import MILLISECOND_NS, SECOND_NS, Source, contract_id, creation, moment, nanoseconds
from strikeloop_gate.strictjson import MalformedError

_ticker_updated, _made_quote, _traded = maker(TickerUpdated), maker(Quoted), maker(Traded)
_book_updated, _priced = maker(BookUpdated), maker(UnderlyingPriced)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?", re.ASCII)
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_CANDLE = re.compile(r"([0-9]{1,3})([smhd])_(.+)", re.ASCII | re.DOTALL)


def blank(value: Any, field: str) -> float | None:
    """A market figure where the venue writes the empty string, or leaves the field out, for none."""
    if type(value) is float and -1e30 <= value <= 1e30:
        return value + 0.0
    if value is UNSET or value == "":
        return None
    if isinstance(value, str):
        if not _NUMBER.fullmatch(value):
            raise MalformedError(field, f"{value[:40]!r} is no number")
        value = float(value)
    if not math.isfinite(value) or abs(value) > 1e30:
        raise MalformedError(field, f"{value} is out of range")
    return float(value) + 0.0


def _present(value: Any, field: str) -> float | None:
    """A price or volatility, None where the venue writes 0 for none."""
    return blank(value, field) or None


def _quoted(source: Source, time: int, contract: str, bid: float | None, bid_size: float, ask: float | None, ask_size: float) -> Quoted:
    has_bid, has_ask = bool(bid and bid_size), bool(ask and ask_size)
    return _made_quote(
        time=time,
        received=source.received,
        contract=contract_id(source.adapter, contract),
        bid=bid if has_bid else None,
        ask=ask if has_ask else None,
        bid_size=abs(bid_size) if has_bid else 0.0,
        # Ask sizes were negative until 2024.
        ask_size=abs(ask_size) if has_ask else 0.0,
    )


def ticker(source: Source, item: Any) -> tuple[Event, ...]:
    last = item.last_price if item.last_price is not UNSET else item.last
    updated = _ticker_updated(
        source.time,
        source.received,
        contract_id(source.adapter, item.name, "name"),
        item.mark_price + 0.0,
        last_price=_present(last, "last_price"),
        index_price=_present(item.index_price, "index_price"),
        underlying_price=_present(item.underlying_price, "underlying_price"),
        mark_iv=blank(item.mark_iv, "mark_iv"),
        bid_iv=_present(item.bid_iv, "bid_iv"),
        ask_iv=_present(item.ask_iv, "ask_iv"),
        delta=item.delta + 0.0,
        gamma=item.gamma + 0.0,
        vega=item.vega + 0.0,
        theta=item.theta + 0.0,
        rho=blank(item.rho, "rho"),
        leverage=blank(item.leverage, "leverage"),
    )
    bid, ask = blank(item.bid1_price, "bid1_price"), blank(item.ask1_price, "ask1_price")
    return (updated, _quoted(source, source.time, item.name, bid, item.bid1_size, ask, item.ask1_size))


def book_ticker(source: Source, item: Any) -> tuple[Event, ...]:
    return (_quoted(source, item.t * MILLISECOND_NS, item.s, blank(item.b, "b"), item.B, blank(item.a, "a"), item.A),)


def _levels(rows: Any, field: str) -> tuple[tuple[float, float], ...]:
    for index, row in enumerate(rows):
        if row.p <= 0:
            raise MalformedError(f"{field}[{index}].p", f"{row.p} is no price")
    return tuple((row.p, abs(row.s)) for row in rows)


def book_change(source: Source, item: Any) -> tuple[Event, ...]:
    event = _book_updated(
        time=item.t * MILLISECOND_NS,
        received=source.received,
        contract=contract_id(source.adapter, item.s, "s"),
        bids=_levels(item.b, "b"),
        asks=_levels(item.a, "a"),
        first_id=item.U,
        last_id=item.u,
        snapshot=False,
    )
    return (event,)


def book_snapshot(source: Source, item: Any) -> tuple[Event, ...]:
    event = _book_updated(
        time=item.t * MILLISECOND_NS,
        received=source.received,
        contract=contract_id(source.adapter, item.contract),
        bids=tuple(sorted(_levels(item.bids, "bids"), key=lambda level: -level[0])),
        asks=tuple(sorted(_levels(item.asks, "asks"), key=lambda level: level[0])),
        first_id=item.id,
        last_id=item.id,
        snapshot=True,
    )
    return (event,)


def rest_book(source: Source, contract: ContractId, item: Any) -> BookUpdated:
    """The whole book as GET /options/order_book?with_id=true answers it."""
    return BookUpdated(
        time=source.time,
        received=source.received,
        contract=contract,
        bids=tuple(sorted(_levels(item.bids, "bids"), reverse=True)),
        asks=tuple(sorted(_levels(item.asks, "asks"))),
        first_id=item.id,
        last_id=item.id,
        snapshot=True,
    )


def book_row(source: Source, item: Any) -> tuple[Event, ...]:
    """One change of the older book channel: s > 0 is a bid, s < 0 an ask; s = 0 deletes the price from whichever side has it."""
    (level,) = _levels([item], "")
    event = _book_updated(
        time=source.time,
        received=source.received,
        contract=contract_id(source.adapter, item.c, "c"),
        bids=(level,) if item.s >= 0 else (),
        asks=(level,) if item.s <= 0 else (),
        first_id=item.id,
        last_id=item.id,
        snapshot=False,
    )
    return (event,)


def trade(source: Source, item: Any) -> tuple[Event, ...]:
    event = _traded(
        time=creation(source, item),
        received=source.received,
        contract=contract_id(source.adapter, item.contract),
        price=item.price + 0.0,  # never a negative zero
        size=item.size + 0.0,
        trade_id=str(item.id),
    )
    return (event,)


def _underlying(source: Source, time: int, name: str, field: str, price: float) -> UnderlyingPriced:
    contract_id(source.adapter, name, field)
    return _priced(time=time, received=source.received, adapter=source.adapter, underlying=name, price=price + 0.0)


def underlying_price(source: Source, item: Any) -> tuple[Event, ...]:
    return (_underlying(source, moment(source, item), item.underlying, "underlying", item.price),)


def underlying_ticker(source: Source, item: Any) -> tuple[Event, ...]:
    return (_underlying(source, source.time, item.name, "name", item.index_price),)


def mark_price(source: Source, item: Any) -> tuple[Event, ...]:
    """The mark alone: every other figure of the ticker stays None."""
    contract = contract_id(source.adapter, item.contract)
    return (TickerUpdated(time=moment(source, item), received=source.received, contract=contract, mark_price=item.price + 0.0),)


def candle(source: Source, item: Any) -> tuple[Event, ...]:
    """A bar as of now: the venue repeats the running one every 2 s, so the last event with one `start` is the final one.

    A bar of an underlying carries the underlying's name as its contract.
    """
    match = _CANDLE.fullmatch(item.n)
    if match is None:
        raise MalformedError("n", f"{item.n[:64]!r} is no interval and name")
    event = CandleClosed(
        time=source.time,
        received=source.received,
        contract=contract_id(source.adapter, match[3], "n"),
        start=item.t * SECOND_NS,
        interval=int(match[1]) * _UNITS[match[2]] * SECOND_NS,
        open=item.o + 0.0,
        high=item.h + 0.0,
        low=item.l + 0.0,
        close=item.c + 0.0,
        volume=item.v + 0.0,
    )
    return (event,)


def public_settlement(source: Source, item: Any) -> tuple[Event, ...]:
    """The contract has expired. What it paid us comes on options.user_settlements, and only there."""
    return (ContractExpired(time=moment(source, item), received=source.received, contract=contract_id(source.adapter, item.contract)),)


def listed(source: Source, item: Any, twin: Any, raw: Mapping[str, Any]) -> tuple[Event, ...]:
    specification = contract(source.adapter, item)
    time = moment(source, item)
    return (ContractListed(time=time, received=source.received, contract=specification.id, specification=specification),)


def contract(adapter: str, item: Any) -> Contract:
    """The specification, from the socket's form or REST's. Raises MalformedError for figures that cannot be a contract's."""
    name = item.name if item.name is not UNSET else item.contract
    if name is UNSET:
        raise MalformedError("name", "the field is missing")
    for field in ("strike_price", "multiplier", "order_price_round", "mark_price_round", "expiration_time"):
        if not getattr(item, field) > 0:
            raise MalformedError(field, f"{getattr(item, field)} is not above 0")
    contract_id(adapter, item.underlying, "underlying")
    known = {wire: figure(getattr(item, wire), wire) for wire in _DEFAULTED if getattr(item, wire) is not UNSET}
    if not known.get("order_price_deviate"):
        # Deprecated by the venue; 0 means that there is no band, not that no price is allowed.
        known.pop("order_price_deviate", None)
    size_min, size_max = whole(item.order_size_min, "order_size_min"), whole(item.order_size_max, "order_size_max")
    return Contract(
        id=contract_id(adapter, name, "name"),
        underlying=item.underlying,
        kind=OptionKind.CALL if item.is_call else OptionKind.PUT,
        strike=figure(item.strike_price, "strike_price"),
        expiry=nanoseconds(item.expiration_time, "expiration_time"),
        multiplier=figure(item.multiplier, "multiplier"),
        tick=figure(item.order_price_round, "order_price_round"),
        mark_tick=figure(item.mark_price_round, "mark_price_round"),
        created=0 if item.create_time is UNSET else nanoseconds(item.create_time, "create_time"),
        tag="" if item.tag is UNSET else item.tag,
        size_min=size_min,
        size_max=size_max,
        orders_limit=None if item.orders_limit is UNSET else int(whole(item.orders_limit, "orders_limit")),
        maker_fee_rate=figure(item.maker_fee_rate, "maker_fee_rate"),
        taker_fee_rate=figure(item.taker_fee_rate, "taker_fee_rate"),
        **{_DEFAULTED[wire]: value for wire, value in known.items()},
    )


_DEFAULTED: Mapping[str, str] = {
    "position_limit": "position_limit",
    "price_limit_fee_rate": "fee_cap",
    "settle_fee_rate": "settle_fee_rate",
    "settle_limit_fee_rate": "settle_fee_cap",
    "init_margin_low": "init_margin_low",
    "init_margin_high": "init_margin_high",
    "maint_margin_base": "maint_margin_base",
    "order_price_deviate": "price_deviation",
}
