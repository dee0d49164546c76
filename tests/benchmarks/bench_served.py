"""The served venue under load: requests a second, memory over many requests, and whether every answer was right.

Run by hand: `uv run python tests/benchmarks/bench_served.py [--requests N] [--clients N] [--accounts N]`. Clients place,
look up, list and cancel orders, read the market and listen to their account, each on connections of its own; the memory
of the server is sampled all the while. The second half is judged: after the first the histories it keeps are full.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import hmac
import json
import os
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
from websockets.asyncio.client import connect as websocket_to

SAMPLES = 40


@attrs.define
class Peer:
    """One client: a keep-alive connection, an account, and the orders it believes to be open."""

    account: dict[str, Any]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    contract: str
    underlying: str = "BTC_USDT"
    wrong: int = 0

    async def request(self, method: str, path: str, body: dict[str, Any] | None = None, *, signed: bool = True) -> Any:
        """Send one request and read its answer; JSON."""
        content = b"" if body is None else json.dumps(body).encode()
        lines = [f"{method} /api/v4{path} HTTP/1.1", "Host: venue", f"Content-Length: {len(content)}"]
        if signed:
            stamp, (bare, _, query) = str(time.time()), path.partition("?")
            text = "\n".join((method, "/api/v4" + bare, query, hashlib.sha512(content).hexdigest(), stamp))
            sign = hmac.new(self.account["secret"].encode(), text.encode(), hashlib.sha512).hexdigest()
            lines += [f"KEY: {self.account['key']}", f"Timestamp: {stamp}", f"SIGN: {sign}"]
        self.writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + content)
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
        return json.loads(await self.reader.readexactly(length))

    async def work(self, rounds: int, progress: list[int]) -> None:
        """Eight requests a round; what comes back must fit what was sent."""
        for number in range(rounds):
            placed = await self.request("POST", "/options/orders", {"contract": self.contract, "size": 1 + number % 5, "price": "1"})
            found = await self.request("GET", f"/options/orders/{placed['id']}")
            await self.request("GET", "/options/orders?status=open")
            gone = await self.request("DELETE", f"/options/orders/{placed['id']}")
            book = await self.request("GET", f"/options/order_book?contract={self.contract}&with_id=true", signed=False)
            await self.request("GET", "/options/accounts")
            await self.request("GET", "/options/positions")
            refused = await self.request("DELETE", f"/options/orders/{placed['id']}")
            is_right = (
                found["id"] == placed["id"]
                and found["status"] == "open"
                and (gone["finish_as"], gone["left"]) == ("cancelled", 1 + number % 5)
                and book["id"] > 0
                and refused["label"] == "ORDER_FINISHED"
            )
            self.wrong += not is_right
            progress[0] += 8


@attrs.define
class Listener:
    """A stream of one account's orders, beside the client that trades: it counts what it is told."""

    account: dict[str, Any]
    opened: set[int] = attrs.field(factory=set)
    finished: set[int] = attrs.field(factory=set)
    foreign: int = 0

    async def listen(self, url: str, ready: asyncio.Event) -> None:
        user, now, text = str(self.account["user_id"]), int(time.time()), "channel=options.orders&event=subscribe&time="
        sign = hmac.new(self.account["secret"].encode(), f"{text}{now}".encode(), hashlib.sha512).hexdigest()
        auth = {"method": "api_key", "KEY": self.account["key"], "SIGN": sign}
        message = {"time": now, "channel": "options.orders", "event": "subscribe", "payload": [user, "!all"], "auth": auth}
        async with websocket_to(url, compression=None, max_size=None) as socket:
            await socket.send(json.dumps(message))
            await socket.recv()
            ready.set()
            async for frame in socket:
                for order in json.loads(frame)["result"]:
                    self.foreign += order["user"] != user
                    (self.opened if order["status"] == "open" else self.finished).add(order["id"])


def resident_mb(pid: int) -> float:
    """Resident memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024


def processor_s(pid: int) -> float:
    """Processor time that a process has used, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def connect(where: dict[str, Any], clients: int) -> list[Peer]:
    port, accounts = int(where["rest"].split(":")[2].split("/")[0]), where["accounts"]
    made = []
    for number in range(clients):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
        made.append(Peer(accounts[number % len(accounts)], reader, writer, ""))
    listed = await made[0].request("GET", "/options/contracts?underlying=BTC_USDT", signed=False)
    cheap = sorted(listed, key=lambda row: (-row["expiration_time"], float(row["mark_price"])))
    for number, peer in enumerate(made):
        peer.contract = cheap[number % 9]["name"]
    return made


async def load(where: dict[str, Any], pid: int, requests: int, clients: int) -> tuple[float, list[tuple[int, float]], int]:
    """Seconds, (requests, MB) samples, and how many answers and streams were wrong."""
    peers, progress, samples = await connect(where, clients), [0], []
    listeners = [Listener(peer.account) for peer in peers]
    listening = [(asyncio.Event(), listener) for listener in listeners]
    streams = [asyncio.ensure_future(listener.listen(where["ws"], ready)) for ready, listener in listening]
    for ready, _ in listening:
        await ready.wait()

    async def watch() -> None:
        while True:
            samples.append((progress[0], resident_mb(pid)))
            await asyncio.sleep(max(0.2, requests / 2_000 / SAMPLES))

    watching, began = asyncio.ensure_future(watch()), time.perf_counter()
    await asyncio.gather(*(peer.work(requests // clients // 8, progress) for peer in peers))
    seconds = time.perf_counter() - began
    watching.cancel()
    samples.append((progress[0], resident_mb(pid)))
    for peer in peers:
        peer.writer.close()
    bad = await judged(listeners, peers, requests // clients // 8)
    for stream in streams:
        stream.cancel()
    return seconds, samples, bad + sum(peer.wrong for peer in peers)


async def judged(listeners: Sequence[Listener], peers: Sequence[Peer], rounds: int) -> int:
    """How many streams did not tell of every order of their account, open and finished, and of no other."""
    expected = Counter(peer.account["user_id"] for peer in peers)

    def bad() -> int:
        counts = [(one, expected[one.account["user_id"]] * rounds) for one in listeners]
        return sum(one.foreign > 0 or len(one.finished) != count or one.opened != one.finished for one, count in counts)

    deadline = time.monotonic() + 20
    while bad() and time.monotonic() < deadline:  # noqa: ASYNC110  # the streams do not know that they are judged
        await asyncio.sleep(0.1)
    return bad()


def slope(samples: Sequence[tuple[int, float]]) -> float:
    """MB per 100,000 requests, by least squares."""
    fit = statistics.linear_regression([float(done) for done, _ in samples], [memory for _, memory in samples])
    return float(fit.slope) * 100_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=200_000)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--accounts", type=int, default=10)
    chosen = parser.parse_args()
    limits = [word for group in ("public", "private", "orders", "cancels") for word in ("--limit", f"{group}=1000000/1")]
    command = [sys.executable, "-m", "strikeloop", "venue", "serve", "--accounts", str(chosen.accounts), *limits]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            where = json.loads(server.stdout.readline())
            before = processor_s(server.pid)
            seconds, samples, wrong = asyncio.run(load(where, server.pid, chosen.requests, chosen.clients))
            used = processor_s(server.pid) - before
        finally:
            server.terminate()
    done, late = samples[-1][0], samples[len(samples) // 2 :]
    print(f"clients {chosen.clients}, accounts {chosen.accounts}, requests {done}, wrong answers and streams {wrong}")
    print(f"requests/s      {done / seconds:10.0f}   (server and clients share this machine)")
    print(f"server's CPU    {used / done * 1e6:10.0f} µs for each request, its market included")
    print(f"resident MB     {samples[0][1]:10.1f} at the start, {samples[-1][1]:.1f} at the end, most {max(mb for _, mb in samples):.1f}")
    print(f"slope           {slope(samples):10.2f} MB per 100,000 requests over all of it, {slope(late):.2f} over the second half")


if __name__ == "__main__":
    main()
