"""Every queue model on the recorded market, fill for fill beside what hftbacktest 2.4.4 gives with the same strategy.

Run by hand: `uv run python -m tests.benchmarks.bench_queue_models`. The file is reference data beside the repository
(see tests/conftest.py). The exit code is 1 when a model fills otherwise.
"""

from __future__ import annotations

import argparse
import sys

from tests.benchmarks.bench_venue_replay import FILE
from tests.plugins.venue.test_recorded_l2 import OTHERS, short


def main() -> int:
    summary = (__doc__ or "").partition("\n\n")[0]
    argparse.ArgumentParser(description=summary).parse_args()
    differing = 0
    for queue, exponent, count, digest in OTHERS:
        found = short(FILE, queue, exponent)
        is_same = found == (count, digest)
        differing += not is_same
        print(f"{queue:<8} {exponent:>4} {found[0]:>5} fills, reference {count:>5}: {'the same' if is_same else 'DIFFERENT'}")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
