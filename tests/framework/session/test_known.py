"""One record for each order, whichever of its names an update bears."""

from __future__ import annotations

import pytest

from strikeloop import OrderState, OrderUpdated
from strikeloop.session.known import KnownOrders, said
from tests.framework.session.stage import D, order


def tell(known: KnownOrders, update: OrderUpdated) -> OrderUpdated | None:
    """The update, where it says something new."""
    record = known.of(update)
    is_news = record.is_news(said(update))
    known.stands(update, record)
    return update if is_news else None


def test_an_order_is_one_whichever_of_its_names_it_is_told_under() -> None:
    known = KnownOrders()
    ours, theirs, both = order(left=10, order_id=None), order(left=9, client_id=None), order(left=8)
    assert [tell(known, told) for told in (ours, both, theirs)] == [ours, both, theirs]
    assert [tell(known, told) for told in (ours, both, theirs)] == [None] * 3
    assert known.open_order("t-a-1") is known.open_order("1") is theirs


def test_an_end_that_was_told_under_one_name_holds_for_the_other() -> None:
    known = KnownOrders()
    tell(known, order(left=10, order_id=None))
    tell(known, order(OrderState.CANCELED, left=10, client_id=None))
    tell(known, order(left=10, price=D(6)))
    assert known.is_over("t-a-1")
    assert known.open_order("t-a-1") is None


@pytest.mark.parametrize("client_id", [None, "t-a-1"])
def test_the_names_of_orders_that_are_over_are_bounded_and_those_of_open_ones_kept(
    client_id: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("strikeloop.session.known.MOST_CLOSED", 4)
    known = KnownOrders()
    tell(known, order(left=10, order_id="kept", client_id=None))
    for number in range(9):
        tell(known, order(OrderState.CANCELED, left=10, order_id=str(number), client_id=client_id and f"{client_id}{number}"))
    over = [known.is_over(str(number)) for number in range(9)]
    assert over == [False] * (5 if client_id is None else 7) + [True] * (4 if client_id is None else 2)
    assert known.open_order("kept") is not None


def test_what_is_said_again_is_no_news_however_much_was_said_between() -> None:
    known = KnownOrders()
    updates = [order(left=10, price=D(price)) for price in range(1, 6)]
    assert [tell(known, update) for update in updates] == updates
    assert [tell(known, update) for update in updates] == [None] * 5
    known.forget("1")
    assert tell(known, updates[0]) is updates[0]
