"""`strikeloop halt`: a file that every send looks at first.

Writes the wish and waits for the run to confirm it. Talks to no venue.
"""

from __future__ import annotations

import time
from pathlib import Path

import click

from strikeloop.cli.exits import Exit
from strikeloop.cli.options import examples, note, print_json, with_json, with_run
from strikeloop.cli.watch import read_status
from strikeloop.journal import StateDir

PATIENCE_S = 2.0


@click.command(epilog=examples("strikeloop halt --reason 'news at 14:30'", "strikeloop halt --cancel --json"))
@with_run
@click.option("--cancel", is_flag=True, help="Also withdraw every working order.")
@click.option("--reason", default="halted by hand", show_default=True, help="For the journal and the alert.")
@with_json
def halt(state_dir: Path, run: str, cancel: bool, reason: str, as_json: bool) -> int:
    """Stop a run from sending orders, at once and until it ends.

    Waits up to two seconds for the run to confirm; exit code 1 when it is alive and does not.
    """
    state = StateDir(state_dir, make=False)
    folder = state.run(run, having="status.json")
    folder.write("HALT", f"{' '.join(reason.split())[:200] or 'halted by hand'}\n{'cancel' if cancel else ''}\n")
    now = _confirmed(state_dir, folder.id)
    if as_json:
        print_json({"run": folder.id, "state": now, "acknowledged": now in ("halted", "stopped")})
    elif now == "halted":
        click.echo(f"{folder.id} is halted")
    elif now == "stopped":
        click.echo(f"{folder.id} is not running; it would not send an order any more")
    if now in ("halted", "stopped"):
        return Exit.OK
    note(f"strikeloop: {folder.id} did not confirm within {PATIENCE_S:g} s; HALT stands, and nothing is sent past it")
    return Exit.BUG


def _confirmed(state_dir: Path, run: str) -> str:
    """The state of the run once it is halted or stopped, or what it still is when patience ends."""
    end = time.monotonic() + PATIENCE_S
    while True:
        state = str(read_status(state_dir, run).get("state"))
        if state in ("halted", "stopped") or time.monotonic() > end:
            return state
        time.sleep(0.05)
