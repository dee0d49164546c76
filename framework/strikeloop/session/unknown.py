"""Orders whose outcome nobody told us: looked up until the venue knows them, or has not for long enough.

Owns `Unknown`: at least three answered look-ups over at least 30 s before an order is called ABSENT. A look-up that
got no answer proves nothing. An ABSENT order is remembered, because the venue may still come up with it.
"""

from __future__ import annotations

from collections import OrderedDict

import attrs

from strikeloop.clock import SECOND_NS
from strikeloop.contracts import ContractId
from strikeloop.events import OrderState, OrderUpdated, Origin
from strikeloop.session.actions import Find

POLLS_NS = tuple(round(seconds * SECOND_NS) for seconds in (0.2, 1, 3, 10, 20, 31))
"""When an order is looked up, counted from the loss of its answer; later every LATER_NS."""
SOONEST_NS = SECOND_NS // 5
AGAIN_NS = SECOND_NS // 2
"""When a look-up that got no answer is made again."""
LATER_NS = 10 * SECOND_NS
MOST_ABSENT = 10_000
LEAST_MISSES = 3
LEAST_SPAN_NS = 30 * SECOND_NS


@attrs.define
class _Case:
    contract: ContractId
    update: OrderUpdated
    since: int
    next_at: int
    polls: int = 0
    asked: int | None = None
    """When the look-up now on its way began."""
    misses: int = 0
    first_miss: int = 0


class Unknown:
    """The open cases of one account port, oldest first."""

    def __init__(self) -> None:
        self._cases: dict[str, _Case] = {}
        self._absent: OrderedDict[str, None] = OrderedDict()

    def add(self, client_id: str, contract: ContractId, update: OrderUpdated, now: int) -> None:
        """Look this order up from now on; a second doubt of it takes nothing away from what the look-ups have shown so far."""
        case = self._cases.get(client_id)
        if case is None:
            self._cases[client_id] = _Case(contract, update, now, now + POLLS_NS[0])
        else:
            case.update, case.next_at = update, min(case.next_at, now + POLLS_NS[0])

    def __contains__(self, client_id: str) -> bool:
        return client_id in self._cases

    def evidence(self, client_id: str) -> bool:
        """The venue knows the order. True when it had been called ABSENT."""
        self._cases.pop(client_id, None)
        was_absent = client_id in self._absent
        self._absent.pop(client_id, None)
        return was_absent

    def due(self, now: int) -> list[Find]:
        """The orders to look up now, by the venue's id where it is known; one look-up of each at a time."""
        found = []
        for client_id, case in self._cases.items():
            if case.asked is None and now >= case.next_at:
                case.polls += 1
                case.asked = now
                planned = case.since + POLLS_NS[case.polls] if case.polls < len(POLLS_NS) else now + LATER_NS
                case.next_at = max(planned, now + SOONEST_NS)
                found.append(Find(case.contract, client_id, case.update.order_id))
        return found

    def failed(self, client_id: str, now: int) -> None:
        """A look-up got no answer: it does not count, and is made again soon."""
        case = self._cases.get(client_id)
        if case is not None:
            case.asked, case.next_at = None, min(case.next_at, now + AGAIN_NS)

    def missed(self, client_id: str, now: int) -> OrderUpdated | None:
        """A look-up found nothing; the ABSENT update once that has been so often and long enough."""
        case = self._cases.get(client_id)
        if case is None:
            return None
        asked = now if case.asked is None else case.asked
        case.first_miss = asked if case.misses == 0 else case.first_miss
        case.misses, case.asked = case.misses + 1, None
        span = asked - case.first_miss
        if case.misses < LEAST_MISSES or span < LEAST_SPAN_NS:
            case.next_at = min(case.next_at, max(case.first_miss + LEAST_SPAN_NS, now + SOONEST_NS))
            return None
        del self._cases[client_id]
        self._absent[client_id] = None
        if len(self._absent) > MOST_ABSENT:
            self._absent.popitem(last=False)
        return attrs.evolve(
            case.update,
            time=now,
            received=now,
            state=OrderState.ABSENT,
            origin=Origin.COMPUTED,
            reason=f"the venue did not know it in {case.misses} look-ups over {span // SECOND_NS} s",
        )
