"""`strikeloop record`: listen to the feeds of a config's adapters, and keep what they say."""

from __future__ import annotations

from pathlib import Path

import click

from strikeloop.cli.options import config_files, examples, note, print_line, with_json
from strikeloop.cli.running import Show, conduct
from strikeloop.load import ACCOUNTS, Mode, load


@click.command(
    epilog=examples("strikeloop record -c strikeloop.toml --store market", "strikeloop record --duration 3600 --no-frames --json")
)
@click.option("-c", "--config", "files", multiple=True, type=click.Path(path_type=Path), help="Config file. Default: strikeloop.toml.")
@click.option("--set", "sets", multiple=True, metavar="A.B=V", help="Set one key, above all files. Repeatable.")
@click.option(
    "--store",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("market"),
    envvar="STRIKELOOP_STORE",
    show_default=True,
    help="The store that the events go to.",
)
@click.option("--frames/--no-frames", default=True, show_default=True, help="Keep the raw frames too, in the run's folder.")
@click.option("--duration", type=click.FloatRange(min=0, min_open=True), default=None, metavar="S", help="End after so many seconds.")
@click.option("--quiet", is_flag=True, help="Only alerts and faults on stderr.")
@with_json
def record(
    *, files: tuple[Path, ...], sets: tuple[str, ...], store: Path, frames: bool, duration: float | None, quiet: bool, as_json: bool
) -> int:
    """Record the market of the adapters in a config: raw frames, and events in a store.

    Needs no key: only public feeds are listened to. Of the config, [run] and [adapters] count. Ctrl-C ends it cleanly. The frames
    are lines that `strikeloop decode` reads; the store is a market that `strikeloop backtest` runs on. What accounts say is kept by
    runs, with record = "frames" in [run].
    """
    keep = "frames" if frames else "market"
    plan = load(config_files(files), sets=(*sets, f"run.record={keep}"), mode=Mode.PAPER, sections=ACCOUNTS)
    done = conduct(plan, Show(title="recording", quiet=quiet, summary=False), duration_s=duration, remember=False, store=store)
    kept = done.kept
    if as_json:
        print_line({"run": done.folder.id, "store": str(store), "frames_folder": str(done.folder.frames), **kept})
    elif kept:
        rows = ", ".join(f"{count:,} {kind}" for kind, count in sorted(kept["market"].items())) or "nothing"
        click.echo(f"recorded {rows} to {store}; {sum(kept['frames'].values()):,} frames to {done.folder.frames}")
    if kept.get("dropped"):
        note(f"strikeloop: {kept['dropped']:,} market events or frames found no room and were left out")
    return done.code
