"""One set of plugins, three ways: in a unit test, in a backtest, and live against the served venue."""

from __future__ import annotations

import time
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import anyio
import pytest

from strikeloop import Approved, Command, Desk, Event, RunStarted, SubmitOrder, TimerFired, described, hookimpl, plugin, state
from strikeloop.backtest import Backtest
from strikeloop.engine import Engine
from strikeloop.live import Live, WallClock
from strikeloop.margin import Classic
from strikeloop.replay import replay
from strikeloop.summary import Summary
from strikeloop.testing import Sim
from strikeloop.testing.sim import named
from strikeloop.wire import Secret
from strikeloop_gate import Gate
from strikeloop_risk import OrderLimits
from strikeloop_venue import GeneratedMarket, VenueSettings

pytestmark = pytest.mark.anyio

MARKET: dict[str, Any] = {"seed": 5, "step_ms": 500, "ticker_every_ms": 1_000}


@plugin
class Ladder:
    """Each half second: buy the cheapest call on offer, one more each time, and once a size that no rule lets pass."""

    steps: int = 4
    done: int = state(0)

    @hookimpl
    def on_start(self, event: RunStarted, desk: Desk) -> None:
        desk.every(0.5, "step")

    @hookimpl
    def on_timer(self, event: TimerFired, desk: Desk) -> None:
        if self.done == self.steps:
            return
        contract = desk.chain("BTC_USDT")[0].id
        self.done += 1
        desk.buy(contract, 500 if self.done == self.steps else self.done, tag=f"step-{self.done}")


def plugins() -> tuple[Ladder, OrderLimits]:
    return Ladder(), OrderLimits(max_size=Decimal(10))


def decisions(commands: Sequence[Command]) -> list[tuple[Decimal, str]]:
    """What was decided, without what names the run and its day."""
    return [(command.size, command.tag) for command in commands if isinstance(command, SubmitOrder)]


class Memory:
    """A record of a live run that keeps everything in memory."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.commands: list[Command] = []

    def inputs(self, events: Sequence[Event]) -> None:
        self.events.extend(events)

    async def intents(self, approved: Sequence[Approved[Command]]) -> None:
        self.commands.extend(one.command for one in approved)

    async def flush(self) -> None:
        return


async def live_run(seconds: float) -> Memory:
    record = Memory()
    market = GeneratedMarket(start=time.time_ns(), duration_s=None, **MARKET)
    async with VenueSettings().serve(market.open("venue"), dialect="gate") as served:
        adapter = Gate(rest_url=served.rest_url, ws_url=served.ws_url, key=Secret("key"), secret=Secret("secret")).open("sim")
        engine = Engine(named(plugins()), margin=Classic(), tag="live1", seed=1)
        live = Live(engine, clock=WallClock(), summary=Summary(run="three-ways", mode="live"), book=record)
        live.add_adapter(adapter, trade=True)
        with anyio.fail_after(30):
            await live.run(seconds)
    return record


async def test_the_same_plugins_decide_the_same_in_a_unit_test_in_a_backtest_and_live() -> None:
    in_test = Sim(market=MARKET).run(*plugins(), seconds=10)

    sent: list[Command] = []
    source = GeneratedMarket(duration_s=10, **MARKET).open("sim")
    Backtest(
        named(plugins()), sources=[source], open_venue=lambda contracts: VenueSettings().open("sim", contracts), sent=sent.append
    ).run()

    live = await live_run(4.0)

    expected = [(Decimal(1), "step-1"), (Decimal(2), "step-2"), (Decimal(3), "step-3")]
    assert decisions(in_test.commands) == decisions(sent) == decisions(live.commands) == expected
    assert [refusal.reasons[0][0] for refusal in in_test.refusals] == ["order-limits"]


async def test_a_live_run_fed_back_into_the_engine_issues_the_identical_commands() -> None:
    live = await live_run(3.0)

    played = replay(named(plugins()), live.events, [described(command) for command in live.commands], tag="live1", seed=1)

    assert played.divergence is None
    assert played.commands == len(live.commands) > 0
