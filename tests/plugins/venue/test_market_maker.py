"""The specification of strikeloop_venue.market.maker: one contract's quotes."""

from __future__ import annotations

import math
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikeloop import BookUpdated, Event, OptionKind, Quoted
from strikeloop_venue.market.expiries import DAY
from strikeloop_venue.market.maker import Ladder, Maker
from strikeloop_venue.market.smile import Smile, Surface
from strikeloop_venue.market.specification import Listing

LISTING = Listing(
    adapter="sim", underlying="BTC_USDT", strikes=9, multiplier=Decimal("0.01"), tick=Decimal("0.5"), mark_tick=Decimal("0.1")
)
SURFACE = Surface(volatility=0.55, skew=-0.25, curvature=0.8, reversion=25.0)


def smile_of(days: float, forward: float = 70_000.0) -> Smile:
    return SURFACE.smile(forward, days / 365, 0.55)


def maker_of(strike: int, kind: OptionKind = OptionKind.CALL, *, seed: int = 1) -> Maker:
    contract = LISTING.contract(8 * DAY, Decimal(strike), kind, 0)
    return Maker(contract=contract, random=Random(seed), spread=0.4, levels=4, due=0)


def quoting(maker: Maker, smile: Smile, stress: float = 0.0) -> Maker:
    maker.follow(smile)
    maker.redraw()
    maker.requote(smile, stress)
    return maker


def width(maker: Maker) -> float:
    """The spread in units of vega."""
    ticker = maker.ticker(0, smile_of(7), 70_000.0)
    assert ticker.bid_iv is not None
    assert ticker.ask_iv is not None
    return ticker.ask_iv - ticker.bid_iv


@given(st.integers(1, 10**9), st.sampled_from(["1", "0.1", "0.05", "0.0005", "2.5", "1000"]))
def test_a_price_on_the_ladder_is_the_float_nearest_to_its_tick(ticks: int, tick: str) -> None:
    assert Ladder.of(Decimal(tick)).price(ticks) == float(ticks * Decimal(tick))


@given(st.floats(0.0, 1e6, allow_subnormal=False), st.sampled_from(["1", "0.1", "0.05", "2.5"]))
def test_the_ticks_below_and_above_a_price_enclose_it(price: float, tick: str) -> None:
    ladder = Ladder.of(Decimal(tick))
    assert ladder.price(ladder.below(price)) <= price * (1 + 1e-15)
    assert ladder.price(ladder.above(price)) >= price * (1 - 1e-15)
    assert ladder.above(price) - ladder.below(price) <= 1


@given(st.integers(40_000, 110_000), st.sampled_from(OptionKind), st.floats(0.001, 60), st.floats(0, 3), st.integers(1, 1000))
def test_the_quote_encloses_the_value_and_its_levels_step_away_from_it(
    strike: int, kind: OptionKind, days: float, stress: float, seed: int
) -> None:
    maker = quoting(maker_of(strike, kind, seed=seed), smile_of(days), stress)
    bids, asks = ([ticks for ticks, _ in side] for side in (maker.bids, maker.asks))
    assert 3 <= len(asks) <= 5
    assert asks[0] * 0.5 > maker.fair
    assert asks == sorted(set(asks))
    assert bids == sorted(set(bids), reverse=True)
    assert all(0.5 <= tick * 0.5 < maker.fair for tick in bids)
    assert all(1 <= size <= 2_000 for _, size in maker.bids + maker.asks)


def test_an_option_worth_less_than_a_tick_has_offers_only() -> None:
    maker = quoting(maker_of(110_000), smile_of(1))
    quoted, book = maker.shown(5)
    assert isinstance(quoted, Quoted)
    assert isinstance(book, BookUpdated)
    assert (quoted.bid, quoted.bid_size, quoted.ask, quoted.mid) == (None, 0.0, 0.5, None)
    assert book.bids == ()
    assert maker.ticker(5, smile_of(1), 70_000.0).bid_iv is None


def test_spreads_widen_in_the_wings_near_expiry_and_after_moves() -> None:
    calm = width(quoting(maker_of(70_000), smile_of(7)))
    assert width(quoting(maker_of(85_000), smile_of(7))) > calm
    assert width(quoting(maker_of(70_000), smile_of(7), stress=2.0)) > 2 * calm
    short, long = (quoting(maker_of(70_000), smile_of(days)) for days in (0.1, 30))
    assert (short.asks[0][0] - short.bids[0][0]) / math.sqrt(0.1) > (long.asks[0][0] - long.bids[0][0]) / math.sqrt(30)


def test_a_quote_stays_until_the_value_has_moved_away() -> None:
    maker = quoting(maker_of(70_000), smile_of(7))
    assert not maker.follow(smile_of(7, 70_001.0))
    assert maker.follow(smile_of(7, 70_200.0))


def test_a_top_that_did_not_change_is_not_quoted_again_and_book_ids_count() -> None:
    maker = quoting(maker_of(70_000), smile_of(7))
    first, second = list(maker.shown(1)), list(maker.shown(2))
    assert [type(event) for event in first + second] == [Quoted, BookUpdated, BookUpdated]
    assert [event.last_id for event in first + second if isinstance(event, BookUpdated)] == [1, 2]


@pytest.mark.parametrize("is_buy", [True, False])
def test_a_taker_gets_the_best_price_and_no_more_than_stands_there(is_buy: bool) -> None:
    maker = quoting(maker_of(70_000), smile_of(7))
    side = maker.asks if is_buy else maker.bids
    (ticks, size), second = side[0], side[1]
    assert maker.hit(is_buy, size - 1) == (ticks * 0.5, size - 1)
    assert side[0] == (ticks, 1)
    assert maker.hit(is_buy, 100) == (ticks * 0.5, 1)
    assert side[0] == second
    assert maker.last_price == ticks * 0.5


def test_a_taker_finds_nothing_on_an_empty_side() -> None:
    assert quoting(maker_of(110_000), smile_of(1)).hit(False, 5) is None


def test_the_ticker_tells_last_price_and_leverage_and_leaves_them_out_where_there_are_none() -> None:
    maker, worthless = quoting(maker_of(70_000), smile_of(7)), quoting(maker_of(300_000), smile_of(1))
    ticker = maker.ticker(3, smile_of(7), 69_990.0)
    assert ticker.delta is not None
    assert ticker.leverage == 70_000.0 / ticker.mark_price * abs(ticker.delta)
    assert (ticker.last_price, ticker.index_price, ticker.underlying_price) == (None, 69_990.0, 70_000.0)
    maker.hit(True, 1)
    assert maker.ticker(3, smile_of(7), 69_990.0).last_price == maker.last_price
    nothing = worthless.ticker(3, smile_of(1), 69_990.0)
    assert (nothing.mark_price, nothing.leverage) == (0.0, None)


def test_everything_it_shows_is_received_when_it_happens() -> None:
    maker = quoting(maker_of(70_000), smile_of(7))
    events: list[Event] = [maker.ticker(9, smile_of(7), 70_000.0), *maker.shown(9)]
    assert {(event.time, event.received) for event in events} == {(9, 9)}
