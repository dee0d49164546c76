"""What one event says must follow from those before it; what does not, and stays so, was missed."""

from __future__ import annotations

import pytest

from strikeloop import Event, OrderState
from strikeloop.adapter import Snapshot
from strikeloop.session.chains import Chains
from strikeloop.session.truth import Truth
from tests.framework.session.stage import CALL, SECOND, balance, fill, order, position, posted


def begun(*, are_fills_reported: bool = True) -> tuple[Truth, Chains]:
    truth = Truth()
    truth.asked()
    truth.merge(Snapshot(time=0, received=0, balances=(balance(100),)))
    return truth, Chains(truth, are_fills_reported=are_fills_reported)


def followed(truth: Truth, chains: Chains, *events: Event, now: int = 0) -> list[str]:
    return [chains.follow(event, now) for event in events if truth.news(event) is not None]


def test_a_balance_must_be_the_one_before_and_its_change() -> None:
    truth, chains = begun()
    assert followed(truth, chains, posted(-10, 90), posted(-5, 85)) == ["", ""]
    assert followed(truth, chains, posted(-5, 75)) == ["balance 75 is not 85 + -5"]


def test_a_position_must_be_the_one_before_and_its_fills_after_a_second() -> None:
    truth, chains = begun()
    followed(truth, chains, position(2))
    assert chains.broken(SECOND - 1) == []
    assert chains.broken(SECOND) == [("positions", "BTC-C has size 2, fills say 0")]
    assert chains.broken(9 * SECOND) == []


def test_what_an_order_has_filled_must_be_the_sum_of_its_fills_after_a_second() -> None:
    truth, chains = begun()
    followed(truth, chains, fill("a", 1), position(1), order(OrderState.CANCELED, left=7))
    assert chains.broken(SECOND) == [("fills", "order 1 in BTC-C is filled 3, fills say 1")]


@pytest.mark.parametrize("events", [[position(2), order(left=8), fill("a", 2)], [fill("a", 2), order(left=8), position(2)]])
def test_events_that_overtake_one_another_break_nothing(events: list[Event]) -> None:
    truth, chains = begun()
    assert followed(truth, chains, *events) == [""] * 3
    assert chains.broken(9 * SECOND) == []


def test_where_nobody_reports_fills_positions_and_orders_are_not_compared_with_them() -> None:
    truth, chains = begun(are_fills_reported=False)
    followed(truth, chains, position(2), order(left=8))
    assert chains.broken(9 * SECOND) == []


def test_what_was_suspected_on_a_lost_line_is_left_to_the_next_snapshot() -> None:
    truth, chains = begun()
    followed(truth, chains, position(2))
    chains.forget()
    assert chains.broken(9 * SECOND) == []
    assert truth.position_gap(CALL)
