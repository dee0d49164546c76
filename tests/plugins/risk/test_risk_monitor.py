"""RiskMonitor: the account's greeks, leverage and value at risk."""

from __future__ import annotations

from typing import Any

import pytest

from strikeloop import BalanceUpdated, ConfigError, Origin
from strikeloop_risk import RiskMonitor
from strikeloop_risk.account import held, own_greeks
from tests.plugins.risk.scene import CALL, PUT, D, Scene, told


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
    scene.risk(**dict[str, Any]({figure: 9.0}))
    scene.risk(**dict[str, Any]({figure: 10.0}))
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
    with pytest.raises(ConfigError, match="RiskMonitor has no limit"):
        RiskMonitor(max_divergence=None)


def priced(scene: Scene, *, delta: float = 0.0, size: int = 10, origin: Origin = Origin.VENUE, **own: float) -> None:
    """A call at the money with a price, and what the venue says of the account: our own figures, `delta` more, and `own` over it."""
    scene.price(70_000.0)
    scene.tick(CALL, 4_000.0, mark_iv=0.5)
    scene.hold(CALL, size)
    (holding,) = held(scene.engine.instances[0].desk, "gate").holdings
    greeks = own_greeks(holding)
    figures: dict[str, Any] = {"delta": greeks.delta + delta, "gamma": greeks.gamma, "vega": greeks.vega, "theta": greeks.theta}
    scene.risk(origin=origin, **{**figures, **own})


def test_figures_of_the_venue_that_agree_with_ours_are_not_told_of() -> None:
    scene = Scene(RiskMonitor(divergence_s=1))
    for _ in range(5):
        priced(scene)
        scene.passes(10)
    assert scene.alerts == []


def test_a_divergence_that_stands_is_told_of_and_so_is_its_end() -> None:
    scene = Scene(RiskMonitor(max_divergence=0.1, divergence_s=30))
    for delta in (0.02, 0.02, 0.02):
        priced(scene, delta=delta)
        assert scene.alerts == []
        scene.passes(10)
    priced(scene, delta=0.02)
    assert told(scene) == ["critical divergence"]
    assert "total delta is +0.0" in scene.alerts[0].text
    assert "by the venue and +0.0" in scene.alerts[0].text
    scene.passes(10)
    priced(scene)
    assert told(scene) == ["critical divergence", "info divergence"]


def test_a_divergence_that_passes_is_not_told_of() -> None:
    scene = Scene(RiskMonitor(divergence_s=30))
    for delta in (0.02, 0.02, 0.0, 0.02, 0.02, 0.0):
        priced(scene, delta=delta)
        scene.passes(10)
    assert scene.alerts == []


def test_a_required_margin_that_is_not_what_the_model_gives_is_told_of() -> None:
    scene = Scene(RiskMonitor(divergence_s=10))
    for _ in range(3):
        priced(scene, size=-10, required=100)
        scene.passes(10)
    assert told(scene) == ["critical divergence"]
    assert scene.alerts[0].text.startswith("margin required is +100 by the venue and +925 by our own computation, 89% apart")


def test_where_the_risk_is_our_own_computation_the_margin_of_the_balance_is_the_venues_word() -> None:
    scene = Scene(RiskMonitor(divergence_s=10))
    figures: dict[str, Any] = {"adapter": "gate", "currency": "USDT", "total": D(1), "available": D(1), "maintenance_margin": D(100)}
    for _ in range(3):
        scene.hears(BalanceUpdated(time=scene.now, received=scene.now, **figures))
        priced(scene, size=-10, required=925, origin=Origin.COMPUTED)
        scene.passes(10)
    assert told(scene) == ["critical divergence"]
    assert scene.alerts[0].text.startswith("margin required is +100 by the venue and +925 by our own computation")


def test_a_book_that_cannot_be_priced_whole_is_not_compared() -> None:
    scene = Scene(RiskMonitor(divergence_s=10))
    scene.hold(PUT, 1)
    for _ in range(3):
        priced(scene, delta=5.0)
        scene.passes(10)
    assert scene.alerts == []


def test_where_the_venue_has_no_value_at_risk_our_own_is_watched() -> None:
    scene = Scene(RiskMonitor(max_var=1.0, max_divergence=None))
    priced(scene, size=-10)
    assert told(scene) == ["critical portfolio_var"]


@pytest.mark.parametrize("setting", ["max_delta", "max_var", "max_divergence", "divergence_s"])
def test_a_negative_limit_is_refused(setting: str) -> None:
    with pytest.raises(ConfigError, match=f"{setting}: is -1"):
        RiskMonitor(**dict[str, Any]({setting: -1.0}))


def test_a_table_holds_for_each_underlying_by_our_own_sums_and_for_the_total() -> None:
    scene = Scene(RiskMonitor(max_delta={"BTC_USDT": 0.04, "total": 1.0}, max_divergence=None))
    scene.tick(CALL, 4_000.0, delta=0.5)
    scene.hold(CALL, 10)
    scene.risk(delta=0.9)
    scene.hold(CALL, 0)
    scene.risk(delta=0.1)
    assert [alert.text for alert in scene.alerts] == [
        "total delta is +0.9, 90% of its limit of 1",
        "delta in BTC_USDT is +0.05, at or beyond its limit of 0.04",
        "total delta is back at +0.1, its limit is 1",
        "delta in BTC_USDT is back at +0, its limit is 0.04",
    ]


def test_the_default_of_a_table_holds_for_who_is_not_named() -> None:
    scene = Scene(RiskMonitor(max_vega={"default": 1.0}, max_divergence=None))
    scene.tick(CALL, 4_000.0, vega=80.0)
    scene.hold(CALL, 10)
    scene.risk(vega=1_000.0)
    assert [alert.text for alert in scene.alerts] == ["vega in BTC_USDT is +8, at or beyond its limit of 1"]
