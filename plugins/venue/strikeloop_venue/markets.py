"""What the venue knows of each contract: its market, our resting orders and our position in it.

Owns `Market` and `Markets`, the lookup from contract and underlying to their facts. It applies market data and
answers what mark, index and forward are; it matches nothing and books nothing.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Sequence

import attrs

from strikeloop import (
    BookUpdated,
    Contract,
    ContractId,
    Quoted,
    TickerUpdated,
)
from strikeloop_venue.averaging import IndexWindow
from strikeloop_venue.book import Book
from strikeloop_venue.level3 import Level3
from strikeloop_venue.order import Order
from strikeloop_venue.position import Position


def priority(order: Order) -> tuple[float, int]:
    """Best price first, then time."""
    return (-order.limit if order.is_buy else order.limit, order.rank)


@attrs.define(eq=False)
class Market:
    """One contract. `live` tells that a quote must be looked at; otherwise it is only kept until somebody asks."""

    contract: Contract
    position: Position
    book: Book = attrs.field(factory=Book)
    buys: list[Order] = attrs.field(factory=list)
    """Our resting buys, best price first, then by time."""
    sells: list[Order] = attrs.field(factory=list)
    quote: Quoted | None = None
    ticker: TickerUpdated | None = None
    last_price: float | None = None
    level3: Level3 | None = None
    """The public orders, once the feed has told one."""
    live: bool = False
    trades: int = 0
    """Fills so far: the venue counts trade ids per contract."""
    seen: int = 0
    """How many rows had passed when it was last brought up to date, where it is not told of each."""
    is_told: bool = True
    """Whether it is told of each quote, and moves our orders in their queues as it hears; else they are lined up when it matters."""
    told: tuple[float | None, float | None] = (None, None)
    """Mark and delta when the position was last told."""
    _depth: BookUpdated | None = None
    _pending: Quoted | None = None

    def keep_quote(self, event: Quoted) -> None:
        """Take a quote in; the book gets it when somebody asks. Over a book with depth every quote leaves its trace."""
        if self._pending is not None and (self._depth is not None or self.book.has_depth):
            self.sync()
        self.quote = self._pending = event

    def keep_depth(self, event: BookUpdated) -> None:
        """Take depth in: a snapshot makes everything before it irrelevant, a change needs it applied."""
        if event.snapshot and not self.book.is_touched:
            self._depth, self._pending = event, None
        else:
            self.sync().on_depth(event)

    def keep_ticker(self, event: TickerUpdated) -> bool:
        """Take a ticker in; True when it says something new about a position or an order of ours."""
        before, self.ticker = self.ticker, event
        is_ours = bool(self.position.size or self.buys or self.sells)
        return is_ours and (before is None or (before.mark_price, before.delta) != (event.mark_price, event.delta))

    def sync(self) -> Book:
        """The book with everything applied that was taken in."""
        depth, quote = self._depth, self._pending
        if depth is not None:
            self._depth = None
            self.book.on_depth(depth)
        if quote is not None:
            self._pending = None
            self.book.on_quote(quote)
        return self.book

    def look(self) -> None:
        """Decide anew whether quotes must be looked at as they come."""
        marked_by_quotes = self.ticker is None and bool(self.position.size)
        self.live = bool(self.buys or self.sells or marked_by_quotes) or self.book.is_touched

    def resting(self, is_buy: bool) -> list[Order]:
        """Our resting orders on one side, in priority."""
        return self.buys if is_buy else self.sells

    def rest(self, order: Order) -> None:
        """Put an order among the resting ones."""
        insort(self.resting(order.is_buy), order, key=priority)
        self.live = True

    def lift(self, order: Order) -> None:
        """Take an order out of the resting ones, if it is there."""
        orders = self.resting(order.is_buy)
        if order in orders:
            orders.remove(order)
            self.look()

    @property
    def shows_depth(self) -> bool:
        """Whether more than the best prices of its book are known."""
        return self._depth is not None or self.book.has_depth

    @property
    def figures(self) -> tuple[float | None, float | None]:
        """Mark and delta: what a position in it is told again for when it moves."""
        return self.mark, None if self.ticker is None else self.ticker.delta

    @property
    def open_orders(self) -> list[Order]:
        """Every resting order, oldest first."""
        return sorted(self.buys + self.sells, key=lambda order: order.rank)

    @property
    def mark(self) -> float | None:
        """The ticker's mark, else the middle of the quote, else the last trade."""
        if self.ticker is not None:
            return self.ticker.mark_price
        mid = None if self.quote is None else self.quote.mid
        return self.last_price if mid is None else mid


def _is_told(_: object) -> None:
    """Nothing to do: whatever happened was told."""


class Markets:
    """Every listed contract, and the index of every underlying."""

    def __init__(self, contracts: Sequence[Contract]) -> None:
        self.by_contract: dict[ContractId, Market] = {}
        self.index: dict[str, float] = {}
        self.windows: dict[str, IndexWindow] = {}
        """The index of each underlying as far back as its next settlement needs it."""
        self.retired: dict[ContractId, Market] = {}
        self._used: dict[ContractId, Market] = {}
        self.get: Callable[[ContractId], Market | None] = self.by_contract.get
        """The market of a listed contract."""
        self.catch_up: Callable[[Market], None] = _is_told
        """Brings a market up to date, where the venue is not told of everything."""
        self.catch_up_index: Callable[[str], None] = _is_told
        """The same for the index of an underlying."""
        self.line_up: Callable[[Market], None] = _is_told
        """The same for the places of our orders in their queues."""
        self._are_told = True
        for contract in contracts:
            self.add(contract)

    def add(self, contract: Contract) -> bool:
        """A contract is listed; False when it was known."""
        if contract.id in self.by_contract or contract.id in self.retired:
            return False
        self.by_contract[contract.id] = Market(contract, Position(contract), is_told=self._are_told)
        return True

    def pass_untold(self, line_up: Callable[[Market], None]) -> None:
        """From now on markets are not told of each quote; `line_up` moves the orders of one over those that have passed."""
        self.line_up, self._are_told = line_up, False
        for market in self.by_contract.values():
            market.is_told = False

    def hear_all(self) -> None:
        """From now on markets are told of everything again; they know what has passed."""
        self.get, self.catch_up, self.catch_up_index, self.line_up = self.by_contract.get, _is_told, _is_told, _is_told
        self._are_told = True

    def tell(self, market: Market) -> None:
        """From now on this market is told of each row: it shows more than quotes."""
        if not market.is_told:
            self.line_up(market)
            market.is_told = True

    def retire(self, market: Market) -> None:
        """The contract can no longer be traded."""
        del self.by_contract[market.contract.id]
        self._used.pop(market.contract.id, None)
        self.retired[market.contract.id] = market

    def use(self, market: Market) -> None:
        """An order came for this contract: from now on it may hold something of ours."""
        self._used[market.contract.id] = market

    def used(self) -> list[Market]:
        """Markets that may hold something of ours, in the order in which they were first used."""
        return list(self._used.values())

    def held(self) -> list[Market]:
        """Markets with a position, in the order in which they were first used."""
        return self._current([market for market in self._used.values() if market.position.size])

    def busy(self) -> list[Market]:
        """Markets with resting orders, in the order in which they were first used."""
        return self._current([market for market in self._used.values() if market.buys or market.sells])

    def marked(self) -> list[Market]:
        """Markets with a position or resting orders: those whose marks move the account's margin."""
        return self._current([market for market in self._used.values() if market.position.size or market.buys or market.sells])

    def window(self, underlying: str) -> IndexWindow:
        """The prices of an underlying that its next settlement averages."""
        self.catch_up_index(underlying)
        return self.windows[underlying]

    def _current(self, markets: list[Market]) -> list[Market]:
        for market in markets:
            self.catch_up(market)
        return markets

    def index_price(self, market: Market) -> float:
        """The index of the contract's underlying: its own feed, else what the ticker says, else the strike."""
        self.catch_up_index(market.contract.underlying)
        index = self.index.get(market.contract.underlying)
        if index is None and market.ticker is not None:
            index = market.ticker.index_price or market.ticker.underlying_price
        return float(market.contract.strike) if index is None else index

    def forward(self, market: Market) -> float:
        """The forward of the contract's expiry, else the index."""
        if market.ticker is not None and market.ticker.underlying_price is not None:
            return market.ticker.underlying_price
        return self.index_price(market)
