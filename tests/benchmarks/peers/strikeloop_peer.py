"""strikeloop: a columnar source over the same Parquet file, the simulated venue, the real review with a rule in the order path.

E streams a store (strikeloop-store) in place of the file.
"""

from __future__ import annotations

from measure import EVERY, arguments, clock, told

WHAT, DATA, MANIFEST = arguments()
STARTED = clock()

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from strikeloop import (
    AmendOrder,
    CandleClosed,
    Contract,
    ContractId,
    Desk,
    Event,
    Filled,
    OptionKind,
    Quoted,
    Refused,
    SubmitOrder,
    TimerFired,
    Verdict,
    hookimpl,
    plugin,
    state,
)
from strikeloop.backtest import Backtest
from strikeloop.engine import Plugin
from strikeloop.venue import Batch, Columns, unrolled
from strikeloop_venue import VenueSettings

IMPORTED = clock()
IDS = tuple(ContractId.of("sim", name) for name in MANIFEST["contracts"])
STRETCH = 100_000
FURTHER = 3
"""A-plugins: the plugins beside the first, each doing the same."""
FOUND: dict[str, Any] = {}


class Quotes:
    """The file, 100,000 rows at a time."""

    def contracts(self) -> tuple[Contract, ...]:
        return tuple(self._contract(contract) for contract in IDS)

    def batches(self) -> Iterator[Batch]:
        names = ["ts", "cidx", "bid", "ask", "bid_size", "ask_size"]
        file = pq.ParquetFile(Path(DATA) / "quotes.parquet", memory_map=True)
        for rows in file.iter_batches(STRETCH, columns=names, use_threads=False):  # six columns: waking threads costs more than they save
            time, code = _numbers(rows["ts"], np.int64), _numbers(rows["cidx"], np.int16).astype(np.int32)
            fields = {name: _numbers(rows[name], np.float64) for name in names[2:]}
            yield Batch(parts=(Columns(kind=Quoted, keys=IDS, key=code, time=time, received=time, fields=fields),))

    def events(self) -> Iterator[Event]:
        return unrolled(self.batches())

    def content_hash(self) -> str:
        return "benchmark"

    def _contract(self, contract: ContractId) -> Contract:
        _, _, strike, side = contract.name.split("-")
        return Contract(
            id=contract,
            underlying="BTC_USDT",
            kind=OptionKind.CALL if side == "C" else OptionKind.PUT,
            strike=Decimal(strike),
            expiry=MANIFEST["start_ns"] + 5 * 86_400 * 10**9,
            multiplier=Decimal(1),
            tick=Decimal("0.5"),
            mark_tick=Decimal("0.5"),
        )


def _numbers(column: Any, kind: type[np.generic]) -> np.ndarray[Any, Any]:
    """A column without copying; `to_numpy` would import pandas, which takes longer than the whole run."""
    return np.frombuffer(column.buffers()[1], kind)[column.offset : column.offset + len(column)]


@plugin
class Counting:
    """A: count, and the sum of mids."""

    n: int = state(0)
    total: float = state(0.0)

    @hookimpl
    def on_start(self, desk: Desk) -> None:
        desk.watch("BTC_USDT")

    @hookimpl
    def on_quote(self, event: Quoted, desk: Desk) -> None:
        self.n += 1
        self.total += (event.bid + event.ask) * 0.5


@plugin
class Making:
    """B: two limits a tick from the middle at every 100th quote of a contract, those before them withdrawn."""

    declared: bool = False
    seen: dict[ContractId, int] = state(factory=dict)
    live: dict[ContractId, tuple[str, str]] = state(factory=dict)
    figures: dict[str, Any] = state(factory=lambda: {"orders": 0, "fills": 0, "net": 0, "cash": 0.0})

    @hookimpl
    def on_start(self, desk: Desk) -> None:
        desk.watch("BTC_USDT", every=EVERY if self.declared else 1)

    @hookimpl
    def on_quote(self, event: Quoted, desk: Desk) -> None:
        contract = event.contract
        if not self.declared:
            count = self.seen.get(contract, 0) + 1
            self.seen[contract] = count
            if count % EVERY:
                return
        for client_id in self.live.get(contract, ()):
            order = desk.order(client_id)
            if order is not None and order.is_working:
                desk.cancel(client_id)
        ticks = int(event.bid * 2) + int(event.ask * 2)
        self.live[contract] = desk.buy(contract, 1, (ticks // 2 - 1) * 0.5), desk.sell(contract, 1, (-(-ticks // 2) + 1) * 0.5)
        self.figures["orders"] += 2

    @hookimpl
    def on_fill(self, event: Filled, desk: Desk) -> None:
        figures = self.figures
        figures["fills"] += 1
        figures["net"] += int(event.size)
        figures["cash"] -= float(event.price * event.size)


@plugin
class Limit:
    """The rule in the order path."""

    most: Decimal = Decimal(100)

    @hookimpl
    def review_order(self, command: SubmitOrder | AmendOrder, desk: Desk) -> Verdict:
        return Refused("too large") if command.size is not None and abs(command.size) > self.most else None


@plugin
class Looking:
    """D: each minute a look at every contract."""

    n: int = state(0)
    total: float = state(0.0)

    @hookimpl
    def on_start(self, desk: Desk) -> None:
        desk.every(60, "look")

    @hookimpl
    def on_timer(self, event: TimerFired, desk: Desk) -> None:
        for contract in IDS:
            quote = desk.quote(contract)
            if quote is not None and quote.mid is not None:
                self.n += 1
                self.total += quote.mid


@plugin
class Charting:
    """D-bars: hears of each bar of a minute of every contract."""

    n: int = state(0)
    total: float = state(0.0)

    @hookimpl
    def on_start(self, desk: Desk) -> None:
        desk.watch("BTC_USDT", kinds=[CandleClosed])

    @hookimpl
    def on_candle(self, event: CandleClosed, desk: Desk) -> None:
        self.n += 1
        self.total += event.high - event.low + event.close


class Barred(Quotes):
    """The same file, and bars of a minute that the quotes make."""

    def batches(self) -> Iterator[Batch]:
        from strikeloop_store.bars import with_bars

        return with_bars(super().batches(), 60 * 10**9)


def strategies() -> list[Any]:
    """The strategy of this workload first, and what else runs beside it."""
    if WHAT.startswith("B"):
        return [Making(declared=WHAT == "B-declared")]
    if WHAT.startswith("D"):
        return [Charting() if WHAT.startswith("D-bars") else Looking()]
    return [Counting() for _ in range(1 + FURTHER if WHAT == "A-plugins" else 1)]


def market() -> Any:
    if not WHAT.startswith("E"):
        return Barred() if WHAT.startswith("D-bars") else Quotes()
    from strikeloop_store import StoredMarket

    return StoredMarket(path=f"{DATA}/market").open("sim")


def run() -> None:
    running = strategies()
    plugins = [Plugin(name=f"s{at}", kind="strategy", plugin=one) for at, one in enumerate(running)]
    if WHAT.startswith("B"):
        plugins.append(Plugin(name="limit", kind="risk", plugin=Limit()))
    # The reference fills whole, at the order's price, without margin, marks or latency: so does the venue here.
    venue = VenueSettings(
        balance=Decimal(10**9),
        queue="front",
        whole_fills=True,
        consume_liquidity=False,
        margin="none",
        account_reports="grid",
        mark_every_s=None,
        latency={"entry_ms": 0, "response_ms": 0},
    )
    backtest = Backtest(plugins, sources=[market()], open_venue=lambda listed: venue.open("sim", listed), each=WHAT.endswith("each"))
    result = backtest.run()
    first = running[0]
    FOUND.update(first.figures if WHAT.startswith("B") else {"n": first.n, "total": first.total})
    FOUND["digest"] = result.digest


ready = clock()
run()
told(STARTED, IMPORTED, ready, FOUND, MANIFEST)
