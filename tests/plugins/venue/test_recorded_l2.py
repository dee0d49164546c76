"""Fill for fill what hftbacktest 2.4.4 gives on the same market: order, time at the venue, side and price."""

from __future__ import annotations

import csv
import hashlib
from functools import cache
from pathlib import Path

import pytest

from strikeloop import BookUpdated, Desk, Event, Filled, RunStarted, TimerFired, hookimpl, plugin, state
from strikeloop.backtest import Backtest
from strikeloop.engine import Plugin
from strikeloop_venue import VenueSettings
from strikeloop_venue.book import Book
from tests.plugins.venue.recorded_l2 import LOTS, PERPETUAL, SECOND, Recorded

Fill = tuple[int, int, int, str]


@plugin
class OneTickWide:
    """Each second: withdraw everything, bid at the best bid and offer at the best ask, if that adds liquidity."""

    start: int
    seconds: int = state(0)
    book: Book = state(factory=Book)

    @hookimpl
    def on_start(self, event: RunStarted, desk: Desk) -> None:
        desk.watch(PERPETUAL)
        self._next(desk)

    @hookimpl
    def on_book(self, event: BookUpdated, desk: Desk) -> None:
        self.book.on_depth(event)

    @hookimpl
    def on_timer(self, event: TimerFired, desk: Desk) -> None:
        desk.cancel_all()
        desk.buy(PERPETUAL, 10, self.book.bids.touch(), tif="poc")
        desk.sell(PERPETUAL, 10, self.book.asks.touch(), tif="poc")
        self._next(desk)

    def _next(self, desk: Desk) -> None:
        self.seconds += 1
        desk.at(self.start + self.seconds * SECOND, "second")


@cache
def recorded(path: Path) -> Recorded:
    return Recorded(path)


def fills(path: Path, queue: str, exponent: float = 2.0) -> list[Fill]:
    """Every fill of one run, in the order of the orders."""
    market = recorded(path)
    heard: list[Event] = []
    settings = VenueSettings(
        balance="1e12",
        latency={"entry_ms": 10, "response_ms": 10},
        queue=queue,
        queue_exponent=exponent,
        queue_unit=LOTS,
        whole_fills=True,
        consume_liquidity=False,
        liquidation=False,
        mark_every_s=1e6,
    )
    quoting = Plugin(name="one", kind="strategy", plugin=OneTickWide(start=market.start))
    Backtest([quoting], sources=[market], open_venue=lambda contracts: settings.open("venue", contracts), listen=heard.append).run()
    told = [event for event in heard if isinstance(event, Filled)]
    return sorted((int((fill.client_id or "").split("-")[-1]), fill.time, 1 if fill.size > 0 else -1, str(fill.price)) for fill in told)


def reference(shared: Path) -> Path:
    folder = shared / "data" / "hft_btcusdt_l2"
    if not folder.is_dir():
        pytest.skip(f"no recorded market: {folder} is not a folder")
    return folder


@pytest.mark.parametrize(
    ("queue", "oracle", "count"),
    [("risk-averse", "risk_adverse_queue_model", 215), ("log", "log_prob_queue_model", 227), ("power", "power_prob_queue_model_2.0", 223)],
)
def test_the_fills_are_those_of_the_reference(shared: Path, queue: str, oracle: str, count: int) -> None:
    folder = reference(shared)
    with (folder / "oracle" / f"q0.01_no_partial_fill_exchange_{oracle}.fills.csv").open(newline="") as lines:
        rows = [(int(row["order_id"]), int(row["exch_ts_ns"]), int(row["side"]), row["exec_price"]) for row in csv.DictReader(lines)]
    assert len(rows) == count
    assert fills(folder / "btcusdt_20240808.gz", queue) == sorted(rows)


OTHERS = [
    ("log2", 2, 217, "bec091bd2611fcf3"),
    ("power", 3, 221, "be63eb8c9f92c58a"),
    ("power2", 2, 234, "01fe93f2eda5def3"),
    ("power2", 3, 245, "fd8f121fe919eaca"),
    ("power3", 3, 216, "abc12bb38e251d03"),
    ("power3", 0.5, 231, "bee69406dac9a70b"),
]
"""Queue model, exponent, number and digest of the reference's fills; tests/benchmarks/bench_queue_models.py replays them all."""


def short(path: Path, queue: str, exponent: float) -> tuple[int, str]:
    """Number and digest of the fills of one run."""
    told = fills(path, queue, exponent)
    text = "\n".join(",".join(map(str, fill)) for fill in told)
    return len(told), hashlib.sha256(text.encode()).hexdigest()[:16]


@pytest.mark.parametrize(("queue", "exponent", "count", "digest"), [OTHERS[3]])
def test_other_models_fill_as_the_reference_does_when_it_runs_the_same_strategy(
    shared: Path, queue: str, exponent: float, count: int, digest: str
) -> None:
    assert short(reference(shared) / "btcusdt_20240808.gz", queue, exponent) == (count, digest)
