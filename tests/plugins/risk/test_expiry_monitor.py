"""ExpiryMonitor: a week, a day and an hour before, each once."""

from __future__ import annotations

import pytest

from strikeloop import ContractExpired, ContractListed
from strikeloop_risk import ExpiryMonitor
from tests.plugins.risk.scene import CALL, CHAIN, HOUR, START, Scene, option, told

DAY_S = 86_400.0


def test_a_held_contract_is_told_of_a_week_a_day_and_an_hour_before() -> None:
    scene = Scene(ExpiryMonitor())
    scene.hold(CALL, 2)
    scene.wait(30 * DAY_S)
    assert told(scene) == ["info expiry", "warning expiry", "critical expiry"]
    assert [(CALL.expiry - alert.received) // HOUR for alert in scene.alerts] == [168, 24, 1]
    assert scene.alerts[0].text == f"{CALL.id} expires in 7 d, at 2026-07-01 00:00 UTC; the account holds +2"


def test_a_contract_that_is_not_held_is_not_told_of() -> None:
    scene = Scene(ExpiryMonitor())
    scene.hold(CALL, 2)
    scene.wait(10 * DAY_S)
    scene.hold(CALL, 0)
    scene.wait(25 * DAY_S)
    assert told(scene) == []


def test_a_late_position_is_told_of_once_and_at_once() -> None:
    near = option(70_000, expiry=START + 10 * HOUR)
    scene = Scene(ExpiryMonitor(), contracts=(near,))
    scene.hold(near, -1)
    scene.hold(near, -2)
    assert [alert.text for alert in scene.alerts] == [f"{near.id} expires in 10 h, at 2026-06-01 10:00 UTC; the account holds -1"]
    scene.wait(10 * 3600)
    assert told(scene) == ["warning expiry", "critical expiry"]


def test_a_position_that_was_flat_in_between_is_told_of_what_has_passed() -> None:
    scene = Scene(ExpiryMonitor())
    scene.hold(CALL, 2)
    scene.hold(CALL, 0)
    scene.wait(23.5 * DAY_S)
    scene.hold(CALL, 1)
    scene.wait(30 * DAY_S)
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
    scene.feed(ContractExpired(time=scene.now, received=scene.now, contract=near.id))
    assert memory == {}


def test_a_contract_that_is_listed_after_its_position_is_told_of_then() -> None:
    near = option(70_000, expiry=START + 10 * HOUR)
    scene = Scene(ExpiryMonitor(), contracts=CHAIN)
    scene.hold(near, 1)
    assert told(scene) == []
    scene.feed(ContractListed(time=scene.now, received=scene.now, contract=near.id, specification=near))
    assert told(scene) == ["warning expiry"]


def test_the_hours_are_a_setting() -> None:
    scene = Scene(ExpiryMonitor(before_h=(2.0, 48.0)))
    scene.hold(CALL, 2)
    scene.wait(30 * DAY_S)
    assert [(CALL.expiry - alert.received) // HOUR for alert in scene.alerts] == [48, 2]


@pytest.mark.parametrize("hours", [(), (0.0,), (24.0, -1.0)])
def test_hours_that_are_none_are_refused_before_a_run(hours: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="expected hours before expiry"):
        ExpiryMonitor(before_h=hours)
