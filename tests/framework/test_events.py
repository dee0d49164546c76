"""The specification of strikeloop.events."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from strikeloop import Event, OrderRefused, OrderState, Origin, SubmitOrder
from strikeloop import events as e
from tests.framework.stage import CALL, D, position, quoted, update

ALL = [kind for kind in vars(e).values() if isinstance(kind, type) and issubclass(kind, Event)]


@pytest.mark.parametrize("kind", ALL)
def test_every_event_is_frozen_slotted_and_made_by_keywords(kind: type[Any]) -> None:
    assert attrs.fields(kind).time.kw_only
    assert "__dict__" not in dir(kind)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        object.__new__(kind).time = 1


@pytest.mark.parametrize("kind", ALL)
def test_every_event_says_what_it_means(kind: type[Any]) -> None:
    assert kind.__doc__


def test_wire_fields_that_nobody_knows_are_kept_and_do_not_distinguish() -> None:
    known = position(1, raw={"new": 1})
    assert (known.raw, known) == ({"new": 1}, position(1))


def test_an_account_event_is_the_venues_unless_it_says_otherwise() -> None:
    assert position(1).origin is Origin.VENUE


@pytest.mark.parametrize(
    ("state", "is_terminal"),
    [
        ("pending", False),
        ("sent", False),
        ("open", False),
        ("unknown", False),
        ("filled", True),
        ("canceled", True),
        ("expired", True),
        ("rejected", True),
        ("liquidated", True),
        ("absent", True),
    ],
)
def test_an_order_that_can_no_longer_trade_is_terminal(state: str, is_terminal: bool) -> None:
    assert OrderState(state).is_terminal is is_terminal


def test_every_state_is_spelled_out_above() -> None:
    assert len(OrderState) == 10


def test_what_is_filled_is_what_is_not_left() -> None:
    assert update("c", OrderState.OPEN, -10, -4).filled == D(-6)


def test_an_order_that_is_only_said_to_be_filled_is_filled_whole() -> None:
    assert update("c", OrderState.FILLED, 10).filled == D(10)


def test_an_open_order_of_which_nothing_more_is_said_has_no_fill() -> None:
    assert update("c", OrderState.OPEN, 10).filled == 0


def test_the_middle_of_a_quote_needs_both_sides() -> None:
    assert (quoted(bid=1.0, ask=2.0).mid, quoted(bid=None).mid, quoted(ask=None).mid) == (1.5, None, None)


def test_a_refusal_names_each_rule_with_its_reason() -> None:
    command = SubmitOrder(client_id="c", contract=CALL, size=D(1))
    reasons = (("vega", "too much"), ("size", "too large"))
    refused = OrderRefused(time=0, received=0, instance="s", contract=CALL, client_id="c", command=command, reasons=reasons)
    assert refused.reason == "vega: too much; size: too large"


def test_market_events_are_those_of_the_market() -> None:
    names = {kind.__name__ for kind in e.MARKET_EVENTS}
    assert names == {"Quoted", "Traded", "BookUpdated", "TickerUpdated", "UnderlyingPriced", "CandleClosed"}
