"""What happens next at the venue: expiries, countdowns, requests on their way, and the refresh of marks.

Owns the sequence: by time, and at one instant expiries, then countdowns, then requests, then the refresh. It carries
nothing out.
"""

from __future__ import annotations

import heapq
from collections import deque

import attrs

from strikeloop import AmendOrder, CancelOrder, ContractId, SubmitOrder

NEVER = 2**63 - 1
Request = SubmitOrder | CancelOrder | AmendOrder


@attrs.frozen
class Scope:
    """Orders of one underlying, of one contract, or ("" and None) all of them."""

    underlying: str = ""
    contract: ContractId | None = None

    def covers(self, underlying: str, contract: ContractId) -> bool:
        return self.underlying in ("", underlying) and self.contract in (None, contract)


@attrs.frozen
class Refresh:
    """Marks moved while a position is held."""


Item = ContractId | Scope | Request | Refresh


class Agenda:
    """`due` is the time of the earliest item, `NEVER` when there is none. Times in ns."""

    def __init__(self) -> None:
        self.due = NEVER
        self._requests: deque[tuple[int, Request]] = deque()
        self._expiries: list[tuple[int, int, ContractId]] = []
        self._countdowns: dict[Scope, int] = {}
        self._refresh = NEVER
        self._listed = 0

    def request(self, time: int, request: Request) -> None:
        """A request arrives; requests are given in the order in which they do."""
        self._requests.append((time, request))
        if time < self.due and len(self._requests) == 1:
            self.due = time

    def expire(self, time: int, contract: ContractId) -> None:
        """A contract expires; of two at one time the one listed first."""
        self._listed += 1
        heapq.heappush(self._expiries, (time, self._listed, contract))
        self._plan()

    def count_down(self, scope: Scope, time: int | None) -> None:
        """The countdown of this scope now ends at `time`; None: never."""
        self._countdowns.pop(scope, None)
        if time is not None:
            self._countdowns[scope] = time
        self._plan()

    def refresh(self, time: int) -> None:
        """Marks are refreshed at `time`, unless that was planned already."""
        if self._refresh == NEVER:
            self._refresh = time
            self._plan()

    @property
    def has_refresh(self) -> bool:
        """Whether a refresh is planned."""
        return self._refresh != NEVER

    def take(self) -> Item:
        """The item that is due; it is off the agenda then."""
        item = self._first()
        if item is None:
            self._refresh, item = NEVER, Refresh()
        self._plan()
        return item

    def _first(self) -> Item | None:
        if self._expiries and self._expiries[0][0] <= self.due:
            return heapq.heappop(self._expiries)[2]
        for scope, time in self._countdowns.items():
            if time <= self.due:
                del self._countdowns[scope]
                return scope
        if self._requests and self._requests[0][0] <= self.due:
            return self._requests.popleft()[1]
        return None

    def _plan(self) -> None:
        due = self._refresh
        if self._requests and self._requests[0][0] < due:
            due = self._requests[0][0]
        if self._expiries and self._expiries[0][0] < due:
            due = self._expiries[0][0]
        if self._countdowns:
            due = min(due, *self._countdowns.values())
        self.due = due
