"""`kill -9` of a live run at random moments while orders flow, restarted each time; then its journals beside the venue's books.

Run by hand: `uv run python tests/benchmarks/bench_kill.py [--kills 200] [--seed 1]`. It prints each difference it finds,
and how long starts took to DEGRADED (data and cancels run) and to READY. Exit code 1 when anything differs.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.scenarios.kills import Child, Venue, books, configure, differences, start, unresolved, venue_process

SLOW_S = 5.0
EARLY = 0.2
"""The share of kills that come while the run still starts."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--backend", choices=["asyncio", "trio"], default="asyncio")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, venue_process(Path(name)) as (venue,):
        return run(Path(name), venue, options.kills, options.backend, random.Random(options.seed))


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
            print(f"{number + 1} kills, {time.monotonic() - began:.0f} s", flush=True)
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
    if said and min(said) > SLOW_S:
        print(f"slow: {child.reached}", flush=True)
        for line in child.streams():
            print(f"  {line}", flush=True)


def report(folder: Path, kills: int, wrong: list[str], degraded: list[float], ready: list[float]) -> None:
    ours = books(folder / "runs")
    print(f"{kills} kills, {len(ours.intents)} orders, {len(ours.fills)} fills: {len(wrong)} differences")
    for line in wrong[:50]:
        print(f"  {line}")
    for name, values in (("DEGRADED or better", degraded), ("READY", ready)):
        print(f"to {name}: median {statistics.median(values):.1f} s, most {max(values):.1f} s, of {len(values)}")


if __name__ == "__main__":
    sys.exit(main())
