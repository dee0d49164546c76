"""Which contracts are listed, which ended, and who is spoken of without being listed."""

from __future__ import annotations

import attrs
import pytest

from strikeloop import AlertRaised, Contract, ContractExpired, ContractId, ContractListed, Event, OptionKind, PositionUpdated
from strikeloop.adapter import Channel, Decoded
from strikeloop.session import FetchContracts, Listing, Subscribe, Unsubscribe
from tests.framework.session.stage import CALL, POSITIONS, PUT, SECOND, START, D, Stage, balance, position

NAMED = (Channel(name="quotes", by_contract=True), Channel(name="prices"))


def contract(name: str = "BTC-C", *, expires_s: float = 3_600) -> Contract:
    return Contract(
        id=ContractId.of("venue", name),
        underlying="BTC_USDT",
        kind=OptionKind.CALL,
        strike=D(70_000),
        expiry=START + round(expires_s * SECOND),
        multiplier=D("0.01"),
        tick=D(1),
        mark_tick=D("0.1"),
    )


# ---- the list ----


def test_what_is_listed_is_told_once_and_again_when_it_changes() -> None:
    listing = Listing()
    assert [event.contract for event in listing.listed([contract()], START) if isinstance(event, ContractListed)] == [CALL]
    assert listing.listed([contract()], START + 1) == []
    assert len(listing.listed([attrs.evolve(contract(), tick=D(5))], START + 2)) == 1
    assert (listing.active, listing.revision, CALL in listing, PUT in listing) == ((CALL,), 1, True, False)


def test_contracts_end_by_the_clock_each_once_in_the_order_of_their_expiry() -> None:
    listing = Listing()
    listing.listed([contract("b", expires_s=2), contract("a", expires_s=1), contract("late", expires_s=9)], START)
    assert listing.expired(START) == []
    over = listing.expired(START + 3 * SECOND)
    assert [(type(event), event.time) for event in over] == [(ContractExpired, START + SECOND), (ContractExpired, START + 2 * SECOND)]
    assert listing.expired(START + 3 * SECOND) == []
    assert [one.name for one in listing.active] == ["late"]


def test_what_has_expired_is_not_listed_anew() -> None:
    listing = Listing()
    listing.listed([contract(expires_s=1)], START)
    listing.expired(START + SECOND)
    assert (listing.listed([contract(expires_s=1)], START + 2 * SECOND), listing.active) == ([], ())
    assert CALL in listing


def test_the_list_is_due_each_minute_and_soon_where_somebody_waits() -> None:
    listing = Listing()
    listing.listed([], START)
    assert not listing.is_due(START + 59 * SECOND)
    assert listing.is_due(START + 60 * SECOND)
    assert not listing.is_due(START + 60 * SECOND)
    listing.is_wanted = True
    assert listing.is_due(START + 61 * SECOND)


# ---- in a feed's session ----


def feed(*contracts: Contract) -> Stage:
    listing = Listing()
    listing.listed(contracts, START)
    return Stage(NAMED, port="feed", listing=listing).connect().acknowledge().forget()


def test_a_feed_asks_for_the_list_each_minute_and_tells_what_is_new() -> None:
    stage = feed(contract()).alive_until(60.2)
    assert stage.asked(FetchContracts) == [FetchContracts()]
    stage.session.listed([contract(), contract("BTC-P")], stage.now)
    assert [event.contract for event in stage.listen().said(ContractListed)] == [PUT]


def test_new_contracts_are_subscribed_and_dead_ones_dropped_without_another_connection() -> None:
    stage = feed(contract("dies", expires_s=5), contract())
    stage.session.listed([contract("BTC-P")], stage.now)
    stage.alive_until(1)
    assert stage.asked(Subscribe) == [Subscribe(1, "quotes", (PUT,))]
    stage.forget().alive_until(5.5)
    assert stage.asked(Unsubscribe) == [Unsubscribe(1, "quotes", (ContractId.of("venue", "dies"),))]
    assert stage.asked(Subscribe) == []


def test_a_contract_told_by_the_stream_is_listed_too() -> None:
    stage = feed(contract())
    told = ContractListed(time=0, received=0, contract=PUT, specification=contract("BTC-P"))
    stage.frame(Decoded(channel="contracts", events=(told,))).alive_until(0.5)
    assert [event.contract for event in stage.said(ContractListed)] == [PUT]
    assert stage.asked(Subscribe) == [Subscribe(1, "quotes", (PUT,))]


def test_a_list_that_does_not_come_is_told_to_people() -> None:
    stage = feed()
    stage.session.failed("no answer within 20 s", stage.now)
    assert [event.text for event in stage.listen().said(AlertRaised)] == ["venue: no answer within 20 s"]


# ---- contracts that are not on the list ----


def account(listing: Listing) -> Stage:
    listing.listed([contract()], START)
    return Stage(listing=listing).ready(balance(100))


def strange(stage: Stage) -> list[Event]:
    return [event for event in stage.events if isinstance(event, PositionUpdated) and event.contract == PUT]


def test_what_is_said_of_a_contract_waits_until_it_is_listed() -> None:
    listing = Listing()
    stage = account(listing).say(POSITIONS, position(1, contract=PUT, received=START), position(2, received=START))
    assert [event.contract for event in stage.said(PositionUpdated)] == [CALL]
    assert listing.is_wanted
    listing.listed([contract("BTC-P")], stage.now)
    assert len(strange(stage.at(0.2))) == 1
    assert stage.said(AlertRaised) == []


@pytest.mark.parametrize("is_answered", [True, False], ids=["a-list-without-it", "no-list"])
def test_what_no_list_names_is_told_all_the_same_with_an_alert(is_answered: bool) -> None:
    listing = Listing()
    stage = account(listing).say(POSITIONS, position(1, contract=PUT, received=START), position(3, contract=PUT, received=START))
    stage.at(0.5)
    assert strange(stage) == []
    if is_answered:
        listing.listed([contract()], stage.now)
    stage.alive_until(0.7 if is_answered else 5.1)
    assert [event.size for event in strange(stage) if isinstance(event, PositionUpdated)] == [1, 3]
    assert len(stage.said(AlertRaised)) == 1
    assert len(strange(stage.say(POSITIONS, position(4, contract=PUT, received=stage.now)))) == 3
