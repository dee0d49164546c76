"""The displayed market, and what we took out of it."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

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
    assert book.asks.best() is None


def test_what_was_taken_is_skipped() -> None:
    side = Side(-1)
    side.replace([(510, 2), (520, 3)])
    side.take(510, D(2))
    assert side.best() == (520, D(3))


def test_what_lies_beyond_the_last_level_is_not_known() -> None:
    side = Side(+1)
    side.replace([(490, 2), (480, 3)])
    assert [side.visible(price) for price in (495, 490, 485, 470)] == [0.0, 2, 0.0, None]
