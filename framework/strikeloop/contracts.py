"""What a contract is: its identity and its specification.

Owns `ContractId` and `Contract`. A contract is identified by the adapter instance that serves it and the name
the venue gave it; the name is never parsed for meaning outside the adapter.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

import attrs

DAY_NS = 86_400_000_000_000
YEAR_NS = 365 * DAY_NS


class ContractId(NamedTuple):
    """(adapter instance, venue name): equal only when both are. `ContractId.of` shares one object for each pair.

    A NamedTuple because it is the key of every look-up on the hot path: hashing and comparing never enter Python.

    >>> str(ContractId.of("gate", "BTC_USDT-20260626-70000-C"))
    'BTC_USDT-20260626-70000-C'
    """

    adapter: str
    name: str

    @staticmethod
    @lru_cache(maxsize=65_536)
    def of(adapter: str, name: str) -> ContractId:
        """The one shared ContractId for this pair."""
        return ContractId(adapter, name)

    def __str__(self) -> str:
        return self.name


class OptionKind(StrEnum):
    """The right to buy, or to sell."""

    CALL = "call"
    PUT = "put"


@attrs.frozen(kw_only=True)
class Contract:
    """The specification of one option contract, as the venue lists it.

    Prices are in quote currency per one unit of the underlying; `multiplier` is units of underlying per contract;
    rates are fractions; times are ns UTC. `tick` is the step of order prices, `mark_tick` that of the mark.
    A limit of None means that the venue states none.
    """

    id: ContractId
    underlying: str
    kind: OptionKind
    strike: Decimal
    expiry: int
    multiplier: Decimal
    tick: Decimal
    mark_tick: Decimal
    created: int = 0
    tag: str = ""
    size_min: Decimal = Decimal(1)
    size_max: Decimal | None = None
    orders_limit: int | None = None
    position_limit: Decimal | None = None
    maker_fee_rate: Decimal = Decimal(0)
    taker_fee_rate: Decimal = Decimal(0)
    fee_cap: Decimal | None = None
    """Largest trading fee, as a fraction of the premium."""
    settle_fee_rate: Decimal = Decimal(0)
    settle_fee_cap: Decimal | None = None
    """Largest settlement fee, as a fraction of the intrinsic value."""
    init_margin_low: Decimal = Decimal("0.1")
    init_margin_high: Decimal = Decimal("0.15")
    maint_margin_base: Decimal = Decimal("0.075")
    price_deviation: Decimal | None = None
    """Order prices must lie within mark ± price_deviation · underlying price."""

    @property
    def is_call(self) -> bool:
        return self.kind is OptionKind.CALL

    def years(self, now: int) -> float:
        """Time to expiry in years of 365 days (ACT/365), never negative."""
        return max(0, self.expiry - now) / YEAR_NS

    def intrinsic(self, price: Decimal) -> Decimal:
        """What one unit of the option pays if the underlying settles at `price`."""
        return max(Decimal(0), price - self.strike if self.is_call else self.strike - price)
