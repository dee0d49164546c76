"""Opening, reducing and turning a position: the recorded figures of the venue, and the law of the average."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from strikeloop_venue.position import Closed, Position
from tests.plugins.venue.stage import contract


def position(size: str = "0", price: str = "0", fee: str = "0") -> Position:
    position = Position(contract())
    if D(size):
        position.trade(D(size), D(price), D(fee))
    return position


def test_realized_profit_starts_at_minus_the_fee() -> None:
    opened = position("1", "529", "0.08042877")
    assert (opened.size, opened.entry_price, opened.realized_pnl) == (D(1), D(529), D("-0.08042877"))


def test_unrealized_profit_is_the_venue_s() -> None:
    assert position("1", "529").unrealized(D("427.69")) == D("-1.0131")


def test_the_entry_is_the_average_of_what_opened() -> None:
    opened = position("1", "500")
    opened.trade(D(3), D(540), D(0))
    assert opened.entry_price == D(530)


@pytest.mark.parametrize(("size", "other", "pnl"), [("5", "-2", "0.2"), ("-5", "2", "-0.2")])
def test_reducing_realizes_and_keeps_the_entry(size: str, other: str, pnl: str) -> None:
    opened = position(size, "500")
    assert opened.trade(D(other), D(510), D(0)) is None
    assert (opened.entry_price, opened.realized_pnl) == (D(500), D(pnl))


def test_a_fill_that_turns_a_position_closes_one_and_opens_another() -> None:
    opened = position("2", "500", "0.1")
    closed = opened.trade(D(-5), D(510), D("0.5"))
    assert closed == Closed(is_long=True, pnl=D("0.2") - D("0.1") - D("0.2"))
    assert (opened.size, opened.entry_price, opened.realized_pnl) == (D(-3), D(510), D("-0.3"))


def test_a_new_position_starts_anew() -> None:
    opened = position("2", "500", "0.1")
    opened.trade(D(-2), D(510), D(0))
    opened.trade(D(1), D(520), D("0.3"))
    assert (opened.entry_price, opened.realized_pnl) == (D(520), D("-0.3"))
