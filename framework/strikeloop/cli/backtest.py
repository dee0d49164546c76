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

from strikeloop.backtest import Progress, told
from strikeloop.backtest.decisions import keep_decisions
from strikeloop.backtest.world import Decision
from strikeloop.cli.exits import Exit
from strikeloop.cli.options import DEFAULT_CONFIG, examples, note, with_config, with_json
from strikeloop.cli.running import print_summary, write_result
from strikeloop.demo import BACKTEST
from strikeloop.events import Event
from strikeloop.journal import StateDir, draw_tag
from strikeloop.recording import Recorder
from strikeloop.runs import recorder_of
from strikeloop.study.planning import open_study, plan_study

_SIGNS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
}
_GATE = re.compile(r"\s*([a-z_]{1,30})\s*(<=|>=|==|!=|<|>)\s*(-?[0-9]{1,15}(?:\.[0-9]{1,15})?)\s*")
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
Gate = tuple[str, str, float]


def _gate(_ctx: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> tuple[Gate, ...]:
    found = []
    for value in values:
        match = _GATE.fullmatch(value)
        if match is None:
            raise click.BadParameter(f"{value!r} is not of the form NAME<NUMBER, for example 'fills<1'")
        found.append((match[1], match[2], float(match[3])))
    return tuple(found)


_EXAMPLES = examples(
    "strikeloop backtest -s delta-band --set band=0.02 --data data --from 2026-06-01 --to 2026-06-08",
    "strikeloop backtest -c hedge.toml --seed 7 --latency 5,20 --queue front --fail-if 'faults>0'",
)


@click.command(epilog=_EXAMPLES)
@click.option("-s", "--strategy", "strategies", multiple=True, metavar="NAME", help="Run it: installed, or ./file.py:Class. Repeatable.")
@with_config
@click.option("--data", default=None, metavar="PATH", help="Market data: a store, or a recording (.jsonl). Default: the configured market.")
@click.option("--from", "start", default=None, metavar="TIME", help="First moment, UTC: 2026-06-01 or 2026-06-01T08:00:00Z.")
@click.option("--to", "end", default=None, metavar="TIME", help="The moment after the last.")
@click.option("--seed", type=click.IntRange(min=0), default=None, help="Seed of the run, its market and its venue.")
@click.option("--latency", default=None, metavar="MS", help="Of order entry and response: MS, ENTRY,RESPONSE or ENTRY,RESPONSE,FEED.")
@click.option("--queue", default=None, metavar="MODEL", help="Where resting orders stand at their price: risk-averse, front, back, …")
@click.option("--each", is_flag=True, help="Visit every row of the market, with the same result.")
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
    strategies: tuple[str, ...],
    files: tuple[Path, ...],
    sets: tuple[str, ...],
    disabled: tuple[str, ...],
    data: str | None,
    start: str | None,
    end: str | None,
    seed: int | None,
    latency: str | None,
    queue: str | None,
    each: bool,
    gates: tuple[Gate, ...],
    no_save: bool,
    as_json: bool,
) -> int:
    """Run strategies over a market as fast as the machine allows, and print the run's digest.

    Without a config and a strategy: two strategies and three rules over one generated day. With -s the strategies of the config are left
    out; of one strategy --set takes its settings by their names. The same inputs give the same digest.
    """
    named = files or ((DEFAULT_CONFIG,) if DEFAULT_CONFIG.is_file() else ())
    plan = plan_study(
        strategies,
        files=named,
        sets=sets,
        data=data,
        seed=seed,
        latency=latency,
        queue=queue,
        defaults=None if named else BACKTEST,
        disabled=disabled,
    )
    decisions: list[Decision] = []
    recorder: Recorder | None = None

    def listen(event: Event) -> None:
        if recorder is not None:
            recorder.event(event)

    run = open_study(plan, start=start, end=end, each=each, decided=decisions.append, listen=listen)
    folder = None if no_save else StateDir(plan.run.state_dir).begin(draw_tag(), datetime.now(UTC))
    run.summary.run = "backtest" if folder is None else folder.id
    recorder = None if folder is None else recorder_of(plan, folder)
    with _progress(run.span()) as progress:
        result = run.run(progress)
    if recorder is not None:
        recorder.close()
    if folder is not None:
        folder.write("config.toml", plan.toml())
        keep_decisions(folder.path, {"start": start, "end": end, "digest": result.digest, "versions": plan.versions}, decisions)
        result.summary.report = write_result(folder, result.record())
    for raised in result.faults:
        note(told(raised))
    short = result.summary.short()
    print_summary(short, as_json=as_json)
    code = _judged(short, gates)
    if code is Exit.OK and short["halt"]:
        note(f"strikeloop: halted by {short['halt']['by']}: {short['halt']['reason']}")
        return Exit.HALTED
    return code


def _judged(short: Mapping[str, Any], gates: tuple[Gate, ...]) -> Exit:
    code = Exit.OK
    for name, sign, bound in gates:
        known = {key: figure for key, one in {**short["figures"], **short}.items() if (figure := _figure(one)) is not None}
        value = known.get(name)
        if value is None:
            raise click.UsageError(f"--fail-if {name}: this run has no such figure; it has {', '.join(known)}")
        if _SIGNS[sign](value, bound):
            note(f"strikeloop: --fail-if {name}{sign}{bound:g} holds: {name} is {value}")
            code = Exit.GATE
    return code


def _figure(value: object) -> float | None:
    """A number, also where it is exact and so written as text."""
    if isinstance(value, str):
        return float(value) if _NUMBER.fullmatch(value) else None
    return value if isinstance(value, int | float) else None


@contextmanager
def _progress(span: tuple[int, int] | None) -> Iterator[Progress | None]:
    """A line on stderr, where that is a terminal: rows so far, rows per second, and the time left where the end is known."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console  # noqa: PLC0415 - only where there is a terminal
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415 - as above
    from rich.progress import Progress as Bar  # noqa: PLC0415 - as above

    columns = (TextColumn("backtest"), BarColumn(), TextColumn("{task.fields[rows]:,} rows"), TextColumn("{task.fields[rate]:,} rows/s"))
    with Bar(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as bar:
        first, last = span or (0, 0)
        task = bar.add_task("backtest", total=last - first if span else None, rows=0, rate=0)

        def show(count: int, now: int) -> None:
            elapsed = bar.tasks[0].elapsed or 0.0
            bar.update(task, completed=now - first if span else None, rows=count, rate=round(count / elapsed) if elapsed else 0)

        yield show
