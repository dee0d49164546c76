"""The specification of strikeloop_venue.steps: what one step changed is told once and in one sequence."""

from __future__ import annotations

from typing import Any

from strikeloop import ContractSettled, Filled, LedgerPosted, Liquidated, OrderUpdated, Origin, PositionClosed, TimeInForce
from strikeloop_venue.order import Order
from strikeloop_venue.steps import Step
from tests.plugins.venue.stage import CALL, D


def order(number: int) -> Order:
    return Order(
        order_id=str(number),
        client_id=f"t-{number}",
        contract=CALL,
        size=D(-2),
        left=D(-2),
        price=D(500),
        tif=TimeInForce.GTC,
        reduce_only=False,
        created=5,
        rank=number,
    )


def test_orders_come_first_then_what_happened_by_kind_then_postings() -> None:
    step, traded = Step(), order(1)
    step.posting("venue", "USDT", D(5), D(105), "prem", "here")
    step.fact(PositionClosed, contract=CALL, side="short", pnl=D(1), reason="closed")
    step.fact(ContractSettled, contract=CALL, settle_price=D(7), size=D(0), pnl=D(0))
    step.fill(traded, "9", D(-1), D(500), D("0.5"), is_maker=True)
    step.fact(Liquidated, adapter="venue", initial_margin=D(1), maintenance_margin=D(1), order_margin=D(0))
    step.order(traded)
    told = step.events(7, 8)
    assert [type(event) for event in told] == [OrderUpdated, Liquidated, Filled, ContractSettled, PositionClosed, LedgerPosted]
    assert {(event.time, event.received, event.origin) for event in told} == {(7, 8, Origin.SIMULATED)}


def test_what_is_told_is_what_the_events_themselves_would_say() -> None:
    step, traded = Step(), order(1)
    traded.fill(D(1), D(500))
    step.fill(traded, "9", D(-1), D(500), D("0.5"), is_maker=True)
    step.posting("venue", "USDT", D(5), D(105), "prem", "here")
    step.order(traded)
    when: dict[str, Any] = {"time": 7, "received": 8, "origin": Origin.SIMULATED}
    names: dict[str, Any] = {"contract": CALL, "order_id": "1", "client_id": "t-1"}
    assert step.events(7, 8) == [
        OrderUpdated(**when, **names, state=traded.state, size=D(-2), left=D(-1), price=D(500), fill_price=D(500), created=5),
        Filled(**when, **names, trade_id="9", size=D(-1), price=D(500), fee=D("0.5"), is_maker=True),
        LedgerPosted(**when, adapter="venue", currency="USDT", change=D(5), balance=D(105), kind="prem", text="here"),
    ]


def test_an_order_is_told_once_as_it_is_at_the_end_with_the_refusal_it_was_given() -> None:
    step, first, second = Step(), order(1), order(2)
    assert not step.has_news
    step.order(first)
    step.order(second, "TOO_BUSY: later")
    step.order(second)
    first.fill(D(2), D(500))
    told = step.events(7, 8)
    assert [(event.order_id, event.left, event.reason) for event in told if isinstance(event, OrderUpdated)] == [
        ("1", D(0), ""),
        ("2", D(-2), "TOO_BUSY: later"),
    ]
    assert step.has_news
    assert not step.moved
