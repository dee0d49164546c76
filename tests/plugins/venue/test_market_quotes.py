"""The specification of strikeloop_venue.market.quotes: the makers' quotes, one contract or many at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikeloop import BookUpdated, OptionKind, Quoted, TickerUpdated
from strikeloop_venue.market.expiries import DAY
from strikeloop_venue.market.quotes import ASK, BID, Ladder, Makers, Manner
from strikeloop_venue.market.smile import Smile, Surface
from strikeloop_venue.market.specification import Listing

LISTING = Listing(
    adapter="sim", underlying="BTC_USDT", strikes=9, multiplier=Decimal("0.01"), tick=Decimal("0.5"), mark_tick=Decimal("0.1")
)
SURFACE = Surface(volatility=0.55, skew=-0.25, curvature=0.8, reversion=25.0)
MANNER = Manner(spread=0.4, levels=4, size=1.0, absent=0.0)
ALL = np.arange(1)


def smile_of(days: float, forward: float = 70_000.0, count: int = 1) -> Smile:
    return SURFACE.smile(np.full(count, forward), np.full(count, days / 365), 0.55)


def makers_of(*strikes: int, kind: OptionKind = OptionKind.CALL, seed: int = 1, manner: Manner = MANNER) -> Makers:
    makers = Makers(manner, Ladder.of(Decimal("0.5")), Ladder.of(Decimal("0.1")), np.random.Generator(np.random.PCG64(seed)))
    makers.add([LISTING.contract(8 * DAY, Decimal(strike), kind, 0) for strike in strikes])
    return makers


def quoting(makers: Makers, smile: Smile, stress: float = 0.0) -> Makers:
    rows = np.arange(len(makers.contracts))
    makers.follow(smile)
    makers.redraw(rows)
    makers.deepen(rows)
    makers.requote(rows, smile, stress)
    return makers


def ticker_of(makers: Makers, smile: Smile, now: int = 0, index: float = 70_000.0) -> TickerUpdated:
    (ticker,) = makers.tickers(ALL, [now], smile, index)
    return ticker


def sides(makers: Makers) -> tuple[tuple[tuple[float, float], ...], tuple[tuple[float, float], ...]]:
    book = makers.book(0, 0)
    return book.bids, book.asks


def width(makers: Makers) -> float:
    """The spread in units of vega."""
    ticker = ticker_of(makers, smile_of(7))
    assert ticker.bid_iv is not None
    assert ticker.ask_iv is not None
    return ticker.ask_iv - ticker.bid_iv


@given(st.integers(1, 10**9), st.sampled_from(["1", "0.1", "0.05", "0.0005", "2.5", "1000"]))
def test_a_price_on_the_ladder_is_the_float_nearest_to_its_tick(ticks: int, tick: str) -> None:
    assert Ladder.of(Decimal(tick)).prices(np.array([ticks]))[0] == float(ticks * Decimal(tick))


@given(st.floats(0.0, 1e6, allow_subnormal=False), st.sampled_from(["1", "0.1", "0.05", "2.5"]))
def test_the_ticks_below_and_above_a_price_enclose_it(price: float, tick: str) -> None:
    ladder, prices = Ladder.of(Decimal(tick)), np.array([price])
    below, above = ladder.below(prices), ladder.above(prices)
    assert ladder.prices(below)[0] <= price * (1 + 1e-15)
    assert ladder.prices(above)[0] >= price * (1 - 1e-15)
    assert above[0] - below[0] <= 1


@given(st.integers(40_000, 110_000), st.sampled_from(OptionKind), st.floats(0.001, 60), st.floats(0, 3), st.integers(1, 1000))
def test_the_quote_encloses_the_value_and_its_levels_step_away_from_it(
    strike: int, kind: OptionKind, days: float, stress: float, seed: int
) -> None:
    makers = quoting(makers_of(strike, kind=kind, seed=seed), smile_of(days), stress)
    bids, asks = ([price for price, _ in side] for side in sides(makers))
    assert 3 <= len(asks) <= 5
    assert asks[0] > makers.fair[0]
    assert asks == sorted(set(asks))
    assert bids == sorted(set(bids), reverse=True)
    assert all(0.5 <= price < makers.fair[0] for price in bids)
    assert all(1 <= size <= 2_000 for side in sides(makers) for _, size in side)


@given(st.lists(st.integers(40, 110), min_size=2, max_size=6, unique=True), st.integers(1, 50))
def test_many_are_quoted_as_each_alone(thousands: Sequence[int], seed: int) -> None:
    smile = smile_of(7, count=len(thousands))
    together = quoting(makers_of(*(1_000 * strike for strike in thousands), seed=seed), smile)
    for row, strike in enumerate(thousands):
        alone = makers_of(1_000 * strike)
        alone.follow(smile_of(7))
        for column in ("_lean", "_gaps", "_sizes", "_count"):
            getattr(alone, column)[0] = getattr(together, column)[row]
        alone.requote(ALL, smile_of(7), 0.0)
        one, other = together.book(row, 0), alone.book(0, 0)
        assert (one.bids, one.asks) == (other.bids, other.asks)


def test_an_option_worth_less_than_a_tick_has_offers_only() -> None:
    makers = quoting(makers_of(110_000), smile_of(1))
    (quoted,), book = makers.quoted(ALL, 5), makers.book(0, 5)
    assert (quoted.bid, quoted.bid_size, quoted.ask, quoted.mid) == (None, 0.0, 0.5, None)
    assert book.bids == ()
    assert ticker_of(makers, smile_of(1)).bid_iv is None


def test_spreads_widen_in_the_wings_near_expiry_and_after_moves() -> None:
    calm = width(quoting(makers_of(70_000), smile_of(7)))
    assert width(quoting(makers_of(85_000), smile_of(7))) > calm
    assert width(quoting(makers_of(70_000), smile_of(7), stress=2.0)) > 2 * calm
    (short,), (long,) = (quoting(makers_of(70_000), smile_of(days)).quoted(ALL, 0) for days in (0.1, 30))
    assert short.bid is not None
    assert short.ask is not None
    assert long.bid is not None
    assert long.ask is not None
    assert (short.ask - short.bid) / math.sqrt(0.1) > (long.ask - long.bid) / math.sqrt(30)


def test_after_a_move_less_is_shown() -> None:
    calm, shaken = (sides(quoting(makers_of(70_000), smile_of(7), stress=stress)) for stress in (0.0, 3.0))
    assert sum(size for side in shaken for _, size in side) < 0.5 * sum(size for side in calm for _, size in side)


def test_a_quote_stays_until_the_value_has_moved_away() -> None:
    makers = quoting(makers_of(70_000), smile_of(7))
    assert makers.follow(smile_of(7, 70_001.0)).tolist() == [False]
    assert makers.follow(smile_of(7, 70_200.0)).tolist() == [True]


def test_a_top_that_did_not_change_is_not_quoted_again_and_book_ids_count() -> None:
    makers = quoting(makers_of(70_000), smile_of(7))
    assert [type(event) for event in makers.quoted(ALL, 1)] == [Quoted]
    assert list(makers.quoted(ALL, 2)) == []
    assert [makers.book(0, now).last_id for now in (1, 2)] == [1, 2]


def test_those_who_answer_at_once_answer_one_after_another() -> None:
    makers = quoting(makers_of(68_000, 70_000, 72_000), smile_of(7, count=3))
    assert [quote.time for quote in makers.quoted(np.arange(3), 100, 10)] == [110, 120, 130]


@pytest.mark.parametrize("is_buy", [True, False])
def test_a_taker_gets_the_best_price_and_no_more_than_stands_there(is_buy: bool) -> None:
    makers = quoting(makers_of(70_000), smile_of(7))
    side = ASK if is_buy else BID
    (price, size), second = sides(makers)[is_buy][:2]
    assert makers.hit(0, side, int(size) - 1) == (price, size - 1)
    assert sides(makers)[is_buy][0] == (price, 1)
    assert makers.hit(0, side, 100) == (price, 1)
    assert sides(makers)[is_buy][0] == second
    assert ticker_of(makers, smile_of(7)).last_price == price


def test_a_side_that_is_bought_up_is_empty_until_the_next_quote() -> None:
    makers = quoting(makers_of(70_000), smile_of(7))
    while makers.hit(0, ASK, 10_000) is not None:
        pass
    (quote,) = makers.quoted(ALL, 0)
    assert (quote.ask, quote.ask_size, sides(makers)[1]) == (None, 0.0, ())
    makers.requote(ALL, smile_of(7), 0.0)
    assert makers.hit(0, ASK, 1) is not None


def test_a_taker_finds_nothing_on_an_empty_side() -> None:
    assert quoting(makers_of(110_000), smile_of(1)).hit(0, BID, 5) is None


def test_a_maker_that_stays_away_leaves_one_side_empty() -> None:
    makers = makers_of(*range(66_000, 74_000, 200), manner=attrs.evolve(MANNER, absent=1.0))
    count = len(makers.contracts)
    quoting(makers, smile_of(7, count=count))
    tops = makers.tops(np.arange(count))
    assert ((tops[:, 1] == 0) ^ (tops[:, 3] == 0)).all()
    assert 0 < (tops[:, 1] == 0).sum() < count
    assert all((not makers.book(row, 0).bids) == (tops[row, 1] == 0) for row in range(count))


def test_the_ticker_tells_last_price_and_leverage_and_leaves_them_out_where_there_are_none() -> None:
    makers, worthless = quoting(makers_of(70_000), smile_of(7)), quoting(makers_of(300_000), smile_of(1))
    ticker = ticker_of(makers, smile_of(7), 3, 69_990.0)
    assert ticker.delta is not None
    assert ticker.leverage == 70_000.0 / ticker.mark_price * abs(ticker.delta)
    assert (ticker.last_price, ticker.index_price, ticker.underlying_price) == (None, 69_990.0, 70_000.0)
    nothing = ticker_of(worthless, smile_of(1))
    assert (nothing.mark_price, nothing.leverage) == (0.0, None)


def test_who_is_dropped_takes_his_row_along() -> None:
    makers = quoting(makers_of(68_000, 70_000, 72_000), smile_of(7, count=3))
    kept = makers.book(2, 0)
    makers.drop(np.array([0, 1]))
    again = makers.book(0, 0)
    assert [contract.strike for contract in makers.contracts] == [72_000]
    assert (again.contract, again.bids, again.asks, again.last_id) == (kept.contract, kept.bids, kept.asks, kept.last_id + 1)


def test_everything_it_shows_is_received_when_it_happens() -> None:
    makers = quoting(makers_of(70_000), smile_of(7))
    events: list[TickerUpdated | Quoted | BookUpdated] = [ticker_of(makers, smile_of(7), 9), *makers.quoted(ALL, 9), makers.book(0, 9)]
    assert {(event.time, event.received) for event in events} == {(9, 9)}
