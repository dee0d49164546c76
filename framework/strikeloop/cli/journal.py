"""`strikeloop journal`: is a run's journal whole, and what stands in it."""

from __future__ import annotations

from pathlib import Path

import click

from strikeloop.cli.options import examples, folder_of, note, print_json, print_line, with_json, with_state_dir
from strikeloop.journal import Journal
from strikeloop.journal import repair as repair_journal

_KINDS = ("header", "input", "intent", "memory", "ending")


@click.group(
    epilog=examples("strikeloop journal verify 20260626-080000-a1b2c3", "strikeloop journal dump 20260626-080000-a1b2c3 --kind intent")
)
def journal() -> None:
    """Verify and dump the journal of a run."""


@journal.command(
    "verify",
    epilog=examples("strikeloop journal verify 20260626-080000-a1b2c3", "strikeloop journal verify runs/20260626-080000-a1b2c3 --repair"),
)
@click.argument("run", metavar="RUN")
@with_state_dir
@click.option("--repair", is_flag=True, help="Keep the rows before the damage; the damaged files stay beside as *.damaged.")
@with_json
def verify(run: str, state_dir: Path, repair: bool, as_json: bool) -> None:
    """Check every row of a run's journal; exit code 7 names the first that is damaged."""
    path = folder_of(run, state_dir).journal
    if repair:
        kept = repair_journal(path)
        note(f"{kept} rows were kept")
    with Journal.open(path, check=False) as found:
        rows = found.verify()
    if as_json:
        print_json({"journal": str(path), "rows": rows, "sound": True})
    else:
        click.echo(f"{path}: {rows} rows, all sound")


@journal.command(
    "dump",
    epilog=examples(
        "strikeloop journal dump 20260626-080000-a1b2c3", "strikeloop journal dump runs/20260626-080000-a1b2c3 --kind intent --after 100"
    ),
)
@click.argument("run", metavar="RUN")
@with_state_dir
@click.option("--kind", "kinds", type=click.Choice(_KINDS), multiple=True, help="Only rows of this kind. Repeatable.")
@click.option("--after", type=click.IntRange(min=0), default=0, show_default=True, help="Only rows behind this number.")
def dump(run: str, state_dir: Path, kinds: tuple[str, ...], after: int) -> None:
    """Print the rows of a run's journal as JSON lines, also while the run goes on."""
    with Journal.open(folder_of(run, state_dir).journal) as found:
        for row in found.rows(*kinds, after=after):  # type: ignore[arg-type]  # click let only kinds through
            print_line({"seq": row.seq, "kind": row.kind, "key": row.key, "body": row.body})
