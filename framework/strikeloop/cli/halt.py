"""`strikeloop halt`: a file that every send looks at first; and where nobody obeys it, our own hands at the venue.

Owns the command. What it withdraws itself are orders of this state directory's runs; those of other hands it leaves alone.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import anyio
import attrs
import click

from strikeloop.cli.exits import Exit
from strikeloop.cli.options import examples, folder_of, note, print_json, with_json, with_run
from strikeloop.cli.watch import read_status
from strikeloop.errors import StorageError
from strikeloop.journal import RunFolder, StateDir
from strikeloop.live.withdraw import Withdrawn, withdraw
from strikeloop.load import ACCOUNTS, Mode, Plan, load
from strikeloop.load.layers import PREFIX

PATIENCE_S = 2.0


@click.command(epilog=examples("strikeloop halt --reason 'news at 14:30'", "strikeloop halt --cancel --json"))
@with_run
@click.option("--cancel", is_flag=True, help="Also withdraw every working order, those that a run left behind included.")
@click.option("--reason", default="halted by hand", show_default=True, help="For the journal and the alert.")
@with_json
def halt(state_dir: Path, run: str, cancel: bool, reason: str, as_json: bool) -> int:
    """Stop a run from sending orders, at once and until it ends.

    Where a live run hangs or is gone and does not confirm within two seconds, this command withdraws its orders at the venue
    itself, with the run's config: only orders of this state directory's runs, never those of other hands. Exit code 0 when the run
    confirmed or nothing of it works any more, 1 when something may, 4 when the venue refuses.
    """
    folder = folder_of(run, state_dir, having="status.json")
    folder.write("HALT", f"{' '.join(reason.split())[:200] or 'halted by hand'}\n{'cancel' if cancel else ''}\n")
    found = _confirmed(folder)
    withdrawn = _withdrawn(folder) if _is_forsaken(found, cancel=cancel) else None
    if as_json:
        print_json(_told(folder, found, withdrawn))
    else:
        _tell(folder, found, withdrawn)
    if withdrawn is not None:
        return Exit.BUG if any(one.left for one in withdrawn) else Exit.OK
    return Exit.OK if found["state"] in ("halted", "stopped") else Exit.BUG


def _confirmed(folder: RunFolder) -> dict[str, Any]:
    """The status of the run once it is halted or stopped, or as it still is when patience ends."""
    end = time.monotonic() + PATIENCE_S
    while True:
        found = read_status(folder)
        if found.get("state") in ("halted", "stopped") or time.monotonic() > end:
            return found
        time.sleep(0.05)


def _is_forsaken(found: dict[str, Any], *, cancel: bool) -> bool:
    """Whether orders may work at a venue that no process minds: of a live run that hangs or is gone, or that is asked about."""
    if found.get("mode") != Mode.LIVE.value:
        return False
    if found.get("state") == "stopped":
        return cancel or found.get("ending", {}).get("cause") == "lost"
    return found.get("state") != "halted" or not found.get("responding", True)


def _withdrawn(folder: RunFolder) -> list[Withdrawn]:
    plan, tags = _accounts(folder), StateDir(folder.path.parent, make=False).tags()

    async def main() -> list[Withdrawn]:
        return await withdraw([settings.open(name, clock=time.time_ns) for name, settings in plan.adapters.items()], tags)

    return anyio.run(main)


def _accounts(folder: RunFolder) -> Plan:
    """The accounts of a run as it was configured; its plugins, which may be what is wrong with it, are not loaded."""
    if not folder.config.is_file():
        raise StorageError(f"run {folder.id} has no config")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return load([folder.config], environ=environ, live=True, sections=ACCOUNTS)


# ---- words ---------------------------------------------------------------------------------------------------------


def _told(folder: RunFolder, found: dict[str, Any], withdrawn: list[Withdrawn] | None) -> dict[str, Any]:
    told = {"run": folder.id, "state": found["state"], "acknowledged": found["state"] in ("halted", "stopped")}
    return told if withdrawn is None else {**told, "withdrawn": [attrs.asdict(one) for one in withdrawn]}


def _tell(folder: RunFolder, found: dict[str, Any], withdrawn: list[Withdrawn] | None) -> None:
    if found["state"] == "halted":
        click.echo(f"{folder.id} is halted")
    elif found["state"] == "stopped":
        click.echo(f"{folder.id} is not running; it would not send an order any more")
    else:
        note(f"strikeloop: {folder.id} did not confirm within {PATIENCE_S:g} s; HALT stands, and nothing is sent past it")
    for one in withdrawn or ():
        click.echo(f"{one.adapter}: {len(one.canceled)} orders withdrawn, {len(one.left)} still work, {one.foreign} of other hands stay")
        if one.left:
            note(f"strikeloop: still working: {', '.join(one.left)}{f' ({one.error})' if one.error else ''}")
