"""What one event says must follow from those before it: a break tells that something was missed.

Owns `Chains`: which of the three chains an event belongs to, and how long a break may last before it counts, because
streams overtake one another. The sums are the truth's.
"""

from __future__ import annotations

from strikeloop.clock import SECOND_NS
from strikeloop.contracts import ContractId
from strikeloop.events import ORDER_EVENTS, Event, Filled, LedgerPosted, PositionUpdated
from strikeloop.session.truth import Truth

GRACE_NS = SECOND_NS
SIZE_EVENTS = (Filled, PositionUpdated)


class Chains:
    """Balance = previous + change, at once; position = previous + Σ fills and an order's filled = Σ fills, after a second."""

    def __init__(self, truth: Truth, *, are_fills_reported: bool) -> None:
        self._truth, self.are_fills_reported = truth, are_fills_reported
        self.kinds = frozenset({LedgerPosted, *SIZE_EVENTS, *ORDER_EVENTS} if are_fills_reported else {LedgerPosted})
        """What `follow` has to see."""
        self._suspects: dict[tuple[ContractId, str], int] = {}

    def follow(self, event: Event, now: int) -> str:
        """Check what an event continues; a sentence where it is certain that something was missed."""
        if isinstance(event, LedgerPosted):
            return self._truth.ledger_gap(event)
        if self.are_fills_reported:
            if isinstance(event, SIZE_EVENTS):
                self._suspect(event.contract, "", now)
            if isinstance(event, ORDER_EVENTS) and event.order_id is not None:
                self._suspect(event.contract, event.order_id, now)
        return ""

    def broken(self, now: int) -> list[tuple[str, str]]:
        """The (channel, sentence) of each break that lasts; each is told once."""
        found = []
        for (contract, order_id), since in list(self._suspects.items()):
            if now - since >= GRACE_NS:
                del self._suspects[(contract, order_id)]
                gap = self._gap(contract, order_id)
                if gap:
                    found.append(("fills" if order_id else "positions", gap))
        return found

    def forget(self) -> None:
        """The line ended: what was missed on it is found by the next snapshot."""
        self._suspects.clear()

    def _suspect(self, contract: ContractId, order_id: str, now: int) -> None:
        if self._gap(contract, order_id):
            self._suspects.setdefault((contract, order_id), now)
        else:
            self._suspects.pop((contract, order_id), None)

    def _gap(self, contract: ContractId, order_id: str) -> str:
        return self._truth.order_gap(contract, order_id) if order_id else self._truth.position_gap(contract)
