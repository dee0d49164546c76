"""From socket to hook: how many frames a second a real run takes, and how long one frame takes at 2,000 a second.

Run by hand: `uv run python tests/benchmarks/bench_latency.py`. A process of its own sends trades over a real WebSocket; a live
run with the Gate adapter decodes them and hands them to three plugins. Each figure is the median of the rounds, in a fresh
process each, on one core; the load of the machine is printed beside it, because these figures are absolute.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import anyio

from strikeloop import Desk, RunStarted, Traded, hookimpl, plugin, state
from strikeloop.engine import Engine, Plugin
from strikeloop.live import Live, WallClock
from strikeloop.margin import Classic
from strikeloop.summary import Summary
from strikeloop_gate import Gate
from tests.benchmarks.feeder import CHANNEL, Feeder, feeding

PLUGINS = 3
LOOPS = {"uvloop": ("asyncio", {"use_uvloop": True}), "asyncio": ("asyncio", {}), "trio": ("trio", {})}


@plugin
class Listener:
    """Count trades; the first of them notes when each came."""

    wanted: int = 0
    notes: list[int] = state(factory=list)
    count: int = state(0)

    @hookimpl
    def on_start(self, event: RunStarted, desk: Desk) -> None:
        desk.watch("BTC_USDT")

    @hookimpl
    def on_trade(self, event: Traded, desk: Desk) -> None:
        self.count += 1
        if self.wanted:
            self.notes.append(time.monotonic_ns())


class Nowhere:
    """A record that keeps nothing."""

    def inputs(self, events: Sequence[Any]) -> None:
        return

    async def intents(self, approved: Sequence[Any]) -> None:
        return

    async def flush(self) -> None:
        return


async def receive(feeder: Feeder, count: int) -> dict[str, Any]:
    """One live run that ends with the last frame."""
    listeners = [Listener(wanted=count if number == 0 else 0) for number in range(PLUGINS)]
    engine = Engine([Plugin(name=f"p{i}", kind="strategy", plugin=one) for i, one in enumerate(listeners)], margin=Classic(), tag="bench")
    live = Live(engine, clock=WallClock(), summary=Summary(run="bench", mode="live"), book=Nowhere())
    base = f"127.0.0.1:{feeder.port}"
    settings = Gate(rest_url=f"http://{base}/api/v4", ws_url=f"ws://{base}/v4/ws", channels=(CHANNEL,))
    live.add_adapter(settings.open("gate"), trade=False)
    cpu = 0.0

    async def watch() -> None:
        nonlocal cpu
        while not live.started:  # noqa: ASYNC110 - the run tells nobody that it has started
            await anyio.sleep(0.01)
        gc.collect()
        gc.freeze()
        cpu = time.process_time()
        feeder.go()
        while listeners[-1].count < count:  # noqa: ASYNC110 - an event would be set in the path that is measured
            await anyio.sleep(0.05)
        cpu = time.process_time() - cpu
        live.stop("stop", "all frames are here")

    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch)
            await live.run()
    return {"notes": listeners[0].notes, "cpu_us": cpu / count * 1e6, "counts": [one.count for one in listeners]}


def one_round(how: str, loop: str, count: int, rate: int) -> dict[str, float]:
    """In this process: what a run on `loop` made of the frames."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    backend, options = LOOPS[loop]
    with feeding(how, str(count), str(rate)) as feeder:
        found = anyio.run(receive, feeder, count, backend=backend, backend_options=options)
        sent = feeder.sent()
    notes = found["notes"]
    assert found["counts"] == [count] * PLUGINS
    if how == "blast":
        return {"per_s": (count - 1) / (notes[-1] - notes[0]) * 1e9, "cpu_us": found["cpu_us"]}
    took = sorted((came - left) / 1_000 for came, left in zip(notes, sent, strict=True))
    return {"p50": took[count // 2], "p99": took[count * 99 // 100], "cpu_us": found["cpu_us"]}


def in_a_process(*arguments: str) -> dict[str, float]:
    cores = os.sched_getaffinity(0)
    done = subprocess.run([sys.executable, __file__, "--one", *arguments], capture_output=True, text=True, check=False)
    os.sched_setaffinity(0, cores)
    if done.returncode:
        raise SystemExit(done.stderr)
    return dict(json.loads(done.stdout))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--frames", type=int, default=200_000, help="of the burst (default: %(default)s)")
    parser.add_argument("--paced", type=int, default=6_000, help="frames at 2,000 a second (default: %(default)s)")
    parser.add_argument("--one", nargs=4, metavar=("HOW", "LOOP", "COUNT", "RATE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        how, loop, count, rate = options.one
        print(json.dumps(one_round(how, loop, int(count), int(rate))))
        return
    burst: dict[str, list[dict[str, float]]] = {loop: [] for loop in LOOPS}
    paced: dict[str, list[dict[str, float]]] = {loop: [] for loop in LOOPS}
    for _ in range(options.rounds):
        for loop in LOOPS:
            burst[loop].append(in_a_process("blast", loop, str(options.frames), "0"))
            paced[loop].append(in_a_process("paced", loop, str(options.paced), "2000"))
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; {options.rounds} rounds; medians (best)")
    print(f"{'loop':8} {'frames/s':>18} {'CPU µs':>8} | {'p50 µs':>14} {'p99 µs':>14} {'CPU µs':>8}")
    for loop in LOOPS:
        cells = [shown(burst[loop], "per_s", best=max), f"{median(burst[loop], 'cpu_us'):.1f}"]
        cells += [shown(paced[loop], "p50", best=min), shown(paced[loop], "p99", best=min), f"{median(paced[loop], 'cpu_us'):.1f}"]
        print(f"{loop:8} {cells[0]:>18} {cells[1]:>8} | {cells[2]:>14} {cells[3]:>14} {cells[4]:>8}")


def median(rounds: list[dict[str, float]], name: str) -> float:
    return statistics.median(found[name] for found in rounds)


def shown(rounds: list[dict[str, float]], name: str, *, best: Any) -> str:
    return f"{median(rounds, name):,.0f} ({best(found[name] for found in rounds):,.0f})"


if __name__ == "__main__":
    main()
