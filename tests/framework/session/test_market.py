"""What a feed tells of its market: bars once they are over, books once they are whole, everything else as it comes."""

from __future__ import annotations

import pytest

from strikeloop import AlertRaised, CandleClosed, ContractId, GapOpened, Quoted
from strikeloop.adapter import BookIds, Channel, Decoded
from strikeloop.session import FetchBook
from strikeloop.session.market import Market
from strikeloop.session.notices import MOST_NOTICES
from tests.framework.session.stage import CALL, PUT, Stage
from tests.framework.session.test_books import change, whole

BARS = Channel(name="bars", repeats_bars=True)
BOOKS = Channel(name="books", books=BookIds.CHAINED)
QUOTES = Channel(name="quotes")


def bar(start: int, close: float = 1.0, contract: ContractId = CALL, interval: int = 60) -> CandleClosed:
    return CandleClosed(
        time=start, received=start, contract=contract, start=start, interval=interval, open=1.0, high=2.0, low=0.5, close=close
    )


def quote() -> Quoted:
    return Quoted(time=0, received=0, contract=CALL, bid=1.0, ask=2.0, bid_size=1.0, ask_size=1.0)


def feed() -> Stage:
    return Stage((BARS, BOOKS, QUOTES), port="feed").connect().acknowledge().forget()


def test_a_bar_is_told_once_when_the_next_one_begins_as_it_last_stood() -> None:
    market = Market([BARS])
    told = [market.streamed("bars", each) for each in (bar(0, 1.0), bar(0, 1.5), bar(60), bar(60), bar(120))]
    assert told == [None, None, bar(0, 1.5), None, bar(60)]


def test_bars_of_contracts_and_intervals_do_not_end_one_another() -> None:
    market = Market([BARS])
    assert [market.streamed("bars", each) for each in (bar(0), bar(60, contract=PUT), bar(60, interval=300))] == [None] * 3


def test_a_bar_that_is_over_is_not_told_again() -> None:
    market = Market([BARS])
    told = [market.streamed("bars", each) for each in (bar(60), bar(0), bar(60, 1.5), bar(120))]
    assert told == [None, None, None, bar(60, 1.5)]


def test_a_bar_whose_end_may_have_been_missed_is_not_told() -> None:
    market = Market([BARS])
    market.streamed("bars", bar(0))
    market.reset()
    assert market.streamed("bars", bar(60)) is None


@pytest.mark.parametrize("event", [bar(0), quote(), change(1, 1)])
def test_what_its_channel_does_not_declare_passes_as_it_is(event: CandleClosed) -> None:
    assert Market([QUOTES]).streamed("quotes", event) is event
    assert Market([BARS, BOOKS]).streamed("nowhere", event) is event


def test_a_session_asks_for_a_book_and_tells_it_with_what_came_meanwhile() -> None:
    stage = feed().say("books", change(11, 11, bids=((5.0, 2.0),)))
    assert stage.asked(FetchBook) == [FetchBook(CALL)]
    stage.session.book(whole(10, bids=((5.0, 1.0),)), stage.now)
    assert stage.listen().events == [whole(11, bids=((5.0, 2.0),))]


def test_a_session_tells_a_gap_in_a_book_and_asks_again() -> None:
    stage = feed().say("books", change(10, 10))
    stage.session.book(whole(10), stage.now)
    stage.forget().say("books", change(12, 12))
    assert [event.reason for event in stage.said(GapOpened)] == ["BTC-C: change 12 does not follow on 10"]
    assert stage.asked(FetchBook) == [FetchBook(CALL)]


def test_a_book_that_did_not_come_is_asked_for_with_the_passing_of_time() -> None:
    stage = feed().say("books", change(10, 10)).forget()
    stage.session.book_failed(CALL, stage.now)
    assert stage.alive_until(2).asked(FetchBook) == [FetchBook(CALL)]


def test_a_new_connection_begins_its_books_and_bars_anew() -> None:
    stage = feed().say("books", change(10, 10)).say("bars", bar(0))
    stage.lose().link().acknowledge().forget()
    stage.session.book(whole(10), stage.now)
    stage.listen().say("bars", bar(60))
    assert stage.events == []


def test_what_an_adapter_noticed_is_told_once_a_minute() -> None:
    stage = feed()
    for second in (0, 59, 60):
        stage.alive_until(second)
        stage.frame(Decoded(channel="quotes", notices=("unknown field x", "unknown field y")))
        stage.listen()
    assert [event.text for event in stage.said(AlertRaised)] == ["venue: unknown field x", "venue: unknown field y"] * 2


def test_endless_new_notices_do_not_pile_up() -> None:
    stage = feed()
    for number in range(MOST_NOTICES + 10):
        stage.frame(Decoded(channel="quotes", notices=(f"unknown field {number}",)))
    assert len(stage.listen().said(AlertRaised)) == MOST_NOTICES
