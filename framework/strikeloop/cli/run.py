"""`strikeloop run`: run strategies until they are told to stop."""

from __future__ import annotations

import ctypes
import resource
import sys
from pathlib import Path

import click

from strikeloop.cli.exits import Exit
from strikeloop.cli.options import REHEARSAL, config_files, examples, note, with_config, with_json
from strikeloop.cli.running import Show, conduct
from strikeloop.load import Mode, load


@click.command(epilog=examples("strikeloop run -c hedge.toml", "strikeloop run -c hedge.toml --live --set run.backend=trio"))
@with_config
@click.option("--live", is_flag=True, help='Send orders to the venue; the config must say mode = "live" too. Else the run is on paper.')
@click.option("--duration", type=click.FloatRange(min=0, min_open=True), default=None, metavar="S", help="End after so many seconds.")
@click.option("--fail-fast", is_flag=True, help="End with exit code 4 when the venue refuses the credentials.")
@click.option("--quiet", is_flag=True, help="Only alerts and faults on stderr.")
@with_json
def run(
    *,
    files: tuple[Path, ...],
    sets: tuple[str, ...],
    disabled: tuple[str, ...],
    live: bool,
    duration: float | None,
    fail_fast: bool,
    quiet: bool,
    as_json: bool,
) -> int:
    """Run strategies: simulated, on paper, or live with --live.

    Ctrl-C or SIGTERM ends the run cleanly: plugins finish, working orders are canceled, the summary is printed.
    """
    options = (*sets, "run.fail_fast=true") if fail_fast else sets
    plan = load(config_files(files), sets=options, live=live, disabled=disabled)
    if plan.run.mode is Mode.LIVE:
        leave_no_core()
    if plan.is_rehearsal:
        note(REHEARSAL)
    done = conduct(plan, Show(title=f"{plan.run.mode.value} run", quiet=quiet, as_json=as_json), duration_s=duration)
    if done.code is not Exit.OK:
        note(f"strikeloop: the run ended: {done.ending.reason}")
    return done.code


def leave_no_core() -> None:
    """A process that holds keys leaves no picture of its memory behind when it crashes, and none can be taken of it by its user."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        pr_set_dumpable = 4
        ctypes.CDLL(None).prctl(pr_set_dumpable, 0, 0, 0, 0)
