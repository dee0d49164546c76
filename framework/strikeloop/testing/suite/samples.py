"""What a venue may say, one of everything that matters, and how what an adapter makes of it is compared.

Owns the sample events of an account and of a market, and `mismatch`. Times, and what a venue need not say, are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

import attrs

from strikeloop import events as e
from strikeloop.adapter import Stream
from strikeloop.clock import SECOND_NS
from strikeloop.commands import TimeInForce
from strikeloop.contracts import Contract
from strikeloop.testing.factories import event
from strikeloop.testing.suite.play import Play

D = Decimal
_OPEN, _FILLED, _CANCELED = e.OrderState.OPEN, e.OrderState.FILLED, e.OrderState.CANCELED
ALWAYS: Final[Mapping[type[e.Event], tuple[str, ...]]] = {
    e.OrderUpdated: ("contract", "state", "size", "order_id", "price"),
    e.Filled: ("contract", "trade_id", "order_id", "size", "price"),
    e.PositionUpdated: ("contract", "size", "entry_price"),
    e.BalanceUpdated: ("currency", "total", "available"),
    e.LedgerPosted: ("change", "balance"),
    e.Quoted: ("contract", "bid", "ask", "bid_size", "ask_size"),
    e.Traded: ("contract", "price", "size"),
    e.TickerUpdated: ("contract", "mark_price"),
    e.UnderlyingPriced: ("underlying", "price"),
}
"""Fields that every venue says."""
PERHAPS: Final[Mapping[type[e.Event], tuple[str, ...]]] = {
    e.OrderUpdated: ("client_id", "left"),
    e.Filled: ("client_id", "fee", "is_maker"),
    e.TickerUpdated: ("mark_iv", "underlying_price", "index_price", "delta"),
    e.Traded: ("trade_id",),
}
"""Fields that a venue need not say: then they are None (or empty), and never something else."""


@attrs.frozen
class Frame:
    """A frame that the venue sends to tell `event`, and the port whose adapter decodes it."""

    port: str
    stream: Stream
    channel: str
    event: e.Event
    frame: bytes


def account_events(contract: Contract, other: Contract, at: int, currency: str) -> Iterator[e.Event]:
    """What a private stream may say."""
    here: dict[str, Any] = {"contract": contract.id, "at": at}
    there: dict[str, Any] = {"contract": other.id, "at": at}
    order: dict[str, Any] = {"order_id": "70001", "client_id": "t-ct-hand-1", "price": D(105), "created": at}
    over: dict[str, Any] = {**order, "finished": at}
    yield event(e.OrderUpdated, **here, **order, size=D(3), left=D(3), state=_OPEN)
    yield event(e.OrderUpdated, **there, **order, size=D(-4), left=D(-1), fill_price=D(105), state=_OPEN, tif=TimeInForce.POC)
    yield event(e.OrderUpdated, **here, **over, size=D(3), left=D(0), fill_price=D(105), state=_FILLED, finish_as="filled")
    yield event(e.OrderUpdated, **there, **over, size=D(-4), left=D(-3), fill_price=D(105), state=_CANCELED, finish_as="cancelled")
    names: dict[str, Any] = {"trade_id": "501", "order_id": "70001", "client_id": "t-ct-hand-1"}
    yield event(e.Filled, **here, **names, size=D(2), price=D("104.5"), fee=D("0.031"), is_maker=True)
    yield event(e.Filled, **there, **names, size=D(-1), price=D(7), fee=D("0.002"), is_maker=False)
    yield event(e.PositionUpdated, **here, size=D(2), entry_price=D("104.5"))
    yield event(e.PositionUpdated, **there, size=D(-7), entry_price=D("7.25"), realized_pnl=D("-1.5"))
    yield event(e.BalanceUpdated, at=at, currency=currency, total=D("1000.25"), available=D("949.75"))
    yield event(e.LedgerPosted, at=at, currency=currency, change=D("-0.031"), balance=D("999.969"), kind="fee", text="501")
    yield event(e.PortfolioRiskUpdated, at=at, total_delta=0.25, total_vega=-3.5, margin_occupied=D("12.5"), margin_required=D("6.25"))
    yield event(e.Liquidated, at=at)
    yield event(e.ContractSettled, **here, settle_price=D(71_000), size=D(2), pnl=D(20))
    yield event(e.PositionClosed, **here, pnl=D("1.5"))


def market_events(contract: Contract, other: Contract, at: int) -> Iterator[e.Event]:
    """What a public stream may say."""
    here: dict[str, Any] = {"contract": contract.id, "at": at}
    there: dict[str, Any] = {"contract": other.id, "at": at}
    yield event(e.Quoted, **here, bid=99.5, ask=101.5, bid_size=3.0, ask_size=4.0)
    yield event(e.Quoted, **there, bid=None, ask=7.5, bid_size=0.0, ask_size=2.0)
    yield event(e.Traded, **here, price=100.5, size=2.0, trade_id="91")
    yield event(e.Traded, **there, price=7.0, size=-5.0, trade_id="92")
    greeks: dict[str, Any] = {"delta": 0.512, "gamma": 0.00021, "vega": 88.25, "theta": -41.5, "rho": 12.0}
    yield event(e.TickerUpdated, **here, mark_price=100.25, last_price=100.5, mark_iv=0.615, bid_iv=0.6, ask_iv=0.63, **greeks)
    yield event(e.UnderlyingPriced, at=at, underlying=contract.underlying, price=70_123.5)
    yield event(e.BookUpdated, **here, bids=((99.5, 3.0), (99.0, 1.0)), asks=((101.5, 4.0),), first_id=7, last_id=9)
    start = at // (60 * SECOND_NS) * 60 * SECOND_NS
    yield event(e.CandleClosed, **here, start=start, interval=60 * SECOND_NS, open=99.0, high=102.0, low=98.5, close=101.0, volume=12.0)


def frames(play: Play) -> list[Frame]:
    """Every frame with which the venue's streams say the samples."""
    contract, other = play.venue.books.contracts[0], play.venue.books.contracts[-1]
    at = play.venue.now()
    samples = [*market_events(contract, other, at), *account_events(contract, other, at, play.spelling.currency)]
    found: list[Frame] = []
    for sample in samples:
        for channel, frame in play.spelling.told(sample):
            found += [
                Frame(port, stream, channel, sample, frame)
                for port, stream in play.streams
                if any(one.name == channel for one in stream.channels)
            ]
    return found


def of(play: Play, kind: type[e.Event]) -> list[Frame]:
    """The frames that tell events of one class."""
    return [frame for frame in frames(play) if type(frame.event) is kind]


def mismatch(said: e.Event, heard: e.Event, *, is_listed: bool = False) -> str:
    """Where an adapter's event says something else than the venue did, "" for nowhere. A row of a list is of the time it was asked."""
    kind = type(said)
    for name in ALWAYS.get(kind, ()):
        if getattr(said, name) != getattr(heard, name):
            return f"{name} is {getattr(heard, name)!r}, the venue said {getattr(said, name)!r}"
    for name in PERHAPS.get(kind, ()):
        value = getattr(heard, name)
        if value not in (None, "") and value != getattr(said, name):
            return f"{name} is {value!r}, the venue said {getattr(said, name)!r}"
    if not is_listed and abs(heard.time - said.time) > SECOND_NS and heard.time != heard.received:
        return f"time is {heard.time}, the venue said {said.time} (ns UTC)"
    return ""
