"""Our WebSocket client against the Autobahn test suite's fuzzing server, and what it makes of each case.

Run by hand: `uv run python tests/benchmarks/autobahn.py --wstest PATH`. The suite is for Python 2.7: install it with
`python2.7 -m virtualenv DIR && DIR/bin/pip install autobahntestsuite`; PATH is then DIR/bin/wstest. It exits with 1 where a
case failed.
"""

from __future__ import annotations

import argparse
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio

from strikeloop.errors import LinkLostError
from strikeloop.wire import WebSocketLink, connect_websocket

AGENT = "strikeloop"
BINARY_CASES = "1.2."
MAX_SIZE = 32 * 1024 * 1024
CASE_WITHIN_S = 60


@contextmanager
def fuzzing_server(wstest: str, cases: list[str], folder: Path) -> Iterator[str]:
    """The suite's server on a free port; gives its URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"ws://127.0.0.1:{free.getsockname()[1]}"
    spec = folder / "fuzzingserver.json"
    spec.write_text(
        json.dumps({"url": url, "outdir": str(folder / "reports"), "cases": cases, "exclude-cases": [], "exclude-agent-cases": {}})
    )
    with subprocess.Popen([wstest, "-m", "fuzzingserver", "-s", str(spec)], cwd=folder, stdout=subprocess.DEVNULL) as server:
        try:
            yield url
        finally:
            server.terminate()


async def ask(url: str, path: str) -> str:
    """The one message of a service of the server."""
    link = await connect_websocket(url + path, max_size=MAX_SIZE)
    try:
        while not (messages := await link.receive()):
            pass
        return messages[0].decode()
    finally:
        await link.aclose()


async def answered(url: str) -> int:
    """How many cases there are, once the server answers."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return int(await ask(url, "/getCaseCount"))
        except LinkLostError:
            if time.monotonic() > deadline:
                raise
            await anyio.sleep(0.2)


async def echo(link: WebSocketLink, *, is_binary: bool) -> None:
    """Say what is heard, as text or (which no venue needs, so the link does not offer it) as binary, until the link ends."""
    while True:
        for message in await link.receive():
            if is_binary:
                link._framing._protocol.send_binary(message)
                await link._write()
            else:
                await link.send(message)


async def run_case(url: str, number: int) -> None:
    name = json.loads(await ask(url, f"/getCaseInfo?case={number}"))["id"]
    link = await connect_websocket(f"{url}/runCase?case={number}&agent={AGENT}", max_size=MAX_SIZE)
    try:
        with anyio.move_on_after(CASE_WITHIN_S):
            await echo(link, is_binary=name.startswith(BINARY_CASES))
    except LinkLostError:
        pass
    finally:
        await link.aclose()


async def run_all(url: str) -> None:
    count = await answered(url)
    for number in range(1, count + 1):
        await run_case(url, number)
        print(f"\r{number}/{count}", end="", file=sys.stderr)
    link = await connect_websocket(f"{url}/updateReports?agent={AGENT}")
    await link.aclose()


def report(folder: Path, backend: str) -> int:
    """Print the table; the number of failures."""
    index = json.loads((folder / "reports" / "index.json").read_text())[AGENT]
    kinds = Counter(result["behavior"] for result in index.values())
    closes = Counter(result["behaviorClose"] for result in index.values())
    print(f"\n{backend}: {len(index)} cases: {dict(kinds)}; how they closed: {dict(closes)}")
    for name, result in sorted(index.items(), key=lambda item: [int(part) for part in item[0].split(".")]):
        if result["behavior"] != "OK" or result["behaviorClose"] not in ("OK", "INFORMATIONAL"):
            print(f"  {name:10} {result['behavior']:15} close {result['behaviorClose']}")
    return kinds["FAILED"] + closes["FAILED"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wstest", required=True, help="the suite's program")
    parser.add_argument("--cases", default="1.*,2.*,3.*,4.*,5.*,6.*,7.*,10.*", help="comma-separated (default: %(default)s)")
    parser.add_argument("--backend", choices=["asyncio", "trio"], default="asyncio")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with fuzzing_server(options.wstest, options.cases.split(","), folder) as url:
            anyio.run(run_all, url, backend=options.backend)
            failed = report(folder, options.backend)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
