"""One look at an account's books: the fills, then the rest, then the fills again, until nothing was filled meanwhile.

Owns `Taking`: which question comes next, and when the answers fit together. It never asks, and merges nothing.
"""

from __future__ import annotations

import attrs

from strikeloop.adapter import Snapshot
from strikeloop.contracts import ContractId
from strikeloop.events import Filled
from strikeloop.session.actions import FetchFills, FetchSnapshot

MOST_ROUNDS = 5


class Taking:
    """The questions of one snapshot, with fills since `since` (ns), asked for the sake of line number `line`."""

    def __init__(self, since: int, line: int = 0) -> None:
        self.line = line
        self.question: FetchFills | FetchSnapshot = FetchFills(since)
        """What is being asked now."""
        self.rounds = 0
        self._since = since
        self._listed: frozenset[tuple[ContractId, str, str]] = frozenset()
        self._books: Snapshot | None = None

    def fills(self, fills: tuple[Filled, ...]) -> Snapshot | None:
        """The list of fills; gives the snapshot once two lists, before and after the books, agree."""
        listed = frozenset((fill.contract, fill.trade_id, fill.order_id) for fill in fills)
        if self._books is not None and listed == self._listed:
            return attrs.evolve(self._books, fills=fills)
        self.rounds += self._books is not None
        self._listed, self._books, self.question = listed, None, FetchSnapshot()
        return None

    def books(self, snapshot: Snapshot) -> None:
        """Orders, positions and balances: asked for between two lists of fills."""
        self._books, self.question = snapshot, FetchFills(self._since)

    @property
    def is_unsteady(self) -> bool:
        """Whether the account was traded during every round."""
        return self.rounds >= MOST_ROUNDS
