"""How fast a generated day of many contracts comes out, and how much memory that takes.

Run by hand: `python -m tests.benchmarks.bench_market [--contracts 500] [--hours 24]`. One index price and, on average, one
quote of each contract a second. The cost of one frozen quote made in the ordinary way, measured in the same run, tells
how quick the machine is at the moment.
"""

from __future__ import annotations

import argparse
import resource
import time
import timeit
from collections import Counter

import attrs

from strikeloop import ContractId, Quoted
from strikeloop_venue import GeneratedMarket

CONTRACT = ContractId.of("sim", "BTC_USDT-20260626-70000-C")


def ordinary_quote() -> Quoted:
    return Quoted(time=1, received=1, contract=CONTRACT, bid=1.0, ask=2.0, bid_size=3.0, ask_size=4.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contracts", type=int, default=500, help="about how many contracts are listed (default 500)")
    parser.add_argument("--hours", type=float, default=24.0, help="length of the market (default 24)")
    options = parser.parse_args()
    duration = round(options.hours * 3_600)
    pace = GeneratedMarket(duration_s=duration, step_ms=1_000, quote_every_ms=1_000, ticker_every_ms=300_000)
    market = attrs.evolve(pace, strikes=max(1, options.contracts // 20), daily=2, weekly=4, monthly=4)
    listed = len(market.open("sim").contracts())
    before, kinds, count = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, Counter[str](), 0
    began, used = time.perf_counter(), time.process_time()
    for event in market.open("sim").events():
        count += 1
        if not count % 1_000:
            kinds[type(event).__name__] += 1_000
    wall, cpu = time.perf_counter() - began, time.process_time() - used
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    quote = min(timeit.repeat(ordinary_quote, number=50_000, repeat=5)) / 50_000
    print(f"{listed} contracts, {options.hours:g} h: {count:,} events in {wall:.1f} s ({cpu:.1f} s of CPU), {count / wall:,.0f}/s")
    print(f"an event costs {cpu / count / quote:.2f} times a quote made in the ordinary way ({quote * 1e9:.0f} ns in this run)")
    print(f"memory grew by {(after - before) / 1024:.0f} MiB; about {dict(kinds)}")


if __name__ == "__main__":
    main()
