"""A market and its venue, running in wall time: paces the source, takes commands, hands on what happens.

Owns virtual time, the order in which market and venue are stepped, and the waiting for answers. Knows neither HTTP nor
WebSockets.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import anyio
import anyio.lowlevel
import attrs

from strikeloop import Command, Contract, ContractSettled, Event, OrderUpdated
from strikeloop.adapter import Snapshot
from strikeloop_venue.served.account import AccountBook
from strikeloop_venue.served.clock import PacedClock
from strikeloop_venue.served.market import BookChange, MarketBoard

BATCH = 500
"""Steps taken before other tasks get their turn."""
SHORTEST_SLEEP_S = 0.001
LONGEST_SLEEP_S = 0.25
ANSWER_TIMEOUT_S = 10.0


class Machine(Protocol):
    """The venue as its own side sees it: commands come from outside, so nobody's review has approved them."""

    def on_market(self, event: Event) -> None: ...

    def accept(self, command: Command, now: int) -> None: ...

    def advance(self, now: int) -> Sequence[Event]: ...

    def next_time(self) -> int | None: ...

    def snapshot(self, now: int) -> Snapshot: ...

    def contracts(self) -> tuple[Contract, ...]: ...


@attrs.define(eq=False)
class Answer:
    """The place where the answer to one command will be: the first state of its order that `settles` it."""

    settles: Callable[[OrderUpdated], bool]
    event: OrderUpdated | None = None
    arrived: anyio.Event = attrs.field(factory=anyio.Event)


@attrs.define(eq=False)
class RunningVenue:
    """Drive `events` and `machine` by `clock`; call `publish_market` and `publish_account` for what comes of it."""

    events: Iterator[Event]
    machine: Machine
    clock: PacedClock
    market: MarketBoard
    account: AccountBook = attrs.field(factory=AccountBook)
    publish_market: Callable[[Event, BookChange | None], None] = lambda event, change: None
    publish_account: Callable[[Event], None] = lambda event: None
    now: int = attrs.field(init=False)
    """Virtual time up to which everything has happened."""
    is_paused: bool = False
    timers: dict[str, tuple[int, Callable[[], None]]] = attrs.field(factory=dict)
    """What else is due at a virtual time, by name."""
    protections: dict[str, dict[str, Any]] = attrs.field(factory=dict)
    """Market maker protection as it was set, by underlying."""
    _pending: Event | None = attrs.field(init=False)
    _answers: dict[str, list[Answer]] = attrs.field(factory=dict, init=False)
    _kick: anyio.Event = attrs.field(factory=anyio.Event, init=False)
    _client_ids: Iterator[int] = attrs.field(factory=lambda: itertools.count(1), init=False)

    def __attrs_post_init__(self) -> None:
        self.now = self.clock.start
        self._pending = next(self.events, None)

    async def run(self) -> None:
        """Step for ever, as fast as the clock says."""
        while True:
            if not self.step():
                await anyio.lowlevel.checkpoint()
                continue
            due = self._next_due()
            wait = LONGEST_SLEEP_S if due is None else self.clock.until(due)
            with anyio.move_on_after(min(max(wait, SHORTEST_SLEEP_S), LONGEST_SLEEP_S)):
                await self._kick.wait()
            self._kick = anyio.Event()

    def step(self) -> bool:
        """Let everything happen that is due by now; False when there was more than one batch of it."""
        if self.is_paused:
            return True
        target = max(self.now, self.clock.now())
        for _ in range(BATCH):
            due = self._next_due()
            if due is None or due > target:
                self._advance(target)
                return True
            self._advance_to(due)
        return False

    async def ask(self, command: Command, settles: Callable[[OrderUpdated], bool]) -> OrderUpdated | None:
        """Give the venue a command and wait, through its latency, for a state of the order that settles it; None after 10 s."""
        answer = Answer(settles)
        self._answers.setdefault(command.client_id, []).append(answer)
        try:
            self.tell(command)
            with anyio.move_on_after(ANSWER_TIMEOUT_S):
                await answer.arrived.wait()
        finally:
            self._forget(command.client_id, answer)
        return answer.event

    def _forget(self, client_id: str, answer: Answer) -> None:
        waiting = self._answers[client_id]
        waiting.remove(answer)
        if not waiting:
            del self._answers[client_id]

    def is_known(self, client_id: str) -> bool:
        """Whether an order with this id exists or is on its way."""
        return client_id in self.account.by_text or client_id in self._answers

    def tell(self, command: Command) -> None:
        """Give the venue a command at this moment, without waiting."""
        self.step()
        self.machine.accept(command, self.now)
        self._kick.set()

    def snapshot(self) -> Snapshot:
        """The account at this moment."""
        self.step()
        return self.machine.snapshot(self.now)

    def next_client_id(self) -> str:
        """An id for an order whose sender gave it no text."""
        return f"api-{next(self._client_ids)}"

    def _next_due(self) -> int | None:
        dues = [due for due, _ in self.timers.values()]
        if self._pending is not None:
            dues.append(self._pending.time)
        venue_due = self.machine.next_time()
        if venue_due is not None:
            dues.append(venue_due)
        return min(dues, default=None)

    def _advance_to(self, due: int) -> None:
        """One step: the market events of that instant first, then what the venue makes of them, then timers."""
        self.now = max(due, self.now)
        while self._pending is not None and self._pending.time <= due:
            event, self._pending = self._pending, next(self.events, None)
            self.machine.on_market(event)
            self.publish_market(event, self.market.add(event))
        self._advance(self.now)
        for name, (time, action) in list(self.timers.items()):
            if time <= self.now:
                del self.timers[name]
                action()

    def _advance(self, now: int) -> None:
        self.now = now
        for event in self.machine.advance(now):
            self._take(event)

    def _take(self, event: Event) -> None:
        self.account.add(event, self._underlying_price(event))
        self.publish_account(event)
        if isinstance(event, ContractSettled) and self.market.settle(event):
            self.publish_market(event, None)
        if isinstance(event, OrderUpdated) and event.client_id is not None:
            self._settle(event, self._answers.get(event.client_id, []))

    def _settle(self, event: OrderUpdated, waiting: list[Answer]) -> None:
        for answer in waiting:
            if answer.event is None and answer.settles(event):
                answer.event = event
                answer.arrived.set()

    def _underlying_price(self, event: Event) -> float:
        contract = self.market.specification(event.contract.name) if hasattr(event, "contract") else None
        return self.market.underlyings[contract.underlying].price if contract else 0.0
