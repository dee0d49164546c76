"""What one step of the venue changed, and the order in which the venue tells it.

Owns `Step`: it collects while matching runs and gives the events out once, all of them with the same times. A step
that changed nothing says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import attrs

from strikeloop import (
    AccountEvent,
    ContractId,
    ContractSettled,
    Filled,
    LedgerPosted,
    Liquidated,
    Origin,
    PositionClosed,
    maker,
)
from strikeloop_venue.markets import Market
from strikeloop_venue.order import Order

SIMULATED = Origin.SIMULATED
UNKNOWN_FIELDS: Any = attrs.fields(Filled).raw.default
"""What an event says of fields nobody knows: nothing."""
_filled, _posted = maker(Filled), maker(LedgerPosted)


class Step:
    """Orders and positions are told once, as they are at the end. Facts are told each: a liquidation, executions, what ended, postings."""

    __slots__ = ("_facts", "_fills", "_orders", "_postings", "has_news", "markets", "moved")

    def __init__(self) -> None:
        self._orders: dict[Order, str] = {}
        self._facts: list[tuple[type[AccountEvent], dict[str, Any]]] = []
        self._fills: list[tuple[Any, ...]] = []
        self._postings: list[tuple[Any, ...]] = []
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
        """A liquidation began, a contract settled, or a position was closed."""
        self.has_news = True
        self._facts.append((event, fields))

    def fill(self, order: Order, trade_id: str, size: Decimal, price: Decimal, fee: Decimal, *, is_maker: bool) -> None:
        """An order traded; `size` is signed."""
        self.has_news = True
        self._fills.append((order.contract, trade_id, order.order_id, size, price, order.client_id, fee, is_maker, False))

    def posting(self, adapter: str, currency: str, change: Decimal, balance: Decimal, kind: str, text: str) -> None:
        """Cash was booked; `balance` is what is there then."""
        self.has_news = True
        self._postings.append((adapter, currency, change, balance, kind, text))

    def position(self, market: Market) -> None:
        """The position in this contract is new."""
        self.markets[market.contract.id] = market
        self.moved = True

    def events(self, time: int, received: int) -> list[AccountEvent]:
        """The orders and facts as events."""
        told: list[AccountEvent] = [order.event(time, received, reason=reason) for order, reason in self._orders.items()]
        if self._facts:
            told += self._told(time, received, Liquidated)
        told += [_filled(time, received, SIMULATED, UNKNOWN_FIELDS, *fields) for fields in self._fills]
        if self._facts:
            told += [*self._told(time, received, ContractSettled), *self._told(time, received, PositionClosed)]
        told += [_posted(time, received, SIMULATED, UNKNOWN_FIELDS, *fields) for fields in self._postings]
        return told

    def _told(self, time: int, received: int, kind: type[AccountEvent]) -> list[AccountEvent]:
        return [kind(time=time, received=received, origin=SIMULATED, **fields) for fact, fields in self._facts if fact is kind]
