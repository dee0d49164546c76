"""A run as plain JSON types: what `strikeloop status` and its sisters show.

Owns `status_of` and `state_of`. Reads the run; changes nothing.
"""

from __future__ import annotations

import os
from typing import Any

from strikeloop.encoding import plain
from strikeloop.live.run import Live
from strikeloop.orders import Order
from strikeloop.portfolio import Portfolio, Position
from strikeloop.session import State


def status_of(live: Live) -> dict[str, Any]:
    """The run as plain JSON types."""
    portfolio, orders = live.engine.portfolio, live.engine.orders
    return {
        "run": live.summary.run,
        "mode": live.summary.mode,
        "state": state_of(live),
        "pid": os.getpid(),
        "time": live.clock.now(),
        "halt": _halt_status(live),
        "process": {} if live.vitals is None else live.vitals.status,
        "adapters": {name: _adapter_status(live, name) for name in {**live.feeds, **live.ports, **live.venues}},
        "orders": orders.counts(),
        "working": [_order_status(order) for order in orders.working()],
        "foreign": [order.key for name in live.ports for order in live.foreign.foreign(name)],
        "positions": [_position_status(position, portfolio) for position in portfolio.positions],
        "balance": None if portfolio.balance is None else plain(portfolio.balance),
        "risk": None if portfolio.risk is None else plain(portfolio.risk),
        "faults": live.summary.rows["fault"],
    }


def state_of(live: Live) -> str:
    """starting, ready, degraded (data and cancels run, openings are refused somewhere) or halted."""
    if live.engine.is_halted:
        return "halted"
    states = {port.session.state for port in (*live.feeds.values(), *live.ports.values())}
    if not live.started:
        return "degraded" if live.refused or State.DEGRADED in states else "starting"
    return "ready" if states <= {State.READY} and not live.engine.blocks else "degraded"


def _halt_status(live: Live) -> dict[str, Any]:
    """The kill switch; `heard` is the mark of the last request from outside that was acted upon."""
    told = plain(live.engine.switch.told(live.clock.now()))
    return {**{name: value for name, value in told.items() if name not in ("time", "received")}, "heard": live.halting.heard}


def _adapter_status(live: Live, name: str) -> dict[str, Any]:
    ports = {kind: table[name] for kind, table in (("feed", live.feeds), ("account", live.ports)) if name in table}
    main = ports.get("account") or ports.get("feed")
    return {
        "connection": "in process" if main is None else main.session.state.value,
        "shortcomings": [text for port in ports.values() for text in port.session.shortcomings],
        "blocks": sorted(reason for (adapter, _), reason in live.engine.blocks.items() if adapter == name),
        "countdown": live.keepers[name].status if name in live.keepers else {},
        "connections": 0 if main is None else main.session.connections,
        "reconnects": 0 if main is None else max(0, main.session.connections - 1),
        "lag_ms": max((port.lag_ns / 1e6 for port in ports.values()), default=0.0),
        "channels": {channel: status for port in ports.values() for channel, status in port.session.channel_status().items()},
        "last_reconciled": None if main is None else main.session.last_reconciled,
    }


def _order_status(order: Order) -> dict[str, Any]:
    names = ("contract", "size", "left", "price", "state")
    return {"client_id": order.key, "instance": order.instance, **{name: plain(getattr(order, name)) for name in names}}


def _position_status(position: Position, portfolio: Portfolio) -> dict[str, Any]:
    contract = portfolio.contracts.get(position.contract)
    underlying = "" if contract is None else contract.underlying
    price = portfolio.underlying_price(position.contract)
    return {**plain(position), "underlying": underlying, "underlying_price": price, "exposure": plain(position.exposure)}
