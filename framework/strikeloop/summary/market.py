"""What the market says of one contract at one time, looked up once for all who want to know.

Owns `Market` and `Look`. It only reads the portfolio.
"""

from __future__ import annotations

import attrs

from strikeloop.contracts import Contract, ContractId
from strikeloop.events import Quoted, TickerUpdated
from strikeloop.portfolio import Portfolio
from strikeloop.pricing import Greeks


@attrs.define(eq=False, weakref_slot=False)
class Look:
    """What the market said of a contract at one time; None where it said nothing."""

    time: int
    mark: float | None
    forward: float | None
    iv: float | None
    greeks: Greeks | None


@attrs.define(eq=False, weakref_slot=False)
class Market:
    """The last words about a contract: its specification, ticker and quote, and the price of its underlying."""

    specification: Contract | None
    ticker: TickerUpdated | None
    quote: Quoted | None
    index: float | None

    @property
    def mark(self) -> float | None:
        """The last mark price, else the middle of the quote, else None."""
        if self.ticker is not None:
            return self.ticker.mark_price
        return None if self.quote is None else self.quote.mid

    @property
    def underlying(self) -> float | None:
        """The forward of the expiry where a ticker gave it, else the index."""
        ticker = self.ticker
        return self.index if ticker is None or ticker.underlying_price is None else ticker.underlying_price

    @property
    def greeks(self) -> Greeks | None:
        """Per unit, None before a ticker that has them."""
        ticker = self.ticker
        if ticker is None or ticker.delta is None:
            return None
        return Greeks(delta=ticker.delta, gamma=ticker.gamma or 0.0, vega=ticker.vega or 0.0, theta=ticker.theta or 0.0)

    def fresh(self, now: int) -> Look:
        """What a price is measured against: the mark, or the middle of a quote that is newer, with the forward moved as the index did."""
        ticker, quote, forward, index = self.ticker, self.quote, self.underlying, self.index
        middle = None if quote is None else quote.mid
        if ticker is None:
            return Look(now, middle, forward, None, None)
        if quote is None or middle is None or quote.received <= ticker.received:
            return Look(now, ticker.mark_price, forward, ticker.mark_iv, self.greeks)
        if index is not None and ticker.index_price is not None and ticker.underlying_price is not None:
            forward = ticker.underlying_price + index - ticker.index_price
        return Look(now, middle, forward, ticker.mark_iv, self.greeks)


def market_of(portfolio: Portfolio, contract: ContractId, *, is_marked: bool = False) -> Market:
    """What the market says of `contract` now, without its quote where the mark is known (`is_marked`).

    Where rows pass untold each look-up costs a microsecond or two, so none is made twice, or for nothing.
    """
    known = portfolio.contracts.get(contract)
    priced = None if known is None else portfolio.underlyings.get((contract.adapter, known.underlying))
    quote = None if is_marked else portfolio.quotes.get(contract)
    return Market(known, portfolio.tickers.get(contract), quote, None if priced is None else priced.price)
