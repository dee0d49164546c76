"""What the stream tells, what REST answers and what a snapshot shows may come in any order: in the end one thing is true.

One order for 10 contracts: 3 of them trade, then it is canceled. Everything that can be said of it is said once or twice.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest

from strikeloop import Event, Filled, OrderState, OrderUpdated, PositionUpdated, SubmitOrder
from strikeloop.adapter import Snapshot
from strikeloop.orders import Orders
from strikeloop.session import FetchFills, FetchSnapshot, Find
from tests.framework.session.stage import CALL, CHANNELS, FILLS, ORDERS, POSITIONS, QUIET, SECOND, D, Stage, balance, fill, order, position

AVERAGE: dict[str, Any] = {"fill_price": D(5)}
OPEN, PART = order(left=10), order(left=7, **AVERAGE)
GONE = order(OrderState.CANCELED, left=7, finish_as="cancelled", **AVERAGE)
TRADE = fill("a", 3)
SUBMIT = SubmitOrder(client_id="t-a-1", contract=CALL, size=D(10), price=D(5))
EXPECTED = (OrderState.CANCELED, D(7), D(3), "1", D(3), D(3))
Telling = Callable[[Stage], object]


def said(channel: str, *events: Event) -> Telling:
    return lambda stage: stage.say(channel, *events)


def answered(update: OrderUpdated) -> Telling:
    def tell(stage: Stage) -> None:
        stage.session.answered("t-a-1", [update], stage.now)
        stage.listen()

    return tell


def vaguely(update: OrderUpdated) -> OrderUpdated:
    """As a stream tells it that names orders by the venue's number and not how much of them is filled."""
    return order(update.state, left=None, client_id=None, fill_price=update.fill_price, finish_as=update.finish_as)


def shown_at_last(stage: Stage) -> None:
    """A snapshot of how it all ended."""
    finish_look(stage)


def shown_at_first(stage: Stage) -> None:
    """A snapshot that was read before anything traded, and took its time."""
    stage.books(Snapshot(time=0, received=0, orders=(OPEN,), balances=(balance(100),))).trades()


def finish_look(stage: Stage) -> None:
    """Every question of a snapshot that stands is answered by how it all ended."""
    for _ in range(4):
        if isinstance(stage.question, FetchSnapshot):
            stage.books(Snapshot(time=0, received=0, positions=(position(3),), balances=(balance(100),)))
        elif isinstance(stage.question, FetchFills):
            stage.trades(TRADE)


def settle(stage: Stage) -> None:
    """Whatever is asked is answered by how it all ended, until nothing is asked any more."""
    for seconds in (1.1, 1.1, 2, 7, 7, 7, 7, 1):
        stage.now += round(seconds * SECOND)
        stage.session.alive(stage.line, stage.now)
        stage.session.tick(stage.now)
        finish_look(stage.listen())
        for find in stage.asked(Find):
            stage.session.found(find, GONE, stage.now)
        stage.actions.clear()
        stage.listen()


def outcome(stage: Stage) -> tuple[Any, ...]:
    orders = Orders()
    orders.pending(SUBMIT, "a", 0)
    orders.sent("t-a-1", 0)
    filled, size = D(0), D(0)
    for event in stage.events:
        if isinstance(event, OrderUpdated):
            orders.apply(event)
        elif isinstance(event, Filled):
            orders.apply(event)
            filled += event.size
        elif isinstance(event, PositionUpdated):
            size = event.size
    ours = orders.get("t-a-1")
    assert ours is not None
    assert len(orders) == 1
    return ours.state, ours.left, ours.executed, ours.order_id, filled, size


def looking(channels: Any, *, is_asked_early: bool) -> Stage:
    """A ready account that is being looked at again: its order is on its way."""
    stage = Stage(channels).connect().acknowledge().snapshot(balance(100))
    stage.session.submitted("t-a-1")
    stage.garble(POSITIONS)
    return stage.trades() if is_asked_early else stage


GATE: list[Telling] = [
    answered(OPEN),
    answered(GONE),
    said(ORDERS, PART),
    said(ORDERS, GONE),
    said(FILLS, TRADE),
    said(POSITIONS, position(3)),
]
SEED: list[Telling] = [
    answered(OPEN),
    answered(GONE),
    said(ORDERS, vaguely(PART)),
    said(ORDERS, vaguely(GONE)),
    said(POSITIONS, position(3)),
]


@pytest.mark.parametrize("snapshot", [shown_at_last, shown_at_first])
@pytest.mark.parametrize("tellings", [GATE, SEED], ids=["gate", "seed"])
def test_every_order_of_arrival_ends_in_one_state(tellings: list[Telling], snapshot: Telling) -> None:
    declared = CHANNELS if tellings is GATE else QUIET
    found = set()
    for sequence in permutations([*tellings, snapshot]):
        stage = looking(declared, is_asked_early=snapshot is shown_at_first)
        for tell in sequence:
            tell(stage)
        settle(stage)
        found.add(outcome(stage))
    assert found == {EXPECTED}


@pytest.mark.parametrize("tellings", [GATE, SEED], ids=["gate", "seed"])
def test_being_told_everything_twice_changes_nothing(tellings: list[Telling]) -> None:
    declared = CHANNELS if tellings is GATE else QUIET
    for first in permutations(tellings[:4]):
        stage = looking(declared, is_asked_early=False)
        for tell in (*first, *tellings, *reversed(first)):
            tell(stage)
        settle(stage)
        assert outcome(stage) == EXPECTED
