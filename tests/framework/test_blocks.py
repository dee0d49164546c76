"""The specification of strikeloop.blocks."""

from __future__ import annotations

from typing import Any

import pytest

from strikeloop import ChannelSubscribed, GapClosed, GapOpened, Reconciled, StreamEvent, StreamLost, StreamStale
from strikeloop.blocks import Blocks


def said(kind: type[StreamEvent], **fields: Any) -> StreamEvent:
    return kind(time=0, received=0, adapter="gate", **fields)


LOST = said(StreamLost, reason="reset")
GAP = said(GapOpened, channel="orders", reason="a number is missing")
STALE = said(StreamStale, channel="orders", age_s=61.0)
INTENTS = said(GapOpened, port="driver", channel="intents", reason="orders of an earlier run")


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (LOST, "the connection to gate is lost: reset"),
        (GAP, "orders of gate missed messages: a number is missing"),
        (STALE, "the account of gate was not confirmed for 61 s"),
    ],
)
@pytest.mark.parametrize("ending", [said(Reconciled), said(GapClosed, channel="orders")])
def test_an_account_that_is_not_confirmed_is_blocked_until_it_is(event: StreamEvent, reason: str, ending: StreamEvent) -> None:
    blocks = Blocks()
    blocks.fold(event)
    assert blocks == {("gate", ""): reason}
    blocks.fold(ending)
    assert blocks == {}


def test_what_the_driver_misses_ends_with_that_cause_alone() -> None:
    blocks = Blocks()
    blocks.fold(INTENTS)
    blocks.fold(said(Reconciled))
    blocks.fold(said(GapClosed, port="driver", channel="memory"))
    assert blocks == {("gate", "intents"): "orders of an earlier run"}
    blocks.fold(said(GapClosed, port="driver", channel="intents"))
    assert blocks == {}


@pytest.mark.parametrize("event", [said(StreamLost, port="feed", reason="reset"), said(ChannelSubscribed, channel="orders")])
def test_what_concerns_no_account_blocks_nothing(event: StreamEvent) -> None:
    blocks = Blocks()
    blocks.fold(event)
    assert blocks == {}


def test_a_run_is_halted_when_something_blocks_all_of_it() -> None:
    blocks = Blocks()
    blocks.fold(LOST)
    assert not blocks.is_halted
    blocks["", ""] = "the run is stopping"
    assert blocks.is_halted
