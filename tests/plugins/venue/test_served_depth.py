"""Books as streams: a client that keeps a book by the venue's rule has the venue's book, whatever happens."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from strikeloop_venue.served.depth import BookFeed
from strikeloop_venue.served.market import BookChange, ContractBoard
from tests.plugins.venue.served_stage import call

PRICES = st.integers(490, 510).map(float)
SIDE = st.dictionaries(PRICES, st.integers(0, 3).map(float), max_size=6)
STEPS = st.lists(st.tuples(st.sampled_from(["change", "replace", "tell", "fetch"]), SIDE, SIDE), max_size=40)

Sides = tuple[dict[float, float], dict[float, float]]


class Keeper:
    """A client's book, kept as the venue's documentation says."""

    def __init__(self) -> None:
        self.sides: Sides | None = None
        self.last = 0

    def fetch(self, board: ContractBoard, depth: int) -> None:
        bids, asks = board.levels(depth)
        self.sides, self.last = (dict(bids), dict(asks)), board.book_id

    def hear(self, change: BookChange) -> None:
        if self.sides is None or change.last <= self.last:
            return
        assert change.first <= self.last + 1 <= change.last
        for side, levels in zip(self.sides, (change.bids, change.asks), strict=True):
            side.update(levels)
            for price in [price for price, size in side.items() if not size]:
                del side[price]
        self.last = change.last


@given(steps=STEPS, depth=st.sampled_from([1, 2, 5, 50]))
def test_a_book_kept_from_updates_is_the_venues_book(steps: list[tuple[str, dict[float, float], dict[float, float]]], depth: int) -> None:
    board = ContractBoard(call())
    feed, keeper = BookFeed(board, depth), Keeper()
    for step, bids, asks in [*steps, ("tell", {}, {})]:
        match step:
            case "change":
                board.change_book(1, bids.items(), asks.items())
                feed.look()
            case "replace":
                board.replace_book(1, [level for level in bids.items() if level[1]], [level for level in asks.items() if level[1]])
                feed.look()
            case "fetch":
                keeper.fetch(board, depth)
            case _:
                change = feed.take()
                if change is not None:
                    keeper.hear(change)
    if keeper.sides is not None:
        bids_now, asks_now = board.levels(depth)
        assert keeper.sides == (dict(bids_now), dict(asks_now))


@given(steps=STEPS)
def test_updates_follow_one_another_without_a_gap(steps: list[tuple[str, dict[float, float], dict[float, float]]]) -> None:
    board = ContractBoard(call())
    feed, last = BookFeed(board, 5), 0
    for _, bids, asks in steps:
        board.change_book(1, bids.items(), asks.items())
        feed.look()
        change = feed.take()
        if change is not None:
            assert change.first == last + 1
            last = change.last
