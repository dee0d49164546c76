"""RiskMonitor: the account's greeks, leverage and value at risk."""

from __future__ import annotations

from typing import Any

import pytest

from strikeloop_risk import RiskMonitor
from tests.plugins.risk.scene import Scene, told


def test_a_total_is_told_as_it_nears_passes_and_leaves_its_limit() -> None:
    scene = Scene(RiskMonitor(max_delta=1.0))
    for delta in (0.5, -0.85, -0.9, -1.1, -0.95, -0.5):
        scene.risk(delta=delta)
    assert told(scene) == ["warning total_delta", "critical total_delta", "info total_delta"]
    assert [alert.text for alert in scene.alerts] == [
        "total delta is -0.85, 85% of its limit of 1",
        "total delta is -1.1, at or beyond its limit of 1",
        "total delta is back at -0.5, its limit is 1",
    ]


@pytest.mark.parametrize(
    ("setting", "figure"),
    [("max_gamma", "gamma"), ("max_vega", "vega"), ("max_theta", "theta"), ("max_leverage", "leverage"), ("max_var", "var")],
)
def test_every_figure_has_its_own_limit(setting: str, figure: str) -> None:
    scene = Scene(RiskMonitor(**dict[str, Any]({setting: 10.0})))
    scene.risk(**{figure: 9.0})
    scene.risk(**{figure: 10.0})
    assert [alert.split()[0] for alert in told(scene)] == ["warning", "critical"]


def test_a_value_at_risk_that_nobody_computed_is_not_watched() -> None:
    scene = Scene(RiskMonitor(max_var=1.0))
    scene.risk(delta=5.0)
    assert scene.alerts == []


def test_strategies_hear_the_alerts() -> None:
    scene = Scene(RiskMonitor(max_delta=1.0))
    scene.risk(delta=2.0)
    assert [alert.source for alert in scene.trader.heard] == ["rule0"]


def test_a_monitor_without_any_limit_is_refused_before_a_run() -> None:
    with pytest.raises(ValueError, match="RiskMonitor has no limit"):
        RiskMonitor()
