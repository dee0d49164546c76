"""The specification of strikeloop.testing.generating: laws of the core, stated over what it generates."""

from __future__ import annotations

import subprocess
import sys

from hypothesis import given, settings

from strikeloop import Contract, Event, Quoted, SubmitOrder
from strikeloop.encoding import described
from strikeloop.settings.records import event_from_record
from strikeloop.testing import CALL, PUT, DeskStage
from strikeloop.testing.generating import contracts, events, markets, orders


@given(contracts())
def test_a_contract_pays_as_a_call_or_as_a_put(option: Contract) -> None:
    above, below = option.strike + 10, option.strike - 10
    assert (option.intrinsic(above) > 0, option.intrinsic(below) > 0) == (option.is_call, not option.is_call)


@given(events())
def test_every_event_is_written_down_and_read_back(event: Event) -> None:
    assert event_from_record(described(event)) == event


@given(orders())
def test_orders_are_such_as_may_be_asked_for(order: SubmitOrder) -> None:
    assert order.size
    assert order.contract in (CALL, PUT)
    assert order.price is None or order.price > 0


@given(markets())
def test_a_market_is_in_order_of_time_and_never_crossed(market: list[Event]) -> None:
    assert [event.received for event in market] == sorted(event.received for event in market)
    assert all(quote.bid < quote.ask for quote in market if isinstance(quote, Quoted) and quote.bid and quote.ask)


@settings(max_examples=20)
@given(markets(most=10))
def test_a_desk_may_hear_any_market(market: list[Event]) -> None:
    DeskStage().runs().hears(*market)


def test_without_hypothesis_the_error_says_what_to_install() -> None:
    program = "import sys; sys.modules['hypothesis'] = None\nimport strikeloop.testing.generating"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "hypothesis is not installed (pip install hypothesis)" in done.stderr
