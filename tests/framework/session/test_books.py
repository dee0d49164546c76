"""Books from changes: by the ids they follow on one another, or a whole book is asked for. Nothing else is ever told."""

from __future__ import annotations

from random import Random

import attrs
from hypothesis import given
from hypothesis import strategies as st

from strikeloop import BookUpdated, ContractId
from strikeloop.adapter import BookIds, Channel
from strikeloop.session import books
from strikeloop.session.books import MOST_ASKED, RETRY_NS, Books
from tests.framework.session.stage import CALL, PUT

CHAINED = Channel(name="changes", books=BookIds.CHAINED)
RISING = Channel(name="books", books=BookIds.RISING)
Side = tuple[tuple[float, float], ...]


def change(first: int, last: int, bids: Side = (), asks: Side = (), contract: ContractId = CALL) -> BookUpdated:
    return BookUpdated(time=0, received=0, contract=contract, bids=bids, asks=asks, first_id=first, last_id=last)


def whole(last: int, bids: Side = (), asks: Side = (), contract: ContractId = CALL) -> BookUpdated:
    return attrs.evolve(change(last, last, bids, asks, contract), snapshot=True)


def following(last: int = 10, bids: Side = ((5.0, 1.0),), asks: Side = ((6.0, 2.0),)) -> Books:
    """Books that follow one contract, whose last change was `last`."""
    made = Books()
    made.changed(CHAINED, change(last, last))
    assert list(made.due(0)) == [CALL]
    assert made.fetched(whole(last, bids, asks)) is not None
    return made


def test_the_first_change_of_a_contract_wants_its_whole_book_once() -> None:
    made = Books()
    assert made.changed(CHAINED, change(11, 12)) is None
    assert made.changed(CHAINED, change(13, 13)) is None
    assert list(made.due(0)) == [CALL]
    assert list(made.due(0)) == []


def test_the_book_is_told_with_the_changes_that_came_after_it() -> None:
    made = Books()
    made.changed(CHAINED, change(9, 10, bids=((4.0, 9.0),)))
    made.changed(CHAINED, change(11, 12, bids=((5.0, 3.0),), asks=((7.0, 0.0),)))
    list(made.due(0))
    book = made.fetched(whole(10, bids=((5.0, 1.0),), asks=((6.0, 2.0), (7.0, 4.0))))
    assert book == whole(12, bids=((5.0, 3.0),), asks=((6.0, 2.0),))


def test_a_change_that_begins_within_the_whole_book_is_applied_too() -> None:
    made = Books()
    made.changed(CHAINED, change(8, 13, bids=((4.0, 9.0),)))
    list(made.due(0))
    assert made.fetched(whole(10, bids=((5.0, 1.0),))) == whole(13, bids=((5.0, 1.0), (4.0, 9.0)))


def test_a_whole_book_older_than_the_changes_is_asked_for_again_a_little_later() -> None:
    made = Books()
    made.changed(CHAINED, change(20, 21))
    list(made.due(0))
    assert made.fetched(whole(10)) is None
    assert list(made.due(RETRY_NS - 1)) == []
    assert list(made.due(RETRY_NS)) == [CALL]
    assert made.fetched(whole(20)) == whole(21)


def test_each_change_gives_the_book_best_levels_first() -> None:
    made = following()
    assert made.changed(CHAINED, change(11, 11, bids=((5.5, 4.0),), asks=((5.9, 1.0),))) == whole(
        11, bids=((5.5, 4.0), (5.0, 1.0)), asks=((5.9, 1.0), (6.0, 2.0))
    )


def test_a_size_of_zero_deletes_and_a_side_may_become_empty() -> None:
    made = following()
    assert made.changed(CHAINED, change(11, 11, bids=((5.0, 0.0), (4.0, 0.0)))) == whole(11, asks=((6.0, 2.0),))


def test_a_crossed_book_is_told_as_the_venue_has_it() -> None:
    made = following()
    book = made.changed(CHAINED, change(11, 11, bids=((9.0, 1.0),)))
    assert book is not None
    assert book.bids[0] > book.asks[0]


def test_a_change_told_twice_is_told_once() -> None:
    made = following()
    made.changed(CHAINED, change(11, 12, bids=((5.5, 4.0),)))
    assert made.changed(CHAINED, change(11, 12, bids=((5.5, 4.0),))) is None
    assert made.take_gaps() == []


def test_a_missing_change_is_a_gap_and_the_book_is_asked_for_again() -> None:
    made = following()
    assert made.changed(CHAINED, change(12, 12)) is None
    assert made.take_gaps() == ["BTC-C: change 12 does not follow on 10"]
    assert made.take_gaps() == []
    assert list(made.due(0)) == [CALL]
    assert made.fetched(whole(11)) == whole(12)


def test_a_gap_among_the_changes_that_were_kept_asks_again() -> None:
    made = Books()
    for at in (11, 13):
        made.changed(CHAINED, change(at, at))
    list(made.due(0))
    assert made.fetched(whole(10)) is None
    assert list(made.due(RETRY_NS)) == [CALL]
    assert made.fetched(whole(12, bids=((1.0, 1.0),))) == whole(13, bids=((1.0, 1.0),))


def test_a_book_that_did_not_come_is_asked_for_a_little_later() -> None:
    made = Books()
    made.changed(CHAINED, change(1, 1))
    list(made.due(0))
    made.failed(CALL, 5)
    assert list(made.due(RETRY_NS)) == []
    assert list(made.due(5 + RETRY_NS)) == [CALL]


def test_a_whole_book_of_an_earlier_connection_is_ignored() -> None:
    made = Books()
    made.changed(CHAINED, change(1, 1))
    list(made.due(0))
    made.reset()
    made.changed(CHAINED, change(2, 2))
    assert made.fetched(whole(1)) is None
    made.failed(PUT, 0)
    assert list(made.due(0)) == [CALL]


def test_only_a_few_books_are_on_their_way_at_one_time() -> None:
    made = Books()
    names = [ContractId.of("venue", f"C{number}") for number in range(MOST_ASKED + 1)]
    for name in names:
        made.changed(CHAINED, change(1, 1, contract=name))
    assert list(made.due(0)) == names[:-1]
    made.fetched(whole(1, contract=names[3]))
    assert list(made.due(0)) == [names[-1]]


def test_what_lies_deeper_than_the_stream_tells_of_is_forgotten() -> None:
    shallow = Channel(name="changes", books=BookIds.CHAINED, book_depth=1)
    made = Books()
    made.changed(shallow, change(1, 1))
    list(made.due(0))
    assert made.fetched(whole(1, bids=((5.0, 1.0), (4.0, 1.0)))) == whole(1, bids=((5.0, 1.0),))
    assert made.changed(shallow, change(2, 2, bids=((5.0, 0.0), (3.0, 1.0)))) == whole(2, bids=((3.0, 1.0),))


def test_where_whole_books_come_on_the_channel_none_is_asked_for() -> None:
    made = Books()
    assert made.changed(RISING, change(7, 7, bids=((5.0, 1.0),))) is None
    assert list(made.due(0)) == []
    assert made.changed(RISING, whole(7, bids=((4.0, 1.0),))) == whole(7, bids=((5.0, 1.0), (4.0, 1.0)))
    assert made.changed(RISING, change(9, 9, bids=((4.0, 0.0),))) == whole(9, bids=((5.0, 1.0),))
    assert made.changed(RISING, change(8, 8, bids=((4.0, 2.0),))) is None


def test_changes_that_nobody_needs_are_not_kept_for_ever() -> None:
    made = Books()
    for at in range(books.MOST_KEPT + 5):
        made.changed(CHAINED, change(at, at))
    list(made.due(0))
    assert made.fetched(whole(3)) is None
    list(made.due(RETRY_NS))
    assert made.fetched(whole(4)) == whole(books.MOST_KEPT + 4)


class Venue:
    """A venue's book: every version of it, and the change that led there."""

    def __init__(self, random: Random, steps: int) -> None:
        self.versions: list[tuple[dict[float, float], dict[float, float]]] = [({}, {})]
        self.changes: list[BookUpdated] = []
        while len(self.versions) <= steps:
            first, touched = len(self.versions), ({}, {})  # type: tuple[int, tuple[dict[float, float], dict[float, float]]]
            for _ in range(random.randint(1, 3)):
                sides = [dict(side) for side in self.versions[-1]]
                side, price, size = random.randrange(2), float(random.randint(1, 6)), float(random.randint(0, 3))
                touched[side][price] = sides[side][price] = size
                if not size:
                    del sides[side][price]
                self.versions.append((sides[0], sides[1]))
            bids, asks = (tuple(changed.items()) for changed in touched)
            self.changes.append(change(first, len(self.versions) - 1, bids, asks))

    def whole(self, version: int) -> BookUpdated:
        bids, asks = self.versions[version]
        return whole(version, tuple(sorted(bids.items(), reverse=True)), tuple(sorted(asks.items())))


@given(st.randoms(use_true_random=False), st.floats(0, 0.5), st.floats(0, 0.5), st.floats(0, 0.5))
def test_whatever_is_lost_repeated_or_late_a_told_book_is_the_venues(random: Random, loss: float, repeat: float, answer: float) -> None:
    venue, made, now = Venue(random, 40), Books(), 0
    asked: list[int] = []
    told: list[BookUpdated | None] = []
    for event in venue.changes:
        now += RETRY_NS // 3
        copies = 0 if random.random() < loss else 2 if random.random() < repeat else 1
        told.extend(made.changed(CHAINED, event) for _ in range(copies))
        asked.extend(event.last_id - random.randint(0, 2) for _ in made.due(now))
        if asked and random.random() < answer:
            told.append(made.fetched(venue.whole(max(0, asked.pop(0)))))
    for book in told:
        assert book is None or book == venue.whole(book.last_id)
    last = venue.changes[-1]
    closing = made.changed(CHAINED, last)
    for _ in range(3):
        list(made.due(now := now + RETRY_NS))
        closing = made.fetched(venue.whole(last.last_id)) or closing
    final = made.changed(CHAINED, change(last.last_id + 1, last.last_id + 1))
    assert final is not None
    assert attrs.evolve(final, first_id=last.last_id, last_id=last.last_id) == venue.whole(last.last_id)
