"""The public book order by order, and our place among its orders."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal as D

import attrs
import pytest

from strikeloop import Contract, Event, Filled, RunStarted
from strikeloop.backtest import Backtest
from strikeloop_venue import OrderShown, VenueSettings
from strikeloop_venue.level3 import Level3
from tests.plugins.venue.stage import CALL, START, Stage, contract


def shown(order_id: str, size: float, *, price: float = 490, traded: float = 0.0, is_buy: bool = True) -> OrderShown:
    return OrderShown(time=START, received=START, contract=CALL, order_id=order_id, is_buy=is_buy, price=price, size=size, traded=traded)


def test_orders_stand_in_the_order_in_which_they_came() -> None:
    level3 = Level3()
    for event in (shown("a", 3), shown("b", 4)):
        level3.apply(event)
    joined = level3.last
    level3.apply(shown("c", 5))
    assert (level3.ahead(True, 490, joined), level3.displayed(True, 490)) == (7, 12)


def test_an_order_that_shrinks_keeps_its_place_and_one_that_grows_or_moves_loses_it() -> None:
    level3 = Level3()
    for name in "abc":
        level3.apply(shown(name, 5))
    joined = level3.last
    level3.apply(shown("a", 2))
    assert level3.ahead(True, 490, joined) == 12
    level3.apply(shown("b", 6))
    level3.apply(shown("c", 5, price=489))
    assert (level3.ahead(True, 490, joined), level3.displayed(True, 490), level3.displayed(True, 489)) == (2, 8, 5)


def test_an_order_that_has_gone_counts_no_more() -> None:
    level3 = Level3()
    level3.apply(shown("a", 5))
    level3.apply(shown("a", 0))
    level3.apply(shown("never seen", 0))
    assert (level3.ahead(True, 490, 9), level3.displayed(True, 490)) == (0, 0)


@pytest.fixture
def stage() -> Stage:
    stage = Stage(queue="l3-fifo").index(70_000).ticker(500)
    return stage.market(shown("ask", 9, price=510, is_buy=False)).market(shown("a", 3)).market(shown("b", 4))


def fills(stage: Stage) -> list[tuple[str | None, D]]:
    return [(fill.client_id, fill.size) for fill in stage.all(Filled)]


def test_an_order_can_take_what_public_orders_show(stage: Stage) -> None:
    stage.submit(12, 510)
    assert fills(stage) == [("t-1", D(9))]


def test_those_ahead_trade_first_and_cancellations_ahead_help(stage: Stage) -> None:
    stage.submit(5, 490)
    stage.market(shown("c", 6)).market(shown("a", 0, traded=3)).market(shown("b", 0))
    assert fills(stage) == []
    stage.market(shown("c", 4, traded=2))
    assert fills(stage) == [("t-1", D(2))]


def test_a_cancellation_behind_us_does_not_help(stage: Stage) -> None:
    stage.submit(5, 490)
    stage.market(shown("c", 6)).market(shown("c", 0)).market(shown("a", 1, traded=2))
    assert fills(stage) == []


def test_what_trades_behind_our_price_traded_through_it(stage: Stage) -> None:
    stage.market(shown("low", 9, price=480)).submit(5, 485)
    stage.market(shown("low", 2, price=480, traded=7))
    assert fills(stage) == [("t-1", D(5))]


def test_what_traded_is_shared_once_among_own_orders(stage: Stage) -> None:
    stage.submit(2, 490)
    stage.submit(2, 490)
    stage.market(shown("c", 6)).market(shown("c", 3, traded=3))
    assert fills(stage) == [("t-1", D(2)), ("t-2", D(1))]


def test_the_other_side_that_comes_to_our_price_fills_us(stage: Stage) -> None:
    stage.submit(5, 495)
    stage.market(shown("new", 4, price=494, is_buy=False))
    assert fills(stage) == [("t-1", D(4))]


def test_the_bracket_holds_order_by_order_too(stage: Stage) -> None:
    stage.submit(5, 490)
    stage.market(shown("a", 0)).market(shown("b", 0)).market(shown("c", 6)).market(shown("c", 3, traded=3))
    told = stage.venue.report()["queue"]
    assert [told[name]["contracts"] for name in ("back", "real", "front")] == ["0", "3", "3"]


def test_without_public_orders_the_model_is_risk_averse() -> None:
    stage = Stage(queue="l3-fifo").index(70_000).ticker(500).quote(490, 510, bid_size=10)
    stage.submit(5, 490)
    stage.trade(490, -12)
    assert fills(stage) == [("t-1", D(2))]


def test_other_models_see_public_orders_as_levels() -> None:
    stage = Stage().index(70_000).ticker(500).market(shown("a", 3)).market(shown("b", 4))
    stage.submit(5, 490)
    stage.market(shown("a", 0)).trade(490, -6)
    assert fills(stage) == [("t-1", D(2))]


def test_public_orders_of_unknown_contracts_change_nothing() -> None:
    stage = Stage().market(
        OrderShown(time=START, received=START, contract=CALL._replace(name="X"), order_id="a", is_buy=True, price=1, size=1)
    )
    assert stage.venue.book(CALL) == ((), ())


def test_a_backtest_runs_on_a_market_told_order_by_order() -> None:
    told: list[Event] = [
        attrs.evolve(shown("a", 3), received=START + 5),
        attrs.evolve(shown("a", 0, traded=3), time=START + 9, received=START + 14),
    ]
    heard: list[Event] = []
    Backtest([], sources=[Told(told)], open_venue=lambda contracts: VenueSettings().open("venue", contracts), listen=heard.append).run()
    assert [event.received for event in heard if isinstance(event, RunStarted)] == [START + 5]


class Told:
    """A source that says this."""

    def __init__(self, told: list[Event]) -> None:
        self.told = told

    def contracts(self) -> tuple[Contract, ...]:
        return (contract(),)

    def events(self) -> Iterator[Event]:
        return iter(self.told)

    def content_hash(self) -> str:
        return "told"
