"""`strikeloop backtest`: strategies over a market, as fast as the machine allows, with the digest of what happened."""

from __future__ import annotations

import operator
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from strikeloop.backtest import Progress
from strikeloop.cli.exits import Exit
from strikeloop.cli.options import DEFAULT_CONFIG, examples, note, with_config, with_json
from strikeloop.cli.running import print_summary, write_result
from strikeloop.demo import BACKTEST
from strikeloop.journal import StateDir, draw_tag
from strikeloop.load import Mode, load
from strikeloop.runs import backtest_of

_SIGNS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
}
_GATE = re.compile(r"\s*([a-z_]{1,30})\s*(<=|>=|==|!=|<|>)\s*(-?[0-9]{1,15}(?:\.[0-9]{1,15})?)\s*")
Gate = tuple[str, str, float]


def _gate(_ctx: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> tuple[Gate, ...]:
    found = []
    for value in values:
        match = _GATE.fullmatch(value)
        if match is None:
            raise click.BadParameter(f"{value!r} is not of the form NAME<NUMBER, for example 'fills<1'")
        found.append((match[1], match[2], float(match[3])))
    return tuple(found)


@click.command(epilog=examples("strikeloop backtest --json", "strikeloop backtest -c hedge.toml --seed 7 --fail-if 'faults>0'"))
@with_config
@click.option("--seed", type=click.IntRange(min=0), default=None, help="Seed of the run, its market and its venue.")
@click.option(
    "--fail-if",
    "gates",
    multiple=True,
    callback=_gate,
    metavar="NAME<NUMBER",
    help="Exit with 6 when this holds of the summary. Repeatable.",
)
@click.option("--no-save", is_flag=True, help="Write no run folder.")
@with_json
def backtest(
    *,
    files: tuple[Path, ...],
    sets: tuple[str, ...],
    disabled: tuple[str, ...],
    seed: int | None,
    gates: tuple[Gate, ...],
    no_save: bool,
    as_json: bool,
) -> int:
    """Run strategies over a market as fast as the machine allows, and print the run's digest.

    Without a config: two strategies and three rules over one generated day. The same inputs give the same digest.
    """
    named = files or ((DEFAULT_CONFIG,) if DEFAULT_CONFIG.is_file() else ())
    options = sets if seed is None else (*sets, f"run.seed={seed}")
    plan = load(named, sets=options, defaults=None if named else BACKTEST, mode=Mode.SIM, disabled=disabled)
    folder = None if no_save else StateDir(plan.run.state_dir).begin(draw_tag(), datetime.now(UTC))
    run = backtest_of(plan, run="backtest" if folder is None else folder.id)
    with _progress() as progress:
        result = run.run(progress)
    if folder is not None:
        folder.write("config.toml", plan.toml())
        result.summary.report = write_result(folder, result.record())
    short = result.summary.short()
    print_summary(short, as_json=as_json)
    return _judged(short, gates)


def _judged(short: Mapping[str, Any], gates: tuple[Gate, ...]) -> Exit:
    code = Exit.OK
    for name, sign, bound in gates:
        value = short.get(name)
        if not isinstance(value, int | float):
            names = ", ".join(key for key, one in short.items() if isinstance(one, int | float))
            raise click.UsageError(f"--fail-if {name}: the summary has no such figure; it has {names}")
        if _SIGNS[sign](value, bound):
            note(f"strikeloop: --fail-if {name}{sign}{bound:g} holds: {name} is {value}")
            code = Exit.GATE
    return code


@contextmanager
def _progress() -> Iterator[Progress | None]:
    """A line that counts on stderr, where that is a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console  # noqa: PLC0415 - only where there is a terminal

    with Console(stderr=True).status("backtest") as line:
        yield lambda count, _time: line.update(f"backtest: {count:,} market events")
