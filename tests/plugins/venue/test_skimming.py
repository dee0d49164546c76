"""The specification of strikeloop_venue.skimming: which rows matter; that the others do not is played in tests/framework/backtest."""

from __future__ import annotations

import numpy as np
import pytest

from strikeloop import Approved, InvariantError, Quoted, SubmitOrder, TickerUpdated, Traded
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


def skimming(part: Columns, **settings: object) -> tuple[SimulatedVenue, Passing]:
    """A venue with one resting buy at 100, before any row has passed."""
    venue = VenueSettings(latency=AT_ONCE, **settings).open("venue", (contract(),))  # type: ignore[arg-type]  # fields of many types
    passing = Passing()
    venue.skim(passing)
    passing.turn(next(stretches([Market([Batch(parts=(part,))], ())])))
    venue.advance(START)
    venue.on_command(Approved(SubmitOrder(client_id="t-1", contract=CALL, size=D(1), price=D(100)), "s", START), START)
    venue.advance(START)
    return venue, passing


def test_a_quote_that_reaches_an_order_touches_it() -> None:
    venue, passing = skimming(rows(Quoted, (101, 105, 1, 1), (100, 103, 1, 1), (100, 102, 2, 1), (97, 100, 1, 1)), queue="front")
    assert venue.touched() == 1  # which tells what is displayed at its price
    passing.at = 1
    venue.on_market(passing.stretch.event(1))
    passing.at = 2
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
