"""The frames Gate's options sockets take: subscribe, unsubscribe, ping.

Owns the form of requests, which payload a channel wants in which dialect, and signing them at the moment they are made.
Pure: the time comes in. Source: options WebSocket page, sections «Authentication» and «By underlying».
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from strikeloop.wire import Secret
from strikeloop_gate.decode import Dialect
from strikeloop_gate.signing import stream_signature

LISTED_BY_CONTRACT = frozenset({"options.liquidates", "options.user_settlements", "options.position_closes"})
BOOK_CHANGES, BOOKS = "options.order_book_update", "options.order_book"
NAMES_CONTRACTS = frozenset({BOOK_CHANGES, BOOKS})
"""Channels without a form by underlying: their subscriptions name every contract, in either dialect."""
BOOK_DEPTH = 20
BOOK_EVERY = "100ms"
NAMES_UNDERLYINGS = frozenset({"options.ul_price", "options.ul_tickers", "options.ul_trades", "options.ul_candlesticks"})


def private_payload(dialect: Dialect, channel: str, *, user: str, underlyings: Sequence[str], contracts: Sequence[str]) -> Any:
    """What a private subscription lists.

    Seed: the contracts, or nothing for account-wide channels. Gate: the user id and "!all" where the venue documents
    that, the user id alone for balances, else the underlyings, an object that holds no user id.
    """
    if dialect is Dialect.SEED:
        return list(contracts) if channel in ("options.positions", "options.orders") else []
    if channel in LISTED_BY_CONTRACT:
        return {"underlyings": list(underlyings)}
    return [user] if channel == "options.balances" else [user, "!all"]


def public_payloads(
    dialect: Dialect, channel: str, *, underlyings: Sequence[str], contracts: Sequence[str], interval: str = "1m"
) -> tuple[Any, ...]:
    """What public subscriptions of a channel list, one payload for each request.

    Underlyings where the channel is about them, and where the venue takes them for all their contracts, also those that
    it lists later; else every contract. Books, and candles where underlyings are not taken, want a request for each.
    """
    if channel == BOOK_CHANGES:
        return tuple([contract, BOOK_EVERY, str(BOOK_DEPTH)] for contract in contracts)
    if channel == BOOKS:
        return tuple([contract, str(BOOK_DEPTH), "0"] for contract in contracts)
    if channel == "options.ul_candlesticks":
        return tuple([interval, underlying] for underlying in underlyings)
    if channel == "options.contract_candlesticks":
        if dialect is Dialect.SEED:
            return tuple([interval, contract] for contract in contracts)
        return ({"interval": interval, "underlyings": list(underlyings)},)
    if channel in NAMES_UNDERLYINGS:
        return (list(underlyings),)
    return (list(contracts) if dialect is Dialect.SEED else {"underlyings": list(underlyings)},)


def request(channel: str, event: str, time_s: int, payload: Any, *, key: Secret | None = None, secret: Secret | None = None) -> bytes:
    """A request frame; signed when key and secret are given."""
    frame: dict[str, Any] = {"time": time_s, "channel": channel, "event": event, "payload": payload}
    if key is not None and secret is not None:
        sign = stream_signature(secret, channel=channel, event=event, time_s=time_s)
        frame["auth"] = {"method": "api_key", "KEY": key.reveal(), "SIGN": sign}
    return json.dumps(frame, separators=(",", ":")).encode()


def ping(time_s: int) -> bytes:
    """The venue's keep-alive; it answers on options.pong."""
    return json.dumps({"time": time_s, "channel": "options.ping"}, separators=(",", ":")).encode()
