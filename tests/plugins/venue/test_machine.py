"""The venue in time: latency, sequence, and the laws that hold whatever happens."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal as D
from decimal import localcontext
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strikeloop import (
    BalanceUpdated,
    ContractListed,
    Event,
    Filled,
    LedgerPosted,
    OptionKind,
    OrderState,
    OrderUpdated,
    PositionUpdated,
    SubmitOrder,
    TimeInForce,
    canonical,
)
from strikeloop.venue import Venue
from strikeloop_venue import SimulatedVenue, VenueSettings
from tests.plugins.venue.stage import CALL, MS, PUT, SECOND, START, Stage, contract

# ---- latency and sequence --------------------------------------------------------------------------------------------


def test_a_command_is_heard_of_after_entry_and_response() -> None:
    stage = Stage(latency_ms=5).index(70_000).ticker(500).quote(490, 510)
    order = stage.submit(1, 510)
    assert stage.venue.next_time() == START + 5 * MS
    told = stage.at(1).order(order)
    assert (told.time, told.received) == (START + 5 * MS, START + 10 * MS)


def test_next_time_names_every_moment_at_which_something_happens_and_no_other() -> None:
    stage = Stage(latency_ms=5).index(70_000).ticker(500).quote(490, 510)
    assert stage.venue.next_time() == START + 8 * 3600 * SECOND
    stage.submit(1, 510)
    moments: list[tuple[int, int]] = []
    while (time := stage.venue.next_time()) is not None and time < START + SECOND:
        moments.append((time - START, len(stage.venue.advance(time))))
    assert moments == [(5 * MS, 0), (10 * MS, 7)]


def test_before_anything_was_said_nothing_is_pending_and_then_the_opening_is() -> None:
    venue = VenueSettings().open("venue", ())
    assert venue.next_time() is None
    stage = Stage()
    stage.venue.on_market(ContractListed(time=START + 7, received=START + 7, contract=CALL, specification=contract()))
    assert stage.venue.next_time() == START + 7
    assert [event.received for event in stage.venue.advance(START + 7)] == [START + 7, START + 7]


def test_market_data_comes_before_a_request_that_arrives_at_the_same_time() -> None:
    stage = Stage(latency_ms=5).index(70_000).ticker(500).quote(490, 510)
    stage.submit(1, 520)
    stage.now += 5 * MS
    stage.quote(490, 500).at(1)
    assert stage.last(Filled).price == 500


def test_of_two_requests_only_the_later_one_sees_market_data_of_its_own_arrival() -> None:
    stage = Stage(latency_ms=5).index(70_000).ticker(500).quote(490, 510)
    stage.submit(1, 520)
    stage.now += 1
    stage.submit(1, 520)
    stage.now += 5 * MS
    stage.quote(490, 500).at(1)
    assert [fill.price for fill in stage.all(Filled)] == [510, 500]


def test_market_data_after_the_arrival_of_a_request_comes_too_late() -> None:
    stage = Stage(latency_ms=5).index(70_000).ticker(500).quote(490, 510)
    stage.submit(1, 520)
    stage.now += 5 * MS + 1
    stage.quote(490, 500).at(1)
    assert stage.last(Filled).price == 510


def test_requests_and_answers_keep_their_sequence_under_random_latency() -> None:
    latency = {"kind": "lognormal", "entry_ms": 1, "response_ms": 1, "jitter_ms": 20, "sigma": 2.0}
    stage = Stage(latency=latency).index(70_000).ticker(500).quote(490, 510)
    for _ in range(8):
        stage.submit(1, 480)
        stage.now += MS
    stage.at(60)
    assert [event.client_id for event in stage.all(OrderUpdated)] == [f"t-{number}" for number in range(1, 9)]
    assert [event.received for event in stage.heard] == sorted(event.received for event in stage.heard)


def test_a_lost_command_is_refused_after_its_time() -> None:
    stage = Stage(latency={"entry_ms": -7}).index(70_000)
    order = stage.submit(1, 480)
    told = stage.at(1).order(order)
    assert (told.state, told.received) == (OrderState.REJECTED, START + 7 * MS)
    assert told.reason.startswith("TOO_BUSY: ")


def test_a_server_s_command_takes_the_same_way_as_an_approved_one() -> None:
    stage = Stage(latency_ms=5).index(70_000).ticker(500).quote(490, 510)
    stage.venue.accept(SubmitOrder(client_id="api-1", contract=CALL, size=D(1), price=D(480)), stage.now)
    told = stage.at(1).order("api-1")
    assert (told.state, told.received) == (OrderState.OPEN, START + 10 * MS)


def test_a_listed_contract_can_be_traded() -> None:
    stage = Stage(contract())
    fresh = contract(id=PUT, kind=OptionKind.PUT)
    stage.market(ContractListed(time=START, received=START, contract=PUT, specification=fresh))
    assert stage.venue.contracts() == (contract(), fresh)
    assert stage.order(stage.submit(1, 480, contract=PUT)).state is OrderState.OPEN


def test_market_data_of_unknown_contracts_and_unknown_kinds_changes_nothing() -> None:
    stage = Stage(contract()).quote(490, 510, contract=PUT).ticker(500, contract=PUT)
    stage.market(PositionUpdated(time=START, received=START, contract=CALL, size=D(1), entry_price=D(1), realized_pnl=D(0)))
    assert (stage.venue.tickers(), stage.venue.positions(), stage.venue.book(PUT)) == ({}, (), ((), ()))


def test_it_is_a_venue() -> None:
    venue: Venue = VenueSettings().open("venue", (contract(),))
    assert isinstance(venue, SimulatedVenue)


# ---- laws ------------------------------------------------------------------------------------------------------------

TICKS = st.integers(490, 512)
SIZES = st.integers(-6, 6)
ACTIONS = st.one_of(
    st.tuples(st.just("quote"), TICKS, st.integers(0, 8), st.integers(1, 5)),
    st.tuples(st.just("depth"), TICKS, st.integers(0, 8), st.integers(1, 5)),
    st.tuples(st.just("trade"), TICKS, SIZES, st.just(0)),
    st.tuples(st.just("ticker"), TICKS, st.just(0), st.just(0)),
    st.tuples(st.just("submit"), TICKS, SIZES, st.sampled_from(range(5))),
    st.tuples(st.just("reduce"), TICKS, SIZES, st.sampled_from(range(5))),
    st.tuples(st.just("cancel"), st.integers(1, 12), st.just(0), st.just(0)),
    st.tuples(st.just("amend"), st.integers(1, 12), SIZES, st.integers(0, 1)),
)
FLOW = st.lists(ACTIONS, max_size=40)
TIFS = (TimeInForce.GTC, TimeInForce.IOC, TimeInForce.POC, None, TimeInForce.FOK)


def play(flow: Sequence[tuple[str, int, int, int]], **terms: object) -> Stage:
    """A random order flow on a moving market, up to half an hour before the expiry."""
    stage = Stage(contract(), latency_ms=3, **terms).index(70_123.456).ticker(500).quote(495, 505)
    for kind, first, second, third in flow:
        stage.now += MS
        _act(stage, kind, first, second, third)
    return stage.at(3600)


def _act(stage: Stage, kind: str, first: int, second: int, third: int) -> None:
    match kind:
        case "quote":
            stage.quote(first, first + second if second else None, third, third)
        case "depth":
            stage.depth([(first, third), (first - 3, 2)], [(first + second + 1, third), (first + second + 4, 2)])
        case "trade":
            stage.trade(first, second)
        case "ticker":
            stage.ticker(first)
        case "submit" | "reduce":
            tif = TIFS[third]
            stage.submit(second, None if tif is None else first, tif or TimeInForce.GTC, reduce_only=kind == "reduce")
        case "cancel":
            stage.cancel(f"t-{first}")
        case _:
            stage.amend(f"t-{first}", price=495 + first if third else None, size=second)


@given(FLOW, st.sampled_from(["risk-averse", "front", "back", "log", "power3"]), st.booleans())
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_every_order_is_open_or_ended_once_and_its_fills_are_size_less_left(flow: list, queue: str, consume: bool) -> None:  # type: ignore[type-arg]  # rows of the strategy above
    stage = play(flow, queue=queue, consume_liquidity=consume)
    filled: dict[str, D] = {}
    for fill in stage.all(Filled):
        filled[fill.order_id] = filled.get(fill.order_id, D(0)) + fill.size
    ended: set[str] = set()
    last: dict[str, OrderUpdated] = {}
    for event in stage.all(OrderUpdated):
        if event.order_id is None:
            continue
        before = last.get(event.order_id)
        assert before is None or not before.state.is_terminal or (before.state, before.left) == (event.state, event.left)
        last[event.order_id] = event
        ended.update([event.order_id] if event.state.is_terminal else [])
    for order_id, event in last.items():
        assert event.filled == filled.get(order_id, D(0))
        assert (event.state is OrderState.FILLED) == (event.left == 0)
    assert {order.order_id for order in stage.venue.orders(is_open=False)} == ended
    assert {order.order_id for order in stage.venue.orders()} == set(last)


@given(FLOW)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_cash_is_balance_plus_premium_less_fees_plus_settlements_to_the_last_digit(flow: list) -> None:  # type: ignore[type-arg]  # the same
    stage = play(flow).index(70_987.654321).at(9 * 3600)
    with localcontext() as context:
        context.prec = 200
        posted = stage.all(LedgerPosted)
        by_kind = {kind: sum((post.change for post in posted if post.kind == kind), D(0)) for kind in ("prem", "fee", "set")}
        premium = -sum((fill.price * fill.size * D("0.01") for fill in stage.all(Filled)), D(0))
        fees = sum((fill.fee or D(0) for fill in stage.all(Filled)), D(0))
        assert by_kind["prem"] == premium
        assert stage.settings.balance + sum(by_kind.values()) == stage.venue.account().total == stage.last(BalanceUpdated).total
        assert by_kind["fee"] <= -fees
    for before, after in pairwise(stage.all(LedgerPosted)):
        assert before.balance + after.change == after.balance


@given(FLOW)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_the_position_is_the_sum_of_its_fills(flow: list) -> None:  # type: ignore[type-arg]  # the same
    stage = play(flow)
    size = sum((fill.size for fill in stage.all(Filled)), D(0))
    told = [event.size for event in stage.all(PositionUpdated)]
    assert (told[-1] if told else D(0)) == size
    assert sum((position.size for position in stage.venue.positions()), D(0)) == size
    assert stage.at(9 * 3600).venue.positions() == ()


@given(FLOW)
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
def test_the_same_input_gives_the_same_bytes(flow: list) -> None:  # type: ignore[type-arg]  # the same
    first, second = play(flow), play(flow)
    assert text(first.heard) == text(second.heard)
    assert all(math.isfinite(event.received) for event in first.heard)


@given(FLOW)
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
def test_nothing_is_heard_out_of_order_or_before_it_happened(flow: list) -> None:  # type: ignore[type-arg]  # the same
    heard = play(flow).heard
    assert [event.received for event in heard] == sorted(event.received for event in heard)
    assert all(event.time <= event.received for event in heard)


@given(FLOW)
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
def test_a_buy_never_pays_more_than_its_limit_and_a_sell_never_gets_less(flow: list) -> None:  # type: ignore[type-arg]  # the same
    stage = play([row for row in flow if row[0] != "amend"])
    for fill in stage.all(Filled):
        order = stage.venue.order(fill.order_id)
        assert order is not None
        assert order.price is None or (order.price - fill.price) * fill.size >= 0


def text(events: Sequence[Event]) -> bytes:
    return b"\n".join(canonical(event) for event in events)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_seed_of_the_venue_moves_random_latency_only(seed: int) -> None:
    flow = [("submit", 505, 3, 0), ("submit", 500, -1, 0), ("quote", 496, 9, 3)]
    assert text(play(flow, seed=seed).heard) == text(play(flow).heard)
