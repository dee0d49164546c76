"""When an account is looked at, what a look corrects, what is in doubt meanwhile. Played on a whole session."""

from __future__ import annotations

from strikeloop import (
    BalanceUpdated,
    Filled,
    GapClosed,
    GapOpened,
    LedgerPosted,
    OrderState,
    OrderUpdated,
    Origin,
    PositionUpdated,
    Reconciled,
    StreamStale,
)
from strikeloop.adapter import Snapshot
from strikeloop.session import Drop, FetchFills, Find, Phase
from strikeloop.session.line import MOST_HELD
from tests.framework.session.stage import (
    BALANCES,
    CALL,
    FILLS,
    ORDERS,
    POSITIONS,
    SECOND,
    START,
    D,
    Stage,
    balance,
    fill,
    order,
    position,
    posted,
)

# ---- while synchronizing ----


def test_what_comes_before_the_snapshot_is_told_after_it() -> None:
    stage = Stage().connect().acknowledge()
    assert stage.said(PositionUpdated) == []
    stage.trades().say(POSITIONS, position(4)).snapshot(position(3))
    assert [(event.size, event.origin) for event in stage.said(PositionUpdated)] == [(D(3), Origin.SNAPSHOT), (D(4), Origin.VENUE)]


def test_a_state_older_than_the_request_is_not_told_at_all() -> None:
    stage = Stage().connect().say(POSITIONS, position(2), balance(1)).acknowledge().snapshot(position(3))
    assert [event.size for event in stage.said(PositionUpdated)] == [3]
    assert stage.said(BalanceUpdated) == []


def test_facts_older_than_the_request_are_told() -> None:
    events = order(left=10), fill("a", 2), posted(-10, 90)
    stage = Stage().connect().say(ORDERS, *events).acknowledge().snapshot(balance(90))
    assert (len(stage.said(OrderUpdated)), len(stage.said(Filled)), len(stage.said(LedgerPosted))) == (1, 1, 1)


def test_a_ledger_entry_buffered_twice_is_told_once() -> None:
    stage = Stage().connect().acknowledge().say(BALANCES, posted(-10, 90), posted(-10, 90)).snapshot(balance(100))
    assert len(stage.said(LedgerPosted)) == 1


def test_the_ledger_goes_on_from_what_was_buffered() -> None:
    stage = Stage().connect().acknowledge().say(BALANCES, posted(-10, 90)).snapshot(balance(100))
    assert stage.say(BALANCES, posted(-10, 80)).said(GapOpened) == []


def test_a_snapshot_of_an_earlier_connection_is_ignored() -> None:
    stage = Stage().connect().acknowledge().lose().at(1).link().forget().snapshot(position(9))
    assert stage.events == []
    assert stage.session.phase is Phase.SYNCING


def test_the_first_fills_are_asked_for_two_hours_back_and_the_next_a_minute() -> None:
    stage = Stage().connect().acknowledge()
    assert stage.asked(FetchFills) == [FetchFills(START - 7_260 * SECOND)]
    stage.snapshot().forget().alive_until(31)
    assert stage.asked(FetchFills) == [FetchFills(START - 60 * SECOND)]


# ---- periodically ----


def test_a_ready_account_is_looked_at_every_thirty_seconds() -> None:
    stage = Stage().ready().alive_until(29.5)
    assert stage.looks == 0
    assert stage.alive_until(30.2).looks == 1
    stage.snapshot().alive_until(60.5)
    assert stage.looks == 2


def test_one_snapshot_is_on_its_way_at_a_time() -> None:
    assert Stage().ready().alive_until(200).looks == 1


def test_a_snapshot_that_agrees_says_nothing_of_it() -> None:
    assert Stage().ready().alive_until(31).snapshot().said(Reconciled) == []


def test_a_lost_event_is_found_and_named_by_the_next_snapshot() -> None:
    stage = Stage().ready(position(3)).alive_until(31).snapshot(position(5), fill("a", 2, client_id="t-a-1"))
    assert [event.adjustments for event in stage.said(Reconciled)] == [("missed fill a of BTC-C: 2 at 5", "BTC-C has size 5, not 3")]
    assert [event.size for event in stage.said(Filled)] == [2]


def test_an_order_that_a_snapshot_misses_is_looked_up() -> None:
    stage = Stage().ready().say(ORDERS, order(left=10)).alive_until(31).snapshot()
    assert stage.asked(Find) == [Find(CALL, "t-a-1", "1")]
    stage.session.found(Find(CALL, "t-a-1", "1"), order(OrderState.CANCELED, left=10), stage.now)
    assert stage.at(31.2).said(OrderUpdated)[-1].state is OrderState.CANCELED


def test_what_the_stream_says_while_a_snapshot_is_on_its_way_is_told_at_once_and_stands() -> None:
    stage = Stage().ready(position(3)).alive_until(30.2).trades().forget()
    stage.say(FILLS, fill("a", 2, client_id="t-a-1")).say(POSITIONS, position(5))
    assert [event.size for event in stage.said(PositionUpdated)] == [5]
    stage.snapshot(position(3))
    assert [event.size for event in stage.said(PositionUpdated)] == [5]
    assert (stage.said(Reconciled), stage.alive_until(35).said(GapOpened)) == ([], [])


# ---- failing snapshots ----


def test_a_failed_snapshot_is_asked_for_again_after_two_seconds() -> None:
    stage = Stage().connect().acknowledge().snapshot_fails().forget().alive_until(1.9)
    assert stage.looks == 0
    assert stage.alive_until(2.1).looks == 1
    assert stage.snapshot().session.phase is Phase.READY


def test_credentials_that_are_refused_while_the_line_stands_are_tried_three_times_in_ten_minutes() -> None:
    stage, attempts = Stage().connect().acknowledge(), 1
    while stage.now < START + 600 * SECOND:
        stage.forget().snapshot_fails("INVALID_KEY", is_auth=True).alive_until((stage.now - START) / SECOND + 1)
        attempts += stage.looks
    assert attempts == 3


def fail_until(stage: Stage, seconds: float) -> Stage:
    """Every question is answered by a failure."""
    while stage.now < START + round(seconds * SECOND):
        stage.snapshot_fails().alive_until((stage.now - START) / SECOND + 0.5)
    return stage


def test_snapshots_that_fail_are_asked_for_ever_later() -> None:
    stage = Stage().ready().alive_until(30.2).forget()
    fail_until(stage, 130)
    assert 5 <= stage.looks <= 7


def test_an_account_that_cannot_be_confirmed_is_degraded_and_after_a_minute_stale() -> None:
    stage = fail_until(Stage().ready().alive_until(30.2), 59)
    assert (stage.session.state, stage.said(StreamStale)) == ("degraded", [])
    assert stage.session.shortcomings == ("the account was not confirmed: 502",)
    fail_until(stage, 90)
    (stale,) = stage.said(StreamStale)
    assert (stale.channel, 60 <= stale.age_s < 61) == ("502", True)
    while stage.session.state != "ready":
        stage.alive_until((stage.now - START) / SECOND + 1)
        stage.snapshot() if stage.looks else None
    assert len(stage.said(Reconciled)) == 1


def test_staleness_is_told_after_the_time_that_was_configured_or_never() -> None:
    assert fail_until(Stage(stale_after_s=32).ready().alive_until(30.2), 33).said(StreamStale)
    assert not fail_until(Stage(stale_after_s=None).ready().alive_until(30.2), 120).said(StreamStale)


def test_an_account_that_never_stands_still_is_degraded_and_looked_at_again() -> None:
    stage = Stage().connect().acknowledge()
    for number in range(6):
        stage.trades(*(fill(str(trade), 1) for trade in range(number))).books(Snapshot(time=0, received=0))
    assert stage.session.shortcomings == ("the account was not confirmed: the account was traded during each of 5 rounds",)
    assert (stage.session.state, stage.session.phase) == ("degraded", Phase.SYNCING)
    assert stage.forget().alive_until(2.2).looks == 1
    assert stage.snapshot().session.state == "ready"


def test_more_than_can_be_held_before_the_account_is_known_ends_the_line() -> None:
    stage = Stage().connect()
    stage.say(FILLS, *(fill(str(number), 1) for number in range(MOST_HELD)))
    assert stage.asked(Drop) == []
    stage.say(FILLS, fill("last", 1))
    assert [action.reason for action in stage.asked(Drop)] == ["more than 10000 events came before the account was confirmed"]


def test_a_failure_that_nobody_waits_for_changes_nothing() -> None:
    assert Stage().ready().snapshot_fails().events == []


# ---- gaps ----


def test_a_broken_ledger_opens_a_gap_at_once_and_a_snapshot_closes_it() -> None:
    stage = Stage().ready(balance(100)).say(BALANCES, posted(-5, 90))
    assert [(gap.channel, gap.reason) for gap in stage.said(GapOpened)] == [("balances", "balance 90 is not 100 + -5")]
    assert stage.looks == 1
    assert [gap.channel for gap in stage.snapshot(balance(90)).said(GapClosed)] == ["balances"]


def test_a_position_that_its_fills_do_not_explain_opens_a_gap_within_two_seconds() -> None:
    stage = Stage().ready(position(3)).say(POSITIONS, position(5)).at(0.5)
    assert stage.said(GapOpened) == []
    assert [gap.channel for gap in stage.at(1.5).said(GapOpened)] == ["positions"]
    stage.snapshot(position(5), fill("a", 2, client_id="t-a-1"))
    assert len(stage.said(GapClosed)) == 1


def test_a_position_that_overtakes_its_fill_is_no_gap() -> None:
    stage = Stage().ready(position(3)).say(POSITIONS, position(5)).at(0.5).say(FILLS, fill("a", 2, client_id="t-a-1"))
    assert stage.at(5).said(GapOpened) == []


def test_an_order_that_is_filled_without_its_fill_opens_a_gap_within_two_seconds() -> None:
    stage = Stage().ready().say(ORDERS, order(left=7)).at(1.5)
    assert [(gap.channel, gap.reason) for gap in stage.said(GapOpened)] == [("fills", "order 1 in BTC-C is filled 3, fills say 0")]


def test_a_snapshot_settles_a_doubt_before_it_becomes_a_gap() -> None:
    stage = Stage().ready(position(3)).say(POSITIONS, position(5)).garble().at(0.5).snapshot(position(5)).forget()
    assert stage.at(3).said(GapOpened) == []


def test_a_frame_that_cannot_be_read_reconciles_its_channel() -> None:
    stage = Stage().ready().garble(ORDERS)
    assert [gap.channel for gap in stage.said(GapOpened)] == [ORDERS]
    assert stage.looks == 1
    assert [gap.channel for gap in stage.snapshot().said(GapClosed)] == [ORDERS]


def test_a_gap_is_not_closed_by_a_snapshot_that_was_asked_for_before_it() -> None:
    stage = Stage().ready().alive_until(30.2).garble(ORDERS).snapshot()
    assert stage.said(GapClosed) == []
    assert stage.looks == 2
    assert len(stage.snapshot().said(GapClosed)) == 1


def test_a_frame_that_cannot_be_read_while_synchronizing_asks_for_a_later_snapshot() -> None:
    stage = Stage().connect().acknowledge().garble(ORDERS).snapshot()
    assert stage.session.phase is Phase.SYNCING
    assert stage.snapshot().session.phase is Phase.READY


def test_a_frame_that_cannot_be_read_before_the_channels_are_answered_asks_for_nothing_early() -> None:
    stage = Stage().connect().acknowledge(ORDERS).garble(ORDERS)
    assert stage.looks == 0


def test_more_than_ten_bad_frames_in_a_minute_end_the_connection() -> None:
    stage = Stage().ready()
    for _ in range(10):
        stage.garble()
    assert stage.asked(Drop) == []
    assert stage.garble().asked(Drop) == [Drop(1, "more than 10 frames in a minute could not be read")]


def test_bad_frames_now_and_then_do_not_end_the_connection() -> None:
    stage = Stage().ready()
    for minute in range(30):
        stage.alive_until(minute * 7).garble().snapshot()
    assert stage.asked(Drop) == []


def test_a_feed_tells_a_bad_frame_and_goes_on() -> None:
    stage = Stage(port="feed").connect().acknowledge().forget().garble("quotes")
    assert [type(event) for event in stage.events] == [GapOpened, GapClosed]
    assert stage.actions == []


def test_a_gap_that_stood_when_the_link_was_lost_is_not_closed_later() -> None:
    stage = Stage().ready().garble().lose().at(1).link().acknowledge().snapshot()
    assert stage.said(GapClosed) == []
    assert len(stage.said(Reconciled)) == 1
