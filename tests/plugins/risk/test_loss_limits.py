"""LossLimits: what was lost today, and from the height; kept across restarts."""

from __future__ import annotations

from typing import Any

import pytest

from strikeloop import ConfigError, LedgerPosted
from strikeloop_risk import LossLimits
from tests.plugins.risk.scene import CALL, PUT, D, Scene, told

HOUR_S = 3600.0


def scene_with(total: str = "1000", memory: dict[str, Any] | None = None, **settings: Any) -> Scene:
    scene = Scene(LossLimits(**settings), memory=memory, start=False)
    scene.market()
    scene.balance(total)
    scene.start()
    return scene


def opens(scene: Scene) -> bool:
    return not scene.refused(lambda desk: desk.buy(PUT.id, 1, 1900))


def test_a_loss_of_the_day_stops_what_opens_and_nothing_that_closes() -> None:
    scene = scene_with(max_daily_loss=D(100))
    scene.hold(CALL, 2)
    scene.balance("861")
    assert opens(scene), "2 · 0.01 · 2,000 are still there: 901"
    scene.balance("860")
    assert not opens(scene)
    assert scene.reason == "rule0: equity is 900.00, 100.00 since the day began at 1000: max_daily_loss is 100"
    assert not scene.refused(lambda desk: desk.close(CALL.id))
    assert told(scene) == ["critical max_daily_loss"]


def test_marks_lose_as_cash_does() -> None:
    scene = scene_with(max_daily_loss=D(100))
    scene.hold(CALL, -10)
    scene.balance("1200")
    assert opens(scene)
    scene.tick(CALL, 3_000.0)
    assert not opens(scene)


def test_a_loss_of_the_day_holds_until_the_next_day() -> None:
    scene = scene_with(max_daily_loss=D(100))
    scene.balance("800")
    scene.balance("990")
    assert not opens(scene)
    assert "was reached today, and holds until the next day" in scene.reason
    scene.passes(24 * HOUR_S)
    assert opens(scene)
    scene.balance("891")
    assert opens(scene)


def test_the_day_begins_at_an_hour_of_one_s_own() -> None:
    scene = scene_with(max_daily_loss=D(100), day_starts_h=8.0)
    scene.balance("800")
    scene.passes(7.9 * HOUR_S)
    assert not opens(scene)
    scene.passes(0.1 * HOUR_S)
    assert opens(scene)


def test_a_drawdown_stands_over_the_days_until_equity_is_back() -> None:
    scene = scene_with(max_drawdown=D(150))
    scene.balance("1100")
    scene.passes(24 * HOUR_S)
    scene.balance("950")
    assert not opens(scene)
    assert "150.00 below the highest of 1100" in scene.reason
    scene.passes(24 * HOUR_S)
    assert not opens(scene)
    scene.balance("951")
    assert opens(scene)


def test_soft_limits_warn_once_and_stop_nothing() -> None:
    scene = scene_with(soft_daily_loss=D(50), max_daily_loss=D(100), soft_drawdown=D(50))
    for total in ("960", "950", "940", "930"):
        scene.balance(total)
    assert told(scene) == ["warning soft_daily_loss", "warning soft_drawdown"]
    assert opens(scene)


def test_a_restart_resets_neither_day_nor_height() -> None:
    first = scene_with(max_daily_loss=D(100), max_drawdown=D(500))
    first.balance("1050")
    first.balance("950")
    memory = first.engine.instances[1].desk.memory
    again = scene_with("900", memory=memory, max_daily_loss=D(100), max_drawdown=D(500))
    assert not opens(again)
    assert "since the day began at 1000" in again.reason
    assert memory["gate"]["peak"] == "1050"


def test_what_was_told_before_a_restart_is_not_told_again() -> None:
    first = scene_with(max_daily_loss=D(100))
    first.balance("800")
    again = scene_with("800", memory=first.engine.instances[1].desk.memory, max_daily_loss=D(100))
    assert not opens(again)
    assert told(again) == []


@pytest.mark.parametrize(("kind", "passes"), [("dnw", True), ("fee", False)])
def test_a_withdrawal_is_no_loss(kind: str, passes: bool) -> None:
    scene = scene_with(max_daily_loss=D(100))
    scene.hears(
        LedgerPosted(time=scene.now, received=scene.now, adapter="gate", currency="USDT", change=D(-300), balance=D(700), kind=kind)
    )
    scene.balance("700")
    assert opens(scene) is passes


def test_before_a_balance_is_known_nothing_opens() -> None:
    scene = Scene(LossLimits(max_drawdown=D(1)))
    assert not opens(scene)
    assert "the balance is not known yet" in scene.reason


def test_a_soft_limit_above_the_hard_one_is_refused_before_a_run() -> None:
    with pytest.raises(ConfigError, match="soft_daily_loss: is 200, above max_daily_loss of 100"):
        LossLimits(soft_daily_loss=D(200), max_daily_loss=D(100))
    with pytest.raises(ConfigError, match="soft_drawdown: is 2, above max_drawdown of 1"):
        LossLimits(soft_drawdown=D(2), max_drawdown=D(1))
    with pytest.raises(ConfigError, match="max_drawdown: is -1; expected more than 0"):
        LossLimits(max_drawdown=D(-1))
    with pytest.raises(ConfigError, match="LossLimits has no limit"):
        LossLimits()
