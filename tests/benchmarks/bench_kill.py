"""`kill -9` of a live run at random moments while orders flow, restarted each time; then its journals beside the venue's books.

Run by hand: `uv run python tests/benchmarks/bench_kill.py [--kills 200] [--seed 1] [--keep DIR]`. It prints each difference it
finds, and how long starts took to DEGRADED (data and cancels run) and to READY, beside the machine's load. Exit code 1 when
anything differs; with --keep the journals, and what the runs and the venue said, stay in DIR.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from strikeloop.journal import Journal
from strikeloop.live.takeover import CHANNEL
from tests.scenarios.kills import Child, Venue, books, configure, differences, journals, start, unresolved, venue_process

KINDS = ("RunStarted", "GapOpened", "GapClosed")
EARLY = 0.2
"""The share of kills that come while the run still starts."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--backend", choices=["asyncio", "trio"], default="asyncio")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="work in this folder, made for it, and leave everything there")
    options = parser.parse_args()
    with room(options.keep) as folder, venue_process(folder) as (venue,):
        return run(folder, venue, options.kills, options.backend, random.Random(options.seed))


@contextmanager
def room(keep: Path | None) -> Iterator[Path]:
    """The folder to work in: `keep`, or one that is gone afterwards."""
    if keep is not None:
        keep.mkdir(parents=True)
        yield keep.resolve()
        return
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def run(folder: Path, venue: Venue, kills: int, backend: str, chance: random.Random) -> int:
    configure(folder, venue, f'backend = "{backend}"')
    degraded: list[float] = []
    ready: list[float] = []
    began = time.monotonic()
    for number in range(kills):
        child = start(folder)
        early = chance.random() < EARLY
        if early:
            time.sleep(chance.uniform(0, 2.5))
        elif child.wait_for("ready", seconds=60) != "ready":
            child.kill()
            print(f"kill {number}: not ready within a minute, exit {child.process.poll()}\n{child.status()}", flush=True)
            print((folder / "run.err").read_text()[-3_000:], flush=True)
            return 1
        else:
            time.sleep(chance.uniform(0, 2))
        child.kill()
        note(child, degraded, ready)
        if number % 10 == 9:
            print(f"{number + 1} kills, {time.monotonic() - began:.0f} s, load {os.getloadavg()[0]:.1f}", flush=True)
    last = start(folder)
    last.wait_for("ready", seconds=60)
    note(last, degraded, ready)
    time.sleep(1)
    code = last.end()
    wrong = differences(venue, folder / "runs")
    if left := unresolved(folder / "runs"):
        wrong.append(f"the last run does not know what became of {left}")
    report(folder, kills, wrong, degraded, ready)
    print(f"last run: exit {code}; open at the venue: {len(venue.open_orders())}")
    return 1 if wrong or code else 0


def note(child: Child, degraded: list[float], ready: list[float]) -> None:
    said = [child.reached[state] for state in ("degraded", "ready") if state in child.reached]
    degraded += [min(said)] if said else []
    ready += [child.reached["ready"]] if "ready" in child.reached else []


def report(folder: Path, kills: int, wrong: list[str], degraded: list[float], ready: list[float]) -> None:
    ours = books(folder / "runs")
    print(f"{kills} kills, {len(ours.intents)} orders, {len(ours.fills)} fills: {len(wrong)} differences")
    for line in wrong[:50]:
        print(f"  {line}")
    started, freed = zip(*(times(journal) for journal in journals(folder / "runs")), strict=True)
    figures = (
        ("from the process to DEGRADED or better", degraded),
        ("from the process to READY", ready),
        ("from the journal's first row to the first hook", [time for time in started if time is not None]),
        ("from the journal's first row to openings", [time for time in freed if time is not None]),
    )
    for name, values in figures:
        print(f"{name}: median {statistics.median(values):.1f} s, most {max(values):.1f} s, of {len(values)}")


def times(path: Path) -> tuple[float | None, float | None]:
    """When a run called its first hook, and when it could open: seconds after its journal began, None where it was killed before."""
    with Journal.open(path, check=False) as journal:
        began = journal.header()["began"]
        said = [(row.body["event"], row.body.get("channel"), (row.body["received"] - began) / 1e9) for row in journal.events(*KINDS)]
    started = next((at for kind, _, at in said if kind == "RunStarted"), None)
    gaps = [kind for kind, channel, _ in said if channel == CHANNEL]
    closed = next((at for kind, channel, at in said if (kind, channel) == ("GapClosed", CHANNEL)), None)
    return started, max(started, closed or 0.0) if started is not None and (closed is not None or not gaps) else None


if __name__ == "__main__":
    sys.exit(main())
