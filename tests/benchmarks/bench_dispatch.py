"""Nanoseconds per event through engine, portfolio and 1, 3, 10 plugins, beside a bare loop that calls the same functions.

Run by hand: `uv run python tests/benchmarks/bench_dispatch.py [EVENTS]`. Both loops work on the same prebuilt events in
one process; figures are CPU time, the best of seven interleaved rounds, and only the ratio means anything on another machine.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from strikeloop import Contract, ContractId, Desk, OptionKind, Quoted, RunStarted, hookimpl, plugin, state
from strikeloop.engine import Engine, Plugin
from strikeloop.margin import Classic

CONTRACTS = [
    Contract(
        id=ContractId.of("sim", f"BTC_USDT-20260626-{strike}-C"),
        underlying="BTC_USDT",
        kind=OptionKind.CALL,
        strike=Decimal(strike),
        expiry=2**62,
        multiplier=Decimal("0.01"),
        tick=Decimal(1),
        mark_tick=Decimal("0.1"),
    )
    for strike in range(60_000, 80_000, 1_000)
]


@plugin
class Counter:
    """What every plugin of the benchmark does: count the quotes and add up their middles."""

    count: int = state(0)
    mids: float = state(0.0)

    @hookimpl
    def on_start(self, event: RunStarted, desk: Desk) -> None:
        desk.watch("BTC_USDT")

    @hookimpl
    def on_quote(self, event: Quoted, desk: Desk) -> None:
        self.count += 1
        self.mids += (event.bid + event.ask) * 0.5  # type: ignore[operator]  # every quote of the benchmark has both sides


def quotes(count: int) -> list[Quoted]:
    return [
        Quoted(
            time=i, received=i, contract=CONTRACTS[i % len(CONTRACTS)].id, bid=100.0 + i % 7, ask=101.0 + i % 7, bid_size=1.0, ask_size=1.0
        )
        for i in range(count)
    ]


def bare(events: list[Quoted], plugins: int) -> Callable[[], None]:
    counters = [Counter() for _ in range(plugins)]
    calls = [counter.on_quote for counter in counters]
    desk: Any = None

    def run() -> None:
        for event in events:
            for call in calls:
                call(event, desk)

    return run


def engine(events: list[Quoted], plugins: int) -> Callable[[], None]:
    made = Engine([Plugin(name=f"p{i}", kind="strategy", plugin=Counter()) for i in range(plugins)], contracts=CONTRACTS, margin=Classic())
    made.step(RunStarted(time=0, received=0))
    step = made.step

    def run() -> None:
        for event in events:
            step(event)

    return run


def best(runs: list[Callable[[], None]], events: int, rounds: int = 7) -> list[float]:
    """The best time of each run in ns per event, rounds interleaved."""
    times = [float("inf")] * len(runs)
    for _ in range(rounds):
        for index, run in enumerate(runs):
            start = time.process_time_ns()
            run()
            times[index] = min(times[index], (time.process_time_ns() - start) / events)
    return times


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    events = quotes(count)
    gc.collect()
    gc.freeze()
    print(f"{'plugins':>7} {'bare ns':>8} {'engine ns':>10} {'ratio':>6} {'each further plugin ns':>23}")
    first = 0.0
    for plugins in (1, 3, 10):
        alone, through = best([bare(events, plugins), engine(events, plugins)], count)
        first = first or through
        further = (through - first) / (plugins - 1) if plugins > 1 else float("nan")
        print(f"{plugins:>7} {alone:>8.0f} {through:>10.0f} {through / alone:>6.2f} {further:>23.0f}")


if __name__ == "__main__":
    main()
