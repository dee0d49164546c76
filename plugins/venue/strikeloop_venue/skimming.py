"""The market as rows that nobody told: what each contract last showed, and the first row that concerns an order or a mark of ours.

Owns `Skimmer`. Market data that changes nothing of ours is looked up when something else asks for it; here stands when it does change
something. It may name a row too many, never one too few: whatever it names is told as any other event is. Where an order stands in its
queue matters when somebody trades at its price: until then nobody moves it, and then it meets every row that has passed.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from operator import ge, le
from typing import TYPE_CHECKING, Any

from strikeloop import ContractId, Event, Quoted, TickerUpdated, Traded, UnderlyingPriced
from strikeloop_venue.markets import Market, Markets
from strikeloop_venue.matching import Matcher
from strikeloop_venue.order import Order

if TYPE_CHECKING:
    from strikeloop.venue import Group, Passing

FIRST_LOOK = 256
"""Rows looked at at once; four times as many each time nothing is found."""
NOWHERE = 1 << 62


class _Line:
    """Figures of rows to come, one kind of one contract, and where they come to a limit next: `reaches(figure, limit)` says which do."""

    __slots__ = ("_at", "_figures", "_limit", "_passed", "_positions", "_reaches")

    def __init__(self, positions: Any, passed: Callable[[int], int], figures: Any, reaches: Callable[[Any, float], Any]) -> None:
        self._positions, self._passed, self._figures, self._reaches = positions, passed, figures, reaches
        self._at, self._limit = -1, 0.0

    def met(self, at: int, limit: float) -> int:
        """The first position from `at` on."""
        if self._at < at or self._limit != limit:
            self._at, self._limit = self._first(self._passed(at), limit), limit
        return self._at

    def _first(self, start: int, limit: float) -> int:
        figures, count, size = self._figures, len(self._positions), FIRST_LOOK
        while start < count:
            mask = self._reaches(figures[start : start + size], limit)
            first = int(mask.argmax())
            if mask.item(first):
                found: int = self._positions.item(start + first)
                return found
            start, size = start + size, size * 4
        return NOWHERE


class _Ahead:
    """What is to come of one contract in this stretch: what buys of ours can meet, and what sells."""

    __slots__ = ("buys", "quotes", "sells", "trades")

    def __init__(self, quotes: Group | None, trades: Group | None) -> None:
        self.quotes, self.trades = quotes, trades
        self.buys: list[_Line] = []
        self.sells: list[_Line] = []
        if quotes is not None:
            self.buys.append(_Line(quotes.positions, quotes.passed, quotes.column("ask"), le))
            self.sells.append(_Line(quotes.positions, quotes.passed, quotes.column("bid"), ge))
        if trades is not None:
            size = trades.column("size")
            self.buys.append(_trades(trades, size < 0, le))
            self.sells.append(_trades(trades, size > 0, ge))


def _trades(trades: Group, which: Any, reaches: Callable[[Any, float], Any]) -> _Line:
    """The prices of those trades that takers of one side made."""
    positions = trades.positions[which]
    return _Line(positions, lambda at: int(positions.searchsorted(at)), trades.column("price")[which], reaches)


class Skimmer:
    """Looks into the rows of one venue. Positions are those of `Passing`."""

    def __init__(self, adapter: str, markets: Markets, matcher: Matcher, passing: Passing) -> None:
        self._adapter, self._markets, self._matcher, self._passing = adapter, markets, matcher, passing
        self._ahead: dict[ContractId, _Ahead] = {}
        self._touches: dict[ContractId, int] = {}
        """Where each contract with orders of ours is touched next, as far as that is known."""
        self._in_order: list[tuple[int, ContractId]] = []
        """The same as a heap, beside some that no longer hold."""
        self._stirred: dict[ContractId, None] = {}
        self._first_mark = -1
        self._index_seen: dict[str, int] = {}
        markets.get, markets.catch_up, markets.catch_up_index = self._found, self._catch_up, self._catch_up_index
        markets.pass_untold(self._line_up)

    def stir(self, contract: ContractId) -> None:
        """Something of ours in this contract is not as it was."""
        self._stirred[contract] = None
        self._first_mark = -1

    def tells(self, event: Event) -> None:
        """The row that `Passing.at` stands at is about to be told."""
        contract = getattr(event, "contract", None)
        if contract is None:
            return
        self.stir(contract)
        market = self._markets.by_contract.get(contract)
        if market is not None:
            self._catch_up(market, is_quoted=type(event) is Quoted)
            market.seen = self._passing.passed + 1

    def turn(self) -> None:
        """Take over what is looked at row by row, and forget where things were in this stretch."""
        for market in self._markets.by_contract.values():
            if market.shows_depth:
                self._catch_up(market)
        for underlying in self._markets.windows:
            self._catch_up_index(underlying)
        for market in self._markets.used():
            self._line_up(market)
            self._stirred[market.contract.id] = None
        self._touches.clear()
        self._in_order.clear()
        self._ahead.clear()
        self._index_seen.clear()
        self._first_mark = -1

    def stop(self) -> None:
        """Everything that has passed is known, and from now on every row is told."""
        markets = self._markets
        for market in markets.by_contract.values():
            self._catch_up(market)
            markets.tell(market)
        for underlying in markets.windows:
            self._catch_up_index(underlying)
        markets.hear_all()

    def touched(self, *, marks: bool) -> int:
        """The first row that concerns orders of ours, or with `marks` what we hold; the end of the stretch where there is none."""
        if self._stirred:
            self._look_at_orders()
        touches, in_order = self._touches, self._in_order
        while in_order and touches.get(in_order[0][1]) != in_order[0][0]:
            heapq.heappop(in_order)
        touch = in_order[0][0] if in_order else NOWHERE
        if marks:
            if self._first_mark < self._passing.at:
                self._first_mark = min((self._next_mark(market) for market in self._markets.marked()), default=NOWHERE)
            touch = min(touch, self._first_mark)
        return min(touch, self._passing.stretch.count)

    # ---- what passed ----

    def _found(self, contract: ContractId) -> Market | None:
        market = self._markets.by_contract.get(contract)
        if market is not None:
            self._catch_up(market)
        return market

    def _catch_up(self, market: Market, *, is_quoted: bool = False) -> None:
        """The market as it is after every row that has passed; where it `is_quoted` anew, what was quoted before does not matter."""
        passing = self._passing
        passed = passing.passed
        if market.seen >= passed:
            return
        before, market.seen = market.seen, passed
        contract = market.contract.id
        if market.shows_depth:
            self._take_quotes(market, max(0, before - passing.before))
        elif not is_quoted:
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

    def _line_up(self, market: Market) -> None:
        """Our orders stand in their queues where the quotes that have passed leave them."""
        if market.is_told or not (market.buys or market.sells):
            return
        passing, group = self._passing, self._passing.group(Quoted, market.contract.id)
        for order in (*market.buys, *market.sells):
            start, order.seen = order.seen - passing.before, passing.passed
            if group is not None:
                for displayed in _displayed(order, group, slice(group.passed(max(0, start)), group.passed(passing.at))):
                    self._matcher.line_up(order, displayed)

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

    def _look_at_orders(self) -> None:
        touches = self._touches
        for contract in self._stirred:
            market = self._markets.by_contract.get(contract)
            touch = NOWHERE if market is None else self._next_touch(market)
            if touch == NOWHERE:
                touches.pop(contract, None)
            elif touches.get(contract) != touch:
                touches[contract] = touch
                heapq.heappush(self._in_order, (touch, contract))
        self._stirred.clear()

    def _next_touch(self, market: Market) -> int:
        """The next row that an order of ours in this contract could meet."""
        buys, sells, is_touched = market.buys, market.sells, market.book.is_touched
        if not (buys or sells or is_touched):
            return NOWHERE
        contract, at = market.contract.id, self._passing.at
        ahead = self._ahead.get(contract)
        if ahead is None:
            ahead = self._ahead[contract] = _Ahead(self._passing.group(Quoted, contract), self._passing.group(Traded, contract))
        if is_touched or market.is_told:
            return min(self._next(ahead.quotes), self._next(ahead.trades))
        touch = NOWHERE
        for orders, lines in ((buys, ahead.buys), (sells, ahead.sells)):
            if orders:
                limit = orders[0].limit
                for line in lines:
                    met = line.met(at, limit)
                    if met < touch:
                        touch = met
        return touch

    def _next_mark(self, market: Market) -> int:
        """The next row that moves the mark of a contract that is ours."""
        self._catch_up(market)
        contract, ticker = market.contract.id, market.ticker
        tickers = self._passing.group(TickerUpdated, contract)
        found = NOWHERE
        if tickers is not None:
            found = self._next(tickers) if ticker is None else self._first(tickers, _differs(tickers, ticker))
        if ticker is None and market.position.size:
            found = min(found, self._next(self._passing.group(Quoted, contract)))
        return found

    def _next(self, group: Group | None) -> int:
        """The position of the first row of a group at or after now."""
        if group is None:
            return NOWHERE
        start = group.passed(self._passing.at)
        return group.positions.item(start) if start < len(group.positions) else NOWHERE

    def _first(self, group: Group, wanted: Callable[[slice], Any]) -> int:
        """The position of the first row of a group, at or after now, that is wanted."""
        start, count, size = group.passed(self._passing.at), len(group.positions), FIRST_LOOK
        while start < count:
            mask = wanted(slice(start, start + size))
            first = int(mask.argmax())
            if mask[first]:
                return group.positions.item(start + first)
            start, size = start + size, size * 4
        return NOWHERE


def _displayed(order: Order, quotes: Group, rows: slice) -> list[float]:
    """What these quotes display at the price of an order, where they show it, each time that it is something else."""
    limit = order.limit
    best, size = (quotes.column(name)[rows] for name in (("bid", "bid_size") if order.is_buy else ("ask", "ask_size")))
    stands = size > 0
    better = stands & ((best > limit) if order.is_buy else (best < limit))
    displayed = (size * (stands & (best == limit)))[~better]
    changed = displayed[1:] != displayed[:-1]
    values: list[float] = [*displayed[:1].tolist(), *displayed[1:][changed].tolist()]
    return values


def _differs(tickers: Group, known: TickerUpdated) -> Callable[[slice], Any]:
    """Which tickers say another mark or delta than the one that is known."""
    mark, delta = tickers.column("mark_price"), tickers.column("delta") if tickers.has("delta") else None

    def differs(rows: slice) -> Any:
        moved = mark[rows] != known.mark_price
        if delta is None:
            return moved if known.delta is None else moved | True
        told = delta[rows]
        return moved | (told == told if known.delta is None else told != known.delta)  # noqa: PLR0124  # NaN is not itself

    return differs
