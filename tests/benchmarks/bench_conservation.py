"""Random days at the venue, thousands of them: orders, contracts and cash are conserved in every one.

Run by hand: `python -m tests.benchmarks.bench_conservation [--days 1000] [--first 0]`. Prints what happened in them and each seed in
which a law was broken; the exit code is 1 if there was one. CI runs thirty (tests/plugins/venue/test_conservation.py).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from strikeloop import ContractSettled, Filled, Liquidated
from tests.plugins.venue.test_conservation import Flow, drawn


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=1_000, help="how many days (default 1,000)")
    parser.add_argument("--first", type=int, default=0, help="the seed of the first (default 0)")
    asked = parser.parse_args()
    seen: Counter[str] = Counter()
    start = time.perf_counter()
    for seed in range(asked.first, asked.first + asked.days):
        setting, actions = drawn(seed)
        flow = Flow(setting)
        try:
            flow.run(actions)
        except AssertionError as broken:
            seen["days in which a law was broken"] += 1
            print(f"seed {seed}: {str(broken).splitlines()[0] if str(broken) else 'a law was broken'}")
        seen["orders"] += len(flow.stage.venue.orders())
        seen["takeovers"] += len(flow.takeovers())
        for event in flow.stage.heard:
            if isinstance(event, Filled | Liquidated | ContractSettled):
                seen[type(event).__name__] += 1
    for what, count in sorted(seen.items()):
        print(f"{what:<32} {count:>9,}")
    print(f"{asked.days:,} days in {time.perf_counter() - start:.0f} s")
    return 1 if seen["days in which a law was broken"] else 0


if __name__ == "__main__":
    sys.exit(main())
