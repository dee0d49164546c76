"""Of a long batch the latest of each kind is told, and what is left out is counted."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from strikeloop import DecodeError, Quoted, TickerUpdated, Traded, UnderlyingPriced
from strikeloop.adapter import Decoded
from strikeloop.contracts import ContractId
from strikeloop.session.conflation import conflated
from tests.framework.session.stage import CALL, PUT


def quote(number: int, contract: ContractId = CALL) -> Quoted:
    return Quoted(time=number, received=0, contract=contract, bid=1.0, ask=2.0, bid_size=1, ask_size=1)


def frame(*events: Quoted | TickerUpdated | Traded | UnderlyingPriced, channel: str = "quotes") -> Decoded:
    return Decoded(channel=channel, events=events)


def test_the_latest_of_each_contract_is_kept_where_it_stood() -> None:
    frames = [frame(quote(1)), frame(quote(2, PUT)), frame(quote(3)), frame(quote(4))]
    assert conflated(frames, {"quotes"}) == ([frames[1], frames[3]], Counter(quotes=2))


def test_within_one_frame_too() -> None:
    kept, dropped = conflated([frame(quote(1), quote(2, PUT), quote(3)), frame(quote(4, PUT))], {"quotes"})
    assert ([event.time for one in kept for event in one.events], dropped) == ([3, 4], Counter(quotes=2))


def test_other_kinds_and_underlyings_do_not_replace_one_another() -> None:
    ticker = TickerUpdated(time=0, received=0, contract=CALL, mark_price=1.0)
    prices = [UnderlyingPriced(time=0, received=0, adapter="venue", underlying=name, price=1.0) for name in ("BTC", "ETH")]
    frames = [frame(quote(1)), frame(ticker), *(frame(price) for price in prices)]
    assert conflated(frames, {"quotes"}) == (frames, Counter())


@given(st.lists(st.tuples(st.sampled_from(["quotes", "trades", "answer"]), st.sampled_from([CALL, PUT]))))
def test_what_is_not_conflatable_is_kept_whole_and_in_order(told: list[tuple[str, ContractId]]) -> None:
    frames: list[Decoded | DecodeError] = [frame(quote(number, contract), channel=name) for number, (name, contract) in enumerate(told)]
    frames += [DecodeError("no JSON"), Decoded(channel="quotes", is_heartbeat=True)]
    kept, dropped = conflated(frames, {"quotes"})
    others = [one for one in frames if not isinstance(one, Decoded) or one.channel != "quotes" or not one.events]
    assert [one for one in kept if one in others] == others
    assert len(kept) + dropped.total() == len(frames)
    latest = {contract: number for number, (name, contract) in enumerate(told) if name == "quotes"}
    told_last = [event for one in kept if isinstance(one, Decoded) for event in one.events if one.channel == "quotes"]
    assert {event.contract: event.time for event in told_last if isinstance(event, Quoted)} == latest
