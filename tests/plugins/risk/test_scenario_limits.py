"""StressLimit and VarLimit, against figures computed without them."""

from __future__ import annotations

import pytest

from strikeloop import ConfigError, OrderState
from strikeloop.pricing import price
from strikeloop_risk import StressLimit, VarLimit
from tests.plugins.risk.scene import CALL, EXPIRY, HIGH_CALL, PUT, START, Scene

YEARS = (EXPIRY - START) / (365 * 86_400 * 1_000_000_000)
IV = 0.5
F = 70_000.0
MARKS = {contract.id: price(F, float(contract.strike), YEARS, IV, is_call=contract.is_call) for contract in (CALL, PUT, HIGH_CALL)}


def scene_with(*rules: StressLimit | VarLimit) -> Scene:
    scene = Scene(*rules)
    scene.price(F)
    for contract in (CALL, PUT, HIGH_CALL):
        scene.tick(contract, MARKS[contract.id], mark_iv=IV)
    scene.balance("100000")
    return scene


def loss_of_a_short_call(move: float, shock: float) -> float:
    """Of one contract, 0.01 units."""
    return 0.01 * (price(F * (1 + move), 70_000.0, YEARS, IV * (1 + shock), is_call=True) - MARKS[CALL.id])


def test_an_order_passes_up_to_the_worst_loss_of_the_grid() -> None:
    worst = loss_of_a_short_call(0.2, 0.3)
    scene = scene_with(StressLimit(max_loss=5 * worst + 0.01))
    assert scene.refused(lambda desk: desk.sell(CALL.id, 6, 5000))
    assert f"BTC_USDT could lose {6 * worst:.2f} in the scenario price +20%, volatility +30% (now 0.00)" in scene.reason
    assert not scene.refused(lambda desk: desk.sell(CALL.id, 5, 5000))


def test_the_grid_is_a_setting() -> None:
    worst = loss_of_a_short_call(0.05, 0.1)
    scene = scene_with(StressLimit(max_loss=worst + 0.01, moves=(-0.05, 0.05), volatilities=(0.1,)))
    assert not scene.refused(lambda desk: desk.sell(CALL.id, 1, 5000))
    assert scene.refused(lambda desk: desk.sell(CALL.id, 1, 5000))


def test_filling_at_worse_than_the_mark_is_a_loss_too() -> None:
    worst = loss_of_a_short_call(0.2, 0.3)
    scene = scene_with(StressLimit(max_loss=worst + 0.01))
    assert scene.refused(lambda desk: desk.sell(CALL.id, 1, int(MARKS[CALL.id]) - 10))
    assert not scene.refused(lambda desk: desk.sell(CALL.id, 1, int(MARKS[CALL.id]) + 10))


def test_working_orders_count_where_they_lose() -> None:
    worst = loss_of_a_short_call(0.2, 0.3)
    scene = scene_with(StressLimit(max_loss=2.5 * worst))
    scene.do(lambda desk: desk.sell(CALL.id, 2, 5000))
    scene.do(lambda desk: desk.buy(HIGH_CALL.id, 5, 3000))
    scene.answer(scene.orders[0], OrderState.UNKNOWN)
    assert len(scene.orders) == 2, "what would protect may never trade, and does no harm"
    assert scene.refused(lambda desk: desk.sell(CALL.id, 1, 5000))


def test_a_hedge_passes_although_the_loss_is_beyond_the_limit_and_more_of_the_same_does_not() -> None:
    scene = scene_with(StressLimit(max_loss=10.0))
    scene.hold(CALL, -5)
    assert scene.refused(lambda desk: desk.sell(CALL.id, 1, 5000))
    assert not scene.refused(lambda desk: desk.buy(HIGH_CALL.id, 3, int(MARKS[HIGH_CALL.id])))
    assert not scene.refused(lambda desk: desk.buy(CALL.id, 2, int(MARKS[CALL.id])))
    assert not scene.refused(lambda desk: desk.close(CALL.id))


def test_each_underlying_and_the_total_may_have_limits_of_their_own() -> None:
    worst = loss_of_a_short_call(0.2, 0.3)
    scene = scene_with(StressLimit(max_loss={"BTC_USDT": 10 * worst, "total": 1.5 * worst}))
    assert scene.refused(lambda desk: desk.sell(CALL.id, 2, 5000))
    assert f"above the limit of {1.5 * worst:g}" in scene.reason
    scene = scene_with(StressLimit(max_loss={"ETH_USDT": 1.0}))
    assert not scene.refused(lambda desk: desk.sell(CALL.id, 20, 5000))


def test_the_largest_order_that_keeps_within_the_limit_may_pass() -> None:
    worst = loss_of_a_short_call(0.2, 0.3)
    scene = scene_with(StressLimit(max_loss=5 * worst + 0.01, on_breach="resize"))
    scene.do(lambda desk: desk.sell(CALL.id, 60, 5000))
    assert [int(order.size) for order in scene.orders] == [-5]


def test_value_at_risk_is_what_the_account_would_have_after_the_order() -> None:
    probe = scene_with(VarLimit(max_var=1e9))
    probe.hold(CALL, -4)
    limit = probe.engine.instances[0].desk.what_if().before.value_at_risk
    scene = scene_with(VarLimit(max_var=limit * 1.0001))
    assert scene.refused(lambda desk: desk.sell(CALL.id, 5, 5000))
    assert "value at risk would be" in scene.reason
    assert not scene.refused(lambda desk: desk.sell(CALL.id, 4, 5000))


def test_what_takes_value_at_risk_down_passes_beyond_the_limit() -> None:
    scene = scene_with(VarLimit(max_var=1.0))
    scene.hold(CALL, -5)
    assert scene.refused(lambda desk: desk.sell(PUT.id, 9, 5000))
    assert not scene.refused(lambda desk: desk.buy(CALL.id, 3, int(MARKS[CALL.id])))
    assert not scene.refused(lambda desk: desk.close(CALL.id))


@pytest.mark.parametrize("rule", [StressLimit(max_loss=10.0), VarLimit(max_var=10.0)])
def test_what_cannot_be_valued_may_only_be_closed(rule: StressLimit | VarLimit) -> None:
    scene = Scene(rule)
    scene.hold(CALL, 2)
    assert scene.refused(lambda desk: desk.buy(PUT.id, 1, 1900))
    assert "cannot be valued yet" in scene.reason
    assert not scene.refused(lambda desk: desk.close(CALL.id))


@pytest.mark.parametrize("limit", [0.0, -1.0])
def test_a_limit_that_is_not_positive_is_refused_before_a_run(limit: float) -> None:
    with pytest.raises(ConfigError, match="expected more than 0"):
        StressLimit(max_loss=limit)
    with pytest.raises(ConfigError, match="expected more than 0"):
        VarLimit(max_var=limit)
