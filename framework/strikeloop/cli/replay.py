"""`strikeloop replay`: the decisions of a recorded run, taken again."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any

import attrs
import click

from strikeloop.backtest.decisions import Compared, has_decisions, kept_decisions
from strikeloop.backtest.ranges import instant
from strikeloop.cli.exits import Exit
from strikeloop.cli.options import examples, folder_of, note, print_json, with_json, with_state_dir
from strikeloop.journal import Journal
from strikeloop.load import Mode, Plan, load
from strikeloop.load.layers import PREFIX
from strikeloop.replay import Divergence, Replayed
from strikeloop.replay import replay as replay_inputs
from strikeloop.runs import margin_of, plugins_of
from strikeloop.settings import event_from_record
from strikeloop.study.planning import open_study

_EXAMPLES = examples(
    "strikeloop replay 20260626-080000-a1b2c3", "strikeloop replay runs/20260626-080000-a1b2c3 --until 2026-06-26T09:00:00Z --json"
)


@click.command(epilog=_EXAMPLES)
@click.argument("run", metavar="RUN")
@click.option("--until", default=None, metavar="TIME", help="Stop after this moment, UTC: 2026-06-26T09:00:00Z.")
@with_state_dir
@with_json
def replay(run: str, until: str | None, state_dir: Path, as_json: bool) -> int:
    """Let the plugins of a run, live or backtest, decide again on what it met, and compare the commands.

    RUN is a run's id, or the path of its folder. Exit code 6 when the plugins decide otherwise.
    """
    folder = folder_of(run, state_dir)
    last = None if until is None else instant(until, "--until")
    is_backtest = has_decisions(folder.path)
    # What overrides a config today did not when the run was made.
    environ = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    plan = load([folder.config], environ=environ, mode=Mode.SIM if is_backtest else None)
    found = _again(folder.path, plan, last) if is_backtest else _replayed(folder.journal, plan, last)
    _print(found, as_json=as_json)
    return Exit.OK if found.divergence is None else Exit.GATE


def _replayed(path: Path, plan: Plan, until: int | None) -> Replayed:
    """The inputs that a run wrote down, once more."""
    with Journal.open(path) as journal:
        header = journal.header()
        _compare_versions(header.get("versions", {}), plan.versions)
        memories = _memories_at_start(journal)
        rows = (event_from_record(row.body) for row in journal.rows("input"))
        inputs = rows if until is None else takewhile(lambda event: event.received <= until, rows)
        identity = {"tag": header["tag"], "tags": header.get("tags", ()), "seed": header["seed"], "margin": margin_of(plan)}
        return replay_inputs(plugins_of(plan, memories), inputs, _commands(journal, until), halt=plan.halt, **identity)


def _again(folder: Path, plan: Plan, until: int | None) -> Replayed:
    """A backtest meets the same market once more: its source and its venue are those of its config."""
    header, recorded = kept_decisions(folder)
    _compare_versions(header["versions"], plan.versions)
    compared = Compared(recorded, until)
    result = open_study(plan, start=header["start"], end=header["end"], decided=compared.decided).run(until=until, stop=until is None)
    compared.end()
    if compared.first is None and until is None and result.digest != header["digest"]:
        note(f"the commands are the same, what came of them is not: the digest is {result.digest}, and was {header['digest']}")
    inputs, found = sum(result.summary.events.values()), None
    if compared.first is not None:
        number, kept, made = compared.first
        found = Divergence(input=number, event="command", recorded=kept, replayed=made)
    return Replayed(inputs=inputs, commands=compared.count, divergence=found)


def _memories_at_start(journal: Journal) -> dict[str, dict[str, Any]]:
    """What the plugins remembered when the run began: the memories that stand before the first input."""
    begin = takewhile(lambda row: row.kind != "input", journal.rows())
    return {row.key: row.body for row in begin if row.kind == "memory"}


def _commands(journal: Journal, until: int | None) -> Iterator[dict[str, Any]]:
    for row in journal.rows("intent"):
        if until is not None and row.body["approved"] > until:
            return
        yield {key: value for key, value in row.body.items() if key not in ("instance", "approved")}


def _compare_versions(recorded: Mapping[str, str], installed: Mapping[str, str]) -> None:
    for section, version in recorded.items():
        if section in installed and installed[section] != version:
            note(f"{section} was {version} when this run was made, and is {installed[section]}")


def _print(found: Replayed, *, as_json: bool) -> None:
    if as_json:
        print_json(attrs.asdict(found))
        return
    click.echo(f"{found.inputs} inputs, {found.commands} commands compared")
    if found.divergence is None:
        click.echo("the same decisions")
        return
    click.echo(f"first divergence at input {found.divergence.input}, {found.divergence.event}")
    click.echo(f"  recorded: {found.divergence.recorded}")
    click.echo(f"  replayed: {found.divergence.replayed}")
