"""Account events as results of the private channels, in both dialects.

Owns which account event is pushed where and its spelling. `gate` is the real venue: lists, ints, JSON numbers (options
WebSocket v4, private channels). `seed` is the document the project began with: one object, all strings. Sends nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from strikeloop import (
    BalanceUpdated,
    ContractSettled,
    Event,
    Filled,
    LedgerPosted,
    Liquidated,
    OrderState,
    OrderUpdated,
    PortfolioRiskUpdated,
    PositionClosed,
    PositionUpdated,
)
from strikeloop_venue.served import bodies
from strikeloop_venue.served.frames import Dialect, Facts, Push, Result
from strikeloop_venue.served.spelling import count, millis, number, seconds, text

# ---- private, the real venue -----------------------------------------------------------------------------------


def _stamp(event: Event, facts: Facts) -> dict[str, Any]:
    return {"user": str(facts.user_id), "time": seconds(event.time), "time_ms": millis(event.time)}


def _gate_order(event: OrderUpdated, facts: Facts) -> Result | None:
    if event.state is OrderState.REJECTED or event.order_id is None:
        return None
    contract, asked = facts.contract(event.contract), facts.account.how(event.order_id)
    ended = {"finish_as": bodies.finish_as(event)} if event.state.is_terminal else {}
    row = {
        "id": int(event.order_id),
        "contract": event.contract.name,
        "underlying": facts.underlying(event.contract),
        "create_time": seconds(event.created or event.time),
        "size": count(event.size),
        "left": count(event.left),
        "iceberg": asked.iceberg,
        "price": number(event.price),
        "fill_price": number(event.fill_price),
        "status": "finished" if event.state.is_terminal else "open",
        **ended,
        "tif": event.tif.value,
        "text": bodies.shown_text(event),
        "is_close": asked.is_close,
        "is_reduce_only": event.reduce_only,
        "is_liq": event.state is OrderState.LIQUIDATED,
        "tkfr": number(contract.taker_fee_rate if contract else None),
        "mkfr": number(contract.maker_fee_rate if contract else None),
        "refu": 0,
        "refr": 0,
        **_stamp(event, facts),
    }
    return [row]


def _gate_fill(event: Filled, facts: Facts) -> Result:
    row = {
        "id": event.trade_id,
        "order": event.order_id,
        "contract": event.contract.name,
        "underlying": facts.underlying(event.contract),
        "create_time": seconds(event.time),
        "create_time_ms": millis(event.time),
        "price": text(event.price),
        "size": count(event.size),
        "role": "maker" if event.is_maker else "taker",
        "fee": text(event.fee),
        "text": event.client_id if event.client_id and event.client_id.startswith("t-") else "api",
    }
    return [row]


def _gate_position(event: PositionUpdated, facts: Facts) -> Result:
    row = {
        "contract": event.contract.name,
        "size": count(event.size),
        "entry_price": number(event.entry_price),
        "realised_pnl": number(event.realized_pnl),
        **_stamp(event, facts),
    }
    return [row]


def _gate_ledger(event: LedgerPosted, facts: Facts) -> Result:
    row = {
        "balance": number(event.balance),
        "change": number(event.change),
        "type": event.kind,
        "text": event.text,
        **_stamp(event, facts),
    }
    return [row]


def _gate_settlement(event: ContractSettled, facts: Facts) -> Result | None:
    found = facts.contract(event.contract)
    if not event.size or found is None:
        return None
    row = {
        "contract": event.contract.name,
        "underlying": found.underlying,
        "size": count(event.size),
        "strike_price": number(found.strike),
        "settle_price": number(event.settle_price),
        # Documented per contract, as in the public settlement.
        "settle_profit": number(found.intrinsic(event.settle_price) * found.multiplier),
        "realised_pnl": number(event.realized_pnl),
        **_stamp(event, facts),
    }
    return [row]


def _gate_close(event: PositionClosed, facts: Facts) -> Result:
    row = {
        "contract": event.contract.name,
        "underlying": facts.underlying(event.contract),
        "side": event.side,
        "pnl": number(event.pnl),
        "settle_size": 0,
        "text": event.reason or "api",
        **_stamp(event, facts),
    }
    return [row]


def _gate_liquidation(event: Liquidated, facts: Facts) -> Result:
    row = {
        "init_margin": number(event.initial_margin),
        "maint_margin": number(event.maintenance_margin),
        "order_margin": number(event.order_margin),
        **_stamp(event, facts),
    }
    return [row]


# ---- private, the seed document --------------------------------------------------------------------------------


def _seed_order(event: OrderUpdated, _: Facts) -> Result | None:
    if event.state is OrderState.REJECTED:
        return None
    return {
        "id": event.order_id or "",
        "contract": event.contract.name,
        "size": text(event.size),
        "price": text(event.price),
        "fill_price": text(event.fill_price),
        "status": "closed" if event.state.is_terminal else "open",
        "type": "market" if event.is_market else "limit",
        "tif": event.tif.value,
        "create_time": seconds(event.created or event.time),
        "finish_time": seconds(event.finished or event.time) if event.state.is_terminal else 0,
    }


def _seed_position(event: PositionUpdated, _: Facts) -> Result:
    return {
        "contract": event.contract.name,
        "size": text(event.size),
        "entry_price": text(event.entry_price),
        "mark_price": text(event.mark_price),
        "realised_pnl": text(event.realized_pnl),
        "unrealised_pnl": text(event.unrealized_pnl),
        "delta": text(event.delta),
        "gamma": text(event.gamma),
        "vega": text(event.vega),
        "theta": text(event.theta),
    }


def _seed_balance(event: BalanceUpdated, _: Facts) -> Result:
    return {
        "total": text(event.total),
        "unrealized_pnl": text(event.unrealized_pnl),
        "option_value": text(event.option_value),
        "short_positions": str(event.short_positions or 0),
        "long_positions": str(event.long_positions or 0),
        "available": text(event.available),
        "currency": event.currency,
        "margin_ratio": text(event.margin_ratio),
    }


def _seed_portfolio(event: PortfolioRiskUpdated, _: Facts) -> Result:
    return {
        "total_delta": text(event.total_delta),
        "total_gamma": text(event.total_gamma),
        "total_vega": text(event.total_vega),
        "total_theta": text(event.total_theta),
        "margin_occupied": text(event.margin_occupied),
        "margin_required": text(event.margin_required),
        "effective_leverage": text(event.effective_leverage),
        "portfolio_var": text(event.portfolio_var),
    }


PRIVATE: Mapping[Dialect, Mapping[type[Event], Push]] = {
    Dialect.GATE: {
        OrderUpdated: Push("options.orders", _gate_order),
        Filled: Push("options.usertrades", _gate_fill),
        PositionUpdated: Push("options.positions", _gate_position),
        LedgerPosted: Push("options.balances", _gate_ledger),
        ContractSettled: Push("options.user_settlements", _gate_settlement),
        PositionClosed: Push("options.position_closes", _gate_close),
        Liquidated: Push("options.liquidates", _gate_liquidation),
    },
    Dialect.SEED: {
        OrderUpdated: Push("options.orders", _seed_order),
        PositionUpdated: Push("options.positions", _seed_position),
        BalanceUpdated: Push("options.balances", _seed_balance),
        PortfolioRiskUpdated: Push("options.portfolio", _seed_portfolio),
    },
}

PRIVATE_CHANNELS = {dialect: frozenset(push.channel for push in pushes.values()) for dialect, pushes in PRIVATE.items()}
