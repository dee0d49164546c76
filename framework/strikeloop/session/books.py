"""Order books put together from changes: which of them apply, and when a whole book is needed to start from.

Owns `Books`. Theory of operation, per contract: SEEKING keeps changes and wants a whole book → the changes after it are
applied → FOLLOWING, until a change does not follow on the last one, which is SEEKING again. Sizes are absolute, so a
change that is told twice does no harm. Sides may be empty, and crossed: books are as the venue tells them. It never
asks for a book itself, and never tells one that is not the venue's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import attrs

from strikeloop.adapter import BookIds, Channel
from strikeloop.clock import SECOND_NS
from strikeloop.contracts import ContractId
from strikeloop.events import BookUpdated

MOST_ASKED = 8
"""Whole books that are on their way at one time."""
MOST_KEPT = 1_000
"""Changes kept for one contract; more can only mean that nobody brings the whole book."""
RETRY_NS = SECOND_NS
Levels = tuple[tuple[float, float], ...]


@attrs.define
class _Book:
    ids: BookIds
    depth: int
    bids: dict[float, float] = attrs.field(factory=dict)
    asks: dict[float, float] = attrs.field(factory=dict)
    last_id: int = -1
    """The last change that is in the book; below 0 while seeking."""
    kept: deque[BookUpdated] = attrs.field(factory=lambda: deque(maxlen=MOST_KEPT))

    @property
    def is_seeking(self) -> bool:
        return self.last_id < 0

    def start(self, whole: BookUpdated) -> None:
        self.bids, self.asks, self.last_id = dict(whole.bids), dict(whole.asks), whole.last_id

    def is_old(self, change: BookUpdated) -> bool:
        return change.last_id <= self.last_id if self.ids is BookIds.CHAINED else change.last_id < self.last_id

    def follows(self, change: BookUpdated) -> bool:
        return self.ids is not BookIds.CHAINED or change.first_id <= self.last_id + 1

    def apply(self, change: BookUpdated) -> None:
        _change(self.bids, change.bids)
        _change(self.asks, change.asks)
        self.last_id = change.last_id

    def shown(self, change: BookUpdated) -> BookUpdated:
        """The whole book after `change`, best levels first. What lies deeper than the stream tells of is forgotten."""
        bids, asks = sorted(self.bids.items(), reverse=True), sorted(self.asks.items())
        if self.depth:
            bids, asks = bids[: self.depth], asks[: self.depth]
            self.bids, self.asks = dict(bids), dict(asks)
        return BookUpdated(
            time=change.time,
            received=change.received,
            contract=change.contract,
            bids=tuple(bids),
            asks=tuple(asks),
            first_id=self.last_id,
            last_id=self.last_id,
            snapshot=True,
        )


class Books:
    """Every book of one connection."""

    def __init__(self) -> None:
        self._books: dict[ContractId, _Book] = {}
        self._wanted: dict[ContractId, int] = {}
        """Contracts whose whole book is wanted, in order, and from when on it may be asked for."""
        self._asked: dict[ContractId, None] = {}
        self._gaps: list[str] = []

    def reset(self) -> None:
        """The connection ended: what comes next does not follow on what came before."""
        self._books.clear()
        self._wanted.clear()
        self._asked.clear()
        self._gaps.clear()

    def take_gaps(self) -> list[str]:
        """What was found missing since the last call, one sentence each."""
        gaps, self._gaps = self._gaps, []
        return gaps

    def changed(self, channel: Channel, change: BookUpdated) -> BookUpdated | None:
        """The book after this change (or whole book) of the stream; None while the book is not known."""
        book = self._books.get(change.contract)
        if book is None:
            book = self._books[change.contract] = _Book(channel.books, channel.book_depth)
        if change.snapshot:
            return self._started(book, change)
        if book.is_seeking:
            self._seek(book, change)
            return None
        if book.is_old(change):
            return None
        if not book.follows(change):
            self._gaps.append(f"{change.contract}: change {change.first_id} does not follow on {book.last_id}")
            self._seek(book, change)
            return None
        book.apply(change)
        return book.shown(change)

    def fetched(self, whole: BookUpdated) -> BookUpdated | None:
        """The book after the changes that were kept since; None where it does not connect to them, or is wanted no more."""
        book = self._books.get(whole.contract)
        if book is None or not self._is_answer(whole.contract) or not book.is_seeking:
            return None
        return self._started(book, whole)

    def failed(self, contract: ContractId, now: int) -> None:
        """No book came: ask again a little later."""
        if self._is_answer(contract) and self._books[contract].is_seeking:
            self._wanted[contract] = now + RETRY_NS

    def due(self, now: int) -> Iterator[ContractId]:
        """The contracts whose whole book is to be asked for now, oldest first."""
        for contract, at in list(self._wanted.items()):
            if len(self._asked) >= MOST_ASKED:
                return
            if now >= at:
                del self._wanted[contract]
                self._asked[contract] = None
                yield contract

    def _is_answer(self, contract: ContractId) -> bool:
        """Whether this book was asked for on this connection; it then is no longer."""
        was_asked = contract in self._asked
        self._asked.pop(contract, None)
        return was_asked

    def _seek(self, book: _Book, change: BookUpdated) -> None:
        """Keep the change until there is a whole book to apply it to. Where the venue tells that by itself, it is not asked for."""
        book.last_id = -1
        book.kept.append(change)
        if book.ids is BookIds.CHAINED and change.contract not in self._asked:
            self._wanted.setdefault(change.contract, 0)

    def _started(self, book: _Book, whole: BookUpdated) -> BookUpdated | None:
        """Start from a whole book and go on with the changes kept meanwhile, as far as they follow."""
        book.start(whole)
        latest, kept = whole, list(book.kept)
        book.kept.clear()
        self._wanted.pop(whole.contract, None)
        for index, change in enumerate(kept):
            if book.is_old(change):
                continue
            if not book.follows(change):
                book.kept.extend(kept[index + 1 :])
                book.kept.appendleft(change)
                book.last_id = -1
                self._wanted[whole.contract] = whole.received + RETRY_NS
                return None
            book.apply(change)
            latest = change
        return book.shown(latest)


def _change(side: dict[float, float], levels: Levels) -> None:
    for price, size in levels:
        if size:
            side[price] = size
        else:
            side.pop(price, None)
