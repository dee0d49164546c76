"""The session as a machine: connecting, subscribing, staying alive, trying again."""

from __future__ import annotations

from itertools import chain, combinations

import pytest

from strikeloop import (
    ChannelRefused,
    ChannelSubscribed,
    GapClosed,
    GapOpened,
    Quoted,
    Reconciled,
    StreamLost,
    StreamOpened,
)
from strikeloop.adapter import Channel, Decoded
from strikeloop.session import Connect, Drop, Phase, SendPing, Subscribe
from tests.framework.session.stage import (
    CALL,
    CHANNELS,
    FILLS,
    HEARTBEAT,
    ORDERS,
    POSITIONS,
    QUIET,
    SECOND,
    START,
    Stage,
    balance,
    order,
    position,
)

MARKET = (Channel(name="quotes"),)
SUBSETS = list(chain.from_iterable(combinations((ORDERS, FILLS, POSITIONS), size) for size in range(4)))


def quote() -> Quoted:
    return Quoted(time=0, received=0, contract=CALL, bid=1.0, ask=2.0, bid_size=1, ask_size=1)


# ---- the way to ready ----


def test_a_session_connects_at_once() -> None:
    stage = Stage()
    assert (stage.begin().events, stage.actions) == ([], [Connect(1)])


def test_a_connection_subscribes_every_channel_in_order() -> None:
    assert Stage().connect().actions == [Connect(1), Subscribe(1, ORDERS), Subscribe(1, FILLS), Subscribe(1, POSITIONS)]


def test_the_snapshot_is_asked_for_once_every_channel_was_answered() -> None:
    stage = Stage().connect().acknowledge(ORDERS, FILLS)
    assert stage.looks == 0
    assert stage.acknowledge(POSITIONS).looks == 1


def test_a_snapshot_makes_the_account_ready_and_says_so_in_order() -> None:
    stage = Stage().connect().acknowledge()
    assert stage.session.state == "syncing"
    stage.snapshot(balance(100))
    assert stage.session.phase is Phase.READY
    assert [type(event) for event in stage.events[-3:]] == [type(balance(1)), StreamOpened, Reconciled]
    assert stage.said(StreamOpened)[0].connection == 1


def test_a_feed_is_ready_without_a_snapshot() -> None:
    stage = Stage(MARKET, port="feed").connect().acknowledge()
    assert stage.session.phase is Phase.READY
    assert stage.looks == 0


def test_a_feed_passes_market_data_on_before_it_is_acknowledged() -> None:
    assert Stage(MARKET, port="feed").connect().say("quotes", quote()).said(Quoted) == [quote()]


def test_the_frames_of_a_batch_are_told_in_order_with_what_they_confirm() -> None:
    stage = Stage(QUIET).connect().snapshot().forget()
    first, second = order(left=10), position(1)
    frames = [Decoded(channel=ORDERS, events=(first,)), HEARTBEAT, Decoded(channel=POSITIONS, events=(second,)), Decoded(channel="other")]
    stage.session.receive(stage.line, frames, stage.now)
    assert stage.listen().events == [first, second]
    stage = Stage(QUIET).connect()
    stage.session.receive(stage.line, frames, stage.now)
    assert [event.channel for event in stage.listen().said(ChannelSubscribed)] == [ORDERS, POSITIONS]
    assert all(status.updates == 1 for status in stage.session.channels)


def test_a_channel_without_acknowledgement_is_confirmed_by_a_snapshot() -> None:
    stage = Stage(QUIET).connect()
    assert stage.looks == 1
    stage.snapshot()
    assert [(event.channel, event.by) for event in stage.said(ChannelSubscribed)] == [(ORDERS, "snapshot"), (POSITIONS, "snapshot")]
    assert stage.session.phase is Phase.READY


def test_a_channel_without_acknowledgement_is_confirmed_by_its_first_update() -> None:
    stage = Stage(QUIET).connect().say(ORDERS, order(left=10)).snapshot()
    assert [(event.channel, event.by) for event in stage.said(ChannelSubscribed)] == [(ORDERS, "update"), (POSITIONS, "snapshot")]


def test_where_nothing_is_acknowledged_a_second_snapshot_follows_soon() -> None:
    stage = Stage(QUIET).connect().snapshot().forget().at(1.9)
    assert stage.looks == 0
    assert stage.at(2.1).looks == 1


# ---- acknowledgements ----


def test_updates_before_the_acknowledgement_confirm_the_channel() -> None:
    stage = Stage().connect().acknowledge(ORDERS, FILLS).say(POSITIONS, position(1))
    assert stage.looks == 1
    stage.acknowledge(POSITIONS).snapshot(position(1))
    assert [event.channel for event in stage.said(ChannelSubscribed)] == [ORDERS, FILLS, POSITIONS]
    assert stage.session.phase is Phase.READY


def test_a_late_acknowledgement_is_asked_for_once_more_after_five_seconds() -> None:
    stage = Stage().connect().acknowledge(ORDERS, FILLS).forget().alive_until(4.9)
    assert stage.asked(Subscribe) == []
    assert stage.alive_until(5.1).asked(Subscribe) == [Subscribe(1, POSITIONS)]
    assert stage.acknowledge(POSITIONS).snapshot().session.phase is Phase.READY


def test_an_acknowledgement_that_never_comes_ends_the_connection_within_ten_seconds() -> None:
    stage = Stage().connect().acknowledge(ORDERS, FILLS).alive_until(10.1)
    assert stage.asked(Drop) == [Drop(1, "positions was not acknowledged")]
    assert stage.lose("dropped").said(StreamLost)[0].retry_in_s is not None


def test_acknowledgements_told_twice_are_told_on_once_and_ask_for_nothing() -> None:
    stage = Stage().connect().acknowledge().acknowledge()
    assert len(stage.said(ChannelSubscribed)) == 3
    assert stage.looks == 1


# ---- refused channels ----


@pytest.mark.parametrize("refused", SUBSETS, ids="+".join)
def test_refused_channels_leave_the_others_flowing_and_orders_wait_for_the_essential_ones(refused: tuple[str, ...]) -> None:
    stage = Stage().connect().refuse_only(*refused).snapshot()
    essential = {ORDERS, FILLS} & set(refused)
    assert stage.session.phase is (Phase.SYNCING if essential else Phase.READY)
    assert bool(stage.said(Reconciled)) == (not essential)
    assert [event.channel for event in stage.said(ChannelRefused)] == list(refused)
    stage.forget()
    for name in set(stage.names) - set(refused):
        stage.say(name, balance(1 + len(stage.events)))
    assert len(stage.events) == 3 - len(refused)
    assert stage.asked(Drop) == []


@pytest.mark.parametrize("refused", SUBSETS[1:], ids="+".join)
def test_a_refused_channel_is_tried_again_and_then_the_account_is_looked_at_anew(refused: tuple[str, ...]) -> None:
    stage = Stage().connect().refuse_only(*refused).snapshot().forget().alive_until(5.1)
    assert stage.asked(Subscribe) == [Subscribe(1, name) for name in stage.names if name in refused]
    stage.acknowledge(*refused)
    assert stage.looks == 1
    assert stage.snapshot().session.phase is Phase.READY


def test_a_refused_channel_whose_second_subscription_is_not_answered_is_asked_for_once_more() -> None:
    stage = Stage().ready().refuse(POSITIONS).alive_until(9.9).forget().alive_until(10.4)
    assert stage.asked(Subscribe) == [Subscribe(1, POSITIONS)]
    assert stage.asked(Drop) == []
    assert len(stage.alive_until(15.5).asked(Drop)) == 1


def test_a_snapshot_does_not_confirm_a_channel_that_was_refused() -> None:
    stage = Stage(QUIET).connect().refuse(ORDERS).snapshot()
    assert stage.session.channels.unconfirmed == (ORDERS,)
    assert stage.session.phase is Phase.SYNCING


def test_an_essential_channel_refused_later_stops_orders_until_it_works_again() -> None:
    stage = Stage().ready().refuse(ORDERS)
    assert [gap.channel for gap in stage.said(GapOpened)] == [ORDERS]
    stage.alive_until(5.2).refuse(ORDERS).alive_until(14).garble().snapshot()
    assert stage.said(GapClosed) == []
    stage.alive_until(15.5)
    stage.acknowledge(ORDERS).snapshot()
    assert [gap.channel for gap in stage.said(GapClosed)] == [ORDERS]


def test_a_channel_refused_later_that_is_not_essential_stops_nothing() -> None:
    stage = Stage().ready().refuse(POSITIONS)
    assert stage.said(GapOpened) == []
    assert stage.session.state == "degraded"


# ---- credentials ----


def test_refused_credentials_end_the_connection_once() -> None:
    stage = Stage().connect().refuse(ORDERS, FILLS, POSITIONS, is_auth=True)
    assert [action.reason for action in stage.asked(Drop)] == ["credentials refused on orders: 4 no"]
    assert stage.session.state == "auth-failed"


def test_refused_credentials_are_tried_at_most_three_times_in_ten_minutes() -> None:
    stage, attempts = Stage().connect(), 1
    while stage.now < START + 600 * SECOND:
        stage.refuse(ORDERS, is_auth=True).lose("dropped")
        stage.forget()
        while not stage.asked(Connect) and stage.now < START + 600 * SECOND:
            stage.at((stage.now - START) / SECOND + 1)
        attempts += len(stage.asked(Connect))
        stage.link()
    assert attempts <= 3


def test_credentials_refused_while_connecting_wait_as_long() -> None:
    stage = Stage()
    stage.begin()
    assert stage.lose("401", is_auth=True).said(StreamLost)[0].retry_in_s == 240
    assert stage.session.auth_refused == "401"


def test_a_snapshot_on_its_way_does_not_excuse_refused_credentials() -> None:
    stage = Stage(QUIET).connect().refuse(ORDERS, POSITIONS, is_auth=True).snapshot()
    assert stage.session.auth_refused
    assert stage.lose("dropped").said(StreamLost)[0].retry_in_s == 240


@pytest.mark.parametrize("channels", [CHANNELS, QUIET], ids=["acknowledged", "silent"])
def test_credentials_that_do_not_open_one_channel_leave_the_others_alone(channels: tuple[Channel, ...]) -> None:
    stage = Stage(channels).connect().refuse(POSITIONS, is_auth=True)
    others = [status.channel.name for status in stage.session.channels if status.channel.acknowledged and status.channel.name != POSITIONS]
    for name in others:
        stage.acknowledge(name)
    stage.snapshot()
    assert stage.asked(Drop) == []
    assert (stage.session.state, stage.session.auth_refused) == ("degraded", "positions: 4 no")
    assert [action.channel for action in stage.forget().alive_until(241).asked(Subscribe)] == [POSITIONS]
    stage.acknowledge(POSITIONS).snapshot().snapshot()
    assert (stage.session.state, stage.session.auth_refused) == ("ready", "")


def test_accepted_credentials_are_forgiven() -> None:
    stage = Stage().connect().refuse(ORDERS, is_auth=True).lose("dropped").at(241)
    stage.link().acknowledge().snapshot()
    assert (stage.session.auth_refused, stage.session.state) == ("", "ready")
    retry = stage.lose("reset").said(StreamLost)[-1].retry_in_s
    assert retry is not None
    assert retry < 30


def test_a_feed_that_connects_again_is_forgiven_too() -> None:
    stage = Stage(MARKET, port="feed")
    stage.begin()
    stage.lose("403", is_auth=True).at(241).link().acknowledge()
    assert stage.session.auth_refused == ""


# ---- liveness ----


@pytest.mark.parametrize("port", ["account", "feed"])
def test_a_link_silent_from_its_first_moment_is_dropped_within_ten_seconds(port: str) -> None:
    stage = Stage(QUIET, port=port).connect().at(10)
    assert len(stage.asked(Drop)) == 1
    assert stage.asked(SendPing)


@pytest.mark.parametrize("frozen", [31.0, 32.5, 47.3, 61.9])
def test_a_link_that_falls_silent_is_dropped_within_ten_seconds(frozen: float) -> None:
    stage = Stage(MARKET, port="feed").connect().acknowledge().alive_until(frozen).say_nothing().forget()
    assert stage.at(frozen + 8.9).asked(Drop) == []
    assert len(stage.at(frozen + 10).asked(Drop)) == 1


def test_a_link_that_answers_pings_is_never_dropped() -> None:
    stage = Stage(MARKET, port="feed").connect().acknowledge()
    for second in range(5, 1_800, 5):
        stage.at(second)
        stage.session.alive(1, stage.now)
    assert stage.asked(Drop) == []
    assert len(stage.asked(SendPing)) >= 300


def test_a_busy_link_is_not_pinged() -> None:
    assert Stage(MARKET, port="feed").connect().acknowledge().alive_until(60).asked(SendPing) == []
