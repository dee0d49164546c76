"""What Gate's options sockets send, item by item, in the venue's own spelling.

Owns the wire structs of the WebSocket updates. `Decimal` is a ledger figure, `Figure` a market figure (see strictjson);
either may stand on the wire as a JSON number or as a numeric string. Optional fields are those that the documents or the
recorded bodies leave out. Nothing here knows events. Sources: the options WebSocket page, and the options user data
stream document whose forms are named Seed….
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from strikeloop_gate.strictjson import Figure

Seconds = Annotated[int, Meta(ge=0, le=9_000_000_000)]
Milliseconds = Annotated[int, Meta(ge=0, le=9_000_000_000_000)]
Whole = Annotated[Decimal, Meta(extra={"whole": True})]
"""A number of contracts, of positions: a ledger figure without a fraction."""
Ordinal = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Blank = str | float
"""A number, or the empty string where the venue has none."""


class SeedPosition(Struct, kw_only=True):
    contract: str
    size: Whole
    entry_price: Decimal
    mark_price: Figure
    realised_pnl: Decimal
    unrealised_pnl: Decimal
    delta: Figure
    gamma: Figure
    vega: Figure
    theta: Figure
    time: Seconds | UnsetType = UNSET
    time_ms: Milliseconds | UnsetType = UNSET


class GatePosition(Struct, kw_only=True):
    contract: str
    size: Decimal
    entry_price: Decimal
    realised_pnl: Decimal
    mark_price: Figure | UnsetType = UNSET
    unrealised_pnl: Decimal | UnsetType = UNSET
    delta: Figure | UnsetType = UNSET
    gamma: Figure | UnsetType = UNSET
    vega: Figure | UnsetType = UNSET
    theta: Figure | UnsetType = UNSET
    user: str | int | UnsetType = UNSET
    underlying: str | UnsetType = UNSET
    time: Seconds | UnsetType = UNSET
    time_ms: Milliseconds | UnsetType = UNSET


class SeedOrder(Struct, kw_only=True):
    id: str | int
    contract: str
    size: Whole
    price: Decimal
    fill_price: Decimal
    status: str
    type: str
    tif: str
    create_time: Seconds
    finish_time: Seconds | UnsetType | None = UNSET
    left: Decimal | UnsetType = UNSET
    finish_as: str | UnsetType | None = UNSET
    text: str | UnsetType = UNSET
    is_reduce_only: bool | UnsetType = UNSET
    time: Seconds | UnsetType = UNSET
    time_ms: Milliseconds | UnsetType = UNSET


class GateOrder(Struct, kw_only=True):
    id: str | int
    contract: str
    size: Decimal
    price: Decimal
    fill_price: Decimal
    status: str
    tif: str
    left: Decimal | UnsetType = UNSET
    finish_as: str | UnsetType | None = UNSET
    text: str | UnsetType | None = UNSET
    type: str | UnsetType = UNSET
    create_time: Seconds | UnsetType = UNSET
    finish_time: Seconds | UnsetType | None = UNSET
    iceberg: Figure | UnsetType = UNSET
    is_close: bool | UnsetType = UNSET
    is_liq: bool | UnsetType = UNSET
    is_mmp: bool | UnsetType = UNSET
    is_reduce_only: bool | UnsetType = UNSET
    mkfr: Figure | UnsetType = UNSET
    tkfr: Figure | UnsetType = UNSET
    refu: Figure | UnsetType = UNSET
    refr: Figure | UnsetType = UNSET
    underlying: str | UnsetType = UNSET
    user: str | int | UnsetType = UNSET
    time: Seconds | UnsetType = UNSET
    time_ms: Milliseconds | UnsetType = UNSET


class SeedBalance(Struct, kw_only=True):
    total: Decimal
    option_value: Decimal
    short_positions: Whole
    long_positions: Whole
    available: Decimal
    currency: str
    margin_ratio: Figure
    unrealized_pnl: Decimal | UnsetType = UNSET
    unrealised_pnl: Decimal | UnsetType = UNSET
    time: Seconds | UnsetType = UNSET
    time_ms: Milliseconds | UnsetType = UNSET


class LedgerEntry(Struct, kw_only=True):
    balance: Decimal
    change: Decimal
    type: str
    text: str
    user: str | int | UnsetType = UNSET
    time: Seconds | UnsetType = UNSET
    time_ms: Milliseconds | UnsetType = UNSET


class Portfolio(Struct, kw_only=True):
    total_delta: Figure
    total_gamma: Figure
    total_vega: Figure
    total_theta: Figure
    margin_occupied: Decimal
    margin_required: Decimal
    effective_leverage: Figure
    portfolio_var: Figure
    time: Seconds | UnsetType = UNSET
    time_ms: Milliseconds | UnsetType = UNSET


class UserTrade(Struct, kw_only=True):
    id: str | int
    order: str | int
    contract: str
    size: Decimal
    price: Decimal
    role: str
    underlying: str | UnsetType = UNSET
    create_time: Seconds | UnsetType = UNSET
    create_time_ms: Milliseconds | UnsetType = UNSET
    fee: Decimal | UnsetType = UNSET
    text: str | UnsetType | None = UNSET
    user: str | int | UnsetType = UNSET


class Liquidation(Struct, kw_only=True):
    init_margin: Decimal
    maint_margin: Decimal
    order_margin: Decimal
    user: str | int | UnsetType = UNSET
    time: Seconds | UnsetType = UNSET
    time_ms: Milliseconds | UnsetType = UNSET


class UserSettlement(Struct, kw_only=True):
    contract: str
    size: Decimal
    settle_price: Decimal
    settle_profit: Decimal
    realised_pnl: Decimal
    fee: Decimal | UnsetType = UNSET
    strike_price: Figure | UnsetType = UNSET
    underlying: str | UnsetType = UNSET
    user: str | int | UnsetType = UNSET
    time: Seconds | UnsetType = UNSET
    time_ms: Milliseconds | UnsetType = UNSET


class ClosedPosition(Struct, kw_only=True):
    contract: str
    side: str
    pnl: Decimal
    text: str
    settle_size: Decimal | UnsetType = UNSET
    underlying: str | UnsetType = UNSET
    user: str | int | UnsetType = UNSET
    time: Seconds | UnsetType = UNSET
    time_ms: Milliseconds | UnsetType = UNSET


class UnifiedAsset(Struct, kw_only=True):
    """One currency of a unified account; margins stand with the settlement currency only."""

    b: Decimal
    a: Decimal
    e: Figure | UnsetType = UNSET
    f: Figure | UnsetType = UNSET
    tl: Figure | UnsetType = UNSET
    im: Decimal | UnsetType = UNSET
    mm: Decimal | UnsetType = UNSET
    cb: Figure | UnsetType = UNSET
    mb: Figure | UnsetType = UNSET
    am: Figure | UnsetType = UNSET
    iam: Figure | UnsetType = UNSET
    imr: Figure | UnsetType = UNSET
    mmr: Figure | UnsetType = UNSET


class UnifiedDetail(Struct, kw_only=True):
    u: str | int
    t: Seconds
    dts: dict[str, UnifiedAsset]


class UnifiedTotal(Struct, kw_only=True):
    """A unified account as a whole, in USD; `R` is the maintenance rate in percent."""

    u: str | int
    t: Seconds
    b: Decimal
    a: Decimal
    R: Figure
    r: Figure | UnsetType = UNSET
    e: Figure | UnsetType = UNSET
    l: Figure | UnsetType = UNSET  # noqa: E741  # the venue's spelling
    T: Figure | UnsetType = UNSET


class Ticker(Struct, kw_only=True):
    name: str
    mark_price: Figure
    delta: Figure
    gamma: Figure
    vega: Figure
    theta: Figure
    bid1_price: Blank
    bid1_size: Figure
    ask1_price: Blank
    ask1_size: Figure
    last_price: Blank | UnsetType = UNSET
    last: Blank | UnsetType = UNSET
    index_price: Blank | UnsetType = UNSET
    underlying_price: Blank | UnsetType = UNSET
    mark_iv: Blank | UnsetType = UNSET
    bid_iv: Blank | UnsetType = UNSET
    ask_iv: Blank | UnsetType = UNSET
    rho: Blank | UnsetType = UNSET
    leverage: Blank | UnsetType = UNSET
    position_size: Figure | UnsetType = UNSET
    expiration_time: Figure | UnsetType = UNSET
    volume_24h: Figure | UnsetType = UNSET
    volume_24h_usd: Figure | UnsetType = UNSET


class BookTicker(Struct, kw_only=True):
    t: Milliseconds
    u: Ordinal
    s: str
    b: Blank
    B: Figure
    a: Blank
    A: Figure


class Level(Struct, kw_only=True):
    p: Figure
    s: Figure


class BookChange(Struct, kw_only=True):
    t: Milliseconds
    s: str
    U: Ordinal
    u: Ordinal
    b: list[Level]
    a: list[Level]


class BookSnapshot(Struct, kw_only=True):
    t: Milliseconds
    contract: str
    id: Ordinal
    asks: list[Level]
    bids: list[Level]


class BookRow(Struct, kw_only=True):
    p: Figure
    s: Figure
    c: str
    id: Ordinal


class Trade(Struct, kw_only=True):
    id: int | str
    contract: str
    size: Figure
    price: Figure
    create_time: Seconds
    create_time_ms: Milliseconds | UnsetType = UNSET
    underlying: str | UnsetType = UNSET
    is_call: bool | UnsetType = UNSET


class UnderlyingPrice(Struct, kw_only=True):
    underlying: str
    price: Figure
    time: Seconds | UnsetType = UNSET
    time_ms: Milliseconds | UnsetType = UNSET


class UnderlyingTicker(Struct, kw_only=True):
    name: str
    index_price: Figure
    trade_put: Figure | UnsetType = UNSET
    trade_call: Figure | UnsetType = UNSET


class MarkPrice(Struct, kw_only=True):
    contract: str
    price: Figure
    time: Seconds | UnsetType = UNSET
    time_ms: Milliseconds | UnsetType = UNSET


class Candle(Struct, kw_only=True):
    t: Seconds
    o: Figure
    h: Figure
    l: Figure  # noqa: E741  # the venue's spelling
    c: Figure
    v: Figure
    n: str
    a: Figure | UnsetType = UNSET


class PublicSettlement(Struct, kw_only=True):
    contract: str
    settle_price: Figure
    orderbook_id: Figure | UnsetType = UNSET
    position_size: Figure | UnsetType = UNSET
    profit: Figure | UnsetType = UNSET
    strike_price: Figure | UnsetType = UNSET
    tag: str | UnsetType = UNSET
    trade_id: Figure | UnsetType = UNSET
    trade_size: Figure | UnsetType = UNSET
    underlying: str | UnsetType = UNSET
    time: Seconds | UnsetType = UNSET
    time_ms: Milliseconds | UnsetType = UNSET


class ListedContract(Struct, kw_only=True):
    """A contract as the socket and REST describe it: the socket says `contract`, REST says `name`."""

    underlying: str
    is_call: bool
    strike_price: Decimal
    expiration_time: Decimal
    multiplier: Decimal
    order_price_round: Decimal
    mark_price_round: Decimal
    order_size_min: Decimal
    order_size_max: Decimal
    maker_fee_rate: Decimal
    taker_fee_rate: Decimal
    contract: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    tag: str | UnsetType = UNSET
    create_time: Decimal | UnsetType = UNSET
    orders_limit: Decimal | UnsetType = UNSET
    position_limit: Decimal | UnsetType = UNSET
    price_limit_fee_rate: Decimal | UnsetType = UNSET
    settle_fee_rate: Decimal | UnsetType = UNSET
    settle_limit_fee_rate: Decimal | UnsetType = UNSET
    init_margin_low: Decimal | UnsetType = UNSET
    init_margin_high: Decimal | UnsetType = UNSET
    maint_margin_base: Decimal | UnsetType = UNSET
    order_price_deviate: Decimal | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    min_balance_short: Figure | UnsetType = UNSET
    min_order_margin: Figure | UnsetType = UNSET
    ref_discount_rate: Figure | UnsetType = UNSET
    ref_rebate_rate: Figure | UnsetType = UNSET
    underlying_price: Blank | UnsetType = UNSET
    last_price: Blank | UnsetType = UNSET
    mark_price: Blank | UnsetType = UNSET
    mark_price_up: Blank | UnsetType = UNSET
    mark_price_down: Blank | UnsetType = UNSET
    bid1_price: Blank | UnsetType = UNSET
    bid1_size: Figure | UnsetType = UNSET
    ask1_price: Blank | UnsetType = UNSET
    ask1_size: Figure | UnsetType = UNSET
    orderbook_id: Figure | UnsetType = UNSET
    position_size: Figure | UnsetType = UNSET
    trade_id: Figure | UnsetType = UNSET
    trade_size: Figure | UnsetType = UNSET
    time: Seconds | UnsetType = UNSET
    time_ms: Milliseconds | UnsetType = UNSET
