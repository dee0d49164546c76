"""The orders of one account: what was said of each, whether it is open or over, under all of its names.

Owns `KnownOrders`. One record per order, found under our id and the venue's, so that whichever of them an update bears it is
the same order. Those that are over are forgotten, the first to end first. It sums nothing and merges nothing.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import attrs

from strikeloop.events import OrderState, OrderUpdated

_OPEN = OrderState.OPEN
_OVER = frozenset(state for state in OrderState if state.is_terminal)
MOST_CLOSED = 10_000
"""Names of orders that are over; what is said late of one that was forgotten is put right by the next snapshot."""


def names_of(order: OrderUpdated) -> tuple[str, ...]:
    """Our id and the venue's, as far as the update bears them."""
    client_id, order_id = order.client_id, order.order_id
    if client_id is None:
        return () if order_id is None else (order_id,)
    return (client_id,) if order_id is None else (client_id, order_id)


def said(order: OrderUpdated) -> tuple[Any, ...]:
    """What an update says, to recognize it by when it comes again."""
    return (order.state, order.size, order.left, order.price, order.fill_price, order.finish_as, order.time)


@attrs.define(eq=False, weakref_slot=False)
class Known:
    """One order."""

    names: tuple[str, ...]
    """Ours and the venue's, as far as they were told."""
    said: Any = None
    """What was said of it, as a tuple; several in a dict. None while whatever is said is news."""
    open: OrderUpdated | None = None
    """As it stands, where it is open as far as we know."""
    is_over: bool = False

    def is_news(self, said: tuple[Any, ...]) -> bool:
        """Whether just this was not said before, by whichever way. Orders of which one thing is said are most, and cost no dict."""
        before = self.said
        if before is None:
            self.said = said
        elif type(before) is dict:
            if said in before:
                return False
            before[said] = None
        elif before == said:
            return False
        else:
            self.said = {before: None, said: None}
        return True


class KnownOrders:
    """The records, by name."""

    def __init__(self) -> None:
        self._orders: dict[str, Known] = {}
        self._over: deque[str] = deque()
        """The names of those that are over, in the order in which they ended."""

    def of(self, order: OrderUpdated) -> Known:
        """What is known of an order, under all of its names."""
        client_id, order_id, orders = order.client_id, order.order_id, self._orders
        known = None if client_id is None else orders.get(client_id)
        if known is None and order_id is not None:
            known = orders.get(order_id)
        if known is None:
            known = Known(names_of(order))
            for name in known.names:
                orders[name] = known
        elif client_id is not None and order_id is not None and known.names != (client_id, order_id):
            self._rename(known, (client_id, order_id))
        return known

    def stands(self, order: OrderUpdated, known: Known) -> None:
        """Note how an order stands. One that is over stays so, whatever is said late."""
        if known.is_over:
            return
        if order.state is _OPEN:
            known.open = order
        elif order.state in _OVER:
            known.is_over, known.open = True, None
            self._over.extend(known.names)
            while len(self._over) > MOST_CLOSED:
                self._orders.pop(self._over.popleft(), None)

    def forget(self, name: str) -> None:
        """It is no longer known how this order stands: whatever is said of it next is news."""
        known = self._orders.get(name)
        if known is not None:
            known.said = known.open = None

    def open(self) -> dict[str, OrderUpdated]:
        """The open orders, each by the name that the venue knows it by, the first heard of first."""
        return {known.names[-1]: known.open for known in self._orders.values() if known.open is not None}

    def open_order(self, name: str) -> OrderUpdated | None:
        """The order as it stands, None unless it is open as far as we know."""
        known = self._orders.get(name)
        return None if known is None else known.open

    def is_over(self, name: str) -> bool:
        """Whether the end of the order is known."""
        known = self._orders.get(name)
        return known is not None and known.is_over

    def _rename(self, known: Known, names: tuple[str, str]) -> None:
        """An order has another name, too. Where that was known by itself, and as over, so is the order."""
        self._over.extend(name for name in known.names if name not in names)
        known.names = names
        for name in names:
            other, self._orders[name] = self._orders.get(name), known
            if other is None and known.is_over:
                self._over.append(name)
            elif other is not None and other.is_over:
                known.is_over, known.open = True, None
