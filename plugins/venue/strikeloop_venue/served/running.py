"""A market and the accounts on it, running in wall time: paces the source, steps every machine, hands on what happens.

Owns virtual time and the order in which market and machines are stepped. Knows neither HTTP nor WebSockets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import anyio
import anyio.lowlevel
import attrs

from strikeloop import ContractSettled, Event, Filled, Traded
from strikeloop_venue.served.clock import PacedClock
from strikeloop_venue.served.market import BookChange, MarketBoard
from strikeloop_venue.served.member import Machine, Member
from strikeloop_venue.served.signing import Credentials

BATCH = 500
"""Steps taken before other tasks get their turn."""
SHORTEST_SLEEP_S = 0.001
LONGEST_SLEEP_S = 0.25


@attrs.define(eq=False)
class RunningVenue:
    """Drive `events` and the machines of its members by `clock`; call `publish_market` and `publish_account` for what comes of it."""

    events: Iterator[Event]
    clock: PacedClock
    market: MarketBoard
    members: list[Member] = attrs.field(factory=list)
    keys: dict[str, Credentials] = attrs.field(factory=dict)
    """The keys of every account."""
    publish_market: Callable[[Event, BookChange | None], None] = lambda event, change: None
    publish_account: Callable[[Member, Event], None] = lambda member, event: None
    now: int = attrs.field(init=False)
    """Virtual time up to which everything has happened."""
    is_paused: bool = False
    _pending: Event | None = attrs.field(init=False)
    _kick: anyio.Event = attrs.field(factory=anyio.Event, init=False)

    def __attrs_post_init__(self) -> None:
        self.now = self.clock.start
        self._pending = next(self.events, None)

    def join(self, credentials: Credentials, machine: Machine) -> Member:
        """One account more."""
        member = Member(credentials, machine, self)
        self.members.append(member)
        self.keys[credentials.key] = credentials
        return member

    def member(self, user_id: int) -> Member | None:
        """The account of this user."""
        return next((member for member in self.members if member.user_id == user_id), None)

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

    def kick(self) -> None:
        """Something may be due earlier than was thought."""
        self._kick.set()

    def _next_due(self) -> int | None:
        dues = [due for member in self.members if (due := member.machine.next_time()) is not None]
        if self._pending is not None:
            dues.append(self._pending.time)
        return min(dues, default=None)

    def _advance_to(self, due: int) -> None:
        """One step: the market events of that instant first, then what the machines make of them."""
        self.now = max(due, self.now)
        while self._pending is not None and self._pending.time <= due:
            event, self._pending = self._pending, next(self.events, None)
            for member in self.members:
                member.machine.on_market(event)
            self.publish_market(event, self.market.add(event))
        self._advance(self.now)

    def _advance(self, now: int) -> None:
        self.now = now
        for member in self.members:
            for event in member.machine.advance(now):
                self._take(member, event)

    def _take(self, member: Member, event: Event) -> None:
        member.take(event)
        self.publish_account(member, event)
        if isinstance(event, ContractSettled) and self.market.settle(event):
            self.publish_market(event, None)
        elif isinstance(event, Filled) and not event.is_maker:
            self._print(event)

    def _print(self, fill: Filled) -> None:
        """A member took: everybody sees the trade. One that a member made was in the market's own trades, or met nobody's order."""
        trade = Traded(time=self.now, received=self.now, contract=fill.contract, price=float(fill.price), size=float(fill.size))
        self.publish_market(trade, self.market.add(trade))
