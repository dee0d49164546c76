"""What a store costs: import in rows per second, size, a million quotes as columns, and what a recorder takes of the loop.

Run by hand: `uv run python -m tests.benchmarks.bench_store`. Seconds are CPU seconds of this process, the best of some rounds.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from strikeloop import ContractId, Quoted
from strikeloop_store import StoredMarket
from strikeloop_store.importing import import_files
from strikeloop_store.library import Library
from strikeloop_store.recorder import open_recorder
from strikeloop_store.verifying import verify
from tests.plugins.store.stored import HEADER, MAPPING, START, specify

NAMES = [f"BTC_USDT-20260626-{70_000 + 500 * (at // 2)}-{'CP'[at % 2]}" for at in range(20)]


def written(path: Path, rows: int) -> None:
    """Quotes of 20 contracts over a day, prices on a tick of 0.1."""
    random = np.random.default_rng(7)
    times = START // 1_000 + np.sort(random.integers(0, 86_000_000_000, rows))
    bids = random.integers(1_000, 60_000, rows)
    sizes = random.integers(1, 50, rows)
    columns = zip(times.tolist(), (np.arange(rows) % 20).tolist(), bids.tolist(), sizes.tolist(), strict=True)
    with path.open("w") as file:
        file.write(HEADER + "\n")
        file.writelines(f"{at},{NAMES[of]},{bid / 10},{(bid + 3) / 10},{size},{size + 1}\n" for at, of, bid, size in columns)


def best(work: Callable[[], object], rounds: int) -> float:
    """CPU seconds of the quickest of some rounds."""
    found = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return min(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    rows = arguments.rows
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        store, file = here / "market", here / "quotes.csv"
        written(file, rows)
        specify(store, names=tuple(NAMES))
        (here / "mapping.toml").write_text(MAPPING)
        took = best(lambda: import_files(Library.open(store), "gate", [file], "csv", {"mapping": str(here / "mapping.toml")}), 1)
        (part,) = Library.open(store).parts("gate", ["quotes"])
        print(f"import of CSV       {took:8.3f} s   {rows / took:12,.0f} rows/s")
        size = part.path.stat().st_size
        print(f"size                {size / rows:8.2f} bytes a row, of {file.stat().st_size / rows:.1f} in the CSV")
        took = best(lambda: verify(store), 1)
        print(f"verify              {took:8.3f} s   {rows / took:12,.0f} rows/s")
        market = StoredMarket(path=str(store))
        took = best(lambda: sum(len(batch) for batch in market.open("gate").batches()), arguments.rounds)
        print(f"Parquet to columns  {took:8.3f} s   {rows / took:12,.0f} rows/s")
        (here / "run").mkdir()
        quote = Quoted(time=START, received=START, contract=ContractId.of("gate", NAMES[0]), bid=1.0, ask=2.0, bid_size=1.0, ask_size=1.0)
        recorder = open_recorder(here / "run", market=True, frames=True)
        start = time.thread_time()
        for _ in range(100_000):
            recorder.event(quote)
        took = time.thread_time() - start
        print(f"recorder, in the loop {took * 10_000:6.0f} ns an event")
        recorder.close()
    print(f"peak memory         {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:8.0f} MiB")


if __name__ == "__main__":
    main()
