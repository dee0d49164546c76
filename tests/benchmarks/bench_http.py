"""A signed order POST over TLS on loopback: our transport under httpx, beside aiohttp and the pool httpx comes with.

Run by hand: `uv run python tests/benchmarks/bench_http.py --peers PYTHON`, PYTHON being the interpreter of a virtual
environment with aiohttp and uvloop. Each client signs and sends one request after another on one warm connection, in a
fresh process; rounds are interleaved, ratios are of one round. Then 1,000 requests are cancelled by deadlines, with a cap of
ten connections, and the requests that still get through are counted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import ssl
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import httpx
import trustme

from strikeloop.wire import open_http

ANSWER = b'HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: 31\r\n\r\n{"id": 2593450699, "left": "2"}'
COMMON = """
import asyncio, hashlib, hmac, json, sys, time
loop, url, ca_file, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
BODY = json.dumps({"contract": "BTC_USDT-20991231-60000-C", "size": 1, "price": "100", "text": "t-a-b-1", "tif": "gtc"}).encode()

def signed():
    timestamp = str(int(time.time()))
    text = "\\n".join(["POST", "/api/v4/options/orders", "", hashlib.sha512(BODY).hexdigest(), timestamp])
    sign = hmac.new(b"secret", text.encode(), hashlib.sha512).hexdigest()
    return {"KEY": "key", "SIGN": sign, "Timestamp": timestamp, "content-type": "application/json", "accept": "application/json"}

async def measure(post):
    took = []
    for number in range(count + 100):
        start = time.perf_counter()
        await post(signed())
        took.append((time.perf_counter() - start) * 1e6)
        if number == 99:
            cpu = time.process_time()
    cpu, took = time.process_time() - cpu, sorted(took[100:])
    print(json.dumps({"p50": took[count // 2], "p99": took[count * 99 // 100], "cpu_us": cpu / count * 1e6}))
"""
OURS = """
import anyio
from strikeloop.wire import open_http

async def main():
    async with open_http(url, ca_file=ca_file) as client:
        async def post(headers):
            (await client.post(url, content=BODY, headers=headers)).content
        await measure(post)

anyio.run(main, backend="trio" if loop == "trio" else "asyncio", backend_options={"use_uvloop": True} if loop == "uvloop" else {})
"""
DEFAULT = """
import anyio, httpx, ssl

async def main():
    async with httpx.AsyncClient(verify=ssl.create_default_context(cafile=ca_file), trust_env=False) as client:
        async def post(headers):
            (await client.post(url, content=BODY, headers=headers)).content
        await measure(post)

anyio.run(main, backend_options={"use_uvloop": True} if loop == "uvloop" else {})
"""
AIOHTTP = """
import aiohttp, ssl

async def main():
    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=ca_file))
    async with aiohttp.ClientSession(connector=connector) as session:
        async def post(headers):
            async with session.post(url, data=BODY, headers=headers) as answer:
                await answer.read()
        await measure(post)

if loop == "uvloop":
    import uvloop
    uvloop.run(main())
else:
    asyncio.run(main())
"""
CLIENTS = {
    ("aiohttp", "asyncio"): AIOHTTP,
    ("aiohttp", "uvloop"): AIOHTTP,
    ("strikeloop", "uvloop"): OURS,
    ("strikeloop", "asyncio"): OURS,
    ("strikeloop", "trio"): OURS,
    ("httpx", "uvloop"): DEFAULT,
    ("httpx", "asyncio"): DEFAULT,
}
LIMIT = ("aiohttp", "asyncio")


class Venue(asyncio.Protocol):
    """Answers every request, as soon as its head and body are there."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._data = transport, b""

    def data_received(self, data: bytes) -> None:
        self._data += data
        head, end, rest = self._data.partition(b"\r\n\r\n")
        if not end:
            return
        length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
        if len(rest) >= length:
            self._data = rest[length:]
            self._transport.write(ANSWER)


async def serve(certificate: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = await asyncio.get_running_loop().create_server(Venue, "127.0.0.1", 0, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def venue(folder: Path) -> Iterator[tuple[str, str]]:
    """A venue in a process of its own: its URL, and the authority that it is trusted by."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
    command = [sys.executable, __file__, "--serve", str(folder / "server.pem")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"https://127.0.0.1:{int(process.stdout.readline())}/api/v4/options/orders", str(folder / "ca.pem")
        finally:
            process.kill()


def measured(python: str, program: str, *arguments: str) -> dict[str, float] | None:
    done = subprocess.run([python, "-c", COMMON + program, *arguments], capture_output=True, text=True, check=False, timeout=120)
    if "ModuleNotFoundError" in done.stderr:
        return None
    if done.returncode:
        raise SystemExit(done.stderr)
    return dict(json.loads(done.stdout))


async def stuck(url: str, ca_file: str, is_default: bool) -> int:
    """How many of ten places do not come back after 1,000 requests that ran out of time at any moment."""
    if is_default:
        limits = httpx.Limits(max_connections=10)
        client = httpx.AsyncClient(verify=ssl.create_default_context(cafile=ca_file), limits=limits, trust_env=False)
    else:
        client = open_http(url, ca_file=ca_file, max_connections=10)
    answers = 0

    async def give_up(task: int) -> None:
        rng = random.Random(task)
        for _ in range(50):
            with anyio.move_on_after(rng.uniform(0, 0.02)):
                await client.post(url, content=b"{}")

    async def once() -> None:
        nonlocal answers
        try:
            await client.post(url, content=b"{}", timeout=httpx.Timeout(5, pool=1))
        except httpx.PoolTimeout:
            return
        answers += 1

    async with anyio.create_task_group() as tasks:
        for task in range(20):
            tasks.start_soon(give_up, task)
    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(once)
    with anyio.move_on_after(2):
        await client.aclose()
    return 10 - answers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", metavar="PYTHON", help="an interpreter that has aiohttp and uvloop")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=2_000)
    parser.add_argument("--serve", metavar="PEM", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve(options.serve))
        return
    with tempfile.TemporaryDirectory() as folder, venue(Path(folder)) as (url, ca_file):
        rounds: list[dict[tuple[str, str], dict[str, float]]] = []
        for _ in range(options.rounds):
            rounds.append({})
            for (name, loop), program in CLIENTS.items():
                python = options.peers if name == "aiohttp" else sys.executable
                found = measured(python, program, loop, url, ca_file, str(options.requests)) if python else None
                if found is not None:
                    rounds[-1][name, loop] = found
        print(f"load {os.getloadavg()[0]:.1f}; {options.rounds} rounds of {options.requests:,} requests; medians")
        print(f"{'client':10} {'loop':8} {'p50 µs':>8} {'p99 µs':>8} {'CPU µs':>8} {'p50 x limit':>12}   (limit: {' on '.join(LIMIT)})")
        for key in CLIENTS:
            show(key, rounds)
        for name, is_default in (("strikeloop", False), ("httpx", True)):
            for backend in ("asyncio", "trio"):
                lost = anyio.run(stuck, url, ca_file, is_default, backend=backend)
                print(f"{name:10} {backend:8} {lost} of 10 places stuck after 1,000 cancelled requests")


def show(key: tuple[str, str], rounds: list[dict[tuple[str, str], dict[str, float]]]) -> None:
    name, loop = key
    if any(key not in found for found in rounds):
        print(f"{name:10} {loop:8} missing: give --peers an interpreter that has it")
        return
    p50, p99, cpu = (statistics.median(found[key][what] for found in rounds) for what in ("p50", "p99", "cpu_us"))
    is_known = all(LIMIT in found for found in rounds)
    ratio = f"{statistics.median(found[key]['p50'] / found[LIMIT]['p50'] for found in rounds):.2f}" if is_known else "-"
    print(f"{name:10} {loop:8} {p50:>8.0f} {p99:>8.0f} {cpu:>8.0f} {ratio:>12}")


if __name__ == "__main__":
    main()
