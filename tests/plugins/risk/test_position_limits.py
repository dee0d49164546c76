"""PositionLimits: sizes at their worst, in a contract, an expiry, an underlying."""

from __future__ import annotations

from typing import Any

import pytest

from strikeloop import ConfigError, OrderState
from strikeloop_risk import PositionLimits
from tests.plugins.risk.scene import CALL, CHAIN, EXPIRY, HIGH_CALL, HOUR, PUT, D, Scene, option

LATER = option(70_000, expiry=EXPIRY + 24 * HOUR)


def scene_with(**limits: Any) -> Scene:
    return Scene(PositionLimits(**limits), contracts=(*CHAIN, LATER))


def test_a_position_may_reach_its_limit_on_either_side_and_not_go_beyond() -> None:
    scene = scene_with(max_per_contract=D(5))
    scene.hold(CALL, 3)
    assert not scene.refused(lambda desk: desk.buy(CALL.id, 2, 2000))
    assert scene.refused(lambda desk: desk.buy(CALL.id, 1, 2000))
    assert scene.reason == f"rule0: the account could hold 6 contracts in {CALL.id} (without this order 5), above 5"
    assert not scene.refused(lambda desk: desk.sell(CALL.id, 8, 2000))
    assert scene.refused(lambda desk: desk.sell(CALL.id, 1, 2000))


def test_options_of_an_expiry_do_not_cancel_each_other_by_number() -> None:
    scene = scene_with(max_per_expiry=D(10))
    scene.hold(CALL, 4)
    scene.hold(PUT, -4)
    assert not scene.refused(lambda desk: desk.buy(LATER.id, 10, 2000))
    assert scene.refused(lambda desk: desk.buy(HIGH_CALL.id, 3, 2000))
    assert "hold 11 contracts of BTC_USDT in this expiry (without this order 8)" in scene.reason
    assert not scene.refused(lambda desk: desk.buy(HIGH_CALL.id, 2, 2000))


def test_all_expiries_count_for_an_underlying() -> None:
    scene = scene_with(max_per_underlying=D(10))
    scene.hold(LATER, -8)
    assert scene.refused(lambda desk: desk.buy(CALL.id, 3, 2000))
    assert not scene.refused(lambda desk: desk.buy(CALL.id, 2, 2000))


def test_a_table_may_limit_each_underlying_and_all_together() -> None:
    scene = Scene(PositionLimits(max_per_underlying={"ETH_USDT": D(1), "total": D(4)}))
    assert not scene.refused(lambda desk: desk.buy(CALL.id, 4, 2000))
    assert scene.refused(lambda desk: desk.buy(PUT.id, 1, 2000))
    assert "of all underlyings" in scene.reason


def test_orders_of_unknown_outcome_count() -> None:
    scene = scene_with(max_per_contract=D(5))
    scene.do(lambda desk: desk.buy(CALL.id, 4, 2000))
    scene.answer(scene.orders[0], OrderState.UNKNOWN)
    assert scene.refused(lambda desk: desk.buy(CALL.id, 2, 2000))


def test_what_reduces_passes_beyond_the_limit() -> None:
    scene = scene_with(max_per_contract=D(5), max_per_expiry=D(5))
    scene.hold(CALL, 20)
    assert scene.refused(lambda desk: desk.buy(CALL.id, 1, 2000))
    assert not scene.refused(lambda desk: desk.sell(CALL.id, 12, 2000))
    assert not scene.refused(lambda desk: desk.close(CALL.id))


def test_an_amendment_is_judged_as_what_it_becomes() -> None:
    scene = scene_with(max_per_contract=D(5))
    scene.do(lambda desk: desk.buy(CALL.id, 3, 2000))
    working = scene.orders[0].client_id
    assert not scene.refused(lambda desk: desk.amend(working, size=5))
    assert scene.refused(lambda desk: desk.amend(working, size=6))
    scene.hold(CALL, 9)
    assert not scene.refused(lambda desk: desk.amend(working, size=2))


def test_the_largest_part_that_fits_may_pass() -> None:
    scene = Scene(PositionLimits(max_per_contract=D(5), on_breach="resize"))
    scene.hold(CALL, 3)
    scene.do(lambda desk: desk.buy(CALL.id, 9, 2000))
    assert [order.size for order in scene.orders] == [D(2)]
    assert scene.refused(lambda desk: desk.buy(CALL.id, 9, 2000))


def test_a_rule_without_any_limit_is_refused_before_a_run() -> None:
    with pytest.raises(ConfigError, match="PositionLimits has no limit"):
        PositionLimits()
