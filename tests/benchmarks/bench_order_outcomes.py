"""Orders on a venue that fails in every way, on as many seeds as asked: what was wrong, and how long doubts lasted.

Run by hand: `uv run python tests/benchmarks/bench_order_outcomes.py [--seeds N] [--first SEED] [--backend trio]`. A seed
is two and a half minutes in virtual time; a failing one is printed and fails alone again with `--first SEED --seeds 1`.
"""

from __future__ import annotations

import argparse
import sys
import time

from strikeloop.live import run
from strikeloop.testing.virtual import run_virtually
from tests.scenarios.doubtful_venue import Play, Verdict


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=2_000, help="how many (2000)")
    parser.add_argument("--first", type=int, default=0, help="the first of them (0)")
    parser.add_argument("--backend", choices=("asyncio", "trio"), default="asyncio")
    asked = parser.parse_args()
    run.TICK_S = 0.25
    began, verdicts = time.perf_counter(), []
    for seed in range(asked.first, asked.first + asked.seeds):
        verdict = run_virtually(asked.backend, Play(seed).run)
        verdicts.append(verdict)
        for line in verdict.wrong:
            print(f"seed {seed}: {line}")
    _report(verdicts, time.perf_counter() - began)
    return any(verdict.wrong for verdict in verdicts)


def _report(verdicts: list[Verdict], took_s: float) -> None:
    def total(kind: str) -> int:
        return sum(getattr(verdict, kind) for verdict in verdicts)

    def longest(kind: str) -> float:
        return max((took for verdict in verdicts for took in getattr(verdict, kind)), default=0.0)

    rows = {
        "seeds": len(verdicts),
        "orders": total("orders"),
        "times in doubt": total("unknown"),
        "absent, of which came up later": f"{total('absent')}, {total('revived')}",
        "violations": sum(len(verdict.wrong) for verdict in verdicts),
        "longest doubt": f"{longest('resolved_s'):.1f} s",
        "longest from a cancel's effect to our knowing": f"{longest('canceled_s'):.1f} s",
        "took": f"{took_s:.0f} s",
    }
    for name, figure in rows.items():
        print(f"{name:48}{figure}")


if __name__ == "__main__":
    sys.exit(main())
