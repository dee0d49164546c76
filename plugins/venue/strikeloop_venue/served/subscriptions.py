"""What one WebSocket connection wants to hear, and the reading of the messages that say so.

Owns the payload forms of both dialects: `[contract…]`, `[uid, contract…]`, `[uid, "!all"]`, `[contract, interval,
level]`, `[uid]`, and the object form by underlying. Sends nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from strikeloop_venue.served.frames import Dialect
from strikeloop_venue.served.market import MarketBoard
from strikeloop_venue.served.public_frames import PUBLIC_CHANNELS

MOST_IN_A_REQUEST = 2_000
_BY_UNDERLYING = frozenset({"options.ul_price", "options.ul_tickers", "options.ul_trades"})
_WITH_PARAMETERS = frozenset({"options.order_book_update", "options.order_book"})
_WHOLE_ACCOUNT = frozenset({"options.balances", "options.portfolio", "options.liquidates"})


class PayloadError(Exception):
    """The payload of a message is not what the channel takes: the venue's code (1 form, 2 argument), and a sentence."""

    def __init__(self, code: int, message: str) -> None:
        self.code, self.message = code, message
        super().__init__(message)


@attrs.define
class Interest:
    """What is wanted of one channel."""

    names: set[str] = attrs.field(factory=set)
    """Contracts."""
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
    """Reads payloads for one server: its dialect, its market, its user."""

    dialect: Dialect
    market: MarketBoard
    user_id: int

    def read(self, channel: str, payload: Any) -> Interest:
        """What a payload asks for. Raises PayloadError."""
        is_private = channel not in PUBLIC_CHANNELS
        if isinstance(payload, Mapping):
            return self._object(channel, payload)
        if payload is None and self.dialect is Dialect.SEED and is_private:
            payload = []
        if not isinstance(payload, Sequence) or isinstance(payload, str) or not all(isinstance(item, str) for item in payload):
            raise PayloadError(1, "request payload does not follow json schema")
        return self._private(channel, list(payload)) if is_private else self._public(channel, list(payload))

    def _object(self, channel: str, payload: Mapping[str, Any]) -> Interest:
        if self.dialect is Dialect.SEED and channel not in PUBLIC_CHANNELS:
            raise PayloadError(1, "Invalid subscription format")
        underlyings, contracts = payload.get("underlyings") or [], payload.get("contracts") or []
        if not (underlyings or contracts) or not isinstance(underlyings, list) or not isinstance(contracts, list):
            raise PayloadError(1, "underlyings or contracts must be a non-empty list")
        if len(underlyings) + len(contracts) > MOST_IN_A_REQUEST:
            raise PayloadError(2, "too many underlyings or contracts")
        return Interest(names=self._contracts(contracts), underlyings=self._underlyings(underlyings))

    def _public(self, channel: str, payload: list[str]) -> Interest:
        if not payload:
            raise PayloadError(2, "payload must name at least one contract or underlying")
        if channel in _BY_UNDERLYING:
            return Interest(underlyings=self._underlyings(payload))
        return Interest(names=self._contracts(payload[:1] if channel in _WITH_PARAMETERS else payload))

    def _private(self, channel: str, payload: list[str]) -> Interest:
        if payload and payload[0].isdecimal():
            if payload[0] != str(self.user_id):
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
