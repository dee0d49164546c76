"""What Gate's REST v4 answers about options, in the venue's own spelling.

Owns the wire structs of the answers; times are seconds, often fractional, and any number may be recorded as a numeric
string. See forms for the two kinds of figures. Nothing here knows events. Source: APIv4, section Options.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, ClassVar

import msgspec
from msgspec import UNSET, Struct, UnsetType

from strikeloop import VenueError
from strikeloop_gate.forms import Level
from strikeloop_gate.strictjson import Figure, MalformedError, count_keys, explain, extras, tree, twin_type


class Row(Struct, kw_only=True):
    """What the socket says beside, and REST leaves out."""

    time: ClassVar[UnsetType] = UNSET
    time_ms: ClassVar[UnsetType] = UNSET
    create_time_ms: ClassVar[UnsetType] = UNSET
    type: ClassVar[UnsetType] = UNSET


class RestOrder(Row, kw_only=True):
    id: str | int
    contract: str
    size: Decimal
    left: Decimal
    price: Decimal
    fill_price: Decimal
    status: str
    tif: str
    create_time: Decimal
    finish_time: Decimal | UnsetType | None = UNSET
    finish_as: str | UnsetType | None = UNSET
    text: str | UnsetType | None = UNSET
    iceberg: Figure | UnsetType = UNSET
    is_close: bool | UnsetType = UNSET
    is_liq: bool | UnsetType = UNSET
    is_mmp: bool | UnsetType = UNSET
    is_reduce_only: bool | UnsetType = UNSET
    mkfr: Figure | UnsetType = UNSET
    tkfr: Figure | UnsetType = UNSET
    refu: Figure | UnsetType = UNSET
    refr: Figure | UnsetType = UNSET
    user: str | int | UnsetType = UNSET
    underlying: str | UnsetType = UNSET


class RestPosition(Row, kw_only=True):
    contract: str
    size: Decimal
    entry_price: Decimal
    realised_pnl: Decimal
    mark_price: Figure
    unrealised_pnl: Decimal
    delta: Figure
    gamma: Figure
    vega: Figure
    theta: Figure
    user: str | int | UnsetType = UNSET
    underlying: str | UnsetType = UNSET
    underlying_price: Figure | UnsetType = UNSET
    mark_iv: Figure | UnsetType = UNSET
    pending_orders: Figure | UnsetType = UNSET


class RestTrade(Row, kw_only=True):
    id: str | int
    order_id: str | int
    contract: str
    size: Decimal
    price: Decimal
    role: str
    create_time: Decimal
    underlying_price: Figure | UnsetType = UNSET
    text: str | UnsetType | None = UNSET
    fee: Decimal | UnsetType = UNSET

    @property
    def order(self) -> str | int:
        """The name the socket has for order_id."""
        return self.order_id


class RestAccount(Struct, kw_only=True):
    user: str | int
    currency: str
    total: Decimal
    available: Decimal
    unrealised_pnl: Decimal
    init_margin: Decimal
    maint_margin: Decimal
    order_margin: Decimal
    position_value: Decimal | UnsetType = UNSET
    equity: Decimal | UnsetType = UNSET
    margin_mode: int | UnsetType = UNSET
    mmp_enabled: bool | UnsetType = UNSET
    liq_triggered: bool | UnsetType = UNSET
    short_enabled: bool | UnsetType = UNSET
    ask_order_margin: Figure | UnsetType = UNSET
    bid_order_margin: Figure | UnsetType = UNSET
    point: Figure | UnsetType = UNSET
    orders_limit: Figure | UnsetType = UNSET
    position_notional_limit: Figure | UnsetType = UNSET


class RestLedgerEntry(Struct, kw_only=True):
    time_ms: ClassVar[UnsetType] = UNSET
    time: Decimal
    change: Decimal
    balance: Decimal
    type: str
    text: str


class RestClosedPosition(Struct, kw_only=True):
    time_ms: ClassVar[UnsetType] = UNSET
    time: Decimal
    pnl: Decimal
    side: str
    contract: str
    text: str
    settle_size: Decimal | UnsetType = UNSET


class RestSettlement(Struct, kw_only=True):
    time_ms: ClassVar[UnsetType] = UNSET
    """Of ours: `settle_profit` and `fee` are the whole position's."""

    time: Decimal
    contract: str
    settle_price: Decimal
    size: Decimal
    settle_profit: Decimal
    fee: Decimal
    realised_pnl: Decimal
    underlying: str | UnsetType = UNSET
    strike_price: Figure | UnsetType = UNSET


class RestCountdown(Struct, kw_only=True):
    triggerTime: str | int  # noqa: N815  # the venue's spelling
    """Unix milliseconds, 0 when disarmed."""


class RestMmp(Struct, kw_only=True):
    underlying: str
    window: int
    frozen_period: int
    qty_limit: Decimal
    delta_limit: Decimal
    trigger_time_ms: int = 0
    frozen_until_ms: int = 0


class RiskUnit(Struct, kw_only=True):
    symbol: str
    spot_in_use: Figure
    maintain_margin: Decimal
    initial_margin: Decimal
    delta: Figure
    gamma: Figure
    theta: Figure
    vega: Figure


class RiskUnits(Struct, kw_only=True):
    user_id: str | int
    spot_hedge: bool
    risk_units: list[RiskUnit]


class UnifiedMode(Struct, kw_only=True):
    mode: str
    settings: dict[str, bool] | UnsetType = UNSET


class UnifiedAccount(Struct, kw_only=True):
    """Of a unified account the totals, in USD."""

    user_id: str | int
    total: Figure
    total_initial_margin: Figure | UnsetType = UNSET
    total_maintenance_margin: Figure | UnsetType = UNSET
    unified_account_total_equity: Figure | UnsetType = UNSET


class RiskUnitMargin(Struct, kw_only=True):
    symbol: str
    maintain_margin: Decimal
    initial_margin: Decimal
    delta: Figure | UnsetType = UNSET
    gamma: Figure | UnsetType = UNSET
    theta: Figure | UnsetType = UNSET
    vega: Figure | UnsetType = UNSET


class PortfolioCalculation(Struct, kw_only=True):
    """What the portfolio margin calculator makes of positions; its scenarios are kept as they are."""

    maintain_margin_total: Decimal
    initial_margin_total: Decimal
    calculate_time: str | int
    risk_unit: list[RiskUnitMargin]


class RestUnderlying(Struct, kw_only=True):
    name: str
    index_price: Figure
    index_time: Figure | UnsetType = UNSET


class RestUnderlyingTicker(Struct, kw_only=True):
    trade_put: Figure
    trade_call: Figure
    index_price: Figure


class RestCandle(Struct, kw_only=True):
    t: Decimal
    v: Figure
    c: Figure
    h: Figure
    l: Figure  # noqa: E741  # the venue's spelling
    o: Figure
    sum: Figure | UnsetType = UNSET


class RestPublicTrade(Struct, kw_only=True):
    id: str | int
    create_time: Decimal
    contract: str
    size: Figure
    price: Figure
    create_time_ms: Figure | UnsetType = UNSET
    is_internal: bool | UnsetType = UNSET


class RestContractSettlement(Struct, kw_only=True):
    time_ms: ClassVar[UnsetType] = UNSET
    """Of a contract: `profit` and `fee` are per contract."""

    time: Decimal
    contract: str
    profit: Figure
    fee: Figure
    strike_price: Figure
    settle_price: Decimal


class RestBook(Struct, kw_only=True):
    """GET /options/order_book with `with_id`."""

    id: int
    asks: list[Level]
    bids: list[Level]
    current: Decimal | UnsetType = UNSET
    update: Decimal | UnsetType = UNSET


class AccountDetail(Struct, kw_only=True):
    user_id: str | int


class ServerTime(Struct, kw_only=True):
    server_time: Decimal
    """Unix milliseconds."""


class Answer:
    """The form of an answer: reads bodies exactly, or raises MalformedError.

    >>> [(time, twin, beyond)] = Answer(ServerTime).rows(b'{"server_time":1609459200000,"zone":"UTC"}')
    >>> time.server_time, dict(beyond)
    (Decimal('1609459200000'), {'zone': 'UTC'})
    """

    def __init__(self, kind: Any) -> None:
        self._exact: msgspec.json.Decoder[Any] = msgspec.json.Decoder(kind)
        self._twin: msgspec.json.Decoder[Any] = msgspec.json.Decoder(twin_type(kind), strict=False)

    def rows(self, raw: bytes) -> Iterator[tuple[Any, Any, Mapping[str, Any]]]:
        """(exact item, its twin, unknown fields) of each item; of the one item where the answer is no list."""
        try:
            twins, items = self._twin.decode(raw), self._exact.decode(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
            raise explain(raw, exc) from None
        document = None if raw.count(b":") == count_keys(twins) else tree(raw)
        if not isinstance(items, list):
            items, twins, document = [items], [twins], None if document is None else [document]
        for index, item in enumerate(items):
            beyond = {} if document is None else extras(item, document[index])
            yield item, twins[index], MappingProxyType(beyond)


def listed(what: str, form: Answer, raw: bytes) -> list[tuple[Any, Any, Mapping[str, Any]]]:
    """The rows of an answer. Raises VenueError naming the request where it is of another form."""
    try:
        return list(form.rows(raw))
    except MalformedError as exc:
        raise VenueError(f"{what}: {exc}") from None
