"""The scripted adapter and the manual clock: what a test says and answers in a venue's place."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from decimal import Decimal as D
from typing import Any

import anyio
import pytest

from strikeloop import (
    AmendOrder,
    Approved,
    CancelOrder,
    ChannelRefused,
    ChannelSubscribed,
    Contract,
    ContractId,
    DecodeError,
    Filled,
    LinkLostError,
    OptionKind,
    OrderRejectedError,
    OrderState,
    Origin,
    OutcomeUnknownError,
    Quoted,
    SubmitOrder,
)
from strikeloop.adapter import Account, Adapter, Feed, Link
from strikeloop.testing import Held, ManualClock, ScriptedAccount, ScriptedAdapter
from strikeloop.testing.scripted import START_NS

pytestmark = pytest.mark.anyio

CALL = ContractId.of("venue", "BTC-C")
CONTRACT = Contract(
    id=CALL, underlying="BTC_USDT", kind=OptionKind.CALL, strike=D(1), expiry=2 * START_NS, multiplier=D(1), tick=D(1), mark_tick=D(1)
)
SUBMIT = SubmitOrder(client_id="t-a-1", contract=CALL, size=D(3), price=D(5))
QUOTE = Quoted(time=7, received=0, contract=CALL, bid=1.0, ask=2.0, bid_size=1, ask_size=1)


def approved(command: Any) -> Approved[Any]:
    return Approved(command, "a", 0)


def account(**options: Any) -> ScriptedAccount:
    made = ScriptedAdapter([CONTRACT], **options).account
    assert made is not None
    return made


async def linked(stream: Any) -> Any:
    """A connection over which every channel was subscribed."""
    link = await stream.connect()
    for channel in stream.channels:
        await link.send(stream.subscribe(channel.name, 1)[0])
    return link


async def heard(stream: Any, link: Any, received: int = 9) -> list[Any]:
    """The events of the next read."""
    return [event for frame in await link.receive() for event in stream.decode(frame, received).events]


# ---- the clock ----


def test_a_manual_clock_stands_still_until_it_is_moved() -> None:
    clock = ManualClock()
    assert (clock.now(), clock.now()) == (START_NS, START_NS)
    assert clock.pass_s(1.5) == clock.now() == START_NS + 1_500_000_000


# ---- the ports ----


def test_it_is_an_adapter_with_both_ports() -> None:
    made: Adapter = ScriptedAdapter([])
    feed: Feed = made.feed
    private: Account | None = made.account
    assert private is not None
    assert {channel.name for channel in (*feed.channels, *private.channels)} == {"quotes", "orders", "positions", "balances"}


def test_without_channels_for_it_there_is_no_account() -> None:
    assert ScriptedAdapter([], account_channels=None).account is None


async def test_it_tells_when_it_was_closed() -> None:
    made = ScriptedAdapter([])
    assert not made.is_closed
    await made.aclose()
    assert made.is_closed


async def test_it_lists_the_contracts_it_was_made_with() -> None:
    assert await ScriptedAdapter([CONTRACT]).feed.contracts() == (CONTRACT,)


# ---- links ----


async def test_a_subscription_is_acknowledged() -> None:
    feed = ScriptedAdapter([]).feed
    link: Link = await linked(feed)
    (event,) = await heard(feed, link)
    assert event == ChannelSubscribed(time=0, received=9, adapter="venue", port="feed", channel="quotes")


async def test_a_subscription_may_be_refused_and_allowed_again() -> None:
    feed = ScriptedAdapter([]).feed
    feed.refuse("quotes", code="401", message="bad key", is_auth=True)
    link = await linked(feed)
    (event,) = await heard(feed, link)
    assert isinstance(event, ChannelRefused)
    assert (event.code, event.message, event.is_auth) == ("401", "bad key", True)
    feed.allow("quotes")
    await link.send(feed.subscribe("quotes", 1)[0])
    assert [type(event) for event in await heard(feed, link)] == [ChannelSubscribed]


async def test_a_mute_channel_is_not_answered_at_all() -> None:
    feed = ScriptedAdapter([]).feed
    feed.mute.add("quotes")
    link = await linked(feed)
    feed.say("quotes", QUOTE)
    assert [type(event) for event in await heard(feed, link)] == [Quoted]


async def test_what_is_said_is_received_when_it_is_decoded() -> None:
    feed = ScriptedAdapter([]).feed
    link = await feed.connect()
    feed.say("quotes", QUOTE)
    (event,) = await heard(feed, link, received=42)
    assert (event.time, event.received) == (7, 42)


async def test_a_frame_nobody_said_cannot_be_read() -> None:
    with pytest.raises(DecodeError, match="not in the script"):
        ScriptedAdapter([]).feed.decode(b"garbage", 1)


async def test_a_link_waits_until_something_is_said() -> None:
    feed = ScriptedAdapter([]).feed
    link = await feed.connect()
    reads: list[Any] = []

    async def read() -> None:
        reads.append(await heard(feed, link))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read)
        await anyio.wait_all_tasks_blocked()
        assert reads == []
        feed.say("quotes", QUOTE)
    assert len(reads) == 1


async def test_a_lost_link_hands_over_what_came_before_and_then_raises() -> None:
    feed = ScriptedAdapter([]).feed
    link = await feed.connect()
    feed.say("quotes", QUOTE)
    link.lose("reset by peer")
    assert len(await heard(feed, link)) == 1
    for use in (link.receive(), link.send(b"{}")):
        with pytest.raises(LinkLostError, match="reset by peer"):
            await use


async def test_a_ping_is_answered_and_counted() -> None:
    feed = ScriptedAdapter([]).feed
    link = await feed.connect()
    await link.ping()
    frame = feed.ping(1)
    assert frame is not None
    await link.send(frame)
    (answer,) = await link.receive()
    assert feed.decode(answer, 1).is_heartbeat
    assert (link.pings, [json.loads(sent) for sent in link.sent]) == (1, [{"ping": 1}])


async def test_the_venue_may_wish_for_a_new_connection() -> None:
    feed = ScriptedAdapter([]).feed
    link = await feed.connect()
    feed.say("quotes", reconnect=True)
    (frame,) = await link.receive()
    assert feed.decode(frame, 1).reconnect


async def test_an_end_of_a_subscription_is_written_and_not_answered() -> None:
    feed = ScriptedAdapter([]).feed
    link = await feed.connect()
    await link.send(feed.unsubscribe("quotes", 3, [CALL])[0])
    feed.say("quotes", QUOTE)
    assert [type(event) for event in await heard(feed, link)] == [Quoted]
    assert json.loads(link.sent[0]) == {"unsubscribe": "quotes", "time": 3, "contracts": ["BTC-C"]}


# ---- orders without a script ----


async def test_an_order_rests_and_is_amended_canceled_and_found() -> None:
    made = account()
    (opened,) = await made.submit(approved(SUBMIT))
    (amended,) = await made.amend(approved(AmendOrder(client_id="t-a-1", contract=CALL, price=D(6))), "1")
    (canceled,) = await made.cancel(approved(CancelOrder(client_id="t-a-1", contract=CALL)), "1")
    assert [(order.state, order.size, order.price, order.order_id) for order in (opened, amended, canceled)] == [  # type: ignore[attr-defined]  # orders, as events
        (OrderState.OPEN, D(3), D(5), "1"),
        (OrderState.OPEN, D(3), D(6), "1"),
        (OrderState.CANCELED, D(3), D(6), "1"),
    ]
    found = await made.find(CALL, order_id="1")
    assert found is not None
    assert (found.state, found.client_id, found.origin) == (OrderState.CANCELED, "t-a-1", Origin.SNAPSHOT)


@pytest.mark.parametrize("what", ["cancel", "amend"])
async def test_an_order_it_does_not_know_is_refused(what: str) -> None:
    command = CancelOrder(client_id="x", contract=CALL) if what == "cancel" else AmendOrder(client_id="x", contract=CALL, size=D(1))
    with pytest.raises(OrderRejectedError, match="there is no order x"):
        await getattr(account(), what)(approved(command), None)


async def test_an_order_it_does_not_know_is_not_found() -> None:
    assert await account().find(CALL, client_id="x") is None


async def test_a_snapshot_shows_the_books() -> None:
    made = account()
    await made.submit(approved(SUBMIT))
    old, new = (Filled(time=at, received=0, contract=CALL, trade_id=str(at), order_id="1", size=D(1), price=D(5)) for at in (3, 8))
    made.booked += [old, new]
    shown = await made.snapshot()
    assert [(order.client_id, order.origin) for order in shown.orders] == [("t-a-1", Origin.SNAPSHOT)]
    assert (shown.fills, shown.balances, shown.positions, shown.time) == ((), tuple(made.balances), (), START_NS)
    assert [(fill.trade_id, fill.origin) for fill in await made.fills(5)] == [("8", Origin.SNAPSHOT)]
    await made.cancel(approved(CancelOrder(client_id="t-a-1", contract=CALL)), "1")
    assert (await made.snapshot()).orders == ()


# ---- scripts ----


async def test_scripted_answers_come_in_order_and_then_what_comes_without_a_script() -> None:
    made = account()
    made.script("submit", (), OutcomeUnknownError("reset"))
    assert await made.submit(approved(SUBMIT)) == ()
    with pytest.raises(OutcomeUnknownError, match="reset"):
        await made.submit(approved(SUBMIT))
    assert len(await made.submit(approved(SUBMIT))) == 1
    assert made.asked("submit") == [SUBMIT] * 3


@pytest.mark.parametrize("kind", ["connect", "prepare", "fills", "snapshot", "find", "cancel", "amend"])
async def test_every_kind_of_request_may_fail(kind: str) -> None:
    made = account()
    made.script(kind, LinkLostError("down"))
    requests: dict[str, Callable[[], Awaitable[Any]]] = {
        "connect": made.connect,
        "prepare": made.prepare,
        "fills": lambda: made.fills(0),
        "snapshot": made.snapshot,
        "find": lambda: made.find(CALL),
        "cancel": lambda: made.cancel(approved(CancelOrder(client_id="x", contract=CALL)), None),
        "amend": lambda: made.amend(approved(AmendOrder(client_id="x", contract=CALL)), None),
    }
    with pytest.raises(LinkLostError, match="down"):
        await requests[kind]()
    assert [asked for asked, _ in made.calls] == [kind]
    assert made.links == []


async def test_an_empty_answer_to_a_look_up_says_that_the_venue_does_not_know_the_order() -> None:
    made = account()
    await made.submit(approved(SUBMIT))
    made.script("find", ())
    assert await made.find(CALL, client_id="t-a-1") is None
    assert await made.find(CALL, client_id="t-a-1") is not None


@pytest.mark.parametrize(("released", "answers"), [(None, 1), ((), 0)], ids=["as-without-a-script", "as-released"])
async def test_a_held_answer_is_given_when_it_is_released(released: Any, answers: int) -> None:
    made, held, given = account(), Held(), list[Any]()
    made.script("submit", held)

    async def submit() -> None:
        given.append(await made.submit(approved(SUBMIT)))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(submit)
        await held.asked.wait()
        await anyio.wait_all_tasks_blocked()
        assert given == []
        held.release(released)
    assert len(given[0]) == answers


async def test_a_held_answer_may_be_an_error() -> None:
    made, held = account(), Held(LinkLostError("down"))
    made.script("prepare", held)
    held.release()
    with pytest.raises(LinkLostError, match="down"):
        await made.prepare()


async def test_the_listing_may_be_scripted_too() -> None:
    feed = ScriptedAdapter([CONTRACT]).feed
    feed.script("contracts", ())
    assert await feed.contracts() == ()
    assert await feed.contracts() == (CONTRACT,)
