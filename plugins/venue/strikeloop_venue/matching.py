"""Price-time matching of our orders with the displayed market, and with one another.

Owns the rules of when an order trades, at what price and how much. External levels stand before our own orders at
the same price; a resting order trades at its own limit. What a trade does to the account is the `Account`'s.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from strikeloop import (
    Traded,
)
from strikeloop_venue.book import Side, exact
from strikeloop_venue.markets import Market
from strikeloop_venue.order import Order
from strikeloop_venue.queue import QueueModel

ZERO = Decimal(0)


class Execution(Protocol):
    """What matching needs from the account."""

    def room(self, market: Market, order: Order) -> Decimal:
        """How much of what is left may trade now (unsigned): all of it, or what a reduce-only order can still reduce."""
        ...

    def fill(self, market: Market, order: Order, size: Decimal, price: Decimal, *, is_maker: bool) -> None:
        """`size` (unsigned) of the order traded at `price`."""
        ...


class Matcher:
    """The matching engine: stateless between calls, all state is in the `Market`."""

    def __init__(self, queue: QueueModel, execution: Execution, *, consume: bool) -> None:
        self._queue, self._execution, self._consume = queue, execution, consume

    def crosses(self, market: Market, order: Order) -> bool:
        """Whether the order would trade on arrival."""
        found = self._opposite(market, order)
        return found is not None and order.accepts(found[0])

    def take(self, market: Market, order: Order) -> None:
        """An arriving order trades with what stands against it, best price first, as far as its limit allows."""
        while order.left and (room := self._execution.room(market, order)):
            found = self._opposite(market, order)
            if found is None or not order.accepts(found[0]):
                break
            price, available, resting = found
            size = min(room, available)
            if resting is None:
                self._against(market, order).take(price, size)
                self._execution.fill(market, order, size, Decimal(repr(price)), is_maker=False)
            elif not self._cross(market, order, resting, size):
                break
        self._after(market)

    def rest(self, market: Market, order: Order) -> None:
        """What is left of the order queues up at its limit."""
        order.place = self._queue.join(self._along(market, order).visible(order.limit))
        market.rest(order)

    def on_book(self, market: Market) -> None:
        """The displayed market changed: move the queues, fill resting orders that the other side now reaches."""
        book = market.sync()
        for side, resting, against in ((book.bids, market.buys, book.asks), (book.asks, market.sells, book.bids)):
            for order in resting:
                self._requeue(order, side)
            for order in tuple(resting):
                self._reached(market, order, against)
        self._after(market)

    def on_trade(self, market: Market, trade: Traded) -> None:
        """Somebody traded: a buyer's trade reaches our sells at and below its price, a seller's our buys at and above."""
        book = market.sync()
        book.on_trade(trade.price)
        budget = exact(abs(trade.size))
        for order in tuple(market.resting(trade.size < 0)):
            if budget <= 0 or not order.accepts(trade.price):
                break
            reach = budget if order.limit != trade.price else self._queued(market, order, budget)
            size = min(reach, self._execution.room(market, order))
            if size > 0:
                budget -= size
                self._execution.fill(market, order, size, _own_price(order), is_maker=True)

    def _opposite(self, market: Market, order: Order) -> tuple[float, Decimal, Order | None] | None:
        """The best price against the order, how much stands there, and our own order if it is one."""
        external = self._against(market, order).best()
        own = next(iter(market.resting(not order.is_buy)), None)
        if own is None:
            return None if external is None else (*external, None)
        if external is not None and (external[0] - own.limit) * order.sign <= 0:
            return (*external, None)
        return own.limit, abs(own.left), own

    def _cross(self, market: Market, order: Order, resting: Order, size: Decimal) -> bool:
        """Two of our own orders meet, at the price of the one that rests; False when they cannot trade."""
        size = min(size, self._execution.room(market, resting))
        if size <= 0:
            return False
        self._execution.fill(market, resting, size, _own_price(resting), is_maker=True)
        self._execution.fill(market, order, size, _own_price(resting), is_maker=False)
        return True

    def _reached(self, market: Market, order: Order, against: Side) -> None:
        """The other side's displayed orders come to our price: they trade with us at our limit."""
        for price in tuple(against.prices):
            if not order.accepts(price):
                return
            size = min(against.available(price), self._execution.room(market, order))
            if size > 0:
                against.take(price, size)
                self._execution.fill(market, order, size, _own_price(order), is_maker=True)
            if not order.is_open:
                return

    def _requeue(self, order: Order, side: Side) -> None:
        displayed = side.visible(order.limit)
        if order.place is not None and displayed is not None and displayed != order.place.displayed:
            self._queue.depth(order.place, displayed)

    def _queued(self, market: Market, order: Order, traded: Decimal) -> Decimal:
        """How much of a trade at our price gets past those ahead of us, in whole lots."""
        place = order.place
        if place is None:
            return ZERO
        self._queue.trade(place, float(traded))
        if place.front >= 0:
            return ZERO
        lot = market.contract.size_min
        reach = min(Decimal(round(-place.front / float(lot))) * lot, traded)
        place.front = 0.0
        return reach

    def _after(self, market: Market) -> None:
        if not self._consume:
            market.book.refill()

    @staticmethod
    def _against(market: Market, order: Order) -> Side:
        book = market.sync()
        return book.asks if order.is_buy else book.bids

    @staticmethod
    def _along(market: Market, order: Order) -> Side:
        book = market.sync()
        return book.bids if order.is_buy else book.asks


def _own_price(order: Order) -> Decimal:
    return ZERO if order.price is None else order.price
