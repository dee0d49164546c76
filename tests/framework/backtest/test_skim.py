"""The specification of strikeloop.backtest.skim: nobody can tell whether every row was visited."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from strikeloop import AlertRaised, BookUpdated, Event, Quoted, TickerUpdated, Traded, UnderlyingPriced
from strikeloop.backtest import Backtest, Result
from strikeloop.backtest.each import Each
from strikeloop.backtest.skim import Skim
from strikeloop.columns import Batch
from strikeloop.engine import Plugin
from strikeloop_venue import VenueSettings
from strikeloop_venue.queue import MODELS
from tests.framework.backtest.columnar import IDS, Anything, Market, drawn
from tests.framework.stage import contract

KINDS: list[tuple[type[Event], ...]] = [
    (Quoted,),
    (Quoted, TickerUpdated),
    (Quoted, Traded, TickerUpdated, UnderlyingPriced),
    (Quoted, Traded),
]


def ran(sources: list[Market], strategies: list[dict[str, Any]], venue: dict[str, Any], *, each: bool) -> tuple[Result, list[Event]]:
    told: list[Event] = []
    plugins = [Plugin(name=f"s{index}", kind="strategy", plugin=Anything(**options)) for index, options in enumerate(strategies)]
    settled = VenueSettings(**venue)
    run = Backtest(plugins, sources=sources, open_venue=lambda listed: settled.open("sim", listed), listen=told.append, each=each)
    return run.run(), told


def same(sources: list[Market], strategies: list[dict[str, Any]], venue: dict[str, Any]) -> list[Event]:
    (each, told), (skimmed, heard) = (ran(sources, strategies, venue, each=each) for each in (True, False))
    for one, other in zip(told, heard, strict=False):
        assert one == other
    assert len(told) == len(heard)
    assert each.digest == skimmed.digest
    assert each.record() == skimmed.record()
    assert each.engine.clock.now == skimmed.engine.clock.now
    assert not each.record()["faults"]
    return told


venues = st.fixed_dictionaries(
    {
        "queue": st.sampled_from(sorted(MODELS)),
        "whole_fills": st.booleans(),
        "consume_liquidity": st.booleans(),
        "mark_every_s": st.sampled_from([0.05, 1.0, None]),
        "balance": st.sampled_from([300, 100_000]),
        "margin": st.sampled_from(["classic", "none"]),
        "latency": st.sampled_from([{}, {"entry_ms": 5, "response_ms": 5}, {"entry_ms": 100, "response_ms": 0}]),
        "settlement_window_s": st.just(2),
    }
)
strategies = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 1_000),
        "busy": st.sampled_from([0.02, 0.3]),
        "every": st.sampled_from([1, 3, 7, 100]),
        "kinds": st.sampled_from([(), (Quoted,), (Traded, TickerUpdated)]),
    }
)


@given(st.integers(0, 10_000), st.sampled_from(KINDS), st.booleans(), st.lists(strategies, min_size=1, max_size=2), venues)
@example(629, (Quoted,), False, [{"seed": 117, "busy": 0.3}], {"queue": "back", "mark_every_s": 0.05, "balance": 300})  # expires touched
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_strategy_meets_the_same_world(
    seed: int, kinds: tuple[type[Event], ...], depth: bool, plugins: list[dict[str, Any]], venue: dict[str, Any]
) -> None:
    same([drawn(seed, kinds=kinds, depth=depth)], plugins, venue)


def test_the_worlds_are_not_empty() -> None:
    told = same([drawn(3)], [{"seed": 5, "busy": 0.3}], {})
    kinds = {type(event).__name__ for event in told}
    assert {"Filled", "OrderUpdated", "PositionUpdated", "ContractSettled", "AlertRaised", "TimerFired"} <= kinds
    assert sum(isinstance(event, AlertRaised) and event.topic == "seen" for event in told) >= 3


@pytest.mark.parametrize("seed", range(4))
def test_several_sources_are_merged_as_they_are_row_by_row(seed: int) -> None:
    markets = [drawn(seed, rows=120, kinds=(Quoted,)), drawn(seed + 50, rows=200, kinds=(Traded, TickerUpdated), size=25)]
    same(markets, [{"seed": seed, "busy": 0.3}], {})


@pytest.mark.parametrize(("every", "walk"), [(8, Each), (100, Skim)])
def test_where_many_rows_stand_in_no_columns_each_is_visited(every: int, walk: type) -> None:
    rows = list(drawn(3, kinds=(Quoted,)).batches())
    book = BookUpdated(time=0, received=0, contract=IDS[0], bids=((99.0, 5.0),), asks=((101.0, 5.0),), snapshot=True)
    batches = [attrs.evolve(rows[0], events=(book,) * (len(rows[0]) // every), places=()), *rows[1:]]
    settled = VenueSettings()
    run = Backtest([], sources=[Market(batches, [contract()])], open_venue=lambda listed: settled.open("sim", listed))
    assert type(run._walk()) is walk


# ---- a market that is received later than it happens ----------------------------------------------------------------------


def delayed(market: Market, by: int, *, first: int = 0) -> Market:
    """The same market, each row received `by` ns after it happened, from the batch `first` on."""

    def late(batch: Batch) -> Batch:
        parts = tuple(attrs.evolve(part, received=part.time + by) for part in batch.parts)
        return attrs.evolve(batch, parts=parts, events=tuple(attrs.evolve(event, received=event.time + by) for event in batch.events))

    batches = [late(batch) if number >= first else batch for number, batch in enumerate(market.batches())]
    return Market(batches, market.contracts())


@pytest.mark.parametrize("depth", [False, True])
def test_what_is_received_later_is_seen_later(depth: bool) -> None:
    market = delayed(drawn(3, depth=depth), 50_000_000)
    told = same([market], [{"seed": 1, "busy": 0.3}], {})
    assert told
    at_once, _ = ran([drawn(3, depth=depth)], [{"seed": 1, "busy": 0.3}], {}, each=False)
    later, _ = ran([market], [{"seed": 1, "busy": 0.3}], {}, each=False)
    assert at_once.digest != later.digest


@given(st.integers(0, 10_000), st.booleans(), st.integers(1, 6), strategies, venues)
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_market_that_begins_to_be_received_later_is_seen_later_from_there_on(
    seed: int, depth: bool, first: int, strategy: dict[str, Any], venue: dict[str, Any]
) -> None:
    same([delayed(drawn(seed, depth=depth), 50_000_000, first=first)], [strategy], venue)
