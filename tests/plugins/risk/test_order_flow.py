"""OrderFlow: rate, duplicates, self-crossing."""

from __future__ import annotations

import pytest

from strikeloop import ConfigError, Desk, OrderState
from strikeloop_risk import OrderFlow
from tests.plugins.risk.scene import CALL, HIGH_CALL, PUT, Scene


def test_no_more_orders_than_the_limit_go_out_in_any_window() -> None:
    scene = Scene(OrderFlow(max_orders=2, per_s=10.0))
    assert not scene.refused(lambda desk: desk.buy(CALL.id, 1, 1990))
    scene.passes(6)
    assert not scene.refused(lambda desk: desk.buy(CALL.id, 1, 1991))
    assert scene.refused(lambda desk: desk.buy(PUT.id, 1, 1992))
    assert scene.reason == "rule0: 2 orders of the account went out in the last 10 s, and 2 may"
    scene.passes(4)
    assert not scene.refused(lambda desk: desk.buy(CALL.id, 1, 1993))
    assert scene.refused(lambda desk: desk.buy(CALL.id, 1, 1994))


def test_each_contract_may_have_a_rate_of_its_own() -> None:
    scene = Scene(OrderFlow(max_orders=3, max_orders_per_contract=1))
    assert not scene.refused(lambda desk: desk.buy(CALL.id, 1, 1990))
    assert scene.refused(lambda desk: desk.buy(CALL.id, 1, 1991))
    assert not scene.refused(lambda desk: desk.buy(PUT.id, 1, 1990))


def test_amendments_count_and_cancels_do_not() -> None:
    scene = Scene(OrderFlow(max_orders=2))
    scene.do(lambda desk: desk.buy(CALL.id, 1, 1990))
    working = scene.orders[0].client_id
    assert not scene.refused(lambda desk: desk.amend(working, price=1991))
    assert scene.refused(lambda desk: desk.amend(working, price=1992))
    assert not scene.refused(lambda desk: desk.cancel(working))


def test_what_only_closes_passes_at_any_rate_and_is_counted() -> None:
    scene = Scene(OrderFlow(max_orders=1))
    scene.hold(CALL, 9)
    for _ in range(3):
        assert not scene.refused(lambda desk: desk.close(CALL.id, 1))
    assert scene.refused(lambda desk: desk.buy(PUT.id, 1, 1990))


def test_the_same_order_twice_is_refused_for_a_while() -> None:
    scene = Scene(OrderFlow(duplicate_s=0.5))
    assert not scene.refused(lambda desk: desk.buy(CALL.id, 2, 1990))
    scene.passes(0.2)
    assert scene.refused(lambda desk: desk.buy(CALL.id, 2, 1990))
    assert scene.reason == "rule0: the same order (+2 at 1990) went out 0.200 s ago, within 0.5 s"
    others = ((CALL, 3, 1990), (CALL, 2, 1991), (PUT, 2, 1990))
    for contract, size, price in others:
        assert not scene.refused(lambda desk, c=contract, s=size, p=price: desk.buy(c.id, s, p))  # type: ignore[misc]  # bound now
    scene.passes(0.3)
    assert not scene.refused(lambda desk: desk.buy(CALL.id, 2, 1990))


def test_a_refused_order_is_no_first_one() -> None:
    scene = Scene(OrderFlow(duplicate_s=5.0, no_self_cross=True))
    scene.do(lambda desk: desk.sell(CALL.id, 1, 1990))
    assert scene.refused(lambda desk: desk.buy(CALL.id, 2, 1990))
    scene.answer(scene.orders[0], OrderState.CANCELED)
    assert not scene.refused(lambda desk: desk.buy(CALL.id, 2, 1990))


@pytest.mark.parametrize("status", [OrderState.OPEN, OrderState.UNKNOWN])
def test_no_order_may_trade_with_our_own(status: OrderState) -> None:
    scene = Scene(OrderFlow(no_self_cross=True))
    scene.do(lambda desk: desk.sell(CALL.id, 1, 2000))
    scene.answer(scene.orders[0], status)
    assert not scene.refused(lambda desk: desk.buy(CALL.id, 1, 1999))
    assert scene.refused(lambda desk: desk.buy(CALL.id, 1, 2000))
    assert f"it would trade with our own order {scene.orders[0].client_id} (-1 at 2000)" in scene.reason
    assert scene.refused(lambda desk: desk.buy(CALL.id, 1))
    assert not scene.refused(lambda desk: desk.buy(HIGH_CALL.id, 1, 3000))
    assert not scene.refused(lambda desk: desk.sell(CALL.id, 1, 2000))


def test_an_amendment_may_not_reach_our_own_order_either() -> None:
    scene = Scene(OrderFlow(no_self_cross=True))

    def both(desk: Desk) -> None:
        desk.sell(CALL.id, 1, 2000)
        desk.buy(CALL.id, 1, 1900)

    scene.do(both)
    assert scene.refused(lambda desk: desk.amend(scene.orders[1].client_id, price=2000))


def test_settings_that_cannot_be_meant_are_refused_before_a_run() -> None:
    with pytest.raises(ConfigError, match="max_orders_per_contract: is 5, above max_orders of 2"):
        OrderFlow(max_orders=2, max_orders_per_contract=5)
    with pytest.raises(ConfigError, match="OrderFlow has no limit"):
        OrderFlow()
