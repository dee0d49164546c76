"""The specification of strikeloop.summary.market."""

from __future__ import annotations

from typing import Any

import pytest

from strikeloop import Event, UnderlyingPriced
from strikeloop.portfolio import Portfolio
from strikeloop.summary.market import market_of
from tests.framework.stage import CALL, contract, quoted, ticker

INDEX = UnderlyingPriced(time=0, received=0, adapter="sim", underlying="BTC_USDT", price=69_000.0)
GREEKS: dict[str, Any] = {"delta": 0.5, "gamma": 0.001, "vega": 20.0, "theta": -30.0}


def known(*events: Event) -> Portfolio:
    portfolio = Portfolio()
    portfolio.add_contract(contract())
    for event in events:
        portfolio.apply(event)
    return portfolio


@pytest.mark.parametrize(
    "events",
    [
        (),
        (quoted(),),
        (quoted(bid=None),),
        (INDEX,),
        (ticker(mark=99.0),),
        (ticker(mark=99.0), INDEX, quoted()),
        (ticker(mark=99.0, underlying_price=70_000.0, **GREEKS), INDEX),
        (ticker(mark=99.0, delta=0.5),),
    ],
)
def test_what_is_looked_up_once_is_what_the_portfolio_says(events: tuple[Event, ...]) -> None:
    portfolio = known(*events)
    market = market_of(portfolio, CALL)
    assert (market.mark, market.underlying, market.greeks) == (
        portfolio.mark(CALL),
        portfolio.underlying_price(CALL),
        portfolio.greeks(CALL),
    )
    assert (market.ticker, market.quote, market.specification) == (portfolio.tickers.get(CALL), portfolio.quotes.get(CALL), contract())


def test_a_quote_that_is_newer_than_the_mark_stands_in_for_it_and_the_forward_moves_with_the_index() -> None:
    told = ticker(mark=99.0, underlying_price=70_000.0, index_price=69_500.0, mark_iv=0.5, **GREEKS)
    look = market_of(known(told, INDEX, quoted(at=1)), CALL).fresh(2)
    assert (look.time, look.mark, look.forward, look.iv) == (2, 101.0, 69_500.0, 0.5)


def test_a_quote_that_is_older_than_the_mark_is_not_looked_at() -> None:
    look = market_of(known(quoted(), INDEX, ticker(mark=99.0, at=1, underlying_price=70_000.0, index_price=69_500.0)), CALL).fresh(2)
    assert (look.mark, look.forward) == (99.0, 70_000.0)


def test_where_the_mark_is_known_no_quote_is_looked_up() -> None:
    assert market_of(known(quoted()), CALL, is_marked=True).quote is None
