"""The specification of the generated market as a whole: strikeloop_venue.market.generated and .tape."""

from __future__ import annotations

import hashlib
import math
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import islice, pairwise
from typing import Any

import attrs
import numpy as np
import pytest

from strikeloop import (
    BookUpdated,
    Contract,
    ContractExpired,
    ContractId,
    ContractListed,
    Event,
    OptionKind,
    Quoted,
    TickerUpdated,
    Traded,
    UnderlyingPriced,
    canonical,
)
from strikeloop.pricing import greeks, price
from strikeloop.venue import Source
from strikeloop_venue import GeneratedMarket

START = 1_780_272_000_000_000_000
MINUTE = 60_000_000_000
HOUR = 60 * MINUTE
FAST = GeneratedMarket(duration_s=120, step_ms=1_000, ticker_every_ms=5_000, trades_per_hour=3_600.0)
ROLLOVER = GeneratedMarket(start=START + 7 * HOUR + 50 * MINUTE, duration_s=1_200, step_ms=7_000, ticker_every_ms=30_000)
EIGHT = START + 8 * HOUR
FINGERPRINT = """
import hashlib
from strikeloop import canonical
from strikeloop_venue import GeneratedMarket
sha = hashlib.sha256()
for event in GeneratedMarket(duration_s=600).open("sim").events():
    sha.update(canonical(event))
print(sha.hexdigest())
"""


def events_of(market: GeneratedMarket) -> list[Event]:
    return list(market.open("sim").events())


def fingerprint(events: Iterable[Event]) -> str:
    sha = hashlib.sha256()
    for event in events:
        sha.update(canonical(event))
    return sha.hexdigest()


def tickers_at(time: int, events: Iterable[Event]) -> dict[ContractId, TickerUpdated]:
    return {event.contract: event for event in events if isinstance(event, TickerUpdated) and event.time == time}


def contracts_seen(market: GeneratedMarket, events: Iterable[Event]) -> dict[ContractId, Contract]:
    listed = [event.specification for event in events if isinstance(event, ContractListed)]
    return {contract.id: contract for contract in (*market.open("sim").contracts(), *listed)}


# ---- determinism ---------------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bytes_in_every_process() -> None:
    paths = os.pathsep.join(path for path in sys.path if path)
    prints = [
        subprocess.run(
            [sys.executable, "-c", FINGERPRINT],
            env={**os.environ, "PYTHONPATH": paths, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        for seed in ("1", "2")
    ]
    assert prints == [fingerprint(events_of(GeneratedMarket(duration_s=600)))] * 2


def test_a_source_can_be_read_again_from_the_start() -> None:
    source: Source = FAST.open("sim")
    half_read = source.events()
    next(half_read)
    assert fingerprint(source.events()) == fingerprint(source.events())


def test_another_seed_is_another_market() -> None:
    one, two = (fingerprint(events_of(attrs.evolve(FAST, duration_s=10, seed=seed))) for seed in (1, 2))
    assert one != two


def test_the_index_does_not_depend_on_how_much_is_traded() -> None:
    def index(market: GeneratedMarket) -> list[float]:
        return [event.price for event in events_of(market) if isinstance(event, UnderlyingPriced)]

    assert index(FAST) == index(attrs.evolve(FAST, trades_per_hour=1.0))


def test_the_content_hash_tells_markets_apart_and_nothing_else() -> None:
    same = GeneratedMarket(spot=70_000, tick=Decimal("1.0"))
    others = [GeneratedMarket(), *(GeneratedMarket(**{name: value}) for name, value in CHANGES.items())]
    hashes = [market.open("sim").content_hash() for market in others]
    assert same.open("sim").content_hash() == hashes[0]
    assert len({*hashes, GeneratedMarket().open("other").content_hash()}) == len(hashes) + 1


CHANGES: dict[str, Any] = {
    "seed": 2, "scenario": "calm", "process": {"kind": "gbm"}, "quote_every_ms": 1,
    "underlying": "ETH_USDT", "start": START + 1, "duration_s": None, "step_ms": 1, "ticker_every_ms": 1, "spot": 1.0,
    "volatility": 0.1, "basis": 0.0, "skew": 0.0, "curvature": 0.1, "spread": 1.0, "strikes": 1, "daily": 0, "weekly": 0,
    "monthly": 0, "levels": 1, "trades_per_hour": 1.0, "multiplier": Decimal(1), "tick": Decimal(2), "mark_tick": Decimal(2),
}  # fmt: skip


def test_every_setting_counts() -> None:
    assert set(CHANGES) == {field.name for field in attrs.fields(GeneratedMarket)}


# ---- order of events -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("market", [FAST, ROLLOVER, attrs.evolve(FAST, step_ms=1, duration_s=1), attrs.evolve(FAST, ticker_every_ms=100)])
def test_time_never_goes_back_and_everything_is_received_when_it_happens(market: GeneratedMarket) -> None:
    events = events_of(market)
    assert all(one.time <= other.time for one, other in pairwise(events))
    assert all(event.received == event.time for event in events)
    start = START if market.start is None else market.start
    assert market.duration_s is not None
    assert start == events[0].time <= events[-1].time < start + market.duration_s * 1_000_000_000


def test_the_first_moment_shows_the_index_and_the_whole_chain() -> None:
    source = FAST.open("sim")
    first = [event for event in source.events() if event.time == START]
    assert isinstance(first[0], UnderlyingPriced)
    for kind in (TickerUpdated, Quoted, BookUpdated):
        shown = [event.contract for event in first if isinstance(event, kind)]
        assert shown == [contract.id for contract in source.contracts()]


def test_the_index_comes_every_step_and_a_ticker_for_each_contract_in_its_time() -> None:
    counts = Counter(type(event) for event in events_of(FAST))
    assert counts[UnderlyingPriced] == 120
    assert 90 * 24 <= counts[TickerUpdated] <= 90 * 26


def test_a_market_without_end_is_generated_as_it_is_read() -> None:
    events = list(islice(attrs.evolve(ROLLOVER, duration_s=None).open("sim").events(), 20_000))
    assert len(events) == 20_000
    assert events[-1].time > EIGHT


def test_a_day_by_default_has_a_few_hundred_thousand_events() -> None:
    an_hour = GeneratedMarket(start=START + 12 * HOUR, duration_s=3_600)
    assert 150_000 / 24 < len(events_of(an_hour)) < 400_000 / 24


# ---- quotes, books, trades -------------------------------------------------------------------------------------------------


def test_quotes_stand_on_the_tick_with_the_bid_below_the_ask() -> None:
    for quote in (event for event in events_of(ROLLOVER) if isinstance(event, Quoted)):
        assert quote.ask is None or (quote.ask >= 1 and quote.ask == int(quote.ask))
        assert quote.bid is None or (quote.bid >= 1 and quote.bid == int(quote.bid))
        assert quote.bid is None or quote.ask is None or quote.bid < quote.ask
        assert (quote.bid is None) == (quote.bid_size == 0)
        assert (quote.ask is None) == (quote.ask_size == 0)


def test_the_top_of_the_book_is_the_quote_that_went_before() -> None:
    quotes: dict[ContractId, Quoted] = {}
    for event in events_of(ROLLOVER):
        if isinstance(event, Quoted):
            quotes[event.contract] = event
        elif isinstance(event, BookUpdated):
            quote = quotes[event.contract]
            assert event.snapshot
            assert (event.bids[:1] or ((None, 0.0),))[0] == (quote.bid, quote.bid_size)
            assert (event.asks[:1] or ((None, 0.0),))[0] == (quote.ask, quote.ask_size)


def test_some_books_are_one_sided() -> None:
    quotes = [event for event in events_of(GeneratedMarket(duration_s=3_600)) if isinstance(event, Quoted)]
    one_sided = [quote for quote in quotes if quote.bid is None]
    assert 0 < len(one_sided) < 0.2 * len(quotes)


@pytest.mark.parametrize("market", [GeneratedMarket(duration_s=7_200), ROLLOVER])
def test_no_quote_is_left_behind_by_the_index(market: GeneratedMarket) -> None:
    """Nobody can buy below or sell above what the model says once the makers have answered."""
    tape = market.tape("sim")
    for event in tape.run():
        if not isinstance(event, UnderlyingPriced) or event.time == tape.pace.start:
            continue
        makers = tape.makers
        tops = makers.tops(np.arange(len(makers.contracts)))
        assert (tops[:, 0] < makers.fair).all()
        assert ((tops[:, 2] > makers.fair) | (tops[:, 3] == 0)).all()


def test_makers_answer_the_index_within_a_millisecond_or_so() -> None:
    latest = 0
    for event in events_of(GeneratedMarket(duration_s=600, trades_per_hour=0.001, ticker_every_ms=86_400_000)):
        if isinstance(event, Quoted):
            latest = max(latest, (event.time - START) % MINUTE)
    assert 0 < latest < 2_000_000


def test_a_trade_is_made_at_the_best_price_and_takes_it_away() -> None:
    quotes: dict[ContractId, Quoted] = {}
    trades = 0
    for event, after in pairwise(events_of(FAST)):
        if isinstance(event, Quoted):
            quotes[event.contract] = event
        elif isinstance(event, Traded):
            quote, is_buy = quotes[event.contract], event.size > 0
            assert isinstance(after, Quoted)
            assert after.contract == event.contract
            assert event.price == (quote.ask if is_buy else quote.bid)
            before, left = (quote.ask_size, after.ask_size) if is_buy else (quote.bid_size, after.bid_size)
            same_level = (after.ask if is_buy else after.bid) == event.price
            assert abs(event.size) == (before - left if same_level else before)
            trades += 1
    assert 70 < trades < 170


def test_trades_are_counted_come_from_both_sides_and_prefer_the_money() -> None:
    market = attrs.evolve(FAST, duration_s=1_200, step_ms=10_000)
    events = events_of(market)
    trades = [event for event in events if isinstance(event, Traded)]
    contracts = contracts_seen(market, events)
    assert [trade.trade_id for trade in trades] == [str(number + 1) for number in range(len(trades))]
    assert 0.4 < sum(trade.size > 0 for trade in trades) / len(trades) < 0.6
    near = sum(abs(float(contracts[trade.contract].strike) / 70_000 - 1) < 0.06 for trade in trades)
    assert near > 0.6 * len(trades)


# ---- marks and greeks --------------------------------------------------------------------------------------------------------


def test_every_ticker_can_be_recomputed_from_what_it_says() -> None:
    events = events_of(ROLLOVER)
    contracts, last_index, seen = contracts_seen(ROLLOVER, events), 0.0, 0
    index_at: dict[int, float] = {}
    for event in events:
        if isinstance(event, UnderlyingPriced):
            last_index, moment = event.price, event.time
            index_at[moment] = last_index
        elif isinstance(event, TickerUpdated):
            contract, step = contracts[event.contract], max(index_at)
            assert event.index_price == last_index
            assert event.underlying_price is not None
            assert event.mark_iv is not None
            terms = (event.underlying_price, float(contract.strike), contract.years(step), event.mark_iv)
            assert -1e-9 <= price(*terms, is_call=contract.is_call) - event.mark_price < 0.1 + 1e-9
            result = greeks(*terms, is_call=contract.is_call)
            published = (event.delta, event.gamma, event.vega, event.theta)
            assert published == pytest.approx((result.delta, result.gamma, result.vega, result.theta), abs=6e-6)
            assert event.gamma == pytest.approx(result.gamma, abs=6e-10)
            assert event.bid_iv is None or event.ask_iv is None or event.bid_iv <= event.mark_iv + 1e-4 <= event.ask_iv + 2e-4
            seen += 1
    assert seen > 3_000


def test_calls_less_puts_are_forward_less_strike_within_a_tick() -> None:
    tickers = tickers_at(START, events_of(attrs.evolve(FAST, duration_s=1)))
    pairs = 0
    for call, put in pairwise(FAST.open("sim").contracts()):
        if call.kind is OptionKind.CALL:
            one, other = tickers[call.id], tickers[put.id]
            assert one.underlying_price is not None
            assert abs(one.mark_price - other.mark_price - (one.underlying_price - float(call.strike))) < 0.1 + 1e-9
            pairs += 1
    assert pairs == 45


def test_forwards_lie_above_the_index_by_the_basis() -> None:
    tickers = tickers_at(START, events_of(attrs.evolve(FAST, duration_s=1, basis=0.1)))
    for contract in FAST.open("sim").contracts():
        assert tickers[contract.id].underlying_price == pytest.approx(70_000 * math.exp(0.1 * contract.years(START)), abs=0.01)


def test_the_index_moves_by_its_volatility() -> None:
    market = GeneratedMarket(duration_s=86_400, daily=0, weekly=0, monthly=1, strikes=1, trades_per_hour=0.001)
    path = [event.price for event in events_of(market) if isinstance(event, UnderlyingPriced)]
    daily = math.sqrt(sum(math.log(right / left) ** 2 for left, right in pairwise(path)))
    assert daily * math.sqrt(365) == pytest.approx(0.55, rel=0.15)


# ---- listing -------------------------------------------------------------------------------------------------------------------


def of_contract(events: Iterable[Event], contract: ContractId) -> Iterator[Event]:
    return (event for event in events if getattr(event, "contract", None) == contract)


def test_at_eight_the_day_expires_after_a_last_index_price_and_says_nothing_more() -> None:
    events = events_of(ROLLOVER)
    gone = [contract for contract in ROLLOVER.open("sim").contracts() if contract.expiry == EIGHT]
    expired = [event for event in events if isinstance(event, ContractExpired)]
    assert [event.contract for event in expired] == [contract.id for contract in gone]
    assert len(gone) == 18
    assert {event.time for event in expired} == {EIGHT}
    at_eight = [event for event in events if event.time == EIGHT]
    assert isinstance(at_eight[0], UnderlyingPriced)
    assert at_eight[1 : 1 + len(expired)] == expired
    for contract in gone:
        assert list(of_contract(events, contract.id))[-1].time == EIGHT
        assert isinstance(list(of_contract(events, contract.id))[-1], ContractExpired)


def test_at_eight_a_new_expiry_is_listed_and_shown_at_once() -> None:
    events = events_of(ROLLOVER)
    listed = [event for event in events if isinstance(event, ContractListed)]
    new = [event.specification for event in listed if event.specification.expiry == EIGHT + 48 * HOUR]
    assert {contract.tag for contract in new} == {"day"}
    assert len(new) == 18
    for event in listed:
        assert event.contract == event.specification.id
        assert event.time == event.specification.created == EIGHT
        first = list(islice(of_contract(events, event.contract), 4))
        assert [type(each) for each in first] == [ContractListed, TickerUpdated, Quoted, BookUpdated]
        assert {each.time for each in first} == {EIGHT}


def test_strikes_follow_the_index_and_nothing_is_listed_twice() -> None:
    market = GeneratedMarket(
        start=EIGHT - MINUTE, duration_s=4 * 86_400, step_ms=3_600_000, ticker_every_ms=86_400_000, volatility=1.5, trades_per_hour=0.01
    )
    events = events_of(market)
    listed = [event.contract for event in events if isinstance(event, ContractListed)]
    assert len(set(listed)) == len(listed)
    assert not set(listed) & {contract.id for contract in market.open("sim").contracts()}
    assert max(Counter(contract.expiry for contract in contracts_seen(market, events).values()).values()) > 18


# ---- settings ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [
    {"duration_s": 0}, {"step_ms": 0}, {"ticker_every_ms": -1}, {"spot": math.nan}, {"spot": math.inf}, {"volatility": 0.0},
    {"strikes": 0}, {"levels": 0}, {"daily": -1}, {"daily": 0, "weekly": 0, "monthly": 0}, {"basis": math.nan}, {"basis": 5.0},
    {"skew": -1.0}, {"curvature": 3.0}, {"tick": Decimal(0)}, {"mark_tick": Decimal("-0.1")}, {"multiplier": Decimal(0)},
    {"spread": 0.0}, {"trades_per_hour": 0.0}, {"scenario": "storm"}, {"quote_every_ms": 0}, {"process": {"kind": "levy"}},
    {"process": {"kind": "jumps", "jumps_per_year": 1e6}}, {"process": {"correlation": 1.0}},
])  # fmt: skip
def test_settings_that_make_no_market_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(settings))):
        GeneratedMarket(**settings)


def test_other_underlyings_have_their_own_ticks() -> None:
    market = GeneratedMarket(underlying="DOGE_USDT", spot=0.15, tick=Decimal("0.0001"), mark_tick=Decimal("0.00001"), duration_s=60)
    quotes = [event for event in events_of(market) if isinstance(event, Quoted)]
    assert len(quotes) >= 90
    for quote in quotes:
        assert quote.ask is not None
        assert Decimal(repr(quote.ask)) % Decimal("0.0001") == 0
