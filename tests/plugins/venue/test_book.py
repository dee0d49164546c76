"""The displayed market, and what we took out of it."""

from __future__ import annotations

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikeloop import BookUpdated, Quoted
from strikeloop_venue.book import Book, Side, exact
from tests.plugins.venue.stage import CALL


def quote(bid: float | None, ask: float | None, size: float = 5) -> Quoted:
    return Quoted(time=0, received=0, contract=CALL, bid=bid, ask=ask, bid_size=size, ask_size=size)


def depth(bids: list[tuple[float, float]], asks: list[tuple[float, float]], *, snapshot: bool) -> BookUpdated:
    return BookUpdated(time=0, received=0, contract=CALL, bids=tuple(bids), asks=tuple(asks), snapshot=snapshot)


@pytest.mark.parametrize(("value", "text"), [(5.0, "5"), (0.1, "0.1"), (1e-7, "1E-7"), (350.6, "350.6")])
def test_a_float_becomes_the_decimal_it_is_written_as(value: float, text: str) -> None:
    assert str(exact(value)) == text


def test_quotes_replace_each_other_where_no_depth_was_seen() -> None:
    book = Book()
    book.on_quote(quote(490, 510))
    book.on_quote(quote(485, 505))
    assert (book.bids.prices, book.asks.prices) == ([485], [505])


def test_a_quote_corrects_the_top_of_a_deep_book() -> None:
    book = Book()
    book.on_depth(depth([(490, 1), (480, 2)], [(510, 1), (520, 2)], snapshot=True))
    book.on_quote(quote(485, 505))
    assert (book.bids.prices, book.asks.prices) == ([485, 480], [505, 510, 520])


def test_changes_set_and_delete_levels() -> None:
    book = Book()
    book.on_depth(depth([(490, 1), (480, 2)], [(510, 1)], snapshot=True))
    book.on_depth(depth([(490, 0), (470, 3)], [(505, 4)], snapshot=False))
    assert (book.bids.sizes, book.asks.prices) == ({480: 2, 470: 3}, [505, 510])


def test_a_side_without_a_quote_is_empty() -> None:
    book = Book()
    book.on_depth(depth([(490, 1)], [(510, 1)], snapshot=True))
    book.on_quote(quote(490, None))
    assert book.asks.touch() is None


def test_what_was_taken_is_skipped() -> None:
    side = Side(-1)
    side.replace([(510, 2), (520, 3)])
    side.take(510, D(2))
    assert (side.touch(), side.available(520)) == (520, D(3))


def test_what_lies_beyond_the_last_level_is_not_known() -> None:
    side = Side(+1)
    side.replace([(490, 2), (480, 3)])
    assert [side.visible(price) for price in (495, 490, 485, 470)] == [0.0, 2, 0.0, None]


def numbered(first: int, last: int, *, snapshot: bool = False, bid: float = 490) -> BookUpdated:
    return BookUpdated(time=0, received=0, contract=CALL, bids=((bid, 1.0),), asks=(), first_id=first, last_id=last, snapshot=snapshot)


def test_changes_that_follow_one_another_are_applied() -> None:
    book = Book()
    for event in (numbered(1, 10, snapshot=True), numbered(11, 12, bid=491), numbered(12, 14, bid=492)):
        book.on_depth(event)
    assert book.bids.touch() == 492


def test_changes_that_the_snapshot_holds_already_are_passed_over() -> None:
    book = Book()
    book.on_depth(numbered(1, 10, snapshot=True))
    book.on_depth(numbered(8, 10, bid=491))
    assert book.bids.touch() == 490


def test_after_a_gap_nothing_is_known_until_the_next_snapshot() -> None:
    book = Book()
    book.on_depth(numbered(1, 10, snapshot=True))
    book.on_depth(numbered(12, 13, bid=491))
    book.on_depth(numbered(14, 15, bid=492))
    assert (book.is_broken, book.bids.touch(), book.bids.visible(490)) == (True, None, None)
    book.on_depth(numbered(20, 20, snapshot=True))
    assert (book.is_broken, book.bids.touch()) == (False, 490)


def test_after_a_gap_quotes_still_say_what_is_best() -> None:
    book = Book()
    book.on_depth(numbered(1, 10, snapshot=True))
    book.on_depth(numbered(12, 13))
    book.on_quote(quote(485, 505))
    assert (book.bids.prices, book.asks.prices) == ([485], [505])


def test_before_anything_was_shown_nothing_is_known() -> None:
    assert Side(+1).visible(490) is None


@pytest.mark.parametrize(("sign", "best_first"), [(+1, [490.0, 485.0]), (-1, [480.0, 485.0])])
def test_the_levels_within_a_limit_come_best_first(sign: int, best_first: list[float]) -> None:
    side = Side(sign)
    side.replace([(480, 1), (485, 1), (490, 1)])
    assert side.within(485) == best_first
    assert side.within(600 if sign > 0 else 1) == []


LEVELS = st.lists(st.tuples(st.integers(1, 9).map(float), st.integers(0, 3).map(float)), max_size=30)


@given(LEVELS, st.sampled_from([+1, -1]))
def test_however_a_side_came_about_its_prices_are_those_with_a_size_best_first(levels: list[tuple[float, float]], sign: int) -> None:
    side, plain = Side(sign), {}
    for price, size in levels:
        side.change([(price, size)])
        plain[price] = size
    assert side.prices == sorted((price for price, size in plain.items() if size), reverse=sign > 0)
    assert side.touch() == next(iter(side.prices), None)
