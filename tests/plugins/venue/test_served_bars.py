"""Candles: every length tells the same story."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikeloop_venue.served.bars import INTERVALS, MINUTE_NS, SECOND_NS, Bar, Series

PRICES = st.lists(st.tuples(st.integers(0, 600), st.integers(1, 100).map(float), st.integers(0, 9).map(float)), min_size=1, max_size=60)


def told(prices: list[tuple[int, float, float]]) -> Series:
    series = Series()
    for second, price, volume in sorted(prices, key=lambda one: one[0]):
        series.add(second * SECOND_NS, price, volume)
    return series


@pytest.mark.parametrize("length", list(INTERVALS.values()))
@given(prices=PRICES)
def test_a_bar_is_what_happened_in_its_time(length: int, prices: list[tuple[int, float, float]]) -> None:
    ordered = sorted(prices, key=lambda one: one[0])
    for bar in told(prices).bars(length):
        within = [one for one in ordered if bar.start <= one[0] * SECOND_NS < bar.start + length]
        assert bar.start % length == 0
        assert (bar.open, bar.close) == (within[0][1], within[-1][1])
        assert (bar.high, bar.low) == (max(one[1] for one in within), min(one[1] for one in within))
        assert bar.volume == sum(one[2] for one in within)
        assert bar.amount == pytest.approx(sum(one[1] * one[2] for one in within))


@given(prices=PRICES)
def test_bars_come_newest_first_and_none_is_empty(prices: list[tuple[int, float, float]]) -> None:
    starts = [bar.start for bar in told(prices).bars(MINUTE_NS)]
    assert starts == sorted({one[0] * SECOND_NS // MINUTE_NS * MINUTE_NS for one in prices}, reverse=True)


def test_reading_changes_nothing() -> None:
    series = told([(0, 1.0, 1.0), (61, 2.0, 1.0)])
    assert list(series.bars(5 * MINUTE_NS)) == list(series.bars(5 * MINUTE_NS)) == [Bar(0, 1.0, 2.0, 1.0, 2.0, 2.0, 3.0)]


def test_what_is_kept_is_bounded() -> None:
    series = Series()
    for minute in range(5_000):
        series.add(minute * MINUTE_NS, 1.0)
    assert len(list(series.bars(10 * SECOND_NS))) == 90
    assert len(list(series.bars(MINUTE_NS))) == 720
    assert len(list(series.bars(60 * MINUTE_NS))) == 84
