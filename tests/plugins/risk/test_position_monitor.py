"""PositionMonitor: significant and unexplained changes."""

from __future__ import annotations

from strikeloop import ContractSettled, OrderState, PositionClosed
from strikeloop_risk import PositionMonitor
from tests.plugins.risk.scene import CALL, PUT, D, Scene, told


def bought(scene: Scene, size: int) -> None:
    """The trader buys, the venue fills, the position follows."""
    held = scene.engine.portfolio.position(CALL.id)
    scene.do(lambda desk: desk.buy(CALL.id, size, 2000))
    scene.answer(scene.orders[-1])
    scene.fill(scene.orders[-1])
    scene.hold(CALL, int(held.size if held else 0) + size)


def test_a_change_of_many_contracts_is_told() -> None:
    scene = Scene(PositionMonitor(max_change=D(10), max_share=None))
    bought(scene, 9)
    assert told(scene) == []
    bought(scene, 1)
    assert [alert.text for alert in scene.alerts] == [f"{CALL.id} went from +0 to +10, by +10"]


def test_a_change_is_measured_from_the_size_last_told() -> None:
    scene = Scene(PositionMonitor(max_change=D(10), max_share=None))
    scene.hold(CALL, 10)
    for size in (15, 10, 15, 5):
        scene.hold(CALL, size)
    assert told(scene) == ["warning position_change"]
    scene.hold(CALL, 0)
    assert told(scene) == ["warning position_change"] * 2


def test_a_large_part_of_a_position_is_told_and_small_positions_are_left_alone() -> None:
    scene = Scene(PositionMonitor(max_change=D(100), max_share=0.5, share_from=D(4)))
    scene.hold(CALL, 3)
    scene.hold(CALL, 1)
    assert told(scene) == []
    scene = Scene(PositionMonitor(max_change=D(100), max_share=0.5, share_from=D(4)), start=False)
    scene.hold(CALL, 8)
    scene.start()
    scene.hold(CALL, 5)
    assert told(scene) == []
    scene.hold(CALL, 4)
    assert [alert.text for alert in scene.alerts] == [f"{CALL.id} went from +8 to +4, by -4 (50%)"]


def test_news_of_mark_and_greeks_are_no_change() -> None:
    scene = Scene(PositionMonitor(max_change=D(1)))
    scene.hold(CALL, 1)
    scene.hold(CALL, 1)
    assert len(scene.alerts) == 1


def test_what_our_orders_explain_is_not_called_unexplained() -> None:
    scene = Scene(PositionMonitor())
    bought(scene, 3)
    scene.passes(10)
    assert told(scene) == []


def test_a_position_may_come_before_its_fill() -> None:
    scene = Scene(PositionMonitor(grace_s=2))
    scene.do(lambda desk: desk.buy(CALL.id, 3, 2000))
    scene.answer(scene.orders[0])
    scene.hold(CALL, 3)
    scene.passes(1)
    scene.fill(scene.orders[0])
    scene.passes(10)
    assert told(scene) == []


def test_a_change_that_no_order_explains_is_critical_once() -> None:
    scene = Scene(PositionMonitor(grace_s=2))
    bought(scene, 3)
    scene.hold(CALL, 5)
    scene.passes(1.9)
    assert told(scene) == []
    scene.passes(10)
    assert told(scene) == ["critical position_unexplained"]
    assert scene.alerts[0].text == f"{CALL.id} is +5 but our orders explain +3: +2 came by another hand"


def test_a_fill_that_no_position_follows_is_unexplained_too() -> None:
    scene = Scene(PositionMonitor(grace_s=2))
    scene.do(lambda desk: desk.buy(CALL.id, 3, 2000))
    scene.answer(scene.orders[0])
    scene.fill(scene.orders[0])
    scene.passes(3)
    assert told(scene) == ["critical position_unexplained"]


def test_each_difference_has_its_own_time_of_grace() -> None:
    scene = Scene(PositionMonitor(grace_s=2))
    scene.hold(CALL, 1)
    scene.passes(1)
    scene.hold(PUT, 1)
    scene.passes(1.5)
    assert [alert.text.split()[0] for alert in scene.alerts] == [str(CALL.id)]
    scene.passes(2)
    assert [alert.text.split()[0] for alert in scene.alerts] == [str(CALL.id), str(PUT.id)]


def test_a_fill_that_names_only_the_venues_order_is_known_as_ours() -> None:
    scene = Scene(PositionMonitor(grace_s=2))
    scene.do(lambda desk: desk.buy(CALL.id, 3, 2000))
    scene.answer(scene.orders[0])
    scene.fill(scene.orders[0], names_client=False)
    scene.hold(CALL, 3)
    scene.passes(3)
    assert told(scene) == []


def test_fills_of_a_foreign_order_explain_nothing() -> None:
    scene = Scene(PositionMonitor(grace_s=2))
    scene.do(lambda desk: desk.buy(CALL.id, 3, 2000))
    foreign = scene.orders[0].__class__(client_id="somebody", contract=CALL.id, size=D(2), price=D(2000))
    scene.answer(foreign, OrderState.OPEN)
    scene.fill(foreign)
    scene.hold(CALL, 2)
    scene.passes(3)
    assert told(scene) == ["critical position_unexplained"]


def test_positions_from_before_the_start_need_no_explanation() -> None:
    scene = Scene(PositionMonitor(), start=False)
    scene.hold(CALL, 4)
    scene.start()
    scene.hold(CALL, 4)
    scene.passes(10)
    assert told(scene) == []


def test_settlement_explains_that_a_position_is_gone() -> None:
    scene = Scene(PositionMonitor(), start=False)
    scene.hold(CALL, 4)
    scene.start()
    settled = ContractSettled(time=scene.now, received=scene.now, contract=CALL.id, settle_price=D(70_000), size=D(4), pnl=D(0))
    scene.hears(settled)
    scene.hold(CALL, 0)
    scene.passes(10)
    assert told(scene) == []


def test_a_position_closed_by_another_hand_stays_unexplained() -> None:
    scene = Scene(PositionMonitor(max_share=None), start=False)
    scene.hold(CALL, 4)
    scene.start()
    scene.hold(CALL, 0)
    scene.hears(PositionClosed(time=scene.now, received=scene.now, contract=CALL.id, side="long", pnl=D(0)))
    scene.passes(10)
    assert told(scene) == ["critical position_unexplained"]
