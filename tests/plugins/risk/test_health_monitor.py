"""HealthMonitor: whether what a run sees and does can be relied on."""

from __future__ import annotations

from typing import Any

import pytest

from strikeloop import (
    BalanceUpdated,
    ChannelRefused,
    ChannelSubscribed,
    ConfigError,
    GapClosed,
    GapOpened,
    MmpTriggered,
    Origin,
    PluginFaulted,
    Reconciled,
    StreamLost,
    StreamOpened,
    StreamStale,
    TimerFired,
)
from strikeloop_risk import HealthMonitor
from tests.plugins.risk.scene import CALL, SECOND, D, Scene, told


def at(scene: Scene, **more: Any) -> dict[str, Any]:
    """When and where it happens."""
    return {"time": scene.now, "received": scene.now, "adapter": "gate", **more}


def lose(scene: Scene) -> None:
    scene.hears(StreamLost(**at(scene), reason="closed"))


def come_back(scene: Scene) -> None:
    scene.hears(StreamOpened(**at(scene), connection=2))


def test_a_connection_that_is_lost_for_a_moment_is_not_told_of() -> None:
    scene = Scene(HealthMonitor(max_lost_s=30))
    lose(scene)
    scene.passes(15)
    come_back(scene)
    scene.passes(60)
    assert scene.alerts == []


def test_a_connection_that_stays_lost_is_told_of_and_so_is_its_return() -> None:
    scene = Scene(HealthMonitor(max_lost_s=30, look_s=5))
    lose(scene)
    scene.passes(25)
    assert told(scene) == ["warning connection"]
    scene.passes(10)
    lose(scene)
    scene.passes(5)
    come_back(scene)
    assert [alert.text for alert in scene.alerts] == [
        "the connection of gate account has been lost for 25 s",
        "the connection of gate account has been lost for 30 s",
        "the connection of gate account stands again",
    ]


def test_a_connection_that_is_lost_again_and_again_is_told_of() -> None:
    scene = Scene(HealthMonitor(max_losses=5, look_s=10))
    for _ in range(5):
        lose(scene)
        come_back(scene)
        scene.passes(10)
    assert told(scene) == ["warning flapping", "critical flapping"]
    assert scene.alerts[-1].text == "gate account lost its connection 5 times within an hour (limit 5)"
    scene.passes(3_600)
    assert told(scene)[-1] == "info flapping"


def test_a_channel_that_is_refused_is_told_of_at_once_and_again_when_it_comes() -> None:
    scene = Scene(HealthMonitor())
    scene.hears(ChannelRefused(**at(scene), channel="options.orders", code="2", message="no such channel"))
    scene.hears(ChannelSubscribed(**at(scene), channel="options.balances"))
    scene.hears(ChannelSubscribed(**at(scene), channel="options.orders"))
    assert told(scene) == ["warning channel", "info channel"]
    assert scene.alerts[0].text == "gate account has no channel options.orders: 2 no such channel"


def test_refused_credentials_are_critical() -> None:
    scene = Scene(HealthMonitor())
    scene.hears(ChannelRefused(**at(scene), channel="options.orders", code="4", message="bad key", is_auth=True))
    assert told(scene) == ["critical channel"]
    assert "the credentials were refused" in scene.alerts[0].text


def test_an_account_that_is_not_confirmed_is_critical_until_it_is() -> None:
    scene = Scene(HealthMonitor())
    for _ in range(3):
        scene.hears(StreamStale(**at(scene), channel="options.positions", age_s=70.0))
    scene.hears(Reconciled(**at(scene)))
    assert told(scene) == ["critical stale", "info stale"]


def test_differences_that_reconciling_found_are_told_of_and_none_are_not() -> None:
    scene = Scene(HealthMonitor())
    scene.hears(Reconciled(**at(scene)))
    assert scene.alerts == []
    scene.hears(Reconciled(**at(scene), adjustments=tuple(f"BTC-{number}: 1 was 2" for number in range(7))))
    assert told(scene) == ["warning reconciled"]
    assert scene.alerts[0].text.endswith("BTC-4: 1 was 2 and 2 more")


def test_messages_that_stay_missing_are_told_of_by_channel() -> None:
    scene = Scene(HealthMonitor(max_gap_s=60))
    scene.hears(GapOpened(**at(scene), channel="options.orders", reason="filled 3, fills add up to 2"))
    scene.passes(50)
    assert told(scene) == ["warning gap"]
    scene.hears(GapClosed(**at(scene), channel="options.orders"))
    assert told(scene) == ["warning gap", "info gap"]
    assert scene.alerts[0].text == "gate account options.orders has been missing messages for 50 s"


def test_market_maker_protection_is_told_of() -> None:
    scene = Scene(HealthMonitor())
    scene.hears(MmpTriggered(**at(scene), underlying="BTC_USDT", frozen_until=scene.now + 5 * SECOND))
    scene.hears(MmpTriggered(**at(scene), underlying="BTC_USDT"))
    assert [alert.text.split("gate ")[1] for alert in scene.alerts] == ["for 5 s", "until it is reset"]


def balance(scene: Scene, behind_s: float, origin: Origin = Origin.VENUE) -> None:
    """An account event that bears a time so many seconds before it came."""
    time = scene.now - round(behind_s * SECOND)
    figures: dict[str, Any] = {"adapter": "gate", "currency": "USDT", "total": D(1), "available": D(1), "origin": origin}
    scene.hears(BalanceUpdated(time=time, received=scene.now, **figures))


def test_a_single_late_event_says_nothing_of_the_clocks() -> None:
    scene = Scene(HealthMonitor(max_skew_s=5))
    for behind in (0.1, 60.0, 0.1, 0.2, -0.3, 0.1, 20.0, 0.1, 0.1):
        balance(scene, behind)
    assert scene.alerts == []


@pytest.mark.parametrize(("behind", "why"), [(7.0, "events come late, or our clock is ahead"), (-7.0, "its clock is ahead of ours")])
def test_clocks_that_part_are_told_of_and_so_is_their_return(behind: float, why: str) -> None:
    scene = Scene(HealthMonitor(max_skew_s=5))
    for _ in range(8):
        balance(scene, behind)
    assert told(scene) == ["critical clock"]
    assert scene.alerts[0].text == f"account events of gate are off by 7.0 s (limit 5 s): {why}"
    balance(scene, 0.1)
    assert told(scene) == ["critical clock", "info clock"]


def test_a_snapshot_bears_the_time_of_what_it_tells_and_says_nothing_of_the_clocks() -> None:
    scene = Scene(HealthMonitor())
    for _ in range(20):
        balance(scene, 3_600.0, Origin.SNAPSHOT)
    assert scene.alerts == []


def test_prices_of_what_is_held_that_grow_old_are_told_of() -> None:
    scene = Scene(HealthMonitor(max_price_age_s=100, look_s=10))
    scene.tick(CALL, 2_000.0)
    scene.passes(1_000)
    assert scene.alerts == []
    scene.tick(CALL, 2_000.0)
    scene.hold(CALL, 1)
    scene.passes(100)
    assert told(scene) == ["warning price_age", "critical price_age"]
    assert scene.alerts[-1].text == f"the last price of {CALL.id.name} at gate is 100 s old (limit 100 s)"
    scene.tick(CALL, 2_000.0)
    scene.passes(10)
    assert told(scene)[-1] == "info price_age"


def test_a_run_that_is_held_up_is_told_of_by_the_timer_that_came_late() -> None:
    scene = Scene(HealthMonitor(max_late_s=1, look_s=10))
    for late in (0.0, 0.5, 2.0, 0.0):
        due = scene.now
        scene.now += round(late * SECOND)
        scene.hears(TimerFired(time=due, received=scene.now, instance="rule0", name="look", due=due))
    assert told(scene) == ["critical late", "info late"]
    assert scene.alerts[0].text == "the run was held up: a timer fired 2 s late"


def fault(scene: Scene, *, halted: bool = False) -> None:
    scene.hears(PluginFaulted(time=scene.now, received=scene.now, instance="quoter", hook="on_fill", error="KeyError: 1", halted=halted))


def test_a_plugin_that_raises_is_told_of_at_once_and_not_each_time() -> None:
    scene = Scene(HealthMonitor(max_faults=3))
    for _ in range(20):
        fault(scene)
    assert told(scene) == ["warning plugin_fault", *["critical plugin_fault"] * 4]
    assert scene.alerts[-1].text == "quoter raised for the 16. time in on_fill: KeyError: 1"


def test_a_plugin_that_is_halted_is_critical() -> None:
    scene = Scene(HealthMonitor())
    fault(scene, halted=True)
    assert told(scene) == ["critical plugin_fault"]
    assert scene.alerts[0].text == "quoter raised in on_fill: KeyError: 1; it is halted"


def test_a_quiet_run_says_nothing_for_a_day() -> None:
    scene = Scene(HealthMonitor())
    scene.passes(86_400)
    assert scene.alerts == []


SETTINGS = ("max_lost_s", "max_losses", "max_gap_s", "max_skew_s", "max_price_age_s", "max_late_s", "max_faults", "look_s")


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_limit_that_is_not_above_zero_is_refused(setting: str) -> None:
    with pytest.raises(ConfigError, match=f"{setting}: is -1"):
        HealthMonitor(**dict[str, Any]({setting: -1}))
