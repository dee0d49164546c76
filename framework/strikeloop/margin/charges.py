"""What scenarios do not see: surcharges on a book of one underlying, each a term of its own.

Owns the terms that Gate names MR2, MR3 and MR4, and a floor by delta. Gate names them and publishes no formula in any
copy we know; each says what it takes from whom. A `Portfolio` takes any object with `amount`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Protocol

import attrs

from strikeloop.margin.legs import Leg


class Charge(Protocol):
    """A term of a scenario margin."""

    def amount(self, legs: Sequence[Leg]) -> float:
        """In quote currency, >= 0, for the legs of one underlying."""
        ...


@attrs.frozen
class BasisCharge:
    """Deltas of one expiry that offset those of another may part: rate · U · (Σ |delta of an expiry| − |Σ delta|).

    Gate's MR2. Inferred: what the scenarios net away across expiries pays `rate` of its notional; nothing with one expiry.
    """

    rate: float = 0.01

    def amount(self, legs: Sequence[Leg]) -> float:
        deltas = _by_expiry(legs, lambda leg: leg.units * leg.delta)
        forward = max((leg.forward for leg in legs), default=0.0)
        return self.rate * forward * (sum(map(abs, deltas)) - abs(sum(deltas)))


@attrs.frozen
class VolatilitySpreadCharge:
    """Vegas of neighbouring expiries that offset each other may part by `points` volatility points.

    Gate's MR3. Inferred: going through the expiries in time, what offsets between neighbours is charged once.
    """

    points: float = 2.0

    def amount(self, legs: Sequence[Leg]) -> float:
        near = offset = 0.0
        for far in _by_expiry(legs, lambda leg: leg.units * leg.vega):
            common = min(abs(near), abs(far)) if near * far < 0.0 else 0.0
            offset += common
            near = far - math.copysign(common, far)
        return self.points * offset


@attrs.frozen
class ShortOptionCharge:
    """Nobody is short many far options for nothing: rate · U · Σ over kinds and strikes of the net short units.

    Gate's MR4. Inferred from Deribit's option contingency, 0.01 BTC for each net short option of a strike.
    """

    rate: float = 0.01

    def amount(self, legs: Sequence[Leg]) -> float:
        net: dict[tuple[float, bool], float] = {}
        for leg in legs:
            key = (leg.strike, leg.is_call)
            net[key] = net.get(key, 0.0) + leg.units
        forward = max((leg.forward for leg in legs), default=0.0)
        return self.rate * forward * sum(max(0.0, -units) for units in net.values())


@attrs.frozen
class DeltaFloor:
    """The least that a book pays: net_rate · U · |Σ delta| + hedged_rate · U · (Σ |delta| − |Σ delta|).

    Source of the rates: Paradex, portfolio margin (2 % of net and 1 % of hedged delta). A floor is compared with the sum
    of the other terms, never added to it.
    """

    net_rate: float = 0.02
    hedged_rate: float = 0.01

    def amount(self, legs: Sequence[Leg]) -> float:
        deltas = [leg.units * leg.delta for leg in legs]
        net = abs(sum(deltas))
        forward = max((leg.forward for leg in legs), default=0.0)
        return forward * (self.net_rate * net + self.hedged_rate * (sum(map(abs, deltas)) - net))


def _by_expiry(legs: Sequence[Leg], figure: Callable[[Leg], float]) -> list[float]:
    """The sums of a figure over each expiry, earliest first."""
    sums: dict[int, float] = {}
    for leg in legs:
        sums[leg.expiry] = sums.get(leg.expiry, 0.0) + figure(leg)
    return [sums[expiry] for expiry in sorted(sums)]
