"""Everything that can happen, as frozen values: the one vocabulary between venues, engine and plugins.

Owns the event classes, the order states and `Origin`. Figures of the ledger (sizes, prices of orders and fills,
fees, balances) are Decimal; figures of the market and of models (quotes, marks, IV, greeks, ratios) are float.
`time` is the venue's time and information only; `received` is when we saw it, and is what the engine runs on.
Both are int ns UTC. Greeks are per unit of the underlying option: vega per volatility point (0.01), theta per
calendar day. Never put behavior here that needs anything but the event itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import attrs

from strikeloop.commands import Command, TimeInForce
from strikeloop.contracts import Contract, ContractId

_EMPTY: Mapping[str, Any] = MappingProxyType({})


class Origin(StrEnum):
    """Who says so: the venue's stream, a snapshot we asked for, our own computation, or the simulated venue."""

    VENUE = "venue"
    SNAPSHOT = "snapshot"
    COMPUTED = "computed"
    SIMULATED = "simulated"


class OrderState(StrEnum):
    """Where an order stands. `strikeloop.orders` owns the table of allowed transitions."""

    PENDING = "pending"
    SENT = "sent"
    OPEN = "open"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    LIQUIDATED = "liquidated"
    UNKNOWN = "unknown"
    ABSENT = "absent"

    __hash__ = str.__hash__
    """That of Enum is written in Python, and every look-up of a state would pay for it."""

    @property
    def is_terminal(self) -> bool:
        return self in _TERMINAL


_TERMINAL = frozenset(
    {
        OrderState.FILLED,
        OrderState.CANCELED,
        OrderState.EXPIRED,
        OrderState.REJECTED,
        OrderState.LIQUIDATED,
        OrderState.ABSENT,
    }
)


_FILLED, _NOTHING = OrderState.FILLED, Decimal(0)


class Severity(StrEnum):
    """How much an alert matters: to know, to look at, to act on."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class HaltState(StrEnum):
    """Where the kill switch stands; `strikeloop.killswitch` owns the way from one to the next."""

    ARMED = "armed"
    HALTED = "halted"
    CANCELING = "canceling"
    REDUCING = "reducing"
    FLAT = "flat"
    GAVE_UP = "gave-up"

    __hash__ = str.__hash__


@attrs.frozen(kw_only=True, weakref_slot=False)
class Event:
    """The root of all events."""

    time: int
    received: int


@attrs.frozen(kw_only=True, weakref_slot=False)
class AccountEvent(Event):
    """Something about the account. `raw` keeps wire fields we do not know; it takes no part in equality."""

    origin: Origin = Origin.VENUE
    raw: Mapping[str, Any] = attrs.field(default=_EMPTY, eq=False, repr=False)


# ---- account ---------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True, weakref_slot=False)
class PositionUpdated(AccountEvent):
    """The account's net position in one contract. Figures the venue did not give are None."""

    contract: ContractId
    size: Decimal
    entry_price: Decimal
    realized_pnl: Decimal
    mark_price: float | None = None
    unrealized_pnl: Decimal | None = None
    delta: float | None = None
    gamma: float | None = None
    vega: float | None = None
    theta: float | None = None


@attrs.frozen(kw_only=True, weakref_slot=False)
class OrderUpdated(AccountEvent):
    """What is now true of one order. `size` and `left` carry the sign of the side; `fill_price` is the average, 0 before a fill.

    `order_id` is the venue's, `client_id` ours; at least one is known. `left` None means that the venue did not say.
    """

    contract: ContractId
    state: OrderState
    size: Decimal
    order_id: str | None = None
    client_id: str | None = None
    left: Decimal | None = None
    price: Decimal | None = None
    fill_price: Decimal = Decimal(0)
    tif: TimeInForce = TimeInForce.GTC
    is_market: bool = False
    reduce_only: bool = False
    created: int | None = None
    finished: int | None = None
    finish_as: str = ""
    reason: str = ""

    @property
    def filled(self) -> Decimal:
        """Signed size filled so far: size − left, or all of it when the venue only says that it is filled."""
        if self.left is not None:
            return self.size - self.left
        return self.size if self.state is _FILLED else _NOTHING


@attrs.frozen(kw_only=True, weakref_slot=False)
class Filled(AccountEvent):
    """One execution. `size` is signed; `fee` > 0 is charged, None where the venue did not say.

    `synthetic` marks a fill that was derived from a closed order because the venue reports no executions.
    """

    contract: ContractId
    trade_id: str
    order_id: str
    size: Decimal
    price: Decimal
    client_id: str | None = None
    fee: Decimal | None = None
    is_maker: bool | None = None
    synthetic: bool = False


@attrs.frozen(kw_only=True, weakref_slot=False)
class BalanceUpdated(AccountEvent):
    """The state of the account in one currency. `margin_ratio` is the venue's own figure, kept as it is."""

    adapter: str
    currency: str
    total: Decimal
    available: Decimal
    unrealized_pnl: Decimal | None = None
    option_value: Decimal | None = None
    short_positions: int | None = None
    long_positions: int | None = None
    margin_ratio: float | None = None
    initial_margin: Decimal | None = None
    maintenance_margin: Decimal | None = None
    order_margin: Decimal | None = None


@attrs.frozen(kw_only=True, weakref_slot=False)
class LedgerPosted(AccountEvent):
    """One entry of the account's ledger: `balance` is the cash after `change`; `kind` the venue's word (prem, fee, set, dnw …)."""

    adapter: str
    currency: str
    change: Decimal
    balance: Decimal
    kind: str
    text: str = ""


@attrs.frozen(kw_only=True, weakref_slot=False)
class PortfolioRiskUpdated(AccountEvent):
    """Risk of the whole account. Totals are Σ size · multiplier · greek; `portfolio_var` is None where nobody computed it."""

    adapter: str
    total_delta: float
    total_gamma: float
    total_vega: float
    total_theta: float
    margin_occupied: Decimal
    margin_required: Decimal
    effective_leverage: float
    portfolio_var: float | None = None


@attrs.frozen(kw_only=True, weakref_slot=False)
class ContractSettled(AccountEvent):
    """A contract expired. `size` is our position at that moment (0 = none), `pnl` the cash it paid us before `fee`."""

    contract: ContractId
    settle_price: Decimal
    size: Decimal
    pnl: Decimal
    fee: Decimal = Decimal(0)
    realized_pnl: Decimal | None = None


@attrs.frozen(kw_only=True, weakref_slot=False)
class PositionClosed(AccountEvent):
    """A position went to zero: `side` long or short, `reason` the venue's word (settled, liquidated …)."""

    contract: ContractId
    side: str
    pnl: Decimal
    reason: str = ""


@attrs.frozen(kw_only=True, weakref_slot=False)
class Liquidated(AccountEvent):
    """The venue takes positions away because margin ran out."""

    adapter: str
    initial_margin: Decimal
    maintenance_margin: Decimal
    order_margin: Decimal


@attrs.frozen(kw_only=True, weakref_slot=False)
class ContractListed(Event):
    """A contract can be traded from now on."""

    contract: ContractId
    specification: Contract


@attrs.frozen(kw_only=True, weakref_slot=False)
class ContractExpired(Event):
    """A contract can no longer be traded."""

    contract: ContractId


# ---- market ----------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True, weakref_slot=False)
class Quoted(Event):
    """Best bid and ask; a side without orders is None with size 0."""

    contract: ContractId
    bid: float | None
    ask: float | None
    bid_size: float
    ask_size: float

    @property
    def mid(self) -> float | None:
        """Half the sum of bid and ask, None unless both stand."""
        return None if self.bid is None or self.ask is None else (self.bid + self.ask) / 2


@attrs.frozen(kw_only=True, weakref_slot=False)
class Traded(Event):
    """A trade of anybody's; `size` carries the sign of the taker's side."""

    contract: ContractId
    price: float
    size: float
    trade_id: str = ""


@attrs.frozen(kw_only=True, weakref_slot=False)
class BookUpdated(Event):
    """Depth as (price, absolute size) pairs, best first when `snapshot`; otherwise changes, size 0 deletes."""

    contract: ContractId
    bids: tuple[tuple[float, float], ...]
    asks: tuple[tuple[float, float], ...]
    first_id: int = 0
    last_id: int = 0
    snapshot: bool = False


@attrs.frozen(kw_only=True, weakref_slot=False)
class TickerUpdated(Event):
    """The venue's model of one contract. IVs are fractions; `underlying_price` is the forward of the contract's expiry."""

    contract: ContractId
    mark_price: float
    last_price: float | None = None
    index_price: float | None = None
    underlying_price: float | None = None
    mark_iv: float | None = None
    bid_iv: float | None = None
    ask_iv: float | None = None
    delta: float | None = None
    gamma: float | None = None
    vega: float | None = None
    theta: float | None = None
    rho: float | None = None
    leverage: float | None = None


@attrs.frozen(kw_only=True, weakref_slot=False)
class UnderlyingPriced(Event):
    """The index price of an underlying."""

    adapter: str
    underlying: str
    price: float


@attrs.frozen(kw_only=True, weakref_slot=False)
class CandleClosed(Event):
    """One bar; `start` is its first ns, `interval` its length in ns."""

    contract: ContractId
    start: int
    interval: int
    open: float
    high: float
    low: float
    close: float
    volume: float = 0.0


# ---- stream ----------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True, weakref_slot=False)
class StreamEvent(Event):
    """Something about a connection to a venue; `port` is account, feed, or driver for what the run itself misses of an account."""

    adapter: str
    port: str = "account"


@attrs.frozen(kw_only=True, weakref_slot=False)
class StreamOpened(StreamEvent):
    """A connection stands and its account state is confirmed. `connection` counts from 1."""

    connection: int


@attrs.frozen(kw_only=True, weakref_slot=False)
class ChannelSubscribed(StreamEvent):
    """The venue confirmed a channel: by an acknowledgement, its first update, or a snapshot."""

    channel: str
    by: str = "acknowledgement"


@attrs.frozen(kw_only=True, weakref_slot=False)
class ChannelRefused(StreamEvent):
    """The venue refused a channel. `is_auth` tells that the credentials were the reason."""

    channel: str
    code: str
    message: str
    is_auth: bool = False


@attrs.frozen(kw_only=True, weakref_slot=False)
class StreamLost(StreamEvent):
    """A connection ended; `retry_in_s` is when the next attempt starts, None when there will be none."""

    reason: str
    retry_in_s: float | None = None


@attrs.frozen(kw_only=True, weakref_slot=False)
class StreamStale(StreamEvent):
    """A channel's state was not confirmed for longer than it may stay unconfirmed."""

    channel: str
    age_s: float


@attrs.frozen(kw_only=True, weakref_slot=False)
class GapOpened(StreamEvent):
    """Messages were missed: what the stream says does not follow from what it said before."""

    channel: str
    reason: str


@attrs.frozen(kw_only=True, weakref_slot=False)
class GapClosed(StreamEvent):
    """The account was confirmed again after a gap on this channel."""

    channel: str


@attrs.frozen(kw_only=True, weakref_slot=False)
class Reconciled(StreamEvent):
    """The account state equals a snapshot; `adjustments` names every difference that was found, one sentence each."""

    adjustments: tuple[str, ...] = ()


@attrs.frozen(kw_only=True, weakref_slot=False)
class MmpTriggered(StreamEvent):
    """Market maker protection froze quoting in `underlying`: told once for each freeze.

    `frozen_until` is ns UTC; None where it holds until it is reset, or the stream does not say.
    """

    underlying: str
    frozen_until: int | None = None


# ---- run -------------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True, weakref_slot=False)
class RunStarted(Event):
    """Account and contracts are known: trading may begin."""


@attrs.frozen(kw_only=True, weakref_slot=False)
class RunStopping(Event):
    """The run is about to end: the last hook a plugin sees."""

    reason: str = ""


@attrs.frozen(kw_only=True, weakref_slot=False)
class TimerFired(Event):
    """A timer of `instance` is due. `due` is the time it was set for."""

    instance: str
    name: str
    due: int


@attrs.frozen(kw_only=True, weakref_slot=False)
class OrderRefused(Event):
    """A command of `instance` did not leave. `reasons` holds (rule, sentence) for every rule that objected."""

    instance: str
    contract: ContractId
    client_id: str
    command: Command
    reasons: tuple[tuple[str, str], ...]

    @property
    def reason(self) -> str:
        return "; ".join(f"{rule}: {text}" for rule, text in self.reasons)


@attrs.frozen(kw_only=True, weakref_slot=False)
class AlertRaised(Event):
    """Something a person should know. `source` is the plugin instance or part that raised it, `topic` a short key."""

    source: str
    topic: str
    text: str
    severity: Severity = Severity.WARNING


@attrs.frozen(kw_only=True, weakref_slot=False)
class PluginFaulted(Event):
    """A plugin raised in a hook. `halted` tells whether it sees no further events."""

    instance: str
    hook: str
    error: str
    halted: bool


@attrs.frozen(kw_only=True)
class HookTime:
    """How long one hook of one plugin took: in all its calls together, and in the longest, seconds."""

    instance: str
    hook: str
    calls: int
    total_s: float
    longest_s: float


@attrs.frozen(kw_only=True, weakref_slot=False)
class HooksTimed(Event):
    """Hooks that took a millisecond or more in the last ten seconds of a live run; `times` is empty when none does any more."""

    times: tuple[HookTime, ...]


@attrs.frozen(kw_only=True, weakref_slot=False)
class HaltRequested(Event):
    """Somebody outside the engine halts the run: `by` whom (a person, a signal), for which `cause` (command, signal, storage, restart).

    `cancel` asks for every working order to be withdrawn, `flatten` also for every position to be closed.
    """

    cause: str
    by: str
    reason: str
    cancel: bool = False
    flatten: bool = False


@attrs.frozen(kw_only=True, weakref_slot=False)
class HaltReset(Event):
    """Somebody lets a halted run trade again."""

    by: str
    reason: str = ""


@attrs.frozen(kw_only=True, weakref_slot=False)
class HaltUpdated(Event):
    """The kill switch is in another state, or was asked for more. `since` is when the run was halted, ns UTC (0 while it is armed).

    `cause`, `by` and `reason` are those of who halted it first (of the reset, while it is armed); `left` says of each order and
    position that is still there why, one sentence each.
    """

    state: HaltState
    cause: str
    by: str
    reason: str
    since: int = 0
    cancel: bool = False
    flatten: bool = False
    left: tuple[str, ...] = ()


AccountChange = (
    PositionUpdated
    | OrderUpdated
    | Filled
    | BalanceUpdated
    | LedgerPosted
    | PortfolioRiskUpdated
    | ContractSettled
    | PositionClosed
    | Liquidated
)
MarketChange = Quoted | Traded | BookUpdated | TickerUpdated | UnderlyingPriced | CandleClosed

ORDER_EVENTS = (OrderUpdated, Filled)
"""What is said of one order; a tuple, because `A | B` is made anew each time it is asked for."""
MARKET_EVENTS: tuple[type[Event], ...] = (Quoted, Traded, BookUpdated, TickerUpdated, UnderlyingPriced, CandleClosed)
