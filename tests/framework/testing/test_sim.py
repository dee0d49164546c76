"""The specification of strikeloop.testing.sim, and of the determinism it stands for."""

from __future__ import annotations

import os
import subprocess
import sys
from decimal import Decimal

import pytest

from strikeloop import (
    AlertRaised,
    ConfigError,
    Desk,
    Quoted,
    RunStarted,
    RunStopping,
    SubmitOrder,
    TimerFired,
    Verdict,
    hookimpl,
    plugin,
    state,
)
from strikeloop.settings import ValueRefusedError
from strikeloop.testing import Sim
from strikeloop.testing import sim as module
from strikeloop.testing.sim import Played, named
from strikeloop_risk import OrderLimits


@plugin
class BuyOnce:
    """Buys the first contract of the chain after a second."""

    size: int = 2
    quotes: int = state(0)

    @hookimpl
    def on_start(self, event: RunStarted, desk: Desk) -> None:
        desk.every(1, "buy")
        desk.watch("BTC_USDT", kinds=(Quoted,), every=2)

    @hookimpl
    def on_timer(self, event: TimerFired, desk: Desk) -> None:
        desk.buy(desk.chain("BTC_USDT")[0].id, self.size)
        desk.cancel_timer("buy")
        desk.alert("bought", topic=f"{desk.random.random():.3f}")

    @hookimpl
    def on_quote(self) -> None:
        self.quotes += 1


@plugin
class Watchful:
    """Lets pass what it sees."""

    seen: int = state(0)

    @hookimpl
    def review_order(self, command: SubmitOrder) -> Verdict:  # narrower than what is delivered: a mistake
        return None


@plugin
class HTTPMonitor2:
    """A name of several words."""

    @hookimpl
    def on_alert(self) -> None: ...


def played(seconds: int = 5, seed: int = 1) -> Played:
    return Sim().run(BuyOnce(), seconds=seconds, seed=seed)


def test_a_run_gives_events_commands_fills_and_positions(sim: Sim) -> None:
    result = sim.run(BuyOnce(), seconds=5)
    (command,) = result.commands
    assert isinstance(command, SubmitOrder)
    assert sum(fill.size for fill in result.fills) == result.positions[0].size == command.size
    assert {order.client_id for order in result.orders} == {command.client_id}


def test_a_run_begins_with_its_start_and_ends_with_its_end() -> None:
    events = played().events
    assert [type(event) for event in events if isinstance(event, RunStarted | RunStopping)] == [RunStarted, RunStopping]
    assert isinstance(events[-1], RunStopping)


def test_what_was_refused_and_alerted_is_at_hand() -> None:
    result = Sim().run(BuyOnce(size=0), seconds=5)
    assert ([event.instance for event in result.refusals], [event.text for event in result.alerts]) == (["buy-once"], ["bought"])
    assert result.of(AlertRaised) == result.alerts


def test_the_market_is_not_among_the_events_but_is_heard() -> None:
    buyer = BuyOnce()
    result = Sim().run(buyer, seconds=5)
    assert buyer.quotes > 0 == len(result.of(Quoted))


def test_the_same_run_gives_the_same_digest() -> None:
    assert played().digest == played().digest


def test_another_seed_gives_another_digest() -> None:
    assert played(seed=1).digest != played(seed=2).digest


def test_another_decision_gives_another_digest() -> None:
    assert Sim().run(BuyOnce(size=3), seconds=5).digest != played().digest


def test_the_digest_does_not_depend_on_who_listens() -> None:
    heard = Sim().run(BuyOnce(), HTTPMonitor2(), seconds=5)
    assert heard.digest == played().digest


def test_plugins_are_named_after_their_classes_and_counted() -> None:
    assert [one.name for one in named([BuyOnce(), BuyOnce(), HTTPMonitor2()])] == ["buy-once", "buy-once-2", "httpmonitor2"]


def test_a_plugin_that_judges_is_a_rule_and_others_can_be_made_one() -> None:
    kinds = [one.kind for one in named([BuyOnce(), OrderLimits(max_size=Decimal(1))], [HTTPMonitor2()])]
    assert kinds == ["strategy", "risk", "risk"]


def test_a_mistake_in_a_plugin_is_reported_before_anything_runs() -> None:
    with pytest.raises(ConfigError, match="review_order wants command: SubmitOrder"):
        Sim().run(Watchful())


def test_the_market_and_the_venue_can_be_set() -> None:
    result = Sim(adapter="paper", market={"step_ms": 500}, venue={"balance": "5"}).run(BuyOnce(), seconds=3)
    assert result.result.engine.portfolio.balances["paper", "USDT"].total == 5
    assert result.fills == ()


def test_a_source_of_ones_own_takes_the_place_of_the_market() -> None:
    source = Sim()._open_source(3, 7)
    assert Sim().run(BuyOnce(), source=source, seed=1).digest == Sim().run(BuyOnce(), source=Sim()._open_source(3, 7), seed=1).digest


def test_without_the_venue_the_error_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(kind: str, name: str) -> None:
        raise ValueRefusedError(f'there is no "{name}"', "pip install strikeloop-venue")

    monkeypatch.setattr(module, "find", find)
    with pytest.raises(ConfigError, match="the sim fixture needs the simulated venue"):
        played()


PROGRAM = """
from strikeloop.testing import Sim
from strikeloop_risk import OrderLimits
from strikeloop_strategies import DeltaBand, Quoter
from decimal import Decimal
print(Sim().run(Quoter(), DeltaBand(band=0.01), rules=[OrderLimits(max_size=Decimal(4))], seconds=60, seed=3).digest)
"""


def test_the_same_backtest_has_one_digest_under_every_hash_seed() -> None:
    runs = [
        subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONHASHSEED": seed})
        for seed in ("0", "1", "random")
    ]
    digests = [run.communicate(timeout=60)[0].strip() for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0]
    assert len(set(digests)) == 1
    assert len(digests[0]) == 64
