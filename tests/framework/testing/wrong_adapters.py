"""Adapters with one fault each: what the contract suite must find, and by which of its checks.

Each function spoils an adapter that is right in every other way; `wrong` names the checks that must fail for it.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, cast

import anyio
import anyio.lowlevel
import attrs
from corvid_spelling import CorvidSpelling
from strikeloop_corvid import Corvid

from strikeloop import (
    AuthRejectedError,
    BalanceUpdated,
    ChannelRefused,
    ChannelSubscribed,
    DecodeError,
    Filled,
    LinkLostError,
    OrderRejectedError,
    OrderState,
    OrderUpdated,
    Origin,
    OutcomeUnknownError,
    PositionUpdated,
    Quoted,
    VenueError,
)
from strikeloop.adapter import BookIds, Channel, Decoded, Snapshot
from strikeloop.testing import KEY, SECRET, AdapterContract, event
from strikeloop.wire import Secret

Spoil = Callable[[Any], None]
FAULTS: list[tuple[Spoil, tuple[str, ...]]] = []
D = Decimal


def wrong(*checks: str) -> Callable[[Spoil], Spoil]:
    """Register a fault with the checks that must find it."""

    def register(spoil: Spoil) -> Spoil:
        FAULTS.append((spoil, checks))
        return spoil

    return register


class Changed:
    """An object with other values for some of its attributes; functions among them get the object first."""

    def __init__(self, inner: Any, **changes: Any) -> None:
        self.__dict__.update(inner=inner, changes=changes)

    def __getattr__(self, name: str) -> Any:
        change = self.changes.get(name)
        if change is None:
            return getattr(self.inner, name)
        return partial(change, self.inner) if callable(change) else change


class Suite(AdapterContract):
    """The contract suite on a spoiled Corvid."""

    spelling = CorvidSpelling()
    package = __name__
    recorded = (b'{"on": "quotes", "ts": 1780272000000, "rows": []}',)

    def __init__(self, spoil: Spoil) -> None:
        self.spoil = spoil

    def adapter(self) -> Any:
        return Changed(Corvid(key=Secret(KEY), secret=Secret(SECRET)), open=self.opened)

    def opened(self, settings: Any, name: str, **options: Any) -> Any:
        ports = settings.open(name, **options)
        self.spoil(ports)
        return ports


# ---- ways to spoil ---------------------------------------------------------------------------------------------------


def decoding(ports: Any, change: Callable[[Any], Any]) -> None:
    """Both ports make something else of each event; None drops it."""

    def decode(inner: Any, frame: Any, received: int) -> Decoded:
        decoded: Decoded = inner.decode(frame, received)
        return attrs.evolve(decoded, events=tuple(new for event in decoded.events if (new := change(event)) is not None))

    decoded_by(ports, decode)


def decoded_by(ports: Any, decode: Any) -> None:
    ports.feed, ports.account = Changed(ports.feed, decode=decode), Changed(ports.account, decode=decode)


def frames(ports: Any, change: Callable[[dict[str, Any]], Any]) -> None:
    """Both ports read another document than came; what is no JSON object comes as it is."""

    def decode(inner: Any, frame: Any, received: int) -> Decoded:
        try:
            document = json.loads(frame)
        except (ValueError, RecursionError):
            return inner.decode(frame, received)  # type: ignore[no-any-return]  # a decoder of another adapter
        if isinstance(document, dict):
            change(document)
            frame = json.dumps(document)
        return inner.decode(frame, received)  # type: ignore[no-any-return]  # the same

    decoded_by(ports, decode)


def account(ports: Any, **changes: Any) -> None:
    ports.account = Changed(ports.account, **changes)


def feed(ports: Any, **changes: Any) -> None:
    ports.feed = Changed(ports.feed, **changes)


def rest(ports: Any, **changes: Any) -> None:
    """Requests go another way."""
    ports.account.rest = Changed(ports.account.rest, **changes)


def raising(error: type[Exception], instead: type[Exception], text: str = "a mistake") -> Any:
    """A request of which one error becomes another one."""

    async def request(inner: Any, *args: Any, **options: Any) -> Any:
        try:
            return await inner.act(*args, **options)
        except error:
            raise instead(text) from None

    return request


def of(kind: type, **changes: Any) -> Callable[[Any], Any]:
    """Change the fields of one class of events; functions get the event."""

    def change(one: Any) -> Any:
        if type(one) is not kind:
            return one
        new = {name: value(one) if callable(value) else value for name, value in changes.items()}
        return attrs.evolve(cast("Any", one), **new)

    return change


def rows(document: dict[str, Any]) -> list[dict[str, Any]]:
    found = document.get("rows")
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


# ---- decoding --------------------------------------------------------------------------------------------------------


@wrong("test_an_order_is_read_as_the_venue_says_it")
def forgets_the_side_of_an_order(ports: Any) -> None:
    decoding(ports, of(OrderUpdated, size=lambda order: abs(order.size)))


@wrong("test_an_order_is_read_as_the_venue_says_it")
def takes_a_canceled_order_for_a_filled_one(ports: Any) -> None:
    decoding(ports, of(OrderUpdated, state=lambda order: OrderState.FILLED if order.state.is_terminal else order.state))


@wrong("test_an_order_is_read_as_the_venue_says_it", "test_the_market_is_read_as_the_venue_says_it")
def takes_milliseconds_for_microseconds(ports: Any) -> None:
    decoding(ports, lambda event: attrs.evolve(event, time=event.time // 1_000))


@wrong("test_an_execution_is_read_as_the_venue_says_it")
def rounds_the_price_of_an_execution(ports: Any) -> None:
    decoding(ports, of(Filled, price=lambda fill: round(fill.price)))


@wrong("test_an_execution_is_read_as_the_venue_says_it")
def takes_every_execution_for_a_taker(ports: Any) -> None:
    decoding(ports, of(Filled, is_maker=False))


@wrong("test_a_position_is_read_as_the_venue_says_it")
def forgets_that_positions_are_short(ports: Any) -> None:
    decoding(ports, of(PositionUpdated, size=lambda position: abs(position.size)))


@wrong("test_the_money_is_read_as_the_venue_says_it")
def takes_all_money_for_available(ports: Any) -> None:
    decoding(ports, of(BalanceUpdated, available=lambda balance: balance.total))


@wrong("test_the_market_is_read_as_the_venue_says_it")
def swaps_bid_and_ask(ports: Any) -> None:
    decoding(ports, of(Quoted, bid=lambda quote: quote.ask, ask=lambda quote: quote.bid))


@wrong("test_the_market_is_read_as_the_venue_says_it")
def takes_an_empty_side_for_a_price_of_zero(ports: Any) -> None:
    decoding(ports, of(Quoted, bid=lambda quote: quote.bid or 0.0))


@wrong("test_what_comes_on_a_channel_says_so")
def calls_every_channel_by_one_name(ports: Any) -> None:
    decoded_by(ports, lambda inner, frame, received: attrs.evolve(inner.decode(frame, received), channel="stream"))


@wrong("test_what_comes_on_a_channel_says_so")
def stamps_events_with_the_venues_time(ports: Any) -> None:
    decoding(ports, lambda event: attrs.evolve(event, received=event.time))


@wrong("test_every_event_bears_the_name_of_the_instance")
def names_itself(ports: Any) -> None:
    decoding(ports, of(BalanceUpdated, adapter="corvid"))


@wrong("test_the_same_frame_gives_the_same_events")
def remembers_what_it_has_decoded(ports: Any) -> None:
    seen: set[Any] = set()

    def decode(inner: Any, frame: Any, received: int) -> Decoded:
        decoded: Decoded = inner.decode(frame, received)
        is_new = frame not in seen
        seen.add(frame)
        return decoded if is_new else attrs.evolve(decoded, events=())

    decoded_by(ports, decode)


@wrong("test_text_and_bytes_are_read_alike")
def reads_bytes_only(ports: Any) -> None:
    decoded_by(ports, lambda inner, frame, received: inner.decode(frame.decode(), received))


@wrong("test_junk_is_refused_and_nothing_else_is_raised", "test_a_damaged_frame_raises_nothing_but_DecodeError")
def lets_the_errors_of_its_parser_out(ports: Any) -> None:
    def decode(inner: Any, frame: Any, received: int) -> Decoded:
        json.loads(frame)["on"]
        return inner.decode(frame, received)  # type: ignore[no-any-return]  # a decoder of another adapter

    decoded_by(ports, decode)


@wrong("test_a_frame_that_was_cut_is_refused", "test_junk_is_refused_and_nothing_else_is_raised")
def sees_an_event_in_everything(ports: Any) -> None:
    def decode(inner: Any, frame: Any, received: int) -> Decoded:
        try:
            return inner.decode(frame, received)  # type: ignore[no-any-return]  # a decoder of another adapter
        except DecodeError:
            return Decoded(channel="quotes", events=(event(Quoted),))

    decoded_by(ports, decode)


@wrong("test_what_is_no_number_is_never_taken_for_one")
def takes_true_for_one(ports: Any) -> None:
    frames(ports, lambda document: [row.update({k: "1" for k, v in row.items() if v is True}) for row in rows(document)])


@wrong("test_what_is_no_number_is_never_taken_for_one")
def takes_nonsense_for_zero(ports: Any) -> None:
    frames(ports, lambda document: [row.update({k: "0" for k, v in row.items() if v in ("NaN", " 1", "1e999")}) for row in rows(document)])


@wrong("test_a_field_that_is_missing_is_not_made_up")
def fills_in_what_is_missing(ports: Any) -> None:
    frames(ports, lambda document: [row.setdefault("qty", "1") for row in rows(document)])


@wrong("test_a_word_nobody_documented_is_not_taken_for_another")
def takes_every_new_state_for_the_end(ports: Any) -> None:
    frames(ports, lambda document: [row.update(st="gone") for row in rows(document) if row.get("st") not in ("live", "done", "gone")])


@wrong("test_a_field_nobody_documented_does_no_harm")
def refuses_new_fields(ports: Any) -> None:
    def decode(inner: Any, frame: Any, received: int) -> Decoded:
        if b"brand_new_field" in bytes(frame if isinstance(frame, bytes) else frame.encode()):
            raise DecodeError("a field is new")
        return inner.decode(frame, received)  # type: ignore[no-any-return]  # a decoder of another adapter

    decoded_by(ports, decode)


@wrong("test_an_acknowledgement_is_read", "test_what_the_venue_says_arrives")
def overhears_acknowledgements(ports: Any) -> None:
    decoding(ports, lambda event: None if isinstance(event, ChannelSubscribed) else event)


@wrong("test_a_refused_subscription_is_read", "test_refused_credentials_are_told_and_not_tried_at_once_again")
def does_not_know_why_a_subscription_was_refused(ports: Any) -> None:
    decoding(ports, of(ChannelRefused, is_auth=False))
    account(ports, prepare=lambda _: anyio.lowlevel.checkpoint())


@wrong("test_a_heartbeat_is_no_news")
def takes_a_heartbeat_for_news(ports: Any) -> None:
    decoded_by(ports, lambda inner, frame, received: attrs.evolve(inner.decode(frame, received), is_heartbeat=False))


@wrong("test_recorded_frames_are_read")
def reads_no_empty_list(ports: Any) -> None:
    def decode(inner: Any, frame: Any, received: int) -> Decoded:
        decoded: Decoded = inner.decode(frame, received)
        if decoded.channel and not decoded.events:
            raise DecodeError("nothing in it")
        return decoded

    decoded_by(ports, decode)


# ---- connecting ------------------------------------------------------------------------------------------------------


EARLY: list[Any] = []


@wrong("test_opening_the_adapter_connects_to_nothing")
def connects_when_it_is_opened(ports: Any) -> None:
    EARLY.append(asyncio.get_running_loop().create_task(ports.feed.connect()))  # kept, or it would be collected


@wrong("test_the_contracts_are_listed_as_the_venue_has_them")
def does_not_know_the_multiplier(ports: Any) -> None:
    async def contracts(inner: Any) -> Any:
        return tuple(attrs.evolve(contract, multiplier=D(1)) for contract in await inner.contracts())

    feed(ports, contracts=contracts)


@wrong("test_a_list_of_contracts_that_does_not_come_is_a_VenueError")
def takes_no_list_for_an_empty_one(ports: Any) -> None:
    async def contracts(inner: Any) -> Any:
        try:
            return await inner.contracts()
        except VenueError:
            return ()

    feed(ports, contracts=contracts)


@wrong("test_every_channel_is_subscribed")
def forgets_a_channel(ports: Any) -> None:
    account(ports, subscribe=lambda inner, channel, time_s, contracts=(): () if channel == "cash" else inner.subscribe(channel, time_s))


@wrong("test_what_the_venue_says_arrives")
def signs_something_else(ports: Any) -> None:
    account(
        ports,
        subscribe=lambda inner, channel, time_s, contracts=(): [
            frame.replace(b'"sign":"', b'"sign":"0') for frame in inner.subscribe(channel, time_s)
        ],
    )


@wrong("test_subscriptions_are_signed_by_the_venues_time")
def signs_by_our_own_clock(ports: Any) -> None:
    account(ports, subscribe=lambda inner, channel, time_s, contracts=(): inner.subscribe(channel, inner.rest.clock.local() // 10**9))


@wrong("test_a_subscription_is_made_anew_each_time")
def keeps_its_signatures(ports: Any) -> None:
    kept: dict[str, Any] = {}

    def subscribe(inner: Any, channel: str, time_s: int, contracts: Any = ()) -> Any:
        return kept.setdefault(channel, inner.subscribe(channel, time_s))

    account(ports, subscribe=subscribe)


@wrong("test_after_a_lost_line_everything_is_subscribed_again")
def subscribes_once_and_for_all(ports: Any) -> None:
    done: set[str] = set()

    def subscribe(inner: Any, channel: str, time_s: int, contracts: Any = ()) -> Any:
        frames = () if channel in done else inner.subscribe(channel, time_s)
        done.add(channel)
        return frames

    feed(ports, subscribe=subscribe)


@wrong("test_a_refused_channel_disturbs_no_other")
def connects_anew_for_each_refusal(ports: Any) -> None:
    def decode(inner: Any, frame: Any, received: int) -> Decoded:
        decoded: Decoded = inner.decode(frame, received)
        return attrs.evolve(decoded, reconnect=any(isinstance(event, ChannelRefused) for event in decoded.events))

    decoded_by(ports, decode)


@wrong("test_a_connection_that_cannot_be_made_is_a_LinkLostError")
def lets_the_errors_of_sockets_out(ports: Any) -> None:
    async def connect(inner: Any) -> Any:
        try:
            return await inner.connect()
        except LinkLostError as error:
            raise ConnectionError(str(error)) from None

    account(ports, connect=connect)


@wrong("test_the_run_begins_once_the_venue_can_be_reached")
def takes_an_outage_for_bad_credentials(ports: Any) -> None:
    async def prepare(inner: Any) -> None:
        try:
            await inner.prepare()
        except VenueError as error:
            raise AuthRejectedError(str(error)) from None

    account(ports, prepare=prepare)


@wrong("test_a_quiet_line_is_kept")
def sends_a_keep_alive_nobody_knows(ports: Any) -> None:
    account(ports, ping=lambda *_: b'{"do": "hello"}')


@wrong("test_a_dead_line_is_found")
def pretends_that_the_line_lives(ports: Any) -> None:
    async def receive(link: Any) -> Sequence[bytes]:
        with anyio.move_on_after(1):
            return await link.receive()  # type: ignore[no-any-return]  # a link in memory
        return ()

    async def connect(inner: Any) -> Any:
        return Changed(await inner.connect(), receive=receive)

    account(ports, connect=connect)


@wrong("test_a_subscription_can_be_ended")
def never_unsubscribes(ports: Any) -> None:
    account(ports, unsubscribe=lambda *_: ())


@wrong("test_contracts_are_added_to_a_subscription_that_names_them")
def subscribes_everything_for_one_contract(ports: Any) -> None:
    feed(ports, channels=(Channel(name="quotes", by_contract=True), Channel(name="trades")))


@wrong("test_cancelling_leaves_nothing_behind")
def leaves_its_link_open_when_it_is_cancelled(ports: Any) -> None:
    async def connect(inner: Any) -> Any:
        link = await inner.connect()
        await anyio.sleep(0.01)
        return link

    account(ports, connect=connect)


@wrong("test_a_clock_that_cannot_be_asked_is_a_VenueError")
def does_without_the_time(ports: Any) -> None:
    async def prepare(inner: Any) -> None:
        try:
            await inner.prepare()
        except VenueError:
            return

    account(ports, prepare=prepare)


# ---- truth -----------------------------------------------------------------------------------------------------------


def snapshots(ports: Any, change: Callable[[Snapshot], Snapshot]) -> None:
    async def snapshot(inner: Any) -> Snapshot:
        return change(await inner.snapshot())

    account(ports, snapshot=snapshot)


def listing(ports: Any, change: Callable[[tuple[Filled, ...]], tuple[Filled, ...]]) -> None:
    async def fills(inner: Any, since: int) -> tuple[Filled, ...]:
        return change(await inner.fills(since))

    account(ports, fills=fills)


@wrong("test_an_empty_account_is_an_empty_snapshot")
def does_not_vouch_for_its_snapshot(ports: Any) -> None:
    snapshots(ports, lambda snapshot: attrs.evolve(snapshot, complete=False))


@wrong("test_a_snapshot_shows_the_books")
def forgets_positions(ports: Any) -> None:
    snapshots(ports, lambda snapshot: attrs.evolve(snapshot, positions=()))


@wrong("test_what_the_books_show_is_said_to_be_a_snapshot")
def does_not_say_that_it_was_asked(ports: Any) -> None:
    listing(ports, lambda fills: tuple(attrs.evolve(fill, origin=Origin.VENUE) for fill in fills))


@wrong("test_executions_are_listed_oldest_first_and_once")
def lists_the_newest_first(ports: Any) -> None:
    listing(ports, lambda fills: fills[::-1])


@wrong("test_executions_are_asked_for_from_a_time_on")
def asks_since_a_thousandth_of_the_time(ports: Any) -> None:
    account(ports, fills=lambda inner, since: inner.fills(since // 1_000))


@wrong("test_stream_and_list_name_an_execution_alike")
def names_listed_executions_in_its_own_way(ports: Any) -> None:
    listing(ports, lambda fills: tuple(attrs.evolve(fill, trade_id=f"{fill.contract}-{fill.trade_id}") for fill in fills))


@wrong("test_stream_books_and_answers_name_an_order_alike")
def names_streamed_orders_in_its_own_way(ports: Any) -> None:
    decoding(ports, of(OrderUpdated, order_id=lambda order: f"{order.contract}-{order.order_id}"))


@wrong("test_a_listing_is_read_to_its_end")
def reads_the_first_page(ports: Any) -> None:
    async def pages(inner: Any, path: str, query: Any, rows: Any, **options: Any) -> Any:
        return rows(await inner.query(path, {**(query or {}), "skip": "0"}))

    rest(ports, pages=pages)


@wrong("test_books_that_do_not_come_are_a_VenueError")
def takes_no_books_for_empty_ones(ports: Any) -> None:
    async def snapshot(inner: Any) -> Snapshot:
        try:
            return await inner.snapshot()  # type: ignore[no-any-return]  # of a changed object
        except VenueError:
            return Snapshot(time=0, received=0)

    account(ports, snapshot=snapshot)


@wrong(
    "test_account_and_venue_agree_while_orders_trade",
    "test_account_and_venue_agree_in_whatever_order_frames_come",
    "test_an_execution_may_come_before_the_answer",
)
def tells_every_execution_under_two_names(ports: Any) -> None:
    def decode(inner: Any, frame: Any, received: int) -> Decoded:
        decoded: Decoded = inner.decode(frame, received)
        again = [attrs.evolve(event, trade_id=f"{event.trade_id}b") for event in decoded.events if isinstance(event, Filled)]
        return attrs.evolve(decoded, events=(*decoded.events, *again))

    decoded_by(ports, decode)


@wrong("test_account_and_venue_agree_when_the_stream_repeats_itself")
def numbers_executions_as_they_come(ports: Any) -> None:
    count = iter(range(1_000))
    decoding(ports, of(Filled, trade_id=lambda fill: f"{fill.trade_id}-{next(count)}"))


@wrong("test_account_and_venue_agree_when_the_stream_loses_frames", "test_what_happened_during_an_outage_is_told_after_it")
def lists_no_executions(ports: Any) -> None:
    listing(ports, lambda _: ())


@wrong("test_a_damaged_private_frame_is_made_good")
def connects_anew_for_each_bad_frame(ports: Any) -> None:
    def decode(inner: Any, frame: Any, received: int) -> Decoded:
        try:
            return inner.decode(frame, received)  # type: ignore[no-any-return]  # a decoder of another adapter
        except DecodeError:
            return Decoded(channel="orders", reconnect=True)

    decoded_by(ports, decode)


# ---- trading ---------------------------------------------------------------------------------------------------------


@wrong("test_an_order_that_is_taken_comes_back_open")
def says_nothing_of_an_order_that_was_taken(ports: Any) -> None:
    async def submit(inner: Any, order: Any) -> Any:
        await inner.submit(order)
        return ()

    account(ports, submit=submit)


@wrong("test_an_order_reaches_the_venue_as_it_was_approved")
def forgets_reduce_only(ports: Any) -> None:
    async def act(inner: Any, method: str, path: str, body: Any = None, **options: Any) -> Any:
        return await inner.act(method, path, {**body, "reduce": False} if method == "POST" else body, **options)

    rest(ports, act=act)


@wrong("test_an_order_reaches_the_venue_as_it_was_approved")
def rounds_prices_to_fives_and_forgets_post_only(ports: Any) -> None:
    async def act(inner: Any, method: str, path: str, body: Any = None, **options: Any) -> Any:
        return await inner.act(method, path, {**body, "tif": "day"} if method == "POST" and body["tif"] == "post" else body, **options)

    rest(ports, act=act)


@wrong("test_an_order_that_trades_at_once_says_how_much")
def takes_every_answer_for_an_open_order(ports: Any) -> None:
    async def submit(inner: Any, order: Any) -> Any:
        return [attrs.evolve(event, state=OrderState.OPEN, left=event.size) for event in await inner.submit(order)]

    account(ports, submit=submit)


@wrong(
    "test_a_refused_order_is_an_OrderRejectedError",
    "test_a_refused_amendment_is_an_OrderRejectedError",
    "test_an_order_over_the_limit_is_known_not_to_exist",
)
def takes_a_refusal_for_an_unknown_outcome(ports: Any) -> None:
    rest(ports, act=raising(OrderRejectedError, OutcomeUnknownError))


@wrong("test_an_order_that_was_not_sent_is_a_LinkLostError")
def takes_what_was_not_sent_for_an_unknown_outcome(ports: Any) -> None:
    rest(ports, act=raising(LinkLostError, OutcomeUnknownError))


@wrong(
    "test_an_order_without_an_answer_is_an_OutcomeUnknownError",
    "test_a_cancel_without_an_answer_is_an_OutcomeUnknownError",
    "test_an_amendment_without_an_answer_is_an_OutcomeUnknownError",
)
def takes_silence_for_a_no(ports: Any) -> None:
    rest(ports, act=raising(OutcomeUnknownError, OrderRejectedError))


@wrong("test_no_order_is_sent_twice")
def tries_again(ports: Any) -> None:
    async def act(inner: Any, *args: Any, **options: Any) -> Any:
        try:
            return await inner.act(*args, **options)
        except OutcomeUnknownError:
            return await inner.act(*args, **options)

    rest(ports, act=act)


@wrong("test_refused_credentials_are_an_AuthRejectedError")
def takes_bad_credentials_for_a_refused_order(ports: Any) -> None:
    rest(ports, act=raising(AuthRejectedError, OrderRejectedError))


@wrong("test_a_cancel_withdraws_the_order")
def says_canceled_and_asks_nobody(ports: Any) -> None:
    async def cancel(inner: Any, order: Any, order_id: Any) -> Any:
        found = await inner.find(order.command.contract, client_id=order.command.client_id)
        return (attrs.evolve(found, state=OrderState.CANCELED),)

    account(ports, cancel=cancel)


@wrong("test_a_cancel_of_what_is_over_does_no_harm", "test_a_cancel_may_come_too_late")
def takes_every_cancel_for_done(ports: Any) -> None:
    async def cancel(inner: Any, order: Any, order_id: Any) -> Any:
        try:
            return await inner.cancel(order, order_id)
        except OrderRejectedError:
            found = await inner.find(order.command.contract, client_id=order.command.client_id)
            return (attrs.evolve(found, state=OrderState.CANCELED),)

    account(ports, cancel=cancel)


@wrong("test_a_cancel_of_nothing_is_an_OrderRejectedError")
def does_not_mind_what_it_cancels(ports: Any) -> None:
    async def cancel(inner: Any, order: Any, order_id: Any) -> Any:
        try:
            return await inner.cancel(order, order_id)
        except OrderRejectedError:
            return ()

    account(ports, cancel=cancel)


@wrong("test_an_amendment_changes_price_and_size")
def amends_the_price_alone(ports: Any) -> None:
    async def act(inner: Any, method: str, path: str, body: Any = None, **options: Any) -> Any:
        return await inner.act(method, path, {"px": body.get("px", "100")} if method == "PATCH" else body, **options)

    rest(ports, act=act)


def finding(ports: Any, change: Callable[[Any], Any]) -> None:
    async def find(inner: Any, contract: Any, **names: Any) -> Any:
        return change(await inner.find(contract, **names))

    account(ports, find=find)


@wrong("test_an_order_is_found_by_either_name")
def finds_open_orders_only(ports: Any) -> None:
    finding(ports, lambda order: order if order is not None and order.state is OrderState.OPEN else None)


@wrong("test_an_order_without_an_answer_is_found_again")
def finds_nothing(ports: Any) -> None:
    finding(ports, lambda _: None)
    snapshots(ports, lambda snapshot: attrs.evolve(snapshot, orders=()))


@wrong("test_an_order_the_venue_does_not_know_is_None")
def takes_an_unknown_order_for_canceled(ports: Any) -> None:
    async def find(inner: Any, contract: Any, **names: Any) -> Any:
        lost = OrderUpdated(time=0, received=0, contract=contract, state=OrderState.CANCELED, size=D(1), **names)
        return await inner.find(contract, **names) or lost

    account(ports, find=find)


@wrong("test_a_look_up_without_an_answer_is_a_VenueError")
def takes_no_answer_for_no_order(ports: Any) -> None:
    async def find(inner: Any, contract: Any, **names: Any) -> Any:
        try:
            return await inner.find(contract, **names)
        except VenueError:
            return None

    account(ports, find=find)


@wrong("test_the_venues_limit_is_kept")
def knows_no_limit(ports: Any) -> None:
    ports.account.rest.limit = None


@wrong("test_a_cancel_stands_behind_no_question")
def lets_cancels_wait(ports: Any) -> None:
    async def act(inner: Any, *args: Any, **options: Any) -> Any:
        await inner.limit.acquire()
        return await inner.act(*args, **options)

    rest(ports, act=act)


@wrong("test_a_cancelled_request_leaves_nothing_behind")
def goes_on_when_it_is_cancelled(ports: Any) -> None:
    async def submit(inner: Any, order: Any) -> Any:
        return await asyncio.shield(asyncio.ensure_future(inner.submit(order)))

    account(ports, submit=submit)


# ---- hygiene ---------------------------------------------------------------------------------------------------------


@wrong("test_the_channels_are_declared_once_each")
def declares_no_essential_channel(ports: Any) -> None:
    account(ports, channels=tuple(attrs.evolve(channel, essential=False) for channel in ports.account.channels))


@wrong("test_the_channels_are_declared_once_each")
def declares_a_channel_twice(ports: Any) -> None:
    feed(ports, channels=(*ports.feed.channels, ports.feed.channels[0]))


@wrong("test_the_channels_do_not_change")
def learns_its_channels_later(ports: Any) -> None:
    async def prepare(inner: Any) -> None:
        await inner.prepare()
        ports.account.changes["channels"] = inner.channels[:2]

    account(ports, prepare=prepare)


@wrong("test_every_channel_says_something")
def declares_a_channel_that_it_cannot_read(ports: Any) -> None:
    feed(ports, channels=(*ports.feed.channels, Channel(name="candles")))


@wrong("test_channels_report_what_they_declare")
def does_not_declare_that_executions_come(ports: Any) -> None:
    account(ports, channels=tuple(attrs.evolve(channel, reports_fills=False) for channel in ports.account.channels))


@wrong("test_private_channels_are_never_conflated")
def lets_orders_be_left_out(ports: Any) -> None:
    account(ports, channels=tuple(attrs.evolve(channel, conflatable=True) for channel in ports.account.channels))


@wrong("test_books_can_be_asked_for_where_changes_need_one")
def has_changes_of_books_without_books(ports: Any) -> None:
    feed(ports, channels=(Channel(name="quotes", books=BookIds.CHAINED),))


@wrong("test_what_is_offered_can_be_awaited")
def has_a_switch_that_cannot_be_awaited(ports: Any) -> None:
    account(ports, countdown=lambda *_: None)


@wrong("test_the_time_comes_from_outside")
def looks_at_its_own_watch(ports: Any) -> None:
    async def snapshot(inner: Any) -> Snapshot:
        return attrs.evolve(await inner.snapshot(), time=time.time_ns())  # type: ignore[no-any-return]  # of a changed object

    account(ports, snapshot=snapshot)


@wrong("test_no_secret_is_in_any_text")
def complains_with_its_secret(ports: Any) -> None:
    rest(ports, act=raising(OrderRejectedError, OrderRejectedError, f"refused with {SECRET}"))


@wrong("test_the_secret_never_leaves")
def sends_its_secret(ports: Any) -> None:
    async def act(inner: Any, method: str, path: str, body: Any = None, **options: Any) -> Any:
        return await inner.act(method, path, {**body, "pass": SECRET} if body else body, **options)

    rest(ports, act=act)


@wrong("test_public_data_is_asked_for_without_credentials")
def shows_its_key_to_everybody(ports: Any) -> None:
    feed(ports, subscribe=lambda inner, channel, time_s, contracts=(): [json.dumps({"do": "sub", "on": channel, "key": KEY}).encode()])


@wrong("test_the_adapter_can_be_closed_at_any_time")
def can_be_closed_once(ports: Any) -> None:
    closed: list[bool] = []

    async def close() -> None:
        await anyio.lowlevel.checkpoint()
        if closed:
            raise RuntimeError("it is closed already")
        closed.append(True)

    ports.closes = (close,)


SHARED: list[bool] = []


@wrong("test_two_instances_share_nothing")
def shares_its_connections(ports: Any) -> None:
    SHARED.clear()

    async def close() -> None:
        await anyio.lowlevel.checkpoint()
        SHARED.append(True)

    async def submit(inner: Any, order: Any) -> Any:
        if SHARED:
            raise LinkLostError("somebody has closed it")
        return await inner.submit(order)

    ports.closes = (close,)
    account(ports, submit=submit)
