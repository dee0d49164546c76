"""The specification of strikeloop.columns: a row is the event that a plain source would have yielded."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikeloop import BookUpdated, CandleClosed, ContractId, Event, Quoted, TickerUpdated, Traded, UnderlyingPriced
from strikeloop.columns import Batch, Columns, unrolled

CALL, PUT = ContractId.of("sim", "C"), ContractId.of("sim", "P")


def columns(kind: type[Event] = Quoted, *, times: list[int], keys: list[int] | None = None, **fields: Any) -> Columns:
    place = fields.pop("place", None)
    return Columns(
        kind=kind,
        keys=fields.pop("names", (CALL, PUT)),
        key=np.array(keys or [0] * len(times), np.int32),
        time=np.array(times, np.int64),
        received=np.array([time + 1 for time in times], np.int64),
        fields={name: np.array(values) for name, values in fields.items()},
        place=None if place is None else np.array(place),
    )


def quotes(*times: int, **options: Any) -> Columns:
    count = len(times)
    sides: dict[str, Any] = {"bid": [1.0] * count, "ask": [2.0] * count, "bid_size": [3.0] * count, "ask_size": [4.0] * count}
    return columns(times=list(times), **sides, **options)


def test_a_row_is_the_event_of_its_kind() -> None:
    rows = columns(times=[5, 6], keys=[0, 1], bid=[1.5, np.nan], ask=[2.0, 2.5], bid_size=[3.0, 0.0], ask_size=[4.0, 4.0])
    assert rows.events(slice(None)) == [
        Quoted(time=5, received=6, contract=CALL, bid=1.5, ask=2.0, bid_size=3.0, ask_size=4.0),
        Quoted(time=6, received=7, contract=PUT, bid=None, ask=2.5, bid_size=0.0, ask_size=4.0),
    ]
    assert type(rows.event(0).bid) is float
    assert type(rows.event(0).time) is int


def test_every_kind_has_its_fields_and_what_is_left_out_its_default() -> None:
    assert columns(Traded, times=[5], price=[7.0], size=[-1.0]).event(0) == Traded(time=5, received=6, contract=CALL, price=7.0, size=-1.0)
    told = columns(TickerUpdated, times=[5], mark_price=[7.0], delta=[0.5]).event(0)
    assert told == TickerUpdated(time=5, received=6, contract=CALL, mark_price=7.0, delta=0.5)
    index = columns(UnderlyingPriced, times=[5], names=(("sim", "BTC_USDT"),), price=[70_000.0]).event(0)
    assert index == UnderlyingPriced(time=5, received=6, adapter="sim", underlying="BTC_USDT", price=70_000.0)
    bar = columns(CandleClosed, times=[5], start=[0], interval=[5], open=[1.0], high=[2.0], low=[1.0], close=[1.5]).event(0)
    assert bar == CandleClosed(time=5, received=6, contract=CALL, start=0, interval=5, open=1.0, high=2.0, low=1.0, close=1.5)


def test_rows_are_cut_and_picked_without_the_others() -> None:
    rows = quotes(1, 2, 3, 4)
    assert [event.time for event in rows.cut(slice(1, 3)).events(slice(None))] == [2, 3]
    assert [event.time for event in rows.events(np.array([3, 0]))] == [4, 1]


def test_a_batch_stands_in_the_order_of_time_and_place() -> None:
    book = BookUpdated(time=2, received=2, contract=CALL, bids=(), asks=())
    trades = columns(Traded, times=[1, 2], price=[7.0, 8.0], size=[1.0, 1.0], place=[0, 5])
    batch = Batch(parts=(quotes(1, 2, 2, place=[1, 4, 6]), trades), events=(book,), places=(3,))
    told = [(type(event).__name__, event.time) for event in unrolled([batch, Batch(parts=(quotes(2),))])]
    first = [("Traded", 1), ("Quoted", 1), ("BookUpdated", 2), ("Quoted", 2), ("Traded", 2), ("Quoted", 2)]
    assert told == [*first, ("Quoted", 2)]
    assert len(batch) == 6


def test_without_places_events_come_first_and_then_the_parts_in_their_sequence() -> None:
    book = BookUpdated(time=1, received=1, contract=CALL, bids=(), asks=())
    trades = columns(Traded, times=[1], price=[7.0], size=[1.0])
    told = [type(event).__name__ for event in Batch(parts=(quotes(1, 1), trades), events=(book,)).ordered()]
    assert told == ["BookUpdated", "Quoted", "Quoted", "Traded"]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=20))
def test_order_is_stable(rows: list[tuple[int, int]]) -> None:
    rows = sorted(rows, key=lambda row: row[0])
    part = quotes(*(time for time, _ in rows), place=[place for _, place in rows])
    expected = sorted(enumerate(rows), key=lambda item: (item[1], item[0]))
    tagged = attrs.evolve(part, fields={**part.fields, "bid": np.arange(len(rows)) * 1.0})
    assert [event.bid for event in Batch(parts=(tagged,)).ordered()] == [float(at) for at, _ in expected]  # type: ignore[attr-defined]  # every one is a quote


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: quotes(2, 1), "time goes back at row 1"),
        (lambda: quotes(1, keys=[2]), "key must be a position in keys, of which there are 2"),
        (lambda: columns(Traded, times=[1, 2], price=[1.0, np.nan], size=[1.0, 1.0]), "price is NaN at row 1"),
        (lambda: columns(Traded, times=[1], price=[1.0]), "size missing"),
        (lambda: columns(Traded, times=[1], price=[1.0], size=[1.0], colour=[1]), "colour unknown"),
        (lambda: columns(Traded, times=[1, 2], price=[1.0], size=[1.0, 2.0]), "column price of Traded has 1 rows, time has 2"),
        (lambda: columns(BookUpdated, times=[1]), "BookUpdated has no columns"),
    ],
)
def test_columns_that_do_not_fit_together_are_refused(wrong: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        wrong()


def test_the_contract_of_sources_needs_no_numpy() -> None:
    code = "import sys, strikeloop.venue; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
