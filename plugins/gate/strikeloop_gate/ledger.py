"""Account forms to account events: what Gate's private channels and REST answers mean.

Owns the meaning of statuses, signs, times and identities of the account, for both dialects and for REST. Pure. It
never parses text and never decides what to do about an event. Ledger figures come from the exact form, market figures
from its twin (see strictjson). Source: options WebSocket page; REST v4 options section.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from msgspec import UNSET

from strikeloop import (
    BalanceUpdated,
    ContractSettled,
    Event,
    Filled,
    LedgerPosted,
    Liquidated,
    PortfolioRiskUpdated,
    PositionClosed,
    PositionUpdated,
)
from strikeloop_gate import fields
from strikeloop_gate.fields import Meaning
from strikeloop_gate.figures import ZERO, figure, product, whole
from strikeloop_gate.sources import NOTHING, SECOND_NS, Source, contract_id, currency, moment

SETTLEMENT_CURRENCY = "USDT"
CLIENT_PREFIX = "t-"
_ROLES = {"maker": True, "taker": False}


def optional(value: Any, field: str) -> Decimal | None:
    return None if value is UNSET or value is None else figure(value, field)


def _role(event: Any, item: Any) -> None:
    """Whose liquidity it was, and whether it is our own order by its text; an unknown role is kept in `raw`."""
    words, event.is_maker = item.text, _ROLES.get(item.role)
    if event.is_maker is None:
        event.raw = MappingProxyType({**event.raw, "role": item.role})
    event.client_id = words if isinstance(words, str) and words.startswith(CLIENT_PREFIX) else None


_POSITION = {
    "contract": fields.contract(),
    "size": fields.contracts("size"),
    "entry_price": fields.ledger("entry_price"),
    "realized_pnl": fields.ledger("realised_pnl"),
}
seed_position = Meaning(
    PositionUpdated,
    {
        **_POSITION,
        "unrealized_pnl": fields.ledger("unrealised_pnl"),
        **{name: fields.market(name) for name in ("mark_price", "delta", "gamma", "vega", "theta")},
    },
)
"""The seed document's position, which has every figure."""

position = Meaning(
    PositionUpdated,
    {
        **_POSITION,
        "unrealized_pnl": fields.optional(fields.ledger("unrealised_pnl")),
        **{name: fields.optional(fields.market(name)) for name in ("mark_price", "delta", "gamma", "vega", "theta")},
    },
)
"""The venue's position."""

trade = Meaning(
    Filled,
    {
        "contract": fields.contract(),
        "trade_id": fields.identity("id"),
        "order_id": fields.identity("order"),
        "size": fields.contracts("size"),
        "price": fields.ledger("price"),
        "fee": fields.optional(fields.ledger("fee")),
        "synthetic": fields.always(False),
    },
    times=("create_time_ms", "create_time"),
    rest=_role,
)
"""An execution of ours, from usertrades (`order`) or REST my_trades (`order_id`, no fee)."""

balance = Meaning(
    BalanceUpdated,
    {
        "adapter": fields.ADAPTER,
        "currency": fields.currency(),
        **{name: fields.ledger(name) for name in ("total", "available", "option_value")},
        "unrealized_pnl": fields.either("unrealized_pnl", "unrealised_pnl"),
        **{name: fields.count(name) for name in ("short_positions", "long_positions")},
        "margin_ratio": fields.market("margin_ratio"),
        **{name: fields.always(None) for name in ("initial_margin", "maintenance_margin", "order_margin")},
    },
)
"""The seed document's account snapshot; it spells unrealized_pnl with z, the venue with s."""

entry = Meaning(
    LedgerPosted,
    {
        "adapter": fields.ADAPTER,
        "currency": fields.always(SETTLEMENT_CURRENCY),
        "change": fields.ledger("change"),
        "balance": fields.ledger("balance"),
        "kind": fields.text("type"),
        "text": fields.text("text"),
    },
)

portfolio = Meaning(
    PortfolioRiskUpdated,
    {
        "adapter": fields.ADAPTER,
        **{name: fields.market(name) for name in ("total_delta", "total_gamma", "total_vega", "total_theta")},
        **{name: fields.ledger(name) for name in ("margin_occupied", "margin_required")},
        **{name: fields.market(name) for name in ("effective_leverage", "portfolio_var")},
    },
)


def unified_detail(source: Source, item: Any, twin: Any, raw: Mapping[str, Any] = NOTHING) -> tuple[Event, ...]:
    """The currencies of a unified account, each as a balance."""
    return tuple(
        BalanceUpdated(
            time=item.t * SECOND_NS,
            received=source.received,
            origin=source.origin,
            raw=raw,
            adapter=source.adapter,
            currency=currency(name),
            total=figure(asset.b, "b"),
            available=figure(asset.a, "a"),
            initial_margin=optional(asset.im, "im"),
            maintenance_margin=optional(asset.mm, "mm"),
        )
        for name, asset in item.dts.items()
    )


def unified_total(source: Source, item: Any, twin: Any, raw: Mapping[str, Any] = NOTHING) -> tuple[Event, ...]:
    """A unified account as a whole, in USD; its maintenance rate is kept as it is, in percent."""
    event = BalanceUpdated(
        time=item.t * SECOND_NS,
        received=source.received,
        origin=source.origin,
        raw=raw,
        adapter=source.adapter,
        currency="USD",
        total=figure(item.b, "b"),
        available=figure(item.a, "a"),
        margin_ratio=twin.R + 0.0,
    )
    return (event,)


def liquidation(source: Source, item: Any, twin: Any, raw: Mapping[str, Any] = NOTHING) -> tuple[Event, ...]:
    event = Liquidated(
        time=moment(source, item),
        received=source.received,
        origin=source.origin,
        raw=raw,
        adapter=source.adapter,
        initial_margin=figure(item.init_margin, "init_margin"),
        maintenance_margin=figure(item.maint_margin, "maint_margin"),
        order_margin=figure(item.order_margin, "order_margin"),
    )
    return (event,)


def settlement(source: Source, item: Any, twin: Any, raw: Mapping[str, Any] = NOTHING) -> tuple[Event, ...]:
    """Our settlement: the venue's settle_profit is per contract, so the cash is settle_profit · size."""
    size = whole(item.size, "size")
    fee = getattr(item, "fee", UNSET)
    event = ContractSettled(
        time=moment(source, item),
        received=source.received,
        origin=source.origin,
        raw=raw,
        contract=contract_id(source.adapter, item.contract),
        settle_price=figure(item.settle_price, "settle_price"),
        size=size,
        pnl=product(figure(item.settle_profit, "settle_profit"), size, "settle_profit"),
        fee=ZERO if fee is UNSET else figure(fee, "fee"),
        realized_pnl=figure(item.realised_pnl, "realised_pnl"),
    )
    return (event,)


def closed_position(source: Source, item: Any, twin: Any, raw: Mapping[str, Any] = NOTHING) -> tuple[Event, ...]:
    event = PositionClosed(
        time=moment(source, item),
        received=source.received,
        origin=source.origin,
        raw=raw,
        contract=contract_id(source.adapter, item.contract),
        side=item.side,
        pnl=figure(item.pnl, "pnl"),
        reason=item.text,
    )
    return (event,)


def account(source: Source, item: Any) -> BalanceUpdated:
    """The account as GET /options/accounts states it. The venue gives no margin ratio and no counts of positions there."""
    return BalanceUpdated(
        time=source.time,
        received=source.received,
        origin=source.origin,
        adapter=source.adapter,
        currency=currency(item.currency),
        total=figure(item.total, "total"),
        available=figure(item.available, "available"),
        unrealized_pnl=figure(item.unrealised_pnl, "unrealised_pnl"),
        option_value=optional(item.position_value, "position_value"),
        initial_margin=figure(item.init_margin, "init_margin"),
        maintenance_margin=figure(item.maint_margin, "maint_margin"),
        order_margin=figure(item.order_margin, "order_margin"),
    )


def unfunded(source: Source) -> BalanceUpdated:
    """An account to which nothing was ever transferred; the venue answers USER_NOT_FOUND for it."""
    return BalanceUpdated(
        time=source.time,
        received=source.received,
        origin=source.origin,
        adapter=source.adapter,
        currency=SETTLEMENT_CURRENCY,
        total=ZERO,
        available=ZERO,
    )
