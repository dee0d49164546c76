"""The account as the monitors look at it: what is held with its prices, and what moves of the underlying would do to it.

Owns `held`, `own_greeks` and `Projection`, which also finds the move that liquidates. It decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

import attrs

from strikeloop import ContractId, Desk
from strikeloop.margin import Holding, Leg, MarginModel, Shocks, revalue
from strikeloop.pricing import Greeks, greeks

ZERO = Decimal(0)
FURTHEST = 0.9
"""How far up and down a liquidation is looked for, as a fraction of the underlying."""
_STEPS = (0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.75, FURTHEST)
_PARTS, _REFINEMENTS = 8, 2


class Held(NamedTuple):
    """Positions that can be priced, and the contracts of those that cannot."""

    holdings: tuple[Holding, ...]
    unpriced: tuple[ContractId, ...]


@attrs.frozen(kw_only=True)
class Move:
    """The account after the underlyings moved by `move` (a fraction), at once and with volatility as it is.

    `profit` of the positions and margin in quote currency; `is_liquidated` where the balance no longer covers `required`.
    """

    move: float
    profit: Decimal
    required: Decimal
    occupied: Decimal
    balance: Decimal

    @property
    def is_liquidated(self) -> bool:
        return self.required > 0 and self.balance <= self.required

    def __str__(self) -> str:
        end = ", liquidated" if self.is_liquidated else ""
        return f"{self.move:+.0%}: {self.profit:+.0f}, required {self.required:.0f} of {self.balance:.0f}{end}"


def held(desk: Desk, adapter: str, *, as_told: bool = False) -> Held:
    """What the account of `adapter` holds, at the last marks; `as_told` with the time that was left when each mark was told."""
    found: list[Holding] = []
    unpriced: list[ContractId] = []
    for position in desk.positions:
        if position.contract.adapter != adapter:
            continue
        known = _holding(desk, position.contract, position.size, as_told=as_told)
        if known is None:
            unpriced.append(position.contract)
        else:
            found.append(known)
    return Held(tuple(found), tuple(unpriced))


def own_greeks(holding: Holding) -> Greeks:
    """The greeks of the whole position by Black-76, from the mark's IV, or the one implied by the mark; nobody's word is taken."""
    leg = Leg.of(holding)
    return _whole(leg, leg.strike)


def at_the_money(holding: Holding) -> Greeks:
    """What they would be at the strike: by how much a figure may matter."""
    leg = Leg.of(holding)
    return _whole(leg, leg.forward)


def _whole(leg: Leg, strike: float) -> Greeks:
    one = greeks(leg.forward, strike, leg.years, leg.iv, is_call=leg.is_call)
    return Greeks(delta=one.delta * leg.units, gamma=one.gamma * leg.units, vega=one.vega * leg.units, theta=one.theta * leg.units)


class Projection:
    """What moves of all underlyings together would do to an account, at once and with volatility as it is.

    By full revaluation and the margin model; `cash` is the balance, in quote currency.
    """

    def __init__(self, holdings: Sequence[Holding], model: MarginModel, cash: Decimal) -> None:
        self._holdings, self._model, self._cash = holdings, model, cash
        self._legs = [Leg.of(holding) for holding in holdings]

    def after(self, moves: Sequence[float]) -> Iterator[Move]:
        """The account after each of these moves, fractions of the underlying, in order; margin is computed as they are asked for."""
        values = revalue(self._legs, Shocks.grid(moves, [0.0])) if self._legs else None
        changes = [] if values is None else [values.of_unit(place) for place in range(len(self._legs))]
        for at, move in enumerate(moves):
            yield self._moved(move, [change[at] for change in changes])

    def liquidating(self) -> tuple[float | None, float | None]:
        """The nearest moves down and up that liquidate; None where none within 90 % does, 0 where it is due already.

        Looked for in steps that grow with the distance, then in parts of the step: exact to a hundredth of it.
        """
        return self._nearest(-1.0), self._nearest(1.0)

    def _nearest(self, sign: float) -> float | None:
        safe, gone = 0.0, self._first([0.0, *(sign * step for step in _STEPS)])
        if not gone:
            return gone
        safe = sign * max((step for step in (0.0, *_STEPS) if step < abs(gone)), default=0.0)
        for _ in range(_REFINEMENTS):
            parts = [safe + (gone - safe) * part / _PARTS for part in range(1, _PARTS + 1)]
            found = self._first(parts)
            safe, gone = (gone if found is None else found) - (gone - safe) / _PARTS, gone if found is None else found
        return gone

    def _first(self, moves: Sequence[float]) -> float | None:
        return next((after.move for after in self.after(moves) if after.is_liquidated), None)

    def _moved(self, move: float, changes: Sequence[float]) -> Move:
        factor, profit, moved = Decimal(repr(1.0 + move)), ZERO, []
        for one, leg, change in zip(self._holdings, self._legs, changes, strict=True):
            mark = max(ZERO, one.mark + Decimal(repr(change)))
            profit += (mark - one.mark) * one.size * one.contract.multiplier
            moved.append(
                Holding(
                    contract=one.contract,
                    size=one.size,
                    mark=mark,
                    underlying_price=one.underlying_price * factor,
                    years=one.years,
                    iv=leg.iv,
                )
            )
        margin = self._model.account(moved)
        return Move(move=move, profit=profit, required=margin.maintenance, occupied=margin.initial, balance=margin.balance(self._cash))


def _holding(desk: Desk, contract: ContractId, size: Decimal, *, as_told: bool) -> Holding | None:
    known, underlying = desk.portfolio.contracts.get(contract), desk.portfolio.underlying_price(contract)
    mark, ticker, position = desk.portfolio.mark(contract), desk.ticker(contract), desk.position(contract)
    if mark is None and position is not None:
        mark = position.mark_price
    if known is None or mark is None or underlying is None:
        return None
    return Holding(
        contract=known,
        size=size,
        mark=Decimal(repr(mark)),
        underlying_price=Decimal(repr(underlying)),
        years=known.years(ticker.received if as_told and ticker is not None else desk.now),
        iv=None if ticker is None else ticker.mark_iv,
    )
