"""The whole matrix: one digest over processes, hash seeds, time zones, locales, optimization, backends, and whatever order things are in.

Run by hand: `uv run python -m tests.benchmarks.bench_determinism [--rows N]`. Each process finds its plugins in another order, lists
folders in another order, and imports the files of a market in another order. Two markets of at least 100,000 rows are run twice
in each, skimmed and row by row: one in columns with two strategies that trade at random, and a stored one with sample strategies.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from random import Random
from typing import Any

from strikeloop import described, record
from strikeloop.study.planning import open_study, plan_study
from strikeloop_store.importing import import_files
from strikeloop_store.library import Library
from strikeloop_venue import GeneratedMarket
from tests.framework.backtest.columnar import drawn
from tests.framework.backtest.test_skim import ran

ROOT = Path(__file__).parents[2]
FILES, STRETCH = 5, 1_000
WALKS = {"skimmed": False, "row by row": True}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--process", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--files", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.process is not None:
        print(json.dumps(list(digests(options.rows, options.files, options.process))))
        return
    with tempfile.TemporaryDirectory() as folder:
        written(Path(folder), options.rows)
        sys.exit(matrix(options.rows, Path(folder)))


def matrix(rows: int, files: Path) -> bool:
    """Run every process and tell the digests; whether any market has more than one."""
    zones, locales = ("UTC", "Asia/Tokyo", "America/New_York"), ("C", "C.UTF-8")
    found: dict[str, dict[str, list[str]]] = {}
    for number, (seed, zone) in enumerate(itertools.product(("0", "1", "random"), zones)):
        flags, locale = (["-O"] if number % 2 else []), locales[number % 2]
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": locale}
        command = [sys.executable, *flags, "-m", "tests.benchmarks.bench_determinism", "--rows", str(rows)]
        command += ["--files", str(files), "--process", str(number)]
        done = subprocess.run(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
        for market, walk, digest in json.loads(done.stdout):
            told = f"{walk}, process {number}, hash seed {seed}, {zone}, {locale}{', -O' if flags else ''}"
            found.setdefault(market, {}).setdefault(digest, []).append(told)
        print(f"{number + 1} of 9:", {market: len(each) for market, each in found.items()}, "digests of each market", flush=True)
    for market, each in found.items():
        for digest, runs in each.items():
            print(f"{market:<12}{digest}  {len(runs)} runs", "" if len(each) == 1 else f"({'; '.join(runs)})")
    return any(len(each) > 1 for each in found.values())


def written(folder: Path, rows: int) -> None:
    """A generated market as recordings, each file with some stretches of it."""
    events = itertools.islice(GeneratedMarket(seed=3, duration_s=None, step_ms=10_000).open("sim").events(), rows)
    listed = GeneratedMarket(seed=3).open("sim").contracts()
    (folder / "contracts.jsonl").write_text("".join(json.dumps(record(one)) + "\n" for one in listed))
    lines: list[list[str]] = [[] for _ in range(FILES)]
    for at, event in enumerate(events):
        lines[at // STRETCH % FILES].append(json.dumps(described(event)) + "\n")
    for number, each in enumerate(lines):
        (folder / f"market-{number}.jsonl").write_text("".join(each))


def digests(rows: int, files: Path, number: int) -> Iterator[tuple[str, str, str]]:
    """What one process finds: market, walk and digest."""
    random = Random(number)
    disorder(random)
    market = [drawn(3, rows=rows, size=5_000)]
    plugins = [{"seed": 5, "busy": 0.001, "every": 7}, {"seed": 6, "busy": 0.0005}]
    with tempfile.TemporaryDirectory() as folder:
        library = Library.make(Path(folder) / "market")
        import_files(library, "sim", [files / "contracts.jsonl"], "contracts")
        parts = [files / f"market-{at}.jsonl" for at in range(FILES)]
        random.shuffle(parts)
        import_files(library, "sim", parts, "recording")
        backend = random.choice(["asyncio", "trio"])
        plan = plan_study(["quoter", "delta-band"], data=str(library.path), sets=[f"run.backend={backend}"])
        for walk, each in WALKS.items():
            yield "in columns", walk, ran(market, plugins, {}, each=each)[0].digest
            yield "stored", walk, open_study(plan, each=each).run().digest


def disorder(random: Random) -> None:
    """From now on plugins are found, and folders listed, in an order that depends on nothing but `random`."""
    found, names, entries = metadata.entry_points, os.listdir, os.scandir

    def entry_points(**wanted: Any) -> metadata.EntryPoints:
        points = [*found(**wanted)]
        return metadata.EntryPoints(random.sample(points, len(points)))

    def listdir(path: Any = ".") -> list[Any]:
        listed: list[Any] = names(path)
        return random.sample(listed, len(listed))

    class Scanned:
        def __init__(self, path: Any) -> None:
            with entries(path) as listed:
                self._entries = list(listed)
            random.shuffle(self._entries)

        def __enter__(self) -> Iterator[os.DirEntry[str]]:
            return iter(self._entries)

        def __exit__(self, *_: object) -> None:
            pass

        def __iter__(self) -> Iterator[os.DirEntry[str]]:
            return iter(self._entries)

    metadata.entry_points = entry_points  # type: ignore[assignment]  # the order is what is tried
    os.listdir = listdir
    os.scandir = Scanned  # type: ignore[assignment]  # the same


if __name__ == "__main__":
    main()
