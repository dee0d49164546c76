"""The specification of strikeloop_venue.market.scenarios: what the names promise, seen in the markets they make."""

from __future__ import annotations

import math
from itertools import pairwise

import attrs
import pytest

from strikeloop import Event, Quoted, TickerUpdated, Traded, UnderlyingPriced
from strikeloop_venue import GeneratedMarket
from strikeloop_venue.market.scenarios import SCENARIOS, Scenario, at

START = 1_780_272_000_000_000_000
HOUR = 3_600_000_000_000
SMALL = GeneratedMarket(daily=1, weekly=1, monthly=0, strikes=5, step_ms=300_000, ticker_every_ms=600_000, trades_per_hour=60.0, seed=4)


def events_of(scenario: str, seed: int = 4) -> list[Event]:
    return list(attrs.evolve(SMALL, scenario=scenario, seed=seed).open("sim").events())


def index_of(events: list[Event]) -> list[float]:
    return [event.price for event in events if isinstance(event, UnderlyingPriced)]


def realized(path: list[float]) -> float:
    return math.sqrt(sum(math.log(right / left) ** 2 for left, right in pairwise(path)) * 365)


def iv_at(events: list[Event], share: float) -> float:
    """Mean mark volatility of the week's options about that moment of the day."""
    moment = START + int(share * 24 * HOUR)
    tickers = [event for event in events if isinstance(event, TickerUpdated) and abs(event.time - moment) < HOUR / 2]
    found = [ticker.mark_iv for ticker in tickers if ticker.mark_iv is not None]
    return sum(found) / len(found)


def spreads(events: list[Event]) -> list[float]:
    return [quote.ask - quote.bid for quote in events if isinstance(quote, Quoted) and quote.bid is not None and quote.ask is not None]


@pytest.mark.parametrize(("share", "value"), [(0.0, 2.0), (0.5, 2.0), (0.6, 3.0), (0.7, 4.0), (0.8, 1.0), (0.95, 1.0)])
def test_a_curve_is_straight_between_its_points_and_level_outside(share: float, value: float) -> None:
    assert at(((0.5, 2.0), (0.7, 4.0), (0.8, 1.0)), share, 9.0) == pytest.approx(value)


def test_a_curve_without_points_is_what_stands_otherwise() -> None:
    assert at((), 0.3, 9.0) == 9.0


def test_the_points_of_every_curve_are_in_order_of_time() -> None:
    for scenario in SCENARIOS.values():
        for curve in (scenario.index, scenario.level, scenario.stress):
            assert all(0 <= left[0] < right[0] <= 1 for left, right in pairwise(curve))


def test_the_plain_market_is_as_the_settings_say() -> None:
    assert SCENARIOS["plain"] == Scenario()


def test_a_calm_day_moves_less_and_is_cheaper_to_trade() -> None:
    plain, calm = events_of("plain"), events_of("calm")
    assert realized(index_of(calm)) == pytest.approx(0.5 * realized(index_of(plain)), rel=0.2)
    assert sum(spreads(calm)) / len(spreads(calm)) < sum(spreads(plain)) / len(spreads(plain))


@pytest.mark.parametrize("seed", range(3))
def test_a_crash_takes_a_quarter_and_volatility_more_than_doubles(seed: int) -> None:
    events = events_of("crash", seed)
    path = index_of(events)
    before, low = path[int(0.39 * len(path))], min(path)
    assert 0.65 < low / before < 0.82
    assert low < path[-1]
    assert iv_at(events, 0.53) > 1.8 * iv_at(events, 0.38)


@pytest.mark.parametrize("seed", range(3))
def test_a_melt_up_ends_far_above_its_beginning(seed: int) -> None:
    path = index_of(events_of("melt-up", seed))
    assert 1.15 < path[-1] / path[0] < 1.5
    assert max(abs(math.log(right / left)) for left, right in pairwise(path)) < 0.03


def test_a_spike_of_volatility_comes_without_a_move_of_the_index_and_fades() -> None:
    events = events_of("vol-spike")
    plain = index_of(events_of("plain"))
    assert iv_at(events, 0.49) > 1.6 * iv_at(events, 0.40) > iv_at(events, 0.95)
    assert abs(math.log(index_of(events)[-1] / plain[-1])) < 0.05


@pytest.mark.parametrize("seed", range(5))
def test_before_an_expiry_the_index_is_drawn_to_a_strike(seed: int) -> None:
    market = attrs.evolve(SMALL, scenario="pin-at-expiry", seed=seed)
    strikes = {float(contract.strike) for contract in market.open("sim").contracts() if contract.expiry == START + 8 * HOUR}
    settled = next(e.price for e in market.open("sim").events() if isinstance(e, UnderlyingPriced) and e.time == START + 8 * HOUR)
    assert min(abs(math.log(settled / strike)) for strike in strikes) < 0.001


def test_an_illiquid_market_has_wide_thin_and_empty_sides_and_few_trades() -> None:
    plain, illiquid = events_of("plain"), events_of("illiquid")
    assert sum(spreads(illiquid)) / len(spreads(illiquid)) > 3 * sum(spreads(plain)) / len(spreads(plain))
    quotes = [event for event in illiquid if isinstance(event, Quoted)]
    assert sum(quote.ask is None for quote in quotes) > 0.08 * len(quotes)
    assert sum(isinstance(event, Traded) for event in illiquid) < 0.15 * sum(isinstance(event, Traded) for event in plain)
