"""Every execution is passed on once, whoever tells of it, and what is forgotten is never passed on again."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikeloop import Filled, OrderState
from strikeloop.session import executions
from strikeloop.session.executions import Executions
from tests.framework.session.stage import CALL, D, fill, order

OPEN: frozenset[str] = frozenset()


def of(order_number: int, trade: int, *, time: int = 0) -> Filled:
    return fill(str(trade), 1, order_id=str(order_number), time=time)


def passed_on(kept: Executions, fills: Iterable[Filled]) -> int:
    return sum(kept.news(one) is not None for one in fills)


@pytest.fixture(autouse=True)
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few orders are remembered."""
    monkeypatch.setattr(executions, "MOST_ORDERS", 8)


def test_an_order_that_says_more_than_was_reported_misses_fills_until_they_are_forgiven() -> None:
    kept = Executions()
    kept.told(order(OrderState.CANCELED, left=6))
    kept.news(fill("a", 3))
    assert kept.gap(CALL, "1") == "order 1 in BTC-C is filled 4, fills say 3"
    kept.forgive()
    assert kept.gap(CALL, "1") == ""
    kept.told(order(OrderState.CANCELED, left=5))
    assert kept.gap(CALL, "1") == "order 1 in BTC-C is filled 5, fills say 4"


def test_what_an_earlier_run_passed_on_is_not_passed_on_again() -> None:
    kept = Executions()
    kept.resume([(CALL, "a", "1")], {(CALL, "1"): (D(3), D(15))})
    assert kept.news(fill("a", 3)) is None
    assert kept.news(fill("b", 2)) == fill("b", 2)
    assert kept.passed_on(CALL, "1") == 5


def test_the_orders_spoken_of_last_are_remembered() -> None:
    kept = Executions()
    for number in range(9):
        kept.news(of(number, 0, time=number))
    kept.news(of(0, 1, time=9))
    kept.purge(OPEN)
    assert len(kept) == 6
    assert kept.passed_on(CALL, "0") == 2
    assert kept.passed_on(CALL, "1") == 0


def test_open_orders_are_remembered_however_long_they_are_silent() -> None:
    kept = Executions()
    for number in range(20):
        kept.news(of(number, 0, time=number))
        kept.purge({"0", "1"})
    assert [kept.passed_on(CALL, name) for name in ("0", "1")] == [1, 1]
    assert len(kept) <= 12


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 2)), max_size=120), st.data())
def test_a_fill_is_never_passed_on_twice_and_memory_stays_bounded(told: list[tuple[int, int]], data: st.DataObject) -> None:
    kept, seen = Executions(), set()
    for time, (number, trade) in enumerate(told):
        one = of(number, trade, time=time)
        if (number, trade) not in seen:
            kept.news(one)
            seen.add((number, trade))
        kept.purge(OPEN)
        again = data.draw(st.integers(0, time))
        old = told[again]
        first = told.index(old)
        assert kept.news(of(*old, time=first)) is None
        assert len(kept) <= 12


def test_a_new_order_is_passed_on_after_others_were_forgotten() -> None:
    kept = Executions()
    total = 0
    for number in range(1_000):
        total += passed_on(kept, [of(number, 0, time=number + 1), of(number, 0, time=number + 1)])
        kept.purge(OPEN)
    assert (total, len(kept) <= 12) == (1_000, True)
