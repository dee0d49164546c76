"""The other end of the benchmarks of the wire: a process that is Gate enough for the adapter's feed, and then sends trades.

Run by the benchmarks themselves. It prints its port, waits for a line on stdin, sends so many frames, at once or paced, and
prints when each left (ns of the machine's monotonic clock, which all processes share).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from strikeloop.testing.faults import FaultProxy, Frame, Frames, Pass, Raw, Reply, Requests, Respond, Rule, Upgrades

NAMES = [f"BTC_USDT-20991231-{strike}-C" for strike in range(60_000, 80_000, 1_000)]
MS = 1_780_272_000_000
CHANNEL = "options.trades"


def contract(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "is_active": True,
        "is_call": True,
        "strike_price": name.split("-")[2],
        "underlying": "BTC_USDT",
        "expiration_time": 4_102_358_400,
        "multiplier": "0.01",
        "order_price_round": "1",
        "mark_price_round": "0.1",
        "order_size_min": 1,
        "order_size_max": 10_000,
        "maker_fee_rate": "0.0003",
        "taker_fee_rate": "0.0003",
        "price_limit_fee_rate": "0.125",
        "settle_fee_rate": "0",
        "settle_limit_fee_rate": "0.125",
        "init_margin_low": "0.1",
        "init_margin_high": "0.15",
        "maint_margin_base": "0.075",
        "order_price_deviate": "0.2",
        "orders_limit": 10,
        "position_limit": 40_000,
        "tag": "day",
        "create_time": 1_700_000_000,
    }


def trade(number: int) -> bytes:
    """A frame as the venue sends it, about 230 bytes: a public trade, because those are never conflated."""
    row = {
        "size": number % 13 - 6 or 1,
        "id": 12_279 + number,
        "create_time": (MS + number) // 1_000,
        "create_time_ms": MS + number,
        "price": f"{997 + number % 7}.8",
        "contract": NAMES[number % len(NAMES)],
    }
    head = {"time": (MS + number) // 1_000, "time_ms": MS + number, "channel": CHANNEL, "event": "update", "result": [row]}
    return Frame(json.dumps(head, separators=(",", ":")).encode()).write("client")


def acknowledge(frame: bytes) -> bytes:
    asked = json.loads(frame)
    return json.dumps({**{name: asked[name] for name in ("time", "channel", "event")}, "result": {"status": "success"}}).encode()


def gate() -> list[Rule]:
    """Enough of Gate for a feed: the time, the contracts, and a yes to every subscription."""
    return [
        Rule(Requests("GET", "/spot/time"), Respond(200, json.dumps({"server_time": MS})), times=None),
        Rule(Requests("GET", "/options/contracts"), Respond(200, json.dumps([contract(name) for name in NAMES])), times=None),
        Rule(Frames(to="server", has={"event": "subscribe"}), Reply(acknowledge), times=None),
    ]


def main() -> None:
    """`feeder.py blast COUNT`, `feeder.py upgrade COUNT` (the frames follow each handshake), `feeder.py paced COUNT RATE`."""
    how, count = sys.argv[1], int(sys.argv[2])
    frames = [trade(number) for number in range(count)]
    rules = [Rule(Upgrades(to="client"), [Pass(), Raw(b"".join(frames))], times=None)] if how == "upgrade" else gate()
    with FaultProxy(None, *rules) as proxy:
        print(proxy.port, flush=True)
        while sys.stdin.readline():
            print(json.dumps(feed(proxy, frames, how)), flush=True)


def feed(proxy: FaultProxy, frames: list[bytes], how: str) -> list[int]:
    if how == "blast":
        proxy.now(Raw(b"".join(frames)))
        return []
    if how == "upgrade":
        return []
    step = 1_000_000_000 // int(sys.argv[3])
    (number,) = proxy.websockets
    raw = proxy._links[number].socket._raw  # past the event loop, whose delays are not the receiver's
    sent: list[int] = []
    due = time.monotonic_ns()
    for frame in frames:
        due += step
        time.sleep(max(0, due - time.monotonic_ns()) / 1e9)
        sent.append(time.monotonic_ns())
        raw.send(frame)
    return sent


@attrs.frozen
class Feeder:
    """The feeding process, as a benchmark sees it."""

    port: int
    process: subprocess.Popen[str]

    def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def sent(self) -> list[int]:
        """When each frame left; waits for the last."""
        assert self.process.stdout is not None
        return list(json.loads(self.process.stdout.readline()))


@contextmanager
def feeding(*arguments: str) -> Iterator[Feeder]:
    """A feeder on the last core of this machine; the caller takes the first."""
    command = [sys.executable, __file__, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(process.pid, {cores[-1]})
        assert process.stdout is not None
        try:
            yield Feeder(int(process.stdout.readline()), process)
        finally:
            process.kill()


if __name__ == "__main__":
    main()
