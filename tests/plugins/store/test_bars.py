"""Bars are what somebody who looked at every row would have drawn, told the moment they are complete."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strikeloop import CandleClosed, ContractId, Desk, Event, Quoted, Traded, UnderlyingPriced, described, hookimpl, plugin
from strikeloop.backtest import Backtest
from strikeloop.engine import Plugin
from strikeloop.venue import Batch, Columns, Venue, unrolled
from strikeloop_store import StoredMarket
from strikeloop_store.bars import length_of, with_bars
from strikeloop_venue import VenueSettings
from tests.framework.backtest.columnar import MS, Market, drawn
from tests.plugins.store.stored import CALL, PUT, SECOND, START, quote, specify, take, written

KINDS: tuple[type[Event], ...] = (Quoted, Traded, UnderlyingPriced)


def bars(events: Iterator[Event] | Sequence[Event]) -> list[CandleClosed]:
    return [event for event in events if isinstance(event, CandleClosed)]


def seen_row_by_row(events: Sequence[Event], length: int, of: type[Event]) -> list[CandleClosed]:
    """Every bar that is over when the last row has come, drawn by looking at one row after another."""
    prices: dict[tuple[int, ContractId], list[tuple[float, float, int]]] = {}
    for event in events:
        if isinstance(event, Quoted | Traded) and type(event) is of:
            price, size = (event.mid, 0.0) if isinstance(event, Quoted) else (event.price, abs(event.size))
            if price is not None:
                prices.setdefault((event.time // length, event.contract), []).append((price, size, event.received))
    return [
        CandleClosed(
            time=(number + 1) * length,
            received=max((number + 1) * length, *(received for _, _, received in rows)),
            contract=contract,
            start=number * length,
            interval=length,
            open=rows[0][0],
            high=max(price for price, _, _ in rows),
            low=min(price for price, _, _ in rows),
            close=rows[-1][0],
            volume=sum(size for _, size, _ in rows),
        )
        for (number, contract), rows in sorted(prices.items())
        if (number + 1) * length <= events[-1].time
    ]


def halved(batch: Batch) -> Iterator[Batch]:
    """A batch of many kinds, a row of time at a time; what stands at one instant stays together."""
    times = sorted({int(time) for part in batch.parts for time in part.time})
    middle = times[len(times) // 2]
    for first, last in ((0, middle), (middle, 1 << 62)):
        at = [slice(*part.time.searchsorted([first, last]).tolist()) for part in batch.parts]
        yield Batch(parts=tuple(part.cut(rows) for part, rows in zip(batch.parts, at, strict=True)))


@given(st.integers(0, 10_000), st.sampled_from([70, 250, 1_000, 5_000]), st.sampled_from([Quoted, Traded]), st.booleans(), st.booleans())
@settings(max_examples=30, deadline=None)
def test_they_are_those_that_every_row_makes(seed: int, length_ms: int, of: type[Event], is_late: bool, is_split: bool) -> None:
    batches = list(drawn(seed, kinds=KINDS).batches())
    if is_late:
        batches = [Batch(parts=tuple(attrs.evolve(part, received=part.time + 30 * MS) for part in batch.parts)) for batch in batches]
    whole = list(unrolled(batches))
    stretches = [half for batch in batches for half in halved(batch)] if is_split else batches
    told = list(unrolled(with_bars(stretches, length_ms * MS, of)))
    assert bars(told) == seen_row_by_row(whole, length_ms * MS, of)
    assert [event for event in told if not isinstance(event, CandleClosed)] == whole
    assert [event.time for event in told] == sorted(event.time for event in told)
    for bar in bars(told):
        rest = told[told.index(bar) + 1 :]
        assert not [row for row in rest if isinstance(row, of) and row.time < bar.time], "no row of a bar comes after it"


@plugin
class Reversal:
    """Buys where a bar closes at its low, sells where at its high, and says what it saw."""

    @hookimpl
    def on_start(self, desk: Desk) -> None:
        desk.watch("BTC_USDT", kinds=[CandleClosed])

    @hookimpl
    def on_candle(self, event: CandleClosed, desk: Desk) -> None:
        desk.alert(f"{described(event)} {desk.quote(event.contract)}", topic="seen")
        if event.close == event.low:
            desk.buy(event.contract, 1, event.close // 1)
        elif event.close == event.high:
            desk.sell(event.contract, 1, event.close // 1)


def opened_before(venue: Venue, _: object) -> Venue:
    return venue


class Barred(Market):
    def batches(self) -> Iterator[Batch]:
        return with_bars(super().batches(), 250 * MS)


@pytest.mark.parametrize("seed", range(4))
def test_a_strategy_on_bars_gets_the_same_skimmed_and_row_by_row(seed: int) -> None:
    market = drawn(seed, kinds=KINDS)
    records: list[tuple[str, Any]] = []
    for each in (True, False):
        source, opened = Barred(list(market.batches()), market.contracts()), VenueSettings().open("sim", market.contracts())
        plugins = [Plugin(name="reversal", kind="strategy", plugin=Reversal())]
        run = Backtest(plugins, sources=[source], open_venue=partial(opened_before, opened), each=each).run()
        records.append((run.digest, run.record()))
    assert records[0] == records[1]
    assert records[0][1]["orders"]


def test_a_store_makes_them_where_it_is_asked_to(tmp_path: Path) -> None:
    specify(tmp_path / "market")
    rows = [quote(second, name, 100 + second % 7, 102 + second % 7) for second in range(0, 150, 10) for name in (CALL, PUT)]
    take(tmp_path / "market", written(tmp_path / "quotes.csv", *rows))
    plain, barred = (StoredMarket(path=str(tmp_path / "market"), bars=bars_).open("gate") for bars_ in ("", "1m"))
    found = bars(barred.events())
    assert [(one.contract.name, (one.time - START) // SECOND, one.open, one.high, one.low, one.close) for one in found] == [
        (CALL, 60, 101.0, 107.0, 101.0, 102.0),
        (PUT, 60, 101.0, 107.0, 101.0, 102.0),
        (CALL, 120, 105.0, 107.0, 101.0, 106.0),
        (PUT, 120, 105.0, 107.0, 101.0, 106.0),
    ]
    assert barred.content_hash() != plain.content_hash()
    assert bars(barred.between(START + 60 * SECOND, None).events()) == found[2:]


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"bars": "60"}, "write 30s, 1m, 4h or 1d"),
        ({"bars": "0m"}, "write 30s, 1m, 4h or 1d"),
        ({"bars": "1m", "bars_of": "tickers"}, "expected quotes or trades"),
        ({"bars": "1m", "kinds": ("trades",)}, "made of quotes, which kinds leaves out"),
    ],
)
def test_bars_that_cannot_be_are_refused_before_the_run(tmp_path: Path, options: dict[str, Any], what: str) -> None:
    with pytest.raises(ValueError, match=what):
        StoredMarket(path=str(tmp_path), **options)


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("1m", 60), ("4h", 14_400), ("1d", 86_400)])
def test_lengths_are_written_as_people_write_them(text: str, seconds: int) -> None:
    assert length_of(text) == seconds * SECOND


def test_a_quote_with_one_side_makes_no_bar() -> None:
    keys = (ContractId.of("gate", CALL),)
    time = np.array([1, 2, 10], np.int64)
    fields = {"bid": [np.nan, 4.0, 5.0], "ask": [5.0, np.nan, 6.0], "bid_size": [0.0, 1.0, 1.0], "ask_size": [1.0, 0.0, 1.0]}
    columns = {name: np.array(column) for name, column in fields.items()}
    batch = Batch(parts=(Columns(kind=Quoted, keys=keys, key=np.zeros(3, np.int32), time=time, received=time, fields=columns),))
    assert bars(unrolled(with_bars([batch], 5))) == []
