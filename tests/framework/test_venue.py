"""The specification of strikeloop.venue: the contract, held by the simulated venue and its market."""

from __future__ import annotations

from itertools import islice, pairwise

import pytest

from strikeloop import Event, OrderState, OrderUpdated, Quoted, SubmitOrder
from strikeloop.commands import Approved
from strikeloop.venue import Source, Venue
from strikeloop_venue import GeneratedMarket, VenueSettings
from tests.framework.stage import SECOND, D

START = 1_750_000_000 * SECOND


def market(seed: int = 7) -> Source:
    return GeneratedMarket(seed=seed, start=START, duration_s=30).open("venue")


def opened() -> tuple[Venue, list[Event]]:
    """A venue that has seen the beginning of a market, and what was told of it."""
    source = market()
    venue: Venue = VenueSettings().open("venue", source.contracts())
    seen = list(islice(source.events(), 2_000))
    for event in seen:
        venue.on_market(event)
    return venue, seen


def bid(venue: Venue, now: int) -> None:
    """A buy far below the market, which rests."""
    contract = venue.contracts()[0]
    order = SubmitOrder(client_id="t-run-s-1", contract=contract.id, size=D(1), price=contract.tick)
    venue.on_command(Approved(order, "s", now), now)


def test_a_market_never_goes_back_in_time() -> None:
    times = [event.time for event in islice(market().events(), 5_000)]
    assert all(earlier <= later for earlier, later in pairwise(times))


def test_quotes_come_of_contracts_that_are_listed() -> None:
    source = market()
    quoted = {event.contract for event in islice(source.events(), 2_000) if isinstance(event, Quoted)}
    assert quoted
    assert quoted <= {contract.id for contract in source.contracts()}


def test_the_hash_of_a_market_stands_for_what_it_tells() -> None:
    assert market().content_hash() == market().content_hash() != market(seed=8).content_hash()


def test_nothing_comes_of_a_command_before_its_time() -> None:
    venue, seen = opened()
    now = seen[-1].time
    venue.advance(now)
    bid(venue, now)
    due = venue.next_time()
    assert due is not None
    assert due > now
    assert not [event for event in venue.advance(due - 1) if isinstance(event, OrderUpdated)]


@pytest.mark.parametrize("wait_s", [1, 10])
def test_what_comes_of_a_command_is_received_in_order_and_by_then(wait_s: int) -> None:
    venue, seen = opened()
    now = seen[-1].time
    bid(venue, now)
    told = venue.advance(now + wait_s * SECOND)
    assert OrderState.OPEN in [event.state for event in told if isinstance(event, OrderUpdated)]
    received = [event.received for event in told]
    assert received == sorted(received)
    assert received[-1] <= now + wait_s * SECOND


def test_a_snapshot_lists_what_rests() -> None:
    venue, seen = opened()
    now = seen[-1].time
    bid(venue, now)
    venue.advance(now + SECOND)
    assert [order.client_id for order in venue.snapshot(now + SECOND).orders] == ["t-run-s-1"]
