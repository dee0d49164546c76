"""What the generated market lists: strikes around the forward, and contracts with Gate's figures of 2026.

Owns names, strike grids and specifications. It neither prices nor knows which contracts already stand.
"""

from __future__ import annotations

import math
from decimal import Decimal
from itertools import product

import attrs

from strikeloop import Contract, ContractId, OptionKind
from strikeloop_venue.market.expiries import datetime_of, tag

_FEE_RATE = Decimal("0.0003")
_FEE_CAP = Decimal("0.125")
_DEVIATIONS = 2.0
_SHORTEST = 1.0 / 365.0
_ROUND_STEPS = (1, 2, 5, 10)
_KINDS = (OptionKind.CALL, OptionKind.PUT)


@attrs.frozen(kw_only=True)
class Listing:
    """How contracts of one underlying are specified; `strikes` is their number for each expiry."""

    adapter: str
    underlying: str
    strikes: int
    multiplier: Decimal
    tick: Decimal
    mark_tick: Decimal

    def contracts(self, expiry: int, now: int, forward: float, volatility: float) -> tuple[Contract, ...]:
        """Calls and puts of one expiry on the grid around `forward`, by strike, the call first."""
        grid = strike_grid(forward, volatility, max(expiry - now, 0) / (365 * 86_400e9), self.strikes)
        return tuple(self.contract(expiry, strike, kind, now) for strike, kind in product(grid, _KINDS))

    def contract(self, expiry: int, strike: Decimal, kind: OptionKind, now: int) -> Contract:
        """One contract, created at `now`. Figures: Gate's BTC options of May 2026."""
        name = f"{self.underlying}-{datetime_of(expiry):%Y%m%d}-{strike}-{'C' if kind is OptionKind.CALL else 'P'}"
        return Contract(
            id=ContractId.of(self.adapter, name),
            underlying=self.underlying,
            kind=kind,
            strike=strike,
            expiry=expiry,
            multiplier=self.multiplier,
            tick=self.tick,
            mark_tick=self.mark_tick,
            created=now,
            tag=tag(expiry),
            size_min=Decimal(1),
            size_max=Decimal(10_000),
            orders_limit=10,
            position_limit=Decimal(40_000),
            maker_fee_rate=_FEE_RATE,
            taker_fee_rate=_FEE_RATE,
            fee_cap=_FEE_CAP,
            settle_fee_rate=Decimal(0),
            settle_fee_cap=_FEE_CAP,
            price_deviation=Decimal("0.2"),
        )


def strike_grid(forward: float, volatility: float, years: float, count: int) -> tuple[Decimal, ...]:
    """`count` round strikes around `forward`, ascending, about two standard deviations to each side (of a day at least).

    >>> [str(strike) for strike in strike_grid(70_000.0, 0.55, 7 / 365, 5)]
    ['60000', '65000', '70000', '75000', '80000']
    """
    half = count // 2
    reach = _DEVIATIONS * volatility * math.sqrt(max(years, _SHORTEST)) * forward
    step = _round_step(min(reach / max(1, half), forward / (half + 1)))
    first = round(forward / float(step)) - half
    return tuple(_plain(step * number) for number in range(max(1, first), first + count))


def _round_step(raw: float) -> Decimal:
    """The nearest of 1, 2 and 5 times a power of ten, by ratio."""
    power = math.floor(math.log10(raw))
    nearest = min(_ROUND_STEPS, key=lambda digit: abs(math.log(digit * 10.0**power / raw)))
    return Decimal(nearest).scaleb(power)


def _plain(value: Decimal) -> Decimal:
    """The same number without exponent or idle zeros, as it stands in a contract's name."""
    text = format(value, "f")
    return Decimal(text.rstrip("0").rstrip(".") if "." in text else text)
