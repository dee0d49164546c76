"""Whatever the order in which things are told, the same is true in the end: the session and the fold of orders together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikeloop import Event, Filled, OrderState, OrderUpdated, SubmitOrder
from strikeloop.orders import Orders
from tests.framework.session.stage import CALL, FILLS, ORDERS, D, Stage, fill, order, position

SUBMIT = SubmitOrder(client_id="t-a-1", contract=CALL, size=D(10), price=D(5))
AVERAGE: dict[str, Any] = {"fill_price": D(5)}


def outcome(told: Iterable[Event]) -> tuple[Any, ...]:
    """How our order stands after all that a session told, and the fills that were told."""
    orders = Orders()
    orders.pending(SUBMIT, "a", 0)
    orders.sent("t-a-1", 0)
    total = D(0)
    for event in told:
        if isinstance(event, OrderUpdated | Filled):
            orders.apply(event)
        if isinstance(event, Filled):
            total += event.size
    folded = orders.get("t-a-1")
    assert folded is not None
    assert len(orders) == 1
    return folded.state, folded.left, folded.executed, folded.order_id, folded.fill_price, total


def played(events: Sequence[Event]) -> tuple[Any, ...]:
    stage = Stage().ready()
    stage.session.submitted("t-a-1")
    for event in events:
        stage.say(FILLS if isinstance(event, Filled) else ORDERS, event)
    stage.session.answered("t-a-1", [order(left=10)], stage.now)
    return outcome(stage.listen().events)


CANCELED_AFTER_TWO = [
    order(left=10),
    order(left=7, **AVERAGE),
    order(left=4, **AVERAGE),
    order(OrderState.CANCELED, left=4, **AVERAGE),
    fill("a", 3),
    fill("b", 3),
    fill("b", 3),
]
FILLED_IN_THREE = [
    order(left=8, **AVERAGE),
    order(left=5, **AVERAGE),
    order(OrderState.FILLED, left=0, **AVERAGE),
    fill("a", 2),
    fill("b", 3),
    fill("c", 5),
]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        (CANCELED_AFTER_TWO, (OrderState.CANCELED, D(4), D(6), "1", D(5), D(6))),
        (FILLED_IN_THREE, (OrderState.FILLED, D(0), D(10), "1", D(5), D(10))),
    ],
    ids=["canceled", "filled"],
)
def test_every_order_of_arrival_ends_in_the_same_state(events: list[Event], expected: tuple[Any, ...]) -> None:
    assert {played(sequence) for sequence in permutations(events)} == {expected}


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=5).filter(lambda sizes: sum(sizes) <= 10),
    st.sampled_from([OrderState.CANCELED, OrderState.EXPIRED, OrderState.LIQUIDATED]),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_any_history_told_twice_in_any_order_ends_in_the_same_state(
    sizes: list[int], end: OrderState, by_orders: bool, random: Any
) -> None:
    filled = sum(sizes)
    state = OrderState.FILLED if filled == 10 else end
    steps = [order(left=10 - sum(sizes[: n + 1]), **AVERAGE) for n in range(len(sizes) - 1)]
    reports = [fill("order:1", filled, synthetic=True)] if by_orders else [fill(str(n), size) for n, size in enumerate(sizes)]
    events: list[Event] = [*steps, order(state, left=10 - filled, **AVERAGE), *reports] * 2
    random.shuffle(events)
    assert played(events) == (state, D(10 - filled), D(filled), "1", D(5), D(filled))


@given(
    st.lists(st.integers(-4, 4).filter(bool), min_size=1, max_size=6),
    st.lists(st.booleans(), min_size=6, max_size=6),
    st.integers(0, 6),
    st.randoms(use_true_random=False),
)
def test_whatever_is_lost_the_next_snapshot_mends(sizes: list[int], lost: list[bool], cut: int, random: Any) -> None:
    fills = [fill(str(n), size, order_id=str(n), client_id=f"t-a-{n}") for n, size in enumerate(sizes)]
    stage, total = Stage().ready(), 0
    for n, one in enumerate(fills):
        total += int(one.size)
        if lost[n]:
            continue
        if n == cut:
            stage.garble()
        events = [one, position(total)]
        random.shuffle(events)
        for event in events:
            stage.say(FILLS, event)
    stage.alive_until(31)
    stage.snapshot(position(total), *fills)
    stage.snapshot(position(total), *fills)
    told = [event.size for event in stage.said(Filled)]
    assert sum(told, Decimal(0)) == total
    assert len(told) == len(sizes)
    stage.forget().alive_until(60)
    assert [event for event in stage.events if type(event).__name__ == "GapOpened"] == []
