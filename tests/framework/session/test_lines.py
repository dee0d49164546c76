"""At most two lines at a time: the one that counts, the one that is to replace it, and when there is another. Played on a whole session."""

from __future__ import annotations

from itertools import chain, combinations

from strikeloop import (
    ChannelSubscribed,
    Event,
    Filled,
    GapOpened,
    LedgerPosted,
    Quoted,
    Reconciled,
    StreamLost,
    StreamOpened,
)
from strikeloop.adapter import Channel, Decoded
from strikeloop.session import Connect, Drop, Phase, Subscribe
from tests.framework.session.stage import (
    CALL,
    FILLS,
    ORDERS,
    POSITIONS,
    QUIET,
    SECOND,
    START,
    Stage,
    balance,
    fill,
    position,
    posted,
)

MARKET = (Channel(name="quotes"),)
SUBSETS = list(chain.from_iterable(combinations((ORDERS, FILLS, POSITIONS), size) for size in range(4)))


def quote() -> Quoted:
    return Quoted(time=0, received=0, contract=CALL, bid=1.0, ask=2.0, bid_size=1, ask_size=1)


# ---- moving on ----

MOVE = Decoded(channel="", reconnect=True)


def moving(*events: Event) -> Stage:
    """A ready account whose venue asks to move on; the second line stands, and is acknowledged."""
    stage = Stage().ready(*events).frame(MOVE)
    return stage.link(2).acknowledge()


def test_a_venue_that_asks_to_move_on_is_given_a_second_line_beside_the_first() -> None:
    stage = Stage().ready().frame(MOVE).frame(MOVE, 1)
    assert stage.actions == [Connect(2)]
    assert stage.session.state == "ready"
    assert [action.line for action in stage.forget().link(2).asked(Subscribe)] == [2, 2, 2]


def test_the_second_line_replaces_the_first_once_the_account_was_looked_at_since() -> None:
    stage = moving(position(3)).at(0.2)
    assert (stage.looks, stage.asked(Drop)) == (1, [])
    stage.snapshot(position(3))
    assert stage.asked(Drop) == [Drop(1, "a new connection replaces it")]
    assert [event.connection for event in stage.said(StreamOpened)] == [2]
    assert (len(stage.said(Reconciled)), stage.session.connections) == (1, 2)
    stage.forget().lose(line=1)
    assert (stage.events, stage.session.state) == ([], "ready")


def test_nothing_is_lost_or_told_twice_while_both_lines_speak() -> None:
    stage = moving(position(3), balance(100)).at(0.2).trades()
    shared = fill("a", 2, client_id="t-a-1"), posted(-10, 90), fill("b", 1, client_id="t-a-1"), posted(-5, 85)
    stage.frame(Decoded(channel=FILLS, events=shared), 1)
    stage.frame(Decoded(channel=FILLS, events=(*shared, fill("c", 1, client_id="t-a-1"))), 2)
    assert [event.trade_id for event in stage.said(Filled)] == ["a", "b"]
    stage.snapshot(position(3), balance(100))
    assert [event.trade_id for event in stage.said(Filled)] == ["a", "b", "c"]
    assert [event.balance for event in stage.said(LedgerPosted)] == [90, 85]
    assert stage.say(POSITIONS, position(7)).alive_until(3).said(GapOpened) == []


def test_a_first_line_that_ends_early_leaves_its_place_to_the_second() -> None:
    stage = moving().lose(line=1)
    assert [event.retry_in_s for event in stage.said(StreamLost)] == [0]
    assert stage.session.phase is Phase.SYNCING
    stage.snapshot()
    assert (stage.session.phase, stage.session.connections, stage.asked(Connect)) == (Phase.READY, 2, [Connect(2)])


def test_a_second_line_that_is_lost_leaves_the_first_and_is_tried_again() -> None:
    stage = moving().at(0.2).lose(line=2)
    assert (stage.events[-1:], stage.said(StreamLost), stage.session.phase) == (stage.said(ChannelSubscribed)[-1:], [], Phase.READY)
    assert stage.alive_until(2, line=1).asked(Connect) == [Connect(2), Connect(3)]
    stage.snapshot().link(3).acknowledge().at(2.2).snapshot()
    assert [action.line for action in stage.asked(Drop)] == [1]


def test_a_second_line_that_is_refused_what_is_essential_does_not_replace_the_first() -> None:
    stage = Stage().ready().frame(MOVE).link(2).refuse_only(ORDERS).at(0.2).snapshot()
    assert stage.asked(Drop) == [Drop(2, "orders is refused on the new connection")]
    assert stage.session.phase is Phase.READY


def test_where_nobody_acknowledges_the_second_line_is_given_time() -> None:
    stage = Stage(QUIET).connect().snapshot().alive_until(2.2).snapshot().forget().frame(MOVE).link(2)
    stage.at(4.0)
    assert stage.looks == 0
    stage.at(4.4).snapshot()
    assert [action.line for action in stage.asked(Drop)] == [1]


def test_a_feed_moves_on_as_soon_as_it_is_answered_and_tells_each_event_of_one_line() -> None:
    stage = Stage(MARKET, port="feed").connect().acknowledge().forget().frame(MOVE).link(2)
    stage.frame(Decoded(channel="quotes", events=(quote(),)), 1).frame(Decoded(channel="quotes", events=(quote(),)), 2)
    assert len(stage.said(Quoted)) == 1
    stage.acknowledge().at(0.2)
    assert [action.line for action in stage.asked(Drop)] == [1]
    assert len(stage.frame(Decoded(channel="quotes", events=(quote(),)), 2).said(Quoted)) == 2


def test_a_line_that_is_not_ready_yet_is_simply_made_anew() -> None:
    stage = Stage().connect().frame(MOVE)
    assert stage.asked(Drop) == [Drop(1, "the venue asks for a new connection")]


# ---- trying again ----


def test_a_lost_connection_is_told_and_tried_again_when_its_time_has_come() -> None:
    stage = Stage().ready().lose("reset")
    (lost,) = stage.said(StreamLost)
    assert lost.retry_in_s is not None
    assert stage.session.state == "down"
    stage.at(lost.retry_in_s - 0.01)
    assert stage.asked(Connect) == []
    assert stage.at(lost.retry_in_s + 0.1).asked(Connect) == [Connect(2)]
    assert stage.at(30).asked(Connect) == [Connect(2)]


def test_a_new_connection_subscribes_and_reconciles_anew() -> None:
    stage = Stage().ready().lose().at(1).forget().link()
    assert [action.channel for action in stage.asked(Subscribe)] == list(stage.names)
    stage.acknowledge().snapshot()
    assert [event.connection for event in stage.said(StreamOpened)] == [2]
    assert len(stage.said(Reconciled)) == 1


def test_flapping_is_met_with_ever_longer_waits() -> None:
    stage, attempts = Stage(QUIET).connect(), 0
    while stage.now < START + 600 * SECOND:
        stage.snapshot().lose().forget()
        while not stage.asked(Connect):
            stage.at((stage.now - START) / SECOND + 1)
        attempts += 1
        stage.link()
    assert attempts <= 80


def test_a_thousand_sessions_that_lose_their_link_together_come_back_apart() -> None:
    retries = [Stage(seed=seed).ready().lose().said(StreamLost)[0].retry_in_s for seed in range(1_000)]
    tenths = [round((retry or 0) * 20) for retry in retries]
    assert max(tenths.count(tenth) for tenth in set(tenths)) <= 150
