"""What the client hears of a step, and when: after the response latency, in sequence on one connection.

Owns `Teller`: the outbox, and whether balance and risk are what was last told. What a step changed is collected by `Step`; what it
looks like from outside the account says.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

import attrs

from strikeloop import Event, MmpTriggered
from strikeloop.adapter import UNTIL_RESET
from strikeloop_venue.account import Account
from strikeloop_venue.agenda import NEVER
from strikeloop_venue.protection import Protection
from strikeloop_venue.rules import Rules
from strikeloop_venue.skimming import Skimmer
from strikeloop_venue.steps import Step


class Teller:
    """`want_refresh` asks for the next look at marks; `skimmer` is told what is not as it was, where rows are skimmed."""

    def __init__(self, rules: Rules, account: Account, protection: Protection, want_refresh: Callable[[], None]) -> None:
        self._rules, self._account, self._protection, self._want_refresh = rules, account, protection, want_refresh
        self._outbox: deque[Event] = deque()
        self._heard = 0
        self.skimmer: Skimmer | None = None
        self.is_untold = False
        """Whether balance and risk are not what was last told."""
        self.due = NEVER
        """When the client hears the next event."""

    def open(self, now: int) -> None:
        """The first thing a client hears, at once: the account."""
        account, received = self._account, self.received(now)
        margin = account.margin()
        self.tell(account.balance(margin, received), account.risk(margin, received, is_new_book=True))

    def finish(self, answer: Event | None = None, *, is_refresh: bool = False) -> None:
        """Tell what the step changed, if it changed anything, after the response latency."""
        account = self._account
        step = account.step
        if not step.has_news and answer is None and not is_refresh:
            return
        account.step = Step()
        if self.skimmer is not None:
            for order in step.orders:
                self.skimmer.stir(order.contract)
        if step.moved:
            self._want_refresh()
        now = account.now
        received = self.received(now + self._rules.latency.response(now))
        told: list[Event] = [*step.events(now, received)]
        account.ledger.record(told)
        if self._protection.triggered:
            told += self._freezes(received)
        if answer is not None:
            told.append(attrs.evolve(answer, received=received))
        if step.markets:
            self._tell_positions(step, received, told)
        if self._rules.reports_on_grid and not is_refresh:
            self.is_untold = True
            self._want_refresh()
        elif step.has_news or is_refresh:
            self.is_untold = False
            margin = account.margin()
            told += (account.balance(margin, received), account.risk(margin, received, is_new_book=step.moved))
        self.tell(*told)

    def tell(self, *events: Event) -> None:
        """These come next on the connection."""
        self._outbox.extend(events)
        if self._outbox:
            self.due = self._outbox[0].received

    def received(self, at: int) -> int:
        """Answers come in sequence: never earlier than the one before."""
        self._heard = max(self._heard, at)
        return self._heard

    def heard(self, now: int) -> Sequence[Event]:
        """What the client has received by `now`, in that order, each once."""
        if self.due > now:
            return ()
        outbox, events = self._outbox, []
        while outbox and outbox[0].received <= now:
            events.append(outbox.popleft())
        self.due = outbox[0].received if outbox else NEVER
        return events

    def _tell_positions(self, step: Step, received: int, told: list[Event]) -> None:
        told += [self._account.position(market, received) for market in step.markets.values()]
        for market in step.markets.values():
            market.told = market.figures
            market.look()
            if self.skimmer is not None:
                self.skimmer.stir(market.contract.id)

    def _freezes(self, received: int) -> list[MmpTriggered]:
        """Every freeze of this step."""
        triggered, self._protection.triggered = self._protection.triggered, []
        return [
            MmpTriggered(
                time=self._account.now,
                received=received,
                adapter=self._account.adapter,
                underlying=underlying,
                frozen_until=None if until == UNTIL_RESET else until,
            )
            for underlying, until in triggered
        ]
