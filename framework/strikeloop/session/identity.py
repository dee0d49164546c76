"""Which order is meant: the venue's ids and ours, brought together.

Owns `Identity`. Some streams name an order only by the venue's id, which we learn from the answer to the
submission. Until then such an event is held; with no submission on its way it is looked up. It never guesses.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

from strikeloop.contracts import ContractId
from strikeloop.drafts import changer
from strikeloop.events import Filled, OrderUpdated

OrderEvent = TypeVar("OrderEvent", bound=OrderUpdated | Filled)

_NAMED: dict[type[Any], Callable[..., Any]] = {kind: changer(kind, "client_id") for kind in (OrderUpdated, Filled)}
MOST_NAMES = 20_000
"""Pairs that are remembered; an order whose pair was forgotten is looked up again."""


class Identity:
    """The pairs (venue id, client id) of one account port, and the events that wait for theirs."""

    def __init__(self) -> None:
        self._client: OrderedDict[str, str | None] = OrderedDict()  # a dict looks for its first key behind all that were taken out
        self._held: dict[str, list[OrderUpdated | Filled]] = {}
        self._unanswered: dict[str, None] = {}

    def submitted(self, client_id: str) -> None:
        """An order left; its answer will name the venue's id."""
        self._unanswered[client_id] = None

    def answered(self, client_id: str) -> None:
        """The answer came, or never will: nothing more is learned from it."""
        self._unanswered.pop(client_id, None)

    @property
    def waiting(self) -> bool:
        """Whether a submission has not been answered yet."""
        return bool(self._unanswered)

    def learn(self, event: OrderUpdated | Filled) -> list[OrderUpdated | Filled]:
        """Note the pair an event names; returns the held events that it sets free, with their client id."""
        order_id, known = event.order_id, self._client
        if order_id is None:
            return []
        if event.client_id is not None or order_id not in known:
            known[order_id] = event.client_id
            if len(known) > MOST_NAMES:
                known.popitem(last=False)
        return self.release(order_id) if self._held else []

    def knows(self, event: OrderUpdated | Filled) -> bool:
        """Whether the event can be delivered: it has our id, or its venue id is known (ours or foreign)."""
        return event.client_id is not None or event.order_id is None or event.order_id in self._client

    def is_foreign(self, order_id: str | None) -> bool:
        """Whether the venue was asked about this order and it is not ours, and nothing waits to hear of it."""
        return order_id is not None and self._client.get(order_id, "") is None and not self._held

    def named(self, event: OrderEvent) -> OrderEvent:
        """The event with our client id, where we know it."""
        if event.client_id is not None or event.order_id is None:
            return event
        client_id = self._client.get(event.order_id)
        return event if client_id is None else _NAMED[type(event)](event, client_id)

    def hold(self, event: OrderUpdated | Filled) -> None:
        """Keep an event until its order is named."""
        self._held.setdefault(event.order_id or "", []).append(event)

    def name_foreign(self, order_id: str) -> None:
        """The venue was asked and names no order of ours under this id: it belongs to other hands."""
        self._client.setdefault(order_id, None)

    def release(self, order_id: str) -> list[OrderUpdated | Filled]:
        """Give up waiting for the name of this order; returns what waited for it, with what is known of its client id."""
        return [self.named(held) for held in self._held.pop(order_id, [])]

    def held(self) -> list[tuple[ContractId, str]]:
        """(contract, venue id) of every order that events wait for."""
        return [(events[0].contract, order_id) for order_id, events in self._held.items()]
