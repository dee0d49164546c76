"""The specification of strikeloop.orders."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikeloop import AmendOrder, ContractId, Filled, OrderState, OrderUpdated, Origin, SubmitOrder
from strikeloop.clientids import owners
from strikeloop.orders import MOST_CLOSED, TRANSITIONS, Order, Orders
from tests.framework.stage import CALL, PUT, D, fill, update

S = OrderState
ENDS = (S.FILLED, S.CANCELED, S.EXPIRED, S.REJECTED, S.LIQUIDATED)
STATES = st.sampled_from(list(S))


def orders(size: int = 10, *, price: int | None = 100, sent: bool = True) -> Orders:
    """One order of instance s, called c, on its way."""
    made = Orders()
    made.pending(SubmitOrder(client_id="c", contract=CALL, size=D(size), price=None if price is None else D(price)), "s", 5)
    if sent:
        made.sent("c", 6)
    return made


def after(*events: OrderUpdated | Filled, size: int = 10) -> Order:
    return fold(orders(size), events)


def fold(made: Orders, events: Sequence[OrderUpdated | Filled]) -> Order:
    for event in events:
        made.apply(event)
    order = made.get("c")
    assert order is not None
    return order


# ---- the table -------------------------------------------------------------------------------------------------------


def test_every_state_has_a_row_in_the_table() -> None:
    assert set(TRANSITIONS) == set(S)


@given(state=STATES, then=STATES)
def test_no_closed_order_opens_again_except_one_that_was_absent(state: OrderState, then: OrderState) -> None:
    if state.is_terminal and state is not S.ABSENT and then in TRANSITIONS[state]:
        assert then.is_terminal


@pytest.mark.parametrize("state", [state for state in S if not state.is_terminal])
def test_every_order_that_can_trade_can_become_unknown(state: OrderState) -> None:
    assert S.UNKNOWN in TRANSITIONS[state]


def test_only_an_unknown_order_becomes_absent() -> None:
    assert [state for state in S if S.ABSENT in TRANSITIONS[state]] == [S.UNKNOWN]


def test_an_absent_order_is_revived_by_whatever_the_venue_says_of_it() -> None:
    assert TRANSITIONS[S.ABSENT] == {S.OPEN, *ENDS}


@given(st.lists(st.tuples(STATES, st.sampled_from([10, 7, 3, 0])), max_size=8))
def test_a_fold_never_leaves_the_table(steps: list[tuple[OrderState, int]]) -> None:
    made = orders(sent=False)
    before = S.PENDING
    for state, left in steps:
        changed = made.apply(update("c", state, 10, left))
        order = made.get("c")
        assert order is not None
        assert order.state is (state if changed else before)
        assert not changed or state in TRANSITIONS[before]
        before = order.state


@given(st.lists(st.tuples(STATES, st.sampled_from([10, 7, 3, 0])), max_size=8))
def test_what_is_filled_never_shrinks(steps: list[tuple[OrderState, int]]) -> None:
    made, filled = orders(), D(0)
    for state, left in steps:
        made.apply(update("c", state, 10, left))
        order = made.get("c")
        assert order is not None
        assert order.filled >= filled
        filled = order.filled


# ---- one order -------------------------------------------------------------------------------------------------------


def test_an_approved_order_is_pending_and_counts_at_once() -> None:
    (order,) = orders(sent=False).working()
    assert (order.state, order.left, order.instance, order.created) == (S.PENDING, D(10), "s", 5)


def test_an_order_whose_bytes_left_is_sent() -> None:
    assert after().state is S.SENT


def test_sending_changes_nothing_once_the_venue_has_answered() -> None:
    made = orders(sent=False)
    made.apply(update("c", S.OPEN, 10, 10))
    made.sent("c", 9)
    assert fold(made, ()).state is S.OPEN


def test_sending_an_order_that_nobody_knows_changes_nothing() -> None:
    made = orders()
    made.sent("other", 9)
    assert len(made) == 1


def test_an_answer_brings_the_venues_id_price_and_size() -> None:
    order = after(update("c", S.OPEN, 10, 10, order_id="v1", price=D(99)))
    assert (order.state, order.order_id, order.price) == (S.OPEN, "v1", D(99))


def test_the_price_of_a_market_order_stays_unsaid() -> None:
    made = orders(price=None)
    assert fold(made, [update("c", S.FILLED, 10, 0, price=D(0), is_market=True)]).price is None


def test_an_update_without_left_tells_nothing_about_fills() -> None:
    assert after(fill("c", 4), update("c", S.CANCELED, 10)).filled == D(4)


def test_filled_without_left_is_filled_whole() -> None:
    assert after(update("c", S.FILLED, 10)).left == 0


def test_a_rejection_keeps_size_and_gives_the_reason() -> None:
    order = after(update("c", S.REJECTED, 0, 0, reason="no margin"))
    assert (order.size, order.filled, order.reason, order.is_working) == (D(10), D(0), "no margin", False)


def test_an_unknown_order_counts_as_working() -> None:
    made = orders()
    made.apply(update("c", S.UNKNOWN))
    assert [order.state for order in made.working()] == [S.UNKNOWN]


def test_an_absent_order_no_longer_works() -> None:
    made = orders()
    fold(made, [update("c", S.UNKNOWN), update("c", S.ABSENT)])
    assert made.working() == ()


def test_an_absent_order_that_the_venue_lists_works_again() -> None:
    made = orders()
    fold(made, [update("c", S.UNKNOWN), update("c", S.ABSENT), update("c", S.OPEN, 10, 10)])
    assert [order.key for order in made.working()] == ["c"]


def test_an_absent_order_that_trades_works_again() -> None:
    order = after(update("c", S.UNKNOWN), update("c", S.ABSENT), fill("c", 1))
    assert (order.state, order.left) == (S.OPEN, D(9))


def test_a_sell_is_counted_with_its_sign() -> None:
    order = after(fill("c", -4), size=-10)
    assert (order.left, order.filled, order.is_buy) == (D(-6), D(-4), False)


# ---- what comes late, twice, or out of order -------------------------------------------------------------------------


def test_an_update_that_knows_fewer_fills_is_stale() -> None:
    made = orders()
    made.apply(update("c", S.OPEN, 10, 6))
    assert not made.apply(update("c", S.OPEN, 10, 8))


def test_a_stale_update_changes_nothing() -> None:
    made = orders()
    before = fold(made, [update("c", S.OPEN, 10, 6, price=D(100))])
    assert fold(made, [update("c", S.OPEN, 10, 8, price=D(90), at=99)]) is before


@pytest.mark.parametrize("end", ENDS)
def test_no_end_is_overwritten_by_an_open_update(end: OrderState) -> None:
    assert after(update("c", end, 10, 0 if end is S.FILLED else 10), update("c", S.OPEN, 10, 0)).state is end


def test_an_update_that_repeats_what_is_known_is_no_news() -> None:
    made = orders()
    made.apply(update("c", S.OPEN, 10, 6, order_id="v1"))
    assert not made.apply(update("c", S.OPEN, 10, 6, order_id="v1", at=9))


def test_an_end_told_twice_is_no_news_the_second_time() -> None:
    made = orders()
    made.apply(update("c", S.CANCELED, 10, 6))
    assert not made.apply(update("c", S.CANCELED, 10, 6, reason="again"))


def test_the_venues_word_is_news_also_where_the_fills_implied_it() -> None:
    made = orders()
    fold(made, [fill("c", 10)])
    assert made.apply(update("c", S.FILLED, 10, 0))


def test_a_cancellation_gives_way_to_one_that_knows_more_fills() -> None:
    assert after(update("c", S.CANCELED, 10, 10), update("c", S.CANCELED, 10, 6)).filled == D(4)


def test_a_fill_after_the_cancellation_is_counted_and_the_order_stays_canceled() -> None:
    order = after(update("c", S.CANCELED, 10, 10), fill("c", 4))
    assert (order.state, order.filled, order.executed) == (S.CANCELED, D(4), D(4))


def test_a_fill_that_the_update_already_counted_is_not_counted_again() -> None:
    order = after(update("c", S.OPEN, 10, 6), fill("c", 4))
    assert (order.filled, order.executed) == (D(4), D(4))


def test_fills_that_add_up_to_the_size_fill_the_order() -> None:
    assert after(fill("c", 4), fill("c", 6, trade_id="2")).state is S.FILLED


def test_more_fills_than_were_asked_for_leave_nothing_and_no_other_side() -> None:
    order = after(fill("c", 12))
    assert (order.left, order.state, order.executed) == (D(0), S.FILLED, D(12))


def test_the_average_price_is_that_of_the_fills() -> None:
    assert after(fill("c", 4, 100), fill("c", 1, 110, trade_id="2")).fill_price == D(102)


def test_the_average_price_is_the_venues_while_fills_are_missing() -> None:
    assert after(update("c", S.OPEN, 10, 5, fill_price=D(103)), fill("c", 4, 100)).fill_price == D(103)


def test_a_fill_teaches_the_venues_id() -> None:
    made = orders()
    made.apply(fill("c", 1, order_id="v9"))
    assert made.by_order_id("sim", "v9") is made.get("c")


def history(end: OrderState) -> list[OrderUpdated | Filled]:
    """A whole life: opened, filled by 3 and 4, and closed."""
    left = 0 if end is S.FILLED else 3
    last = [fill("c", 3, 120, trade_id="3")] if end is S.FILLED else []
    return [
        update("c", S.OPEN, 10, 10, order_id="v1"),
        fill("c", 3, 100),
        update("c", S.OPEN, 10, 7, order_id="v1", fill_price=D(100)),
        fill("c", 4, 107, trade_id="2"),
        *last,
        update("c", end, 10, left, order_id="v1", fill_price=D("108.8") if last else D(104), finish_as=end.value),
    ]


@pytest.mark.parametrize("end", [S.FILLED, S.CANCELED, S.EXPIRED, S.LIQUIDATED])
def test_every_order_of_arrival_leads_to_one_end(end: OrderState) -> None:
    ends = {attrs.evolve(after(*life), updated=0) for life in permutations(history(end))}
    assert [(one.state, one.executed, one.fill_price) for one in ends] == [
        (end, D(10), D("108.8")) if end is S.FILLED else (end, D(7), D(104))
    ]


@given(st.permutations(history(S.FILLED)), st.integers(0, 5))
def test_updates_told_twice_lead_to_the_same_end(life: list[OrderUpdated | Filled], at: int) -> None:
    again = [event for event in life if isinstance(event, OrderUpdated)][at % 3]
    assert attrs.evolve(after(*life, again), updated=0) == attrs.evolve(after(*history(S.FILLED)), updated=0)


# ---- amendments ------------------------------------------------------------------------------------------------------


def amended(*events: OrderUpdated | Filled, **terms: Any) -> Order:
    """An order of 10 at 100, open, 2 filled, amended, and then this."""
    made = orders()
    fold(made, [update("c", S.OPEN, 10, 8, price=D(100))])
    made.amending(AmendOrder(client_id="c", contract=CALL, **terms), 8)
    return fold(made, events)


def test_an_approved_amendment_counts_at_once() -> None:
    order = amended(size=D(6), price=D(90))
    assert (order.size, order.left, order.price, order.generation) == (D(6), D(4), D(90), 1)


def test_an_amendment_of_the_price_leaves_the_size() -> None:
    assert amended(price=D(90)).size == D(10)


def test_an_amendment_of_an_order_that_nobody_knows_is_nothing() -> None:
    assert Orders().amending(AmendOrder(client_id="c", contract=CALL, price=D(1)), 8) is None


def test_the_answer_settles_an_amendment() -> None:
    assert not amended(update("c", S.OPEN, 6, 4, price=D(90)), size=D(6), price=D(90)).is_amending


def test_what_the_stream_says_of_the_former_terms_is_old() -> None:
    order = amended(update("c", S.OPEN, 10, 8, price=D(100)), size=D(6), price=D(90))
    assert (order.size, order.price) == (D(6), D(90))


def test_the_former_terms_are_old_also_after_the_answer() -> None:
    order = amended(update("c", S.OPEN, 6, 4, price=D(90)), update("c", S.OPEN, 10, 8, price=D(100)), size=D(6), price=D(90))
    assert (order.size, order.price) == (D(6), D(90))


def test_fills_that_an_update_of_the_former_terms_tells_count() -> None:
    order = amended(update("c", S.OPEN, 10, 7, price=D(100)), size=D(6), price=D(90))
    assert (order.size, order.left) == (D(6), D(3))


@pytest.mark.parametrize("evidence", [{"origin": Origin.SNAPSHOT}, {"reason": "refused"}])
def test_a_look_up_or_a_refusal_brings_the_former_terms_back(evidence: dict[str, Any]) -> None:
    order = amended(update("c", S.OPEN, 10, 8, price=D(100), **evidence), size=D(6), price=D(90))
    assert (order.size, order.left, order.price, order.is_amending) == (D(10), D(8), D(100), False)


def test_fills_do_not_close_an_order_whose_new_size_is_not_answered() -> None:
    order = amended(fill("c", 6), size=D(6))
    assert (order.state, order.left) == (S.OPEN, D(0))


def test_an_order_that_outgrew_its_new_size_before_the_answer_is_what_the_venue_says() -> None:
    order = amended(fill("c", 7), update("c", S.FILLED, 7, 0), size=D(6))
    assert (order.state, order.filled) == (S.FILLED, D(7))


# ---- other hands -----------------------------------------------------------------------------------------------------


def test_an_order_of_other_hands_belongs_to_nobody_here() -> None:
    made = Orders()
    made.apply(update(None, S.OPEN, 3, 3, order_id="v7"))
    (order,) = made
    assert (order.key, order.instance, order.left) == ("sim:v7", "", D(3))


def test_an_order_of_other_hands_is_followed_by_the_venues_id() -> None:
    made = Orders()
    made.apply(update(None, S.OPEN, 3, 3, order_id="v7"))
    made.apply(fill(None, 1, order_id="v7"))
    made.apply(update(None, S.CANCELED, 3, 2, order_id="v7"))
    assert [(order.state, order.filled) for order in made] == [(S.CANCELED, D(1))]


def test_two_orders_of_other_hands_under_one_client_id_are_two() -> None:
    made = Orders()
    made.apply(update("web", S.OPEN, 3, 3, order_id="v7"))
    made.apply(update("web", S.OPEN, 5, 5, order_id="v8"))
    made.apply(update("web", S.CANCELED, 5, 5, order_id="v8"))
    assert [(order.size, order.state) for order in made] == [(D(3), S.OPEN), (D(5), S.CANCELED)]


def test_our_own_order_is_found_by_our_id_whatever_the_venue_calls_it() -> None:
    made = orders()
    made.apply(update("c", S.OPEN, 10, 10, order_id="v1"))
    assert made.find(update("c", S.OPEN, order_id="v2")) is made.get("c")


def test_the_same_venue_id_at_another_venue_is_another_order() -> None:
    made = Orders()
    made.apply(update(None, S.OPEN, 3, 3, order_id="v7"))
    assert made.find(update(None, S.OPEN, order_id="v7", contract=ContractId.of("other", "x"))) is None


def test_a_fill_of_an_order_that_nobody_knows_is_no_orders() -> None:
    assert Orders().apply(fill(None, 1)) is None


def test_working_orders_are_listed_oldest_first() -> None:
    made = Orders()
    for name in ("b", "a", "c"):
        made.pending(SubmitOrder(client_id=name, contract=PUT, size=D(1)), "s", 0)
    made.apply(update("b", S.OPEN, 1, 1, contract=PUT))
    assert [order.key for order in made.working()] == ["b", "a", "c"]


# ---- what is kept ----------------------------------------------------------------------------------------------------


def many(count: int, state: OrderState) -> Orders:
    """So many orders of instance s, one after the other, each in this state; those that are over filled nothing."""
    made = Orders(owners(["s"], ["run"]))
    for number in range(count):
        made.apply(update(f"t-run-s-{number}", state, 1, 1, order_id=f"v{number}"))
    return made


def test_of_orders_that_are_over_the_last_are_kept_and_all_are_counted() -> None:
    made = many(MOST_CLOSED + 3, S.CANCELED)
    assert (len(made), made.counts()) == (MOST_CLOSED, {"canceled": MOST_CLOSED + 3})
    assert (made.get("t-run-s-2"), made.by_order_id(CALL.adapter, "v2")) == (None, None)
    assert made.by_order_id(CALL.adapter, "v3") is made.get("t-run-s-3") is not None


def test_no_order_that_can_still_trade_is_forgotten() -> None:
    made = many(MOST_CLOSED + 3, S.UNKNOWN)
    assert len(made.working()) == len(made) == MOST_CLOSED + 3


def test_an_order_that_is_forgotten_and_spoken_of_again_is_its_instances() -> None:
    made = many(MOST_CLOSED + 1, S.CANCELED)
    made.apply(update("t-run-s-0", S.OPEN, 1, 1, order_id="v0"))
    assert [(order.key, order.instance) for order in made.working()] == [("t-run-s-0", "s")]


def test_an_absent_order_that_is_revived_is_not_among_those_that_are_over() -> None:
    made = many(1, S.ABSENT)
    made.apply(update("t-run-s-0", S.OPEN, 1, 1, order_id="v0"))
    for number in range(MOST_CLOSED + 1):
        made.apply(update(f"t-run-s-x{number}", S.CANCELED, 1, 1, order_id=f"x{number}"))
    assert [order.key for order in made.working()] == ["t-run-s-0"]
