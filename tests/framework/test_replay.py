"""replay: the same inputs give the same commands, and the first that does not is named."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
import pytest

from strikeloop import (
    Contract,
    ContractId,
    ContractListed,
    Desk,
    Event,
    HaltRequested,
    OptionKind,
    Quoted,
    RunStarted,
    RunStopping,
    described,
    hookimpl,
    plugin,
)
from strikeloop.engine import Engine, Plugin
from strikeloop.margin import Classic
from strikeloop.replay import replay

CALL = Contract(
    id=ContractId.of("sim", "BTC_USDT-20260626-70000-C"),
    underlying="BTC_USDT",
    kind=OptionKind.CALL,
    strike=Decimal(70_000),
    expiry=2**62,
    multiplier=Decimal("0.01"),
    tick=Decimal(1),
    mark_tick=Decimal("0.1"),
)


@plugin
class Bidder:
    """Bid at each quote."""

    size: int = 1

    @hookimpl
    def on_start(self, desk: Desk) -> None:
        desk.watch("BTC_USDT")

    @hookimpl
    def on_quote(self, event: Quoted, desk: Desk) -> None:
        desk.buy(event.contract, self.size, event.bid)


def quote(at: int) -> Quoted:
    return Quoted(time=at, received=at, contract=CALL.id, bid=100.0, ask=101.0, bid_size=1.0, ask_size=1.0)


def inputs(*more: Event) -> list[Event]:
    listed = ContractListed(time=1, received=1, contract=CALL.id, specification=CALL)
    return [listed, RunStarted(time=2, received=2), quote(3), quote(4), *more]


def recorded(events: list[Event]) -> list[dict[str, Any]]:
    """What the run that these inputs belong to sent."""
    engine = Engine(plugins(), margin=Classic(), tag="abc", seed=1)
    return [described(one.command) for event in events for one in engine.step(event).approved]


def plugins(size: int = 1) -> list[Plugin]:
    return [Plugin(name="bidder", kind="strategy", plugin=Bidder(size=size))]


def test_the_same_plugins_decide_the_same() -> None:
    events = inputs()
    played = replay(plugins(), events, recorded(events), tag="abc", seed=1)
    assert (played.inputs, played.commands, played.divergence) == (4, 2, None)


def test_the_first_other_decision_is_named_with_its_input_and_both_commands() -> None:
    events = inputs()
    played = replay(plugins(size=2), events, recorded(events), tag="abc", seed=1)
    assert played.divergence is not None
    assert (played.divergence.input, played.divergence.event) == (3, "Quoted")
    assert played.divergence.recorded is not None
    assert played.divergence.replayed is not None
    assert (played.divergence.recorded["size"], played.divergence.replayed["size"]) == ("1", "2")


def test_a_command_that_nobody_gives_any_more_is_a_divergence() -> None:
    events = inputs()
    played = replay(plugins(), events[:-1], recorded(events), tag="abc", seed=1)
    assert played.divergence is not None
    assert played.divergence.replayed is None


def test_a_command_that_nobody_recorded_is_a_divergence() -> None:
    events = inputs()
    played = replay(plugins(), events, recorded(events)[:1], tag="abc", seed=1)
    assert played.divergence is not None
    assert played.divergence.recorded is None


def test_the_end_of_a_run_withdraws_what_works() -> None:
    events = inputs(RunStopping(time=5, received=5))
    played = replay(plugins(), events, recorded(events), tag="abc", seed=1)
    assert played.divergence is not None
    assert played.divergence.replayed is not None
    assert played.divergence.replayed["command"] == "CancelOrder"


@pytest.mark.parametrize("cancel", [False, True])
def test_after_a_halt_nothing_more_is_sent_but_what_the_kill_switch_withdraws(cancel: bool) -> None:
    halt = HaltRequested(time=5, received=5, cause="command", by="anna", reason="news", cancel=cancel)
    events = inputs(halt, quote(6))
    sent = recorded(events)
    assert [command["command"] for command in sent] == ["SubmitOrder"] * 2 + ["CancelOrder"] * (2 * cancel)
    assert replay(plugins(), events, sent, tag="abc", seed=1).divergence is None


def test_the_inputs_are_not_changed() -> None:
    events = inputs()
    before = [attrs.evolve(event) for event in events]
    replay(plugins(), events, [], tag="abc", seed=1)
    assert events == before
