"""DataGuard: nothing opens on what is old or not known."""

from __future__ import annotations

from typing import Any

import pytest

from strikeloop import ConfigError, GapClosed, GapOpened, OrderState, Reconciled, StreamLost, StreamStale
from strikeloop_risk import DataGuard
from tests.plugins.risk.scene import CALL, PUT, Scene

NEVER = {"max_ticker_age_s": None}


def scene_with(**settings: Any) -> Scene:
    scene = Scene(DataGuard(**settings))
    scene.market()
    return scene


def stream(scene: Scene, kind: Any, port: str = "feed", **more: Any) -> None:
    scene.hears(kind(time=scene.now, received=scene.now, adapter="gate", port=port, **more))


@pytest.mark.parametrize(
    ("setting", "name"),
    [
        ("max_ticker_age_s", f"ticker of {CALL.id}"),
        ("max_quote_age_s", f"quote of {CALL.id}"),
        ("max_underlying_age_s", "price of BTC_USDT"),
    ],
)
def test_what_is_older_than_its_limit_refuses_what_opens(setting: str, name: str) -> None:
    scene = scene_with(**{**NEVER, setting: 5.0})
    scene.quote(CALL, 1990.0, 2010.0)
    scene.passes(5)
    assert not scene.refused(lambda desk: desk.buy(CALL.id, 1, 2000))
    scene.passes(0.1)
    assert scene.refused(lambda desk: desk.buy(CALL.id, 1, 2000))
    assert scene.reason == f"rule0: the last {name} is 5.1 s old, and 5 s may pass"


def test_what_was_never_told_is_stale() -> None:
    scene = Scene(DataGuard(max_quote_age_s=5.0))
    assert scene.refused(lambda desk: desk.buy(CALL.id, 1, 2000))
    assert f"there is no quote of {CALL.id} yet; there is no ticker of {CALL.id} yet" in scene.reason


def test_what_closes_or_makes_an_order_smaller_passes_always() -> None:
    scene = scene_with()
    scene.hold(CALL, 3)
    scene.do(lambda desk: desk.buy(PUT.id, 5, 1900))
    scene.passes(99)
    assert not scene.refused(lambda desk: desk.sell(CALL.id, 3, 2100))
    assert not scene.refused(lambda desk: desk.amend(scene.orders[0].client_id, size=4))
    assert scene.refused(lambda desk: desk.amend(scene.orders[0].client_id, size=6))


@pytest.mark.parametrize(
    ("event", "more", "reason"),
    [
        (StreamLost, {"reason": "closed"}, "the feed line of gate is lost: closed"),
        (StreamStale, {"channel": "orders", "age_s": 70.0}, "orders of gate was not confirmed for 70 s"),
        (GapOpened, {"channel": "books", "reason": "id 7 is missing"}, "books of gate missed messages: id 7 is missing"),
    ],
)
def test_a_doubt_about_a_stream_stands_until_it_is_reconciled(event: Any, more: dict[str, Any], reason: str) -> None:
    scene = scene_with()
    stream(scene, event, **more)
    assert scene.refused(lambda desk: desk.buy(CALL.id, 1, 2000))
    assert scene.reason == f"rule0: {reason}"
    stream(scene, Reconciled)
    assert not scene.refused(lambda desk: desk.buy(CALL.id, 1, 2000))


def test_a_gap_that_closes_ends_the_doubt_about_its_own_channel_only() -> None:
    scene = scene_with()
    for channel in ("books", "tickers"):
        stream(scene, GapOpened, channel=channel, reason="late")
    stream(scene, GapClosed, channel="books")
    assert scene.refused(lambda desk: desk.buy(CALL.id, 1, 2000))
    stream(scene, GapClosed, channel="tickers")
    assert not scene.refused(lambda desk: desk.buy(CALL.id, 1, 2000))


def test_after_a_doubt_some_time_must_pass() -> None:
    scene = scene_with(settle_s=3.0)
    assert not scene.refused(lambda desk: desk.buy(CALL.id, 1, 2000))
    stream(scene, StreamLost, reason="closed")
    stream(scene, Reconciled)
    assert scene.refused(lambda desk: desk.buy(CALL.id, 1, 2000))
    assert "was reconciled 0.0 s ago, and 3 s must pass" in scene.reason
    scene.passes(3)
    assert not scene.refused(lambda desk: desk.buy(CALL.id, 1, 2000))


def test_beside_orders_of_unknown_outcome_nothing_opens() -> None:
    scene = scene_with()
    scene.do(lambda desk: desk.buy(PUT.id, 1, 1900))
    scene.answer(scene.orders[0], OrderState.UNKNOWN)
    assert scene.refused(lambda desk: desk.buy(CALL.id, 1, 2000))
    assert scene.reason == "rule0: 1 orders have an unknown outcome, and 0 may"


def test_an_age_that_is_none_is_refused_before_a_run() -> None:
    with pytest.raises(ConfigError, match="max_ticker_age_s: is -1"):
        DataGuard(max_ticker_age_s=-1.0)
