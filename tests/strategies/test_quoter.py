"""Quoter: what stands in the book, when it moves, and when there is nothing in it at all."""

from __future__ import annotations

from typing import Any

import pytest

from strikeloop import (
    CancelOrder,
    GapClosed,
    GapOpened,
    OrderState,
    Reconciled,
    RunStopping,
    StreamLost,
    StreamOpened,
    SubmitOrder,
    TimeInForce,
)
from strikeloop_risk import OrderLimits
from strikeloop_strategies import Quoter
from tests.plugins.risk.scene import CALL, HOUR, PUT, START, D, Scene, option

SETTINGS: dict[str, Any] = {"strikes": 1, "size": D(2), "half_width": 0.01, "max_position": D(4), "take_every": 0}
NEAR = option(70_000, expiry=START + HOUR)
LATE = option(70_000, expiry=START + 3000 * HOUR)


def stage(*rules: Any, **settings: Any) -> Scene:
    """A quoter with a market, one round later: it quotes CALL and PUT, both with a mark of 2,000."""
    scene = Scene(*rules, strategies=(Quoter(**{**SETTINGS, **settings}),), contracts=(CALL, PUT, option(80_000), NEAR, LATE))
    scene.market()
    for contract in (CALL, PUT):
        scene.quote(contract, 1960.0, 2040.0)
    scene.passes(1)
    return scene


def opened(scene: Scene) -> None:
    """The venue takes every order that was sent."""
    for order in scene.orders:
        scene.answer(order)


def sides(orders: list[SubmitOrder]) -> list[tuple[str, str, str]]:
    return [(order.contract.name, str(order.size), str(order.price)) for order in orders]


def canceled(scene: Scene) -> list[str]:
    return [command.client_id for command in scene.commands if isinstance(command, CancelOrder)]


def test_it_quotes_both_sides_of_the_contracts_near_the_money_of_the_nearest_expiry() -> None:
    scene = stage()
    assert sides(scene.orders) == [
        (CALL.id.name, "2", "1980"),
        (CALL.id.name, "-2", "2020"),
        (PUT.id.name, "2", "1980"),
        (PUT.id.name, "-2", "2020"),
    ]
    assert {order.tif for order in scene.orders} == {TimeInForce.POC}


def test_before_the_underlying_has_a_price_it_waits() -> None:
    scene = Scene(strategies=(Quoter(**SETTINGS),))
    scene.passes(3)
    assert scene.orders == []
    scene.market()
    scene.passes(1)
    assert len(scene.orders) == 4


def test_a_quote_stays_while_the_mark_moves_little() -> None:
    scene = stage()
    opened(scene)
    scene.tick(CALL, 2_008.0)
    scene.passes(3)
    assert (len(scene.orders), canceled(scene)) == (4, [])


def test_a_quote_that_the_mark_has_left_is_canceled_and_placed_anew_in_the_next_round() -> None:
    scene = stage()
    opened(scene)
    scene.tick(CALL, 2_020.0)
    scene.passes(1)
    assert canceled(scene) == [order.client_id for order in scene.orders[:2]]
    assert len(scene.orders) == 4
    for order in scene.orders[:2]:
        scene.answer(order, OrderState.CANCELED)
    scene.passes(1)
    assert sides(scene.orders[4:]) == [(CALL.id.name, "2", "1999"), (CALL.id.name, "-2", "2041")]


def test_a_quote_never_crosses_the_other_side_of_the_market() -> None:
    scene = Scene(strategies=(Quoter(**SETTINGS),))
    scene.market()
    scene.quote(CALL, 2030.0, 2035.0)
    scene.quote(PUT, 1965.0, 1970.0)
    scene.passes(1)
    assert sides(scene.orders) == [
        (CALL.id.name, "2", "1980"),
        (CALL.id.name, "-2", "2031"),
        (PUT.id.name, "2", "1969"),
        (PUT.id.name, "-2", "2020"),
    ]


def test_it_leans_against_what_is_held_and_stops_at_the_largest_position() -> None:
    scene = Scene(strategies=(Quoter(**SETTINGS),))
    scene.market()
    scene.hold(CALL, 3)
    scene.hold(PUT, -4)
    scene.passes(1)
    assert sides(scene.orders) == [(CALL.id.name, "1", "1965"), (CALL.id.name, "-2", "2005"), (PUT.id.name, "2", "2000")]


def test_while_a_connection_is_lost_nothing_stands_and_nothing_is_placed() -> None:
    scene = stage()
    opened(scene)
    scene.hears(StreamLost(time=scene.now, received=scene.now, adapter="gate", reason="closed"))
    assert canceled(scene) == [order.client_id for order in scene.orders]
    for order in scene.orders:
        scene.answer(order, OrderState.CANCELED)
    scene.passes(5)
    assert len(scene.orders) == 4
    assert scene.refusals == []
    scene.hears(Reconciled(time=scene.now, received=scene.now, adapter="gate"))
    scene.passes(1)
    assert len(scene.orders) == 8


def test_a_lost_feed_counts_like_a_lost_account_and_its_opening_ends_it() -> None:
    scene = stage()
    scene.hears(StreamLost(time=scene.now, received=scene.now, adapter="gate", port="feed", reason="closed"))
    assert len(canceled(scene)) == 4
    for order in scene.orders:
        scene.answer(order, OrderState.CANCELED)
    scene.hears(Reconciled(time=scene.now, received=scene.now, adapter="gate"))
    scene.passes(1)
    assert len(scene.orders) == 4
    scene.hears(StreamOpened(time=scene.now, received=scene.now, adapter="gate", port="feed", connection=2))
    scene.passes(1)
    assert len(scene.orders) == 8


def test_missed_messages_stop_it_until_the_gap_is_closed() -> None:
    scene = stage()
    scene.hears(GapOpened(time=scene.now, received=scene.now, adapter="gate", channel="options.orders", reason="a hole"))
    for order in scene.orders:
        scene.answer(order, OrderState.CANCELED)
    scene.passes(2)
    assert len(scene.orders) == 4
    scene.hears(GapClosed(time=scene.now, received=scene.now, adapter="gate", channel="options.orders"))
    scene.passes(1)
    assert len(scene.orders) == 8


def test_another_venues_connection_is_none_of_its_business() -> None:
    scene = stage()
    scene.hears(StreamLost(time=scene.now, received=scene.now, adapter="other", reason="closed"))
    assert canceled(scene) == []


def test_it_takes_against_what_is_held_after_withdrawing_its_own_quotes_there() -> None:
    scene = stage(take_every=3)
    scene.hold(CALL, 2)
    opened(scene)
    scene.passes(1)
    own = [order.client_id for order in scene.orders if order.contract == CALL.id]
    assert set(own) <= set(canceled(scene))
    for order in scene.orders[:2]:
        scene.answer(order, OrderState.CANCELED)
    scene.passes(1)
    take = scene.orders[-1]
    assert (take.contract, take.size, take.price, take.tif, take.tag) == (CALL.id, D(-2), D("1960.0"), TimeInForce.IOC, "take")


def test_it_never_takes_where_an_order_of_its_own_may_still_stand() -> None:
    scene = stage(take_every=3)
    opened(scene)
    scene.passes(6)
    assert len(canceled(scene)) > 2, "it asks for its quotes back in vain"
    assert [order for order in scene.orders if order.tag == "take"] == []


def takes(scene: Scene, rounds: int) -> list[tuple[str, str]]:
    """What it took in so many rounds, in a market where every quote is withdrawn at once and every take fills nothing."""
    for _ in range(rounds):
        for order in scene.orders:
            scene.answer(order, OrderState.CANCELED)
        scene.passes(1)
    return [(order.contract.name[-1], str(order.size)) for order in scene.orders if order.tag == "take"]


def test_each_take_is_larger_than_the_one_before_until_it_outgrows_the_largest_position() -> None:
    assert takes(stage(take_every=1, take_step=D(1)), 5) == [("C", "2"), ("P", "3"), ("C", "-4"), ("P", "-2"), ("C", "3"), ("P", "4")]


def test_a_take_that_a_rule_refuses_is_tried_again_at_the_plain_size() -> None:
    scene = stage(OrderLimits(max_size=D(3)), take_every=1, take_step=D(1))
    assert takes(scene, 4) == [("C", "2"), ("P", "3"), ("C", "-2"), ("P", "-3")]
    assert [str(refusal.command.size) for refusal in scene.refusals if isinstance(refusal.command, SubmitOrder)] == ["-4"]


def test_contracts_that_are_no_longer_near_the_money_are_only_wound_down() -> None:
    far, near = option(60_000), option(70_000)
    scene = Scene(strategies=(Quoter(**{**SETTINGS, "recenter_rounds": 2}),), contracts=(far, near))
    scene.price(61_000.0)
    for contract in (far, near):
        scene.tick(contract, 2_000.0, underlying_price=61_000.0)
    scene.passes(1)
    assert {order.contract for order in scene.orders} == {far.id, near.id}, "one strike of calls and puts are two contracts"


def test_what_it_traded_and_no_longer_quotes_is_offered_but_not_added_to() -> None:
    low_put, low, high = option(60_000, "put"), option(60_000), option(80_000)
    high_put = option(80_000, "put")
    scene = Scene(strategies=(Quoter(**{**SETTINGS, "recenter_rounds": 1}),), contracts=(low_put, low, high, high_put))
    scene.price(60_000.0)
    for contract in (low_put, low, high, high_put):
        scene.tick(contract, 2_000.0, underlying_price=60_000.0)
    scene.passes(1)
    first = scene.orders[0]
    assert first.contract == low.id
    for order in scene.orders[1:]:
        scene.answer(order, OrderState.CANCELED)
    scene.answer(first)
    scene.fill(first)
    scene.hold(low, 2)
    for contract in (low_put, low, high, high_put):
        scene.tick(contract, 2_000.0, underlying_price=80_000.0)
    before = len(scene.orders)
    scene.passes(1)
    new = scene.orders[before:]
    assert [(order.contract, order.size) for order in new if order.contract in (low.id, low_put.id)] == [(low.id, D(-2))]
    assert {order.contract for order in new} == {low.id, high.id, high_put.id}


def test_an_expiry_that_is_too_near_is_left_alone() -> None:
    scene = stage()
    assert NEAR.id not in {order.contract for order in scene.orders}


def test_more_expiries_are_a_setting() -> None:
    scene = stage(expiries=2)
    scene.tick(LATE, 3_000.0)
    scene.passes(1)
    assert LATE.id in {order.contract for order in scene.orders}


def test_at_the_end_it_withdraws_everything() -> None:
    scene = stage()
    opened(scene)
    scene.hears(RunStopping(time=scene.now, received=scene.now))
    assert canceled(scene) == [order.client_id for order in scene.orders]


def test_the_same_events_give_the_same_commands() -> None:
    def run() -> list[Any]:
        scene = stage(take_every=2)
        for mark in (2010.0, 1990.0, 2050.0, 1900.0):
            scene.tick(CALL, mark)
            takes(scene, 1)
        return scene.commands

    assert run() == run()


@pytest.mark.parametrize("setting", ["size", "half_width", "max_position", "requote_s", "strikes", "expiries", "recenter_rounds"])
def test_a_setting_that_must_be_positive_is_refused_before_a_run(setting: str) -> None:
    with pytest.raises(ValueError, match=f"{setting} is 0; expected more than 0"):
        Quoter(**{**SETTINGS, setting: 0})
