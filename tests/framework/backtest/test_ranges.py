"""The specification of strikeloop.backtest.ranges: a market from one moment to another."""

from __future__ import annotations

import pytest

from strikeloop import ConfigError, ContractExpired, Event
from strikeloop.backtest.ranges import between, instant
from strikeloop.venue import Source
from tests.framework.backtest.test_driver import Listed
from tests.framework.stage import PUT, quoted


@pytest.mark.parametrize(
    "text", ["2026-06-01T08:00:00Z", "2026-06-01 08:00", "2026-06-01T10:00:00+02:00", " 2026-06-01T08:00:00.000000Z "], ids=str.strip
)
def test_a_moment_is_utc_unless_it_says_otherwise(text: str) -> None:
    assert instant(text, "--from") == 1_780_300_800_000_000_000


def test_what_is_no_moment_is_refused_by_where_it_stands() -> None:
    with pytest.raises(ConfigError, match="--from: 'tomorrow' is no date"):
        instant("tomorrow", "--from")


def test_a_cut_leaves_out_what_is_outside_and_keeps_what_was_delisted_before() -> None:
    market = Listed(quoted(at=1), ContractExpired(time=2, received=2, contract=PUT), quoted(at=5), quoted(at=9), quoted(at=10))
    cut = between(market, 4, 10)
    assert [(type(event).__name__, event.time) for event in cut.events()] == [("ContractExpired", 4), ("Quoted", 5), ("Quoted", 9)]
    assert cut.content_hash() != market.content_hash()
    assert list(between(market, 20, None).events()) == []


def test_a_source_that_can_be_read_in_part_is() -> None:
    class Whole(Listed):
        def between(self, start: int | None, end: int | None) -> Source:
            return Listed(*(self._of(start, end)), name="part")

        def _of(self, start: int | None, end: int | None) -> list[Event]:
            return [quoted(at=start or 0), quoted(at=end or 0)]

    assert [event.time for event in between(Whole(), 3, 7).events()] == [3, 7]


def test_an_empty_range_is_refused() -> None:
    with pytest.raises(ConfigError, match="ends before it begins"):
        between(Listed(), 5, 5)
