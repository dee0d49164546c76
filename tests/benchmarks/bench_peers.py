"""Beside the peers: the same quotes and market maker, each system in its documented fast way and in an environment of its own (uv).

Run by hand: `uv run python tests/benchmarks/bench_peers.py [--rounds N] [--quotes N] [--only A,B,D] [--folder DIR]`. The data comes
from the reference generator (STRIKELOOP_SHARED or ../shared). Fresh processes, interleaved; answers are checked against the numpy
reference; printed are CPU seconds, ratios, and which peers were installed: only ratios of one call count. A: every quote to one hook.
B: at every 100th quote of a contract cancel and place two limits; B-declared: with `watch(every=100)`. D: a look at all contracts each
minute, D-each the same row by row.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs

HERE = Path(__file__).parent
SHARED = Path(os.environ.get("STRIKELOOP_SHARED") or HERE.parents[2] / "shared")
OURS = "strikeloop"


@attrs.frozen
class Peer:
    """A system: what is installed for it, its script, and the workloads it does."""

    name: str
    needs: tuple[str, ...]
    script: str
    does: tuple[str, ...]


PEERS = (
    Peer(OURS, (), "strikeloop_peer.py", ("A", "B", "B-declared", "D", "D-each")),
    Peer("csp", ("csp==0.19.0", "pyarrow", "numpy"), "csp_peer.py", ("A", "B")),
    Peer("nautilus_trader", ("nautilus_trader==1.221.0", "pyarrow"), "nautilus_peer.py", ("A", "B")),
    Peer("basana", ("basana==1.11", "pyarrow", "numpy"), "basana_peer.py", ("A",)),
)
Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quotes", type=int, default=1_000_000)
    parser.add_argument("--only", default="A,B,B-declared,D,D-each")
    parser.add_argument("--folder", type=Path, default=Path("build") / "peers")
    options = parser.parse_args()
    data = written(options.folder, options.quotes)
    pythons = {peer.name: python for peer in PEERS if (python := environment(peer, options.folder)) is not None}
    print("installed:", ", ".join(pythons), "| missing:", ", ".join(peer.name for peer in PEERS if peer.name not in pythons) or "none")
    wanted, found = options.only.split(","), dict[tuple[str, str], list[Row]]()
    for _ in range(options.rounds):
        for what in wanted:
            for peer in PEERS:
                if what in peer.does and peer.name in pythons:
                    found.setdefault((what, peer.name), []).append(ran(pythons[peer.name], peer, what, data))
    for what in wanted:
        report(what, {peer.name: found[what, peer.name] for peer in PEERS if (what, peer.name) in found}, found)


def written(folder: Path, quotes: int) -> Path:
    """The data, once for each size."""
    data = folder / f"data-{quotes}"
    generator = SHARED / "tools" / "bench_data.py"
    if not (data / "manifest.json").is_file():
        if not generator.is_file():
            sys.exit(f"no reference generator at {generator}: set STRIKELOOP_SHARED to the folder that has it")
        subprocess.run([sys.executable, str(generator), "--out", str(data), "--quotes", str(quotes), "--messages", "1000"], check=True)
    return data


def environment(peer: Peer, folder: Path) -> str | None:
    """The Python of a peer's environment, made where it is not there; None where it cannot be."""
    if not peer.needs:
        return sys.executable
    python = folder / peer.name / "bin" / "python"
    uv = shutil.which("uv") or os.environ.get("UV", "uv")
    try:
        if not python.is_file():
            subprocess.run([uv, "venv", "-q", "-p", "3.11", str(folder / peer.name)], check=True)
            subprocess.run([uv, "pip", "install", "-q", "-p", str(python), *peer.needs], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"{peer.name} was not installed: {error}", file=sys.stderr)
        return None
    return str(python)


def ran(python: str, peer: Peer, what: str, data: Path) -> Row:
    done = subprocess.run([python, str(HERE / "peers" / peer.script), what, str(data)], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{peer.name} {what} failed:\n{done.stderr[-2_000:]}")
    row: Row = json.loads(done.stdout.splitlines()[-1])
    if not row["right"]:
        sys.exit(f"{peer.name} {what} gives another answer: {row['found']}")
    return row


def median(rows: list[Row], name: str) -> float:
    return float(statistics.median(row[name] for row in rows))


def report(what: str, rows: dict[str, list[Row]], found: dict[tuple[str, str], list[Row]]) -> None:
    if not rows:
        return
    print(f"\n{what:<18}{'import':>8}{'load':>8}{'run':>8}{'process':>9}{'MiB':>7}   run and process as multiples of ours")
    ours = rows[OURS]
    for name, ran_ in rows.items():
        figures = [median(ran_, column) for column in ("import", "load", "run", "total")]
        ratios = [median(ran_, column) / median(ours, column) for column in ("run", "total")]
        spent = f"{figures[0]:>8.2f}{figures[1]:>8.2f}{figures[2]:>8.2f}{figures[3]:>9.2f}{median(ran_, 'mib'):>7.0f}"
        print(f"{name:<18}{spent}   {ratios[0]:>6.2f} {ratios[1]:>6.2f}")
    base = found.get(("A", OURS))
    if what.startswith("B") and base is not None:
        orders = ours[0]["found"]["orders"]
        print(f"{'':<18}{(median(ours, 'run') - median(base, 'run')) / orders * 1e6:.1f} µs for each order with its cancel and fill")


if __name__ == "__main__":
    main()
