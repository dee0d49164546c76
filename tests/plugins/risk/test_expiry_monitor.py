"""ExpiryMonitor: a week, a day and an hour before, each once."""

from __future__ import annotations

from typing import Any

import pytest

from strikeloop import ConfigError, Contract, ContractExpired, ContractListed
from strikeloop_risk import ExpiryMonitor
from tests.plugins.risk.scene import CALL, CHAIN, HOUR, START, Scene, option, told

DAY_S = 86_400.0


def test_a_held_contract_is_told_of_a_week_a_day_and_an_hour_before() -> None:
    scene = Scene(ExpiryMonitor())
    scene.hold(CALL, 2)
    scene.passes(30 * DAY_S)
    assert told(scene) == ["info expiry", "warning expiry", "critical expiry"]
    assert [(CALL.expiry - alert.received) // HOUR for alert in scene.alerts] == [168, 24, 1]
    assert scene.alerts[0].text == f"{CALL.id} expires in 7 d, at 2026-07-01 00:00 UTC; the account holds +2"


def test_a_contract_that_is_not_held_is_not_told_of() -> None:
    scene = Scene(ExpiryMonitor())
    scene.hold(CALL, 2)
    scene.passes(10 * DAY_S)
    scene.hold(CALL, 0)
    scene.passes(25 * DAY_S)
    assert told(scene) == []


def test_a_late_position_is_told_of_once_and_at_once() -> None:
    near = option(70_000, expiry=START + 10 * HOUR)
    scene = Scene(ExpiryMonitor(), contracts=(near,))
    scene.hold(near, -1)
    scene.hold(near, -2)
    assert [alert.text for alert in scene.alerts] == [f"{near.id} expires in 10 h, at 2026-06-01 10:00 UTC; the account holds -1"]
    scene.passes(10 * 3600)
    assert told(scene) == ["warning expiry", "critical expiry"]


def test_a_position_that_was_flat_in_between_is_told_of_what_has_passed() -> None:
    scene = Scene(ExpiryMonitor())
    scene.hold(CALL, 2)
    scene.hold(CALL, 0)
    scene.passes(23.5 * DAY_S)
    scene.hold(CALL, 1)
    scene.passes(30 * DAY_S)
    assert told(scene) == ["info expiry", "warning expiry", "critical expiry"]


def test_what_is_held_at_the_start_counts_and_what_was_said_before_is_not_said_again() -> None:
    near = option(70_000, expiry=START + 10 * HOUR)
    for memory, expected in (({}, ["warning expiry"]), ({f"gate {near.id.name}": 24.0}, [])):
        scene = Scene(ExpiryMonitor(), contracts=(near,), memory=memory, start=False)
        scene.hold(near, 1)
        scene.start()
        assert told(scene) == expected


def test_what_was_said_is_kept_in_memory_until_the_contract_is_gone() -> None:
    near = option(70_000, expiry=START + 10 * HOUR)
    scene = Scene(ExpiryMonitor(), contracts=(near,))
    scene.hold(near, 1)
    memory = scene.engine.instances[1].desk.memory
    assert memory == {f"gate {near.id.name}": 24.0}
    scene.hears(ContractExpired(time=scene.now, received=scene.now, contract=near.id))
    assert memory == {}


def test_a_contract_that_is_listed_after_its_position_is_told_of_then() -> None:
    near = option(70_000, expiry=START + 10 * HOUR)
    scene = Scene(ExpiryMonitor(), contracts=CHAIN)
    scene.hold(near, 1)
    assert told(scene) == []
    scene.hears(ContractListed(time=scene.now, received=scene.now, contract=near.id, specification=near))
    assert told(scene) == ["warning expiry"]


def test_the_hours_are_a_setting() -> None:
    scene = Scene(ExpiryMonitor(before_h=(2.0, 48.0)))
    scene.hold(CALL, 2)
    scene.passes(30 * DAY_S)
    assert [(CALL.expiry - alert.received) // HOUR for alert in scene.alerts] == [48, 2]


@pytest.mark.parametrize("hours", [(), (0.0,), (24.0, -1.0)])
def test_hours_that_are_none_are_refused_before_a_run(hours: tuple[float, ...]) -> None:
    with pytest.raises(ConfigError, match="expected hours before expiry"):
        ExpiryMonitor(before_h=hours)


def near_expiry(scene: Scene, size: int = -10, index: float = 70_700.0, *, strike: int = 70_000, hours: int = 10) -> Contract:
    """A position in a call that expires within hours, with the market it has."""
    near = option(strike, expiry=START + hours * HOUR)
    scene.price(index)
    scene.tick(near, 900.0, delta=0.6)
    scene.hold(near, size)
    return near


def expiring(**settings: Any) -> Scene:
    return Scene(ExpiryMonitor(**settings), contracts=(*CHAIN, option(70_000, expiry=START + 10 * HOUR)))


def test_it_is_told_what_settling_at_the_present_index_pays_and_what_delta_is_left() -> None:
    scene = expiring()
    scene.tick(CALL, 4_000.0, delta=0.5)
    scene.hold(CALL, 10)
    near_expiry(scene)
    assert scene.alerts[-1].text.endswith(
        "the account holds -10; 1.0% in the money at the index of 70700.00, where it settles for -70.00 (fee 0.00); "
        "the delta in BTC_USDT is then +0.05 (now -0.01)"
    )


def test_an_option_out_of_the_money_settles_for_nothing() -> None:
    scene = expiring()
    near_expiry(scene, index=69_000.0)
    assert "1.4% out of the money at the index of 69000.00, where it settles for +0.00 (fee 0.00)" in scene.alerts[-1].text


def test_the_delta_that_an_expiry_leaves_behind_has_a_limit() -> None:
    scene = expiring(max_delta_after=0.04)
    scene.tick(CALL, 4_000.0, delta=0.5)
    scene.hold(CALL, 10)
    near = near_expiry(scene)
    assert told(scene)[-2:] == ["warning expiry", "critical delta_after_expiry"]
    assert scene.alerts[-1].text == f"once {near.id} has expired the delta in BTC_USDT is +0.05, unhedged (limit 0.04)"


def test_a_strike_that_the_index_is_pinned_to_is_told_of_in_the_last_hour() -> None:
    scene = expiring(pin_share=0.005, pin_look_s=60)
    near = near_expiry(scene, index=70_100.0)
    scene.passes(8.9 * 3_600)
    assert "critical pin_risk" not in told(scene)
    scene.passes(0.2 * 3_600)
    assert [topic for topic in told(scene) if "pin" in topic] == ["critical pin_risk"]
    assert scene.alerts[-1].text == (
        f"{near.id} (-10) expires in 1 h and is at its strike: the index is 70100.00, 0.14% away; "
        "settling within ±0.50% pays -45.05 to +0.00"
    )
    scene.price(72_000.0)
    scene.passes(60)
    assert told(scene)[-1] == "info pin_risk"


def test_an_index_that_is_far_from_the_strike_is_no_pin() -> None:
    scene = expiring()
    near_expiry(scene, index=72_000.0)
    scene.passes(9.9 * 3_600)
    assert [topic for topic in told(scene) if "pin" in topic] == []


def test_nothing_wakes_it_after_the_expiry() -> None:
    scene = expiring()
    near = near_expiry(scene)
    scene.passes(10 * 3_600)
    scene.hold(near, 0)
    scene.hears(ContractExpired(time=scene.now, received=scene.now, contract=near.id))
    assert scene.engine.next_timer() is None


@pytest.mark.parametrize("setting", ["pin_share", "pin_within_h", "pin_look_s", "max_delta_after"])
def test_a_limit_that_is_not_above_zero_is_refused(setting: str) -> None:
    with pytest.raises(ConfigError, match=f"{setting}: is 0.0"):
        ExpiryMonitor(**dict[str, Any]({setting: 0.0}))
