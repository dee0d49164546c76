"""CPU time per WebSocket frame of our link, beside the clients it is measured against.

Run by hand: `uv run python tests/benchmarks/bench_websocket.py --peers PYTHON`, PYTHON being the interpreter of a virtual
environment with picows, aiohttp and uvloop. A process of its own sends trades of about 230 bytes as fast as they are taken;
each client reads them without looking inside, in a fresh process on one core. Rounds are interleaved, ratios are of one
round; a peer that is missing is named.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.feeder import feeding

OURS = """
import anyio, json, sys, time
from strikeloop.wire import connect_websocket
loop, url, count = sys.argv[1], sys.argv[2], int(sys.argv[3])

async def main():
    link = await connect_websocket(url)
    got, start, cpu = 0, time.perf_counter(), time.process_time()
    while got < count:
        got += len(await link.receive())
    print(json.dumps({"cpu_us": (time.process_time() - cpu) / count * 1e6, "per_s": count / (time.perf_counter() - start)}))
    await link.aclose()

anyio.run(main, backend="trio" if loop == "trio" else "asyncio", backend_options={"use_uvloop": True} if loop == "uvloop" else {})
"""
PICOWS = """
import asyncio, json, sys, time
import picows
loop, url, count = sys.argv[1], sys.argv[2], int(sys.argv[3])

class Listener(picows.WSListener):
    def __init__(self):
        self.got, self.done = 0, asyncio.get_running_loop().create_future()
        self.start, self.cpu = time.perf_counter(), time.process_time()

    def on_ws_frame(self, transport, frame):
        frame.get_payload_as_bytes()
        self.got += 1
        if self.got == count:
            self.done.set_result((time.process_time() - self.cpu, time.perf_counter() - self.start))

async def main():
    transport, listener = await picows.ws_connect(Listener, url)
    cpu, wall = await listener.done
    print(json.dumps({"cpu_us": cpu / count * 1e6, "per_s": count / wall}))
    transport.disconnect()

if loop == "uvloop":
    import uvloop
    uvloop.run(main())
else:
    asyncio.run(main())
"""
AIOHTTP = """
import asyncio, json, sys, time
import aiohttp
loop, url, count = sys.argv[1], sys.argv[2], int(sys.argv[3])

async def main():
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        got, start, cpu = 0, time.perf_counter(), time.process_time()
        while got < count:
            await socket.receive()
            got += 1
        print(json.dumps({"cpu_us": (time.process_time() - cpu) / count * 1e6, "per_s": count / (time.perf_counter() - start)}), flush=True)
        import os; os._exit(0)

if loop == "uvloop":
    import uvloop
    uvloop.run(main())
else:
    asyncio.run(main())
"""
CLIENTS = {
    ("picows", "uvloop"): PICOWS,
    ("picows", "asyncio"): PICOWS,
    ("strikeloop", "uvloop"): OURS,
    ("strikeloop", "asyncio"): OURS,
    ("strikeloop", "trio"): OURS,
    ("aiohttp", "uvloop"): AIOHTTP,
}
LIMIT = ("picows", "uvloop")
Round = dict[tuple[str, str], dict[str, float]]


def measured(python: str, program: str, loop: str, count: int) -> dict[str, float] | None:
    """What one client made of the frames; None where it is not installed."""
    with feeding("upgrade", str(count)) as feeder:
        command = [python, "-c", program, loop, f"ws://127.0.0.1:{feeder.port}/", str(count)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, preexec_fn=on_the_first_core)
    if "ModuleNotFoundError" in done.stderr:
        return None
    if done.returncode or not done.stdout:
        raise SystemExit(done.stderr)
    return dict(json.loads(done.stdout))


def on_the_first_core() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", metavar="PYTHON", help="an interpreter that has picows, aiohttp and uvloop")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--frames", type=int, default=200_000)
    options = parser.parse_args()
    rounds: list[Round] = []
    for _ in range(options.rounds):
        found: Round = {}
        for (name, loop), program in CLIENTS.items():
            python = sys.executable if name == "strikeloop" else options.peers
            result = measured(python, program, loop, options.frames) if python else None
            if result is not None:
                found[name, loop] = result
        rounds.append(found)
    print(f"load {os.getloadavg()[0]:.1f}; {options.rounds} rounds of {options.frames:,} frames; medians")
    print(
        f"{'client':10} {'loop':8} {'CPU µs/frame':>12} {'frames/s':>10} {'x limit':>8}   (limit: {' on '.join(LIMIT)}, in the same round)"
    )
    for key in CLIENTS:
        show(key, rounds)


def show(key: tuple[str, str], rounds: list[Round]) -> None:
    name, loop = key
    if any(key not in found for found in rounds):
        print(f"{name:10} {loop:8} missing: give --peers an interpreter that has it")
        return
    cpu, per_s = (statistics.median(found[key][what] for found in rounds) for what in ("cpu_us", "per_s"))
    ratio = "-"
    if all(LIMIT in found for found in rounds):
        ratio = f"{statistics.median(found[key]['cpu_us'] / found[LIMIT]['cpu_us'] for found in rounds):.2f}"
    print(f"{name:10} {loop:8} {cpu:>12.2f} {per_s:>10,.0f} {ratio:>8}")


if __name__ == "__main__":
    main()
