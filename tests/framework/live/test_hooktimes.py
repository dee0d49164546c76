"""How long hooks take: measured for each, told when one is slow."""

from __future__ import annotations

from typing import Any

import pytest

from strikeloop import Desk
from strikeloop.engine import Engine, Plugin
from strikeloop.live import hooktimes
from strikeloop.live.hooktimes import HookTimes
from strikeloop.margin import Classic
from tests.framework.stage import CALL, contract, made, position


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    now = [0]
    monkeypatch.setattr(hooktimes, "perf_counter_ns", lambda: now[0])
    return now


def engine(times: HookTimes, *, rules: dict[str, Any] | None = None, **hooks: Any) -> Engine:
    plugins = [Plugin(name="s", kind="strategy", plugin=made(**hooks))]
    plugins += [Plugin(name="r", kind="risk", plugin=made(**rules))] if rules else []
    started = Engine(plugins, contracts=[contract()], margin=Classic(), wrap=times.wrap)
    started.dispatch.start()
    return started


def test_each_hook_is_measured_rules_included(clock: list[int]) -> None:
    def slow(event: Any, desk: Desk) -> None:
        clock[0] += 2_000_000
        desk.buy(CALL, 1, 100)

    def judge(command: Any, desk: Desk) -> None:
        clock[0] += 3_000_000

    times = HookTimes()
    running = engine(times, on_position=slow, rules={"review_order": judge})
    running.step(position(1))
    running.step(position(2))
    (event,) = times.report(7)
    assert event.received == 7
    assert [(one.instance, one.hook, one.calls, one.total_s, one.longest_s) for one in event.times] == [
        ("s", "on_position", 2, 0.004, 0.002),
        ("r", "review_order", 2, 0.006, 0.003),
    ]
    assert times.all()["s"] == {"on_position": {"calls": 2, "mean_s": 0.002, "longest_s": 0.002}}


def test_quick_hooks_are_not_told_and_the_end_of_slowness_is_told_once(clock: list[int]) -> None:
    takes = [2_000_000]

    def hook(event: Any, desk: Desk) -> None:
        clock[0] += takes[0]

    times = HookTimes()
    running = engine(times, on_position=hook)
    running.step(position(1))
    assert len(times.report(1)[0].times) == 1
    takes[0] = 500_000
    running.step(position(2))
    assert [event.times for event in times.report(2)] == [()]
    assert times.report(3) == []


def test_a_hook_that_raises_is_measured_too_and_runs_no_more() -> None:
    def fails(event: Any, desk: Desk) -> None:
        assert times.running == ("s", "on_position")
        raise LookupError

    times = HookTimes()
    engine(times, on_position=fails).step(position(1))
    times.report(0)
    assert times.all()["s"]["on_position"]["calls"] == 1
    assert times.running is None
