"""How soon we know what the venue knows after one private frame was lost: a table of delays over many losses, in virtual time.

python -m tests.benchmarks.bench_truth --losses 10000
"""

from __future__ import annotations

import argparse
import time
from random import Random

from tests.scenarios.test_stream_truth import episode
from tests.scenarios.truth_world import SECOND, START, World


def measure(shape: str, losses: int) -> str:
    """Lose one frame at a time; raises AssertionError where a difference lasts longer than 31 s."""
    world, begun = World(shape, Random(1)).pass_s(3), time.perf_counter()
    delays = sorted(episode(world) for _ in range(losses))
    hours, share = (world.now - START) / SECOND / 3600, world.requests / ((world.now - START) / SECOND) / 20 / 3
    at = {quantile: delays[min(losses - 1, int(losses * quantile))] for quantile in (0.5, 0.99, 1.0)}
    return (
        f"{shape:5} {losses:7} lost  p50 {at[0.5]:5.1f} s  p99 {at[0.99]:5.1f} s  worst {at[1.0]:5.1f} s  0 lasting differences  "
        f"{share:.2%} of the requests allowed of each kind  ({hours:.0f} h in {time.perf_counter() - begun:.0f} s)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--losses", type=int, default=1_000, help="frames to lose in each shape of stream")
    options = parser.parse_args()
    for shape in ("gate", "seed"):
        print(measure(shape, options.losses), flush=True)


if __name__ == "__main__":
    main()
