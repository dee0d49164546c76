"""Events and contracts for tests: what matters to a test is said, everything else is filled in.

Owns `contract` and `event`. What they make is valid, small and always the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import Any, Final, TypeVar, cast, get_origin, get_type_hints

import attrs

from strikeloop import events as e
from strikeloop.clock import SECOND_NS
from strikeloop.commands import SubmitOrder
from strikeloop.contracts import Contract, ContractId, OptionKind
from strikeloop.errors import ConfigError
from strikeloop.testing.scripted import START_NS

D = Decimal
E = TypeVar("E", bound=e.Event)
EXPIRY_NS: Final = START_NS + (25 * 24 + 8) * 3600 * SECOND_NS
"""26 June 2026, 08:00 UTC."""
CALL: Final = ContractId.of("venue", "BTC-20260626-70000-C")
PUT: Final = ContractId.of("venue", "BTC-20260626-70000-P")


def contract(name: str = CALL.name, *, adapter: str = "venue", is_call: bool = True, **changes: Any) -> Contract:
    """An option on BTC: strike 70,000, multiplier 0.01, tick 1, expiry 26 June 2026.

    >>> contract(strike=Decimal(80_000)).intrinsic(Decimal(90_000))
    Decimal('10000')
    """
    terms: dict[str, Any] = {
        "underlying": "BTC",
        "kind": OptionKind.CALL if is_call else OptionKind.PUT,
        "strike": D(70_000),
        "expiry": EXPIRY_NS,
        "multiplier": D("0.01"),
        "tick": D(1),
        "mark_tick": D("0.1"),
        "size_max": D(1_000),
    }
    return Contract(id=ContractId.of(adapter, name), **terms | changes)


_ADAPTER: Final = {"adapter": "venue"}
_DEFAULTS: Final[Mapping[type[e.Event], Mapping[str, Any]]] = MappingProxyType(
    {
        e.PositionUpdated: {"size": D(1), "entry_price": D(100), "realized_pnl": D(0)},
        e.OrderUpdated: {"state": e.OrderState.OPEN, "size": D(1), "left": D(1), "price": D(100), "order_id": "1", "client_id": "t-1"},
        e.Filled: {"trade_id": "1", "order_id": "1", "size": D(1), "price": D(100), "fee": D("0.03"), "is_maker": True},
        e.BalanceUpdated: {**_ADAPTER, "currency": "USDT", "total": D(1_000), "available": D(900)},
        e.LedgerPosted: {**_ADAPTER, "currency": "USDT", "change": D(1), "balance": D(1_000), "kind": "prem"},
        e.PortfolioRiskUpdated: {
            **_ADAPTER,
            **dict.fromkeys(("total_delta", "total_gamma", "total_vega", "total_theta", "effective_leverage"), 0.0),
            "margin_occupied": D(0),
            "margin_required": D(0),
        },
        e.ContractSettled: {"settle_price": D(70_000), "size": D(0), "pnl": D(0)},
        e.PositionClosed: {"side": "long", "pnl": D(0), "reason": "settled"},
        e.Liquidated: {**_ADAPTER, "initial_margin": D(1), "maintenance_margin": D(2), "order_margin": D(0)},
        e.ContractListed: {"specification": contract()},
        e.Quoted: {"bid": 99.0, "ask": 101.0, "bid_size": 10.0, "ask_size": 10.0},
        e.Traded: {"price": 100.0, "size": 1.0, "trade_id": "1"},
        e.BookUpdated: {"bids": ((99.0, 10.0),), "asks": ((101.0, 10.0),), "snapshot": True, "first_id": 1, "last_id": 1},
        e.TickerUpdated: {"mark_price": 100.0, "index_price": 70_000.0, "underlying_price": 70_000.0, "mark_iv": 0.6},
        e.UnderlyingPriced: {**_ADAPTER, "underlying": "BTC", "price": 70_000.0},
        e.CandleClosed: {"start": START_NS, "interval": 60 * SECOND_NS, **dict.fromkeys(("open", "high", "low", "close"), 100.0)},
        e.StreamOpened: {**_ADAPTER, "connection": 1},
        e.ChannelSubscribed: {**_ADAPTER, "channel": "orders"},
        e.ChannelRefused: {**_ADAPTER, "channel": "orders", "code": "4", "message": "refused"},
        e.StreamLost: {**_ADAPTER, "reason": "connection reset", "retry_in_s": 0.5},
        e.StreamStale: {**_ADAPTER, "channel": "orders", "age_s": 60.0},
        e.GapOpened: {**_ADAPTER, "channel": "orders", "reason": "a frame is missing"},
        e.GapClosed: {**_ADAPTER, "channel": "orders"},
        e.Reconciled: _ADAPTER,
        e.MmpTriggered: {**_ADAPTER, "underlying": "BTC"},
        e.TimerFired: {"instance": "strategy", "name": "timer", "due": START_NS},
        e.OrderRefused: {
            "instance": "strategy",
            "client_id": "t-1",
            "command": SubmitOrder(client_id="t-1", contract=CALL, size=D(1)),
            "reasons": (("rule", "no"),),
        },
        e.AlertRaised: {"source": "test", "topic": "test", "text": "a test"},
        e.HaltRequested: {"cause": "command", "by": "test", "reason": "a test"},
        e.HaltReset: {"by": "test"},
        e.HaltUpdated: {"state": e.HaltState.HALTED, "cause": "command", "by": "test", "reason": "a test"},
        e.PluginFaulted: {"instance": "strategy", "hook": "on_quote", "error": "ValueError: no", "halted": True},
    }
)


_NOTHING: Final[Mapping[Any, Any]] = {str: "", int: 0, float: 0.0, bool: False, Decimal: D(0), tuple: ()}


def event(kind: type[E], /, *, at: int = START_NS, **changes: Any) -> E:
    """An event of this class that happened and was received at `at` (ns UTC), with these fields; the others are filled in.

    Raises ConfigError for a class that is no event, TypeError for a field that it has not.

    >>> event(e.Quoted, bid=4.0).ask
    101.0
    """
    if kind not in _DEFAULTS and not issubclass(kind, e.Event):
        raise ConfigError(f"event() makes events: {kind!r} is no class of them")
    return kind(**{**_plain(cast("Any", kind)), "time": at, "received": at, **_DEFAULTS.get(kind, {}), **changes})


@cache
def _plain(kind: type[Any]) -> Mapping[str, Any]:
    """What fields without a default are filled with where nothing better is known: CALL, and nothing of their type."""
    hints = get_type_hints(kind)
    wanted = [field.name for field in attrs.fields(kind) if field.default is attrs.NOTHING]
    return {name: CALL if hints[name] is ContractId else _NOTHING.get(get_origin(hints[name]) or hints[name]) for name in wanted}
