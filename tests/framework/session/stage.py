"""One session, the time, and everything it said and asked for: what the session's tests are played on."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from itertools import pairwise
from random import Random
from typing import Any, TypeVar

import attrs

from strikeloop import (
    BalanceUpdated,
    ChannelRefused,
    ChannelSubscribed,
    ContractId,
    DecodeError,
    Event,
    Filled,
    LedgerPosted,
    OrderState,
    OrderUpdated,
    Origin,
    PositionUpdated,
)
from strikeloop.adapter import Channel, Decoded, Snapshot
from strikeloop.session import Action, Connect, FetchFills, FetchSnapshot, Session

D = Decimal
SECOND = 1_000_000_000
START = 1_780_272_000 * SECOND
CALL = ContractId.of("venue", "BTC-C")
PUT = ContractId.of("venue", "BTC-P")
ORDERS, FILLS, POSITIONS, BALANCES = "orders", "fills", "positions", "balances"
CHANNELS = (
    Channel(name=ORDERS, essential=True),
    Channel(name=FILLS, essential=True, reports_fills=True),
    Channel(name=POSITIONS),
)
QUIET = tuple(Channel(name=name, acknowledged=False, essential=name == ORDERS) for name in (ORDERS, POSITIONS))

HEARTBEAT = Decoded(channel="", is_heartbeat=True)

E = TypeVar("E", bound=Event)
A = TypeVar("A", bound=Action)


def order(state: OrderState = OrderState.OPEN, *, left: int | None = None, size: int = 10, **changes: Any) -> OrderUpdated:
    """An order of ours for 10 contracts, the venue's number 1."""
    told: dict[str, Any] = {"order_id": "1", "client_id": "t-a-1", "price": D(5), "contract": CALL, "time": 0, "received": 0}
    remaining = None if left is None else D(left)
    return OrderUpdated(**{**told, "state": state, "size": D(size), "left": remaining, **changes})


def fill(trade: str, size: int, **changes: Any) -> Filled:
    """An execution of order 1, as a stream tells it: by the venue's number only."""
    told: dict[str, Any] = {"order_id": "1", "price": D(5), "contract": CALL, "time": 0, "received": 0}
    return Filled(**{**told, "trade_id": trade, "size": D(size), **changes})


def position(size: int, **changes: Any) -> PositionUpdated:
    told: dict[str, Any] = {"contract": CALL, "entry_price": D(5), "realized_pnl": D(0), "time": 0, "received": 0}
    return PositionUpdated(**{**told, "size": D(size), **changes})


def balance(total: int, **changes: Any) -> BalanceUpdated:
    told: dict[str, Any] = {"adapter": "venue", "currency": "USDT", "available": D(total), "time": 0, "received": 0}
    return BalanceUpdated(**{**told, "total": D(total), **changes})


def posted(change: int, after: int, **changes: Any) -> LedgerPosted:
    told: dict[str, Any] = {"adapter": "venue", "currency": "USDT", "kind": "prem", "time": 0, "received": 0}
    return LedgerPosted(**{**told, "change": D(change), "balance": D(after), **changes})


class Stage:
    """A session of three channels, all acknowledged; seconds count from the start."""

    def __init__(self, channels: Iterable[Channel] = CHANNELS, *, port: str = "account", seed: int = 1, **options: Any) -> None:
        self.session = Session("venue", port, tuple(channels), Random(seed), **options)
        self.names = tuple(status.channel.name for status in self.session.channels)
        self.now = START
        self.events: list[Event] = []
        self.actions: list[Action] = []
        self.line = 0
        """The latest line that was asked for."""
        self.question: FetchFills | FetchSnapshot | None = None
        """What was asked last of the account's books."""

    # ---- what happens ----

    def at(self, seconds: float) -> Stage:
        """Let time pass up to `seconds` after the start, ten ticks a second."""
        end = START + round(seconds * SECOND)
        while self.now < end:
            self.now = min(end, self.now + SECOND // 10)
            self.session.tick(self.now)
            self.listen()
        return self

    def alive_until(self, seconds: float, line: int | None = None) -> Stage:
        """Let time pass with a heartbeat each second."""
        while self.now < START + round(seconds * SECOND):
            self.frame(HEARTBEAT, line)
            self.at(min(seconds, (self.now - START) / SECOND + 1))
        return self

    def begin(self) -> Stage:
        """The session begins; nothing stands yet."""
        self.session.start(self.now)
        return self.listen()

    def connect(self) -> Stage:
        """The link stands for the first time."""
        return self.begin().link()

    def link(self, line: int | None = None) -> Stage:
        """A line stands: this one, else the latest that was asked for."""
        self.session.connected(line or self.line, self.now)
        return self.listen()

    def lose(self, reason: str = "reset", *, is_auth: bool = False, line: int | None = None) -> Stage:
        self.session.lost(line or self.line, reason, self.now, is_auth=is_auth)
        return self.listen()

    def acknowledge(self, *names: str) -> Stage:
        for name in names or self.names:
            self.say(name, ChannelSubscribed(time=0, received=self.now, adapter="venue", channel=name))
        return self

    def refuse(self, *names: str, is_auth: bool = False) -> Stage:
        for name in names:
            self.say(
                name, ChannelRefused(time=0, received=self.now, adapter="venue", channel=name, code="4", message="no", is_auth=is_auth)
            )
        return self

    def refuse_only(self, *names: str) -> Stage:
        """The venue refuses these channels and acknowledges the others."""
        self.refuse(*names)
        others = [name for name in self.names if name not in names]
        return self.acknowledge(*others) if others else self

    def say(self, channel: str, *events: Event) -> Stage:
        """A frame comes on a channel."""
        return self.frame(Decoded(channel=channel, events=events))

    def frame(self, decoded: Decoded, line: int | None = None) -> Stage:
        """A frame comes on a line: this one, else the latest that was asked for."""
        self.session.receive(line or self.line, [decoded], self.now)
        return self.listen()

    def say_nothing(self) -> Stage:
        """A heartbeat comes."""
        return self.frame(HEARTBEAT)

    def garble(self, channel: str = POSITIONS) -> Stage:
        self.session.garbled(self.line, DecodeError("no JSON", channel=channel), self.now)
        return self.listen()

    def snapshot(self, *events: Event, complete: bool = True) -> Stage:
        """The answer to the last request for one."""
        told: dict[type[Event], list[Any]] = {OrderUpdated: [], PositionUpdated: [], BalanceUpdated: [], Filled: []}
        for event in events:
            told[type(event)].append(_listed(event))
        orders, positions, balances, fills = (tuple(told[kind]) for kind in (OrderUpdated, PositionUpdated, BalanceUpdated, Filled))
        books = Snapshot(time=self.now, received=self.now, orders=orders, positions=positions, balances=balances, complete=complete)
        if isinstance(self.question, FetchFills):
            self.trades(*fills)
        return self.books(books).trades(*fills)

    def trades(self, *fills: Event) -> Stage:
        """The answer to a question for fills."""
        self.session.fills(tuple(_listed(event) for event in fills), self.now)
        return self.listen()

    def books(self, snapshot: Snapshot) -> Stage:
        """The answer to a question for orders, positions and balances."""
        self.session.snapshot(snapshot)
        return self.listen()

    def snapshot_fails(self, reason: str = "502", *, is_auth: bool = False) -> Stage:
        self.session.snapshot_failed(reason, self.now, is_auth=is_auth)
        return self.listen()

    def ready(self, *events: Event) -> Stage:
        """Connected, acknowledged, reconciled, and everything up to here forgotten."""
        return self.connect().acknowledge().snapshot(*events).forget()

    def forget(self) -> Stage:
        """What was said and asked up to here is of no interest."""
        self.events.clear()
        self.actions.clear()
        return self

    # ---- what came of it ----

    def said(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    def asked(self, kind: type[A]) -> list[A]:
        return [action for action in self.actions if isinstance(action, kind)]

    @property
    def looks(self) -> int:
        """How many snapshots were begun: each begins with a list of fills that follows no books."""
        questions = [action for action in self.actions if isinstance(action, FetchFills | FetchSnapshot)]
        return sum(isinstance(one, FetchFills) and not isinstance(before, FetchSnapshot) for before, one in pairwise([None, *questions]))

    def listen(self) -> Stage:
        """Hear what the session has to say."""
        events, actions = self.session.take()
        self.events.extend(events)
        self.actions.extend(actions)
        self.line = max([self.line, *(action.line for action in actions if isinstance(action, Connect))])
        self.question = next((one for one in reversed(actions) if isinstance(one, FetchFills | FetchSnapshot)), self.question)
        return self


def _listed(event: Any) -> Any:
    return attrs.evolve(event, origin=Origin.SNAPSHOT)
