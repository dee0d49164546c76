"""The live driver: one anyio task group around one engine, for live, paper and simulated runs.

Owns `Live`. Readers hand the engine one batch per socket read, synchronously; commands leave through the sender, or
into the venue in this process. Everything that decides is below this floor; here are only time, tasks and files.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from random import SystemRandom
from typing import Any

import anyio
import attrs
from anyio.abc import TaskGroup

from strikeloop import events as e
from strikeloop.adapter import Adapter
from strikeloop.commands import Approved, Command, SubmitOrder
from strikeloop.encoding import Digest
from strikeloop.engine import NOTHING, Engine, Step
from strikeloop.garbage import LIVE, little_garbage_collection
from strikeloop.journal import Legacy
from strikeloop.live.clock import WallClock
from strikeloop.live.connection import Tap, ignore
from strikeloop.live.foreign import ForeignOrders
from strikeloop.live.halting import Halting
from strikeloop.live.hooktimes import HookTimes
from strikeloop.live.keeper import Keeper, Switch
from strikeloop.live.local import LocalVenue
from strikeloop.live.notices import Notices
from strikeloop.live.port import Port, Quarantine
from strikeloop.live.resources import ResourceWatch, Thresholds
from strikeloop.live.risk import RiskWatch
from strikeloop.live.sender import Sender
from strikeloop.live.storage import Book, Storage
from strikeloop.live.trust import Trust
from strikeloop.live.vitals import Vitals
from strikeloop.live.watchdog import Watchdog
from strikeloop.recording import Recorder
from strikeloop.session import Listing, Phase, Session
from strikeloop.summary import Summary

TICK_S = 0.1
MARKET = frozenset(e.MARKET_EVENTS)
STOP_S = 4.0
CLOSE_S = 1.0
SETTLE_S = 0.02


@attrs.define(kw_only=True)
class Ending:
    """How a run ended: `cause` stop, duration, terminate, interrupt, halt, credentials or storage, and the words for it."""

    cause: str = "stop"
    reason: str = ""


class Live:
    """One run. `adapters` bring feeds (and accounts where they trade); `venues` are executed in this process.

    `halted` is asked before each order leaves and names a reason, or nothing; `halting` is what others ask of the kill switch.
    `listen` hears every event after the engine, for sinks and screens; it must not block. `legacy` is what earlier runs left on the
    accounts, `tags` are those of this directory's runs; `switch` is how a dead man's switch is set where the venue has one, None
    leaves it alone. `quarantine` is handed each frame that could not be read.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        clock: WallClock,
        summary: Summary,
        book: Book,
        halted: Callable[[], str] = lambda: "",
        halting: Halting | None = None,
        listen: Callable[[e.Event], None] | None = None,
        fail_fast: bool = False,
        stale_after_s: float | None = 60.0,
        header: Mapping[str, Any] | None = None,
        legacy: Legacy | None = None,
        tags: Sequence[str] = (),
        switch: Switch | None = None,
        recorder: Recorder | None = None,
        quarantine: Quarantine | None = None,
    ) -> None:
        self.engine, self.clock, self.summary, self.ending = engine, clock, summary, Ending()
        self._digest = Digest(header or {})
        self.halting, self._stale_after_s = halting or Halting(), stale_after_s
        self._halted, self._listen, self._fail_fast, self._quarantine = halted, listen, fail_fast, quarantine
        self.storage = Storage(book, clock, self._executing, self.deliver, self._storage_lost)
        self._legacy, self._switch = legacy or Legacy(), switch
        self.keepers: dict[str, Keeper] = {}
        self.ports: dict[str, Port] = {}
        self.foreign = ForeignOrders(engine, self.ports, tags, self.halting.tags)
        self.feeds: dict[str, Port] = {}
        self.venues: dict[str, LocalVenue] = {}
        self._adapters: list[Adapter] = []
        self._sender = Sender(
            engine,
            self.ports,
            clock,
            self.storage.intents,
            self._why_halted,
            venues=self.venues,
            why_not=self._why_not,
            deliver=self.deliver,
        )
        self._stop, self._started, self._is_finishing = anyio.Event(), False, False
        self._risks: list[RiskWatch] = []
        self.refused: dict[str, str] = {}
        """What the venue said against the credentials, by adapter."""
        self.vitals: Vitals | None = None
        self.trust, self.notices = Trust(self.ports, clock), Notices(recorder, self.deliver)
        self._undeliverable: list[Command] = []
        self._recorder = recorder
        self._listings: dict[str, Listing] = {}

    # ---- before the run ----

    def add_adapter(self, adapter: Adapter, *, trade: bool) -> None:
        """Use the adapter's feed, and its account where `trade`."""
        self._adapters.append(adapter)
        self.feeds[adapter.name] = self._port(adapter, "feed", adapter.feed)
        if trade and adapter.account is not None:
            self.ports[adapter.name] = self._port(adapter, "account", adapter.account)
            self.engine.block(adapter.name, f"the account of {adapter.name} is not reconciled yet")
            self.keepers[adapter.name] = Keeper(
                adapter.name,
                self.ports[adapter.name],
                self.engine,
                self.foreign,
                self.clock,
                self.deliver,
                legacy=self._legacy,
                switch=self._switch,
            )
            self._risks.append(RiskWatch(adapter.name, self.ports[adapter.name], self.engine, self.clock, self.deliver))

    def watch(self, times: HookTimes, thresholds: Thresholds, report: Callable[[str], None]) -> None:
        """Watch this process: `times` measures hooks, `report` is called from another thread while the loop stands still."""
        resources = ResourceWatch(thresholds, self._executing, self.deliver)
        self.vitals = Vitals(self.clock, times, Watchdog(report, times), resources, self.deliver, self.trust.lose)

    def add_venue(self, venue: LocalVenue) -> None:
        """Execute the orders of this adapter in a venue inside the process."""
        self.venues[venue.adapter] = venue
        now = self.clock.now()
        listed = [e.ContractListed(time=now, received=now, contract=contract.id, specification=contract) for contract in venue.contracts()]
        self.deliver(listed)

    # ---- the run ----

    async def run(self, duration_s: float | None = None) -> Ending:
        """Run until `stop`, or for `duration_s`; then let plugins finish and cancel what still works."""
        try:
            with little_garbage_collection(LIVE):
                await self._run(duration_s)
        finally:
            with anyio.CancelScope(shield=True):
                with anyio.move_on_after(CLOSE_S):
                    async with anyio.create_task_group() as closing:
                        for adapter in self._adapters:
                            closing.start_soon(adapter.aclose)
                if reason := await self.storage.flush():
                    self.ending = Ending(cause="storage", reason=reason)
            self._sum_up()
        return self.ending

    async def _run(self, duration_s: float | None) -> None:
        self.deliver(self.halting.from_earlier(self.clock.now()))
        for keeper in self.keepers.values():
            keeper.begin()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._sender.run)
            for port in (*self.feeds.values(), *self.ports.values()):
                tasks.start_soon(port.run)
            for venue in self.venues.values():
                tasks.start_soon(venue.run)
            tasks.start_soon(self._tick, tasks)
            if self.vitals is not None:
                tasks.start_soon(self.vitals.watch)
            with anyio.move_on_after(math.inf if duration_s is None else duration_s):
                await self._stop.wait()
            if not self._stop.is_set():
                self.ending = Ending(cause="duration", reason=f"{duration_s:g} s are over")
            await self._finish()
            tasks.cancel_scope.cancel()
        if self.engine.switch.is_engaged and self.ending.cause != "storage":
            self.ending = Ending(cause="halt", reason=self.engine.switch.words)
        if self.refused and not self._started and self.ending.cause != "interrupt":
            self.ending = Ending(cause="credentials", reason="; ".join(self.refused.values()))

    def _sum_up(self) -> None:
        accounts = [port.session for port in self.ports.values()]
        self.summary.connections = sum(session.connections for session in accounts)
        self.summary.streams = len(accounts)
        for port in (*self.feeds.values(), *self.ports.values()):
            self.summary.channels.update({status.channel.name: status.updates for status in port.session.channels})
        if len(self.venues) == 1:
            self.summary.venue = next(iter(self.venues.values())).report()
        self.summary.digest = self._digest.hexdigest()

    def stop(self, cause: str, reason: str) -> None:
        """End the run soon."""
        if not self._stop.is_set():
            self.ending = Ending(cause=cause, reason=reason)
            self._stop.set()

    def halt(self, cause: str, by: str, reason: str, *, cancel: bool = False, flatten: bool = False) -> None:
        """Halt the run now, for what happened outside its plugins."""
        now = self.clock.now()
        self.deliver((e.HaltRequested(time=now, received=now, cause=cause, by=by, reason=reason, cancel=cancel, flatten=flatten),))

    def deliver(self, events: Sequence[e.Event]) -> None:
        """Feed the engine, in order."""
        for event in events:
            if self._is_repeated(event):
                continue
            self.storage.inputs((event,))
            step = self.engine.step(event)
            self._see(event)
            self.foreign.see(event)
            if step is not NOTHING:
                self._after(step)
        if events and not self._started:
            self._try_start()

    # ---- inside ----

    def _port(self, adapter: Adapter, port: str, stream: Any) -> Port:
        listing = self._listings.setdefault(adapter.name, Listing())
        session = Session(adapter.name, port, stream.channels, SystemRandom(), listing=listing, stale_after_s=self._stale_after_s)
        deliver = self._deliver_market if port == "feed" else self.deliver
        tap, quarantine = self._tap(adapter.name, port), self._quarantine
        return Port(session, stream, self.clock, adapter.clock, deliver, self._sender.make_way, tap, quarantine=quarantine)

    def _tap(self, adapter: str, port: str) -> Tap:
        recorder = self._recorder
        return ignore if recorder is None else lambda frames, received: recorder.frames(adapter, port, frames, received)

    def _is_repeated(self, event: e.Event) -> bool:
        """Whether an account's keeper has booked this already."""
        keeper = self.keepers.get(event.contract.adapter) if isinstance(event, e.ContractSettled) else None
        return keeper is not None and not keeper.is_news(event)

    def _executing(self) -> tuple[str, ...]:
        """The adapters whose orders are executed somewhere."""
        return (*self.ports, *self.venues)

    def _storage_lost(self, reason: str) -> None:
        """Nothing can be written any more: withdraw what works, and end."""
        self.halt("storage", "the run", reason, cancel=True)
        self.stop("storage", reason)

    def _why_halted(self) -> str:
        """Why nothing may leave that opens, "" where it may: by the file that others write, or by our own kill switch."""
        switch = self.engine.switch
        return self._halted() or (switch.words if switch.is_engaged else "")

    async def _why_not(self, approved: Approved[SubmitOrder]) -> str:
        """Why an approved order must not leave after all, "" where it may."""
        is_stuck = self.vitals is not None and self.vitals.is_stuck
        if is_stuck or not self.trust.allows(approved):
            return "it was decided before the loop stood still, or the account was not looked at since"
        keeper = self.keepers.get(approved.command.contract.adapter)
        reason = "" if keeper is None else await keeper.ready(approved.command)
        return "the run is stopping" if self._is_finishing else reason

    def _deliver_market(self, events: Sequence[e.Event]) -> None:
        self.deliver(events)
        for event in events:
            adapter = event.contract.adapter if hasattr(event, "contract") else getattr(event, "adapter", "")
            venue = self.venues.get(adapter)
            if venue is not None and not isinstance(event, e.StreamEvent):
                venue.on_market(event)

    def _try_start(self) -> None:
        """Begin once every port is ready: contracts known, accounts reconciled."""
        ports = (*self.feeds.values(), *self.ports.values())
        if any(port.session.phase is not Phase.READY for port in ports):
            return
        if self.venues and not self.engine.portfolio.balances:
            return
        self._started = True
        now = self.clock.now()
        self.deliver((e.RunStarted(time=now, received=now),))

    def _after(self, step: Step) -> None:
        for event in step.events:
            self._see(event)
        self.summary.approve(step.approved)
        for approved in step.approved:
            self._digest.add(approved.command)
            if approved.command.contract.adapter in (*self.ports, *self.venues):
                self._sender.put(approved)
            else:
                self._undeliverable.append(approved.command)

    def _see(self, event: e.Event) -> None:
        self.summary.see(event)
        self.trust.see(event)
        if isinstance(event, e.HaltUpdated):
            self.halting.see(event)
        if type(event) not in MARKET:
            self._digest.add(event)
        if self._listen is not None:
            self._listen(event)
        if self._recorder is not None:
            self._recorder.event(event)

    async def _tick(self, tasks: TaskGroup) -> None:
        while True:
            await anyio.sleep(TICK_S)
            self._tick_once(tasks)
            for keeper in self.keepers.values():
                keeper.tick(tasks, is_started=self._started)
            await self.storage.flush()

    def _tick_once(self, tasks: TaskGroup) -> None:
        for port in (*self.feeds.values(), *self.ports.values()):
            port.tick()
        if not self._started:
            self._try_start()
        now = self.clock.now()
        while (fired := self.engine.due(now)) is not None:
            self.deliver((fired,))
        self._return_undeliverable(now)
        if self._started:
            for watch in self._risks:
                watch.tick(tasks)
        self._watch(now)
        if self.vitals is not None:
            self.vitals.tick()
        self.notices.tick(now)

    def _return_undeliverable(self, now: int) -> None:
        """Orders for an adapter that is only listened to: nobody executes them."""
        commands, self._undeliverable = self._undeliverable, []
        self.deliver([_not_sent(command, now) for command in commands if isinstance(command, SubmitOrder)])

    def _watch(self, now: int) -> None:
        self.deliver((*self.halting.from_outside(now), *self.halting.troubles(now)))
        if self.engine.switch.is_done and self.engine.switch.settings.end_run:
            self.stop("halt", self.engine.switch.words)
        if self._started:
            self.deliver(self.foreign.alerts(now))
        for name, port in self.ports.items():
            if port.session.auth_refused and name not in self.refused:
                self.refused[name] = port.session.auth_refused
                self._credentials_refused(f"{name} refused the credentials: {port.session.auth_refused}", now)

    def _credentials_refused(self, text: str, now: int) -> None:
        self.deliver((e.AlertRaised(time=now, received=now, source="live", topic="credentials", text=text, severity=e.Severity.CRITICAL),))
        if self._fail_fast:
            self.stop("credentials", text)

    async def _finish(self) -> None:
        self._is_finishing = True
        now = self.clock.now()
        self.deliver(self.halting.from_outside(now))  # what was asked for before the end counts, too
        if self._started:
            self.deliver((e.RunStopping(time=now, received=now, reason=self.ending.reason),))
            self._after(self.engine.wind_down())
        with anyio.move_on_after(STOP_S, shield=True):
            while self._is_busy():  # noqa: ASYNC110 - what is waited for has no one owner that could set an event
                await anyio.sleep(SETTLE_S)
        for keeper in self.keepers.values():
            with anyio.CancelScope(shield=True):
                await keeper.stop()

    def _is_busy(self) -> bool:
        """Whether commands are on their way, or orders of this run still work; foreign ones are not ours to wait for."""
        ours = any(order.instance for order in self.engine.orders.working())
        return not self._sender.is_idle or (self._started and ours and self._can_still_answer())

    def _can_still_answer(self) -> bool:
        return bool(self.venues) or any(port.session.phase is Phase.READY for port in self.ports.values())

    @property
    def started(self) -> bool:
        """Whether plugins have seen RunStarted."""
        return self._started


def _not_sent(command: SubmitOrder, now: int) -> e.OrderUpdated:
    return e.OrderUpdated(
        time=now,
        received=now,
        origin=e.Origin.COMPUTED,
        contract=command.contract,
        client_id=command.client_id,
        state=e.OrderState.REJECTED,
        size=command.size,
        price=command.price,
        reason=f"not sent: {command.contract.adapter} is only listened to, nothing executes orders there",
    )
