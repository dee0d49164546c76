"""Orders on our accounts that no instance of this run placed: reported, and never touched.

Owns `ForeignOrders`. An order of an earlier run whose instance is gone, one of another strikeloop, and one of anybody else are
told apart by their client ids. It only looks at what the venue says of orders.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from strikeloop.clientids import parts_of
from strikeloop.clock import SECOND_NS
from strikeloop.contracts import ContractId
from strikeloop.engine import Engine
from strikeloop.events import AlertRaised, Event, OrderUpdated, Severity
from strikeloop.orders import Order

QUIET_NS = 60 * SECOND_NS
MOST_SEEN = 20_000
"""So many orders are remembered as seen, and those of them that are kept at all."""
NAMED = 5
ORPHAN, OTHER_RUN, FOREIGN = "orphan", "other-run", "foreign"
WORDS = {
    ORPHAN: "of instances that this run does not have still work on {adapter}; withdraw them with: strikeloop halt --cancel",
    OTHER_RUN: "on {adapter} were placed by another strikeloop, with a state directory of its own: two must not trade on one account",
    FOREIGN: "on {adapter} are of other hands and are left alone",
}


class ForeignOrders:
    """Of the accounts of `adapters` (it may grow); `tags` are those of this state directory's runs, the present one included.

    `newer` tells those that came later: whoever halts a run that hangs acts under a tag of its own.
    """

    def __init__(
        self, engine: Engine, adapters: Iterable[str], tags: Iterable[str], newer: Callable[[], Iterable[str]] = lambda: ()
    ) -> None:
        self._engine, self._adapters, self._tags, self._newer = engine, adapters, frozenset(tags), newer
        self._fresh: dict[tuple[str, str], dict[str, None]] = {}
        self._seen: set[str] = set()
        self._most_seen = MOST_SEEN
        self._quiet_until: dict[tuple[str, str], int] = {}

    def see(self, event: Event) -> None:
        """An event that the engine has folded."""
        if not isinstance(event, OrderUpdated) or event.contract.adapter not in self._adapters:
            return
        order = self._engine.orders.find(event)
        if order is None or order.instance or order.key in self._seen:
            return
        self._seen.add(order.key)
        if len(self._seen) > self._most_seen:
            self._forget()
        kind = self._kind(order)
        if order.is_working or (kind != ORPHAN and not _is_history(event)):
            self._fresh.setdefault((event.contract.adapter, kind), {})[order.client_id or order.key] = None

    def alerts(self, now: int) -> Sequence[AlertRaised]:
        """What people should know now: each kind at most once a minute."""
        due = [key for key in self._fresh if now >= self._quiet_until.get(key, 0)]
        self._quiet_until.update(dict.fromkeys(due, now + QUIET_NS))
        return [self._alert(key, list(self._fresh.pop(key)), now) for key in due]

    def foreign(self, adapter: str) -> tuple[Order, ...]:
        """The working orders of other hands; what earlier runs of this directory placed is not among them."""
        return tuple(
            order
            for order in self._engine.orders.working()
            if not order.instance and order.contract.adapter == adapter and self._kind(order) != ORPHAN
        )

    def in_underlying(self, adapter: str, underlying: str) -> bool:
        """Whether orders of other hands work in this underlying."""
        return any(self._underlying(order.contract) == underlying for order in self.foreign(adapter))

    def _underlying(self, contract: ContractId) -> str:
        known = self._engine.portfolio.contracts.get(contract)
        return "" if known is None else known.underlying

    def _kind(self, order: Order) -> str:
        tag, _ = parts_of(order.client_id)
        if not tag:
            return FOREIGN
        if tag not in self._tags:
            self._tags |= frozenset(self._newer())
        return ORPHAN if tag in self._tags else OTHER_RUN

    def _forget(self) -> None:
        """Of orders that are over only the last are kept, and of those that are forgotten nobody speaks any more."""
        self._seen = {key for key in self._seen if self._engine.orders.get(key) is not None}
        self._most_seen = max(MOST_SEEN, 2 * len(self._seen))

    @staticmethod
    def _alert(key: tuple[str, str], names: list[str], now: int) -> AlertRaised:
        adapter, kind = key
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        text = f"{len(names)} orders {WORDS[kind].format(adapter=adapter)} ({', '.join(names[:NAMED])}{more})"
        severity = Severity.CRITICAL if kind == OTHER_RUN else Severity.WARNING
        return AlertRaised(time=now, received=now, source="live", topic=kind, text=text, severity=severity)


def _is_history(event: OrderUpdated) -> bool:
    """Whether an order was over long before it was heard of: nobody works on the account with it now."""
    return event.received - (event.finished or event.time) > QUIET_NS
