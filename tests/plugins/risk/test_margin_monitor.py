"""MarginMonitor: margin against equity, and what is available."""

from __future__ import annotations

from typing import Any

import pytest

from strikeloop import ConfigError, HaltState, HaltUpdated
from strikeloop_risk import MarginMonitor, projected
from tests.plugins.risk.scene import CALL, PUT, D, Scene, told


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


def short_call(scene: Scene, size: int = -10) -> None:
    """A short call with a price, in an account that knows its money."""
    scene.price(70_000.0)
    scene.tick(CALL, 4_000.0, mark_iv=0.5)
    scene.hold(CALL, size)
    scene.risk()


def test_a_liquidation_that_is_near_is_told_with_its_distance_and_what_moves_would_do() -> None:
    scene = Scene(MarginMonitor(min_distance=0.1))
    scene.balance("1100")
    short_call(scene)
    assert told(scene) == ["critical distance_to_liquidation"]
    text = scene.alerts[0].text
    assert text.startswith("a move of +")
    assert "of the underlying liquidates the account (limit 10%); -20%: +" in text
    assert "; +20%: -" in text
    assert text.count(", liquidated") == 3


def test_a_liquidation_that_is_far_is_not_told() -> None:
    scene = Scene(MarginMonitor(min_distance=0.1))
    scene.balance("20000")
    short_call(scene)
    assert told(scene) == []


def test_the_distance_is_looked_at_every_so_often_and_at_once_when_a_position_changes() -> None:
    scene = Scene(MarginMonitor(min_distance=0.1, look_s=60))
    scene.balance("20000")
    short_call(scene)
    scene.balance("1100")
    scene.risk()
    assert told(scene) == []
    scene.hold(CALL, -10)
    scene.risk()
    assert told(scene) == []
    scene.hold(CALL, -11)
    scene.risk()
    assert told(scene) == ["critical distance_to_liquidation"]
    scene.hold(CALL, 0)
    scene.risk()
    assert told(scene)[-1] == "info distance_to_liquidation"
    assert scene.alerts[-1].text.startswith("back at no move of the underlying liquidates the account")


def test_after_the_time_it_is_looked_at_again() -> None:
    scene = Scene(MarginMonitor(min_distance=0.1, look_s=60))
    scene.balance("20000")
    short_call(scene)
    scene.balance("1100")
    scene.passes(60)
    scene.risk()
    assert told(scene) == ["critical distance_to_liquidation"]


def test_a_position_of_which_no_price_is_known_is_named_with_the_distance() -> None:
    scene = Scene(MarginMonitor(min_distance=0.1))
    scene.balance("1100")
    scene.hold(PUT, -1)
    short_call(scene)
    assert scene.alerts[-1].text.endswith(f"; without {PUT.id}, of which no price is known")


def test_a_strategy_may_ask_for_the_same_projection() -> None:
    scene, seen = Scene(), []
    scene.do(lambda desk: seen.append(projected(desk, "gate", (0.1,))))
    scene.balance("5000")
    short_call(scene)
    scene.do(lambda desk: seen.append(projected(desk, "gate", (0.1,))))
    assert seen[0] == ()
    assert seen[1][0].profit < 0


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"min_distance": 0.0}, "min_distance: is 0.0"),
        ({"min_distance": -0.1}, "min_distance: is -0.1"),
        ({"max_required": 1.5}, "max_required: is 1.5"),
        ({"min_available": D(-1)}, "min_available: is -1"),
        ({"look_s": 0.0}, "look_s: is 0.0"),
        ({"moves": ()}, "moves: is"),
        ({"moves": (-1.0,)}, "moves: is"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], what: str) -> None:
    with pytest.raises(ConfigError, match=what):
        MarginMonitor(**settings)


@pytest.mark.parametrize(
    ("on_critical", "asked"), [("alert", None), ("halt", (False, False)), ("cancel", (True, False)), ("flatten", (True, True))]
)
def test_a_critical_figure_may_halt_the_run(on_critical: Any, asked: tuple[bool, bool] | None) -> None:
    scene = Scene(MarginMonitor(on_critical=on_critical))
    scene.balance("1000")
    scene.risk(required=450)
    assert [event for event in scene.events if isinstance(event, HaltUpdated)] == []
    scene.risk(required=600)
    halts = [event for event in scene.events if isinstance(event, HaltUpdated)]
    if asked is None:
        assert halts == []
    else:
        assert halts[0].state is not HaltState.ARMED
        assert (halts[0].cancel, halts[0].flatten) == asked
        assert halts[0].by == "rule0"
        assert "margin required is 600.00, 60% of the equity" in halts[0].reason
