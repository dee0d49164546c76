"""What is news, what is old, what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import permutations
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikeloop import ContractSettled, Event, Filled, OrderState, OrderUpdated, Origin, PositionClosed, PositionUpdated
from strikeloop.adapter import Snapshot
from strikeloop.session.truth import Merge, Truth
from tests.framework.session.stage import CALL, PUT, D, balance, fill, order, position, posted


def snapshot(*, time: int = 0, complete: bool = True, **listed: tuple[Any, ...]) -> Snapshot:
    marked = {name: tuple(attrs.evolve(event, origin=Origin.SNAPSHOT) for event in events) for name, events in listed.items()}
    return Snapshot(time=time, received=0, complete=complete, **marked)


def merged(truth: Truth, **listed: Any) -> Merge:
    truth.asked()
    return truth.merge(snapshot(**listed))


def begun(**listed: Any) -> Truth:
    """A truth that has seen its first snapshot."""
    truth = Truth()
    merged(truth, **listed)
    return truth


def applied(truth: Truth, events: Sequence[Event]) -> Decimal:
    return sum((news.size for event in events if isinstance(news := truth.news(event), Filled)), D(0))


# ---- fills ----


def test_a_fill_told_twice_counts_once() -> None:
    assert applied(begun(), [fill("a", 2), fill("a", 2)]) == 2


def test_trade_ids_repeat_across_contracts_and_orders() -> None:
    fills = [fill("a", 2), fill("a", 2, contract=PUT), fill("a", 2, order_id="2")]
    assert applied(begun(), fills) == 6


def test_a_hundred_thousand_repeated_fills_neither_double_nor_swallow_one() -> None:
    truth, total = begun(), D(0)
    for number in range(2_000):
        fills = [fill(str(number % 50), 1, contract=(CALL, PUT)[number % 2], order_id=str(number))] * 50
        total += applied(truth, fills)
    assert total == 2_000


@given(st.lists(st.integers(1, 5), min_size=1, max_size=5), st.booleans(), st.randoms(use_true_random=False))
def test_an_orders_fills_count_once_whether_executions_or_the_order_report_them(sizes: list[int], is_sell: bool, random: Any) -> None:
    sign = -1 if is_sell else 1
    reported = [fill(str(index), sign * size) for index, size in enumerate(sizes)]
    synthetic = fill("order:1", sign * sum(sizes), synthetic=True)
    events = [*reported, synthetic, *reported, synthetic]
    random.shuffle(events)
    assert applied(begun(), events) == sign * sum(sizes)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_at_no_moment_is_more_applied_than_the_order_has_filled(sizes: list[int], random: Any) -> None:
    events = [fill(str(index), size) for index, size in enumerate(sizes)] + [fill("order:1", sum(sizes), synthetic=True)]
    random.shuffle(events)
    truth, total = begun(), D(0)
    for event in events:
        total += applied(truth, [event])
        assert total <= sum(sizes)


def test_a_synthetic_fill_after_a_part_was_reported_tells_the_rest() -> None:
    truth = begun()
    assert applied(truth, [fill("a", 2)]) == 2
    assert applied(truth, [fill("order:1", 5, synthetic=True)]) == 3
    assert applied(truth, [fill("b", 3)]) == 0


# ---- orders ----


def test_an_order_told_twice_with_the_same_words_is_news_once() -> None:
    truth = begun()
    assert truth.news(order(left=10)) is not None
    assert truth.news(attrs.evolve(order(left=10), received=5)) is None


def test_what_was_said_before_is_no_news_when_it_comes_again_late() -> None:
    truth = begun()
    truth.news(order(left=10, price=D(5)))
    truth.news(order(left=10, price=D(6)))
    assert truth.news(order(left=10, price=D(5))) is None


def test_the_answer_to_a_question_is_news_even_when_it_repeats() -> None:
    truth = begun()
    truth.news(order(left=10))
    assert truth.answer(order(left=10)) == order(left=10)


def test_an_order_that_is_in_doubt_may_be_told_again() -> None:
    truth = begun()
    truth.news(order(left=10))
    truth.forget("t-a-1")
    assert truth.open_order("t-a-1") is None
    assert truth.news(order(left=10)) is not None


def test_an_order_that_is_over_is_not_opened_by_late_news() -> None:
    truth = begun()
    truth.news(order(OrderState.CANCELED, left=10))
    truth.news(order(left=10))
    assert truth.open_order("t-a-1") is None


# ---- chains ----


def test_ledger_entries_that_follow_one_another_show_no_gap() -> None:
    truth = begun(balances=(balance(100),))
    assert [truth.ledger_gap(entry) for entry in (posted(-5, 95), posted(2, 97))] == ["", ""]


def test_a_lost_ledger_entry_is_seen_at_the_next() -> None:
    truth = begun(balances=(balance(100),))
    truth.ledger_gap(posted(-5, 95))
    assert truth.ledger_gap(posted(2, 90)) == "balance 90 is not 95 + 2"


def test_the_first_entry_of_an_account_nobody_knows_is_no_gap() -> None:
    assert begun().ledger_gap(posted(-5, 95)) == ""


def test_an_entry_that_the_snapshot_already_holds_is_no_gap() -> None:
    truth = begun(balances=(balance(100),))
    truth.ledger_gap(posted(-5, 95))
    merged(truth, balances=(balance(90),))
    assert [truth.ledger_gap(entry) for entry in (posted(-2, 93), posted(-3, 90), posted(1, 91))] == ["", "", ""]


def test_a_chain_goes_on_from_a_snapshot_that_holds_what_was_lost() -> None:
    truth = begun(balances=(balance(100),))
    merged(truth, balances=(balance(90),))
    assert truth.ledger_gap(posted(1, 91)) == ""


def test_a_ledger_entry_told_twice_is_news_once() -> None:
    truth = begun()
    for _ in range(2):
        news = truth.news(posted(-5, 95))
        if news is not None:
            truth.ledger_gap(posted(-5, 95))
    assert truth.news(posted(-5, 95)) is None
    assert truth.news(posted(-5, 90)) is not None


def test_a_position_that_follows_from_its_fills_shows_no_gap() -> None:
    truth = begun(positions=(position(3),))
    truth.news(fill("a", 2))
    truth.news(position(5))
    assert truth.position_gap(CALL) == ""


def test_a_position_without_its_fill_is_a_gap() -> None:
    truth = begun(positions=(position(3),))
    truth.news(position(5))
    assert truth.position_gap(CALL) == "BTC-C has size 5, fills say 3"


def test_a_settled_position_is_expected_to_be_flat() -> None:
    truth = begun(positions=(position(3),))
    truth.news(ContractSettled(time=0, received=0, contract=CALL, settle_price=D(1), size=D(3), pnl=D(1)))
    truth.news(position(0))
    assert truth.position_gap(CALL) == ""


def test_a_position_that_a_trade_turns_around_is_closed_and_shows_no_gap() -> None:
    truth = begun(positions=(position(-3),))
    truth.news(fill("a", 5))
    truth.news(PositionClosed(time=0, received=0, contract=CALL, side="short", pnl=D(1)))
    truth.news(position(2))
    assert truth.position_gap(CALL) == ""


def test_the_remainder_of_an_average_price_makes_it_come_out_so() -> None:
    truth = Truth()
    truth.news(fill("a", 2, price=D(4)))
    news = truth.news(fill("order:1", 6, price=D(6), synthetic=True))
    assert isinstance(news, Filled)
    assert (news.size, news.price) == (D(4), D(7))


def test_an_order_that_says_more_is_filled_than_fills_were_reported_is_a_gap() -> None:
    truth = begun()
    truth.news(fill("a", 2))
    truth.news(order(left=5))
    assert truth.order_gap(CALL, "1") == "order 1 in BTC-C is filled 5, fills say 2"
    truth.news(fill("b", 3))
    assert truth.order_gap(CALL, "1") == ""


def test_fills_from_before_the_first_snapshot_are_not_missed() -> None:
    truth = begun(orders=(order(left=5),))
    assert truth.order_gap(CALL, "1") == ""
    truth.news(order(left=4))
    assert truth.order_gap(CALL, "1") != ""
    truth.news(fill("b", 1))
    assert truth.order_gap(CALL, "1") == ""


# ---- snapshots ----


def test_a_snapshot_that_says_what_is_known_adjusts_nothing() -> None:
    truth = begun(orders=(order(left=10),), positions=(position(3),))
    again = merged(truth, orders=(order(left=10),), positions=(position(3),))
    assert (again.adjustments, again.missing) == ((), ())
    assert [type(event) for event in again.events] == [PositionUpdated]


def test_fills_of_the_first_snapshot_are_history() -> None:
    truth = Truth()
    first = merged(truth, fills=(fill("a", 2),), positions=(position(2),))
    assert not any(isinstance(event, Filled) for event in first.events)
    assert truth.news(fill("a", 2)) is None
    assert truth.position_gap(CALL) == ""


def test_a_missed_fill_is_told_and_named() -> None:
    truth = begun()
    found = merged(truth, fills=(fill("a", 2),), positions=(position(2),))
    assert [event.size for event in found.events if isinstance(event, Filled)] == [2]
    assert found.adjustments == ("missed fill a of BTC-C: 2 at 5", "BTC-C has size 2, not 0")
    assert truth.news(fill("a", 2)) is None
    assert truth.position_gap(CALL) == ""


def test_a_position_that_a_complete_snapshot_leaves_out_is_flat() -> None:
    truth = begun(positions=(position(3),))
    found = merged(truth)
    assert [(event.size, event.origin) for event in found.events if isinstance(event, PositionUpdated)] == [(D(0), Origin.SNAPSHOT)]
    assert found.adjustments == ("BTC-C has size 0, not 3",)


def test_a_part_of_the_account_says_nothing_of_the_rest() -> None:
    truth = begun(positions=(position(3),), orders=(order(left=10),))
    found = merged(truth, complete=False)
    assert (found.events, found.adjustments, found.missing) == ((), (), ())


def test_fills_without_a_position_do_not_outlive_a_snapshot_that_is_flat() -> None:
    truth = begun()
    truth.news(fill("a", 2))
    merged(truth, fills=(fill("a", 2), fill("b", -2, order_id="2")))
    truth.news(fill("c", 1, order_id="3"))
    truth.news(position(1))
    assert truth.position_gap(CALL) == ""


def test_an_open_order_that_nobody_knew_is_named() -> None:
    found = merged(begun(), orders=(order(left=10),))
    assert found.adjustments == ("open order t-a-1 in BTC-C was not known: 10 of 10 at 5",)
    assert [event.client_id for event in found.events if isinstance(event, OrderUpdated)] == ["t-a-1"]


def test_an_order_that_stands_otherwise_is_named_with_both_figures() -> None:
    truth = begun()
    truth.news(order(left=10))
    found = merged(truth, orders=(order(left=4, price=D(6)),))
    assert found.adjustments == ("order t-a-1 in BTC-C is 4 of 10 at 6, not 10 of 10 at 5",)


def test_a_balance_that_is_another_is_named_with_both_figures() -> None:
    truth = begun(balances=(balance(100),))
    assert merged(truth, balances=(balance(100),)).adjustments == ()
    assert merged(truth, balances=(balance(90),)).adjustments == ("balance of USDT is 90, not 100",)
    truth.news(posted(-5, 85))
    truth.ledger_gap(posted(-5, 85))
    assert merged(truth, balances=(balance(85),)).adjustments == ()


def test_an_open_order_that_is_not_listed_is_missing() -> None:
    truth = begun()
    truth.news(order(left=10))
    found = merged(truth)
    assert [missing.client_id for missing in found.missing] == ["t-a-1"]
    assert found.adjustments == ("order t-a-1 in BTC-C is no longer open, 10 of 10 at 5 before",)


@pytest.mark.parametrize("said", [order(left=10), order(OrderState.CANCELED, left=10)], ids=["opened", "closed"])
def test_an_order_the_stream_spoke_of_while_the_snapshot_was_on_its_way_is_as_the_stream_said(said: OrderUpdated) -> None:
    truth = begun()
    truth.news(order(left=10, order_id="2", client_id="t-a-2"))
    truth.asked()
    truth.news(said)
    listed = (order(left=10, order_id="2", client_id="t-a-2"),) + ((order(left=10),) if said.state.is_terminal else ())
    found = truth.merge(snapshot(orders=listed))
    assert (found.missing, found.adjustments) == ((), ())
    assert (truth.open_order("t-a-1") is not None) == (said.state is OrderState.OPEN)


def test_a_position_the_stream_told_while_the_snapshot_was_on_its_way_is_not_taken_back() -> None:
    truth = begun(positions=(position(3),))
    truth.asked()
    truth.news(fill("a", 2))
    truth.news(position(5))
    found = truth.merge(snapshot(positions=(position(3),)))
    assert (found.events, found.adjustments) == ((), ())
    assert truth.position_gap(CALL) == ""


def test_a_fill_that_came_while_the_snapshot_was_on_its_way_counts_on_top_of_it() -> None:
    truth = begun(positions=(position(3),))
    truth.asked()
    truth.news(fill("a", 2))
    truth.merge(snapshot(positions=(position(3),)))
    truth.news(position(5))
    assert truth.position_gap(CALL) == ""


def test_a_fill_that_the_snapshot_already_holds_does_not_count_twice() -> None:
    truth = begun(positions=(position(3),))
    truth.asked()
    truth.news(fill("a", 2))
    truth.merge(snapshot(positions=(position(5),), fills=(fill("a", 2),)))
    assert truth.position_gap(CALL) == ""


def test_cash_that_moved_while_the_snapshot_was_on_its_way_stays_moved() -> None:
    truth = begun(balances=(balance(100),))
    truth.asked()
    truth.ledger_gap(posted(-5, 95))
    (told,) = truth.merge(snapshot(balances=(balance(100),))).events
    assert told == attrs.evolve(balance(95, available=D(100)), origin=Origin.SNAPSHOT)


def test_the_next_fills_are_asked_for_since_the_venues_own_time() -> None:
    truth = Truth()
    merged(truth, time=70)
    assert truth.last_fill_time == 70
    truth.news(fill("a", 1, time=90))
    merged(truth, time=100)
    assert truth.last_fill_time == 90


def test_every_order_of_events_around_a_snapshot_ends_in_the_same_truth() -> None:
    events: list[Event] = [order(left=8), order(OrderState.CANCELED, left=5), fill("a", 2), fill("b", 3), position(5)]
    for sequence in permutations(events):
        for cut in range(len(events) + 1):
            truth = begun()
            total = applied(truth, sequence[:cut])
            truth.asked()
            found = truth.merge(snapshot(positions=(position(5),), fills=(fill("a", 2), fill("b", 3))))
            total += sum((event.size for event in found.events if isinstance(event, Filled)), D(0))
            total += applied(truth, sequence[cut:])
            gaps = truth.position_gap(CALL), truth.order_gap(CALL, "1")
            assert (total, gaps, truth.open_order("t-a-1")) == (D(5), ("", ""), None)
