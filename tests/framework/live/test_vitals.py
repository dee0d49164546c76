"""A loop that stood still: told, and nothing leaves before every account was looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import pytest

from strikeloop import AlertRaised, Desk, GapClosed, GapOpened, HooksTimed
from strikeloop.live import status_of
from strikeloop.live.hooktimes import HookTimes
from strikeloop.live.resources import ResourceWatch, Thresholds, Use
from strikeloop.live.vitals import Vitals
from strikeloop.live.watchdog import BEAT_S, Watchdog
from tests.framework.live.stage import CALL, Stage, until

pytestmark = pytest.mark.anyio


class Watched(Stage):
    """A run whose loop stands still when the test says so."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.now_s, self.reports, self.times = 0.0, list[str](), HookTimes()
        watchdog = Watchdog(self.reports.append, self.times, lambda: self.now_s)
        deliver = self.live.deliver
        resources = ResourceWatch(Thresholds(), self.live._executing, deliver, lambda _: {"memory": Use(1, 10, "bytes")})
        self.live.vitals = Vitals(self.clock, self.times, watchdog, resources, deliver, self.live.trust.lose)

    def stand_still(self, seconds: float, act: Callable[[Desk], Any] = lambda desk: None) -> None:
        """A hook takes so long, and then does this."""

        def hook(desk: Desk) -> None:
            self.now_s += seconds + BEAT_S
            act(desk)

        self.do(hook)

    def alerts(self) -> list[tuple[str, str]]:
        return [(alert.severity.value, alert.text) for alert in self.said(AlertRaised) if alert.topic == "loop"]


async def test_an_order_of_a_hook_that_stood_still_for_long_does_not_leave() -> None:
    stage, ids = Watched(), list[str]()
    async with stage.running():
        stage.stand_still(3.0, lambda desk: ids.append(desk.buy(CALL, 1, 5)))
        await until(lambda: stage.state(ids[0]) == "rejected")
        assert stage.account.asked("submit") == []


async def test_what_was_decided_before_the_loop_stood_still_is_not_sent_after_it() -> None:
    stage = Watched()
    async with stage.running():
        stage.notes.gate = anyio.Event()
        order = stage.buy()
        stage.clock.pass_s(3)
        stage.stand_still(3.0)
        await until(lambda: [gap for gap in stage.said(GapClosed) if gap.channel == "loop"])
        stage.notes.gate.set()
        await until(lambda: stage.state(order) == "rejected")
        assert "decided before the loop stood still" in stage.engine.orders.get(order).reason  # type: ignore[union-attr]  # it is there


async def test_the_account_is_looked_at_before_the_next_order_leaves() -> None:
    stage = Watched()
    async with stage.running():
        looks = len(stage.account.asked("snapshot"))
        stage.stand_still(3.0)
        await until(lambda: [gap for gap in stage.said(GapOpened) if gap.channel == "loop"])
        assert stage.state(stage.buy()) == ""
        assert status_of(stage.live)["state"] == "degraded"
        await until(lambda: status_of(stage.live)["state"] == "ready")
        assert len(stage.account.asked("snapshot")) == looks + 1
        order = stage.buy()
        await until(lambda: stage.state(order) == "open")
        assert stage.alerts()[0][0] == "critical"
        assert stage.alerts()[0][1].startswith("the loop stood still for 3.00 s")


async def test_a_moment_without_a_hook_is_only_measured() -> None:
    stage = Watched()
    async with stage.running():
        stage.stand_still(1.0)
        await until(lambda: status_of(stage.live)["process"]["loop"]["longest_s"] == pytest.approx(1.0))
        assert (stage.alerts(), stage.said(GapOpened)) == ([], [])


async def test_slow_hooks_are_an_input_of_the_run() -> None:
    stage = Watched()
    async with stage.running():
        stage.times.wrap(lambda event, desk: None, "slow", "on_quote")
        stage.times._lately["slow", "on_quote"].longest = 5_000_000
        await stage.pass_s(21)
        assert [[(one.instance, one.longest_s) for one in event.times] for event in stage.said(HooksTimed)] == [[("slow", 0.005)], []]


async def test_memory_and_descriptors_are_in_the_status() -> None:
    stage = Watched()
    async with stage.running():
        await stage.settle()
        assert status_of(stage.live)["process"]["resources"] == {"memory": {"used": 1, "limit": 10, "share": 0.1}}
