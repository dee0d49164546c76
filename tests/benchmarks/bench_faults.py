"""Two figures of faults at full size: damaged frames with good ones among them, and lines that die without a word.

Run by hand: `uv run python tests/benchmarks/bench_faults.py`. Frames pass the fault proxy, which damages all but each 50th; those
must all come out of link and decoder, with nothing raised but DecodeError and the memory flat. Then live runs stand behind
proxies that freeze at random moments, one from the handshake on; the time until each run says so is printed.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import time
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import anyio

from strikeloop import DecodeError, LinkLostError, StreamLost, Traded
from strikeloop.engine import Engine
from strikeloop.live import Live, WallClock
from strikeloop.margin import Classic
from strikeloop.summary import Summary
from strikeloop.testing.faults import FaultProxy, Frames, Freeze, Mutate, Pass, Rule, Upgrades
from strikeloop.wire import Secret, connect_websocket
from strikeloop_gate import Gate
from strikeloop_venue import GeneratedMarket, VenueSettings
from tests.benchmarks.feeder import feeding
from tests.scenarios.test_three_ways import Memory

EACH = 50
FIRST_ID = 12_279


async def good_among(count: int, seed: int) -> None:
    """Print how many of the good frames were decoded."""
    decode = Gate.decoder(dialect="gate")
    rules = [Rule(Frames(), Pass(), first=EACH, every=EACH, times=None), Rule(Frames(), Mutate(), times=None)]
    found: set[str] = set()
    read = refused = 0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with feeding("upgrade", str(count)) as feeder:
        async with FaultProxy(f"ws://127.0.0.1:{feeder.port}", *rules, seed=seed) as proxy:
            link = await connect_websocket(proxy.url("ws://venue/"))
            try:
                while read < count:
                    for frame in await link.receive():
                        read += 1
                        try:
                            events = decode(frame, 0).events
                        except DecodeError:
                            refused += 1
                        else:
                            found |= {event.trade_id for event in events if isinstance(event, Traded) and event.trade_id}
            except LinkLostError as error:
                print(f"the link ended after {read:,} frames: {error}")
            await link.aclose()
    good = {str(FIRST_ID + number) for number in range(EACH - 1, count, EACH)}
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"{read:,} frames, {refused:,} refused; {len(good & found)} of {len(good)} good ones decoded")
    print(f"memory grew by {grown:.0f} MB, the proxy's included")


async def frozen(number: int, seed: int, took: list[float]) -> None:
    """One run whose line freezes; from the handshake on for number 0."""
    rng = random.Random(seed * 1_000 + number)
    record = Memory()
    market = GeneratedMarket(start=time.time_ns(), duration_s=None, seed=3)
    rules = [Rule(Upgrades(to="client", connection=2), Freeze())] if number == 0 else []
    venue = VenueSettings(balance=Decimal(10_000)).serve(market.open("venue"), dialect="gate")
    async with venue as served, FaultProxy(served.ws_url, *rules) as proxy:
        settings = Gate(rest_url=served.rest_url, ws_url=proxy.url(served.ws_url), key=Secret("key"), secret=Secret("secret"))
        live = Live(Engine([], margin=Classic(), tag="frozen"), clock=WallClock(), summary=Summary(run="frozen", mode="live"), book=record)
        live.add_adapter(settings.open("gate"), trade=True)

        async def watch() -> None:
            await proxy.passed(Upgrades(), 2, within_s=20)
            if number:
                await anyio.sleep(rng.uniform(1, 4))
                proxy.now(Freeze())
            start = time.monotonic()
            while not any(isinstance(event, StreamLost) for event in record.events):  # noqa: ASYNC110 - the run tells its record alone
                await anyio.sleep(0.02)
            took.append(time.monotonic() - start)
            live.stop("stop", "found")

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch)
            await live.run(30)
            tasks.cancel_scope.cancel()


async def all_frozen(count: int, seed: int) -> None:
    took: list[float] = []
    async with anyio.create_task_group() as tasks:
        for number in range(count):
            tasks.start_soon(frozen, number, seed, took)
    print(f"{len(took)} of {count} frozen lines found, after {', '.join(f'{one:.1f}' for one in sorted(took))} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=20_000)
    parser.add_argument("--freezes", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--backend", choices=["asyncio", "trio"], default="asyncio")
    options = parser.parse_args()
    anyio.run(good_among, options.frames, options.seed, backend=options.backend)
    anyio.run(all_frozen, options.freezes, options.seed, backend=options.backend)


if __name__ == "__main__":
    main()
