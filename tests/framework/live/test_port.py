"""One port in the world: connecting, reading, writing, ending, and nothing left behind. Played on a whole run."""

from __future__ import annotations

import json
from collections.abc import Sequence

import anyio
import attrs
import pytest

from strikeloop import (
    AlertRaised,
    AuthRejectedError,
    BookUpdated,
    ChannelSubscribed,
    ContractId,
    ContractListed,
    GapClosed,
    GapOpened,
    LinkLostError,
    PositionUpdated,
    Quoted,
    Reconciled,
    StreamLost,
    StreamOpened,
    StreamStale,
    VenueError,
)
from strikeloop.adapter import BookIds, Channel
from strikeloop.live import connection, port, status_of
from strikeloop.testing import Held
from tests.framework.live.stage import CALL, CONTRACT, SECOND, D, Stage, until

pytestmark = pytest.mark.anyio


def position(size: int) -> PositionUpdated:
    return PositionUpdated(time=0, received=0, contract=CALL, size=D(size), entry_price=D(5), realized_pnl=D(0))


async def test_every_channel_is_subscribed_at_the_second_of_sending() -> None:
    stage = Stage()
    async with stage.running():
        sent = [json.loads(frame) for frame in stage.account.link.sent]
        assert [frame["subscribe"] for frame in sent] == ["orders", "positions", "balances"]
        assert {frame["time"] for frame in sent} == {stage.clock.now() // SECOND}


async def test_the_account_prepares_before_each_connection() -> None:
    stage = Stage()
    async with stage.running():
        stage.account.link.lose()
        await until(lambda: stage.said(StreamLost))
        await stage.pass_s(2)
        assert [kind for kind, _ in stage.account.calls if kind in ("prepare", "connect")] == ["prepare", "connect"] * 2


async def test_what_the_venue_says_reaches_the_strategy_with_the_time_it_was_received() -> None:
    stage = Stage()
    async with stage.running():
        stage.clock.pass_s(1)
        stage.account.say("positions", position(3))
        await until(lambda: stage.said(PositionUpdated))
        assert stage.said(PositionUpdated)[-1].received == stage.clock.now()
        assert [event for event in stage.trader.heard if isinstance(event, PositionUpdated)] == stage.said(PositionUpdated)


async def test_a_lost_link_is_made_again_subscribed_and_reconciled() -> None:
    stage = Stage()
    async with stage.running():
        stage.account.link.lose("reset by peer")
        await until(lambda: stage.said(StreamLost))
        assert stage.said(StreamLost)[0].reason == "reset by peer"
        assert stage.engine.blocks
        stage.account.positions.append(position(7))
        await stage.pass_s(2)
        opened = [event.connection for event in stage.said(StreamOpened) if event.port == "account"]
        assert opened == [1, 2]
        assert len(stage.account.link.sent) == 3
        assert stage.said(Reconciled)[-1].adjustments == ("BTC-C has size 7, not 0",)
        assert not stage.engine.blocks


async def test_a_connection_that_is_refused_is_tried_until_it_stands() -> None:
    stage = Stage()
    stage.account.script("connect", LinkLostError("refused"), LinkLostError("refused"))
    stage.account.script("prepare", VenueError("no answer"))
    async with stage.running(started=False):
        await stage.pass_s(6)
        assert stage.live.started
        assert [event.reason for event in stage.said(StreamLost)] == ["no answer", "refused", "refused"]


async def test_a_connection_that_never_comes_about_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "CONNECT_S", 0.02)
    stage = Stage()
    stage.account.script("connect", Held())
    async with stage.running(started=False):
        await until(lambda: stage.said(StreamLost))
        assert stage.said(StreamLost)[0].reason == "no connection within 0.02 s"
        await stage.pass_until(lambda: stage.live.started)


async def test_a_link_that_falls_silent_is_pinged_and_then_dropped() -> None:
    stage = Stage()
    async with stage.running():
        silent = stage.account.link
        silent.deliver = lambda *frames: None  # type: ignore[method-assign]  # nothing arrives any more
        await stage.pass_s(10)
        assert silent.pings >= 1
        assert silent.is_closed
        assert "no byte came" in stage.said(StreamLost)[0].reason


async def test_a_link_that_cannot_be_written_to_is_lost() -> None:
    stage = Stage()

    async def refuse(frame: bytes) -> None:
        raise LinkLostError("broken pipe")

    async with stage.running():
        stage.account.link.send = refuse  # type: ignore[method-assign]  # every write fails
        stage.account.refuse("balances")
        await stage.pass_s(6)
        assert "broken pipe" in [event.reason for event in stage.said(StreamLost)]


async def test_a_frame_that_cannot_be_read_reconciles_the_account() -> None:
    stage = Stage()
    async with stage.running():
        stage.account.link.deliver(b"garbage")
        await until(lambda: stage.said(GapClosed))
        assert [gap.channel for gap in stage.said(GapOpened)] == ["orders"]
        assert len(stage.account.asked("snapshot")) == 2
        assert not stage.said(StreamLost)


async def test_frames_that_cannot_be_read_are_handed_to_the_quarantine() -> None:
    kept: list[tuple[str, str, str]] = []
    stage = Stage(quarantine=lambda adapter, port, error, now: kept.append((adapter, port, error.frame[2:9])))
    async with stage.running():
        stage.account.link.deliver(b"garbage")
        await until(lambda: stage.said(GapClosed))
        stage.feed.link.deliver(b"rubbish")
        stage.feed.say("quotes", stage.quote())
        await until(lambda: stage.said(Quoted))
    assert kept == [("venue", "account", "garbage"), ("venue", "feed", "rubbish")]


async def test_a_frame_of_the_feed_that_cannot_be_read_is_skipped() -> None:
    stage = Stage()
    async with stage.running():
        stage.feed.link.deliver(b"garbage")
        stage.feed.say("quotes", stage.quote())
        await until(lambda: stage.said(Quoted))
        assert [gap.port for gap in stage.said(GapOpened)] == ["feed"]


async def test_the_venues_wish_to_move_on_is_granted() -> None:
    stage = Stage()
    async with stage.running():
        first = stage.account.link
        stage.account.say("orders", reconnect=True)
        await until(lambda: first.is_closed)
        await stage.pass_s(2)
        assert len(stage.account.links) == 2


async def test_a_snapshot_of_a_lost_connection_is_neither_waited_for_nor_taken_for_that_of_the_next() -> None:
    stage = Stage()
    old, new = Held(), Held()
    stage.account.script("snapshot", old, new)
    async with stage.running(started=False):
        await old.asked.wait()
        stage.account.link.lose()
        await until(lambda: stage.said(StreamLost))
        await stage.pass_until(new.asked.is_set)
        old.release()
        await stage.settle()
        assert not stage.live.started
        new.release()
        await until(lambda: stage.live.started)
        assert len(stage.account.asked("snapshot")) == 2


async def test_a_snapshot_that_never_comes_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(port, "SNAPSHOT_S", 0.01)
    stage = Stage()
    stage.account.script("snapshot", Held(), VenueError("502"))
    async with stage.running(started=False):
        await stage.pass_until(lambda: stage.live.started)
        assert len(stage.account.asked("snapshot")) >= 3  # so short a patience ends on a slow machine also where an answer was on its way


async def test_a_look_up_that_never_comes_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(port, "FIND_S", 0.01)
    stage = Stage()
    stage.account.script("submit", VenueError("502"))
    stage.account.script("find", Held())
    async with stage.running():
        client_id = stage.buy()
        await until(lambda: stage.state(client_id) == "unknown")
        stage.account.rest(stage.account.asked("submit")[0])
        await stage.pass_until(lambda: stage.state(client_id) == "open")
        assert len(stage.account.asked("find")) >= 2  # the same slow machine


@pytest.mark.parametrize("error", [AuthRejectedError("401"), LinkLostError("policy", code=1008)], ids=["refused", "policy-violation"])
async def test_a_link_ended_over_the_credentials_is_not_tried_again_soon(error: VenueError) -> None:
    stage = Stage()

    async def refuse() -> list[bytes]:
        raise error

    async with stage.running():
        stage.account.link.receive = refuse  # type: ignore[method-assign]  # the venue ends it over our credentials
        stage.account.link.deliver()
        await until(lambda: stage.said(StreamLost))
        assert stage.said(StreamLost)[0].retry_in_s == 240
        await stage.pass_s(10)
        assert len(stage.account.links) == 1


async def test_a_link_whose_close_hangs_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "CLOSE_S", 0.01)
    stage = Stage()
    async with stage.running():
        stage.account.link.aclose = anyio.sleep_forever  # type: ignore[method-assign]  # it never returns
        stage.account.link.lose()
        await until(lambda: stage.said(StreamLost))
        await stage.pass_s(2)
        assert len(stage.account.links) == 2


async def test_a_channel_refused_at_first_is_subscribed_once_the_venue_allows_it() -> None:
    stage = Stage()
    stage.account.refuse("balances")
    async with stage.running():
        stage.account.allow("balances")
        await stage.pass_s(6)
        assert [event.channel for event in stage.said(ChannelSubscribed) if event.port == "account"] == ["orders", "positions", "balances"]
        assert len(stage.account.links) == 1


BOOKS = Channel(name="books", books=BookIds.CHAINED)


def depth(first: int, *, whole: bool = False, size: float = 1.0) -> BookUpdated:
    return BookUpdated(time=0, received=0, contract=CALL, bids=((4.0, size),), asks=(), first_id=first, last_id=first, snapshot=whole)


async def test_a_book_is_fetched_for_its_changes_and_told_whole() -> None:
    stage = Stage(feed_channels=[BOOKS])
    held = Held()
    stage.feed.script("book", LinkLostError("no answer"), held)
    async with stage.running():
        stage.feed.say("books", depth(11, size=2.0))
        await stage.pass_until(held.asked.is_set)
        stage.feed.say("books", depth(12, size=3.0))
        held.release(depth(10, whole=True))
        await until(lambda: stage.said(BookUpdated) and stage.said(BookUpdated)[-1].last_id == 12)
        assert all(book.snapshot for book in stage.said(BookUpdated))
        assert stage.said(BookUpdated)[-1].bids == ((4.0, 3.0),)
        assert stage.feed.asked("book") == [CALL, CALL]


async def test_a_subscription_of_several_frames_is_sent_whole() -> None:
    stage = Stage()

    def for_each_contract(channel: str, time_s: int, contracts: Sequence[ContractId] = ()) -> Sequence[bytes]:
        return (b'{"subscribe": "quotes"}', b'{"subscribe": "others"}')

    stage.feed.subscribe = for_each_contract  # type: ignore[method-assign]  # a venue that wants one for each contract
    async with stage.running():
        assert stage.feed.link.sent == [b'{"subscribe": "quotes"}', b'{"subscribe": "others"}']


async def test_a_long_batch_lets_commands_leave_before_its_end_and_loses_no_private_event() -> None:
    stage = Stage()
    async with stage.running():
        client_id = stage.buy()
        await until(lambda: stage.state(client_id) == "open")
        events = [position(size + 1) for size in range(2_000)]
        stage.account.link.deliver(*(stage.account.frame("positions", event) for event in events))
        await until(lambda: stage.said(PositionUpdated))
        stage.cancel(client_id)
        await until(lambda: stage.state(client_id) == "canceled")
        seen = len(stage.said(PositionUpdated))
        await until(lambda: len(stage.said(PositionUpdated)) == 2_000)
        assert seen < 2_000
        assert [event.size for event in stage.said(PositionUpdated)] == [event.size for event in events]


async def test_a_feed_that_lags_tells_the_latest_of_what_may_be_conflated_and_counts_the_rest() -> None:
    stage = Stage()
    async with stage.running():
        stage.feed.link.deliver(*(stage.feed.frame("quotes", stage.quote(bid=float(number + 1))) for number in range(300)))
        await until(lambda: stage.said(Quoted))
        assert [event.bid for event in stage.said(Quoted)] == [300.0]
        assert status_of(stage.live)["adapters"]["venue"]["channels"]["quotes"]["conflated"] == 299


async def test_the_venue_may_ask_to_move_on_and_nothing_is_lost_on_the_way() -> None:
    stage = Stage()
    async with stage.running():
        first = stage.account.link
        stage.account.say("orders", reconnect=True)
        await until(lambda: len(stage.account.links) == 2)
        first.deliver(stage.account.frame("positions", position(3)))
        await stage.pass_until(lambda: first.is_closed)
        stage.account.say("positions", position(4))
        await until(lambda: stage.said(PositionUpdated)[-1:] and stage.said(PositionUpdated)[-1].size == 4)
        assert [event.size for event in stage.said(PositionUpdated)][:1] == [3]
        assert not stage.said(StreamLost)
        assert not stage.engine.blocks


async def test_a_subscription_is_signed_by_the_venues_clock_which_people_are_told_of() -> None:
    stage = Stage()
    hour = 3_600 * SECOND
    stage.adapter.clock.measured(stage.clock.now() + hour, sent=stage.clock.now(), received=stage.clock.now())
    async with stage.running():
        assert {json.loads(frame)["time"] for frame in stage.account.link.sent} == {(stage.clock.now() + hour) // SECOND}
        await until(lambda: [event for event in stage.said(AlertRaised) if event.topic == "clock"])


async def test_nothing_is_opened_while_the_venues_time_is_not_known() -> None:
    stage = Stage()
    async with stage.running():
        now = stage.clock.now()
        stage.adapter.clock.measured(now, sent=now, received=now)
        stage.adapter.clock.heard(now + 3_600 * SECOND, now)
        await until(lambda: stage.said(GapOpened))
        assert stage.state(stage.buy()) == ""
        await until(lambda: len(stage.account.asked("prepare")) == 2)
        stage.adapter.clock.measured(now + 3_600 * SECOND, sent=now, received=now)
        await until(lambda: stage.said(GapClosed))
        assert stage.state(stage.buy()) != ""


async def test_an_account_that_stays_unconfirmed_opens_nothing_until_it_is_confirmed() -> None:
    stage = Stage(stale_after_s=40)
    async with stage.running():
        stage.account.script("fills", *(VenueError("502") for _ in range(8)))
        await stage.pass_until(lambda: stage.said(StreamStale))
        assert stage.state(stage.buy()) == ""
        assert status_of(stage.live)["adapters"]["venue"]["shortcomings"] == ["the account was not confirmed: 502"]
        await stage.pass_until(lambda: not stage.engine.blocks)
        assert stage.state(stage.buy()) != ""


async def test_contracts_listed_during_the_run_are_told() -> None:
    stage = Stage()
    async with stage.running():
        stage.feed.listed = (*stage.feed.listed, attrs.evolve(CONTRACT, id=ContractId.of("venue", "BTC-P")))
        await stage.pass_s(62)
        assert [event.contract.name for event in stage.said(ContractListed)] == ["BTC-C", "BTC-P"]
