"""The venue under the generated market for hours: what a run must keep."""

from __future__ import annotations

import hashlib
from decimal import Decimal as D
from random import Random

from strikeloop import BalanceUpdated, Event, Filled, LedgerPosted, PositionUpdated, Quoted, SubmitOrder, canonical
from strikeloop_venue import GeneratedMarket, VenueSettings


def traded(seed: int) -> tuple[list[Event], D]:
    """An hour across an expiry, with random orders at the best prices; what was heard, and the cash at the end."""
    source = GeneratedMarket(seed=seed, start=1_780_298_100 * 10**9, duration_s=3600, step_ms=60_000).open("venue")
    venue = VenueSettings(balance="1000000").open("venue", source.contracts())
    random, count = Random(seed), 0
    heard: list[Event] = []
    for event in source.events():
        venue.on_market(event)
        heard += venue.advance(event.time)
        if isinstance(event, Quoted) and event.bid is not None and event.ask is not None and random.random() < 0.01:
            count += 1
            price = D(round(random.choice([event.bid, event.ask])))
            size = D(random.choice([-2, -1, 1, 3]))
            venue.accept(SubmitOrder(client_id=f"t-{count}", contract=event.contract, size=size, price=price), event.time)
    return heard, venue.account().total


def test_money_and_contracts_are_conserved_over_a_market_with_expiries() -> None:
    heard, cash = traded(3)
    posted = [event for event in heard if isinstance(event, LedgerPosted)]
    assert {event.kind for event in posted} == {"prem", "fee", "set"}
    assert cash == D(1_000_000) + sum(event.change for event in posted)
    sizes: dict[str, D] = {}
    for event in heard:
        if isinstance(event, Filled):
            sizes[event.contract.name] = sizes.get(event.contract.name, D(0)) + event.size
    told = {event.contract.name: event.size for event in heard if isinstance(event, PositionUpdated)}
    assert set(told) == set(sizes)
    assert all(told[name] in (size, 0) for name, size in sizes.items())
    assert [event for event in heard if isinstance(event, BalanceUpdated)][-1].total == cash


def test_the_same_seed_gives_the_same_run() -> None:
    first, second = (hashlib.sha256(b"".join(map(canonical, traded(5)[0]))).hexdigest() for _ in range(2))
    assert first == second
