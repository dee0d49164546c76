"""Events per second of a recorded L2 market through engine and simulated venue, with one strategy quoting both sides.

Run by hand: `uv run python -m tests.benchmarks.bench_venue_replay`. The file is reference data beside the repository
(see tests/conftest.py). Reading it is timed apart: the figure is the run itself, from the first event to the last.
Seconds are CPU seconds. A message is a line of the file, which is one event of the engine; a row is what hftbacktest
calls an event: each level of a depth message counts.
"""

from __future__ import annotations

import argparse
import gc
import os
import time
from pathlib import Path

from strikeloop import BookUpdated, Desk, Filled, Quoted, RunStarted, TimerFired, hookimpl, plugin, state
from strikeloop.backtest import Backtest
from strikeloop.engine import Plugin
from strikeloop_venue import VenueSettings
from tests.plugins.venue.recorded_l2 import PERPETUAL, SECOND, Recorded
from tests.plugins.venue.test_recorded_l2 import OneTickWide

SHARED = Path(os.environ.get("STRIKELOOP_SHARED") or Path(__file__).resolve().parents[2].parent / "shared")
FILE = SHARED / "data" / "hft_btcusdt_l2" / "btcusdt_20240808.gz"


@plugin
class ByQuote:
    """The strategy where the best bid and ask are in the data: each second it quotes them."""

    start: int
    seconds: int = state(0)
    quote: Quoted | None = state(None)

    @hookimpl
    def on_start(self, event: RunStarted, desk: Desk) -> None:
        desk.watch(PERPETUAL)
        self._next(desk)

    @hookimpl
    def on_quote(self, event: Quoted, desk: Desk) -> None:
        self.quote = event

    @hookimpl
    def on_timer(self, event: TimerFired, desk: Desk) -> None:
        desk.cancel_all()
        if self.quote is not None:
            desk.buy(PERPETUAL, 10, self.quote.bid, tif="poc")
            desk.sell(PERPETUAL, 10, self.quote.ask, tif="poc")
        self._next(desk)

    def _next(self, desk: Desk) -> None:
        self.seconds += 1
        desk.at(self.start + self.seconds * SECOND, "second")


def replay(market: Recorded, strategy: object, queue: str) -> tuple[float, int]:
    """CPU seconds that one run takes, and its fills."""
    settings = VenueSettings(balance="1e12", latency={"entry_ms": 10, "response_ms": 10}, queue=queue, liquidation=False)
    quoting = Plugin(name="one", kind="strategy", plugin=strategy)
    run = Backtest([quoting], sources=[market], open_venue=lambda contracts: settings.open("venue", contracts))
    gc.collect()
    gc.freeze()
    start = time.process_time()
    result = run.run()
    return time.process_time() - start, result.summary.events[Filled.__name__]


def measure(name: str, *, quotes: bool, queue: str, rounds: int) -> str:
    """One row of the table: the best of `rounds` runs."""
    start = time.process_time()
    market = Recorded(FILE, quotes=quotes)
    reading = time.process_time() - start
    changes = [event for event in market.told if isinstance(event, BookUpdated)]
    levels, messages = sum(len(event.bids) + len(event.asks) for event in changes), len(market.told)
    rows = levels + messages - len(changes)
    kind = ByQuote if quotes else OneTickWide
    best, fills = min(replay(market, kind(start=market.start), queue) for _ in range(rounds))
    return f"{name:<23} {messages:>9,} {rows:>9,} {reading:>7.2f} {best:>6.3f} {messages / best:>11,.0f} {rows / best:>9,.0f} {fills:>6}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queue", default="risk-averse", help="queue model (default: risk-averse)")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each row; the best counts (default: 5)")
    arguments = parser.parse_args()
    print(f"{'market':<23} {'messages':>9} {'rows':>9} {'read s':>7} {'run s':>6} {'messages/s':>11} {'rows/s':>9} {'fills':>6}")
    for name, quotes in (("depth, trades, quotes", True), ("depth and trades", False)):
        print(measure(name, quotes=quotes, queue=arguments.queue, rounds=arguments.rounds))


if __name__ == "__main__":
    main()
