"""What several commands share: options, the plan they lead to, and how data is printed.

Owns the spelling of common options. Prints data on stdout, and tables only where nobody asked for JSON.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from strikeloop.journal.folder import RunFolder


F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_CONFIG = Path("strikeloop.toml")
WIDE = 500
REHEARSAL = 'strikeloop: mode is "live", but --live was not given: on paper, no order leaves for the venue'


def examples(first: str, second: str) -> str:
    """The end of every help text."""
    return f"\b\nExamples:\n  {first}\n  {second}"


def with_json(function: F) -> F:
    """--json as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")(function)


def with_config(function: F) -> F:
    """-c, --set and --disable-plugin as `files`, `sets` and `disabled`."""
    for option in (
        click.option(
            "--disable-plugin", "disabled", multiple=True, metavar="NAME", help="Leave a plugin out, before it is imported. Repeatable."
        ),
        click.option("--set", "sets", multiple=True, metavar="A.B=V", help="Set one key, above all files. Repeatable."),
        click.option(
            "-c",
            "--config",
            "files",
            multiple=True,
            type=click.Path(path_type=Path),
            help=f"Config file; later ones win. Default: {DEFAULT_CONFIG}.",
        ),
    ):
        function = option(function)
    return function


def with_state_dir(function: F) -> F:
    """--state-dir as `state_dir`; the variable that sets it for runs sets it for those who look at them too."""
    return click.option(
        "--state-dir",
        type=click.Path(path_type=Path),
        default=Path("runs"),
        envvar="STRIKELOOP__RUN__STATE_DIR",
        show_default=True,
        help="The directory that holds all runs.",
    )(function)


def with_run(function: F) -> F:
    """RUN and --state-dir as `run` and `state_dir`: a run's id, or the path of its folder; the latest where none is named."""
    return with_state_dir(click.argument("run", default="", metavar="[RUN]")(function))


def config_files(files: Sequence[Path]) -> tuple[Path, ...]:
    """The files that were named, else strikeloop.toml where there is one. Raises a usage error where there is none."""
    if files:
        return tuple(files)
    if DEFAULT_CONFIG.is_file():
        return (DEFAULT_CONFIG,)
    raise click.UsageError(f"there is no {DEFAULT_CONFIG} here: name a config file with -c FILE")


def folder_of(run: str, state_dir: Path, *, having: str = "") -> RunFolder:
    """A run by its id or the path of its folder, the latest that has the file `having` where none is named.

    Raises StorageError where it does not exist.
    """
    from strikeloop.journal.folder import StateDir  # noqa: PLC0415 - only for commands that look at runs

    path = Path(run)
    if len(path.parts) > 1:
        return StateDir(path.parent, make=False).run(path.name)
    return StateDir(state_dir, make=False).run(run, having=having)


def _written(value: Any) -> str:
    """Dates of a configuration, which JSON has none of, as text."""
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not JSON")


def print_json(data: Any) -> None:
    """One JSON document, indented for people."""
    click.echo(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False, default=_written))


def print_line(data: Mapping[str, Any]) -> None:
    """One JSON object on one line."""
    click.echo(json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str) -> None:
    """Rows in columns; `empty` on stderr where there is none."""
    from rich.table import Table  # noqa: PLC0415 - only for those who read tables
    from rich.text import Text  # noqa: PLC0415 - as above

    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        # As text, not markup: a plugin's or a venue's words must not be read as instructions to the terminal.
        table.add_row(*(Text(_cell(cell)) for cell in row))
    if not table.row_count:
        click.echo(empty, err=True)
        return
    print_rich(table)


def print_rich(table: Any) -> None:
    """A table on stdout: as wide as the terminal, and as wide as it likes where there is none."""
    from rich.console import Console  # noqa: PLC0415 - only for those who read tables

    Console(highlight=False, width=None if sys.stdout.isatty() else WIDE).print(table)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else _printable(str(value))


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() or char == "\n" else repr(char)[1:-1] for char in text)


def note(text: str) -> None:
    """A line for people, on stderr."""
    click.echo(_printable(text), err=True)
