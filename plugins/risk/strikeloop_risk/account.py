"""The account as the monitors look at it: what is held with its prices, and what moves of the underlying would do to it.

Owns `holdings`, `own_greeks`, `Move` and the search for the move that liquidates. It decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
_HALVINGS = 10


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


def held(desk: Desk, adapter: str) -> Held:
    """What the account of `adapter` holds, at the last marks."""
    found: list[Holding] = []
    unpriced: list[ContractId] = []
    for position in desk.positions:
        if position.contract.adapter != adapter:
            continue
        known = _holding(desk, position.contract, position.size)
        if known is None:
            unpriced.append(position.contract)
        else:
            found.append(known)
    return Held(tuple(found), tuple(unpriced))


def own_greeks(holding: Holding) -> Greeks:
    """The greeks of the whole position by Black-76, from the mark's IV, or the one implied by the mark; nobody's word is taken."""
    leg = Leg.of(holding)
    one = greeks(leg.forward, leg.strike, leg.years, leg.iv, is_call=leg.is_call)
    return Greeks(delta=one.delta * leg.units, gamma=one.gamma * leg.units, vega=one.vega * leg.units, theta=one.theta * leg.units)


def moved(holdings: Sequence[Holding], model: MarginModel, cash: Decimal, moves: Sequence[float]) -> tuple[Move, ...]:
    """The account after each of these moves of all underlyings together, by full revaluation and the venue's margin model."""
    if not holdings:
        return tuple(Move(move=move, profit=ZERO, required=ZERO, occupied=ZERO, balance=cash) for move in moves)
    values = revalue([Leg.of(holding) for holding in holdings], Shocks.grid(moves, [0.0]))
    changes = [values.of_unit(place) for place in range(len(holdings))]
    return tuple(_moved(holdings, model, cash, move, [change[at] for change in changes]) for at, move in enumerate(moves))


def liquidating_moves(holdings: Sequence[Holding], model: MarginModel, cash: Decimal) -> tuple[float | None, float | None]:
    """The nearest moves down and up (fractions of the underlying) that liquidate; None where none within 90 % does.

    Looked for in steps that grow with the distance, then halved: exact to a thousandth of a step. 0 where it is due already.
    """
    return _nearest(holdings, model, cash, -1.0), _nearest(holdings, model, cash, 1.0)


def _nearest(holdings: Sequence[Holding], model: MarginModel, cash: Decimal, sign: float) -> float | None:
    steps = [0.0, *(sign * step for step in _STEPS)]
    after = moved(holdings, model, cash, steps)
    first = next((at for at, one in enumerate(after) if one.is_liquidated), None)
    if first is None or first == 0:
        return None if first is None else 0.0
    safe, gone = steps[first - 1], steps[first]
    for _ in range(_HALVINGS):
        middle = (safe + gone) / 2
        (one,) = moved(holdings, model, cash, [middle])
        safe, gone = (safe, middle) if one.is_liquidated else (middle, gone)
    return gone


def _moved(holdings: Sequence[Holding], model: MarginModel, cash: Decimal, move: float, changes: Iterable[float]) -> Move:
    factor = Decimal(repr(1.0 + move))
    after = [
        attrs.evolve(
            one, mark=max(ZERO, one.mark + Decimal(repr(change))), underlying_price=one.underlying_price * factor, iv=Leg.of(one).iv
        )
        for one, change in zip(holdings, changes, strict=True)
    ]
    margin = model.account(after)
    profit = sum((new.value - old.value for new, old in zip(after, holdings, strict=True)), ZERO)
    return Move(move=move, profit=profit, required=margin.maintenance, occupied=margin.initial, balance=margin.balance(cash))


def _holding(desk: Desk, contract: ContractId, size: Decimal) -> Holding | None:
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
        years=known.years(desk.now),
        iv=None if ticker is None else ticker.mark_iv,
    )
