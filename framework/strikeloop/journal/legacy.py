"""What earlier live runs of a state directory left at the venue, so that the next one can take it over.

Owns `Legacy`: orders without a known end, and up to when the account is known. Each run writes what it inherits into its
header, so that only the last journal is ever read. It asks no venue; what became of the orders is the driver's to find out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import attrs

from strikeloop.clientids import parts_of
from strikeloop.clock import SECOND_NS
from strikeloop.commands import SubmitOrder
from strikeloop.contracts import ContractId
from strikeloop.encoding import described
from strikeloop.errors import StorageError
from strikeloop.events import ContractSettled, Event, Filled, OrderState, OrderUpdated, Origin
from strikeloop.journal.store import Journal
from strikeloop.settings import command_from_record, event_from_record

FILLS_NS = 120 * SECOND_NS
"""How far back before the last known moment fills are asked for once more: by then they have reached everybody."""
KEPT_NS = 5 * FILLS_NS
"""How far back what was told is kept: well beyond what is asked for once more, so that nothing of it is told twice."""
SETTLEMENTS_NS = 24 * 3600 * SECOND_NS
"""The same of settlements, which venues may post long after the expiry they are dated by."""
ZERO = Decimal(0)

FillKey = tuple[str, str, str, str]
"""(adapter, contract, trade id, order id)"""


@attrs.frozen
class Intent:
    """An order that was meant to leave and whose end is not known: `state`, `left` and `order_id` are the last that was heard.

    `filled` is the signed sum of its fills that were told, `paid` that of their size · price.
    """

    instance: str
    approved: int
    order: SubmitOrder
    state: OrderState = OrderState.PENDING
    order_id: str | None = None
    left: Decimal | None = None
    filled: Decimal = ZERO
    paid: Decimal = ZERO


@attrs.frozen(kw_only=True)
class Legacy:
    """`begun` is when the first live run of the directory began, None where there was none; `since` is up to when the account is known.

    Both are ns UTC. `fills` and `settled` are what was told of the time that is asked for once more.
    """

    begun: int | None = None
    since: int = 0
    intents: tuple[Intent, ...] = ()
    fills: Mapping[FillKey, int] = attrs.field(factory=dict)
    """The venue's time of each."""
    settled: Mapping[ContractId, int] = attrs.field(factory=dict)
    """The venue's time of each."""

    def record(self) -> dict[str, Any]:
        """JSON types, for a header."""
        return {
            "begun": self.begun,
            "since": self.since,
            "intents": [_intent_record(intent) for intent in self.intents],
            "fills": [[*key, time] for key, time in self.fills.items()],
            "settled": [[contract.adapter, contract.name, time] for contract, time in self.settled.items()],
        }


def joined(last: Legacy, beside: Legacy, tag: str) -> Legacy:
    """What `last` leaves, a run with this `tag` that acted beside another one which went on: what either told is told.

    Of the orders that both inherited those are in doubt that both do not know the end of.
    """
    doubtful = {intent.order.client_id for intent in beside.intents}
    ours = (intent for intent in last.intents if intent.order.client_id in doubtful or parts_of(intent.order.client_id)[0] == tag)
    return attrs.evolve(
        last,
        since=max(last.since, beside.since),
        intents=tuple(ours),
        fills={**beside.fills, **last.fills},
        settled={**beside.settled, **last.settled},
    )


def legacy_of(journal: Journal) -> Legacy:
    """What the run of this journal leaves, what it inherited itself included. Raises StorageError."""
    header = journal.header()
    before = _read(header.get("legacy") or {})
    account = _Account(
        {intent.order.client_id: intent for intent in before.intents}, dict(before.fills), dict(before.settled), before.since
    )
    for row in journal.rows("intent"):
        if row.body.get("command") == SubmitOrder.__name__:
            account.intents[row.key] = Intent(row.body["instance"], row.body["approved"], _order(row.body))
    for row in journal.events("OrderUpdated", "Filled", "ContractSettled", "BalanceUpdated"):
        account.see(event_from_record(row.body))
    began = header.get("began")
    return Legacy(
        begun=before.begun if before.begun is not None else began,
        since=account.since,
        intents=tuple(intent for intent in account.intents.values() if not intent.state.is_terminal),
        fills={key: time for key, time in account.fills.items() if time >= account.since - KEPT_NS},
        settled={contract: time for contract, time in account.settled.items() if time >= account.since - SETTLEMENTS_NS - KEPT_NS},
    )


@attrs.define
class _Account:
    """The fold of one journal."""

    intents: dict[str, Intent]
    fills: dict[FillKey, int]
    settled: dict[ContractId, int]
    since: int

    def see(self, event: Event) -> None:
        if getattr(event, "origin", Origin.COMPUTED) in (Origin.VENUE, Origin.SNAPSHOT):
            self.since = max(self.since, event.time)
        match event:
            case OrderUpdated(client_id=str(client_id)) if client_id in self.intents:
                self.intents[client_id] = _heard(self.intents[client_id], event)
            case Filled():
                self._filled(event)
            case ContractSettled():
                self.settled[event.contract] = event.time

    def _filled(self, fill: Filled) -> None:
        self.fills[(fill.contract.adapter, fill.contract.name, fill.trade_id, fill.order_id)] = fill.time
        intent = self.intents.get(fill.client_id or "")
        if intent is not None:
            self.intents[intent.order.client_id] = attrs.evolve(
                intent, order_id=fill.order_id, filled=intent.filled + fill.size, paid=intent.paid + fill.size * fill.price
            )


def _heard(intent: Intent, event: OrderUpdated) -> Intent:
    """An end that was told stands; only an order that was called absent may come back."""
    if intent.state.is_terminal and intent.state is not OrderState.ABSENT:
        return intent
    left = intent.left if event.left is None else event.left
    return attrs.evolve(intent, state=event.state, order_id=event.order_id or intent.order_id, left=left)


# ---- records -------------------------------------------------------------------------------------------------------


def _intent_record(intent: Intent) -> dict[str, Any]:
    return {
        "instance": intent.instance,
        "approved": intent.approved,
        "state": intent.state.value,
        "order_id": intent.order_id,
        "left": None if intent.left is None else str(intent.left),
        "filled": str(intent.filled),
        "paid": str(intent.paid),
        **described(intent.order),
    }


def _order(body: Mapping[str, Any]) -> SubmitOrder:
    ours = ("instance", "approved", "state", "order_id", "left", "filled", "paid")
    order = command_from_record({key: value for key, value in body.items() if key not in ours})
    if not isinstance(order, SubmitOrder):
        raise StorageError(f"a journal holds {type(order).__name__} where an order was to be")
    return order


def _read(record: Mapping[str, Any]) -> Legacy:
    return Legacy(
        begun=record.get("begun"),
        since=record.get("since", 0),
        intents=tuple(_read_intent(body) for body in _list(record, "intents")),
        fills={(adapter, contract, trade, order): time for adapter, contract, trade, order, time in _list(record, "fills")},
        settled={ContractId.of(adapter, contract): time for adapter, contract, time in _list(record, "settled")},
    )


def _list(record: Mapping[str, Any], key: str) -> Iterable[Any]:
    found: Iterable[Any] = record.get(key, ())
    return found


def _read_intent(body: Mapping[str, Any]) -> Intent:
    left = body["left"]
    return Intent(
        body["instance"],
        body["approved"],
        _order(body),
        OrderState(body["state"]),
        body["order_id"],
        None if left is None else Decimal(left),
        Decimal(body["filled"]),
        Decimal(body["paid"]),
    )
