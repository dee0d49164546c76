"""The whole matrix: one digest over processes, hash seeds, time zones, locales, optimization and the order of entry points.

Run by hand: `uv run python tests/benchmarks/bench_determinism.py [--rows N]`. Each run is at least 100,000 rows of a drawn market with
two strategies that trade at random, skimmed and row by row.
"""

from __future__ import annotations

import argparse
import itertools
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAM = """
import random, sys
from importlib import metadata
found, shuffled = metadata.entry_points, random.Random(int(sys.argv[2]))
def entry_points(**wanted):
    points = list(found(**wanted))
    shuffled.shuffle(points)
    return metadata.EntryPoints(points)
metadata.entry_points = entry_points
from strikeloop import Quoted
from strikeloop.study.planning import plan_study
from tests.framework.backtest.columnar import drawn
from tests.framework.backtest.test_skim import ran
plan_study(["quoter"])  # whatever the order in which plugins are installed, they are found
market = [drawn(3, rows=int(sys.argv[1]), size=5_000)]
plugins = [{"seed": 5, "busy": 0.001, "every": 7}, {"seed": 6, "busy": 0.0005}]
print(*(ran(market, plugins, {}, each=each)[0].digest for each in (False, True)))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    rows = parser.parse_args().rows
    zones, locales = ("UTC", "Asia/Tokyo", "America/New_York"), ("C", "C.UTF-8")
    digests: dict[str, list[str]] = {}
    for number, (seed, zone) in enumerate(itertools.product(("0", "1", "random"), zones)):
        flags, locale = (["-O"] if number % 2 else []), locales[number % 2]
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": locale}
        command = [sys.executable, *flags, "-c", PROGRAM, str(rows), str(number)]
        done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True)
        for walk, digest in zip(("skimmed", "row by row"), done.stdout.split(), strict=True):
            digests.setdefault(digest, []).append(f"{walk}, seed {seed}, {zone}, {locale}{', -O' if flags else ''}")
        print(f"{number + 1} of 9: {len(digests)} digest(s)")
    for digest, runs in digests.items():
        print(digest, len(runs), "runs")
    sys.exit(len(digests) != 1)


if __name__ == "__main__":
    main()
