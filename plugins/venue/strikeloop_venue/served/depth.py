"""Books as streams: the best levels of a contract, and what became of them since they were last told.

Owns the ids that a client needs to keep a book of its own: each update begins where the one before it ended, and a book
that REST gives in between fits into the next one. Sizes are absolute, 0 deletes.
"""

from __future__ import annotations

import attrs

from strikeloop_venue.served.market import BookChange, ContractBoard

Levels = dict[float, float]
DEEPEST = 50


@attrs.define(eq=False)
class BookFeed:
    """The best `depth` levels of one contract, for everybody who asked for them at one pace.

    A level that came and went between two updates is told as gone: somebody may have seen it in a snapshot.
    """

    board: ContractBoard
    depth: int
    told: int = attrs.field(init=False)
    """The last id that was told."""
    _bids: Levels = attrs.field(init=False)
    _asks: Levels = attrs.field(init=False)
    _changed: tuple[Levels, Levels] = attrs.field(factory=lambda: ({}, {}), init=False)

    def __attrs_post_init__(self) -> None:
        self.told = self.board.book_id
        self._bids, self._asks = self._now()

    def look(self) -> None:
        """The book has changed: keep what is different among the best levels."""
        bids, asks = self._now()
        for before, now, changed in ((self._bids, bids, self._changed[0]), (self._asks, asks, self._changed[1])):
            changed.update((price, 0.0) for price in before if price not in now)
            changed.update((price, size) for price, size in now.items() if before.get(price) != size)
        self._bids, self._asks = bids, asks

    def take(self) -> BookChange | None:
        """What has changed since the last call; None where nothing of it shows."""
        bids, asks = self._changed
        if not bids and not asks:
            return None
        first, self.told, self._changed = self.told + 1, self.board.book_id, ({}, {})
        return BookChange(self.board.book_time, first, self.told, tuple(bids.items()), tuple(asks.items()))

    def _now(self) -> tuple[Levels, Levels]:
        bids, asks = self.board.levels(self.depth)
        return dict(bids), dict(asks)
