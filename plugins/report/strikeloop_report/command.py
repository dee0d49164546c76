"""The command `strikeloop report`: reads result.json of run folders and writes report.html beside it.

Owns files and exit codes; what the page looks like is strikeloop_report.page's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from strikeloop_report.page import render

_DAMAGED = 7


class _UnreadableError(click.ClickException):
    """A result.json that is damaged: exit code 7."""

    exit_code = _DAMAGED


@click.command(
    epilog="""\b
Examples:
  strikeloop report runs/20260601-080000-demo
  strikeloop report --json runs/*
"""
)
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("as_json", "--json", is_flag=True, help="Print one JSON object per run: run and report.")
def report(runs: tuple[Path, ...], as_json: bool) -> None:
    """Write report.html into each run folder and print its path.

    RUN is a folder that holds result.json, as every finished run does. The page is one file and needs no network.
    """
    for run in runs:
        result = _read(run)
        page = _write(run, render(result))
        click.echo(json.dumps({"run": str(result.get("run") or run.name), "report": str(page)}) if as_json else page)


def _read(run: Path) -> Mapping[str, Any]:
    source = run / "result.json"
    try:
        result = json.loads(source.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise click.UsageError(f"{source} does not exist: name the folder of a finished run, such as runs/<id>") from None
    except OSError as error:
        raise _UnreadableError(f"{source} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise _UnreadableError(f"{source} is damaged: {error}; run it again, or restore the file") from error
    if not isinstance(result, Mapping):
        raise _UnreadableError(f"{source} is damaged: expected a JSON object, found {type(result).__name__}")
    return result


def _write(run: Path, page: str) -> Path:
    """Whole or not at all: a reader never sees half a page."""
    target, draft = run / "report.html", run / ".report.html.part"
    try:
        draft.write_text(page, encoding="utf-8")
        draft.replace(target)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise _UnreadableError(f"{target} cannot be written: {error.strerror}") from error
    return target
