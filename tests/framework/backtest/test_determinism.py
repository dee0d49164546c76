"""One digest, whatever the process, hash seed, time zone, locale, optimization and backend; bench_determinism has the whole matrix."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from strikeloop.study.planning import open_study, plan_study
from tests.framework.backtest.columnar import drawn
from tests.framework.backtest.test_skim import ran

ROOT = Path(__file__).parents[3]
PROGRAM = """
from tests.framework.backtest.test_determinism import digest
print(digest())
"""
MATRIX = {
    "seed 0 in UTC": (["-O"], {"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C"}),
    "seed 1 in Tokyo": ([], {"PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo", "LC_ALL": "C.UTF-8"}),
    "a random seed in New York": ([], {"PYTHONHASHSEED": "random", "TZ": "America/New_York", "LC_ALL": "C"}),
}


def digest() -> str:
    """Of two random strategies on two markets in columns."""
    markets = [drawn(3, rows=200), drawn(4, rows=120, size=25)]
    return ran(markets, [{"seed": 5, "busy": 0.3, "every": 3}, {"seed": 6, "busy": 0.1}], {}, each=False)[0].digest


@pytest.mark.parametrize("process", MATRIX.values(), ids=MATRIX)
def test_another_process_gives_the_same_digest(process: tuple[list[str], dict[str, str]]) -> None:
    flags, environment = process
    done = subprocess.run(
        [sys.executable, *flags, "-c", PROGRAM], env={**os.environ, **environment}, cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == digest()


def test_two_runs_in_one_process_and_both_backends_give_the_same_digest() -> None:
    digests = [
        open_study(plan_study(["quoter"], sets=["market.duration_s=60", f"run.backend={backend}"])).run().digest
        for backend in ("asyncio", "trio", "asyncio")
    ]
    assert len(set(digests)) == 1
