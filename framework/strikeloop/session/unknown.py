"""Orders whose outcome nobody told us: looked up until the venue knows them, or has not for long enough.

Owns `Unknown`: at least three look-ups over at least 30 s before an order is called ABSENT.
"""

from __future__ import annotations

import attrs

from strikeloop.clock import SECOND_NS
from strikeloop.contracts import ContractId
from strikeloop.events import OrderState, OrderUpdated, Origin

POLLS_NS = tuple(round(seconds * SECOND_NS) for seconds in (0.2, 1, 3, 10, 20, 31))


@attrs.define
class _Case:
    contract: ContractId
    update: OrderUpdated
    since: int
    polls: int = 0


class Unknown:
    """The open cases of one account port, oldest first."""

    def __init__(self) -> None:
        self._cases: dict[str, _Case] = {}

    def add(self, client_id: str, contract: ContractId, update: OrderUpdated, now: int) -> None:
        self._cases[client_id] = _Case(contract, update, now)

    def resolved(self, client_id: str) -> None:
        """The venue knows the order."""
        self._cases.pop(client_id, None)

    def due(self, now: int) -> list[tuple[str, ContractId]]:
        """The orders to look up now."""
        found = []
        for client_id, case in self._cases.items():
            if case.polls < len(POLLS_NS) and now - case.since >= POLLS_NS[case.polls]:
                case.polls += 1
                found.append((client_id, case.contract))
        return found

    def missed(self, client_id: str, now: int) -> OrderUpdated | None:
        """A look-up found nothing; the ABSENT update once that has been so often and long enough."""
        case = self._cases.get(client_id)
        if case is None or case.polls < len(POLLS_NS):
            return None
        del self._cases[client_id]
        return attrs.evolve(
            case.update,
            time=now,
            received=now,
            state=OrderState.ABSENT,
            origin=Origin.COMPUTED,
            reason=f"the venue did not know it in {case.polls} look-ups over {(now - case.since) // SECOND_NS} s",
        )
