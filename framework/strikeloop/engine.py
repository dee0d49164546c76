"""The engine: one step turns one input into events and approved commands. No I/O, no clock of its own, no await.

A step: (1) set the clock and fold the input; (2) call the hooks in order, each plugin with its own outbox, which it
loses when it raises; (3) review the commands one by one, folding each approval before the next; (4) events the
engine makes itself queue behind, at the same engine time and never nested; (5) return both. Drivers own everything
else: sockets, files, time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from strikeloop.blocks import Blocks
from strikeloop.clientids import ClientIds, owners
from strikeloop.clock import Clock
from strikeloop.commands import AmendOrder, CancelOrder, Command, SubmitOrder
from strikeloop.contracts import Contract
from strikeloop.desk import CancelTimer, RaiseAlert, Request, RequestHalt, SetTimer, View, Watch, WriteLog
from strikeloop.dispatch import Dispatch, Instance, Plain, Plugin, Route, Wrap
from strikeloop.errors import InvariantError
from strikeloop.events import (
    MARKET_EVENTS,
    ORDER_EVENTS,
    ContractExpired,
    ContractListed,
    Event,
    Filled,
    HaltRequested,
    HaltReset,
    OrderRefused,
    OrderState,
    OrderUpdated,
    PositionUpdated,
    RunStarted,
    Severity,
    StreamEvent,
    TimerFired,
)
from strikeloop.halting import Halting
from strikeloop.killswitch import NAME, HaltSettings, KillSwitch
from strikeloop.margin import MarginModel
from strikeloop.orders import Order, Orders
from strikeloop.outcome import NOTHING, Outcome, Step
from strikeloop.portfolio import Portfolio
from strikeloop.precision import restore_precision
from strikeloop.review import Judgment, Review
from strikeloop.timers import Timers
from strikeloop.unrolled import loop_of

if TYPE_CHECKING:
    from strikeloop.passing import Passing

MOST_EVENTS_PER_INPUT = 1_000
MOST_RAISED = 20
_LOOKED_AT = frozenset({*ORDER_EVENTS, PositionUpdated, TimerFired, RunStarted, HaltRequested, HaltReset})
"""Inputs after which an engaged kill switch looks what is left to do."""
_MARKET = frozenset(MARKET_EVENTS)
_ABSENT = OrderState.ABSENT


@attrs.frozen(eq=False)
class Raised:
    """What a plugin's hook raised."""

    instance: str
    hook: str
    error: Exception


class Engine:
    """One engine for live, paper, simulated and backtest runs.

    `tag` makes client ids unique to the run (at most 6 of [0-9A-Za-z]); `tags` are those of earlier runs, whose orders
    belong to the instance of the same name; `seed` feeds each desk's random stream; `halt` are the limits of the kill switch;
    `wrap` is put around every call of a hook, to measure it.
    """

    def __init__(
        self,
        plugins: Sequence[Plugin],
        *,
        contracts: Iterable[Contract] = (),
        margin: MarginModel,
        tag: str = "run",
        tags: Iterable[str] = (),
        seed: int = 0,
        halt: HaltSettings | None = None,
        wrap: Wrap | None = None,
    ) -> None:
        self.clock, self.portfolio, tags = Clock(), Portfolio(), (*tags, tag)
        self.orders = Orders(owners((NAME, *(plugin.name for plugin in plugins if plugin.kind == "strategy")), tags))
        self.blocks = Blocks()
        """Why opening orders are refused, by (adapter, cause); adapter "" is the whole run."""
        for contract in contracts:
            self.portfolio.add_contract(contract)
        self._ids = ClientIds(tag)
        self.switch = KillSwitch(
            self.portfolio, self.orders, self.blocks, tags, lambda: self._ids.next(NAME), HaltSettings() if halt is None else halt
        )
        self._is_started = self._is_over = False
        self.margin = margin
        view = View(self.clock, self.portfolio, self.orders, margin, self._ids.next)
        self._asked = view.asked
        self.instances = tuple(plugin.placed(view, seed) for plugin in plugins)
        self._by_name = {instance.name: instance for instance in self.instances}
        if len(self._by_name) != len(self.instances) or NAME in self._by_name:
            raise InvariantError(f"two plugins share one name, or one is called {NAME}")
        self.dispatch = Dispatch(self.instances, self.portfolio.contracts, wrap)
        self.review = Review(self.dispatch.rules(), view, self.blocks)
        self._timers, self._outcome = Timers(), Outcome(self.clock)
        self._queue, self._approved = self._outcome.queue, self._outcome.approved
        self._halting = Halting(self.switch, self.clock, self.blocks, self._timers, self._outcome)
        self._fast = {kind: (latest, self.dispatch.routes[kind]) for kind, latest in self.portfolio.latest.items()}
        self._folds: dict[type[Event], Callable[[Any], Route]] = {
            **dict.fromkeys(ORDER_EVENTS, self._fold_order),
            **{kind: self._kept(kind, keep) for kind, keep in self.portfolio.kept.items()},
            **dict.fromkeys((TimerFired, OrderRefused), self._fold_owned),
            **dict.fromkeys((ContractListed, ContractExpired), self._fold_listing),
            RunStarted: self._fold_start,
            HaltRequested: self._fold_halt,
            HaltReset: self._fold_reset,
        }
        self.raised: list[Raised] = []
        """The first exceptions of plugins, as they were raised."""

    # ---- inputs ----

    def step(self, event: Event) -> Step:
        """Feed one input; returns what came of it. Before RunStarted inputs are only folded: no hook is called for them."""
        received, clock = event.received, self.clock
        if received > clock.now:
            clock.now = received
        fast = self._fast.get(type(event))
        if fast is not None:
            latest, routes = fast
            contract = event.contract  # type: ignore[attr-defined]  # only kinds that name a contract are in the table
            latest[contract] = event
            calls = routes.get(contract)
            if calls is None:
                calls = self.dispatch.route(event)
        else:
            kind = type(event)
            fold = self._folds.get(kind)
            calls = self._fold(event) if fold is None else fold(event)
            if calls and kind is PositionUpdated:
                event = self.portfolio.completed(event)  # type: ignore[arg-type]  # just looked
            if self.switch.is_engaged and kind in _LOOKED_AT:
                self._look()
        for function, desk, instance, hook in calls:
            try:
                function(event, desk)
            except Exception as error:  # noqa: BLE001  # whatever a plugin raises is its own fault, and harms no other
                self._fault(instance, hook, error)
                self._deliver(event, calls[1 + calls.index((function, desk, instance, hook)) :])
                break
        return self._settle() if self._asked or self._queue or self._approved else NOTHING

    def follow(self, passing: Passing) -> None:
        """From now on the market passes in rows: those that somebody hears of come by `rows`, the others only if somebody looks at them."""
        self.portfolio.follow(passing)
        self._fast = {kind: (latest, self.dispatch.routes[kind]) for kind, latest in self.portfolio.latest.items()}

    def stop_following(self) -> None:
        """From now on every market event comes by `step` again."""
        self.portfolio.stop_following()
        self._fast = {kind: (latest, self.dispatch.routes[kind]) for kind, latest in self.portfolio.latest.items()}

    def rows(self, passing: Passing, rows: Iterable[tuple[int, Any]], routes: Route | Iterator[Route]) -> Step:
        """Deliver market events that stand in columns, up to the first that leads to something; returns what.

        `rows` are how many have passed with this one, and what it is; none may be older than the clock. `routes` has the calls of each,
        or is the one Route of all. `passing.at` tells how far this came.
        """
        if not isinstance(routes, tuple):
            return self._rows_apart(passing, rows, routes)
        end = loop_of(len(routes))(passing, rows, self.clock, self._asked, routes)
        return NOTHING if end is None else self._ended(routes, *end)

    def _rows_apart(self, passing: Passing, rows: Iterable[tuple[int, Any]], routes: Iterator[Route]) -> Step:
        """The same where not all rows have the same route."""
        clock, asked = self.clock, self._asked
        event: Any = None
        route: Route = ()
        call: Plain | None = None
        try:
            for (passing.at, event), route in zip(rows, routes, strict=False):
                clock.now = event.received
                for call in route:
                    function, desk, _, _ = call
                    function(event, desk)
                if asked:
                    return self._settle()
        except Exception as error:
            if call is None:
                raise
            return self._ended(route, route.index(call), event, error)
        return NOTHING

    def _ended(self, route: Route, number: int, event: Event, error: Exception | None) -> Step:
        """What a row led to: something was asked for, or a call raised, as in `step`."""
        if error is not None:
            _, _, instance, hook = route[number]
            self._fault(instance, hook, error)
            self._deliver(event, route[1 + number :])
        return self._settle()

    def wind_down(self) -> Step:
        """After RunStopping: let no new order leave, and withdraw what works."""
        self._is_over = True
        self.block("", "the run is stopping")
        for instance in self.instances:
            if instance.kind == "strategy":
                instance.desk.cancel_all()
        return self._settle()

    def sent(self, client_ids: Iterable[str]) -> None:
        """The driver has sent these orders."""
        for client_id in client_ids:
            self.orders.sent(client_id, self.clock.now)

    def block(self, adapter: str, reason: str, *, cause: str = "") -> None:
        """Refuse opening orders for `adapter` ("" = every order of the run), with this reason, until `unblock` for the same cause."""
        self.blocks[adapter, cause] = reason

    def unblock(self, adapter: str, *, cause: str = "") -> None:
        self.blocks.pop((adapter, cause), None)

    @property
    def is_halted(self) -> bool:
        """Whether every order of the run is refused."""
        return self.blocks.is_halted

    def next_timer(self) -> int | None:
        """When the next timer is due."""
        return self._timers.next()

    def due(self, now: int) -> TimerFired | None:
        """The next timer that is due at `now`, to be fed to `step`; None when there is none. One set for the past is due at once."""
        return self._timers.pop(max(now, self.clock.now))

    # ---- inside ----

    def _fold(self, event: Event) -> Route:
        """Fold an input that is more than the latest of its kind; returns the calls it is delivered by."""
        kind = type(event)
        if kind in _MARKET:
            self.portfolio.apply(event)
            return self.dispatch.route(event)
        restore_precision()  # a plugin may have set another one
        self.portfolio.apply(event)
        if isinstance(event, StreamEvent):
            self.blocks.fold(event)
        return self.dispatch.broadcast(kind)

    def _fold_owned(self, event: TimerFired | OrderRefused) -> Route:
        return self.dispatch.owned(type(event), event.instance)

    def _fold_start(self, _event: RunStarted) -> Route:
        self.dispatch.start()
        self._is_started = True
        if self.switch.is_engaged:
            self._outcome.tell(self.switch.told(self.clock.now))  # nobody heard of it before
        return self.dispatch.broadcast(RunStarted)

    def _fold_listing(self, event: ContractListed | ContractExpired) -> Route:
        self.portfolio.apply(event)
        self.dispatch.relist(event.contract)
        if type(event) is ContractExpired:
            for instance in self.instances:
                instance.desk.book_expiry(event.contract)
        return self.dispatch.broadcast(type(event))

    def _fold_order(self, event: OrderUpdated | Filled) -> Route:
        restore_precision()
        kind, orders = type(event), self.orders
        before = orders.find(event)
        order = orders.fold(event, before)
        if order is None and kind is OrderUpdated:
            return ()
        owner = orders.owner(event.client_id) if order is None else order.instance
        if kind is Filled and owner in self._by_name:
            self._by_name[owner].desk.book_fill(event.contract, event.size)
        if before is not None and before.state is _ABSENT and order is not None and order.state is not _ABSENT:
            self._revived(order)
        return self.dispatch.owned(kind, owner)

    def _kept(self, kind: type[Event], keep: Callable[[Any], None]) -> Callable[[Any], Route]:
        """The fold of what the portfolio keeps as it is said."""
        broadcast = self.dispatch.broadcast

        def fold(event: Any) -> Route:
            keep(event)
            return broadcast(kind)

        return fold

    def _fold_halt(self, event: HaltRequested) -> Route:
        self._halting.request(event)
        return self.dispatch.broadcast(HaltRequested)

    def _fold_reset(self, event: HaltReset) -> Route:
        self._halting.reset(event)
        return self.dispatch.broadcast(HaltReset)

    def _revived(self, order: Order) -> None:
        text = f"{order.key} was thought absent and is {order.state.value} at the venue"
        self._outcome.alert("engine", "absent", text, Severity.CRITICAL)

    def _settle(self) -> Step:
        """Empty outboxes and queue until both are dry."""
        self._collect()
        if self._queue:
            self._deliver_made()
        return self._outcome.taken()

    def _deliver_made(self) -> None:
        """Deliver what the engine made, and what comes of that, in order."""
        caused: Counter[str] = Counter()
        while self._queue:
            event, cause = self._queue.popleft()
            self._outcome.events.append(event)
            if cause is not None:
                caused[cause.name] += 1
                if caused[cause.name] > MOST_EVENTS_PER_INPUT and not cause.halted:
                    self._halt(cause, "engine", f"caused more than {MOST_EVENTS_PER_INPUT} events for one input")
            self._deliver(event, self._calls(event))
            self._collect()

    def _calls(self, event: Event) -> Route:
        """The calls for an event that the engine made."""
        if isinstance(event, OrderRefused):
            return self.dispatch.owned(OrderRefused, event.instance)
        return self.dispatch.broadcast(type(event))

    def _deliver(self, event: Event, calls: Route) -> None:
        """Make these calls; a plugin that is halted meanwhile hears no more."""
        for function, desk, instance, hook in calls:
            if instance.halted:
                continue
            try:
                function(event, desk)
            except Exception as error:  # noqa: BLE001  # whatever a plugin raises is its own fault, and harms no other
                self._fault(instance, hook, error)

    def _collect(self) -> None:
        """Handle what every outbox holds; reviewing may put alerts of rules into some."""
        restore_precision()
        asked = self._asked
        while asked:
            asked.clear()
            for instance in self.instances:
                outbox = instance.desk.outbox
                if outbox:
                    instance.desk.outbox = []
                    for request in outbox:
                        self._handle(request, instance)

    def _handle(self, request: Request, instance: Instance) -> None:
        match request:
            case SubmitOrder() | CancelOrder() | AmendOrder():
                self._judge(request, instance)
            case SetTimer():
                self._timers.set(instance.name, request)
            case CancelTimer():
                self._timers.cancel(instance.name, request.name)
            case Watch():
                self.dispatch.watch(instance, request)
            case RequestHalt():
                if self._halting.request_by(request, instance):
                    self._look()
            case RaiseAlert():
                self._outcome.alert(instance.name, request.topic, request.text, request.severity, instance)
            case WriteLog():
                self._outcome.logs.append((instance.name, request))

    def _look(self) -> None:
        """Let the kill switch do what is to be done now."""
        if self._is_over:
            return
        for command in self._halting.look(is_started=self._is_started):
            judgment = self.review.judge_reduction(command, NAME, self.switch.settings.order_size)
            self._pass_on(command, judgment, NAME, None)

    def _judge(self, command: Command, instance: Instance) -> None:
        judgment = self.review.judge(command, instance)
        for call, error in judgment.faults:
            self._fault(call.instance, call.hook, error)
        self._pass_on(command, judgment, instance.name, instance)

    def _pass_on(self, command: Command, judgment: Judgment, name: str, cause: Instance | None) -> None:
        """Fold what was approved, or tell `name` why not."""
        if judgment.approved is None:
            self._outcome.refuse(command, name, judgment.reasons, cause)
            return
        approved = judgment.approved.command
        if isinstance(approved, SubmitOrder):
            self.orders.pending(approved, name, self.clock.now)
        elif isinstance(approved, AmendOrder):
            self.orders.amending(approved, self.clock.now)
        self._approved.append(judgment.approved)
        for rule, reason in judgment.resized:
            text = f"{command.client_id} of {name} is made smaller: {reason}"
            self._outcome.alert(rule, "resized", text, Severity.INFO, self._by_name[rule])

    def _fault(self, instance: Instance, hook: str, error: Exception) -> None:
        """A hook raised: its outbox is lost; a strategy is halted, a rule goes on."""
        instance.desk.outbox = []
        if len(self.raised) < MOST_RAISED:
            self.raised.append(Raised(instance.name, hook, error))
        text = f"{type(error).__name__}: {error}"
        if instance.kind == "strategy":
            self._halt(instance, hook, text)
        else:
            self._outcome.fault(instance, hook, text)

    def _halt(self, instance: Instance, hook: str, text: str) -> None:
        instance.halted = True
        instance.desk.outbox = []
        self.dispatch.forget()
        self._timers.forget(instance.name)
        self._outcome.fault(instance, hook, text)
        if instance.kind == "strategy" and instance.on_fault == "cancel":
            instance.desk.cancel_all()


__all__ = ["NOTHING", "Engine", "Plugin", "Raised", "Step"]
