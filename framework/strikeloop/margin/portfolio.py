"""Scenario portfolio margin: the worst of a grid of shocks, plus charges for what the grid does not see.

Owns `Portfolio` and its presets. A risk unit is one underlying; units do not offset each other. An account under this
model has equity for balance: cash and the value of its options (`AccountMargin.credit`), so that a long pays its
premium once. Figures become Decimal rounded up to the cent, after what is below a millionth was dropped: there machines
and kernels differ, and a digest must not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_CEILING, Decimal

import attrs

from strikeloop.margin.account import AccountMargin, Holding, MarginModel, OpenOrder
from strikeloop.margin.charges import BasisCharge, Charge, DeltaFloor, ShortOptionCharge, VolatilitySpreadCharge
from strikeloop.margin.classic import Classic
from strikeloop.margin.free import FREE
from strikeloop.margin.legs import Leg
from strikeloop.margin.revaluation import Shocks, remembered

ZERO = Decimal(0)
_CENT, _DIGITS = Decimal("0.01"), 6


@attrs.frozen(kw_only=True)
class RiskUnit:
    """One underlying: `stress` is the worst weighted loss of the grid (Gate's MR1), `charges` the terms in the model's order.

    `profits` holds the weighted result of each scenario, `requirement` is max(stress + Σ charges, floor), before factors.
    """

    underlying: str
    profits: tuple[float, ...]
    stress: float
    charges: tuple[float, ...]
    requirement: float


@attrs.frozen(kw_only=True)
class Portfolio:
    """Margin by scenarios.

    `weights` are the shares of a scenario's loss that count. Maintenance margin is `maintenance_factor` · requirement,
    initial margin `initial_factor` · requirement. Orders: the unit is taken with all its orders of positive delta filled,
    and with all of negative delta; what the worse of the two needs above the positions alone, together with what filling
    loses at once against the mark and the fees, is the order margin (Gate: POST /unified/portfolio_calculator). Reduce-only
    orders need none.
    """

    shocks: Shocks
    weights: tuple[float, ...]
    charges: tuple[Charge, ...] = ()
    floor: Charge | None = None
    initial_factor: float = 1.3
    maintenance_factor: float = 1.0

    def __attrs_post_init__(self) -> None:
        counts = {len(self.shocks.prices), len(self.shocks.volatilities), len(self.weights)}
        if len(counts) != 1 or counts == {0}:
            raise ValueError(f"prices, volatilities and weights must name the same scenarios, at least one; they name {sorted(counts)}")

    def account(self, holdings: Sequence[Holding], orders: Sequence[OpenOrder] = ()) -> AccountMargin:
        """The sums over the risk units."""
        units: dict[str, tuple[list[Holding], list[OpenOrder]]] = {}
        for holding in holdings:
            units.setdefault(holding.contract.underlying, ([], []))[0].append(holding)
        for order in orders:
            if not order.reduce_only and order.size:
                units.setdefault(order.contract.underlying, ([], []))[1].append(order)
        initial = maintenance = waiting = 0.0
        for held, open_orders in units.values():
            alone, needed = self._unit(held, open_orders)
            initial += self.initial_factor * alone
            maintenance += self.maintenance_factor * alone
            waiting += needed
        credit = sum((holding.value for holding in holdings), ZERO)
        return AccountMargin(initial=_money(initial), maintenance=_money(maintenance), order=_money(waiting), credit=credit)

    def risk_units(self, holdings: Sequence[Holding]) -> tuple[RiskUnit, ...]:
        """What the margin of these positions is made of, one entry for each underlying."""
        books: dict[str, list[Leg]] = {}
        for holding in holdings:
            books.setdefault(holding.contract.underlying, []).append(holding.leg)
        return tuple(self._explain(underlying, legs, self._profits(legs)(legs)) for underlying, legs in books.items())

    def _unit(self, held: Sequence[Holding], orders: Sequence[OpenOrder]) -> tuple[float, float]:
        """The requirement of the positions, and what the orders need above it after the factor."""
        position, waiting = [holding.leg for holding in held], [order.leg for order in orders]
        profits_of = self._profits([*position, *waiting])
        alone = self._requirement(position, profits_of(position))
        needed = 0.0
        for sign in (1.0, -1.0):
            chosen = [at for at, leg in enumerate(waiting) if leg.delta * leg.units * sign > 0.0 or (leg.delta == 0.0 and sign > 0.0)]
            if not chosen:
                continue
            filled = [*position, *(waiting[at] for at in chosen)]
            cost = sum(_cost(orders[at], waiting[at]) for at in chosen)
            needed = max(needed, self.initial_factor * (self._requirement(filled, profits_of(filled)) - alone) + cost)
        return alone, needed

    def _profits(self, legs: Sequence[Leg]) -> Callable[[Sequence[Leg]], list[float]]:
        """Revalue these legs once; the result tells the profits of a book made of some of them."""
        revaluation, places = remembered(legs, self.shocks), {id(leg): at for at, leg in enumerate(legs)}

        def profits(book: Sequence[Leg]) -> list[float]:
            units = [0.0] * len(legs)
            for leg in book:
                units[places[id(leg)]] += leg.units
            return revaluation.profits(units)

        return profits

    def _requirement(self, legs: Sequence[Leg], profits: Sequence[float]) -> float:
        return self._explain("", legs, profits).requirement

    def _explain(self, underlying: str, legs: Sequence[Leg], profits: Sequence[float]) -> RiskUnit:
        weighted = tuple(profit * weight for profit, weight in zip(profits, self.weights, strict=True))
        stress = max(0.0, -min(weighted))
        charges = tuple(charge.amount(legs) for charge in self.charges)
        least = 0.0 if self.floor is None else self.floor.amount(legs)
        return RiskUnit(
            underlying=underlying, profits=weighted, stress=stress, charges=charges, requirement=max(stress + sum(charges), least)
        )


def _cost(order: OpenOrder, leg: Leg) -> float:
    """What filling the order loses at once against the mark, and its fee."""
    return max(0.0, (float(order.price) - leg.mark) * leg.units) + float(order.fee)


def _money(amount: float) -> Decimal:
    return Decimal(repr(round(amount, _DIGITS))).quantize(_CENT, rounding=ROUND_CEILING)


def _grid(
    moves: Sequence[float],
    volatilities: Sequence[float],
    tails: Sequence[tuple[float, float, float]] = (),
    *,
    short_power: float = 0.0,
    long_power: float = 0.0,
) -> tuple[Shocks, tuple[float, ...]]:
    """Every move of price with every shock of volatility, then the tails as (move, shock, weight): shocks and weights."""
    rows = [(move, shock, 1.0) for shock in volatilities for move in moves]
    rows += tails
    moved, shocked, weights = zip(*rows, strict=True)
    prices = tuple(1.0 + move for move in moved)
    return Shocks(prices=prices, volatilities=shocked, short_power=short_power, long_power=long_power), weights


_GATE_SHOCKS, _GATE_WEIGHTS = _grid([step / 100 for step in range(-20, 21, 4)], [-0.3, 0.0, 0.3])
GATE = Portfolio(
    shocks=_GATE_SHOCKS,
    weights=_GATE_WEIGHTS,
    charges=(BasisCharge(), VolatilitySpreadCharge(), ShortOptionCharge()),
)
"""Gate's 33 scenarios: price 0, ±4 … ±20 %, volatility −30, 0, +30 % of itself. The grid is public, charges and factor are inferred."""

_TAILS = [(move, 0.4, 0.16 / abs(move)) for move in (-0.66, 1.0, 2.0, 3.0, 4.0, 5.0)]
_DERIBIT_SHOCKS, _DERIBIT_WEIGHTS = _grid(
    [step / 100 for step in range(-16, 17, 4)], [0.4, -0.22], _TAILS, short_power=0.3, long_power=0.13
)
DERIBIT_LIKE = Portfolio(
    shocks=_DERIBIT_SHOCKS,
    weights=_DERIBIT_WEIGHTS,
    charges=(ShortOptionCharge(),),
    floor=DeltaFloor(),
    initial_factor=1.0,
    maintenance_factor=0.5,
)
"""24 scenarios after Paradex, whose page publishes what Deribit's S:PM does: ±16 % in nine steps with volatility +40 and
−22 % · (30/days)^p, p = 0.30 below 30 days, else 0.13; six tails weighted down to a move of 16 %. Which six is inferred."""

_SPAN_SHOCKS, _SPAN_WEIGHTS = _grid([step * 0.05 for step in range(-3, 4)], [0.25, -0.25], [(-0.3, 0.0, 0.35), (0.3, 0.0, 0.35)])
SPAN_LIKE = Portfolio(
    shocks=_SPAN_SHOCKS,
    weights=_SPAN_WEIGHTS,
    charges=(ShortOptionCharge(rate=0.005),),
    initial_factor=1.1,
)
"""The 16 scenarios of CME's SPAN: 0, ±1/3, ±2/3, ±1 of the scan range (15 %) with volatility ±25 %, and ±2 ranges for 35 % of
the loss. Ranges, factor and the minimum for shorts are ours: a clearing house sets them per product."""

MODELS: Mapping[str, MarginModel] = {
    "classic": Classic(),
    "portfolio": GATE,
    "deribit_like": DERIBIT_LIKE,
    "span_like": SPAN_LIKE,
    "none": FREE,
}
"""The models by the name under which settings choose them."""
