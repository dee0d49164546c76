"""The command `strikeloop report`: reads result.json of run folders, and writes report.html beside it or a comparison of them.

Owns files and exit codes; what the pages look like is strikeloop_report.page's and .comparison's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from strikeloop_report.comparison import MOST_RUNS, compare
from strikeloop_report.page import render

_DAMAGED = 7


class _UnreadableError(click.ClickException):
    """A result.json that is damaged: exit code 7."""

    exit_code = _DAMAGED


@click.command(
    epilog="""\b
Examples:
  strikeloop report runs/20260601-080000-demo
  strikeloop report runs/20260601-080000-demo runs/20260602-080000-demo
"""
)
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Where a comparison is written; by default comparison.html of the last run.")
@click.option("--each", is_flag=True, help="Of several runs write the page of each, and no comparison.")
@click.option("as_json", "--json", is_flag=True, help="Print one JSON object per page: run (or runs) and report.")
def report(runs: tuple[Path, ...], out: Path | None, each: bool, as_json: bool) -> None:
    """Write report.html into a run's folder, or compare runs with the first of them; print the path of the page.

    RUN is a folder that holds result.json, as every finished run does. A page is one file and needs no network.
    """
    results = [_read(run) for run in runs]
    if len(runs) > 1 and not each:
        if len(runs) > MOST_RUNS:
            raise click.UsageError(f"{len(runs)} runs cannot be compared: name 2 to {MOST_RUNS}, or add --each for a page of each")
        page = _write(out or runs[-1] / "comparison.html", compare(results))
        _tell({"runs": [_name(*one) for one in zip(runs, results, strict=True)], "report": str(page)}, as_json=as_json)
        return
    if out is not None:
        raise click.UsageError("--out is for the comparison of several runs; the page of one stands in its folder")
    for run, result in zip(runs, results, strict=True):
        _tell({"run": _name(run, result), "report": str(_write(run / "report.html", render(result)))}, as_json=as_json)


def _name(run: Path, result: Mapping[str, Any]) -> str:
    return str(result.get("run") or run.name)


def _tell(told: Mapping[str, Any], *, as_json: bool) -> None:
    click.echo(json.dumps(told) if as_json else told["report"])


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


def _write(target: Path, page: str) -> Path:
    """Whole or not at all: a reader never sees half a page."""
    draft = target.with_name(f".{target.name}.part")
    try:
        draft.write_text(page, encoding="utf-8")
        draft.replace(target)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise _UnreadableError(f"{target} cannot be written: {error.strerror}") from error
    return target
