"""Price-time matching of our orders with the displayed market, and with one another.

Owns the rules of when an order trades, at what price and how much. External levels stand before our own orders at
the same price; a resting order trades at its own limit. What a trade does to the account is the `Account`'s.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

import attrs

from strikeloop import (
    BookUpdated,
    OrderState,
    Traded,
)
from strikeloop_venue.book import Side, exact
from strikeloop_venue.bracket import Bracket
from strikeloop_venue.level3 import Level3, OrderShown
from strikeloop_venue.markets import Market, priority
from strikeloop_venue.order import Order
from strikeloop_venue.queue import Place, QueueModel

ZERO = Decimal(0)
SELF_TRADE = "SELF_TRADE: it would trade with an order of ours"


class SelfTrade(StrEnum):
    """What happens when two of our own orders would meet: they trade, or the newest, the oldest or both are cancelled."""

    ALLOW = "allow"
    NEWEST = "cn"
    OLDEST = "co"
    BOTH = "cb"


class Execution(Protocol):
    """What matching needs from the account."""

    def room(self, market: Market, order: Order) -> Decimal:
        """How much of what is left may trade now (unsigned): all of it, or what a reduce-only order can still reduce."""
        ...

    def fill(self, market: Market, order: Order, size: Decimal, price: Decimal, *, is_maker: bool) -> None:
        """`size` (unsigned) of the order traded at `price`."""
        ...

    def withdraw(self, market: Market, order: Order, state: OrderState, finish_as: str, reason: str = "") -> None:
        """The order ends without trading the rest."""
        ...


@attrs.define(eq=False)
class Matcher:
    """The matching engine: all state is in the `Market` and in the totals of `bracket`.

    `consume`: what our fills took of the displayed market stays taken until its level changes or trades. `whole`: a resting order
    that is reached fills whole, whatever the size that reached it (hftbacktest's exchange without partial fills); otherwise
    the size is shared. `next_rank` gives priorities in time.
    """

    queue: QueueModel
    execution: Execution
    next_rank: Callable[[], int]
    consume: bool = True
    whole: bool = False
    self_trade: SelfTrade = SelfTrade.ALLOW
    bracket: Bracket = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.bracket = Bracket(whole=self.whole)

    def crosses(self, market: Market, order: Order) -> bool:
        """Whether the order would trade on arrival."""
        return self._opposite(market, order) is not None

    def take(self, market: Market, order: Order) -> None:
        """An arriving order trades with what stands against it, best price first, as far as its limit allows."""
        while order.is_open and order.left and (found := self._opposite(market, order)) is not None:
            room = self.execution.room(market, order)
            if not room:
                break
            price, available, resting = found
            size = min(room, available)
            if resting is None:
                self._against(market, order).take(price, size)
                self.execution.fill(market, order, size, Decimal(repr(price)), is_maker=False)
            elif not self._meet(market, order, resting, size):
                break
        self._after(market)

    def rest(self, market: Market, order: Order) -> None:
        """What is left of the order queues up at its limit."""
        order.show()
        order.place = self._join(market, order)
        self.bracket.join(order)
        market.rest(order)

    def on_book(self, market: Market, change: BookUpdated | None = None) -> None:
        """The displayed market changed: move the queues, fill resting orders that the other side now reaches.

        `change`: the depth that did it, which also tells of levels that were restated as they were.
        """
        book = market.sync()
        if market.buys:
            self._move(market, market.buys, book.bids, book.asks, () if change is None else change.bids)
        if market.sells:
            self._move(market, market.sells, book.asks, book.bids, () if change is None else change.asks)

    def line_up(self, order: Order, displayed: float) -> None:
        """So much is displayed at the price of a resting order: those ahead of it may be fewer."""
        place = order.place
        if place is not None and displayed != place.displayed:
            self.bracket.on_depth(order, displayed)
            self.queue.depth(place, displayed)

    def on_trade(self, market: Market, trade: Traded) -> None:
        """Somebody traded: a buyer's trade reaches our sells at and below its price, a seller's our buys at and above."""
        book, price = market.sync(), trade.price
        book.on_trade(price)
        resting = market.resting(trade.size < 0)
        if not resting or not resting[0].accepts(price) or (self.queue.by_order and market.level3 is not None):
            return
        budget, waiting = exact(abs(trade.size)), list(resting)
        self.bracket.on_trade(resting, price, budget, market.contract.size_min)
        while waiting and budget > 0 and (order := waiting.pop(0)).accepts(price):
            through, rank = order.limit != price, order.rank
            reach = budget if through else self._queued(market, order, budget)
            size = self._hit(market, order, reach, at_once=through) if reach > 0 else ZERO
            if not self.whole:
                budget -= size
            if order.is_open and order.rank != rank and not through:
                insort(waiting, order, key=priority)

    def on_order(self, market: Market, event: OrderShown) -> None:
        """An order of the public book came, changed, traded or went."""
        book = market.sync()
        level3 = market.level3 = market.level3 or Level3()
        touched = level3.moved(event)
        rank = level3.apply(event)
        side = book.bids if event.is_buy else book.asks
        side.change([(price, level3.displayed(event.is_buy, price)) for price in touched])
        resting = market.resting(event.is_buy)
        if self.queue.by_order and resting:
            for order in resting:
                if order.limit in touched and order.place is not None:
                    order.place.front = level3.ahead(event.is_buy, order.limit, order.place.rank)
            if event.traded > 0:
                self._overtaken(market, event, rank)
        self.on_book(market)

    def _overtaken(self, market: Market, event: OrderShown, rank: int) -> None:
        """A public order traded: those of ours that stand before it would have traded instead."""
        resting, budget = market.resting(event.is_buy), exact(event.traded)
        self.bracket.on_trade(resting, event.price, budget, market.contract.size_min)
        for order in tuple(resting):
            if budget <= 0 or not order.accepts(event.price):
                return
            if order.limit == event.price and (order.place is None or order.place.rank >= rank):
                continue
            budget -= self._hit(market, order, budget, at_once=order.limit != event.price)

    def _move(self, market: Market, resting: list[Order], along: Side, against: Side, told: Sequence[tuple[float, float]]) -> None:
        """Our orders on one side of a displayed market that changed; `told`: the levels on their side that were told."""
        if market.is_told:
            self._queue_up(resting, along, told)
        best = against.touch()
        if best is None or not resting[0].accepts(best):
            return
        for order in tuple(resting):
            self._reached(market, order, against)
        self._after(market)

    def _queue_up(self, resting: Sequence[Order], along: Side, told: Sequence[tuple[float, float]]) -> None:
        for order in resting:
            place, displayed = order.place, along.visible(order.limit)
            if place is None or displayed is None:
                continue
            if displayed != place.displayed or ((place.traded or place.front < 0) and any(price == order.limit for price, _ in told)):
                self.bracket.on_depth(order, displayed)
                self.queue.depth(place, displayed)

    def _reached(self, market: Market, order: Order, against: Side) -> None:
        """The other side's displayed orders come to our price: they trade with us at our limit."""
        levels = [(price, size) for price in against.within(order.limit) if (size := against.available(price)) > 0]
        if not levels or not order.is_open:
            return
        self.bracket.on_reached(order, sum((size for _, size in levels), ZERO))
        for price, available in levels:
            size = self._hit(market, order, available, at_once=True)
            if size > 0:
                against.take(price, min(size, available))
            if not order.is_open:
                return

    def _hit(self, market: Market, order: Order, reach: Decimal, *, at_once: bool) -> Decimal:
        """A resting order trades at its limit; returns how much. `at_once`: nobody comes between what it shows and what it hides."""
        room = self.execution.room(market, order)
        size = room if self.whole else min(reach, room)
        shown, price = min(size, order.shown), order.price or ZERO
        if shown > 0:
            self.execution.fill(market, order, shown, price, is_maker=not order.is_hidden)
        hidden = size - shown if order.is_open and (at_once or self.whole) else ZERO
        if hidden > 0:
            order.reveal(order.rank)
            self.execution.fill(market, order, hidden, price, is_maker=False)
        self.bracket.took(order, shown + hidden)
        if order.is_open and not order.shown:
            self._reveal(market, order)
        return shown + hidden

    def _reveal(self, market: Market, order: Order) -> None:
        """The part of an iceberg that showed has traded: the next one shows, behind everybody at its price."""
        resting = market.resting(order.is_buy)
        resting.remove(order)
        order.reveal(self.next_rank())
        order.place = self._join(market, order)
        insort(resting, order, key=priority)

    def _join(self, market: Market, order: Order) -> Place:
        """A place at the end of the queue."""
        order.seen = market.seen
        place = self.queue.join(self._along(market, order).visible(order.limit))
        if market.level3 is not None:
            place.rank = market.level3.last
        return place

    def _opposite(self, market: Market, order: Order) -> tuple[float, Decimal, Order | None] | None:
        """The best price against the order that it accepts, how much stands there, and our own order if it is one."""
        against, resting = self._against(market, order), market.sells if order.is_buy else market.buys
        best, own = against.touch(), resting[0] if resting else None
        if own is not None and (best is None or (best - own.limit) * order.sign > 0):
            return (own.limit, own.shown, own) if order.accepts(own.limit) else None
        return (best, against.available(best), None) if best is not None and order.accepts(best) else None

    def _meet(self, market: Market, order: Order, resting: Order, size: Decimal) -> bool:
        """Two of our own orders meet, at the price of the one that rests; False when the arriving one goes no further."""
        if self.self_trade is not SelfTrade.ALLOW:
            return self._part(market, order, resting)
        size = min(size, self.execution.room(market, resting))
        if size <= 0:
            return False
        price = resting.price or ZERO
        self.bracket.on_reached(resting, size)
        self.execution.fill(market, resting, size, price, is_maker=not resting.is_hidden)
        self.bracket.took(resting, size)
        self.execution.fill(market, order, size, price, is_maker=False)
        if resting.is_open and not resting.shown:
            self._reveal(market, resting)
        return True

    def _part(self, market: Market, order: Order, resting: Order) -> bool:
        """Two of our own orders may not trade with each other: one of them, or both, end."""
        if self.self_trade in (SelfTrade.OLDEST, SelfTrade.BOTH):
            self.execution.withdraw(market, resting, OrderState.CANCELED, "cancelled", SELF_TRADE)
        if self.self_trade in (SelfTrade.NEWEST, SelfTrade.BOTH):
            self.execution.withdraw(market, order, OrderState.CANCELED, "cancelled", SELF_TRADE)
        return order.is_open

    def _queued(self, market: Market, order: Order, traded: Decimal) -> Decimal:
        """How much of a trade at our price gets past those ahead of us, in whole lots."""
        place, lot = order.place, market.contract.size_min
        if place is None:
            return ZERO
        self.queue.trade(place, float(traded))
        return min(place.reach(float(lot)) * lot, traded)

    def _after(self, market: Market) -> None:
        if not self.consume:
            market.book.refill()

    @staticmethod
    def _against(market: Market, order: Order) -> Side:
        book = market.sync()
        return book.asks if order.is_buy else book.bids

    @staticmethod
    def _along(market: Market, order: Order) -> Side:
        book = market.sync()
        return book.bids if order.is_buy else book.asks
