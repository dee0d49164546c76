"""TradingScope: what may be traded, and when. The scene starts on Monday, 2026-06-01 00:00 UTC."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from strikeloop import ConfigError, OptionKind
from strikeloop.settings import structure
from strikeloop_risk import TradingScope
from tests.plugins.risk.scene import CALL, PUT, Scene

HOUR_S = 3600.0


def refuses(rule: TradingScope, after_h: float = 0.0) -> str:
    """Why a call may not be bought so many hours after the start; "" where it may."""
    scene = Scene(rule)
    scene.passes(after_h * HOUR_S)
    return scene.reason if scene.refused(lambda desk: desk.buy(CALL.id, 1, 2000)) else ""


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"underlyings": ("ETH_USDT",)}, "BTC_USDT is not among the underlyings ETH_USDT"),
        ({"contracts": (PUT.id.name,)}, f"{CALL.id} is not among the 1 contracts that may be traded"),
        ({"kinds": (OptionKind.PUT,)}, "calls may not be traded"),
        ({"expiries": (dt.date(2026, 7, 3),)}, "the expiry 2026-07-01 is not among those that may be traded"),
        ({"days": ("tue", "wed")}, "it is mon 00:00 UTC; orders may open on tue, wed at any hour"),
        ({"hours": ("08:00-16:30",)}, "it is mon 00:00 UTC; orders may open on any day at 08:00-16:30"),
        ({"min_hours_to_expiry": 721.0}, f"{CALL.id} expires in 720.00 h, and at least 721 h must be left"),
        ({"max_hours_to_expiry": 700.0}, f"{CALL.id} expires in 720 h, and at most 700 h may be left"),
    ],
)
def test_what_lies_outside_is_refused_with_the_figures(settings: dict[str, Any], reason: str) -> None:
    assert refuses(TradingScope(**settings)) == f"rule0: {reason}"


@pytest.mark.parametrize(
    "settings",
    [
        {"underlyings": ["BTC_USDT"], "kinds": ["call"], "contracts": [CALL.id.name]},
        {"expiries": [dt.date(2026, 7, 1)]},
        {"days": ["mon"], "hours": ["00:00-01:00"]},
        {"min_hours_to_expiry": 720, "max_hours_to_expiry": 721},
    ],
)
def test_what_lies_inside_passes(settings: dict[str, Any]) -> None:
    assert refuses(structure(settings, TradingScope)) == ""


@pytest.mark.parametrize(
    ("hour", "is_open"), [(7.99, False), (8, True), (16.49, True), (16.5, False), (21, False), (22, True), (24 + 7.99, False)]
)
def test_a_span_holds_from_its_start_to_before_its_end(hour: float, is_open: bool) -> None:
    assert (refuses(TradingScope(hours=("08:00-16:30", "22:00-24:00")), hour) == "") is is_open


@pytest.mark.parametrize(("hour", "is_open"), [(1, False), (22, True), (24 + 3.9, True), (24 + 4, False), (48 + 1, False)])
def test_a_span_over_midnight_belongs_to_the_day_it_begins_on(hour: float, is_open: bool) -> None:
    assert (refuses(TradingScope(days=("mon",), hours=("22:00-04:00",)), hour) == "") is is_open


def test_what_closes_or_makes_an_order_smaller_passes_always() -> None:
    scene = Scene(TradingScope(hours=("00:00-01:00",)))
    scene.do(lambda desk: desk.buy(PUT.id, 5, 1900))
    scene.hold(CALL, 3)
    scene.passes(2 * HOUR_S)
    working = scene.orders[0].client_id
    assert not scene.refused(lambda desk: desk.sell(CALL.id, 2, 2100))
    assert not scene.refused(lambda desk: desk.close(CALL.id))
    assert not scene.refused(lambda desk: desk.amend(working, size=4))
    assert scene.refused(lambda desk: desk.amend(working, price=1950))
    assert scene.refused(lambda desk: desk.sell(CALL.id, 9, 2100))


@pytest.mark.parametrize("text", ["8:00-16:00", "08:00", "08:00-08:00", "25:00-26:00", "08:00-24:30"])
def test_hours_that_are_none_are_refused_before_a_run(text: str) -> None:
    with pytest.raises(ConfigError, match="expected a span of hours in UTC"):
        TradingScope(hours=(text,))


def test_bounds_that_leave_nothing_are_refused_before_a_run() -> None:
    with pytest.raises(ConfigError, match="min_hours_to_expiry: is 48, not below max_hours_to_expiry of 24"):
        TradingScope(min_hours_to_expiry=48.0, max_hours_to_expiry=24.0)
    with pytest.raises(ConfigError, match="TradingScope has no limit"):
        TradingScope()
