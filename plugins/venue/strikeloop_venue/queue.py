"""Where an order stands among the others at its price, which no market data tells.

Owns the queue models. A place is known by `front`, the size ahead of us; trades at our price bring us forward,
and the models differ in what they make of a level that shrinks without a trade. Formulas: hftbacktest
`models/queue.rs`. A model is a pure rule; the state lives in `Place`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Protocol

import attrs

UNKNOWN = math.inf


@attrs.define(eq=False)
class Place:
    """The state of one order in the queue at its price.

    `front`: size ahead (negative: how far a trade has reached past us). `displayed`: the level's size when last seen,
    None before it was. `traded`: size traded at the price since then.
    """

    front: float
    displayed: float | None
    traded: float = 0.0


class QueueModel(Protocol):
    """How a place in the queue moves. `displayed` is the whole displayed size at our price, None where the feed does not show it."""

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

    def join(self, displayed: float | None) -> Place:
        return Place(UNKNOWN if displayed is None else displayed, displayed)

    def trade(self, place: Place, size: float) -> None:
        place.front -= size

    def depth(self, place: Place, displayed: float) -> None:
        place.front = min(place.front, displayed)
        place.displayed = displayed


class Front:
    """The optimistic bound: nobody is ever ahead of us."""

    def join(self, displayed: float | None) -> Place:
        return Place(0.0, displayed)

    def trade(self, place: Place, size: float) -> None:
        place.front = -size

    def depth(self, place: Place, displayed: float) -> None:
        place.displayed = displayed


class Back:
    """The pessimistic bound: everybody displayed at the start is ahead until they trade; no cancellation helps us."""

    def join(self, displayed: float | None) -> Place:
        return Place(UNKNOWN if displayed is None else displayed, displayed)

    def trade(self, place: Place, size: float) -> None:
        place.front -= size

    def depth(self, place: Place, displayed: float) -> None:
        if place.front == UNKNOWN:
            place.front = displayed
        place.displayed = displayed


class Probable:
    """A level that shrinks without a trade loses size ahead of us with probability 1 − p(front, back)."""

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
        if shrunk < 0:
            place.front = min(place.front, displayed)
        else:
            back = place.displayed - place.front
            behind = self._probability(place.front, back)
            place.front = min(place.front - (1 - behind) * shrunk + min(back - behind * shrunk, 0.0), displayed)
        place.displayed, place.traded = displayed, 0.0


def _share(f: Callable[[float], float]) -> Callable[[float, float], float]:
    """f(back) / (f(back) + f(front))."""

    def probability(front: float, back: float) -> float:
        ahead, behind = f(max(front, 0.0)), f(max(back, 0.0))
        return behind / (behind + ahead) if behind + ahead else 0.0

    return probability


def _share_of_sum(f: Callable[[float], float]) -> Callable[[float, float], float]:
    """f(back) / f(back + front)."""

    def probability(front: float, back: float) -> float:
        whole = f(max(front, 0.0) + max(back, 0.0))
        return f(max(back, 0.0)) / whole if whole else 0.0

    return probability


def _one_minus_share(n: float) -> Callable[[float, float], float]:
    """1 − (front / (front + back))^n."""

    def probability(front: float, back: float) -> float:
        whole = max(front, 0.0) + max(back, 0.0)
        return 1 - (max(front, 0.0) / whole) ** n if whole else 0.0

    return probability


MODELS: Mapping[str, Callable[[float], QueueModel]] = {
    "risk-averse": lambda _n: RiskAverse(),
    "front": lambda _n: Front(),
    "back": lambda _n: Back(),
    "log": lambda _n: Probable(_share(math.log1p)),
    "log2": lambda _n: Probable(_share_of_sum(math.log1p)),
    "power": lambda n: Probable(_share(lambda x: x**n)),
    "power2": lambda n: Probable(_share_of_sum(lambda x: x**n)),
    "power3": lambda n: Probable(_one_minus_share(n)),
}
"""Queue models by the name they have in the settings; the argument is the exponent n of the power models."""
