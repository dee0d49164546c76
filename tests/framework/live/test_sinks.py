"""The specification of strikeloop.live.sinks: plugins that only listen, of which none slows the engine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from strikeloop import AlertRaised, Desk, Event, RunStarted, hookimpl, plugin, state
from strikeloop.live import sinks
from strikeloop.live.sinks import Sinks

pytestmark = pytest.mark.anyio
STARTED = RunStarted(time=1, received=1)


def alert(text: str = "x") -> AlertRaised:
    return AlertRaised(time=1, received=1, source="a", topic="t", text=text)


@plugin
class Slow:
    """Writes alerts down, but only when it is let."""

    heard: list[str] = state(factory=list)
    gate: anyio.Event = state(factory=anyio.Event)

    @hookimpl
    async def on_alert(self, event: AlertRaised) -> None:
        await self.gate.wait()
        self.heard.append(event.text)


@plugin
class Everything:
    """Hears all there is."""

    heard: list[tuple[Event, Any]] = state(factory=list)

    @hookimpl
    def on_event(self, event: Event, desk: Desk) -> None:
        self.heard.append((event, desk))


@plugin
class Failing:
    """Always fails."""

    calls: int = state(0)

    @hookimpl
    def on_alert(self) -> None:
        self.calls += 1
        raise ValueError("no paper")


@asynccontextmanager
async def running(*plugins: Any) -> AsyncIterator[Sinks]:
    made = Sinks([(type(plugin).__name__, plugin) for plugin in plugins], lambda: "desk")
    async with anyio.create_task_group() as tasks:
        made.start(tasks)
        yield made
        tasks.cancel_scope.cancel()


async def drained(made: Sinks) -> None:
    with anyio.fail_after(5):
        await made.drain()


async def test_a_sink_hears_what_it_has_a_hook_for() -> None:
    slow, everything = Slow(), Everything()
    slow.gate.set()
    async with running(slow, everything) as made:
        made.put(STARTED)
        made.put(alert("one"))
        await drained(made)
    assert slow.heard == ["one"]
    assert everything.heard == [(STARTED, "desk"), (alert("one"), "desk")]


@plugin
class Twice:
    """Has a hook for alerts, and one for everything."""

    heard: list[str] = state(factory=list)

    @hookimpl
    def on_event(self, desk: Any, event: Event) -> None:
        self.heard.append(f"{type(event).__name__} at the {desk}")

    @hookimpl
    async def on_alert(self) -> None:
        self.heard.append("alert")


async def test_the_events_own_hook_comes_before_on_event() -> None:
    twice = Twice()
    async with running(twice) as made:
        made.put(alert())
        await drained(made)
    assert twice.heard == ["alert", "AlertRaised at the desk"]


async def test_what_no_sink_has_a_hook_for_waits_nowhere() -> None:
    made = Sinks([("failing", Failing())], lambda: None)
    made.put(STARTED)
    assert made.status()["failing"]["waiting"] == 0


async def test_handing_an_event_over_calls_nobody() -> None:
    everything = Everything()
    async with running(everything) as made:
        made.put(STARTED)
        assert everything.heard == []
        await drained(made)
    assert len(everything.heard) == 1


async def test_a_plain_sink_with_much_to_do_gives_others_their_turn() -> None:
    everything = Everything()
    async with running(everything) as made:
        for _ in range(100):
            made.put(STARTED)
        for _ in range(3):
            await anyio.lowlevel.checkpoint()
        assert 0 < len(everything.heard) < 100
        await drained(made)
    assert len(everything.heard) == 100


async def test_a_sink_that_is_stuck_harms_no_other() -> None:
    slow, failing, everything = Slow(), Failing(), Everything()
    async with running(slow, failing, everything) as made:
        for _ in range(5):
            made.put(alert())
        with anyio.fail_after(5):
            while len(everything.heard) < 5:
                await anyio.lowlevel.checkpoint()
        assert made.status()["Slow"]["waiting"] == 4


async def test_a_slow_sink_holds_up_neither_the_engine_nor_another_sink() -> None:
    slow, everything = Slow(), Everything()
    async with running(slow, everything) as made:
        for text in "abc":
            made.put(alert(text))
        with anyio.fail_after(5):
            while len(everything.heard) < 3:
                await anyio.lowlevel.checkpoint()
        assert slow.heard == []
        slow.gate.set()
        await drained(made)
    assert slow.heard == ["a", "b", "c"]


async def test_a_full_queue_drops_its_oldest_event_and_counts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sinks, "QUEUE", 2)
    slow = Slow()
    made = Sinks([("slow", slow)], lambda: None)
    for text in "abcd":
        made.put(alert(text))
    assert made.status()["slow"]["dropped"] == 2
    slow.gate.set()
    async with anyio.create_task_group() as tasks:
        made.start(tasks)
        await drained(made)
        tasks.cancel_scope.cancel()
    assert slow.heard == ["c", "d"]


async def test_a_sink_that_raises_loses_that_event_and_is_stopped_at_the_fifth_time() -> None:
    failing, everything = Failing(), Everything()
    async with running(failing, everything) as made:
        for count in range(4):
            made.put(alert())
            await drained(made)
            assert not made.status()["Failing"]["stopped"], count
        for _ in range(5):
            made.put(alert())
        await drained(made)
        assert made.status()["Failing"] == {"waiting": 0, "dropped": 0, "error": "on_alert: ValueError: no paper", "stopped": True}
    assert failing.calls == 5
    assert len(everything.heard) == 9


async def test_faults_far_apart_do_not_stop_a_sink(monkeypatch: pytest.MonkeyPatch) -> None:
    failing = Failing()
    now = [0.0]
    monkeypatch.setattr(anyio, "current_time", lambda: now[0])
    made = Sinks([("failing", failing)], lambda: None)
    for _ in range(20):
        now[0] += 16
        await made._deliver(made._sinks[0], alert())
    assert failing.calls == 20
    assert not made.status()["failing"]["stopped"]


async def test_what_is_put_after_a_stop_is_not_kept() -> None:
    failing = Failing()
    async with running(failing) as made:
        for _ in range(5):
            made.put(alert())
        await drained(made)
        made.put(alert())
        assert made.status()["Failing"]["waiting"] == 0


@plugin
class Working:
    """Does something beside listening."""

    fails: bool = False
    heard: int = state(0)
    worked: anyio.Event = state(factory=anyio.Event)

    @hookimpl
    def on_alert(self) -> None:
        self.heard += 1

    async def work(self) -> None:
        self.worked.set()
        if self.fails:
            raise ValueError("no hands")
        await anyio.sleep_forever()


async def test_what_a_sink_does_beside_listening_runs_in_a_task_of_its_own_until_the_end() -> None:
    working = Working()
    async with running(working) as made:
        with anyio.fail_after(5):
            await working.worked.wait()
        made.put(alert())
        await drained(made)
    assert working.heard == 1


async def test_a_sink_whose_work_fails_is_stopped_and_says_why() -> None:
    working, everything = Working(fails=True), Everything()
    async with running(working, everything) as made:
        with anyio.fail_after(5):
            while not made.status()["Working"]["stopped"]:
                await anyio.lowlevel.checkpoint()
        made.put(alert())
        await drained(made)
        assert made.status()["Working"] == {"waiting": 0, "dropped": 0, "error": "work: ValueError: no hands", "stopped": True}
    assert working.heard == 0
    assert len(everything.heard) == 1
