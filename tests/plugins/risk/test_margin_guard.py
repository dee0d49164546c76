"""MarginGuard, against Gate's classic margin: a short call at the money takes 0.15 · 70,000 + 2,000 = 12,500 per unit."""

from __future__ import annotations

import pytest

from strikeloop import ConfigError
from strikeloop_risk import MarginGuard
from tests.plugins.risk.scene import CALL, HIGH_CALL, Scene


def with_balance(rule: MarginGuard, total: str, option_value: str = "0") -> Scene:
    scene = Scene(rule)
    scene.market()
    scene.balance(total, option_value)
    return scene


def test_a_short_up_to_the_share_passes_and_one_beyond_it_does_not() -> None:
    scene = with_balance(MarginGuard(max_share=0.5), "1000")
    assert scene.refused(lambda desk: desk.sell(CALL.id, 5, 2000))
    assert "margin would be 625.00 (now 0.00), above 50% of the equity of 1000.00" in scene.reason
    assert not scene.refused(lambda desk: desk.sell(CALL.id, 4, 2000))


def test_the_value_of_the_options_belongs_to_equity() -> None:
    scene = with_balance(MarginGuard(max_share=0.5), "1000")
    scene.hold(HIGH_CALL, 15)
    assert not scene.refused(lambda desk: desk.sell(CALL.id, 5, 2000)), "15 · 0.01 · 2,000 = 300 belong to it"


def test_what_working_orders_hold_back_counts() -> None:
    scene = with_balance(MarginGuard(max_share=0.5), "1000")
    scene.do(lambda desk: desk.sell(CALL.id, 3, 2000))
    assert scene.refused(lambda desk: desk.sell(CALL.id, 2, 2000))


def test_an_amendment_is_not_counted_beside_the_order_it_amends() -> None:
    scene = with_balance(MarginGuard(max_share=0.5), "1000")
    scene.do(lambda desk: desk.sell(CALL.id, 3, 2000))
    working = scene.orders[0].client_id
    assert not scene.refused(lambda desk: desk.amend(working, size=4))
    assert scene.refused(lambda desk: desk.amend(working, size=5))


def test_a_premium_that_nobody_can_pay_is_refused() -> None:
    scene = with_balance(MarginGuard(max_share=1.0), "100")
    assert scene.refused(lambda desk: desk.buy(CALL.id, 6, 2000))
    assert "would have -20.00 available (now 100.00), and may not go below 0" in scene.reason
    assert not scene.refused(lambda desk: desk.buy(CALL.id, 5, 2000))


def test_what_frees_margin_passes_although_the_share_is_exceeded() -> None:
    scene = with_balance(MarginGuard(max_share=0.5), "1000")
    scene.hold(CALL, -7)
    assert scene.refused(lambda desk: desk.sell(CALL.id, 1, 2000))
    assert not scene.refused(lambda desk: desk.buy(CALL.id, 2, 2000))


def test_without_a_balance_only_closing_orders_pass() -> None:
    scene = Scene(MarginGuard())
    scene.market()
    scene.hold(CALL, 2)
    assert scene.refused(lambda desk: desk.sell(CALL.id, 3, 2000))
    assert "the balance is not known yet" in scene.reason
    assert not scene.refused(lambda desk: desk.close(CALL.id))


def test_without_a_mark_margin_cannot_be_judged() -> None:
    scene = Scene(MarginGuard())
    scene.balance("1000")
    assert scene.refused(lambda desk: desk.buy(CALL.id, 1, 2000))
    assert f"the mark of {CALL.id} is not known yet" in scene.reason


def test_a_share_above_one_is_refused_before_a_run() -> None:
    with pytest.raises(ConfigError, match=r"max_share: is 1\.5; expected a share"):
        MarginGuard(max_share=1.5)
