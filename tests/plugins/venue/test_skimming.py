"""The specification of strikeloop_venue.skimming: which rows matter; that the others do not is played in tests/framework/backtest."""

from __future__ import annotations

import attrs
import numpy as np
import pytest

from strikeloop import Approved, CancelOrder, InvariantError, Quoted, SubmitOrder, TickerUpdated, Traded
from strikeloop.backtest.merge import stretches
from strikeloop.venue import Batch, Columns, Passing
from strikeloop_venue import SimulatedVenue, VenueSettings
from tests.framework.backtest.columnar import Market
from tests.plugins.venue.stage import CALL, PUT, START, D, contract

AT_ONCE = {"entry_ms": 0, "response_ms": 0}


def rows(kind: type, *told: tuple[float, ...]) -> Columns:
    """Rows one microsecond apart about the call."""
    names = {Quoted: ("bid", "ask", "bid_size", "ask_size"), Traded: ("price", "size"), TickerUpdated: ("mark_price", "delta")}[kind]
    time = START + 1_000 * np.arange(1, len(told) + 1)
    figures = zip(names, np.array(told, float).T, strict=True)
    return Columns(kind=kind, keys=(CALL, PUT), key=np.zeros(len(told), np.int32), time=time, received=time, fields=dict(figures))


def skimming(part: Columns | Batch, **settings: object) -> tuple[SimulatedVenue, Passing]:
    """A venue with one resting buy at 100, before any row has passed."""
    venue = VenueSettings(latency=AT_ONCE, **settings).open("venue", (contract(),))  # type: ignore[arg-type]  # fields of many types
    passing = Passing()
    venue.skim(passing)
    batch = part if isinstance(part, Batch) else Batch(parts=(part,))
    passing.turn(next(stretches([Market([batch], ())])))
    venue.advance(START)
    venue.on_command(Approved(SubmitOrder(client_id="t-1", contract=CALL, size=D(1), price=D(100)), "s", START), START)
    venue.advance(START)
    return venue, passing


def test_a_quote_that_reaches_an_order_touches_it() -> None:
    venue, passing = skimming(rows(Quoted, (101, 105, 1, 1), (100, 103, 1, 1), (100, 102, 2, 1), (97, 100, 1, 1)), queue="front")
    assert venue.touched() == 3
    passing.at = 3
    venue.on_market(passing.stretch.event(3))
    assert [fill.price for fill in venue.fills()] == [D(100)]
    passing.at = 4
    assert venue.touched() == 4


def test_an_order_meets_the_quotes_before_a_trade_when_somebody_trades_at_its_price() -> None:
    quoted = [(101, 105, 1, 1), (100, 105, 6, 1), (100, 105, 2, 1), (100, 105, 9, 1), (101, 105, 0, 1), (100, 105, 4, 1)]
    traded = attrs.evolve(rows(Traded, (100, -3)), time=np.array([START + 4_500]), received=np.array([START + 4_500]))
    venue, passing = skimming(Batch(parts=(rows(Quoted, *quoted), traded)), queue="risk-averse")
    assert venue.touched() == 4
    passing.at = 4
    venue.on_market(passing.stretch.event(4))
    assert [fill.size for fill in venue.fills()] == [D(1)]  # two were ahead of it, for the level had shrunk to that
    assert venue.report()["queue"]["back"] == {"orders": 0, "contracts": "0"}  # the ghost that nobody makes way for waits


def test_the_touch_of_one_side_outlasts_what_happens_on_the_other() -> None:
    venue, _ = skimming(rows(Quoted, (101, 103, 1, 1), (102, 105, 1, 1), (105, 106, 1, 1), (97, 100, 1, 1)))
    order = SubmitOrder(client_id="t-2", contract=CALL, size=D(-1), price=D(105))
    venue.on_command(Approved(order, "s", START), START)
    venue.advance(START)
    assert venue.touched() == 2
    venue.on_command(Approved(CancelOrder(client_id="t-2", contract=CALL), "s", START + 1), START + 1)
    venue.advance(START + 1)
    assert venue.touched() == 3


def test_a_trade_at_the_price_touches_it_and_others_do_not() -> None:
    venue, _ = skimming(rows(Traded, (101, -5), (100, 5), (100, -5)))
    assert venue.touched() == 2


def test_a_mark_touches_what_is_ours_until_the_look_at_marks_is_planned() -> None:
    venue, passing = skimming(rows(TickerUpdated, (500, 0.5), (500, 0.5), (501, 0.5)))
    assert venue.touched() == 0
    venue.on_market(passing.stretch.event(0))
    passing.at = 1
    assert venue.touched() == 3


def test_without_orders_and_positions_nothing_does() -> None:
    venue = VenueSettings(latency=AT_ONCE).open("venue", (contract(),))
    passing = Passing()
    venue.skim(passing)
    passing.turn(next(stretches([Market([Batch(parts=(rows(Quoted, (101, 105, 1, 1), (97, 100, 1, 1)),))], ())])))
    assert venue.touched() == 2


def test_the_market_is_what_has_passed() -> None:
    venue, passing = skimming(rows(Quoted, (101, 105, 1, 1), (97, 102, 2, 2)))
    passing.at = 2
    venue.on_command(Approved(SubmitOrder(client_id="t-2", contract=CALL, size=D(1), price=D(102)), "s", START + 3_000), START + 3_000)
    venue.advance(START + 3_000)
    assert [fill.price for fill in venue.fills()] == [D("102.0")]


def test_a_venue_that_stops_skimming_stands_where_the_rows_left_it() -> None:
    venue, passing = skimming(rows(Quoted, (101, 105, 1, 1), (100, 105, 6, 1), (100, 105, 2, 1)), queue="risk-averse")
    passing.at = 3
    venue.stop_skimming()
    assert venue.book(CALL) == (((100.0, 2.0),), ((105.0, 1.0),))
    venue.on_market(Traded(time=START + 9_000, received=START + 9_000, contract=CALL, price=100.0, size=-2.0))
    assert venue.fills() == ()
    venue.on_market(Quoted(time=START + 9_001, received=START + 9_001, contract=CALL, bid=100.0, ask=105.0, bid_size=1.0, ask_size=1.0))
    venue.on_market(Traded(time=START + 9_002, received=START + 9_002, contract=CALL, price=100.0, size=-1.0))
    assert [fill.size for fill in venue.fills()] == [D(1)]
    with pytest.raises(InvariantError, match="not given rows"):
        venue.touched()


def test_a_venue_that_must_see_every_row_says_so() -> None:
    assert VenueSettings().open("venue", (contract(),)).can_skim
    assert not VenueSettings(latency={"feed_ms": 1}).open("venue", (contract(),)).can_skim
    assert not VenueSettings(latency={"kind": "feed"}).open("venue", (contract(),)).can_skim
    with pytest.raises(InvariantError, match="not given rows"):
        VenueSettings().open("venue", (contract(),)).touched()


def test_account_reports_wait_for_the_grid_where_they_are_told_to() -> None:
    told: dict[str, list[list[str]]] = {}
    for reports in ("step", "grid"):
        venue, _ = skimming(rows(Quoted, (101, 105, 1, 1)), account_reports=reports)
        order = SubmitOrder(client_id="t-2", contract=CALL, size=D(1), price=D(90))
        venue.on_command(Approved(order, "s", START + 1), START + 1)
        told[reports] = [[type(event).__name__ for event in venue.advance(START + when)] for when in (1, 10**9)]
    account = ["BalanceUpdated", "PortfolioRiskUpdated"]
    assert told == {"step": [["OrderUpdated", *account], []], "grid": [["OrderUpdated"], account]}


def test_without_margin_any_order_is_taken() -> None:
    venue, _ = skimming(rows(Quoted, (101, 105, 1, 1)), margin="none", balance="0")
    assert [order.client_id for order in venue.orders(is_open=True)] == ["t-1"]
