"""The contracts of one adapter: which are listed, which ended, and who is spoken of without being listed.

Owns `Listing`, shared by the feed's and the account's session of an adapter, and `Strangers`. Venues list what can be
traded and are silent on what no longer can: contracts end by the clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from strikeloop.clock import SECOND_NS
from strikeloop.contracts import Contract, ContractId
from strikeloop.events import AlertRaised, ContractExpired, ContractListed, Event

REFRESH_NS = 60 * SECOND_NS
SOONEST_NS = SECOND_NS
PATIENCE_NS = 5 * SECOND_NS


class Listing:
    """What the venue listed so far."""

    def __init__(self) -> None:
        self.known: dict[ContractId, Contract] = {}
        """Every contract that was ever listed; to look at, not to change."""
        self._active: dict[ContractId, int] = {}
        self._next_expiry: int | None = None
        self._asked: int | None = None
        self.revision = 0
        """Counts the changes of `active`."""
        self.answered: int | None = None
        """When the venue last gave its list."""
        self.is_wanted = False
        """Whether somebody waits for a contract that is not on it."""

    def __contains__(self, contract: ContractId) -> bool:
        return contract in self.known

    @property
    def active(self) -> tuple[ContractId, ...]:
        """The contracts that can be traded, in the order in which they were listed."""
        return tuple(self._active)

    def is_due(self, now: int) -> bool:
        """Whether to ask for the list now; it is then taken as asked for."""
        if self._asked is not None and now - self._asked < (SOONEST_NS if self.is_wanted else REFRESH_NS):
            return False
        self._asked, self.is_wanted = now, False
        return True

    def listed(self, contracts: Iterable[Contract], now: int) -> list[Event]:
        """The venue's list; gives what of it is news."""
        self.answered = self._asked = now
        return self.learned(contracts, now)

    def learned(self, contracts: Iterable[Contract], now: int) -> list[Event]:
        """Some contracts as the venue describes them; gives what of it is news."""
        fresh = [contract for contract in contracts if self.known.get(contract.id) != contract]
        self.known.update({contract.id: contract for contract in fresh})
        self._change({**self._active, **{contract.id: contract.expiry for contract in fresh if contract.expiry > now}})
        return [ContractListed(time=now, received=now, contract=contract.id, specification=contract) for contract in fresh]

    def expired(self, now: int) -> list[Event]:
        """The contracts that ended by now, each once, in the order of their expiry."""
        if self._next_expiry is None or now < self._next_expiry:
            return []
        over = sorted((expiry, contract) for contract, expiry in self._active.items() if expiry <= now)
        self._change({contract: expiry for contract, expiry in self._active.items() if expiry > now})
        return [ContractExpired(time=expiry, received=now, contract=contract) for expiry, contract in over]

    def _change(self, active: dict[ContractId, int]) -> None:
        self.revision += active.keys() != self._active.keys()
        self._active, self._next_expiry = active, min(active.values(), default=None)


class Strangers:
    """Events of contracts that are not listed: held for the next list, and told all the same where it does not name them."""

    def __init__(self, adapter: str, listing: Listing, tell: Callable[[Event], None]) -> None:
        self._adapter, self._listing, self._tell = adapter, listing, tell
        self._held: dict[ContractId, list[Event]] = {}
        self._since: dict[ContractId, int] = {}
        self._accepted: dict[ContractId, None] = {}

    def pass_on(self, event: Event) -> None:
        """Tell an event whose contract is known, or that names none; hold another."""
        contract = getattr(event, "contract", None)
        if contract is None or contract in self._listing.known or contract in self._accepted:
            self._tell(event)
            return
        self._held.setdefault(contract, []).append(event)
        self._since.setdefault(contract, event.received)
        self._listing.is_wanted = True

    def tick(self, now: int) -> None:
        """Tell what waited long enough."""
        for contract, since in list(self._since.items()):
            is_listed, answered = contract in self._listing, self._listing.answered
            if not is_listed and now - since < PATIENCE_NS and (answered is None or answered <= since):
                continue
            if not is_listed:
                self._accepted[contract] = None
                text = f"{self._adapter} speaks of {contract}, which is not on its list: it cannot be valued or traded"
                self._tell(AlertRaised(time=now, received=now, source="session", topic="contract", text=text))
            del self._since[contract]
            for event in self._held.pop(contract):
                self._tell(event)
