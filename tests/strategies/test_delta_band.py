"""DeltaBand: it does nothing inside the band, and one thing at a time outside it."""

from __future__ import annotations

from strikeloop import OrderState
from strikeloop_strategies import DeltaBand
from tests.plugins.risk.scene import CALL, HIGH_CALL, PUT, D, Scene


def with_market() -> Scene:
    scene = Scene(strategies=(DeltaBand(band=0.1),))
    scene.market()
    return scene


def test_inside_the_band_it_does_nothing() -> None:
    scene = with_market()
    scene.hold(CALL, 20)
    scene.risk(delta=0.1)
    assert scene.orders == []


def test_outside_the_band_it_reduces_the_position_that_pushes_most() -> None:
    scene = with_market()
    scene.hold(HIGH_CALL, 10)
    scene.hold(CALL, 30)
    scene.hold(PUT, 5)
    scene.risk(delta=0.175)
    (order,) = scene.orders
    assert (order.contract, order.size, order.price, order.reduce_only, order.tag) == (CALL.id, D(-1), None, True, "delta-band")


def test_on_the_short_side_it_buys_back() -> None:
    scene = with_market()
    scene.hold(CALL, -30)
    scene.risk(delta=-0.15)
    assert [order.size for order in scene.orders] == [D(1)]


def test_while_an_order_works_it_waits() -> None:
    scene = with_market()
    scene.hold(CALL, 30)
    scene.risk(delta=0.15)
    scene.risk(delta=0.15)
    assert len(scene.orders) == 1
    scene.answer(scene.orders[0], OrderState.FILLED, left=D(0))
    scene.risk(delta=0.145)
    assert len(scene.orders) == 2


def test_with_nothing_that_pushes_it_does_nothing() -> None:
    scene = with_market()
    scene.hold(PUT, 30)
    scene.risk(delta=0.5)
    assert scene.orders == []
