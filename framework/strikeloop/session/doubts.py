"""Orders of which a stream says that something was filled, and not how much.

Owns `Doubts`: such an order is looked up, one look-up at a time, and again when the stream speaks of it meanwhile or
the answer is older than the stream. What the stream said stands in for the answer only where the venue has none.
"""

from __future__ import annotations

import attrs

from strikeloop.clock import SECOND_NS
from strikeloop.events import OrderUpdated
from strikeloop.session.actions import Find

AGAIN_NS = SECOND_NS


def is_vague(order: OrderUpdated) -> bool:
    """Whether the order has traded and nobody says how much of it."""
    return order.left is None and order.fill_price != 0


@attrs.define
class _Doubt:
    said: OrderUpdated
    next_at: int | None = 0
    """When to ask; None while a look-up is on its way."""
    is_outrun: bool = False


class Doubts:
    """The doubtful orders of one account port by the venue's id, oldest first."""

    def __init__(self) -> None:
        self._open: dict[str, _Doubt] = {}
        self.to_ask: dict[str, None] = {}
        """Those of which no look-up is on its way; to look at, not to change."""

    def __contains__(self, order_id: str) -> bool:
        return order_id in self._open

    def add(self, said: OrderUpdated) -> None:
        """The stream spoke vaguely of an order; an end that it told is not taken back by what comes late."""
        order_id = said.order_id or ""
        if order_id not in self._open:
            self._open[order_id], self.to_ask[order_id] = _Doubt(said), None
        doubt = self._open[order_id]
        if said.state.is_terminal or not doubt.said.state.is_terminal:
            doubt.said = said
        doubt.is_outrun = doubt.next_at is None

    def due(self, now: int) -> list[Find]:
        """The orders to look up now."""
        due = {order_id: doubt for order_id in self.to_ask if (doubt := self._open[order_id]).next_at is not None and now >= doubt.next_at}
        for order_id, doubt in due.items():
            del self.to_ask[order_id]
            doubt.next_at, doubt.is_outrun = None, False
        return [Find(doubt.said.contract, None, order_id) for order_id, doubt in due.items()]

    def over(self, order_id: str) -> None:
        """The order's end is known exactly, from elsewhere."""
        self._open.pop(order_id, None)
        self.to_ask.pop(order_id, None)

    def answered(self, order_id: str, order: OrderUpdated | None, now: int) -> OrderUpdated | None:
        """The answer to a look-up; what the stream said, where the venue does not know the order."""
        doubt = self._open.get(order_id)
        if doubt is None:
            return None
        if order is not None and not order.state.is_terminal and (doubt.is_outrun or doubt.said.state.is_terminal):
            doubt.next_at, self.to_ask[order_id] = now if doubt.is_outrun else now + AGAIN_NS, None
            return None
        self.over(order_id)
        return doubt.said if order is None else None
