"""One connection of a session: what is subscribed on it, whether it lives, and what it said before the account was confirmed.

Owns `Line`. It is made for one attempt and never used again; whether there is another is the session's business.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence

from strikeloop.adapter import Channel
from strikeloop.clock import SECOND_NS
from strikeloop.contracts import ContractId
from strikeloop.events import BalanceUpdated, Event, PortfolioRiskUpdated, PositionUpdated
from strikeloop.session.actions import Action, Connect, Drop, SendPing, Subscribe, Unsubscribe
from strikeloop.session.channels import Channels, ChannelState, Status

PING_NS = 4 * SECOND_NS
DEAD_NS = 9 * SECOND_NS
MOST_GARBLED = 10
GARBLED_WINDOW_NS = 60 * SECOND_NS
MOST_HELD = 10_000
STATES = (PositionUpdated, BalanceUpdated, PortfolioRiskUpdated)


class Line:
    """Connection `number`; what it wants done goes to `ask`. A line that `flows` passes events on, another one holds them."""

    def __init__(self, number: int, channels: Iterable[Channel], ask: Callable[[Action], None]) -> None:
        self.number, self.channels, self._ask = number, Channels(channels), ask
        self.is_open = self.is_ending = self.flows = False
        self.heard = self.opened_at = 0
        self._pinged = 0
        self._contracts: tuple[ContractId, ...] = ()
        self._garbled: deque[int] = deque(maxlen=MOST_GARBLED + 1)
        self._held: deque[Event] = deque()
        self._older = 0
        ask(Connect(number))

    # ---- the connection ----

    def opened(self, contracts: Sequence[ContractId], now: int) -> None:
        """The link stands: subscribe everything."""
        self.is_open, self.heard, self.opened_at, self._pinged = True, now, now, now
        self._contracts = tuple(contracts)
        for status in self.channels:
            self.subscribe(status, now)

    def end(self, reason: str) -> None:
        """This connection is of no more use: whatever it still brings confirms nothing."""
        if not self.is_ending:
            self.is_ending = True
            self._ask(Drop(self.number, reason))

    def tick(self, now: int) -> None:
        """Time passed: liveness, late acknowledgements, refused channels."""
        if not self.is_open or self.is_ending:
            return
        silent = now - self.heard
        if silent >= DEAD_NS:
            self.end(f"no byte came for {silent / SECOND_NS:.1f} s")
        elif silent >= PING_NS and now - self._pinged >= PING_NS:
            self._pinged = now
            self._ask(SendPing(self.number))
        for status in (*self.channels.overdue(now), *self.channels.retries(now)):
            if status.attempts >= 2:
                self.end(f"{status.channel.name} was not acknowledged")
                return
            self.subscribe(status, now)

    def garbled(self, now: int) -> None:
        """A frame could not be read; too many of them end the connection."""
        self._garbled.append(now)
        if len(self._garbled) > MOST_GARBLED and now - self._garbled[0] <= GARBLED_WINDOW_NS:
            self.end(f"more than {MOST_GARBLED} frames in a minute could not be read")

    # ---- subscriptions ----

    def subscribe(self, status: Status, now: int) -> None:
        """Ask for a channel."""
        self.channels.ask(status, now)
        self._ask(Subscribe(self.number, status.channel.name, self._contracts if status.channel.by_contract else ()))

    def follow(self, contracts: Sequence[ContractId]) -> None:
        """The list of contracts is this now: what names contracts is renewed by the difference.

        Where no list was known when the line opened, the adapter named what it knew.
        """
        if not self._contracts:
            self._contracts = tuple(contracts)
            return
        listed, known = dict.fromkeys(contracts), dict.fromkeys(self._contracts)
        fresh, dead = tuple(one for one in listed if one not in known), tuple(one for one in known if one not in listed)
        self._contracts = tuple(contracts)
        for status in self.channels:
            if not self.is_open or not status.channel.by_contract or status.state is ChannelState.REFUSED:
                continue
            if fresh:
                self._ask(Subscribe(self.number, status.channel.name, fresh))
            if dead:
                self._ask(Unsubscribe(self.number, status.channel.name, dead))

    # ---- what is held ----

    def hold(self, event: Event) -> None:
        """Keep an event until the account is confirmed; more than can be kept ends the connection, for nothing may be lost unseen."""
        self._held.append(event)
        if len(self._held) > MOST_HELD:
            self.end(f"more than {MOST_HELD} events came before the account was confirmed")

    def mark(self) -> None:
        """The books are asked for now: what is held so far was said before."""
        self._older = len(self._held)

    def held(self) -> Iterator[Event]:
        """Give back what was held, without the states that are older than the books."""
        older, self._older, held, self._held = self._older, 0, self._held, deque()
        return (event for index, event in enumerate(held) if index >= older or not isinstance(event, STATES))
