"""The order of system calls of a live run under strace: of how many orders the intent was on disk before their bytes left.

Run by hand: `uv run python tests/benchmarks/bench_syscalls.py [--seconds 60]`; needs strace. Exit code 1 when one was not.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.scenarios.kills import configure, venue_process
from tests.scenarios.syscalls import STRACE, orders, traced


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60)
    options = parser.parse_args()
    if STRACE is None:
        print("strace is not installed: apt-get install strace")
        return 2
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with venue_process(folder) as (venue,):
            configure(folder, venue)
            traced(folder, folder / "trace", "--duration", str(options.seconds)).communicate()
        left = orders(folder / "trace")
    synced = sum(order.synced for order in left)
    print(f"{len(left)} orders left, the intents of {synced} were on disk by then")
    return 0 if left and synced == len(left) else 1


if __name__ == "__main__":
    sys.exit(main())
