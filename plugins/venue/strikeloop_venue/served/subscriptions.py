"""What one WebSocket connection wants to hear, and the reading of the messages that say so.

Owns the payload forms of both dialects: `[contract…]`, `[uid, contract…]`, `[uid, "!all"]`, `[contract, interval,
level]`, `[uid]`, and the object form by underlying. Sends nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import attrs

from strikeloop_venue.served.bars import INTERVALS
from strikeloop_venue.served.frames import Dialect
from strikeloop_venue.served.market import MarketBoard
from strikeloop_venue.served.public_frames import BOOKS, CANDLES, PUBLIC_CHANNELS

MOST_IN_A_REQUEST = 2_000
_BY_UNDERLYING = frozenset({"options.ul_price", "options.ul_tickers", "options.ul_trades"})
_WHOLE_ACCOUNT = frozenset({"options.balances", "options.portfolio", "options.liquidates"})
_AS_OBJECT = frozenset(
    "options." + name
    for name in (
        *("contract_tickers", "contract_candlesticks", "book_ticker", "trades", "mark_prices", "contracts", "settlements"),
        *("orders", "usertrades", "positions", "liquidates", "position_closes", "user_settlements"),
    )
)
"""Channels that may be asked for by underlying."""
_PACES = {"options.order_book_update": ("100ms", "1000ms"), "options.order_book": ("0",)}
_DEPTHS = {"options.order_book_update": ("5", "10", "20", "50"), "options.order_book": ("1", "5", "10", "20", "50")}


class Form(StrEnum):
    """How a payload is written; what was asked for in one form is ended in the same."""

    LIST = "list"
    OBJECT = "object"


class PayloadError(Exception):
    """The payload of a message is not what the channel takes: the venue's code (1 form, 2 argument), and a sentence."""

    def __init__(self, code: int, message: str) -> None:
        self.code, self.message = code, message
        super().__init__(message)


@attrs.define
class Interest:
    """What is wanted of one channel."""

    names: set[str] = attrs.field(factory=set)
    """Contracts; of candles `interval_contract`, of books `contract pace depth`."""
    underlyings: set[str] = attrs.field(factory=set)
    everything: bool = False

    def wants(self, name: str, underlying: str) -> bool:
        return self.everything or name in self.names or underlying in self.underlyings

    def join(self, other: Interest) -> None:
        self.names |= other.names
        self.underlyings |= other.underlyings
        self.everything |= other.everything

    def leave(self, other: Interest) -> None:
        self.names -= other.names
        self.underlyings -= other.underlyings
        self.everything &= not other.everything

    @property
    def is_empty(self) -> bool:
        return not (self.names or self.underlyings or self.everything)


@attrs.frozen
class PayloadReader:
    """Reads payloads for one server: its dialect, its market."""

    dialect: Dialect
    market: MarketBoard

    def read(self, channel: str, payload: Any, user_id: int = 0) -> Interest:
        """What a payload asks for; `user_id` is who signed it. Raises PayloadError."""
        is_private = channel not in PUBLIC_CHANNELS
        if isinstance(payload, Mapping):
            return self._object(channel, payload)
        if payload is None and self.dialect is Dialect.SEED and is_private:
            payload = []
        if not isinstance(payload, Sequence) or isinstance(payload, str) or not all(isinstance(item, str) for item in payload):
            raise PayloadError(1, "request payload does not follow json schema")
        if len(payload) > MOST_IN_A_REQUEST:
            raise PayloadError(2, "too many contracts")
        return self._private(channel, list(payload), user_id) if is_private else self._public(channel, list(payload))

    def _object(self, channel: str, payload: Mapping[str, Any]) -> Interest:
        if channel not in _AS_OBJECT or (self.dialect is Dialect.SEED and channel not in PUBLIC_CHANNELS):
            raise PayloadError(1, "this channel takes a list as its payload")
        underlyings, contracts = payload.get("underlyings") or [], payload.get("contracts") or []
        if not (underlyings or contracts) or not isinstance(underlyings, list) or not isinstance(contracts, list):
            raise PayloadError(1, "underlyings or contracts must be a non-empty list")
        if len(underlyings) + len(contracts) > MOST_IN_A_REQUEST:
            raise PayloadError(2, "too many underlyings or contracts")
        names, wholes = self._contracts(contracts), self._underlyings(underlyings)
        if channel not in CANDLES:
            return Interest(names=names, underlyings=wholes)
        interval = self._interval(payload.get("interval"))
        return Interest(names={f"{interval}_{name}" for name in names}, underlyings={f"{interval}_{name}" for name in wholes})

    def _public(self, channel: str, payload: list[str]) -> Interest:
        if not payload:
            raise PayloadError(2, "payload must name at least one contract or underlying")
        if channel in _BY_UNDERLYING:
            return Interest(underlyings=self._underlyings(payload))
        if channel in BOOKS:
            return Interest(names={self._book(channel, *payload)})
        if channel in CANDLES:
            return Interest(names=self._candles(channel, *payload))
        return Interest(names=self._contracts(payload))

    def _book(self, channel: str, contract: str, *parameters: str) -> str:
        """The name of one kind of book. The venue writes pace before depth on one channel and after it on the other."""
        self._contracts([contract])
        paces, depths = _PACES[channel], _DEPTHS[channel]
        first, second, *more = *parameters, "", ""
        pace, depth = (first, second) if channel == "options.order_book_update" else (second, first)
        if (pace or paces[0]) not in paces or (depth or "50") not in depths or any(more):
            raise PayloadError(2, f"invalid parameters {list(parameters)}: expected one of {list(paces)} and of {list(depths)}")
        return f"{contract} {pace or paces[0]} {depth or '50'}"

    def _candles(self, channel: str, interval: str, *names: str) -> set[str]:
        self._interval(interval)
        if not names:
            raise PayloadError(2, "payload must name an interval and what it is for")
        if channel == "options.ul_candlesticks":
            return {f"{interval}_{name}" for name in self._underlyings(names)}
        self._contracts([name.removeprefix("mark_").removeprefix("index_") for name in names])
        return {f"{interval}_{name}" for name in names}

    @staticmethod
    def _interval(interval: Any) -> str:
        if not isinstance(interval, str) or interval not in INTERVALS:
            raise PayloadError(2, f"invalid interval {interval}: expected one of {', '.join(INTERVALS)}")
        return interval

    def _private(self, channel: str, payload: list[str], user_id: int) -> Interest:
        if payload and payload[0].isdecimal():
            if payload[0] != str(user_id):
                raise PayloadError(2, f"invalid user id {payload[0]}")
            named = payload[1:]
        elif self.dialect is Dialect.GATE:
            raise PayloadError(2, "the first element of the payload must be the user id")
        else:
            named = payload
        if channel in _WHOLE_ACCOUNT or "!all" in named or (not named and self.dialect is Dialect.SEED):
            return Interest(everything=True)
        if not named:
            raise PayloadError(2, 'payload must name a contract or "!all"')
        return Interest(names=self._contracts(named))

    def _contracts(self, names: Sequence[Any]) -> set[str]:
        for name in names:
            if not isinstance(name, str) or self.market.specification(name) is None:
                raise PayloadError(2, f"unknown contract {name}")
        return set(names)

    def _underlyings(self, names: Sequence[Any]) -> set[str]:
        for name in names:
            if not isinstance(name, str) or name not in self.market.underlyings:
                raise PayloadError(2, f"unknown underlying {name}")
        return set(names)
