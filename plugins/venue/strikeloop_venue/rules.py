"""The venue's rules as the machine works by them: models in place of names, nanoseconds in place of seconds.

Owns `Rules` and nothing else; `VenueSettings` makes one.
"""

from __future__ import annotations

from decimal import Decimal

import attrs

from strikeloop.margin import MarginModel
from strikeloop_venue.latency import LatencyModel
from strikeloop_venue.matching import SelfTrade
from strikeloop_venue.queue import QueueModel


@attrs.frozen(kw_only=True)
class Rules:
    """Times in ns; see `VenueSettings` for the meaning of each."""

    balance: Decimal
    currency: str
    latency: LatencyModel
    feed_is_slow: bool
    queue: QueueModel
    margin: MarginModel
    consume_liquidity: bool
    whole_fills: bool
    self_trade: SelfTrade
    price_deviation: bool
    mark_price_up: Decimal | None
    mark_price_down: Decimal | None
    settlement_window: int
    settlement_sample: int
    mark_every: int | None
    reports_on_grid: bool
    var_refresh: int
    liquidation: bool
    blend_forward: bool
    insurance: Decimal
    liquidation_fee_rate: Decimal
    liquidation_batch: Decimal
