"""Where an order stands among the others at its price, which no market data tells.

Owns the queue models. A place is known by `front`, the size ahead of us; trades at our price bring us forward,
and the models differ in what they make of a level that shrinks without a trade. Formulas: hftbacktest
`models/queue.rs`. A model is a pure rule; the state lives in `Place`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Protocol

import attrs

UNKNOWN = math.inf


@attrs.define(eq=False)
class Place:
    """The state of one order in the queue at its price.

    `front`: size ahead (negative: how far a trade has reached past us). `displayed`: the level's size when last seen,
    None before it was. `traded`: size traded at the price since then. `rank`: the public order behind which we joined, where the
    feed tells orders.
    """

    front: float
    displayed: float | None
    traded: float = 0.0
    rank: int = 0

    def reach(self, lot: float) -> int:
        """How many lots trades have reached past those ahead. With one or more we count as filled so far, and nobody is ahead any more."""
        lots = math.floor(-self.front / lot + 0.5) if self.front < 0 else 0
        if lots > 0:
            self.front = 0.0
        return lots


@attrs.define(eq=False)
class Ghosts:
    """What is left of an order at the front of the queue and of one at its back (unsigned), and where the back one stands."""

    front: Decimal
    back: Decimal
    place: Place


class QueueModel(Protocol):
    """How a place in the queue moves. `displayed` is the whole displayed size at our price, None where the feed does not show it.

    `by_order`: places go by the orders of the public book, where the feed tells them.
    """

    by_order: bool

    def join(self, displayed: float | None) -> Place:
        """The place of an order that has just come to rest."""
        ...

    def trade(self, place: Place, size: float) -> None:
        """`size` traded at our price."""
        ...

    def depth(self, place: Place, displayed: float) -> None:
        """The level at our price is now `displayed` large."""
        ...


class RiskAverse:
    """Only trades and levels smaller than what is ahead bring us forward: cancellations happen behind us."""

    by_order = False

    def join(self, displayed: float | None) -> Place:
        return Place(UNKNOWN if displayed is None else displayed, displayed)

    def trade(self, place: Place, size: float) -> None:
        place.front -= size

    def depth(self, place: Place, displayed: float) -> None:
        place.front = min(place.front, displayed)
        place.displayed = displayed


class Fifo(RiskAverse):
    """The queue itself, order by order; risk-averse where the feed tells levels only. Source: hftbacktest, L3FIFOQueueModel."""

    by_order = True


class Front:
    """The optimistic bound: nobody is ever ahead of us."""

    by_order = False

    def join(self, displayed: float | None) -> Place:
        return Place(0.0, displayed)

    def trade(self, place: Place, size: float) -> None:
        place.front = -size

    def depth(self, place: Place, displayed: float) -> None:
        place.displayed = displayed


class Back:
    """The pessimistic bound: everybody displayed at the start is ahead until they trade; no cancellation helps us."""

    by_order = False

    def join(self, displayed: float | None) -> Place:
        return Place(UNKNOWN if displayed is None else displayed, displayed)

    def trade(self, place: Place, size: float) -> None:
        place.front -= size

    def depth(self, place: Place, displayed: float) -> None:
        if place.front == UNKNOWN:
            place.front = displayed
        place.displayed = displayed


class Probable:
    """A level that shrinks without a trade loses size ahead of us with probability 1 − p(front, back).

    Where p has no value (a power of a front that trades have just passed), the level's size is all that is known of the place.
    """

    by_order = False

    def __init__(self, probability: Callable[[float, float], float]) -> None:
        self._probability = probability

    def join(self, displayed: float | None) -> Place:
        return Place(UNKNOWN if displayed is None else displayed, displayed)

    def trade(self, place: Place, size: float) -> None:
        place.front -= size
        place.traded += size

    def depth(self, place: Place, displayed: float) -> None:
        if place.front == UNKNOWN or place.displayed is None:
            place.front, place.displayed, place.traded = min(place.front, displayed), displayed, 0.0
            return
        shrunk = place.displayed - displayed - place.traded
        front = place.front
        if shrunk >= 0:
            back = place.displayed - front
            behind = self._probability(front, back)
            front -= (1 - behind) * shrunk - min(back - behind * shrunk, 0.0)
        place.front = min(displayed, front)  # in this sequence: what is no number gives way
        place.displayed, place.traded = displayed, 0.0


def _share(f: Callable[[float], float]) -> Callable[[float, float], float]:
    """f(back) / (f(back) + f(front))."""
    return lambda front, back: _ratio(f(back), f(back) + f(front))


def _share_of_sum(f: Callable[[float], float]) -> Callable[[float, float], float]:
    """f(back) / f(back + front)."""
    return lambda front, back: _ratio(f(back), f(back + front))


def _one_minus_share(n: float) -> Callable[[float, float], float]:
    """1 − (front / (front + back))^n."""
    power = _power(n)
    return lambda front, back: 1 - power(_ratio(front, front + back))


def _ratio(part: float, whole: float) -> float:
    """`part` / `whole`; 1 where only the whole is 0, and no number where both are."""
    return part / whole if whole else 1.0 if part else math.nan


def _log(unit: float) -> Callable[[float], float]:
    return lambda size: math.log1p(size / unit)


def _power(n: float) -> Callable[[float], float]:
    """x^n; no number for a negative x where n is not whole."""
    return lambda x: x**n if x >= 0 or n == int(n) else math.nan


MODELS: Mapping[str, Callable[[float, float], QueueModel]] = {
    "risk-averse": lambda _n, _unit: RiskAverse(),
    "l3-fifo": lambda _n, _unit: Fifo(),
    "front": lambda _n, _unit: Front(),
    "back": lambda _n, _unit: Back(),
    "log": lambda _n, unit: Probable(_share(_log(unit))),
    "log2": lambda _n, unit: Probable(_share_of_sum(_log(unit))),
    "power": lambda n, _unit: Probable(_share(_power(n))),
    "power2": lambda n, _unit: Probable(_share_of_sum(_power(n))),
    "power3": lambda n, _unit: Probable(_one_minus_share(n)),
}
"""Queue models by the name they have in the settings, made from the exponent n and the unit of the logarithms (in contracts)."""
