"""How much CPU the commands cost that people call again and again, with thirty plugins installed.

`python -m tests.benchmarks.bench_cli`: CPU seconds (user and system, the least of five) of `strikeloop --help` and
`strikeloop plugins list` in processes of their own. Bars: 0.3 s and 0.5 s.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

PLUGINS = 30
BARS = {"--help": 0.3, "plugins list": 0.5}
MODULE = "from strikeloop import hookimpl, plugin\n\n@plugin\nclass Band:\n    @hookimpl\n    def on_start(self): ...\n"


def install(folder: Path) -> None:
    """Thirty distributions of one strategy each, as an installer would leave them."""
    for number in range(PLUGINS):
        info = folder / f"strikeloop_many_{number}-1.0.dist-info"
        info.mkdir()
        name = f"Name: strikeloop-many-{number}\nVersion: 1.0\nRequires-Dist: strikeloop<0.2,>=0.1\n"
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\n{name}")
        (info / "entry_points.txt").write_text(f"[strikeloop.strategies]\nmany-{number} = many_{number}:Band\n")
        (folder / f"many_{number}.py").write_text(MODULE)


def cpu_s(words: str, site: Path) -> float:
    def spent() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    before = spent()
    command = [sys.executable, "-m", "strikeloop", *words.split()]
    done = subprocess.run(command, cwd=site, env={**os.environ, "PYTHONPATH": str(site)}, capture_output=True, text=True, check=True)
    if words != "--help" and f"many-{PLUGINS - 1}" not in done.stdout:
        raise SystemExit(f"the plugins were not listed:\n{done.stdout}")
    return spent() - before


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        install(Path(folder))
        for words, bar in BARS.items():
            least = min(cpu_s(words, Path(folder)) for _ in range(5))
            print(f"strikeloop {words:<14} {least:.3f} s of CPU (bar {bar} s)")


if __name__ == "__main__":
    main()
