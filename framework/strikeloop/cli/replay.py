"""`strikeloop replay`: the decisions of a recorded run, taken again."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any

import attrs
import click

from strikeloop.cli.exits import Exit
from strikeloop.cli.options import examples, folder_of, note, print_json, with_json, with_state_dir
from strikeloop.journal import Journal
from strikeloop.load import load
from strikeloop.load.layers import PREFIX
from strikeloop.replay import Replayed
from strikeloop.replay import replay as replay_inputs
from strikeloop.runs import margin_of, plugins_of
from strikeloop.settings import event_from_record

_EXAMPLES = examples("strikeloop replay 20260626-080000-a1b2c3", "strikeloop replay runs/20260626-080000-a1b2c3 --json")


@click.command(epilog=_EXAMPLES)
@click.argument("run", metavar="RUN")
@with_state_dir
@with_json
def replay(run: str, state_dir: Path, as_json: bool) -> int:
    """Feed the inputs of a recorded run through its plugins again and compare the commands.

    RUN is a run's id, or the path of its folder. Exit code 6 when the plugins decide otherwise.
    """
    folder = folder_of(run, state_dir)
    # What overrides a config today did not when the run was made.
    plan = load([folder.config], environ={name: value for name, value in os.environ.items() if not name.startswith(PREFIX)})
    with Journal.open(folder.journal) as journal:
        header = journal.header()
        _compare_versions(header.get("versions", {}), plan.versions)
        memories = _memories_at_start(journal)
        inputs = (event_from_record(row.body) for row in journal.rows("input"))
        identity = {
            "tag": header["tag"],
            "tags": header.get("tags", ()),
            "seed": header["seed"],
            "margin": margin_of(plan),
            "halt": plan.halt,
        }
        found = replay_inputs(plugins_of(plan, memories), inputs, _commands(journal), **identity)
    _print(found, as_json=as_json)
    return Exit.OK if found.divergence is None else Exit.GATE


def _memories_at_start(journal: Journal) -> dict[str, dict[str, Any]]:
    """What the plugins remembered when the run began: the memories that stand before the first input."""
    begin = takewhile(lambda row: row.kind != "input", journal.rows())
    return {row.key: row.body for row in begin if row.kind == "memory"}


def _commands(journal: Journal) -> Iterator[dict[str, Any]]:
    for row in journal.rows("intent"):
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
