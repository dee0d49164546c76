"""A venue's books, a stream that may lose frames, and one session that listens: all in virtual time, in one thread.

Two shapes of stream: "gate" tells orders with what is left, every execution, positions and ledger entries; "seed" tells
orders without what is left, positions and balances, acknowledges nothing and reports no executions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from random import Random
from typing import Any

import attrs

from strikeloop import (
    BalanceUpdated,
    ChannelSubscribed,
    ContractId,
    Event,
    Filled,
    LedgerPosted,
    OrderState,
    OrderUpdated,
    Origin,
    PositionUpdated,
    SubmitOrder,
)
from strikeloop.adapter import Channel, Decoded, Snapshot
from strikeloop.orders import Orders
from strikeloop.session import Connect, Drop, FetchFills, FetchSnapshot, Find, SendPing, Session, Subscribe

D = Decimal
SECOND = 1_000_000_000
START = 1_780_272_000 * SECOND
RTT = SECOND // 20
CALL = ContractId.of("venue", "BTC-C")
PUT = ContractId.of("venue", "BTC-P")
GATE = (
    Channel(name="orders", essential=True),
    Channel(name="fills", essential=True, reports_fills=True),
    Channel(name="positions", essential=True),
    Channel(name="balances"),
)
SEED = tuple(Channel(name=name, acknowledged=False, essential=name != "balances") for name in ("positions", "orders", "balances"))
Frame = tuple[str, Event]


class Books:
    """What the venue knows: the truth."""

    def __init__(self, shape: str) -> None:
        self.shape = shape
        self.orders: dict[str, OrderUpdated] = {}
        self.fills: list[Filled] = []
        self.sizes: dict[ContractId, Decimal] = {}
        self.cash = D(100_000)
        self._placed = 0

    @property
    def open(self) -> list[OrderUpdated]:
        return [order for order in self.orders.values() if order.state is OrderState.OPEN]

    def place(self, client_id: str, contract: ContractId, size: int, now: int) -> OrderUpdated:
        self._placed += 1
        number = str(self._placed)
        order = OrderUpdated(
            time=now, received=now, contract=contract, client_id=client_id, order_id=number, state=OrderState.OPEN,
            size=D(size), left=D(size), price=D(5),
        )  # fmt: skip
        self.orders[number] = order
        return order

    def fill(self, order: OrderUpdated, size: int, now: int) -> list[Frame]:
        """A part of an order trades; the frames that tell it."""
        sign = 1 if order.size > 0 else -1
        done = min(D(size), abs(order.left or D(0))) * sign
        left = (order.left or D(0)) - done
        state = OrderState.OPEN if left else OrderState.FILLED
        self.orders[order.order_id or ""] = order = attrs.evolve(order, left=left, state=state, fill_price=D(5), time=now)
        fill = Filled(
            time=now, received=now, contract=order.contract, trade_id=str(len(self.fills) + 1), order_id=order.order_id or "",
            size=done, price=D(5),
        )  # fmt: skip
        self.fills.append(fill)
        self.sizes[order.contract] = self.sizes.get(order.contract, D(0)) + done
        self.cash -= done * 5
        ledger = LedgerPosted(
            time=now, received=now, adapter="venue", currency="USDT", change=-done * 5, balance=self.cash, kind="prem", text=fill.trade_id
        )
        position = self.position(order.contract, now)
        if self.shape == "gate":
            return [("orders", self.told(order)), ("fills", fill), ("positions", position), ("balances", ledger)]
        return [("orders", self.told(order)), ("positions", position), ("balances", self.balance(now))]

    def cancel(self, order: OrderUpdated, now: int) -> list[Frame]:
        self.orders[order.order_id or ""] = gone = attrs.evolve(order, state=OrderState.CANCELED, time=now, finish_as="cancelled")
        return [("orders", self.told(gone))]

    def told(self, order: OrderUpdated) -> OrderUpdated:
        """An order as the stream tells it."""
        return order if self.shape == "gate" else attrs.evolve(order, left=None, client_id=None)

    def position(self, contract: ContractId, now: int) -> PositionUpdated:
        return PositionUpdated(
            time=now, received=now, contract=contract, size=self.sizes.get(contract, D(0)), entry_price=D(5), realized_pnl=D(0)
        )

    def balance(self, now: int) -> BalanceUpdated:
        return BalanceUpdated(time=now, received=now, adapter="venue", currency="USDT", total=self.cash, available=self.cash)

    def snapshot(self, now: int) -> Snapshot:
        positions = tuple(self.position(contract, now) for contract, size in self.sizes.items() if size)
        return Snapshot(
            time=now, received=now, orders=_listed(self.open), positions=_listed(positions), balances=_listed([self.balance(now)])
        )


class World:
    """One session before the books, with a clock that only this world moves. `lose` decides on each frame of the stream."""

    def __init__(self, shape: str, random: Random, *, tick: int = SECOND // 10) -> None:
        self.books, self.random, self.now, self._tick = Books(shape), random, START, tick
        self.session = Session("venue", "account", GATE if shape == "gate" else SEED, random)
        self.lose: Callable[[Frame], bool] = lambda _: False
        self.requests = self.connects = 0
        self.said: list[Event] = []
        self.orders, self.sizes, self.filled = Orders(), dict[ContractId, Decimal](), dict[str, Decimal]()
        self.cash: Decimal | None = None
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        self._line, self._count = 0, 0
        self.session.start(self.now)
        self._act()

    # ---- what happens at the venue ----

    def place(self, contract: ContractId = CALL, size: int = 10) -> OrderUpdated:
        """We place an order, and the venue's answer comes."""
        self._count += 1
        client_id = f"t-a-{self._count}"
        self.orders.pending(SubmitOrder(client_id=client_id, contract=contract, size=D(size), price=D(5)), "a", self.now)
        self.orders.sent(client_id, self.now)
        self.session.submitted(client_id)
        order = self.books.place(client_id, contract, size, self.now)
        self.session.answered(client_id, [order], self.now)
        self.tell([("orders", self.books.told(order))])
        return order

    def tell(self, frames: Sequence[Frame]) -> None:
        """These frames leave the venue; those that are not lost arrive at once."""
        for channel, event in frames:
            if not self.lose((channel, event)):
                self.session.receive(self._line, [Decoded(channel=channel, events=(attrs.evolve(event, received=self.now),))], self.now)
                self._act()

    def disconnect(self, reason: str = "reset") -> None:
        if self._line:
            line, self._line = self._line, 0
            self.session.lost(line, reason, self.now)
            self._act()

    # ---- time ----

    def pass_s(self, seconds: float) -> World:
        """Let time pass."""
        end = self.now + round(seconds * SECOND)
        while self.now < end:
            self.step(end)
        return self

    def step(self, end: int | None = None) -> None:
        """Let one tick pass, and what is due in it happen in order."""
        until = min(self.now + self._tick, end or self.now + self._tick)
        while self._due and min(self._due)[0] <= until:
            self._due.sort()
            at, _, action = self._due.pop(0)
            self.now = max(self.now, at)
            action()
            self._act()
        self.now = until
        self.session.tick(self.now)
        self._act()

    def until_equal(self, limit_s: float) -> float:
        """Let time pass until we know what the venue knows; gives how long that took, in s."""
        begun = self.now
        while not self.is_equal:
            self.step()
            if self.now - begun > limit_s * SECOND:
                raise AssertionError(f"after {limit_s} s: {self.differences()}")
        return (self.now - begun) / SECOND

    # ---- what we know ----

    @property
    def is_equal(self) -> bool:
        return not self.differences()

    def differences(self) -> list[str]:
        """What we believe, where the venue knows better."""
        found = []
        for number, theirs in self.books.orders.items():
            ours = self.orders.by_order_id("venue", number)
            if ours is None or (ours.state, ours.filled) != (theirs.state, theirs.filled):
                found.append(f"order {number}: {None if ours is None else (ours.state, ours.filled)}, not {(theirs.state, theirs.filled)}")
            if theirs.filled != self.filled.get(number, D(0)):
                found.append(f"fills of {number}: {self.filled.get(number)}, not {theirs.filled}")
        sizes = {contract: (self.sizes.get(contract, D(0)), self.books.sizes.get(contract, D(0))) for contract in (CALL, PUT)}
        found += [f"{contract}: {ours}, not {theirs}" for contract, (ours, theirs) in sizes.items() if ours != theirs]
        return [*found, *([] if self.cash == self.books.cash else [f"cash {self.cash}, not {self.books.cash}"])]

    def forget_closed(self) -> None:
        """Orders that are over at both sides are of no more interest."""
        over = [number for number, order in self.books.orders.items() if order.state.is_terminal]
        for number in over[:-1]:
            del self.books.orders[number]

    # ---- inside ----

    def _act(self) -> None:
        while True:
            events, actions = self.session.take()
            if not events and not actions:
                return
            for event in events:
                self._fold(event)
            for action in actions:
                self._carry_out(action)

    def _fold(self, event: Event) -> None:
        match event:
            case OrderUpdated():
                self.orders.apply(event)
            case Filled():
                self.orders.apply(event)
                self.filled[event.order_id] = self.filled.get(event.order_id, D(0)) + event.size
            case PositionUpdated():
                self.sizes[event.contract] = event.size
            case BalanceUpdated():
                self.cash = event.total
            case LedgerPosted():
                self.cash = event.balance
            case _:
                self.said.append(event)

    def _carry_out(self, action: object) -> None:
        match action:
            case Connect(line):
                self.connects += 1
                self._later(lambda: self._connected(line))
            case Drop(_, reason):
                self._later(lambda: self.disconnect(reason))
            case Subscribe(line, channel) if self.books.shape == "gate":
                answer = ChannelSubscribed(time=0, received=0, adapter="venue", channel=channel)
                self._later(lambda: self.session.receive(line, [Decoded(channel=channel, events=(answer,))], self.now))
            case SendPing(line):
                self._later(lambda: self.session.alive(line, self.now))
            case FetchFills(since):
                self._ask(lambda: _listed(fill for fill in self.books.fills if fill.time >= since), self.session.fills)
            case FetchSnapshot():
                self._ask(lambda: self.books.snapshot(self.now), lambda snapshot, _: self.session.snapshot(snapshot))
            case Find(_, client_id, order_id):
                self._ask(lambda: self._found(client_id, order_id), lambda order, now: self.session.found(action, order, now))

    def _connected(self, line: int) -> None:
        self._line = line
        self.session.connected(line, self.now)

    def _found(self, client_id: str | None, order_id: str | None) -> OrderUpdated | None:
        same = [o for o in self.books.orders.values() if order_id in (None, o.order_id) and client_id in (None, o.client_id)]
        return attrs.evolve(same[0], origin=Origin.SNAPSHOT, received=self.now) if same else None

    def _ask(self, question: Callable[[], Any], answer: Callable[[Any, int], None]) -> None:
        """The venue reads its books half-way, and the answer needs as long back."""
        self.requests += 1

        def read() -> None:
            found = question()
            self._later(lambda: answer(found, self.now), RTT // 2)

        self._later(read, RTT // 2)

    def _later(self, action: Callable[[], None], after: int = RTT) -> None:
        self._count += 1
        self._due.append((self.now + after, self._count, action))


def _listed(events: Any) -> tuple[Any, ...]:
    return tuple(attrs.evolve(event, origin=Origin.SNAPSHOT) for event in events)
