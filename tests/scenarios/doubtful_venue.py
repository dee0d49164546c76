"""A venue that fails in every way a request can, a run that trades on it, and what must hold afterwards.

Owns `DoubtfulAccount`, whose books are the truth, and `play`, which runs one seed: requests are lost before or after they
act, arrive late, are answered late, twice or not at all, and the stream loses, repeats and reorders what it says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from random import Random
from typing import Any

import anyio
import attrs
from anyio.abc import TaskGroup

from strikeloop import (
    AlertRaised,
    AmendOrder,
    Approved,
    CancelOrder,
    Contract,
    ContractId,
    Event,
    Filled,
    LinkLostError,
    OptionKind,
    OrderRejectedError,
    OrderState,
    OrderUpdated,
    OutcomeUnknownError,
    PositionUpdated,
    SubmitOrder,
    VenueError,
)
from strikeloop.adapter import Channel, Snapshot
from strikeloop.clock import SECOND_NS
from strikeloop.engine import Engine, Plugin
from strikeloop.live import Live
from strikeloop.margin import Classic
from strikeloop.summary import Summary
from strikeloop.testing import ScriptedAccount, ScriptedAdapter
from strikeloop.testing.scripted import ACCOUNT_CHANNELS, START_NS
from strikeloop.testing.virtual import VirtualClock
from tests.framework.live.stage import Notes, Trader

D = Decimal
CALL = ContractId.of("venue", "BTC-C")
CONTRACT = Contract(
    id=CALL,
    underlying="BTC_USDT",
    kind=OptionKind.CALL,
    strike=D(70_000),
    expiry=START_NS + 86_400 * SECOND_NS,
    multiplier=D("0.01"),
    tick=D(1),
    mark_tick=D("0.1"),
    size_max=D(1_000),
)
TRADES = Channel(name="trades", essential=True, reports_fills=True)
TRADING_S = 40.0
ALL_S = 150.0
LATEST_ARRIVAL_S = 50.0
OVER = frozenset({OrderState.FILLED, OrderState.CANCELED, OrderState.EXPIRED})


class DoubtfulAccount(ScriptedAccount):
    """`orders` and `booked` are the venue's books; `posts` counts the submissions that reached it, `declined` those it turned down."""

    def __init__(self, channels: Sequence[Channel], clock: VirtualClock, random: Random, tasks: TaskGroup) -> None:
        super().__init__("venue", channels, clock)
        self.random, self.tasks, self.clock = random, tasks, clock
        self.posts: Counter[str] = Counter()
        self.declined: set[str] = set()
        self.canceled_at: dict[str, int] = {}
        self.heals_at = TRADING_S

    # ---- requests ----

    async def submit(self, order: Approved[SubmitOrder]) -> Sequence[Event]:
        command = order.command
        self.posts[command.client_id] += 1
        fate = self._draw(fine=4, refused=1, unsent=1, lost=1, unheard=2, hangs=1, late=2, mute=1)
        await self._travel()
        if fate == "refused":
            self.declined.add(command.client_id)
            raise OrderRejectedError("margin is short")
        if fate == "unsent":
            self.declined.add(command.client_id)
            raise LinkLostError("no route")
        if fate == "late":
            self.tasks.start_soon(self._arrive_late, command)
        if fate in ("lost", "late"):
            raise OutcomeUnknownError("reset")
        if fate == "mute":
            await anyio.sleep_forever()
        booked = self._accept(command)
        if fate == "unheard":
            raise OutcomeUnknownError("502")
        await (anyio.sleep_forever() if fate == "hangs" else self._travel())
        return (booked,)

    async def cancel(self, order: Approved[CancelOrder], order_id: str | None) -> Sequence[Event]:
        client_id = order.command.client_id
        fate = self._draw(fine=4, lost=1, unheard=2, hangs=1, mute=1)
        await self._travel()
        if fate == "lost":
            raise OutcomeUnknownError("503")
        if fate == "mute":
            await anyio.sleep_forever()
        known = self.orders.get(client_id)
        if known is None:
            raise OrderRejectedError("nobody knows it", code="ORDER_NOT_FOUND")
        if known.state.is_terminal:
            raise OrderRejectedError("it is over", code="ORDER_FINISHED")
        ended = self._note(attrs.evolve(known, state=OrderState.CANCELED, finish_as="cancelled"))
        if fate == "unheard":
            raise OutcomeUnknownError("reset")
        await (anyio.sleep_forever() if fate == "hangs" else self._travel())
        return (ended,)

    async def amend(self, order: Approved[AmendOrder], order_id: str | None) -> Sequence[Event]:
        command = order.command
        fate = self._draw(fine=4, lost=1, unheard=2, refused=1)
        await self._travel()
        known = self.orders.get(command.client_id)
        if fate == "lost":
            raise OutcomeUnknownError("reset")
        if known is None or known.state.is_terminal or fate == "refused":
            raise OrderRejectedError("too late")
        amended = self._note(attrs.evolve(known, price=command.price or known.price))
        if fate == "unheard":
            raise OutcomeUnknownError("reset")
        return (amended,)

    async def find(self, contract: ContractId, *, client_id: str | None = None, order_id: str | None = None) -> OrderUpdated | None:
        await self._travel()
        if self._is_ill(0.1):
            raise VenueError("502")
        return await super().find(contract, client_id=client_id, order_id=order_id)

    async def snapshot(self) -> Snapshot:
        await self._travel()
        if self._is_ill(0.2):
            raise VenueError("502")
        size = sum((fill.size for fill in self.booked), D(0))
        now = self.clock.now()
        self.positions = [PositionUpdated(time=now, received=now, contract=CALL, size=size, entry_price=D(5), realized_pnl=D(0))]
        return await super().snapshot()

    # ---- the market and the stream ----

    async def trade(self) -> None:
        """Fill what rests, now and then, as long as the test lasts."""
        while True:
            await anyio.sleep(self.random.uniform(0.1, 3))
            resting = [order for order in self.orders.values() if order.state is OrderState.OPEN]
            if resting:
                self._fill(self.random.choice(resting))

    def _fill(self, order: OrderUpdated) -> None:
        part = D(self.random.randint(1, int(order.left or 1)))
        left = (order.left or D(0)) - part
        now = self.clock.now()
        fill = Filled(
            time=now,
            received=now,
            contract=CALL,
            trade_id=str(len(self.booked) + 1),
            order_id=order.order_id or "",
            client_id=order.client_id if self.random.random() < 0.5 else None,
            size=part,
            price=D(5),
        )
        self.booked.append(fill)
        self._stream(fill)
        state = OrderState.OPEN if left else OrderState.FILLED
        self._note(attrs.evolve(order, left=left, state=state, fill_price=D(5), finish_as="" if left else "filled"))

    def _accept(self, command: SubmitOrder) -> OrderUpdated:
        booked = self.rest(command)
        self._stream(booked)
        return booked

    def _note(self, order: OrderUpdated) -> OrderUpdated:
        now = self.clock.now()
        order = attrs.evolve(order, time=now, received=now)
        self.orders[order.client_id or ""] = order
        if order.state is OrderState.CANCELED:
            self.canceled_at[order.client_id or ""] = now
        self._stream(order)
        return order

    def _stream(self, event: OrderUpdated | Filled) -> None:
        if isinstance(event, Filled) and TRADES not in self.channels:
            return
        for _ in range(self._times()):
            self.tasks.start_soon(self._say_later, event)

    def _times(self) -> int:
        """How often the stream says something: mostly once."""
        return 0 if self._is_ill(0.15) else 2 if self._is_ill(0.1) else 1

    async def _say_later(self, event: OrderUpdated | Filled) -> None:
        await anyio.sleep(self.random.uniform(0, 0.4))
        self.say("trades" if isinstance(event, Filled) else "orders", event)

    async def _arrive_late(self, command: SubmitOrder) -> None:
        await anyio.sleep(self.random.uniform(0.5, LATEST_ARRIVAL_S))
        self._accept(command)

    # ---- luck ----

    def _draw(self, **weights: int) -> str:
        return self.random.choices(list(weights), list(weights.values()))[0]

    def _is_ill(self, chance: float) -> bool:
        """Whether something goes wrong now; in the end the venue is well again."""
        return anyio.current_time() < self.heals_at and self.random.random() < chance

    async def _travel(self) -> None:
        await anyio.sleep(self.random.uniform(0.001, 0.3))


@attrs.define
class Verdict:
    """What one seed showed: `wrong` names every invariant that did not hold; times are in seconds."""

    orders: int = 0
    unknown: int = 0
    absent: int = 0
    revived: int = 0
    wrong: list[str] = attrs.field(factory=list)
    resolved_s: list[float] = attrs.field(factory=list)
    canceled_s: list[float] = attrs.field(factory=list)


class Play:
    """One run on one seed."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.verdict = Verdict()

    async def run(self) -> Verdict:
        clock, self.trader = VirtualClock(), Trader()
        self.engine = Engine([Plugin(name="trader", kind="strategy", plugin=self.trader)], margin=Classic(), tag="a")
        notes = Notes()
        live = Live(self.engine, clock=clock, summary=Summary(run="test", mode="live"), book=notes)
        self.live, self.clock = live, clock
        channels = ACCOUNT_CHANNELS if self.random.random() < 0.5 else (*ACCOUNT_CHANNELS, TRADES)
        async with anyio.create_task_group() as tasks:
            self.account = DoubtfulAccount(channels, clock, self.random, tasks)
            adapter = ScriptedAdapter([CONTRACT], clock=clock)
            adapter._account = self.account
            live.add_adapter(adapter, trade=True)
            tasks.start_soon(live.run)
            await self._until_started()
            tasks.start_soon(self.account.trade)
            await self._trade()
            await anyio.sleep(ALL_S - TRADING_S)
            self.judge()
            tasks.cancel_scope.cancel()
        return self.verdict

    async def _until_started(self) -> None:
        with anyio.fail_after(60):
            while not self.live.started:  # noqa: ASYNC110 - virtual time
                await anyio.sleep(0.1)

    async def _trade(self) -> None:
        """Orders, cancels and amendments at odd moments."""
        ids: list[str] = []
        end = anyio.current_time() + TRADING_S
        while anyio.current_time() < end:
            await anyio.sleep(self.random.uniform(0, 4))
            what = self.random.random()
            if what < 0.5 or not ids:
                self._do(lambda desk: ids.append(desk.buy(CALL, self.random.randint(1, 5), self.random.randint(1, 9))))
            elif what < 0.85:
                self._do(lambda desk: desk.cancel(self.random.choice(ids)))
            else:
                self._do(lambda desk: desk.amend(self.random.choice(ids), price=self.random.randint(1, 9)))

    def _do(self, action: Any) -> None:
        self.trader.todo.append(action)
        now = self.clock.now()
        self.live.deliver((AlertRaised(time=now, received=now, source="test", topic="go", text="go"),))

    # ---- afterwards ----

    def judge(self) -> None:
        verdict, account = self.verdict, self.account
        ours = {order.key: order for order in self.engine.orders}
        verdict.orders = len(ours)
        verdict.wrong += [f"{name} was sent {count} times" for name, count in account.posts.items() if count > 1]
        verdict.wrong += [f"{name} works at the venue, and we do not know it" for name in account.orders if name not in ours]
        for key, order in ours.items():
            verdict.wrong += self._compare(key, order)
        position = self.engine.portfolio.position(CALL)
        held, filled = D(0) if position is None else position.size, sum((fill.size for fill in account.booked), D(0))
        mine = sum(instance.desk.mine.get(CALL, D(0)) for instance in self.engine.instances)
        if not held == filled == mine:
            verdict.wrong.append(f"position {held}, own fills {mine}, at the venue {filled}")
        self._measure()

    def _compare(self, key: str, order: Any) -> list[str]:
        truth = self.account.orders.get(key)
        if truth is None:
            good = OrderState.REJECTED if key in self.account.declined else OrderState.ABSENT
            never_sent = key not in self.account.posts and order.state is OrderState.REJECTED
            return [] if order.state is good or never_sent else [f"{key} never came to the venue and is {order.state.value}"]
        ours, theirs = (order.state, order.filled, order.price), (truth.state, truth.filled, truth.price)
        return [] if ours == theirs else [f"{key} is {ours}, at the venue {theirs}"]

    def _measure(self) -> None:
        """How long orders were in doubt, and how long after a cancel took effect at the venue it did here."""
        doubted: dict[str, int] = {}
        ended: dict[str, int] = {}
        for event in self.trader.heard:
            if not isinstance(event, OrderUpdated) or event.client_id is None:
                continue
            if event.state is OrderState.UNKNOWN:
                doubted.setdefault(event.client_id, event.received)
                self.verdict.unknown += 1
                continue
            since = doubted.pop(event.client_id, None)
            if since is not None:
                self.verdict.resolved_s.append((event.received - since) / SECOND_NS)
            self.verdict.absent += event.state is OrderState.ABSENT
            if event.state in OVER:
                ended.setdefault(event.client_id, event.received)
        self.verdict.revived = sum(isinstance(event, AlertRaised) and event.topic == "revived" for event in self.trader.heard)
        for client_id, at in self.account.canceled_at.items():
            if client_id in ended:
                self.verdict.canceled_s.append((ended[client_id] - at) / SECOND_NS)
