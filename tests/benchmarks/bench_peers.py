"""Beside the peers: the same work, each system in its documented fast way and in an environment of its own (made with uv).

Run by hand: `uv run python tests/benchmarks/bench_peers.py [--rounds N] [--quotes N] [--only A,B,C] [--folder DIR]`; `--help` says what
the workloads are. Every measurement is a fresh process, the systems interleaved; printed are medians of CPU seconds, ratios, bars, and
which peers were installed. Only ratios of one call count. Ours must give the expected answer; where a peer's is another, it is told.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

HERE = Path(__file__).parent
SHARED = Path(os.environ.get("STRIKELOOP_SHARED") or HERE.parents[2] / "shared")
OURS = "strikeloop"
NAUTILUS, CSP, BASANA, HFTBACKTEST = "nautilus_trader", "csp", "basana", "hftbacktest"
WORK = """
A: every quote to one hook (A-plugins: to four). B: at every 100th quote of a contract cancel and place two limits (B-declared: with
watch(every=100)). C: messages of an account, from bytes to three plugins (bench_user_stream.py). D: a look at all contracts each minute,
D-bars: bars of a minute of each (D-each, D-bars-each: the same row by row). E-20, E-500, E-2000: ten times the quotes, from a store of so
many contracts. import: the core, beyond the interpreter and the packages it requires. Data and answers of A and B come from the reference
generator (STRIKELOOP_SHARED or ../shared).
"""
DEFAULT = "import,A,A-plugins,B,B-declared,C,D,D-each,D-bars,D-bars-each,E-20,E-500,E-2000"
FURTHER = 3
CORE = """
import anyio, attrs, cattrs, click, httpx, json, pluggy, rich, time
begun = time.process_time()
import strikeloop, strikeloop.backtest
{names}
print(json.dumps({{"run": time.process_time() - begun}}))
"""
IMPORTS = {
    "what a strategy needs": "from strikeloop import Desk, PortfolioRiskUpdated, hookimpl, plugin",
    "every public name": "[getattr(strikeloop, name) for name in strikeloop.__all__]",
}


@attrs.frozen
class Peer:
    """A system: what is installed for it, its script, and the workloads it does."""

    name: str
    needs: tuple[str, ...]
    script: str
    does: tuple[str, ...]


PEERS = (
    Peer(
        OURS,
        (),
        "strikeloop_peer.py",
        ("A", "A-plugins", "B", "B-declared", "C", "D", "D-each", "D-bars", "D-bars-each", "E-20", "E-500", "E-2000"),
    ),
    Peer(CSP, ("csp==0.19.0", "pyarrow", "numpy", "msgspec"), "csp_peer.py", ("A", "B", "C")),
    Peer(HFTBACKTEST, ("hftbacktest[numba,numpy]==2.4.0", "pyarrow"), "hftbacktest_peer.py", ("A", "B")),
    Peer(NAUTILUS, ("nautilus_trader==1.221.0", "pyarrow"), "nautilus_peer.py", ("A", "B", "C")),
    Peer(BASANA, ("basana==1.11", "pyarrow", "numpy", "msgspec"), "basana_peer.py", ("A", "C")),
)


@attrs.frozen
class Bar:
    """A figure of ours on one workload may be at most so many times that of `over` on the workload `of`."""

    what: str
    figure: str
    most: float
    over: str
    of: str


BARS = (
    Bar("A", "run", 1 / 8, NAUTILUS, "A"),
    Bar("A", "run", 1, CSP, "A"),
    Bar("A", "total", 1 / 7, NAUTILUS, "A"),
    Bar("A", "total", 1 / 2, CSP, "A"),
    Bar("B", "run", 1 / 15, NAUTILUS, "B"),
    Bar("B", "run", 1, CSP, "B"),
    Bar("B-declared", "run", 1 / 4, CSP, "B"),
    *(Bar("C", "run", 1, peer, "C") for peer in (NAUTILUS, CSP, BASANA)),
    Bar("D", "run", 1 / 5, OURS, "D-each"),
    Bar("D-bars", "run", 1 / 5, OURS, "D-bars-each"),
    Bar("E-500", "run", 1.3, OURS, "E-20"),
    Bar("E-2000", "run", 1.3, OURS, "E-20"),
)
Row = dict[str, Any]
Found = dict[tuple[str, str], list[Row]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, epilog=WORK, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quotes", type=int, default=1_000_000)
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument("--only", default=DEFAULT)
    parser.add_argument("--folder", type=Path, default=Path("build") / "peers")
    options = parser.parse_args()
    wanted, found = options.only.split(","), Found()
    data = {what: written(options, what) for what in wanted}
    pythons = {peer.name: python for peer in PEERS if (python := environment(peer, options.folder)) is not None}
    if "import" in wanted:
        imported(Found())  # compiles what has changed since the last time
    for _ in range(options.rounds):
        for what in wanted:
            for peer in PEERS:
                if what in peer.does and peer.name in pythons:
                    found.setdefault((what, peer.name), []).append(ran(pythons[peer.name], peer, what, data[what]))
            if what == "import":
                imported(found)
    for what in wanted:
        table(what, {name: rows for (of, name), rows in found.items() if of == what})
    missing = [peer.name for peer in PEERS if peer.name not in pythons]
    print("\ninstalled:", ", ".join(pythons), "| missing:", ", ".join(missing) or "none")
    bars(found, options)


# ---- what is measured on, and with -----------------------------------------------------------------------------------------


def written(options: argparse.Namespace, what: str) -> Path:
    """The data of a workload, made once for each size."""
    folder: Path = options.folder
    if what == "C":
        return made(folder / f"messages-{options.messages}", HERE / "bench_user_stream.py", "--messages", options.messages, "--file")
    if what.startswith("E"):
        contracts, quotes = int(what.partition("-")[2]), 10 * options.quotes
        data = folder / f"store-{contracts}-{quotes}"
        if not (data / "manifest.json").is_file():
            shutil.rmtree(data, ignore_errors=True)
            subprocess.run([sys.executable, str(HERE / "peers" / "streamed_data.py"), str(data), str(contracts), str(quotes)], check=True)
        return data
    generator = SHARED / "tools" / "bench_data.py"
    if not generator.is_file():
        sys.exit(f"no reference generator at {generator}: set STRIKELOOP_SHARED to the folder that has it")
    data = folder / f"data-{options.quotes}"
    if not (data / "manifest.json").is_file():
        made(data, generator, "--messages", 1_000, "--quotes", options.quotes, "--out")
    return data


def made(data: Path, *command: object) -> Path:
    """What this command writes there, if it is not there."""
    if not data.exists():
        data.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, *map(str, command), str(data)], check=True, stdout=subprocess.DEVNULL)
    return data


def environment(peer: Peer, folder: Path) -> str | None:
    """The Python of a peer's environment, made where it is not there; None where it cannot be."""
    if not peer.needs:
        return sys.executable
    home = folder / peer.name
    python, told = home / "bin" / "python", home / "needs.txt"
    uv = shutil.which("uv") or os.environ.get("UV", "uv")
    try:
        if not python.is_file():
            subprocess.run([uv, "venv", "-q", "-p", "3.11", str(home)], check=True)
        if not told.is_file() or told.read_text() != "\n".join(peer.needs):
            subprocess.run([uv, "pip", "install", "-q", "-p", str(python), *peer.needs], check=True)
            told.write_text("\n".join(peer.needs))
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"{peer.name} was not installed: {error}", file=sys.stderr)
        return None
    return str(python)


# ---- measuring -------------------------------------------------------------------------------------------------------------


def ran(python: str, peer: Peer, what: str, data: Path) -> Row:
    """What a fresh process says of one workload."""
    if what == "C":
        told = said(peer.name, what, [python, str(HERE / "bench_user_stream.py"), "--child", peer.name, "--file", str(data)])
        return {"run": float(told), "wrong": {}}
    row: Row = json.loads(said(peer.name, what, [python, str(HERE / "peers" / peer.script), what, str(data)]))
    if row["wrong"] and peer.name == OURS:
        sys.exit(f"{what}: our answer is wrong, found and expected: {row['wrong']}")
    return row


def said(name: str, what: str, command: list[str]) -> str:
    """The last line that a command prints. It may keep compiled modules: what importing costs is measured, not what compiling does."""
    environ = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{name} {what} failed:\n{done.stderr[-2_000:]}")
    return done.stdout.splitlines()[-1]


def imported(found: Found) -> None:
    for name, names in IMPORTS.items():
        row = json.loads(said(OURS, "import", [sys.executable, "-c", CORE.format(names=names)]))
        found.setdefault(("import", name), []).append({**row, "wrong": {}})


def median(rows: list[Row], name: str) -> float:
    return float(statistics.median(row[name] for row in rows))


# ---- what is told ----------------------------------------------------------------------------------------------------------


def table(what: str, rows: Mapping[str, list[Row]]) -> None:
    """One workload: seconds (C: µs a message), and run and process as multiples of ours."""
    whole = all("total" in each[0] for each in rows.values())
    columns = ("import", "load", "run", "total", "mib") if whole else ("run",)
    unit = {"C": "  µs a message", "import": "  s"}.get(what, "")
    print(f"\n{what:<22}", *(f"{column:>8}" for column in columns), unit, "  × ours" if OURS in rows else "", sep="")
    for name, each in rows.items():
        figures = "".join(f"{median(each, column):>8.{0 if column == 'mib' else 3 if what == 'import' else 2}f}" for column in columns)
        ratios = [f"{median(each, column) / median(rows[OURS], column):>8.2f}" for column in ("run", "total")[: 1 + whole] if OURS in rows]
        wrong = "  another answer (found, expected): " + str(each[0]["wrong"]) if each[0]["wrong"] else ""
        print(f"{name:<22}{figures}", *ratios, wrong, sep="")


def bars(found: Found, options: argparse.Namespace) -> None:
    """Each bar whose two sides were measured, as a ratio; then those that are figures of the reference machine."""
    print("\nbar" + " " * 55 + "ratio    most")
    for bar in BARS:
        if (bar.what, OURS) in found and (bar.of, bar.over) in found:
            ratio = median(found[bar.what, OURS], bar.figure) / median(found[bar.of, bar.over], bar.figure)
            print(f"{f'{bar.what} {bar.figure} / {bar.over} {bar.of}':<58}{ratio:>5.2f}   {bar.most:>5.2f}  {verdict(ratio, bar.most)}")
    for name, (figure, most, unit) in absolute(found, options).items():
        print(f"{name:<56}{figure:>7.3g}  {most:>6.3g}  {verdict(figure, most)}   {unit}")


def absolute(found: Found, options: argparse.Namespace) -> dict[str, tuple[float, float, str]]:
    def run(what: str, name: str = OURS) -> float:
        return median(found[what, name], "run") if (what, name) in found else float("nan")

    orders = found["B", OURS][0]["found"]["orders"] if ("B", OURS) in found else float("nan")
    figures = {
        "A: each further plugin, ns per event": ((run("A-plugins") - run("A")) / FURTHER / options.quotes * 1e9, 90.0, "here"),
        "B: each order with its cancel and fill, µs": ((run("B") - run("A")) / orders * 1e6, 8.0, "here"),
        "C: µs a message": (run("C"), 2.8, "here"),
        "import, what a strategy needs, s": (run("import", "what a strategy needs"), 0.15, "here"),
    }
    peaks = [median(found[what, OURS], "mib") for what in ("E-20", "E-500", "E-2000") if (what, OURS) in found]
    figures["E: peak memory, MiB"] = (max(peaks, default=float("nan")), 400.0, "any machine")
    return {name: figure for name, figure in figures.items() if figure[0] == figure[0]}  # NaN is not itself


def verdict(figure: float, most: float) -> str:
    return "met" if figure <= most else "MISSED"


if __name__ == "__main__":
    main()
