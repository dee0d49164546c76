"""What importing costs: CPU seconds beyond the interpreter and the packages that the core requires.

`python -m tests.benchmarks.bench_import [--rounds N]`: the least of some rounds in fresh processes, interleaved, once with compiled modules
kept (as they are after the first import) and once compiling every module anew (PYTHONDONTWRITEBYTECODE). Bar: 0.15 s.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

BAR = 0.15
REQUIRED = "import anyio, attrs, cattrs, click, httpx, pluggy, rich"
NUMBERS = f"{REQUIRED}, numpy, pyarrow.parquet"
WORK = {
    "every name of strikeloop": (REQUIRED, "import strikeloop\nfor name in strikeloop.__all__: getattr(strikeloop, name)"),
    "strikeloop.engine": (REQUIRED, "import strikeloop.engine"),
    "what run_backtest loads": (REQUIRED, "import strikeloop.study.planning"),
    "backtest and venue": (NUMBERS, "import strikeloop.backtest, strikeloop.venue\nfrom strikeloop_venue import VenueSettings"),
    "a live run": (REQUIRED, "import strikeloop.runs.live"),
}
PROGRAM = "import time\n{before}\nstart = time.process_time()\n{measured}\nprint(time.process_time() - start)"


def spent(before: str, measured: str, environ: dict[str, str]) -> float:
    """CPU seconds of the second piece, after the first."""
    program = PROGRAM.format(before=before, measured=measured)
    return float(subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        kept = {**environ, "PYTHONPYCACHEPREFIX": str(Path(folder) / "kept")}
        anew = {**environ, "PYTHONPYCACHEPREFIX": str(Path(folder) / "never"), "PYTHONDONTWRITEBYTECODE": "1"}
        for before, measured in WORK.values():
            spent(before, measured, kept)
        found: dict[tuple[str, bool], float] = {}
        for _ in range(rounds):
            for name, (before, measured) in WORK.items():
                for environment in (kept, anew):
                    key = name, environment is kept
                    found[key] = min(spent(before, measured, environment), found.get(key, float("inf")))
    print(f"{'':<28}{'kept':>8}{'anew':>8}   s of CPU, bar {BAR}")
    for name in WORK:
        print(f"{name:<28}{found[name, True]:>8.3f}{found[name, False]:>8.3f}")


if __name__ == "__main__":
    main()
