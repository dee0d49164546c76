"""From a checked plan to a run on the wall clock: simulated, on paper or live.

Owns `live_of` and `run_live`, with signals, sinks and the status file beside the driver.
"""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol

import anyio
import attrs
from anyio.abc import TaskStatus

from strikeloop.backtest.world import ignore
from strikeloop.commands import Approved, Command
from strikeloop.encoding import plain
from strikeloop.engine import Engine
from strikeloop.errors import DecodeError, StorageError
from strikeloop.events import Event, HaltUpdated
from strikeloop.journal import Asked
from strikeloop.live import Ending, Halting, Live, LocalVenue, Switch, WallClock, state_of, status_of
from strikeloop.live.hooktimes import HookTimes
from strikeloop.live.resources import Thresholds
from strikeloop.live.sinks import Sinks
from strikeloop.load import Countdown, Mode, Plan, RunSettings
from strikeloop.recording import Recorder
from strikeloop.runs.earlier import Earlier
from strikeloop.runs.making import SIM, margin_of, plugins_of
from strikeloop.summary import Summary

STATUS_S = 1.0
LOOK_S = 0.1
LAST_WORDS_S = 2.0
"""How long sinks may take at the end of a run to pass on what they hold."""
MARKET_LIVE = {"step_ms": 250, "ticker_every_ms": 1_000}


class Record(Protocol):
    """Where a live run is written down: the journal and the folder of one run."""

    def inputs(self, events: Sequence[Event]) -> None: ...
    async def intents(self, approved: Sequence[Approved[Command]]) -> None: ...
    async def flush(self) -> None: ...
    def halted(self) -> str: ...
    def asked(self) -> Asked | None: ...
    def reset_asked(self) -> Asked | None: ...
    def keep(self, told: HaltUpdated) -> None: ...
    def tags(self) -> tuple[str, ...]: ...
    def quarantine(self, adapter: str, port: str, error: DecodeError, now: int) -> None: ...
    async def status(self, status: dict[str, Any]) -> None: ...


@attrs.frozen(kw_only=True)
class Options:
    """What a caller may add to a plan: where events go, what runs beside, and how long."""

    listen: Sequence[Callable[[Event], None]] = ()
    beside: Sequence[Callable[[Live], Coroutine[Any, Any, None]]] = ()
    duration_s: float | None = None
    handle_signals: bool = True


def live_of(
    plan: Plan,
    *,
    tag: str,
    run: str,
    record: Record,
    listen: Callable[[Event], None],
    earlier: Earlier | None = None,
    report: Callable[[str], None] = ignore,
    recorder: Recorder | None = None,
) -> Live:
    """A live driver for the plan's mode, connected to nothing yet; `earlier` is what it takes over.

    `report` is called from another thread, with a sentence, while the event loop stands still.
    """
    earlier, times = earlier or Earlier(), HookTimes()
    engine = _engine(plan, earlier, times, tag)
    summary = Summary(run=run, mode=plan.run.mode.value, backend=plan.run.backend.value, portfolio=engine.portfolio)
    summary.assumptions = plain({**plan.header(), "seed": plan.run.seed})
    live = Live(
        engine,
        clock=WallClock(),
        summary=summary,
        book=record,
        halted=record.halted,
        halting=Halting(asked=record.asked, reset=record.reset_asked, keep=record.keep, standing=earlier.halt, tags=record.tags),
        listen=listen,
        fail_fast=plan.run.fail_fast,
        stale_after_s=plan.run.stale_after_s or None,
        header=plan.header(),
        legacy=earlier.legacy,
        tags=(*earlier.tags, tag),
        switch=_switch(plan.run),
        recorder=recorder,
        quarantine=record.quarantine,
    )
    live.watch(times, _thresholds(plan.run), report)
    if plan.run.mode is Mode.SIM:
        _add_simulated(live, plan)
        return live
    for name, settings in plan.adapters.items():
        live.add_adapter(settings.open(name, clock=live.clock.now), trade=plan.run.mode is Mode.LIVE)
        if plan.run.mode is Mode.PAPER and plan.venue is not None:
            live.add_venue(LocalVenue(name, plan.venue.open(name, ()), live.clock, live.deliver))
    return live


def _engine(plan: Plan, earlier: Earlier, times: HookTimes, tag: str) -> Engine:
    """The plan's plugins, each hook measured."""
    return Engine(
        plugins_of(plan, earlier.memories),
        margin=margin_of(plan),
        tag=tag,
        tags=earlier.tags,
        seed=plan.run.seed,
        halt=plan.halt,
        wrap=times.wrap,
    )


def _thresholds(settings: RunSettings) -> Thresholds:
    memory = None if settings.memory_mb is None else round(settings.memory_mb * 2**20)
    return Thresholds(warn_at=settings.warn_at, deny_at=settings.deny_at, memory=memory)


def _switch(settings: RunSettings) -> Switch | None:
    if settings.countdown is Countdown.OFF:
        return None
    return Switch(timeout_s=settings.countdown_s, force=settings.countdown is Countdown.FORCE)


async def run_live(live: Live, plan: Plan, record: Record, options: Options) -> Ending:
    """Run to the end: signals, sinks and the status file beside the driver. Returns how it ended."""
    async with anyio.create_task_group() as guard:
        if options.handle_signals:
            await guard.start(_obey_signals, live)  # listening before anything runs: no signal meets the default handler
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_write_status, live, record)
            for task in options.beside:
                tasks.start_soon(task, live)
            await live.run(options.duration_s if options.duration_s is not None else plan.run.duration_s)
            tasks.cancel_scope.cancel()
        with anyio.CancelScope(shield=True):
            ending = {"cause": live.ending.cause, "reason": live.ending.reason}
            if reason := await _say(record, {**status_of(live), "state": "stopped", "ending": ending}):
                live.ending = Ending(cause="storage", reason=reason)
        guard.cancel_scope.cancel()
    return live.ending


@asynccontextmanager
async def sinks_of(plan: Plan, live_desk: Callable[[], Any]) -> AsyncIterator[Callable[[Event], None]]:
    """The plan's sinks, running while the block does; gives the function that hands them an event."""
    sinks = Sinks([(p.name, p.make()) for p in plan.plugins if p.kind == "sink"], live_desk)
    async with anyio.create_task_group() as tasks:
        sinks.start(tasks)
        yield sinks.put
        with anyio.move_on_after(LAST_WORDS_S, shield=True):
            await sinks.drain()
        tasks.cancel_scope.cancel()


def _add_simulated(live: Live, plan: Plan) -> None:
    """The generated market from now on, at its own pace, and the venue in this process."""
    adapter = next(iter(plan.adapters), SIM)
    source = from_now(plan.market, live.clock.now()).open(adapter)
    live.add_venue(LocalVenue(adapter, plan.venue.open(adapter, source.contracts()), live.clock, live.deliver, source))


def from_now(market: Any, now: int) -> Any:
    """Market settings for a run on the wall clock: beginning at `now`, without end, moving several times a second."""
    names = {field.name for field in attrs.fields(type(market))}
    if not {"start", "duration_s"} <= names:
        return market
    defaults = {field.name: field.default for field in attrs.fields(type(market))}
    pace = {name: value for name, value in MARKET_LIVE.items() if name in names and getattr(market, name) == defaults[name]}
    return attrs.evolve(market, start=now, duration_s=None, **pace)


async def _obey_signals(live: Live, *, task_status: TaskStatus[None]) -> None:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2) as signals:
        task_status.started()
        async for number in signals:
            if number in (signal.SIGUSR1, signal.SIGUSR2):
                name = signal.Signals(number).name
                live.halt("signal", name, f"{name} was sent to the process", cancel=True, flatten=number == signal.SIGUSR2)
                continue
            interrupted = number == signal.SIGINT
            live.stop("interrupt" if interrupted else "terminate", "interrupted" if interrupted else "asked to terminate")


async def _say(record: Record, status: dict[str, Any]) -> str:
    """Write how the run is; why that cannot be written, "" where it can."""
    try:
        await record.status(status)
    except StorageError as error:
        return str(error)
    return ""


async def _write_status(live: Live, record: Record) -> None:
    """Each second, and at once when the run's state is another."""
    while True:
        status = status_of(live)
        live.notices.status_trouble = await _say(record, status)
        with anyio.move_on_after(STATUS_S):
            while state_of(live) == status["state"]:  # noqa: ASYNC110 - the state follows from many things, none of which could set an event
                await anyio.sleep(LOOK_S)
