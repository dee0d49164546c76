"""Level: three levels with hysteresis."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikeloop import BalanceUpdated, ConfigError, Desk, Severity, hookimpl, plugin
from strikeloop_risk.levels import Alarms, Level
from tests.plugins.risk.scene import Scene


def test_it_rises_at_once_and_skips_no_severity_that_matters() -> None:
    level = Level(warn_at=0.8, clear=0.9)
    assert level.move(1.0) is Severity.CRITICAL


def test_it_falls_only_below_the_cleared_part_of_a_threshold() -> None:
    level = Level(warn_at=0.8, clear=0.9)
    level.move(1.2)
    assert level.move(0.9) is None
    assert level.move(0.899) is Severity.WARNING
    assert level.move(0.73) is None
    assert level.move(0.719) is Severity.INFO


@given(st.lists(st.floats(0.91, 1.5), max_size=50))
def test_trembling_above_the_cleared_part_never_says_a_thing_twice(shares: list[float]) -> None:
    level = Level(warn_at=0.8, clear=0.9)
    level.move(1.0)
    assert [level.move(share) for share in shares] == [None] * len(shares)


@given(st.lists(st.floats(0, 2), max_size=50))
def test_two_alerts_in_a_row_are_never_the_same(shares: list[float]) -> None:
    level = Level(warn_at=0.8, clear=0.9)
    said = [severity for share in shares if (severity := level.move(share)) is not None]
    assert all(one is not other for one, other in pairwise(said))


@plugin
class Thermometer(Alarms):
    """Judges what balances say."""

    @hookimpl
    def on_balance(self, event: BalanceUpdated, desk: Desk) -> None:
        share = float(event.total)
        self.judge(desk, ("heat",), share, "heat", lambda severity: f"{severity.value} at {share:g}")


def test_what_lasts_is_said_again_after_its_time_and_how_long_it_has_lasted() -> None:
    scene = Scene(Thermometer(warn_again_s=600, again_s=60))
    for minute, heat in enumerate(("0.85", "0.85", "1.2", "1.2", "1.2", "0.1", "0.1")):
        scene.passes(60 if minute else 0)
        scene.balance(heat)
    assert [alert.text for alert in scene.alerts] == [
        "warning at 0.85",
        "critical at 1.2",
        "critical at 1.2, for 1 min now",
        "critical at 1.2, for 2 min now",
        "info at 0.1",
    ]


def test_a_warning_has_a_time_of_its_own_and_none_is_never() -> None:
    scene = Scene(Thermometer(warn_again_s=120, again_s=None))
    for heat in ("0.85", "0.85", "0.85", "1.2", "1.2"):
        scene.balance(heat)
        scene.passes(60)
    assert [alert.text for alert in scene.alerts] == ["warning at 0.85", "warning at 0.85, for 2 min now", "critical at 1.2"]


@pytest.mark.parametrize("setting", ["warn_at", "clear"])
@pytest.mark.parametrize("value", [0.0, -0.5, 1.2])
def test_a_soft_limit_above_the_hard_one_or_below_zero_is_refused(setting: str, value: float) -> None:
    with pytest.raises(ConfigError, match=setting):
        Thermometer(**dict[str, Any]({setting: value}))


@pytest.mark.parametrize("setting", ["warn_again_s", "again_s"])
def test_a_time_that_is_none_is_refused(setting: str) -> None:
    with pytest.raises(ConfigError, match=setting):
        Thermometer(**dict[str, Any]({setting: -1.0}))
