"""How a server of the options user data stream document says things: texts for all figures, no acknowledgements, no executions.

REST is Gate's. An order that has traded in part and is withdrawn cannot be told from a filled one there, so nothing is said of it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal

from strikeloop import BalanceUpdated, Event, OrderState, OrderUpdated, PortfolioRiskUpdated, PositionUpdated
from strikeloop.testing import asked, plain
from tests.plugins.gate.gate_spelling import MS, GateSpelling, S

NOTHING = dict.fromkeys(("mark_price", "unrealised_pnl", "delta", "gamma", "vega", "theta"), "0")


class SeedSpelling(GateSpelling):
    def heard(self, frame: bytes) -> asked.Heard:
        told = json.loads(frame)
        if told["channel"] == "options.ping":
            return asked.Ping()
        kind = asked.Subscribe if told["event"] == "subscribe" else asked.Unsubscribe
        return kind(told["channel"], tuple(told.get("payload") or ()))

    def acknowledged(self, asking: asked.Subscribe, now: int) -> Sequence[bytes]:
        return ()

    def refused(self, asking: asked.Subscribe, now: int, *, is_auth: bool) -> bytes:
        code, message = (401, "Authentication failed") if is_auth else (404, "No such channel")
        return json.dumps({"time": now // S, "channel": asking.channel, "event": "error", "message": message, "code": code}).encode()

    def told(self, event: Event) -> Sequence[tuple[str, bytes]]:
        match event:
            case OrderUpdated():
                is_mute = event.state is OrderState.CANCELED and event.filled != 0
                return () if is_mute else _update("options.orders", event, _order(event))
            case PositionUpdated():
                row = {"contract": event.contract.name, "size": plain(event.size), "entry_price": plain(event.entry_price)}
                return _update("options.positions", event, {**row, **NOTHING, "realised_pnl": plain(event.realized_pnl)})
            case BalanceUpdated():
                money = {"total": plain(event.total), "available": plain(event.available), "currency": event.currency}
                others = dict.fromkeys(("unrealized_pnl", "option_value", "short_positions", "long_positions", "margin_ratio"), "0")
                return _update("options.balances", event, {**money, **others})
            case PortfolioRiskUpdated():
                totals = {name: plain(getattr(event, name)) for name in ("total_delta", "total_gamma", "total_vega", "total_theta")}
                margins = {"margin_occupied": plain(event.margin_occupied), "margin_required": plain(event.margin_required)}
                return _update("options.portfolio", event, {**totals, **margins, "effective_leverage": "0", "portfolio_var": "0"})
        told = super().told(event)
        return [one for one in told if one[0] in ("options.book_ticker", "options.contract_tickers", "options.trades", "options.ul_price")]


def _order(event: OrderUpdated) -> dict[str, object]:
    is_over = event.state is not OrderState.OPEN
    return {
        "id": event.order_id,
        "contract": event.contract.name,
        "size": plain(event.size),
        "price": plain(event.price or Decimal(0)),
        "fill_price": plain(event.fill_price),
        "status": "closed" if is_over else "open",
        "type": "market" if event.is_market else "limit",
        "tif": event.tif.value,
        "create_time": event.time // S,
        "finish_time": event.time // S if is_over else 0,
    }


def _update(channel: str, event: Event, row: dict[str, object]) -> Sequence[tuple[str, bytes]]:
    frame = {"time": event.time // S, "time_ms": event.time // MS, "channel": channel, "event": "update", "result": row}
    return ((channel, json.dumps(frame).encode()),)
