"""`strikeloop halt`: files that a run obeys, the record that outlives it, and where nobody obeys, our own hands at the venue.

Owns the command. What it withdraws itself are orders of this state directory's runs; those of other hands it leaves alone.
"""

from __future__ import annotations

import getpass
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import attrs
import click

from strikeloop.cli.exits import Exit
from strikeloop.cli.options import examples, folder_of, note, print_json, with_json, with_run
from strikeloop.cli.watch import read_status
from strikeloop.engine import Engine
from strikeloop.errors import StateInUseError, StorageError
from strikeloop.events import HaltState, HaltUpdated
from strikeloop.journal import Asked, HaltNote, Halts, Journal, RunFolder, RunRecord, StateDir, legacy_of, memory_of
from strikeloop.live.outside import Outside
from strikeloop.live.withdraw import Withdrawn, withdraw
from strikeloop.load import ACCOUNTS, Mode, Plan, load
from strikeloop.load.layers import PREFIX
from strikeloop.margin import Classic

PATIENCE_S = 2.0
LOOK_S = 0.05
UNWRITTEN = -2
"""The mark of a request that could not be written: no run ever hears it."""
BUSY = (HaltState.CANCELING, HaltState.REDUCING)


@click.command(epilog=examples("strikeloop halt --reason 'news at 14:30'", "strikeloop halt --flatten --json"))
@with_run
@click.option("--cancel", is_flag=True, help="Also withdraw every working order, those that a run left behind included.")
@click.option(
    "--flatten", is_flag=True, help="Also withdraw every order and close every position of the account, under the limits of [halt]."
)
@click.option("--reset", is_flag=True, help="Let the run, and those after it, trade again.")
@click.option("--reason", default="", metavar="TEXT", help="For the journal and the alert.")
@click.option("--wait", "wait_s", type=click.FloatRange(min=0), default=60.0, show_default=True, metavar="S", help="For what was asked.")
@with_json
def halt(*, state_dir: Path, run: str, cancel: bool, flatten: bool, reset: bool, reason: str, wait_s: float, as_json: bool) -> int:
    """Stop a run from sending orders, at once and until somebody lets it trade again.

    The halt holds for later runs of the same mode in this state directory too, until --reset. Where a live run hangs or is gone and
    does not confirm within two seconds, this command withdraws its orders at the venue itself, with the run's config, and with
    --flatten closes the positions: orders of other hands it leaves alone. Exit code 0 when what was asked for is done, 1 when
    something may still trade or is still held, 4 when the venue refuses, 7 when the halt could not be put on record.
    """
    if reset and (cancel or flatten):
        raise click.UsageError("--reset goes alone: nothing is withdrawn or closed by it")
    folder = folder_of(run, state_dir, having="status.json")
    if reset:
        return _reset(folder, reason or "reset by hand", as_json=as_json)
    asked = Asked(reason=reason or "halted by hand", by=_who(), mark=0, cancel=cancel or flatten, flatten=flatten)
    found = _halted(folder, asked, wait_s)
    is_forsaken = _is_forsaken(found, cancel=asked.cancel)
    ours = _Done(_withdrawn(folder), _flattened(folder, asked) if flatten else None) if is_forsaken else None
    if as_json:
        print_json(_told(folder, found, ours))
    else:
        _tell(folder, found, ours)
    if found["unrecorded"]:
        note(f"strikeloop: the next run will not know of this halt: {found['unrecorded']}")
        return Exit.STORAGE
    return Exit.OK if (_is_done(found) if ours is None else ours.is_all) else Exit.BUG


@attrs.frozen
class _Done:
    """What our own hands did: orders that were withdrawn, and how far the positions are closed."""

    withdrawn: list[Withdrawn]
    flattened: HaltUpdated | None

    @property
    def is_all(self) -> bool:
        is_flat = self.flattened is None or self.flattened.state is HaltState.FLAT
        return is_flat and not any(one.left for one in self.withdrawn)


def _who() -> str:
    """The person, as far as the machine knows, and the process."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = f"uid {os.getuid()}"
    return f"{name} (strikeloop halt, process {os.getpid()})"


def _halted(folder: RunFolder, asked: Asked, wait_s: float) -> dict[str, Any]:
    """Ask for it, on record; the status of the run once it has done it, or as it still is when patience ends.

    A disk that takes no record keeps nobody from acting at the venue; that the next run will not know is told under `unrecorded`.
    """
    unrecorded, mark = "", UNWRITTEN
    try:
        folder.write("HALT", asked.text())
        mark = folder.halt.stat().st_mtime_ns
        _record(folder, asked, HaltState.HALTED)
    except StorageError as error:
        unrecorded = str(error)
    return _obeyed(folder, mark, wait_s) | {"unrecorded": unrecorded}


def _obeyed(folder: RunFolder, mark: int, wait_s: float) -> dict[str, Any]:
    """The status of the run once it has done what was written at `mark`, or as it still is when patience ends."""
    found = _watched(folder, PATIENCE_S, lambda found: _has_heard(found, mark))
    if found.get("state") == "stopped" or not _has_heard(found, mark):
        return found | {"acknowledged": found.get("state") == "stopped"}
    return _watched(folder, wait_s, _is_over) | {"acknowledged": True}


def _reset(folder: RunFolder, reason: str, *, as_json: bool) -> int:
    """Arm it again: the record first, so that the next run trades, then the run that goes on."""
    mode, asked = str(folder.read_status().get("mode")), Asked(reason=reason, by=_who(), mark=0)
    standing = Halts(folder.path.parent).standing(mode)
    _record(folder, asked, HaltState.ARMED)
    folder.halt.unlink(missing_ok=True)
    folder.write("RESET", asked.text())
    mark = folder.reset.stat().st_mtime_ns
    found = _watched(folder, PATIENCE_S, lambda found: _has_heard(found, mark))
    is_heard = found["state"] == "stopped" or _has_heard(found, mark)
    if as_json:
        print_json({"run": folder.id, "state": found["state"], "acknowledged": is_heard, "was": standing and attrs.asdict(standing)})
    else:
        click.echo(f"{folder.id} may trade again" if standing else f"{folder.id} was not halted, and may trade")
        if not is_heard:
            note(f"strikeloop: {folder.id} did not confirm within {PATIENCE_S:g} s; it is armed again when it goes on")
    return Exit.OK if is_heard else Exit.BUG


def _record(folder: RunFolder, asked: Asked, state: HaltState) -> None:
    """Where the next run finds it, also where no process obeys."""
    status = folder.read_status()
    noted = HaltNote(
        time=time.time_ns(),
        mode=str(status.get("mode")),
        run=folder.id,
        state=state.value,
        cause="command",
        by=asked.by,
        reason=asked.reason,
        cancel=asked.cancel,
        flatten=asked.flatten,
    )
    Halts(folder.path.parent).note(noted)


def _watched(folder: RunFolder, patience_s: float, is_enough: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The status of the run once it is enough or the run has stopped, or as it still is when patience ends."""
    end = time.monotonic() + patience_s
    while True:
        found = read_status(folder)
        if found.get("state") == "stopped" or is_enough(found) or time.monotonic() > end:
            return found
        time.sleep(LOOK_S)


def _has_heard(found: dict[str, Any], mark: int) -> bool:
    """Whether the run has acted upon what was written at `mark`."""
    return bool(found.get("halt", {}).get("heard") == mark)


def _is_over(found: dict[str, Any]) -> bool:
    """Whether the kill switch is done, or nobody works on it any more."""
    return found.get("halt", {}).get("state") not in BUSY or not found.get("responding", True)


def _is_done(found: dict[str, Any]) -> bool:
    """Whether the run obeyed and nothing of what was asked for is left."""
    told = found.get("halt", {})
    return bool(found["acknowledged"]) and told.get("state") not in (*BUSY, HaltState.GAVE_UP)


def _is_forsaken(found: dict[str, Any], *, cancel: bool) -> bool:
    """Whether orders may work at a venue that no process minds: of a live run that hangs or is gone, or that is asked about."""
    if found.get("mode") != Mode.LIVE.value:
        return False
    if found.get("state") == "stopped":
        return cancel or found.get("ending", {}).get("cause") == "lost"
    return not found["acknowledged"] or not found.get("responding", True)


def _withdrawn(folder: RunFolder) -> list[Withdrawn]:
    plan, tags = _accounts(folder), StateDir(folder.path.parent, make=False).tags()

    async def main() -> list[Withdrawn]:
        return await withdraw([settings.open(name, clock=time.time_ns) for name, settings in plan.adapters.items()], tags)

    return anyio.run(main)


def _flattened(folder: RunFolder, asked: Asked) -> HaltUpdated:
    """Close every position, with a journal of its own that the next run goes on from."""
    state, plan = StateDir(folder.path.parent), _accounts(folder)
    with Journal.open(folder.journal) as last:
        legacy, memories = legacy_of(last), memory_of(last)
    tags, tag = state.tags(), state.run_tag()
    own = state.begin(tag, datetime.now(UTC))
    own.write("config.toml", plan.toml())
    begun = {
        "run": own.id,
        "tag": tag,
        "tags": list(tags),
        "mode": Mode.LIVE.value,
        "seed": 0,
        "began": time.time_ns(),
        "beside": folder.id,
    }

    async def main() -> HaltUpdated:
        with Journal.create(own.journal, {**begun, "began": time.time_ns(), "legacy": legacy.record(), **plan.header()}) as journal:
            record = RunRecord(own, journal, Mode.LIVE.value)
            for name, memory in memories.items():
                record.memory(name, memory)
            engine = Engine([], margin=Classic(), tag=tag, tags=tags, halt=plan.halt)
            adapters = [settings.open(name, clock=time.time_ns) for name, settings in plan.adapters.items()]
            return await Outside(adapters, engine, record, time.time_ns, record.keep).run(asked.by, asked.reason)

    with _held(state):
        return anyio.run(main)


@contextmanager
def _held(state: StateDir) -> Iterator[None]:
    """The state directory, so that no run begins meanwhile; a run that hangs holds it, and begins nothing."""
    with ExitStack() as stack:
        with suppress(StateInUseError):
            stack.enter_context(state.lock())
        yield


def _accounts(folder: RunFolder) -> Plan:
    """The accounts of a run as it was configured; its plugins, which may be what is wrong with it, are not loaded."""
    if not folder.config.is_file():
        raise StorageError(f"run {folder.id} has no config")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return load([folder.config], environ=environ, live=True, sections=ACCOUNTS)


# ---- words ---------------------------------------------------------------------------------------------------------


def _told(folder: RunFolder, found: dict[str, Any], ours: _Done | None) -> dict[str, Any]:
    told = {"run": folder.id, "state": found["state"], "acknowledged": found["acknowledged"], "halt": found.get("halt")}
    if ours is None:
        return told
    flattened = ours.flattened and {"state": ours.flattened.state.value, "left": list(ours.flattened.left)}
    return {**told, "withdrawn": [attrs.asdict(one) for one in ours.withdrawn], "flattened": flattened}


def _tell(folder: RunFolder, found: dict[str, Any], ours: _Done | None) -> None:
    if found["state"] == "stopped":
        click.echo(f"{folder.id} is not running; it would not send an order any more, and the next run begins halted")
    elif found["acknowledged"]:
        click.echo(f"{folder.id} is {_words(found.get('halt', {}))}")
    else:
        note(f"strikeloop: {folder.id} did not confirm within {PATIENCE_S:g} s; HALT stands, and nothing is sent past it")
    for one in () if ours is None else ours.withdrawn:
        click.echo(f"{one.adapter}: {len(one.canceled)} orders withdrawn, {len(one.left)} still work, {one.foreign} of other hands stay")
        if one.left:
            note(f"strikeloop: still working: {', '.join(one.left)}{f' ({one.error})' if one.error else ''}")
    flattened = None if ours is None else ours.flattened
    if flattened is not None:
        click.echo(f"positions: {flattened.state.value}, closed by this command")
    for text in found.get("halt", {}).get("left", ()) if flattened is None else flattened.left:
        note(f"strikeloop: left: {text}")


def _words(told: dict[str, Any]) -> str:
    return {
        HaltState.CANCELING: "halted, and still withdraws orders",
        HaltState.REDUCING: "halted, and still closes positions",
        HaltState.GAVE_UP: "halted, and gave up",
        HaltState.FLAT: "halted and flat",
    }.get(told.get("state", ""), "halted")
