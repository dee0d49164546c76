"""What the served venue knows of its market: per contract the ticker, quote, book, trades and candles.

Owns the fold of market events that REST bodies and first pushes are made from, and the sequence ids of books.
Reads no clock and sends nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from decimal import Decimal

import attrs

from strikeloop import (
    BookUpdated,
    Contract,
    ContractExpired,
    ContractListed,
    ContractSettled,
    Event,
    Quoted,
    TickerUpdated,
    Traded,
    UnderlyingPriced,
)
from strikeloop_venue.served.bars import DAY_NS, Series

TRADES_KEPT = 1_000
SETTLEMENTS_KEPT = 2_000
EXPIRED_KEPT = 5_000


@attrs.frozen
class BookChange:
    """What one event did to a book: ids `first`..`last` as Gate's U and u; sizes are absolute, 0 deletes."""

    time: int
    first: int
    last: int
    bids: tuple[tuple[float, float], ...]
    asks: tuple[tuple[float, float], ...]


@attrs.frozen
class TradeRow:
    """One public trade; `id` counts per contract, as the venue's do."""

    id: int
    event: Traded


@attrs.define
class ContractBoard:
    """Everything the market has said about one contract."""

    contract: Contract
    ticker: TickerUpdated | None = None
    quote: Quoted | None = None
    bids: dict[float, float] = attrs.field(factory=dict)
    asks: dict[float, float] = attrs.field(factory=dict)
    book_id: int = 0
    book_time: int = 0
    has_depth: bool = False
    trades: deque[TradeRow] = attrs.field(factory=lambda: deque(maxlen=TRADES_KEPT))
    trade_count: int = 0
    traded_size: float = 0.0
    traded: Series = attrs.field(factory=Series)
    marked: Series = attrs.field(factory=Series)

    @property
    def last_price(self) -> float | None:
        if self.trades:
            return self.trades[-1].event.price
        return self.ticker.last_price if self.ticker else None

    def levels(self, limit: int) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
        """The best `limit` (price, size) of bids, descending, and of asks, ascending."""
        return sorted(self.bids.items(), reverse=True)[:limit], sorted(self.asks.items())[:limit]

    def change_book(self, time: int, bids: Iterable[tuple[float, float]], asks: Iterable[tuple[float, float]]) -> BookChange | None:
        """Apply absolute sizes; None when nothing differs."""
        changed = (_apply(self.bids, bids), _apply(self.asks, asks))
        count = len(changed[0]) + len(changed[1])
        if not count:
            return None
        first, self.book_id, self.book_time = self.book_id + 1, self.book_id + count, time
        return BookChange(time, first, self.book_id, *changed)

    def replace_book(self, time: int, bids: Iterable[tuple[float, float]], asks: Iterable[tuple[float, float]]) -> BookChange | None:
        """Make the book equal to these levels; None when it already was."""
        return self.change_book(time, _replacing(self.bids, bids), _replacing(self.asks, asks))


def _apply(side: dict[float, float], levels: Iterable[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    changed = tuple((price, size) for price, size in levels if side.get(price, 0.0) != size)
    for price, size in changed:
        if size:
            side[price] = size
        else:
            side.pop(price, None)
    return changed


def _replacing(side: dict[float, float], levels: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    target = dict(levels)
    return [(price, 0.0) for price in side if price not in target] + list(target.items())


@attrs.define
class UnderlyingBoard:
    """The index of one underlying, and the contracts traded on it (calls, puts) by day."""

    name: str
    indexed: Series = attrs.field(factory=Series)
    latest: UnderlyingPriced | None = None
    day: int = 0
    trade_call: float = 0.0
    trade_put: float = 0.0

    @property
    def price(self) -> float:
        return self.latest.price if self.latest else 0.0

    @property
    def time(self) -> int:
        return self.latest.time if self.latest else 0

    def add_trade(self, time: int, size: float, is_call: bool) -> None:
        if time // DAY_NS != self.day:
            self.day, self.trade_call, self.trade_put = time // DAY_NS, 0.0, 0.0
        if is_call:
            self.trade_call += abs(size)
        else:
            self.trade_put += abs(size)


@attrs.frozen
class SettlementRow:
    contract: Contract
    time: int
    settle_price: Decimal


@attrs.define
class MarketBoard:
    """All contracts and underlyings. Feed it every market event, in order, with `add`."""

    contracts: dict[str, ContractBoard] = attrs.field(factory=dict)
    """Listed contracts by venue name, in the order of their listing."""
    expired: dict[str, Contract] = attrs.field(factory=dict)
    underlyings: dict[str, UnderlyingBoard] = attrs.field(factory=dict)
    settlements: deque[SettlementRow] = attrs.field(factory=lambda: deque(maxlen=SETTLEMENTS_KEPT))

    @classmethod
    def of(cls, contracts: Iterable[Contract]) -> MarketBoard:
        board = cls()
        for contract in contracts:
            board.list_contract(contract)
        return board

    def list_contract(self, contract: Contract) -> None:
        self.contracts.setdefault(contract.id.name, ContractBoard(contract))
        self.underlyings.setdefault(contract.underlying, UnderlyingBoard(contract.underlying))

    def series(self, name: str) -> Series | None:
        """The candles of a contract's trades, of its mark or of its index (prefix `mark_`, `index_`), or of an underlying's index."""
        prefix, _, bare = name.partition("_")
        board = self.contracts.get(bare if prefix in ("mark", "index") else name)
        if board is None:
            index = self.underlyings.get(name)
            return None if index is None else index.indexed
        if prefix == "index":
            return self.underlyings[board.contract.underlying].indexed
        return board.marked if prefix == "mark" else board.traded

    def specification(self, name: str) -> Contract | None:
        """The contract of that name, listed or expired."""
        board = self.contracts.get(name)
        return board.contract if board else self.expired.get(name)

    def add(self, event: Event) -> BookChange | None:
        """Fold one market event; return what it did to a book, if anything."""
        match event:
            case ContractListed():
                self.list_contract(event.specification)
            case ContractExpired():
                self._expire(event.contract.name)
            case UnderlyingPriced():
                board = self.underlyings.setdefault(event.underlying, UnderlyingBoard(event.underlying))
                board.latest = event
                board.indexed.add(event.time, event.price)
            case Quoted() | BookUpdated() | Traded() | TickerUpdated():
                quoted = self.contracts.get(event.contract.name)
                return None if quoted is None else self._add_to(quoted, event)
        return None

    def settle(self, event: ContractSettled) -> bool:
        """A contract has settled: keep the public row, list it no more. False when that is known or the contract is not."""
        contract = self.specification(event.contract.name)
        if contract is None or any(row.contract.id == contract.id for row in self.settlements):
            return False
        self.settlements.append(SettlementRow(contract, event.time, event.settle_price))
        self._expire(contract.id.name)
        return True

    def _expire(self, name: str) -> None:
        board = self.contracts.pop(name, None)
        if board is not None:
            self.expired[name] = board.contract
        while len(self.expired) > EXPIRED_KEPT:
            del self.expired[next(iter(self.expired))]

    def _add_to(self, board: ContractBoard, event: Quoted | BookUpdated | Traded | TickerUpdated) -> BookChange | None:
        match event:
            case Quoted():
                board.quote = event
                return None if board.has_depth else board.replace_book(event.time, *_sides(event))
            case BookUpdated():
                board.has_depth = True
                apply = board.replace_book if event.snapshot else board.change_book
                return apply(event.time, event.bids, event.asks)
            case Traded():
                self._add_trade(board, event)
            case TickerUpdated():
                board.ticker = event
                board.marked.add(event.time, event.mark_price)
                if board.trades:  # a candle without a trade holds the price of the last one
                    board.traded.add(event.time, board.trades[-1].event.price)
        return None

    def _add_trade(self, board: ContractBoard, event: Traded) -> None:
        board.trade_count += 1
        board.traded_size += abs(event.size)
        board.trades.append(TradeRow(board.trade_count, event))
        board.traded.add(event.time, event.price, abs(event.size))
        self.underlyings[board.contract.underlying].add_trade(event.time, event.size, board.contract.is_call)


def _sides(quote: Quoted) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    bids = [] if quote.bid is None else [(quote.bid, quote.bid_size)]
    asks = [] if quote.ask is None else [(quote.ask, quote.ask_size)]
    return bids, asks
