"""What the account's events go through before they are told: given our name, freed of repetitions, or held.

Owns `Release`, and with it the look-ups: of orders that nobody can name, of those whose outcome or filled size nobody
told, and of those that a snapshot misses. It never guesses what an order is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import attrs

from strikeloop.clock import SECOND_NS
from strikeloop.contracts import ContractId
from strikeloop.events import ORDER_EVENTS, AlertRaised, Event, Filled, LedgerPosted, OrderState, OrderUpdated, Origin, Severity
from strikeloop.session.actions import Find
from strikeloop.session.doubts import Doubts, is_vague
from strikeloop.session.executions import FillKey, fill_key
from strikeloop.session.identity import Identity
from strikeloop.session.truth import Truth
from strikeloop.session.unknown import Unknown

_COMPUTED = Origin.COMPUTED
LOOKUP_AFTER_NS = SECOND_NS
LOOKUP_AGAIN_NS = 10 * SECOND_NS
MOST_LOOKUPS = 1_000


class Release:
    """The way of one account port's events from `truth` to `tell`. Where fills are not reported, orders imply them."""

    def __init__(self, adapter: str, truth: Truth, tell: Callable[[Event], None], *, fills_reported: bool) -> None:
        self._adapter, self._truth, self.tell, self._fills_reported = adapter, truth, tell, fills_reported
        self.notes = truth.notes
        """What notes the kinds that are always news, and only have to be told."""
        self._identity, self._unknown, self.doubts = Identity(), Unknown(), Doubts()
        self._lookups: dict[str, int] = {}
        self._again: dict[Find, int] = {}
        self._counted: set[FillKey] = set()
        """Held fills that came with a snapshot, which has counted them already."""
        self._folds: dict[type[Event], Callable[[Any], bool]] = {
            **dict.fromkeys(ORDER_EVENTS, self._order_streamed),
            LedgerPosted: self._ledger_streamed,
        }

    # ---- events ----

    def streamed(self, event: Event) -> bool:
        """Tell what of an event is news, under our own order id where there is one. False where nothing new was said."""
        fold = self._folds.get(type(event))
        if fold is not None:
            return fold(event)
        note = self.notes.get(type(event))
        if note is not None:
            note(event)
        self.tell(event)
        return True

    def _order_streamed(self, event: OrderUpdated | Filled) -> bool:
        if event.client_id is None and self._identity.is_foreign(event.order_id):
            return self._pass(event)
        return self._is_named(event) and self._pass(self._identity.named(event))

    def _ledger_streamed(self, event: LedgerPosted) -> bool:
        return self._publish(self._truth.news(event))

    def merged(self, event: Event) -> None:
        """Tell what a snapshot changed. A listing names our orders, so one without a name is foreign, unless one of ours is on its way."""
        if isinstance(event, OrderUpdated) and not self._identity.waiting:
            self._name_foreign(event)
        if not isinstance(event, ORDER_EVENTS):
            self.tell(event)
        elif self._is_named(event):
            self._publish(self._identity.named(event))
        elif isinstance(event, Filled):
            self._counted.add(fill_key(event))

    # ---- orders on their way ----

    def submitted(self, client_id: str) -> None:
        self._identity.submitted(client_id)

    def answered(self, client_id: str, events: Iterable[Event]) -> None:
        """The venue's answer to a command."""
        self._identity.answered(client_id)
        for event in events:
            self.streamed(event)
            if isinstance(event, OrderUpdated) and event.state.is_terminal:
                self.doubts.over(event.order_id or "")

    def outcome_unknown(self, client_id: str, contract: ContractId, update: OrderUpdated, now: int) -> None:
        self._truth.forget(client_id)
        self._unknown.add(client_id, contract, update, now)
        self.tell(update)

    def found(self, find: Find, order: OrderUpdated | None, now: int) -> None:
        """The answer to a look-up: it names the order, or says that the venue does not know it."""
        if find.client_id is not None:
            self._identity.answered(find.client_id)
        if order is not None:
            self._name_foreign(order)
            if self._is_named(order):
                answer = attrs.evolve(self._identity.named(order), origin=Origin.SNAPSHOT)  # how it is now, whatever the stream said
                self._publish(self._truth.answer(answer))
                self._imply(answer)
        elif find.client_id is not None:
            self._missed(find.client_id, now)
        elif find.order_id is not None and not self._identity.waiting:
            self._identity.name_foreign(find.order_id)
            self._free(self._identity.release(find.order_id))
        said = self.doubts.answered(find.order_id or (order.order_id if order is not None else None) or "", order, now)
        if said is not None:
            self._publish(self._truth.news(said))
            self._imply(said)

    def find_failed(self, find: Find, now: int) -> None:
        """A look-up got no answer: ask again."""
        if find.client_id is not None and find.client_id in self._unknown:
            self._unknown.failed(find.client_id, now)
        else:
            self._again[find] = now + LOOKUP_AFTER_NS

    def due(self, now: int) -> list[Find]:
        """What to look up now."""
        finds = [find for find, at in self._again.items() if now >= at]
        for find in finds:
            del self._again[find]
        held = self._identity.held()
        if len(self._lookups) > MOST_LOOKUPS:
            self._lookups = {order_id: self._lookups[order_id] for _, order_id in held if order_id in self._lookups}
        for contract, order_id in held:
            if now >= self._lookups.get(order_id, 0):
                self._lookups[order_id] = now + LOOKUP_AGAIN_NS
                finds.append(Find(contract, None, order_id))
        finds.extend(self._unknown.due(now))
        return list(dict.fromkeys((*finds, *self.doubtful(now))))

    def doubtful(self, now: int) -> list[Find]:
        """What to look up at once, because the stream said only half of it."""
        return self.doubts.due(now)

    # ---- inside ----

    def _missed(self, client_id: str, now: int) -> None:
        """The venue does not know an order of ours: in the end it is ABSENT, also one that it knew before."""
        absent = self._unknown.missed(client_id, now)
        known = self._truth.open_order(client_id)
        if absent is not None:
            self.tell(absent)
        elif client_id not in self._unknown and known is not None:
            doubt = attrs.evolve(
                known, time=now, received=now, state=OrderState.UNKNOWN, origin=Origin.COMPUTED, reason="the venue no longer knows it"
            )
            self.outcome_unknown(client_id, known.contract, doubt, now)

    def _is_named(self, event: OrderUpdated | Filled) -> bool:
        """Whether it is known which order is meant; what is not waits until it is."""
        if self._identity.knows(event):
            freed = self._identity.learn(event)
            self._free(freed)
            return True
        self._identity.hold(event)
        self._lookups.setdefault(event.order_id or "", event.received + (LOOKUP_AFTER_NS if self._identity.waiting else 0))
        return False

    def _name_foreign(self, order: OrderUpdated) -> None:
        if order.client_id is None and order.order_id is not None:
            self._identity.name_foreign(order.order_id)

    def _free(self, held: Iterable[OrderUpdated | Filled]) -> None:
        for event in held:
            if isinstance(event, Filled) and fill_key(event) in self._counted:
                self._counted.remove(fill_key(event))
                self._publish(event)
            else:
                self._pass(event)

    def _pass(self, event: OrderUpdated | Filled) -> bool:
        """Tell what is news of an order; where nobody says how much of it is filled, that is looked up first."""
        if self._fills_reported:
            return self._publish(self._truth.news(event))
        if isinstance(event, Filled):
            is_told = event.synthetic and (event.order_id in self.doubts or self._truth.has_told(event.contract, event.order_id))
            return not is_told and self._publish(self._truth.news(event))
        if is_vague(event) and event.order_id is not None:
            if not self._truth.is_over(event.order_id):
                self.doubts.add(event)
            return False
        is_news = self._publish(self._truth.news(event))
        self._imply(event)
        return is_news

    def _imply(self, order: OrderUpdated) -> None:
        """Tell the fill that an order implies, where nobody else reports it."""
        fill = None if self._fills_reported else self._truth.implied(order)
        if fill is not None:
            self._publish(fill)

    def _publish(self, event: Event | None) -> bool:
        if event is None:
            return False
        self.tell(event)
        if isinstance(event, ORDER_EVENTS) and event.client_id is not None and event.origin is not _COMPUTED:
            self._is_evidence(event, event.client_id)
        return True

    def _is_evidence(self, event: OrderUpdated | Filled, client_id: str) -> None:
        in_doubt, was_absent = client_id in self._unknown, self._unknown.evidence(client_id)
        if isinstance(event, Filled) and (in_doubt or was_absent):
            self._again[Find(event.contract, client_id, event.order_id)] = event.received  # it exists; how it stands is to be asked
        if not was_absent:
            return
        text = f"{client_id} was given up as absent, and now {self._adapter} speaks of it"
        now = event.received
        self.tell(AlertRaised(time=now, received=now, source="session", topic="revived", text=text, severity=Severity.CRITICAL))
