"""What the served venue remembers of an account: everything that is open, and history to a bound."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from strikeloop import OrderState, OrderUpdated
from strikeloop_venue.served import account
from strikeloop_venue.served.account import AccountBook, Asked
from tests.plugins.venue.stage import CALL, START


def told(number: int, state: OrderState = OrderState.CANCELED) -> OrderUpdated:
    return OrderUpdated(
        time=START, received=START, contract=CALL, state=state, size=D(1), order_id=str(number), client_id=f"t-{number}", left=D(1)
    )


def test_finished_orders_are_forgotten_oldest_first_and_open_ones_never(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account, "FINISHED_KEPT", 100)
    book = AccountBook()
    book.add(told(0, OrderState.OPEN), 0.0)
    for number in range(1, 1_000):
        book.add(told(number), 0.0)
    assert 90 <= len(book.orders) <= 101
    assert book.find("0") is book.find("t-0") is not None
    assert book.find("999") is not None
    assert book.find("1") is book.find("t-1") is None
    assert len(book.by_text) == len(book.orders)


def test_how_an_order_was_asked_for_is_kept_with_it_and_with_no_other() -> None:
    book = AccountBook()
    book.asked["t-1"] = Asked(is_close=True, iceberg=2)
    book.add(told(1, OrderState.OPEN), 0.0)
    book.add(told(2, OrderState.OPEN), 0.0)
    assert (book.how("1"), book.how("2")) == (Asked(is_close=True, iceberg=2), Asked())
    assert book.asked == {}


def test_a_refused_order_leaves_nothing_behind() -> None:
    book = AccountBook()
    book.asked["t-1"] = Asked(is_mmp=True)
    book.add(told(1, OrderState.REJECTED), 0.0)
    assert (book.orders, book.asked, book.by_text) == ({}, {}, {})
