"""The market as rows that nobody told: what each contract last showed, and the first row that concerns an order or a mark of ours.

Owns `Skimmer`. Market data that changes nothing of ours is looked up when something else asks for it; here stands when it does change
something. It may name a row too many, never one too few: whatever it names is told as any other event is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from strikeloop import ContractId, Event, Quoted, TickerUpdated, Traded, UnderlyingPriced
from strikeloop_venue.markets import Market, Markets
from strikeloop_venue.order import Order
from strikeloop_venue.queue import QueueModel

if TYPE_CHECKING:
    from strikeloop.venue import Group, Passing

FIRST_LOOK = 64
"""Rows looked at at once; four times as many each time nothing is found."""
NOWHERE = 1 << 62


class Skimmer:
    """Looks into the rows of one venue. Positions are those of `Passing`."""

    def __init__(self, adapter: str, markets: Markets, queue: QueueModel, passing: Passing) -> None:
        self._adapter, self._markets, self._queue, self._passing = adapter, markets, queue, passing
        self._touches: dict[ContractId, int] = {}
        """Where each contract with orders of ours is touched next, as far as that is known."""
        self._stirred: dict[ContractId, None] = {}
        self._first_touch = self._first_mark = -1
        self._index_seen: dict[str, int] = {}
        markets.get, markets.catch_up, markets.catch_up_index = self._found, self._catch_up, self._catch_up_index

    def stir(self, contract: ContractId) -> None:
        """Something of ours in this contract is not as it was."""
        self._stirred[contract] = None
        self._first_mark = -1

    def saw(self, event: Event) -> None:
        """The row that `Passing.at` stands at was told."""
        contract = getattr(event, "contract", None)
        market = None if contract is None else self._markets.by_contract.get(contract)
        if market is not None:
            market.seen = self._passing.passed + 1
            self.stir(market.contract.id)

    def turn(self) -> None:
        """Take over what is looked at row by row, and forget where things were in this stretch."""
        for market in self._markets.by_contract.values():
            if market.shows_depth:
                self._catch_up(market)
        for underlying in self._markets.windows:
            self._catch_up_index(underlying)
        self._stirred.update(dict.fromkeys(market.contract.id for market in self._markets.used()))
        self._touches.clear()
        self._index_seen.clear()
        self._first_mark = -1

    def touched(self, *, marks: bool) -> int:
        """The first row that concerns orders of ours, or with `marks` what we hold; the end of the stretch where there is none."""
        at, end = self._passing.at, len(self._passing.stretch)
        if self._stirred or self._first_touch < at:
            self._look_at_orders(at)
        touch = self._first_touch
        if marks:
            if self._first_mark < at:
                self._first_mark = min((self._next_mark(market) for market in self._markets.marked()), default=NOWHERE)
            touch = min(touch, self._first_mark)
        return min(touch, end)

    # ---- what passed ----

    def _found(self, contract: ContractId) -> Market | None:
        market = self._markets.by_contract.get(contract)
        if market is not None:
            self._catch_up(market)
        return market

    def _catch_up(self, market: Market) -> None:
        """The market as it is after every row that has passed."""
        passing = self._passing
        passed = passing.passed
        if market.seen >= passed:
            return
        before, market.seen = market.seen, passed
        contract = market.contract.id
        if market.shows_depth:
            self._take_quotes(market, max(0, before - passing.before))
        else:
            quote = passing.latest(Quoted, contract)
            if quote is not None and quote is not market.quote:
                market.keep_quote(quote)
        ticker = passing.latest(TickerUpdated, contract)
        if ticker is not None:
            market.ticker = ticker
        trade = passing.latest(Traded, contract)
        if trade is not None:
            market.last_price = trade.price

    def _take_quotes(self, market: Market, start: int) -> None:
        """Over a book with depth every quote leaves its trace."""
        group = self._passing.group(Quoted, market.contract.id)
        if group is not None:
            for quote in group.events(group.passed(start), group.passed(self._passing.at)):
                market.keep_quote(quote)

    def _catch_up_index(self, underlying: str) -> None:
        """Every price of the underlying that has passed, into its index and the window of its average."""
        group = self._passing.group(UnderlyingPriced, (self._adapter, underlying))
        if group is None:
            return
        start, stop = self._index_seen.get(underlying, 0), group.passed(self._passing.at)
        if start == stop:
            return
        self._index_seen[underlying] = stop
        times, prices = group.column("time")[start:stop].tolist(), group.column("price")[start:stop].tolist()
        self._markets.index[underlying] = prices[-1]
        window = self._markets.windows.get(underlying)
        if window is not None:
            for time, price in zip(times, prices, strict=True):
                window.add(time, price)

    # ---- what is to come ----

    def _look_at_orders(self, at: int) -> None:
        touches = self._touches
        for contract in [*self._stirred, *(contract for contract, touch in touches.items() if touch < at)]:
            market = self._markets.by_contract.get(contract)
            touch = NOWHERE if market is None else self._next_touch(market)
            if touch < NOWHERE:
                touches[contract] = touch
            else:
                touches.pop(contract, None)
        self._stirred.clear()
        self._first_touch = min(touches.values(), default=NOWHERE)

    def _next_touch(self, market: Market) -> int:
        """The next row that an order of ours in this contract could meet."""
        if not (market.buys or market.sells or market.book.is_touched):
            return NOWHERE
        quotes, trades = self._passing.group(Quoted, market.contract.id), self._passing.group(Traded, market.contract.id)
        if market.book.is_touched or market.shows_depth or market.level3 is not None:
            return min(self._first(quotes, lambda _: True), self._first(trades, lambda _: True))
        return min(self._first(quotes, self._meets_quotes(market, quotes)), self._first(trades, _meets_trades(market, trades)))

    def _meets_quotes(self, market: Market, quotes: Group | None) -> Callable[[slice], Any]:
        """Which quotes reach an order of ours or change its place in the queue."""
        if quotes is None:
            return lambda _: False
        bid, ask, bid_size, ask_size = (quotes.column(name) for name in ("bid", "ask", "bid_size", "ask_size"))

        def meets(rows: slice) -> Any:
            met: Any = False
            if market.buys:
                met = (ask[rows] <= market.buys[0].limit) | met
                for order in market.buys:
                    met |= ~(bid[rows] > order.limit) & self._stirs(order, (bid[rows] == order.limit) * bid_size[rows])
            if market.sells:
                met = (bid[rows] >= market.sells[0].limit) | met
                for order in market.sells:
                    met |= ~(ask[rows] < order.limit) & self._stirs(order, (ask[rows] == order.limit) * ask_size[rows])
            return met

        return meets

    def _stirs(self, order: Order, displayed: Any) -> Any:
        """Which sizes displayed at its price change the place of an order, or that of the ghosts that hang on it."""
        if order.place is None or (order.ghosts is not None and order.ghosts.place.displayed is None):
            return True
        return self._queue.stirs(order.place, displayed)

    def _next_mark(self, market: Market) -> int:
        """The next row that moves the mark of a contract that is ours."""
        self._catch_up(market)
        contract, ticker = market.contract.id, market.ticker
        tickers = self._passing.group(TickerUpdated, contract)
        found = NOWHERE
        if tickers is not None:
            found = self._first(tickers, (lambda _: True) if ticker is None else _differs(tickers, ticker))
        if ticker is None and market.position.size:
            found = min(found, self._first(self._passing.group(Quoted, contract), lambda _: True))
        return found

    def _first(self, group: Group | None, wanted: Callable[[slice], Any]) -> int:
        """The position of the first row of a group, at or after now, that is wanted."""
        if group is None:
            return NOWHERE
        start, count, size = group.passed(self._passing.at), len(group.positions), FIRST_LOOK
        while start < count:
            mask = wanted(slice(start, start + size))
            if mask is True:
                return int(group.positions[start])
            if mask is not False and mask.any():
                return int(group.positions[start + int(mask.argmax())])
            start, size = start + size, size * 4
        return NOWHERE


def _meets_trades(market: Market, trades: Group | None) -> Callable[[slice], Any]:
    """Which trades come to the price of an order of ours."""
    if trades is None:
        return lambda _: False
    price, size = trades.column("price"), trades.column("size")

    def meets(rows: slice) -> Any:
        met: Any = False
        if market.buys:
            met = ((size[rows] < 0) & (price[rows] <= market.buys[0].limit)) | met
        if market.sells:
            met = ((size[rows] > 0) & (price[rows] >= market.sells[0].limit)) | met
        return met

    return meets


def _differs(tickers: Group, known: TickerUpdated) -> Callable[[slice], Any]:
    """Which tickers say another mark or delta than the one that is known."""
    mark, delta = tickers.column("mark_price"), tickers.column("delta") if tickers.has("delta") else None

    def differs(rows: slice) -> Any:
        moved = mark[rows] != known.mark_price
        if delta is None:
            return moved if known.delta is None else True
        told = delta[rows]
        return moved | (told == told if known.delta is None else told != known.delta)  # noqa: PLR0124  # NaN is not itself

    return differs
