"""GreekLimits: the worst case of each greek, and what may pass although a limit is exceeded."""

from __future__ import annotations

import pytest

from strikeloop import ConfigError, Desk, OrderState
from strikeloop.settings import structure
from strikeloop_risk import GreekLimits
from tests.plugins.risk.scene import CALL, HIGH_CALL, PUT, Scene


def with_market(rule: GreekLimits) -> Scene:
    scene = Scene(rule)
    scene.market()
    return scene


def test_an_order_up_to_the_limit_passes_and_one_beyond_it_does_not() -> None:
    scene = with_market(GreekLimits(max_delta=0.05))
    assert not scene.refused(lambda desk: desk.buy(CALL.id, 10, 2000))
    scene.answer(scene.orders[0], OrderState.CANCELED)
    assert scene.refused(lambda desk: desk.buy(CALL.id, 11, 2000))
    assert scene.reason == (
        "rule0: delta of BTC_USDT could reach +0.055 (positions +0, working orders +0, this order +0.055), beyond the limit of 0.05"
    )


@pytest.mark.parametrize("setting", ["max_gamma", "max_vega", "max_theta"])
def test_each_greek_has_its_own_limit(setting: str) -> None:
    limits = {"max_gamma": 0.00001, "max_vega": 8.0, "max_theta": 4.0}
    scene = with_market(structure({setting: limits[setting]}, GreekLimits))
    assert not scene.refused(lambda desk: desk.buy(CALL.id, 10, 2000))
    scene.answer(scene.orders[0], OrderState.CANCELED)
    assert scene.refused(lambda desk: desk.sell(CALL.id, 11, 2000))
    assert f"{setting[4:]} of BTC_USDT could reach" in scene.reason


def test_what_is_held_counts_with_its_sign() -> None:
    scene = with_market(GreekLimits(max_delta=0.05))
    scene.hold(CALL, 8)
    assert scene.refused(lambda desk: desk.buy(CALL.id, 3, 2000))
    scene.hold(PUT, 8)
    assert not scene.refused(lambda desk: desk.buy(CALL.id, 3, 2000))


def test_working_orders_count_only_where_they_make_it_worse() -> None:
    scene = with_market(GreekLimits(max_delta=0.05))
    scene.do(lambda desk: desk.sell(CALL.id, 8, 2100))
    assert not scene.refused(lambda desk: desk.buy(CALL.id, 10, 1900)), "the working sell may never trade, and then nothing helps or hurts"
    assert scene.refused(lambda desk: desk.buy(PUT.id, 3, 1900)), "sells of 8 and a put of 3 could all trade"
    assert "working orders -0.04, this order -0.015" in scene.reason


def test_two_orders_of_one_hook_are_judged_one_after_the_other() -> None:
    scene = with_market(GreekLimits(max_delta=0.05))

    def twice(desk: Desk) -> None:
        desk.buy(CALL.id, 6, 2000)
        desk.buy(HIGH_CALL.id, 6, 2000)

    assert scene.refused(twice)
    assert [order.contract for order in scene.orders] == [CALL.id]


def test_an_order_of_unknown_outcome_still_counts() -> None:
    scene = with_market(GreekLimits(max_delta=0.05))
    scene.do(lambda desk: desk.buy(CALL.id, 6, 2000))
    scene.answer(scene.orders[0], OrderState.UNKNOWN)
    assert scene.refused(lambda desk: desk.buy(CALL.id, 6, 2000))


def test_what_reduces_an_exceeded_greek_passes_and_what_adds_to_it_does_not() -> None:
    scene = with_market(GreekLimits(max_delta=0.05, max_vega=500.0))
    scene.hold(CALL, 30)
    assert scene.refused(lambda desk: desk.buy(CALL.id, 1, 2000))
    assert not scene.refused(lambda desk: desk.sell(CALL.id, 1, 2000))
    assert not scene.refused(lambda desk: desk.buy(PUT.id, 1, 2000))


def test_what_reduces_one_exceeded_greek_but_adds_to_another_is_refused() -> None:
    scene = with_market(GreekLimits(max_delta=0.05, max_vega=1.0))
    scene.hold(CALL, 30)
    assert scene.refused(lambda desk: desk.buy(PUT.id, 1, 2000))
    assert "vega of BTC_USDT could reach" in scene.reason
    assert "delta" not in scene.reason


def test_an_order_may_not_reduce_through_to_the_other_side_of_the_limit() -> None:
    scene = with_market(GreekLimits(max_delta=0.05))
    scene.hold(CALL, 30)
    assert not scene.refused(lambda desk: desk.sell(CALL.id, 40, 2000))
    scene.answer(scene.orders[0], OrderState.CANCELED)
    assert scene.refused(lambda desk: desk.sell(CALL.id, 41, 2000))


def test_a_reduce_only_order_counts_for_no_more_than_what_is_held() -> None:
    scene = with_market(GreekLimits(max_delta=0.05))
    scene.hold(CALL, 2)
    assert not scene.refused(lambda desk: desk.sell(CALL.id, 100, 2000, reduce_only=True))
    assert not scene.refused(lambda desk: desk.sell(HIGH_CALL.id, 10, 2000)), "the reduce-only sell can take away 2 only"


def test_an_amendment_replaces_the_order_it_amends() -> None:
    scene = with_market(GreekLimits(max_delta=0.05))
    scene.do(lambda desk: desk.buy(CALL.id, 8, 2000))
    working = scene.orders[0].client_id
    assert not scene.refused(lambda desk: desk.amend(working, size=10))
    assert scene.refused(lambda desk: desk.amend(working, size=11))
    assert not scene.refused(lambda desk: desk.amend(working, size=2))


def test_an_amendment_that_pushes_no_further_passes_beyond_the_limit() -> None:
    scene = with_market(GreekLimits(max_delta=0.05))
    scene.do(lambda desk: desk.buy(CALL.id, 8, 2000))
    scene.hold(CALL, 30)
    assert not scene.refused(lambda desk: desk.amend(scene.orders[0].client_id, price=1990))


def test_what_has_filled_of_an_amended_order_counts_once() -> None:
    scene = with_market(GreekLimits(max_delta=0.05))
    scene.do(lambda desk: desk.buy(CALL.id, 8, 2000))
    order = scene.orders[0]
    scene.answer(order)
    scene.fill(order, 6)
    scene.hold(CALL, 6)
    assert not scene.refused(lambda desk: desk.amend(order.client_id, size=10))
    assert scene.refused(lambda desk: desk.amend(order.client_id, size=11))


def test_without_greeks_only_reduce_only_orders_pass() -> None:
    scene = Scene(GreekLimits(max_delta=0.05))
    scene.price(70_000.0)
    scene.hold(CALL, 2)
    assert scene.refused(lambda desk: desk.buy(CALL.id, 1, 2000))
    assert f"the greeks of {CALL.id} are not known yet" in scene.reason
    assert not scene.refused(lambda desk: desk.close(CALL.id))


def test_a_rule_without_any_limit_is_refused_before_a_run() -> None:
    with pytest.raises(ConfigError, match="GreekLimits has no limit"):
        GreekLimits()
