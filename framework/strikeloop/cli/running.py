"""One run from a plan to its files: lock, folder, journal, driver, report, and the summary that is printed.

Owns `conduct`, which `run` and `demo` share, and Ctrl-C after the run. Sends nothing itself and decides nothing;
strikeloop.runs does.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import anyio
import anyio.to_thread
import attrs
import click

from strikeloop import events as e
from strikeloop.cli.exits import CAUSES, Exit
from strikeloop.cli.options import note, print_rich
from strikeloop.errors import StorageError
from strikeloop.journal import Journal, RunFolder, RunRecord, StateDir
from strikeloop.live import Ending, Live
from strikeloop.load import Backend, Plan
from strikeloop.load.discovery import find
from strikeloop.recording import Recorder
from strikeloop.runs import Earlier, Options, earlier_in, live_of, recorder_of, run_live, sinks_of
from strikeloop.settings import ValueRefusedError

MEMORY_S = 1.0
FRAMES_PER_S = 4


@attrs.frozen(kw_only=True)
class Show:
    """What a person sees of a run: `title` over the picture; `quiet` leaves only warnings and worse; `as_json` is the summary's form."""

    title: str
    quiet: bool = False
    as_json: bool = False
    summary: bool = True
    """Whether the summary is printed."""


@attrs.frozen(kw_only=True)
class Conducted:
    """A run that is over, its summary printed."""

    folder: RunFolder
    ending: Ending
    kept: Mapping[str, Any] = attrs.field(factory=dict)
    """What the recorder kept."""

    @property
    def code(self) -> Exit:
        return CAUSES.get(self.ending.cause, Exit.OK)


class LateInterrupts:
    """Ctrl-C once a run has ended: noted in `came`, so that its files and its summary are still written whole.

    A block in the main thread; `begin` is called in it when the run itself no longer listens to signals.
    """

    def __init__(self) -> None:
        self.came = False

    def begin(self) -> None:
        signal.signal(signal.SIGINT, self._note)

    def _note(self, *_: object) -> None:
        self.came = True

    def __enter__(self) -> Self:
        self._before = signal.getsignal(signal.SIGINT)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)


def backend_options(backend: Backend) -> dict[str, Any]:
    """How anyio starts its loop: uvloop where it is installed."""
    return {"use_uvloop": True} if backend is Backend.ASYNCIO and importlib.util.find_spec("uvloop") else {}


def conduct(plan: Plan, show: Show, *, duration_s: float | None = None, remember: bool = True, store: Path | None = None) -> Conducted:
    """Run `plan` in a folder of its own.

    `remember` gives plugins what they kept in the last run of this directory; `store` is where the market is recorded, where it is.
    Raises StateInUseError where another process runs in the state directory, StorageError where the last run's journal is damaged.
    """

    @asynccontextmanager
    async def given() -> AsyncIterator[Plan]:
        yield plan

    state = StateDir(plan.run.state_dir)
    with state.lock():
        earlier = earlier_in(state, plan) if remember else Earlier()
        return _held(state, plan.run.backend, given, show, duration_s, earlier, store)


def conduct_served(
    state_dir: StateDir, backend: Backend, served: Callable[[], AbstractAsyncContextManager[Plan]], show: Show, duration_s: float
) -> Conducted:
    """Run the plan that `served` gives while it is open: what the plan connects to lives inside the same loop."""
    with state_dir.lock():
        return _held(state_dir, backend, served, show, duration_s, Earlier())


def _held(
    state: StateDir,
    backend: Backend,
    given: Callable[[], AbstractAsyncContextManager[Plan]],
    show: Show,
    duration_s: float | None,
    earlier: Earlier,
    store: Path | None = None,
) -> Conducted:
    tag = state.run_tag()
    folder = state.begin(tag, datetime.now(UTC))

    kept: dict[str, Any] = {}

    async def main() -> tuple[Live, Ending]:
        async with given() as plan:
            folder.write("config.toml", plan.toml())
            with Journal.create(folder.journal, _header(folder, tag, plan, earlier)) as journal:
                record = (RunRecord if store is None else Listened)(folder, journal, plan.run.mode.value)
                for name, memory in earlier.memories.items():
                    record.memory(name, memory)
                recorder = recorder_of(plan, folder, store)
                try:
                    live, ending = await _driven(plan, tag, record, show, duration_s, earlier, late, recorder=recorder)
                finally:
                    with anyio.CancelScope(shield=True):
                        trouble = await anyio.to_thread.run_sync(_kept, recorder, kept)
                if trouble and plan.run.record.market:
                    ending = Ending(cause="storage", reason=trouble)
                return live, ending

    with LateInterrupts() as late:
        live, ending = anyio.run(main, backend=backend.value, backend_options=backend_options(backend))
        full = live.summary.full(live.engine.portfolio, live.engine.orders)
        try:
            live.summary.report = write_result(folder, full, report=show.summary)
        except StorageError as error:
            ending = Ending(cause="storage", reason=str(error))
        if show.summary:
            print_summary(live.summary.short(), as_json=show.as_json)
    if late.came and ending.cause not in CAUSES:
        ending = Ending(cause="interrupt", reason="interrupted")
    return Conducted(folder=folder, ending=ending, kept=kept)


def _header(folder: RunFolder, tag: str, plan: Plan, earlier: Earlier) -> dict[str, Any]:
    """The first row of a run's journal: what it decides by, and what it takes over."""
    return {
        "run": folder.id,
        "tag": tag,
        "tags": list(earlier.tags),
        "mode": plan.run.mode.value,
        "seed": plan.run.seed,
        "began": time.time_ns(),
        "legacy": earlier.legacy.record(),
        **plan.header(),
    }


async def _driven(
    plan: Plan,
    tag: str,
    record: RunRecord,
    show: Show,
    duration_s: float | None,
    earlier: Earlier,
    late: LateInterrupts,
    *,
    recorder: Recorder | None,
) -> tuple[Live, Ending]:
    made: list[Live] = []
    picture = _picture(show)
    async with sinks_of(plan, lambda: made[0].engine.instances[0].desk if made and made[0].engine.instances else None) as to_sinks:

        def listen(event: e.Event) -> None:
            picture.see(event)
            to_sinks(event)

        live = live_of(plan, tag=tag, run=record.folder.id, record=record, listen=listen, earlier=earlier, report=note, recorder=recorder)
        made.append(live)
        plan.forget_secrets()
        beside: list[Callable[[Live], Coroutine[Any, Any, None]]] = [picture.run, lambda live: _remember(live, record)]
        ending = await run_live(live, plan, record, Options(listen=(), beside=beside, duration_s=duration_s))
        late.begin()
    _note_memories(live, record)
    record.ending(cause=ending.cause, reason=ending.reason, digest=live.summary.digest)
    try:
        await record.flush()
    except StorageError as error:
        ending = Ending(cause="storage", reason=str(error))
    return live, ending


class Listened(RunRecord):
    """The record of a run that only listens: its market is in the recording, and nothing is decided that a journal could decide again."""

    def inputs(self, events: Sequence[e.Event]) -> None:
        """Noted by the recorder."""


def _kept(recorder: Recorder | None, kept: dict[str, Any]) -> str:
    """Finish a recording; what it holds goes into `kept`. Returns why it is not whole, "" where it is."""
    if recorder is None:
        return ""
    try:
        kept.update(recorder.close())
    except StorageError as error:
        note(f"strikeloop: {error}")
        return str(error)
    return ""


def write_result(folder: RunFolder, full: dict[str, Any], *, report: bool = True) -> str:
    """result.json, and report.html where strikeloop-report is installed; returns the report's path, or ""."""
    folder.write("result.json", json.dumps({**full, "report": str(folder.report)}, allow_nan=False))
    if not report:
        return ""
    try:
        command = find("commands", "report").value
        with contextlib.redirect_stdout(sys.stderr):
            command.main([str(folder.path)], standalone_mode=False)
    except click.Abort:
        raise
    except ValueRefusedError as error:
        note(f"no report: {error.what} ({error.fix})")
    except Exception as error:  # noqa: BLE001 - the run is over and safe; that its report could not be drawn must not hide it
        note(f"no report: {type(error).__name__}: {error}")
    return str(folder.report) if folder.report.exists() else ""


# ---- memories ------------------------------------------------------------------------------------------------------


async def _remember(live: Live, record: RunRecord) -> None:
    while True:
        await anyio.sleep(MEMORY_S)
        _note_memories(live, record)


def _note_memories(live: Live, record: RunRecord) -> None:
    for instance in live.engine.instances:
        record.memory(instance.name, instance.desk.memory)


# ---- what people see -----------------------------------------------------------------------------------------------


class _Lines:
    """Without a terminal: one line on stderr for what a person should know."""

    def __init__(self, show: Show) -> None:
        self._quiet = show.quiet
        if not show.quiet:
            note(show.title)

    def see(self, event: e.Event) -> None:
        if isinstance(event, e.AlertRaised):
            note(f"{_clock(event)} {event.severity.value} {event.source}: {event.text}")
        elif isinstance(event, e.PluginFaulted):
            note(f"{_clock(event)} {event.instance}.{event.hook} failed: {event.error}")
        elif isinstance(event, e.StreamLost | e.StreamOpened | e.Reconciled | e.ChannelRefused) and not self._quiet:
            note(f"{_clock(event)} {event.adapter} {event.port}: {_stream(event)}")

    async def run(self, live: Live) -> None:
        """Nothing to draw."""


def _clock(event: e.Event) -> str:
    return f"{datetime.fromtimestamp(event.received / 1e9, UTC):%H:%M:%S}"


def _stream(event: e.StreamEvent) -> str:
    match event:
        case e.StreamLost():
            return f"connection lost: {event.reason}"
        case e.StreamOpened():
            return f"connection {event.connection} is open and confirmed"
        case e.ChannelRefused():
            return f"{event.channel} refused: {event.code} {event.message}"
        case e.Reconciled():
            return f"reconciled, {len(event.adjustments)} adjustments"
        case _:
            return type(event).__name__


class _Drawn:
    """On a terminal: the picture of strikeloop.screen, drawn a few times a second."""

    def __init__(self, show: Show) -> None:
        from strikeloop.screen import Screen  # noqa: PLC0415 - only where there is a terminal

        self._screen = Screen(show.title)
        self.see = self._screen.see

    async def run(self, live: Live) -> None:
        """Until cancelled."""
        from rich.console import Console  # noqa: PLC0415 - as above
        from rich.live import Live as Drawing  # noqa: PLC0415 - as above

        with Drawing(console=Console(stderr=True), auto_refresh=False, transient=True) as drawing:
            while True:
                drawing.update(self._screen.render(live), refresh=True)
                await anyio.sleep(1 / FRAMES_PER_S)


def _picture(show: Show) -> _Lines | _Drawn:
    return _Drawn(show) if sys.stderr.isatty() and not show.quiet else _Lines(show)


def print_summary(short: dict[str, Any], *, as_json: bool) -> None:
    """The end of a run: one JSON object on stdout, or a table for people."""
    if as_json:
        click.echo(json.dumps(short, allow_nan=False))
        return
    from strikeloop.screen import summary_table  # noqa: PLC0415 - only for those who read tables

    print_rich(summary_table(short))
