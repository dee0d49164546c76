"""Account forms to account events: what Gate's private channels and REST answers mean.

Owns the meaning of statuses, signs, times and identities of the account, for both dialects and for REST. Pure. It
never parses text and never decides what to do about an event. Ledger figures come from the exact form, market figures
from its twin (see strictjson). Source: options WebSocket page; REST v4 options section.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec import UNSET

from strikeloop import (
    BalanceUpdated,
    ContractId,
    ContractSettled,
    Event,
    Filled,
    LedgerPosted,
    Liquidated,
    Origin,
    PortfolioRiskUpdated,
    PositionClosed,
    PositionUpdated,
    draft,
    maker,
)
from strikeloop_gate.figures import COUNT, PRICE, WHOLE, ZERO, exact, figure, product, whole
from strikeloop_gate.strictjson import MalformedError

NOTHING: Mapping[str, Any] = MappingProxyType({})
SETTLEMENT_CURRENCY = "USDT"
CLIENT_PREFIX = "t-"
SECOND_NS, MILLISECOND_NS = 1_000_000_000, 1_000_000


_position_updated, _filled, _ledger_posted = maker(PositionUpdated), maker(Filled), maker(LedgerPosted)
_position_draft, _balance_draft, _risk_draft = draft(PositionUpdated), draft(BalanceUpdated), draft(PortfolioRiskUpdated)


class Source(msgspec.Struct, frozen=True, gc=False):
    """Whose frame or answer it is, when it was said and seen (ns UTC), and in what capacity: made for every frame, hence a Struct."""

    adapter: str
    time: int
    received: int
    origin: Origin = Origin.VENUE


@lru_cache(maxsize=65_536)
def contract_id(adapter: str, name: str, field: str = "contract") -> ContractId:
    """The ContractId of a name from the wire. Raises MalformedError where it could not be one: it ends up in file names and URLs."""
    if not 0 < len(name) <= 64 or not name.isascii() or not name.replace("-", "").replace("_", "").replace(".", "").isalnum():
        raise MalformedError(field, f"{name[:64]!r} is no contract name")
    return ContractId.of(adapter, name)


def optional(value: Any, field: str) -> Decimal | None:
    return None if value is UNSET or value is None else figure(value, field)


def market(value: Any) -> float | None:
    """A market figure of a twin, without a negative zero; None where the field is absent."""
    return None if value is UNSET else value + 0.0


def identity(value: str | int, field: str) -> str:
    """The venue's id as text."""
    text = value if type(value) is str else str(value)
    if text.isalnum() and len(text) <= 40 and text.isascii():
        return text
    raise MalformedError(field, f"{text[:40]!r} is no id")


def nanoseconds(seconds: int | Decimal, field: str) -> int:
    """Unix seconds, whole or fractional, as ns."""
    if type(seconds) is int:
        return seconds * SECOND_NS
    if not 0 <= seconds <= 9_000_000_000:
        raise MalformedError(field, f"{seconds} is no time in seconds")
    return int(product(Decimal(seconds), Decimal(SECOND_NS), field))


def moment(source: Source, item: Any) -> int:
    """The time of an item: its milliseconds, else its seconds, else the frame's."""
    if (value := item.time_ms) is not UNSET:
        return int(value) * MILLISECOND_NS
    return source.time if (value := item.time) is UNSET else nanoseconds(value, "time")


def creation(source: Source, item: Any) -> int:
    """When a trade was made: as its milliseconds say, else its seconds, else the frame."""
    if (value := item.create_time_ms) is not UNSET:
        return int(value) * MILLISECOND_NS
    return source.time if (value := item.create_time) is UNSET else nanoseconds(value, "create_time")


def seed_position(source: Source, item: Any, twin: Any, raw: Mapping[str, Any] = NOTHING) -> tuple[Event, ...]:
    """The seed document's position, which has every figure."""
    event = _position_draft()
    event.time, event.received, event.origin, event.raw = moment(source, item), source.received, source.origin, raw
    event.contract = contract_id(source.adapter, item.contract)
    event.size = WHOLE[item.size]
    event.entry_price = PRICE[item.entry_price]
    event.realized_pnl = PRICE[item.realised_pnl]
    event.unrealized_pnl = exact(item.unrealised_pnl)
    event.mark_price = twin.mark_price + 0.0
    event.delta, event.gamma, event.vega, event.theta = twin.delta + 0.0, twin.gamma + 0.0, twin.vega + 0.0, twin.theta + 0.0
    event.__class__ = PositionUpdated
    return (event,)


def position(source: Source, item: Any, twin: Any, raw: Mapping[str, Any] = NOTHING) -> tuple[Event, ...]:
    event = _position_updated(
        time=moment(source, item),
        received=source.received,
        origin=source.origin,
        raw=raw,
        contract=contract_id(source.adapter, item.contract),
        size=whole(item.size, "size"),
        entry_price=figure(item.entry_price, "entry_price"),
        realized_pnl=figure(item.realised_pnl, "realised_pnl"),
        mark_price=market(twin.mark_price),
        unrealized_pnl=optional(item.unrealised_pnl, "unrealised_pnl"),
        delta=market(twin.delta),
        gamma=market(twin.gamma),
        vega=market(twin.vega),
        theta=market(twin.theta),
    )
    return (event,)


def trade(source: Source, item: Any, twin: Any, raw: Mapping[str, Any] = NOTHING) -> tuple[Event, ...]:
    """An execution of ours, from usertrades (`order`) or REST my_trades (`order_id`, no fee)."""
    text = item.text if isinstance(item.text, str) else ""
    is_maker = {"maker": True, "taker": False}.get(item.role)
    event = _filled(
        time=creation(source, item),
        received=source.received,
        origin=source.origin,
        raw=raw if is_maker is not None else MappingProxyType({**raw, "role": item.role}),
        contract=contract_id(source.adapter, item.contract),
        trade_id=identity(item.id, "id"),
        order_id=identity(item.order, "order"),
        client_id=text if text.startswith(CLIENT_PREFIX) else None,
        size=whole(item.size, "size"),
        price=figure(item.price, "price"),
        fee=optional(item.fee, "fee"),
        is_maker=is_maker,
        synthetic=False,
    )
    return (event,)


def balance(source: Source, item: Any, twin: Any, raw: Mapping[str, Any] = NOTHING) -> tuple[Event, ...]:
    """The seed document's account snapshot; it spells unrealized_pnl with z, the venue with s."""
    unrealized = item.unrealized_pnl if item.unrealized_pnl is not UNSET else item.unrealised_pnl
    if unrealized is UNSET:
        raise MalformedError("unrealized_pnl", "the field is missing")
    event = _balance_draft()
    event.time, event.received, event.origin, event.raw = moment(source, item), source.received, source.origin, raw
    event.adapter, event.currency = source.adapter, currency(item.currency)
    event.total, event.available = exact(item.total), exact(item.available)
    event.unrealized_pnl, event.option_value = exact(unrealized), exact(item.option_value)
    event.short_positions, event.long_positions = COUNT[item.short_positions], COUNT[item.long_positions]
    event.margin_ratio = twin.margin_ratio + 0.0
    event.initial_margin = event.maintenance_margin = event.order_margin = None
    event.__class__ = BalanceUpdated
    return (event,)


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


@lru_cache(maxsize=64)
def currency(text: str) -> str:
    if not text.isascii() or not text.isalnum() or len(text) > 16:
        raise MalformedError("currency", f"{text[:16]!r} is no currency")
    return text


def entry(source: Source, item: Any, twin: Any, raw: Mapping[str, Any] = NOTHING) -> tuple[Event, ...]:
    event = _ledger_posted(
        time=moment(source, item),
        received=source.received,
        origin=source.origin,
        raw=raw,
        adapter=source.adapter,
        currency=SETTLEMENT_CURRENCY,
        change=figure(item.change, "change"),
        balance=figure(item.balance, "balance"),
        kind=item.type,
        text=item.text,
    )
    return (event,)


def portfolio(source: Source, item: Any, twin: Any, raw: Mapping[str, Any] = NOTHING) -> tuple[Event, ...]:
    event = _risk_draft()
    event.time, event.received, event.origin, event.raw = moment(source, item), source.received, source.origin, raw
    event.adapter = source.adapter
    event.total_delta, event.total_gamma = twin.total_delta + 0.0, twin.total_gamma + 0.0
    event.total_vega, event.total_theta = twin.total_vega + 0.0, twin.total_theta + 0.0
    event.margin_occupied, event.margin_required = exact(item.margin_occupied), exact(item.margin_required)
    event.effective_leverage, event.portfolio_var = twin.effective_leverage + 0.0, twin.portfolio_var + 0.0
    event.__class__ = PortfolioRiskUpdated
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
