"""The specification of strikeloop.runs."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import anyio
import anyio.lowlevel
import attrs
import pytest

from strikeloop import (
    AlertRaised,
    Approved,
    Command,
    ConfigError,
    DecodeError,
    Desk,
    Event,
    Filled,
    HaltUpdated,
    PluginError,
    RunStarted,
    RunStopping,
    SubmitOrder,
    TimerFired,
    UnderlyingPriced,
    hookimpl,
    plugin,
    state,
)
from strikeloop.journal import Asked
from strikeloop.live import Ending, Live
from strikeloop.load import Mode, Plan, load
from strikeloop.load.plan import Backend, PluginPlan, RunSettings
from strikeloop.margin import MODELS, Classic
from strikeloop.runs import Options, backtest_of, from_now, live_of, plugins_of, run_live, sinks_of
from strikeloop.testing import ScriptedAdapter
from strikeloop.testing.scripted import ACCOUNT_CHANNELS
from strikeloop_venue import GeneratedMarket, VenueSettings

pytestmark = pytest.mark.anyio


@plugin
class Buyer:
    """Buys one contract of the chain each half second."""

    size: int = 1
    bought: int = state(0)

    @hookimpl
    def on_start(self, event: RunStarted, desk: Desk) -> None:
        desk.every(0.5, "buy")

    @hookimpl
    def on_timer(self, event: TimerFired, desk: Desk) -> None:
        self.bought += 1
        desk.buy(desk.chain("BTC_USDT")[0].id, self.size)


@plugin
class Collector:
    """A sink."""

    heard: list[str] = state(factory=list)

    @hookimpl
    async def on_event(self, event: Event) -> None:
        COLLECTED.append(type(event).__name__)


COLLECTED: list[str] = []


def planned(name: str = "buyer", kind: Any = "strategy", cls: type = Buyer, **settings: Any) -> PluginPlan:
    return PluginPlan(name=name, kind=kind, use="x", distribution="", version="", cls=cls, make=lambda: cls(**settings))


def plan(mode: Mode = Mode.SIM, **more: Any) -> Plan:
    """A run of one strategy on the generated market and the simulated venue."""
    run = RunSettings(mode=mode, **more.pop("run", {}))
    market, venue = (GeneratedMarket(seed=1) if mode is Mode.SIM else None), (None if mode is Mode.LIVE else VenueSettings())
    return Plan(run=run, **{"market": market, "venue": venue, "plugins": (planned(),), **more})


class Memory:
    """A record that is kept in memory."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.sent: list[Command] = []
        self.statuses: list[dict[str, Any]] = []
        self.halt = ""
        self.halts: list[str] = []
        self.garbled: list[tuple[str, str, str]] = []

    def inputs(self, events: Sequence[Event]) -> None:
        self.events += events

    async def intents(self, approved: Sequence[Approved[Command]]) -> None:
        self.sent += [one.command for one in approved]

    async def flush(self) -> None: ...

    def halted(self) -> str:
        return self.halt

    def asked(self) -> Asked | None:
        return Asked(reason=self.halt, by="anna", mark=1) if self.halt else None

    def reset_asked(self) -> Asked | None:
        return None

    def tags(self) -> tuple[str, ...]:
        return ()

    def keep(self, told: HaltUpdated) -> None:
        self.halts.append(told.state.value)

    def quarantine(self, adapter: str, port: str, error: DecodeError, now: int) -> None:
        self.garbled.append((adapter, port, str(error)))

    async def status(self, status: dict[str, Any]) -> None:
        self.statuses.append(status)


def opened(of: Plan, record: Memory | None = None, **more: Any) -> Live:
    return live_of(of, tag="t1", run="r1", record=record or Memory(), **{"listen": lambda event: None, **more})


async def ran(live: Live, of: Plan, record: Memory, **options: Any) -> Ending:
    with anyio.fail_after(20):
        return await run_live(live, of, record, Options(**{"handle_signals": False, **options}))


# ---- plugins ---------------------------------------------------------------------------------------------------------


def test_a_plan_makes_its_plugins_anew_each_time() -> None:
    (one,), (other,) = plugins_of(plan()), plugins_of(plan())
    assert one.plugin is not other.plugin


def test_sinks_are_no_plugins_of_the_engine() -> None:
    of = plan(plugins=(planned(), planned("sink", "sink", Collector), planned("rule", "risk")))
    assert [(one.name, one.kind) for one in plugins_of(of)] == [("buyer", "strategy"), ("rule", "risk")]


def test_a_plugin_gets_the_memory_of_its_name_back() -> None:
    (made,) = plugins_of(plan(), {"buyer": {"level": 3}, "other": {"level": 4}})
    assert made.memory == {"level": 3}


# ---- backtests -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", ["market", "venue"])
def test_a_backtest_needs_a_market_and_a_venue(missing: str) -> None:
    without: dict[str, Any] = {missing: None}
    with pytest.raises(ConfigError, match="a backtest needs a market and a venue"):
        backtest_of(plan(**without))


def test_a_backtest_runs_the_plugins_of_the_plan() -> None:
    heard: list[Event] = []
    result = backtest_of(plan(market=GeneratedMarket(seed=1, duration_s=3, step_ms=500)), listen=heard.append).run()
    assert len([event for event in heard if isinstance(event, TimerFired)]) == 5
    assert result.summary.orders == 5


def test_a_backtest_is_named_after_the_first_adapter() -> None:
    of = plan(market=GeneratedMarket(seed=1, duration_s=1), adapters={"gate": None})
    assert {one.adapter for one in backtest_of(of).engine.portfolio.contracts} == {"gate"}


def test_the_header_of_a_backtest_is_the_plans() -> None:
    market = GeneratedMarket(seed=1, duration_s=1)
    digests = [backtest_of(plan(market=market, config=config)).run().digest for config in ({}, {}, {"venue": {"balance": "1"}})]
    assert digests[0] == digests[1] != digests[2]


# ---- simulated runs --------------------------------------------------------------------------------------------------


async def test_a_simulated_run_trades_in_this_process(anyio_backend_name: str) -> None:
    of = load(defaults={"run": {"mode": "sim", "seed": 1, "backend": anyio_backend_name}, "market": {"use": "generated"}}, environ={})
    of = attrs.evolve(of, plugins=(planned(),))
    record = Memory()
    heard: list[Event] = []
    live = opened(of, record, listen=heard.append)
    assert await ran(live, of, record, duration_s=2.0) == Ending(cause="duration", reason="2 s are over")

    submitted = [command for command in record.sent if isinstance(command, SubmitOrder)]
    assert len(submitted) >= 2
    fills = [event for event in record.events if isinstance(event, Filled)]
    assert {event.client_id for event in fills} <= {command.client_id for command in submitted}
    assert fills
    assert any(isinstance(event, UnderlyingPriced) for event in heard)
    assert [type(event) for event in heard if isinstance(event, RunStarted | RunStopping)] == [RunStarted, RunStopping]
    assert live.engine.orders.working() == ()
    assert (live.summary.mode, live.summary.backend, live.summary.orders) == ("sim", anyio_backend_name, len(submitted))
    assert [status["state"] for status in record.statuses][-1] == "stopped"
    assert record.statuses[-1]["ending"] == {"cause": "duration", "reason": "2 s are over"}


async def test_a_run_ends_when_it_is_asked_to() -> None:
    of, record = plan(), Memory()
    live = opened(of, record)

    async def ends(live: Live) -> None:
        live.stop("stop", "enough")

    assert await ran(live, of, record, beside=(ends,)) == Ending(cause="stop", reason="enough")


async def test_the_duration_of_the_plan_holds_where_nobody_says_another() -> None:
    of, record = plan(run={"duration_s": 0.2}), Memory()
    assert (await ran(opened(of, record), of, record)).cause == "duration"


@pytest.mark.parametrize(("number", "cause"), [(signal.SIGTERM, "terminate"), (signal.SIGINT, "interrupt")])
async def test_a_signal_ends_a_run_cleanly(number: signal.Signals, cause: str) -> None:
    of, record = plan(), Memory()
    live = opened(of, record)

    async def signals(live: Live) -> None:
        while not live.started:
            await anyio.lowlevel.checkpoint()
        os.kill(os.getpid(), number)

    ending = await ran(live, of, record, beside=(signals,), handle_signals=True)
    assert ending.cause == cause
    assert any(isinstance(event, RunStopping) for event in record.events)
    assert record.statuses[-1]["state"] == "stopped"


async def test_what_runs_beside_ends_with_the_run() -> None:
    of, record, ended = plan(run={"duration_s": 0.1}), Memory(), []

    async def beside(live: Live) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            ended.append(live)

    live = opened(of, record)
    await ran(live, of, record, beside=(beside,))
    assert ended == [live]


async def test_a_halted_run_lets_no_order_leave() -> None:
    of, record = plan(), Memory()
    record.halt = "halted by hand"
    live = opened(of, record)
    ending = await ran(live, of, record, duration_s=0.9)
    assert record.sent == []
    assert record.halts == ["halted"]
    assert (ending.cause, ending.reason) == ("halt", "halted, by anna: halted by hand")


# ---- paper and live, connected to nothing ----------------------------------------------------------------------------


@attrs.frozen
class Settings:
    """An adapter's settings that open a scripted one."""

    trades: bool = True

    def open(self, name: str, *, clock: Callable[[], int]) -> ScriptedAdapter:
        assert clock() > 0
        return ScriptedAdapter((), name=name, account_channels=ACCOUNT_CHANNELS if self.trades else None)


def test_a_paper_run_listens_to_the_adapter_and_executes_in_this_process() -> None:
    live = opened(plan(Mode.PAPER, adapters={"gate": Settings()}))
    assert (list(live.feeds), list(live.ports), list(live.venues)) == (["gate"], [], ["gate"])
    assert live.engine.blocks == {}


def test_a_live_run_trades_through_the_adapter_once_its_account_is_known() -> None:
    live = opened(plan(Mode.LIVE, adapters={"gate": Settings()}))
    assert (list(live.feeds), list(live.ports), list(live.venues)) == (["gate"], ["gate"], [])
    assert live.engine.blocks == {("gate", ""): "the account of gate is not reconciled yet"}


def test_a_read_only_adapter_has_no_account_in_a_live_run() -> None:
    live = opened(plan(Mode.LIVE, adapters={"prices": Settings(trades=False), "gate": Settings()}))
    assert (list(live.feeds), list(live.ports)) == (["prices", "gate"], ["gate"])


def test_a_simulated_run_opens_no_adapter() -> None:
    live = opened(plan(adapters={"gate": None}))
    assert (live.feeds, live.ports, list(live.venues)) == ({}, {}, ["gate"])


@pytest.mark.parametrize("mode", list(Mode))
def test_every_mode_hands_the_same_plugins_to_the_same_engine(mode: Mode) -> None:
    live = opened(plan(mode, adapters={"gate": Settings()}))
    assert [(one.name, type(one.plugin)) for one in live.engine.instances] == [("buyer", Buyer)]
    assert (live.summary.mode, live.summary.run) == (mode.value, "r1")


def test_margin_is_computed_with_the_model_of_the_venue_the_run_trades_on() -> None:
    assert opened(plan(venue=VenueSettings(margin="span_like"))).engine.margin is MODELS["span_like"]
    assert backtest_of(plan(venue=VenueSettings(margin="portfolio"))).engine.margin is MODELS["portfolio"]
    assert opened(plan(Mode.LIVE, adapters={"gate": Settings()})).engine.margin == Classic()


def test_client_ids_bear_the_tag_of_the_run() -> None:
    live = opened(plan())
    assert live.engine.instances[0].desk.buy(next(iter(live.engine.portfolio.contracts)), 1).startswith("t-t1-buyer-")


def test_the_backend_of_a_run_is_noted() -> None:
    assert opened(plan(run={"backend": Backend.TRIO})).summary.backend == "trio"


# ---- the market of now -----------------------------------------------------------------------------------------------


def test_a_generated_market_begins_now_and_has_no_end() -> None:
    market = from_now(GeneratedMarket(seed=4), 1_780_272_000_000_000_000)
    assert (market.start, market.duration_s, market.seed) == (1_780_272_000_000_000_000, None, 4)


def test_its_pace_is_quicker_unless_somebody_set_one() -> None:
    quick, set_by_hand = from_now(GeneratedMarket(), 0), from_now(GeneratedMarket(step_ms=500), 0)
    assert (quick.step_ms, set_by_hand.step_ms) == (250, 500)


def test_a_market_without_a_beginning_is_left_as_it_is() -> None:
    market = Settings()
    assert from_now(market, 5) is market


# ---- sinks -----------------------------------------------------------------------------------------------------------


async def test_sinks_hear_what_they_are_handed_before_the_block_ends() -> None:
    COLLECTED.clear()
    of = plan(plugins=(planned(), planned("sink", "sink", Collector)))
    async with sinks_of(of, lambda: None) as put:
        put(AlertRaised(time=0, received=0, source="s", topic="t", text="x"))
        put(RunStopping(time=0, received=0))
    assert COLLECTED == ["AlertRaised", "RunStopping"]


async def test_a_sink_that_is_stuck_holds_up_the_end_for_its_last_words_at_most() -> None:
    @plugin
    class Stuck:
        @hookimpl
        async def on_alert(self, event: AlertRaised) -> None:
            await anyio.sleep_forever()

    with anyio.fail_after(5):
        async with sinks_of(plan(plugins=(planned("sink", "sink", Stuck),)), lambda: None) as put:
            put(AlertRaised(time=0, received=0, source="s", topic="t", text="x"))


async def test_a_plan_whose_plugins_clash_is_refused() -> None:
    one = Buyer()
    twice = tuple(attrs.evolve(planned(name), make=partial(lambda: one)) for name in ("a", "b"))
    with pytest.raises(PluginError, match="already"):
        opened(plan(plugins=twice))
