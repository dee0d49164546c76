"""MarginMonitor: margin against equity, and what is available."""

from __future__ import annotations

from strikeloop_risk import MarginMonitor
from tests.plugins.risk.scene import D, Scene, told


def test_required_margin_is_held_against_cash_and_the_value_of_the_options() -> None:
    scene = Scene(MarginMonitor(max_required=0.5))
    scene.balance("800", "200")
    scene.risk(required=390)
    assert told(scene) == []
    scene.risk(required=400)
    scene.risk(required=500)
    assert told(scene) == ["warning margin_required", "critical margin_required"]
    assert scene.alerts[-1].text == "margin required is 500.00, 50% of the equity of 1000.00 (limit 50%)"


def test_occupied_margin_has_a_limit_of_its_own() -> None:
    scene = Scene(MarginMonitor(max_occupied=0.8))
    scene.balance("1000")
    scene.risk(occupied=700, required=100)
    scene.risk(occupied=100, required=100)
    assert told(scene) == ["warning margin_occupied", "info margin_occupied"]
    assert "is back at 100.00" in scene.alerts[-1].text


def test_margin_without_any_equity_is_critical() -> None:
    scene = Scene(MarginMonitor())
    scene.balance("0")
    scene.risk(required=1)
    assert told(scene) == ["critical margin_required"]


def test_before_a_balance_is_known_nothing_is_said() -> None:
    scene = Scene(MarginMonitor())
    scene.risk(required=1)
    assert told(scene) == []


def test_little_that_is_available_is_told_and_so_is_its_return() -> None:
    scene = Scene(MarginMonitor(min_available=D(100)))
    for available in ("1000", "120", "100", "105", "-5", "900"):
        scene.balance("1000", available=available)
    assert told(scene) == ["warning available", "critical available", "info available"]
    assert [alert.text for alert in scene.alerts] == [
        "120 USDT available, 100 should stay",
        "100 USDT available, 100 should stay",
        "back to 900 USDT available, 100 should stay",
    ]
