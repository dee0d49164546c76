"""One account of the served venue: its keys, the machine that trades for it, and the waiting for its answers.

Owns what is particular to an account. All accounts trade on the same market, each with a machine of its own: they do
not see one another's orders. Time and the market are the venue's.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import anyio
import attrs

from strikeloop import BalanceUpdated, Command, Contract, Event, MmpTriggered, OrderUpdated, PortfolioRiskUpdated, PositionUpdated
from strikeloop.adapter import Mmp
from strikeloop_venue.agenda import Scope
from strikeloop_venue.served.account import AccountBook
from strikeloop_venue.served.market import MarketBoard
from strikeloop_venue.served.signing import Credentials

ANSWER_TIMEOUT_S = 10.0
FORGET_EVERY, MACHINE_KEEPS = 5_000, 2_000
"""After so many events a machine drops its history but for so many rows; `AccountBook` is what history is read from."""


class Machine(Protocol):
    """The venue as its own side sees it: commands come from outside, so nobody's review has approved them."""

    def on_market(self, event: Event) -> None: ...

    def accept(self, command: Command, now: int) -> None: ...

    def advance(self, now: int) -> Sequence[Event]: ...

    def next_time(self) -> int | None: ...

    def forget(self, keep: int) -> None: ...

    def count_down(self, now: int, timeout: int, scope: Scope = ...) -> int | None: ...

    def set_mmp(self, limits: Mmp) -> Mmp: ...

    def reset_mmp(self, underlying: str) -> Mmp | None: ...

    def mmp(self, underlying: str) -> Mmp | None: ...

    def account(self) -> BalanceUpdated: ...

    def positions(self) -> tuple[PositionUpdated, ...]: ...

    def contracts(self) -> tuple[Contract, ...]: ...


class Market(Protocol):
    """What an account needs of the venue it belongs to."""

    now: int
    market: MarketBoard

    def step(self) -> bool: ...

    def kick(self) -> None: ...


@attrs.define(eq=False)
class Answer:
    """The place where the answer to one command will be: the first state of its order that `settles` it."""

    settles: Callable[[OrderUpdated], bool]
    event: OrderUpdated | None = None
    arrived: anyio.Event = attrs.field(factory=anyio.Event)


@attrs.define(eq=False)
class Member:
    """An account of the venue. `book` is what it was told so far."""

    credentials: Credentials
    machine: Machine
    venue: Market
    book: AccountBook = attrs.field(factory=AccountBook)
    risk: PortfolioRiskUpdated | None = None
    """The last that the machine said of its portfolio."""
    frozen_at: dict[str, int] = attrs.field(factory=dict)
    """When market maker protection last froze quoting, by underlying."""
    _answers: dict[str, list[Answer]] = attrs.field(factory=dict, init=False)
    _taken: int = attrs.field(default=0, init=False)
    _client_ids: Iterator[int] = attrs.field(factory=lambda: itertools.count(1), init=False)

    @property
    def user_id(self) -> int:
        return self.credentials.user_id

    @property
    def market(self) -> MarketBoard:
        return self.venue.market

    @property
    def now(self) -> int:
        """Virtual time up to which everything has happened."""
        return self.venue.now

    def balance(self) -> BalanceUpdated:
        """Cash, margins and values at this moment."""
        self.venue.step()
        return self.machine.account()

    def positions(self) -> tuple[PositionUpdated, ...]:
        """Every position that is not flat, at this moment."""
        self.venue.step()
        return self.machine.positions()

    def next_client_id(self) -> str:
        """An id for an order whose sender gave it no text."""
        return f"api-{next(self._client_ids)}"

    def is_known(self, client_id: str) -> bool:
        """Whether an order with this id exists or is on its way."""
        return client_id in self.book.by_text or client_id in self._answers

    def count_down(self, timeout: int, scope: Scope) -> int | None:
        """Cancel the orders of a scope in `timeout` ns unless this is called again before; 0 disarms. Returns when."""
        self.venue.step()
        due = self.machine.count_down(self.venue.now, timeout, scope)
        self.venue.kick()
        return due

    def tell(self, command: Command) -> None:
        """Give the venue a command at this moment, without waiting."""
        self.venue.step()
        self.machine.accept(command, self.venue.now)
        self.venue.kick()

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

    def take(self, event: Event) -> None:
        """The machine said this: keep it, and answer who waits for it."""
        self.book.add(event, self._underlying_price(event))
        self._taken += 1
        if self._taken % FORGET_EVERY == 0:
            self.machine.forget(MACHINE_KEEPS)
        if isinstance(event, PortfolioRiskUpdated):
            self.risk = event
        if isinstance(event, MmpTriggered):
            self.frozen_at[event.underlying] = event.time
        if isinstance(event, OrderUpdated) and event.client_id is not None:
            self._settle(event, self._answers.get(event.client_id, []))

    def _settle(self, event: OrderUpdated, waiting: list[Answer]) -> None:
        for answer in waiting:
            if answer.event is None and answer.settles(event):
                answer.event = event
                answer.arrived.set()

    def _forget(self, client_id: str, answer: Answer) -> None:
        waiting = self._answers[client_id]
        waiting.remove(answer)
        if not waiting:
            del self._answers[client_id]

    def _underlying_price(self, event: Event) -> float:
        contract = self.market.specification(event.contract.name) if hasattr(event, "contract") else None
        return self.market.underlyings[contract.underlying].price if contract else 0.0
