"""The command `strikeloop data`: list, import, verify and export stored market data.

Owns options, tables, progress and exit codes; what is done is done elsewhere.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from strikeloop import ConfigError, Problem
from strikeloop_store.checks import Limits
from strikeloop_store.defects import BadDataError, Defects
from strikeloop_store.exporting import SUFFIXES, export
from strikeloop_store.formats import FORMATS
from strikeloop_store.importing import Heard, Order, Outcome, import_files, quiet
from strikeloop_store.kinds import KINDS
from strikeloop_store.library import Library
from strikeloop_store.source import MARKET_KINDS, StoredMarket
from strikeloop_store.stock import stock
from strikeloop_store.verifying import verify

REFUSED = 9
"""Some input was refused."""
_FORMATS = "\n".join(
    f"  {name:<23}{one.about}{' (--set ' + ', '.join(one.needs) + ')' if one.needs else ''}" for name, one in FORMATS.items()
)

_store = click.option(
    "--store",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("market"),
    envvar="STRIKELOOP_STORE",
    show_default=True,
    help="The folder that holds the data.",
)
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
_venue = click.option("--venue", default="", help="Only this venue.")


@click.group()
def data() -> None:
    """Market data in Parquet: what is there, what comes in, whether it is sound, what goes out."""


# ---- list ------------------------------------------------------------------------------------------------------------------


@data.command("list", epilog="\b\nExamples:\n  strikeloop data list\n  strikeloop data list --contracts --venue deribit --json")
@_store
@_venue
@click.option("--contracts", is_flag=True, help="List the contracts instead: strike, expiry, tick, since when.")
@_json
def list_command(*, store: Path, venue: str, contracts: bool, as_json: bool) -> None:
    """List what a store holds: by venue and kind its days, rows, files and contracts."""
    library = Library.open(store)
    rows = [row for one in ([venue] if venue else library.venues()) for row in stock(library, one, contracts=contracts)]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    else:
        _table(rows, empty=f"{store} holds nothing yet: strikeloop data import --help")


# ---- import ----------------------------------------------------------------------------------------------------------------


def _declared(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for value in values:
        key, equals, told = value.partition("=")
        if not equals or not key or not told:
            raise click.BadParameter(f"{value!r} is not of the form KEY=VALUE, for example tick=0.5")
        found[key] = told
    return found


_limits = (
    click.option("--max-gap", type=click.FloatRange(min=0, min_open=True), metavar="S", help="Longer without a row of a kind is a defect."),
    click.option(
        "--max-jump",
        type=click.FloatRange(min=1),
        default=Limits().max_jump,
        show_default=True,
        help="More times the price before is a defect.",
    ),
    click.option(
        "--max-underlying-jump",
        type=click.FloatRange(min=1),
        default=Limits().max_underlying_jump,
        show_default=True,
        help="The same of an underlying.",
    ),
    click.option(
        "--max-delay",
        type=click.FloatRange(min=0),
        default=Limits().max_delay_s,
        show_default=True,
        metavar="S",
        help="The two times of a row further apart are a defect.",
    ),
)


def _with_limits(function: Any) -> Any:
    for option in reversed(_limits):
        function = option(function)
    return function


def _limited(options: Mapping[str, Any]) -> Limits:
    return Limits(
        max_gap_s=options["max_gap"],
        max_jump=options["max_jump"],
        max_underlying_jump=options["max_underlying_jump"],
        max_delay_s=options["max_delay"],
    )


@data.command(
    "import",
    epilog="\b\nFormats:\n"
    + _FORMATS
    + "\n\n\b\nExamples:\n  strikeloop data import chain.parquet --format deribit-chain --venue deribit \\\n"
    "      --set prices=dollars --set tick=5 --set multiplier=1 --set quote_size=10\n"
    "  strikeloop data import quotes.csv.gz --format csv --mapping quotes.toml --venue okx --json",
)
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--format", "format_name", required=True, type=click.Choice(list(FORMATS)), metavar="NAME", help="What the files are; see below."
)
@click.option("--venue", required=True, help="The venue that the data is of.")
@_store
@click.option(
    "--mapping",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Of csv and parquet: a TOML file that names columns, units, zones.",
)
@click.option(
    "--set", "declared", multiple=True, callback=_declared, metavar="KEY=VALUE", help="Declare what the files do not say. Repeatable."
)
@click.option(
    "--order",
    type=click.Choice([one.value for one in Order]),
    default=Order.OLDEST.value,
    show_default=True,
    help="How rows stand in a file; any: sort them.",
)
@_with_limits
@_json
def import_command(*, files: tuple[Path, ...], format_name: str, venue: str, store: Path, as_json: bool, **options: Any) -> int:
    """Import files, all of them or none: a row that is wrong is named with its file, and nothing is kept."""
    declared = dict(options["declared"])
    if (format_name in ("csv", "parquet")) != (options["mapping"] is not None):
        raise click.UsageError("--mapping FILE belongs to --format csv and parquet, and to those only")
    if options["mapping"] is not None:
        declared["mapping"] = str(options["mapping"])
    try:
        with _progress("import") as heard:
            outcome = import_files(
                Library.make(store),
                venue,
                files,
                format_name,
                declared,
                order=Order(options["order"]),
                limits=_limited(options),
                heard=heard,
            )
    except BadDataError as error:
        return _refused(error.defects, as_json=as_json, what="nothing was imported")
    _tell(outcome, as_json=as_json)
    return 0


def _tell(outcome: Outcome, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(outcome.record()))
        return
    rows = ", ".join(f"{count:,} {kind}" for kind, count in outcome.rows.items()) or "no rows"
    click.echo(f"imported {rows}, {outcome.contracts:,} contracts, in {outcome.files:,} files")
    if outcome.known:
        click.echo(f"{outcome.known:,} days were in the store already, just so", err=True)
    if outcome.moved:
        click.echo(f"{outcome.moved:,} rows were not in order of time and were sorted", err=True)


# ---- verify ----------------------------------------------------------------------------------------------------------------


@data.command("verify", epilog="\b\nExamples:\n  strikeloop data verify\n  strikeloop data verify quotes.parquet --max-gap 60 --json")
@click.argument("path", required=False, type=click.Path(exists=True, path_type=Path))
@_store
@_venue
@_with_limits
@_json
def verify_command(*, path: Path | None, store: Path, venue: str, as_json: bool, **options: Any) -> int:
    """Look through a store, or one file of it: damage, order, repetitions, missing and impossible values.

    Exit code 9 where something is wrong.
    """
    with _progress("verify") as heard:
        found = verify(path or store, venue=venue, limits=_limited(options), heard=heard)
    if len(found.defects):
        return _refused(found.defects, as_json=as_json, what=f"{found.rows:,} rows in {found.files:,} files")
    if as_json:
        click.echo(json.dumps({"files": found.files, "rows": found.rows, "defects": [], "counts": {}}))
    else:
        click.echo(f"{found.rows:,} rows in {found.files:,} files are sound")
    return 0


def _refused(defects: Defects, *, as_json: bool, what: str) -> int:
    listed = list(defects)
    if as_json:
        click.echo(json.dumps({"defects": [one.record() for one in listed], "counts": defects.by_sort()}))
    else:
        for one in listed:
            click.echo(str(one))
    if len(defects) > len(listed):
        click.echo(f"strikeloop: and {len(defects) - len(listed):,} more of the same", err=True)
    counts = ", ".join(f"{count:,} {sort}" for sort, count in defects.by_sort().items())
    click.echo(f"strikeloop: {counts}; {what}", err=True)
    return REFUSED


# ---- export ----------------------------------------------------------------------------------------------------------------


@data.command(
    "export",
    epilog="\b\nExamples:\n  strikeloop data export quotes.parquet --kind quotes --from 2026-06-01 --to 2026-06-02\n"
    "  strikeloop data export trades.csv --kind trades --contract BTC_USDT-20260626-70000-C",
)
@click.argument("target", metavar=f"FILE({'|'.join(SUFFIXES)})", type=click.Path(dir_okay=False, path_type=Path))
@_store
@_venue
@click.option("--kind", required=True, type=click.Choice(MARKET_KINDS), help="What to write.")
@click.option("--contract", "contracts", multiple=True, help="Only this contract. Repeatable.")
@click.option("--underlying", "underlyings", multiple=True, help="Only contracts on this underlying. Repeatable.")
@click.option("--from", "start", help="From this time on: 2026-06-01, or 2026-06-01T08:00:00Z.")
@click.option("--to", "end", help="Up to this time.")
@_json
def export_command(*, target: Path, store: Path, kind: str, as_json: bool, **options: Any) -> None:
    """Write one kind of data as Parquet (a market by itself, contracts included), CSV, or events as JSON lines."""
    try:
        market = StoredMarket(path=str(store), kinds=(kind,), **options)
    except ValueError as error:
        raise ConfigError(Problem("export", str(error))) from error
    with _progress("export") as heard:
        count = export(market.open(options["venue"] or "venue"), KINDS[kind], target, heard)
    click.echo(json.dumps({"file": str(target), "rows": count}) if as_json else f"{count:,} {kind} in {target}")


# ---- what people see -------------------------------------------------------------------------------------------------------


@contextmanager
def _progress(title: str) -> Iterator[Heard]:
    """A bar with rate and time left on stderr, where that is a terminal."""
    if not sys.stderr.isatty():
        yield quiet
        return
    from rich.console import Console  # noqa: PLC0415 - only where there is a terminal
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415 - as above

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task, rows = bar.add_task(title, total=1.0, rate=""), 0

        def heard(what: str, count: int, share: float) -> None:
            nonlocal rows
            rows += count
            elapsed = bar.tasks[0].elapsed or 0.0
            rate = f"{rows:,} rows, {rows / elapsed:,.0f} rows/s" if elapsed else ""
            bar.update(task, completed=share, description=f"{title} {what}", rate=rate)

        yield heard


def _table(rows: list[dict[str, Any]], *, empty: str) -> None:
    if not rows:
        click.echo(empty, err=True)
        return
    from rich.console import Console  # noqa: PLC0415 - only for those who read tables
    from rich.table import Table  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415 - as above

    table = Table(box=None, pad_edge=False)
    for name in rows[0]:
        table.add_column(name)
    for row in rows:
        table.add_row(*(Text(f"{cell:,}" if isinstance(cell, int) else str(cell)) for cell in row.values()))
    Console(highlight=False, width=None if sys.stdout.isatty() else 500).print(table)
