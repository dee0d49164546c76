"""What a user may set about the simulated venue, with units and defaults.

Owns `VenueSettings`. It validates and opens; it holds no state of a venue.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import attrs

from strikeloop import (
    Contract,
)
from strikeloop.margin import MODELS as MARGINS
from strikeloop.margin import MarginModel
from strikeloop_venue.latency import LatencySettings
from strikeloop_venue.machine import SimulatedVenue
from strikeloop_venue.matching import SelfTrade
from strikeloop_venue.queue import MODELS as QUEUES
from strikeloop_venue.rules import Rules

if TYPE_CHECKING:
    from strikeloop.venue import Source
    from strikeloop_venue.served import ServedVenue


def _latency(value: LatencySettings | Mapping[str, Any]) -> LatencySettings:
    return value if isinstance(value, LatencySettings) else LatencySettings(**value)


def _decimal(value: Decimal | int | str) -> Decimal:
    return Decimal(str(value))


@attrs.frozen(kw_only=True)
class VenueSettings:
    """The simulated venue: account, latency and matching.

    `balance`: cash at the start, in `currency`. `queue`: a name of `strikeloop_venue.queue.MODELS`, `queue_exponent` the n of the power
    models, `queue_unit` how many contracts count as 1 in the logarithms. `consume_liquidity`: displayed size that we took is gone until
    the level changes or trades. `whole_fills`: a resting order that is reached fills whole, as hftbacktest's exchange without partial
    fills has it. `self_trade`: what two of our own orders that meet do: `allow` they trade, `cn`, `co`, `cb` cancels the newest, the
    oldest, both. `margin`: a name of `strikeloop.margin.MODELS`: `classic`, `portfolio`, `deribit_like`, `span_like` or `none`.
    `price_deviation`: whether the contract's band around the mark is kept; `mark_price_up`, `mark_price_down`: order prices must lie
    within these multiples of the mark (None: anywhere). `settlement_window_s`: seconds before the expiry over which the index is
    averaged, `settlement_sample_s` the step of the samples. `blend_forward`: while that average builds up, forwards and marks of the
    account blend it in; switch it off where the feed's marks do so already. `mark_every_s`: the grid of venue time, in seconds, on which
    marks that moved are told and equity, margin and liquidation are looked at (None: never). `account_reports`: whether balance and risk
    are told after each step that changes the account (`step`), or on that grid only (`grid`). `var_refresh_s`: least seconds between two
    computations of the value at risk while no position changes. `liquidation`: whether margin calls are carried out, `liquidation_batch`
    the share of a position that one order of it takes, `liquidation_fee_rate` what it costs beside the trading fee, as a fraction of the
    index, `insurance` the fund that fee goes to and that takes over what cannot be closed. `seed`: seed of everything random in the venue.

    >>> VenueSettings(balance="5000").balance
    Decimal('5000')
    """

    balance: Decimal = attrs.field(default=Decimal(100_000), converter=_decimal)
    currency: str = "USDT"
    latency: LatencySettings = attrs.field(factory=LatencySettings, converter=_latency)
    queue: str = "risk-averse"
    queue_exponent: float = 2.0
    queue_unit: float = 1.0
    consume_liquidity: bool = True
    whole_fills: bool = False
    self_trade: str = "allow"
    margin: str = "classic"
    price_deviation: bool = True
    mark_price_up: Decimal | None = attrs.field(default=None, converter=attrs.converters.optional(_decimal))
    mark_price_down: Decimal | None = attrs.field(default=None, converter=attrs.converters.optional(_decimal))
    settlement_window_s: int = 1800
    settlement_sample_s: int = 1
    blend_forward: bool = True
    mark_every_s: float | None = 1.0
    account_reports: str = "step"
    var_refresh_s: float = 60.0
    liquidation: bool = True
    liquidation_fee_rate: Decimal = attrs.field(default=Decimal(0), converter=_decimal)
    liquidation_batch: Decimal = attrs.field(default=Decimal("0.25"), converter=_decimal)
    insurance: Decimal = attrs.field(default=Decimal(1_000_000), converter=_decimal)
    seed: int = 1

    def __attrs_post_init__(self) -> None:
        if self.queue not in QUEUES:
            raise ValueError(f"queue is {self.queue!r}; expected one of {', '.join(QUEUES)}")
        if self.self_trade not in list(SelfTrade):
            raise ValueError(f"self_trade is {self.self_trade!r}; expected one of {', '.join(SelfTrade)}")
        if not (0 < self.queue_exponent < math.inf and 0 < self.queue_unit < math.inf):
            raise ValueError("queue_exponent and queue_unit must be greater than 0")
        if self.margin not in MARGINS:
            raise ValueError(f"margin is {self.margin!r}; expected one of {', '.join(MARGINS)}")
        if not 0 < self.liquidation_batch <= 1 or not 0 <= self.liquidation_fee_rate < 1:
            raise ValueError("liquidation_batch must be in (0, 1] and liquidation_fee_rate in [0, 1)")
        if not self.balance.is_finite() or self.balance < 0:
            raise ValueError(f"balance is {self.balance}; expected a finite amount that is not negative")
        if not self.insurance.is_finite():
            raise ValueError(f"insurance is {self.insurance}; expected a finite amount")
        up, down = self.mark_price_up, self.mark_price_down
        if not (up is None or (up.is_finite() and up >= 1)) or not (down is None or 0 <= down <= 1):
            raise ValueError(f"mark_price_up is {up} and mark_price_down {down}; expected multiples of the mark, 1 or more and from 0 to 1")
        if min(self.settlement_window_s, self.settlement_sample_s) < 1:
            raise ValueError("settlement_window_s and settlement_sample_s must be at least 1")
        if self.account_reports not in ("step", "grid"):
            raise ValueError(f"account_reports is {self.account_reports!r}; expected step or grid")
        if self.var_refresh_s <= 0 or (self.mark_every_s is not None and self.mark_every_s <= 0):
            raise ValueError("mark_every_s and var_refresh_s must be greater than 0")

    @property
    def margin_model(self) -> MarginModel:
        """What the venue and, in a run on it, `desk.what_if` compute margin with."""
        return MARGINS[self.margin]

    def open(self, adapter: str, contracts: Sequence[Contract]) -> SimulatedVenue:
        """A venue that trades `contracts` for the adapter instance `adapter`, with a fresh account."""
        rules = Rules(
            balance=self.balance,
            currency=self.currency,
            latency=self.latency.open(self.seed),
            feed_is_slow=self.latency.feed_ms > 0,
            queue=QUEUES[self.queue](self.queue_exponent, self.queue_unit),
            margin=self.margin_model,
            consume_liquidity=self.consume_liquidity,
            whole_fills=self.whole_fills,
            self_trade=SelfTrade(self.self_trade),
            price_deviation=self.price_deviation,
            mark_price_up=self.mark_price_up,
            mark_price_down=self.mark_price_down,
            settlement_window=self.settlement_window_s * 1_000_000_000,
            settlement_sample=self.settlement_sample_s * 1_000_000_000,
            mark_every=None if self.mark_every_s is None else round(self.mark_every_s * 1e9),
            reports_on_grid=self.account_reports == "grid",
            var_refresh=round(self.var_refresh_s * 1e9),
            liquidation=self.liquidation,
            blend_forward=self.blend_forward,
            insurance=self.insurance,
            liquidation_fee_rate=self.liquidation_fee_rate,
            liquidation_batch=self.liquidation_batch,
        )
        return SimulatedVenue(adapter, rules, contracts)

    def serve(
        self, source: Source, *, adapter: str = "venue", dialect: str = "gate", drop_after_s: Sequence[float] = (), **options: Any
    ) -> AbstractAsyncContextManager[ServedVenue]:
        """A server on loopback in front of a fresh venue that trades on `source`; `options` are those of `served.serve`.

        `drop_after_s`: wall seconds after which the venue drops its private connections on purpose.
        """
        from strikeloop_venue.served import Faults, serve  # noqa: PLC0415  # a server needs the live extra, a backtest does not

        venue = self.open(adapter, source.contracts())
        return serve(source, venue, dialect=dialect, faults=Faults(drop_after_s=tuple(drop_after_s)), **options)
