"""Checks of truth: what we hold equals what the venue holds, whatever the stream loses, repeats or reorders.

Owns `Truth`. The merging is the core's; here is shown that snapshots, lists and stream of this adapter fit together.
"""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from itertools import permutations
from operator import methodcaller
from random import Random

import anyio
import pytest

from strikeloop import events as e
from strikeloop.clock import SECOND_NS
from strikeloop.errors import VenueError
from strikeloop.testing.suite.asked import ListBalances, ListFills, ListOrders, ListPositions, Place, Trouble
from strikeloop.testing.suite.broken import broken, raising
from strikeloop.testing.suite.checks import Checks, check
from strikeloop.testing.suite.damage import JUNK
from strikeloop.testing.suite.play import Play, Run
from strikeloop.testing.suite.samples import mismatch
from strikeloop.testing.suite.venue import as_it_is, losing, twice

D = Decimal


class Truth(Checks):
    """What `snapshot`, `fills` and the private stream say of the account."""

    @check()
    async def test_an_empty_account_is_an_empty_snapshot(self, play: Play) -> None:
        """No orders and no positions, complete, and a balance."""
        await play.account.prepare()
        snapshot = await play.account.snapshot()
        if snapshot.orders or snapshot.positions or not snapshot.balances or not snapshot.complete:
            broken("the account has money and nothing else", "a complete snapshot with its balance alone", snapshot, play.where("snapshot"))

    @check()
    async def test_a_snapshot_shows_the_books(self, play: Play) -> None:
        """Open orders, positions and balances as they are, and none that is not."""
        await _traded(play)
        snapshot, books = await play.account.snapshot(), play.venue.books
        pairs = (
            ("orders", books.listed(is_open=True), snapshot.orders),
            ("positions", books.positions(), [one for one in snapshot.positions if one.size]),
            ("balances", [books.balance()], snapshot.balances),
        )
        for what, theirs, ours in pairs:
            if len(theirs) != len(ours):
                broken(f"the books show {len(theirs)} {what}", f"{len(theirs)} {what}", ours, play.where("snapshot"))
            for said, heard in zip(theirs, sorted(ours, key=lambda one: getattr(one, "order_id", "") or ""), strict=True):
                if wrong := mismatch(said, heard, is_listed=True):
                    broken(f"the books show {said}", str(said), wrong, play.where("snapshot"))

    @check()
    async def test_what_the_books_show_is_said_to_be_a_snapshot(self, play: Play) -> None:
        """`origin` tells the core which events it asked for."""
        await _traded(play)
        snapshot = await play.account.snapshot()
        fills = await play.account.fills(0)
        for event in (*snapshot.orders, *snapshot.positions, *snapshot.balances, *fills):
            if event.origin is not e.Origin.SNAPSHOT:
                broken("the account is asked for", "events of origin snapshot", event, play.where("snapshot"))

    @check()
    async def test_executions_are_listed_oldest_first_and_once(self, play: Play) -> None:
        """All since the time that was asked for."""
        await _traded(play)
        theirs = play.venue.books.fills
        ours = await play.account.fills(0)
        if [fill.trade_id for fill in ours] != [fill.trade_id for fill in theirs]:
            expected = [fill.trade_id for fill in theirs]
            broken(f"the venue lists executions {expected}", str(expected), [fill.trade_id for fill in ours], play.where("fills"))
        for said, heard in zip(theirs, ours, strict=True):
            if wrong := mismatch(said, heard):
                broken(f"the venue lists {said}", str(said), wrong, play.where("fills"))

    @check()
    async def test_executions_are_asked_for_from_a_time_on(self, play: Play) -> None:
        """Older ones need not come; those after it must. The time is the venue's, in ns."""
        await _traded(play)
        await anyio.sleep(3600)
        since = play.venue.now()
        await anyio.sleep(5)
        order, theirs = await play.placed(3)
        play.venue.books.trade(theirs, 3)
        fills = await play.account.fills(since)
        asked = play.venue.asked(ListFills)[-1]
        if not any(fill.order_id == theirs.order_id for fill in fills) or not since - 2 * SECOND_NS <= asked.since <= since:
            got = f"asked since {asked.since}, got {[fill.trade_id for fill in fills]}"
            broken(f"{order.command.client_id} traded after {since}", f"asked since {since}, with this execution", got, play.where("fills"))

    @check()
    async def test_stream_and_list_name_an_execution_alike(self, play: Play) -> None:
        """Or it would count twice."""
        await play.prepare()
        link = await play.subscribe(play.account)
        _, theirs = await play.placed(2)
        play.venue.books.trade(theirs, 2)
        heard = [event for decoded in await play.read(play.account, link) for event in decoded.events if isinstance(event, e.Filled)]
        if not heard:
            pytest.skip("the stream reports no executions")
        listed = {(fill.contract, fill.trade_id, fill.order_id) for fill in await play.account.fills(0)}
        told = {(fill.contract, fill.trade_id, fill.order_id) for fill in heard}
        if listed != told:
            broken("one execution came by stream and is listed", f"one identity: {listed}", told, play.where("fills"))

    @check()
    async def test_stream_books_and_answers_name_an_order_alike(self, play: Play) -> None:
        """By the venue's id, and by ours wherever it is said."""
        await play.prepare()
        link = await play.subscribe(play.account)
        order = play.order(2)
        answered = [event for event in await play.account.submit(order) if isinstance(event, e.OrderUpdated)]
        play.hand.hear(answered)
        decoded = await play.read(play.account, link)
        streamed = [event for one in decoded for event in one.events if isinstance(event, e.OrderUpdated)]
        listed = (await play.account.snapshot()).orders
        ids = {event.order_id for event in (*answered, *streamed, *listed)}
        names = {event.client_id for event in (*answered, *listed)} | {event.client_id for event in streamed if event.client_id}
        if ids != {play.theirs(order).order_id} or names != {order.command.client_id}:
            broken("an order is answered, streamed and listed", "one id and one client id", f"{ids}, {names}", play.where("submit"))

    @check()
    async def test_a_listing_is_read_to_its_end(self, play: Play) -> None:
        """Page by page, where the venue has pages."""
        if not play.spelling.page:
            pytest.skip("the venue's listings have no pages: set `Spelling.page` where they do")
        await play.prepare()
        count = play.spelling.page + 3
        for number in range(count):
            placed = Place(contract=play.contract.id.name, size=D(2), price=D(100 + number), client_id=f"t-ct-hand-{number}")
            order = play.venue.books.place(placed)
            play.venue.books.trade(order, 1)
        orders, fills = (await play.account.snapshot()).orders, await play.account.fills(0)
        if len(orders) != count or len(fills) != count:
            got = f"{len(orders)} orders and {len(fills)} executions"
            broken(f"the venue has {count} orders and as many executions", f"{count} of each", got, play.where("snapshot"))

    @check()
    async def test_books_that_do_not_come_are_a_VenueError(self, play: Play) -> None:  # noqa: N802 - the name of the error
        """However they fail, and never an account without orders."""
        await play.prepare()
        await play.placed(2)
        for kind in (ListOrders, ListPositions, ListBalances):
            for trouble in Trouble:
                play.venue.trouble(kind, *(trouble,) * 3)
                with raising(VenueError, f"{kind.__name__} is asked: {trouble.value}", play.where("snapshot"), exactly=False):
                    await play.account.snapshot()
                play.venue.calm()
                await anyio.sleep(15)
        for trouble in Trouble:
            play.venue.trouble(ListFills, *(trouble,) * 3)
            with raising(VenueError, f"executions are asked for: {trouble.value}", play.where("fills"), exactly=False):
                await play.account.fills(0)
            play.venue.calm()
            await anyio.sleep(15)

    @check()
    async def test_account_and_venue_agree_while_orders_trade(self, play: Play) -> None:
        """Orders are placed, trade in parts, and are canceled."""
        play.story = "orders are placed, trade in parts, and are canceled"
        async with play.trading() as run:
            await _life(play, run, rounds=4)
            await run.agree(play.where("decode"))

    @check()
    async def test_account_and_venue_agree_when_the_stream_repeats_itself(self, play: Play) -> None:
        """No execution counts twice."""
        play.story = "every frame of the stream comes twice"
        play.venue.carry = twice
        async with play.trading() as run:
            await _life(play, run, rounds=4)
            await run.agree(play.where("decode"))

    @check()
    async def test_account_and_venue_agree_when_the_stream_loses_frames(self, play: Play) -> None:
        """A third of them, in five ways."""
        async with play.trading() as run:
            for seed in range(5):
                play.story = f"the stream loses a third of its frames (seed {seed})"
                play.venue.carry = losing(Random(seed), 1 / 3)
                await _life(play, run, rounds=2)
                await run.agree(play.where("snapshot"))

    @check()
    async def test_account_and_venue_agree_in_whatever_order_frames_come(self, play: Play) -> None:
        """Every order of the first four frames of an order's life, the rest behind them."""
        async with play.trading() as run:
            for order in permutations(range(4)):
                held: list[tuple[str, bytes]] = []
                play.venue.carry = partial(_hold, held)
                client_id = run.buy(2)
                await run.until(partial(_is, run, "open", client_id), "the order is open", play.where("submit"))
                _trade(play, client_id, 2)
                play.story = f"the first frames of an order come in this order: {order}"
                play.venue.carry = as_it_is
                for channel, frame in [*(held[at] for at in order if at < len(held)), *held[4:]]:
                    play.venue.say(channel, frame)
                    await anyio.sleep(0.01)
                await run.agree(play.where("decode"))

    @check()
    async def test_what_happened_during_an_outage_is_told_after_it(self, play: Play) -> None:
        """Executions once, under the names of their orders; and orders that ended."""
        async with play.trading() as run:
            first, second = run.buy(3), run.buy(2, 95)
            await run.until(lambda: run.state(second) == run.state(first) == "open", "both orders are open", play.where("submit"))
            play.story = "the connections break; one order trades and one is withdrawn before they stand again"
            play.venue.is_up = False
            play.venue.drop()
            await anyio.sleep(0.1)
            _trade(play, first, 2)
            play.venue.books.end(_theirs(play, second))
            await anyio.sleep(20)
            play.venue.is_up = True
            await run.agree(play.where("fills"))
            told = sum(fill.size for fill in run.said(e.Filled) if fill.client_id == first)
            if told != 2:
                broken(play.story, "executions of 2 contracts are told", f"{told}", play.where("fills"))

    @check()
    async def test_a_damaged_private_frame_is_made_good(self, play: Play) -> None:
        """The account is reconciled, and the line stays."""
        async with play.trading() as run:
            client_id = run.buy(3)
            await run.until(lambda: run.state(client_id) == "open", "the order is open", play.where("submit"))
            links = len(play.venue.links)
            play.story = "the frames that tell an execution arrive damaged"
            play.venue.carry = lambda _, frame: (frame[: len(frame) // 2],)
            _trade(play, client_id, 1)
            play.venue.carry = as_it_is
            for junk in JUNK[:3]:
                play.venue.say(play.account.channels[0].name, junk)
            await run.agree(play.where("decode"))
            if len(play.venue.links) != links:
                broken(play.story, "the line stays", "another connection", play.where("decode"))


# ---- what the checks do ----------------------------------------------------------------------------------------------


async def _traded(play: Play) -> None:
    """One order that rests untouched, one that has traded in part, one that is filled, one that is over."""
    await play.prepare()
    books = play.venue.books
    await play.placed(2, price=90)
    for size, done in ((5, 2), (-3, 3)):
        _, order = await play.placed(size)
        books.trade(order, done)
        await anyio.sleep(2)
    _, order = await play.placed(1)
    books.end(order)


async def _life(play: Play, run: Run, *, rounds: int) -> None:
    for number in range(rounds):
        bought, other = run.buy(3), run.buy(2, 95)
        await run.until(partial(_is, run, "open", bought, other), "orders are open", play.where("submit"))
        _trade(play, bought, 1)
        await anyio.sleep(0.3)
        _trade(play, bought, 2)
        if number % 2:
            run.do(methodcaller("cancel", other))
        else:
            play.venue.books.end(_theirs(play, other))
        await anyio.sleep(0.3)


def _is(run: Run, state: str, *client_ids: str) -> bool:
    return all(run.state(client_id) == state for client_id in client_ids)


def _hold(held: list[tuple[str, bytes]], channel: str, frame: bytes) -> tuple[bytes, ...]:
    """Nothing arrives yet."""
    held.append((channel, frame))
    return ()


def _theirs(play: Play, client_id: str) -> e.OrderUpdated:
    return next(order for order in reversed(play.venue.books.listed(is_open=None)) if order.client_id == client_id)


def _trade(play: Play, client_id: str, size: int) -> None:
    play.venue.books.trade(_theirs(play, client_id), size)
