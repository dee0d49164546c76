"""A small market and a venue that answers at once, told to one strategy by hand: what StrategyContract plays on.

Owns `House`. It is the same for the same seed, in any process; what goes wrong in it is what the check asks for. It needs
no simulated venue.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from random import Random
from typing import Any, Literal

import attrs

from strikeloop import events as e
from strikeloop.clock import SECOND_NS
from strikeloop.commands import AmendOrder, CancelOrder, Command, SubmitOrder
from strikeloop.contracts import DAY_NS, Contract, ContractId, OptionKind
from strikeloop.engine import Engine, Plugin, Step
from strikeloop.margin import Classic
from strikeloop.pricing import of_contract
from strikeloop.testing.factories import contract, event
from strikeloop.testing.scripted import START_NS

D = Decimal
Answer = Literal["fills", "rests", "rejects", "unknown", "twice", "early"]
Market = Literal["moves", "silent", "one-sided", "wild"]
STEP_NS = 10 * SECOND_NS
ADAPTER = "house"


@attrs.frozen(kw_only=True)
class World:
    """What the house does: how it answers orders, what its market is like, and what else happens."""

    answer: Answer = "fills"
    market: Market = "moves"
    is_listed: bool = True
    has_gaps: bool = False
    refuses: bool = False
    has_other_hands: bool = False
    has_expiry: bool = False
    steps: int = 60
    seed: int = 7


class House:
    """Plays one strategy object through a world. `commands` is all it asked for that was approved, `inputs` what it was told."""

    def __init__(self, strategy: Any, underlying: str, world: World, *, memory: dict[str, Any] | None = None) -> None:
        self.world, self.random, self.now = world, Random(world.seed), START_NS
        self.contracts = tuple(_chain(underlying)) if world.is_listed else ()
        plugin = Plugin(name="strategy", kind="strategy", plugin=strategy, memory=dict(memory or {}))
        self.engine = Engine([plugin], contracts=self.contracts, margin=Classic(), tag="house", seed=world.seed)
        self.underlying = underlying
        self.commands: list[Command] = []
        self.faults: list[e.PluginFaulted] = []
        self.refusals = self.inputs = 0
        self.busiest = 0
        self._forward, self._filled = 70_000.0, 0
        self._held: dict[ContractId, Decimal] = {}
        self._orders: dict[str, SubmitOrder] = {}

    @property
    def memory(self) -> dict[str, Any]:
        return self.engine.instances[0].desk.memory

    def play(self) -> House:
        """From the start of the run to its end."""
        if self.world.refuses:
            self.engine.block("", "the check refuses every order")
        for one in self._opening():
            self.tell(one)
        for number in range(self.world.steps):
            self.now += STEP_NS
            for one in self._happens(number):
                self.tell(one)
            while (fired := self.engine.due(self.now)) is not None:
                self.tell(fired)
        self.tell(event(e.RunStopping, at=self.now))
        self._do(self.engine.wind_down())
        return self

    def tell(self, one: e.Event) -> None:
        """Tell the engine, and answer what comes of it."""
        self.inputs += 1
        self._do(self.engine.step(one))

    # ---- what happens ----

    def _opening(self) -> Iterator[e.Event]:
        yield event(e.BalanceUpdated, at=self.now, adapter=ADAPTER, total=D(100_000), available=D(90_000))
        if self.world.has_other_hands:
            yield from (self._position(one.id, D(5)) for one in self.contracts[:2])
        yield from self._market()
        yield event(e.RunStarted, at=self.now)

    def _happens(self, number: int) -> Iterator[e.Event]:
        world = self.world
        if world.has_gaps and number % 10 == 3:
            yield from self._trouble()
        if world.has_other_hands and number % 7 == 0 and self.contracts:
            at = self.random.choice(self.contracts).id
            yield self._position(at, D(self.random.randint(-20, 20)))
        if world.has_expiry and number == world.steps // 2:
            yield from self._expiry()
        yield from self._market()
        yield from [self._position(at, size) for at, size in self._held.items()]
        yield self._risk(number)

    def _market(self) -> Iterator[e.Event]:
        if self.world.market == "silent":
            return
        step = 0.05 if self.world.market == "wild" else 0.003
        self._forward = max(1_000.0, self._forward * (1 + self.random.uniform(-step, step)))
        yield event(e.UnderlyingPriced, at=self.now, adapter=ADAPTER, underlying=self.underlying, price=self._forward)
        for one in self.contracts:
            if one.expiry > self.now:
                yield from self._shown(one)

    def _shown(self, one: Contract) -> Iterator[e.Event]:
        valuation = of_contract(one, self._forward, 0.6, self.now)
        mark, greeks = max(valuation.price, 0.1), valuation.greeks
        yield event(
            e.TickerUpdated,
            at=self.now,
            contract=one.id,
            mark_price=mark,
            index_price=self._forward,
            underlying_price=self._forward,
            mark_iv=0.6,
            delta=greeks.delta,
            gamma=greeks.gamma,
            vega=greeks.vega,
            theta=greeks.theta,
        )
        bid, ask = float(max(1, int(mark) - 1)), float(int(mark) + 2)
        sides: dict[str, Any] = {"bid": bid, "ask": ask}
        if self.world.market == "one-sided" and self.random.random() < 0.7:
            sides[self.random.choice(("bid", "ask"))] = None
        yield event(e.Quoted, at=self.now, contract=one.id, **sides)

    def _trouble(self) -> Iterator[e.Event]:
        here: dict[str, Any] = {"at": self.now, "adapter": ADAPTER}
        yield event(e.GapOpened, **here, channel="orders")
        yield event(e.StreamLost, **here)
        yield event(e.StreamStale, **here, channel="quotes")
        yield event(e.StreamOpened, **here, connection=2)
        yield event(e.GapClosed, **here, channel="orders")
        yield event(e.Reconciled, **here, adjustments=("a position was 3, is 5",))

    def _expiry(self) -> Iterator[e.Event]:
        first = min((one.expiry for one in self.contracts), default=0)
        self.now = max(self.now, first)
        for one in self.contracts:
            if one.expiry == first:
                size = self._held.pop(one.id, D(0))
                pays = one.intrinsic(D(repr(self._forward))) * size * one.multiplier
                yield event(e.ContractSettled, at=self.now, contract=one.id, settle_price=D(int(self._forward)), size=size, pnl=pays)
                yield event(e.PositionClosed, at=self.now, contract=one.id, side="long" if size >= 0 else "short", pnl=pays)
                yield self._position(one.id, D(0))
                yield event(e.ContractExpired, at=self.now, contract=one.id)

    def _position(self, at: ContractId, size: Decimal) -> e.PositionUpdated:
        self._held[at] = size
        return event(e.PositionUpdated, at=self.now, contract=at, size=size)

    def _risk(self, number: int) -> e.PortfolioRiskUpdated:
        """Now inside any band, now far outside, on both sides."""
        swing = (0.0, 0.4, -0.4, 5.0, -5.0)[number % 5]
        return event(
            e.PortfolioRiskUpdated, at=self.now, adapter=ADAPTER, total_delta=swing, total_vega=swing * 100, total_gamma=swing / 1e3
        )

    # ---- what is asked ----

    def _do(self, step: Step) -> None:
        self.faults += [one for one in step.events if isinstance(one, e.PluginFaulted)]
        self.refusals += sum(isinstance(one, e.OrderRefused) for one in step.events)
        self.busiest = max(self.busiest, len(step.approved) + sum(isinstance(one, e.OrderRefused) for one in step.events))
        commands = [approved.command for approved in step.approved]
        self.commands += commands
        for command in commands:
            for one in self._answers(command):
                self.tell(one)

    def _answers(self, command: Command) -> list[e.Event]:
        match command:
            case SubmitOrder():
                self.engine.sent((command.client_id,))
                self._orders[command.client_id] = command
                return self._placed(command)
            case CancelOrder():
                return [self._order(self._orders[command.client_id], e.OrderState.CANCELED)]
            case AmendOrder():
                before = self._orders[command.client_id]
                size = before.size if command.size is None else command.size
                price = before.price if command.price is None else command.price
                self._orders[command.client_id] = now = attrs.evolve(before, size=size, price=price)
                return [self._order(now, e.OrderState.OPEN)]
        return []

    def _placed(self, order: SubmitOrder) -> list[e.Event]:
        opened = self._order(order, e.OrderState.OPEN)
        done = [self._order(order, e.OrderState.FILLED), self._fill(order)]
        match self.world.answer:
            case "rejects":
                return [self._order(order, e.OrderState.REJECTED)]
            case "unknown":
                return [self._order(order, e.OrderState.UNKNOWN), self._order(order, e.OrderState.ABSENT)]
            case "rests":
                return [opened]
            case "twice":
                return self._book(order, [opened, opened, *done, *done])
            case "early":
                return self._book(order, [done[1], opened, done[0]])
        return self._book(order, [opened, *done])

    def _book(self, order: SubmitOrder, told: list[e.Event]) -> list[e.Event]:
        return [*told, self._position(order.contract, self._held.get(order.contract, D(0)) + order.size)]

    def _order(self, order: SubmitOrder, state: e.OrderState) -> e.OrderUpdated:
        left = D(0) if state is e.OrderState.FILLED else order.size
        names: dict[str, Any] = {"contract": order.contract, "client_id": order.client_id, "order_id": f"v{order.client_id}"}
        return event(e.OrderUpdated, at=self.now, **names, state=state, size=order.size, left=left, price=order.price, tif=order.tif)

    def _fill(self, order: SubmitOrder) -> e.Filled:
        self._filled += 1
        names: dict[str, Any] = {"contract": order.contract, "client_id": order.client_id, "order_id": f"v{order.client_id}"}
        return event(e.Filled, at=self.now, **names, trade_id=str(self._filled), size=order.size, price=order.price or D(100))


def _chain(underlying: str) -> Iterator[Contract]:
    for days in (1, 8, 36):
        for strike in (65_000, 70_000, 75_000):
            for kind in OptionKind:
                yield contract(
                    f"{underlying}-{days}d-{strike}-{kind.value}",
                    adapter=ADAPTER,
                    underlying=underlying,
                    is_call=kind is OptionKind.CALL,
                    strike=D(strike),
                    expiry=START_NS + days * DAY_NS,
                )
