"""What one step of the venue changed, and the order in which the venue tells it.

Owns `Step`: it collects while matching runs and gives the events out once, all of them with the same times. A step
that changed nothing says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from strikeloop import (
    AccountEvent,
    ContractId,
    ContractSettled,
    Filled,
    LedgerPosted,
    Liquidated,
    Origin,
    PositionClosed,
)
from strikeloop_venue.markets import Market
from strikeloop_venue.order import Order

SEQUENCE: tuple[type[AccountEvent], ...] = (Liquidated, Filled, ContractSettled, PositionClosed, LedgerPosted)
"""After the orders and before positions and balance, facts are told in this sequence of kinds."""


class Step:
    """Orders and positions are told once, as they are at the end; facts each and in the sequence of their kind."""

    def __init__(self) -> None:
        self._orders: dict[Order, str] = {}
        self._facts: list[tuple[type[AccountEvent], dict[str, Any]]] = []
        self.markets: dict[ContractId, Market] = {}
        self.moved = False
        """Whether the size of a position changed."""
        self.has_news = False
        """Whether there is an order or a fact to tell."""

    @property
    def orders(self) -> Iterable[Order]:
        """The orders of which something is new."""
        return self._orders

    def order(self, order: Order, reason: str = "") -> None:
        """Something about this order is new; `reason` answers a request about it that was refused."""
        self.has_news = True
        self._orders[order] = reason or self._orders.get(order, "")

    def fact(self, event: type[AccountEvent], /, **fields: Any) -> None:
        """Something happened."""
        self.has_news = True
        self._facts.append((event, fields))

    def position(self, market: Market) -> None:
        """The position in this contract is new."""
        self.markets[market.contract.id] = market
        self.moved = True

    def events(self, time: int, received: int) -> list[AccountEvent]:
        """The orders and facts as events."""
        told: list[AccountEvent] = [order.event(time, received, reason=reason) for order, reason in self._orders.items()]
        for kind in SEQUENCE:
            told += [kind(time=time, received=received, origin=Origin.SIMULATED, **fields) for fact, fields in self._facts if fact is kind]
        return told
