"""Checks of trading: each answer of the venue means what it says, each silence stays an unknown, and nothing is sent twice.

Owns `Trading`. A read-only adapter skips them all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any

import anyio
import pytest

from strikeloop import events as e
from strikeloop.commands import TimeInForce
from strikeloop.contracts import ContractId
from strikeloop.errors import AuthRejectedError, LinkLostError, OrderRejectedError, OutcomeUnknownError, VenueError
from strikeloop.testing.suite.asked import UNCERTAIN, Change, ListOrders, LookUp, No, Place, Trouble, Withdraw
from strikeloop.testing.suite.broken import broken, raising
from strikeloop.testing.suite.checks import Checks, check
from strikeloop.testing.suite.play import Play, Run
from strikeloop.testing.suite.venue import as_it_is, losing

D = Decimal
KINDS: tuple[dict[str, Any], ...] = (
    {"size": 3},
    {"size": -2, "price": 110},
    {"size": 1, "tif": "ioc"},
    {"size": 2, "tif": "poc"},
    {"size": 4, "price": None},
    {"size": -1, "reduce_only": True},
)
TIMEOUT_S = 15.0
MOST_STEPS = 40


class Trading(Checks):
    """What `submit`, `cancel`, `amend` and `find` do."""

    # ---- orders ----

    @check()
    async def test_an_order_that_is_taken_comes_back_open(self, play: Play) -> None:
        """Under the venue's id and ours, with its size, price and what is left."""
        await play.prepare()
        order = play.order(3)
        told = _order_in(play, await play.account.submit(order), "submit")
        theirs = play.theirs(order)
        wanted = (e.OrderState.OPEN, theirs.order_id, order.command.client_id, D(3), D(100))
        got = (told.state, told.order_id, told.client_id, told.size, told.price)
        if got != wanted:
            broken("the venue takes an order", str(wanted), got, play.where("submit"))

    @check()
    async def test_an_order_reaches_the_venue_as_it_was_approved(self, play: Play) -> None:
        """Side, size, price, time in force, reduce-only, market: or it is refused before anything is sent."""
        await play.prepare()
        for kind in KINDS:
            order = play.order(**kind)
            before = len(play.venue.asked(Place))
            try:
                play.hand.hear(await play.account.submit(order))
            except OrderRejectedError as error:
                if len(play.venue.asked(Place)) != before:
                    broken(f"{kind} is ordered", "what cannot be said is refused before it is sent", error, play.where("submit"))
                continue
            placed, command = play.venue.asked(Place)[-1], order.command
            wanted = (command.contract.name, command.size, command.price, command.client_id, command.reduce_only)
            got = (placed.contract, placed.size, placed.price, placed.client_id, placed.reduce_only)
            tif = TimeInForce.IOC if command.price is None else command.tif
            if got != wanted or (placed.price is not None and placed.tif is not tif):
                broken(f"{kind} is ordered", f"{wanted}, {tif}", f"{got}, {placed.tif}", play.where("submit"))

    @check()
    async def test_an_order_that_trades_at_once_says_how_much(self, play: Play) -> None:
        """The answer to an ioc order that finds a part of what it wants, all of it, or nothing."""
        await play.prepare()
        over = (e.OrderState.CANCELED, e.OrderState.EXPIRED)
        for depth, states in ((2, over), (5, (e.OrderState.FILLED,)), (0, over)):
            play.venue.books.depth = D(depth)
            told = _order_in(play, await play.account.submit(play.order(5, tif="ioc")), "submit")
            if told.left is not None and (told.state not in states or told.filled != depth):
                got = f"{told.state.value}, {told.filled} filled"
                broken(f"an ioc order for 5 finds {depth}", f"{states[0].value}, {depth} filled", got, play.where("submit"))

    @check()
    async def test_a_refused_order_is_an_OrderRejectedError(self, play: Play) -> None:  # noqa: N802 - the name of the error
        """With the venue's code; the order does not exist there."""
        await play.prepare()
        play.venue.trouble(Place, No.MARGIN)
        with raising(OrderRejectedError, f"the venue refuses an order: {No.MARGIN.value}", play.where("submit")) as raised:
            await play.account.submit(play.order())
        if not getattr(raised[0], "code", None):
            broken("the venue refuses an order with a code", "the error bears it", repr(raised[0]), play.where("submit"))

    @check()
    async def test_an_order_that_was_not_sent_is_a_LinkLostError(self, play: Play) -> None:  # noqa: N802 - the name of the error
        """So that it counts as never placed."""
        await play.prepare()
        play.venue.trouble(Place, Trouble.UNSENT)
        with raising(LinkLostError, Trouble.UNSENT.value, play.where("submit")):
            await play.account.submit(play.order())

    @check()
    async def test_an_order_without_an_answer_is_an_OutcomeUnknownError(self, play: Play) -> None:  # noqa: N802 - the name of the error
        """After a broken connection, silence, HTTP 5xx, HTML, half an answer, or one of another form: nobody knows."""
        await _uncertain(play, Place, "submit", play.account.submit, at_rest=False)

    @check()
    async def test_no_order_is_sent_twice(self, play: Play) -> None:
        """Whatever goes wrong."""
        await play.prepare()
        for trouble in Trouble:
            before = len(play.venue.asked(Place))
            play.venue.trouble(Place, trouble)
            await _tried(lambda: play.account.submit(play.order()))
            if len(play.venue.asked(Place)) > before + 1:
                sent = len(play.venue.asked(Place)) - before
                broken(f"an order is placed: {trouble.value}", "one request", f"{sent} requests", play.where("submit"))
            play.venue.calm()

    @check()
    async def test_refused_credentials_are_an_AuthRejectedError(self, play: Play) -> None:  # noqa: N802 - the name of the error
        """For orders and for questions."""
        await play.prepare()
        play.venue.knows_us = False
        with raising(AuthRejectedError, "the venue refuses the credentials of an order", play.where("submit")):
            await play.account.submit(play.order())
        with raising(AuthRejectedError, "the venue refuses the credentials of a question", play.where("snapshot")):
            await play.account.snapshot()

    @check()
    async def test_an_order_over_the_limit_is_known_not_to_exist(self, play: Play) -> None:
        """HTTP 429: OrderRejectedError or LinkLostError, never an outcome that nobody knows."""
        await play.prepare()
        play.venue.trouble(Place, Trouble.LIMITED)
        error = await _tried(lambda: play.account.submit(play.order()))
        if not isinstance(error, OrderRejectedError | LinkLostError):
            broken(Trouble.LIMITED.value, "OrderRejectedError or LinkLostError", repr(error), play.where("submit"))

    # ---- cancels and amendments ----

    @check()
    async def test_a_cancel_withdraws_the_order(self, play: Play) -> None:
        """By the venue's id, and by ours alone where the venue's is not known yet."""
        await play.prepare()
        for is_named in (True, False):
            order, theirs = await play.placed(3)
            play.venue.books.trade(theirs, 1)
            events = await play.account.cancel(play.cancel_of(order), theirs.order_id if is_named else None)
            told = _order_in(play, events, "cancel")
            got = (told.state, told.order_id, told.client_id, told.filled, play.theirs(order).state)
            wanted = (e.OrderState.CANCELED, theirs.order_id, order.command.client_id, D(1), e.OrderState.CANCELED)
            if got != wanted:
                broken("an order that has traded 1 of 3 is canceled", str(wanted), got, play.where("cancel"))

    @check()
    async def test_a_cancel_of_what_is_over_does_no_harm(self, play: Play) -> None:
        """OrderRejectedError, or how the order stands; never an order that works."""
        await play.prepare()
        for is_named in (True, False):
            order, theirs = await play.placed(3)
            cancel = play.cancel_of(order)
            play.venue.books.trade(theirs, 3)
            try:
                events = await play.account.cancel(cancel, theirs.order_id if is_named else None)
            except OrderRejectedError:
                continue
            except Exception as error:  # noqa: BLE001 - whatever is raised is what the check reports
                broken("a filled order is canceled", "OrderRejectedError, or filled", repr(error), play.where("cancel"))
            if (told := _order_in(play, events, "cancel")).state is not e.OrderState.FILLED:
                broken("a filled order is canceled", "OrderRejectedError, or filled", told, play.where("cancel"))

    @check()
    async def test_a_cancel_of_nothing_is_an_OrderRejectedError(self, play: Play) -> None:  # noqa: N802 - the name of the error
        """The venue does not know the order."""
        await play.prepare()
        order, _ = await play.placed()
        cancel = play.cancel_of(order)
        play.venue.books.forget()
        for order_id in ("99999", None):
            with raising(OrderRejectedError, "an order is canceled that the venue does not know", play.where("cancel")):
                await play.account.cancel(cancel, order_id)

    @check()
    async def test_a_cancel_without_an_answer_is_an_OutcomeUnknownError(self, play: Play) -> None:  # noqa: N802 - the name of the error
        """The core asks again, and looks the order up."""
        await _uncertain(
            play, Withdraw, "cancel", lambda order: play.account.cancel(play.cancel_of(order), play.theirs(order).order_id), at_rest=True
        )

    @check()
    async def test_an_amendment_changes_price_and_size(self, play: Play) -> None:
        """Both, or one of them while the other stays; of an order that has traded in part, too."""
        await play.prepare()
        for changes, size, price in (({"price": 105}, 5, 105), ({"size": 7}, 7, 100), ({"size": 6, "price": 95}, 6, 95)):
            order, theirs = await play.placed(5)
            play.venue.books.trade(theirs, 2)
            told = _order_in(play, await play.account.amend(play.amend_of(order, **changes), theirs.order_id), "amend")
            now = play.theirs(order)
            got = (told.size, told.price, told.filled, now.size, now.price)
            if got != (D(size), D(price), D(2), D(size), D(price)):
                broken(f"an order for 5 at 100, 2 traded, is amended to {changes}", f"{size} at {price}", got, play.where("amend"))
            play.venue.books.end(theirs)

    @check()
    async def test_an_amendment_without_an_answer_is_an_OutcomeUnknownError(self, play: Play) -> None:  # noqa: N802 - the name of the error
        """Nobody knows which of the two it is."""
        await _uncertain(
            play,
            Change,
            "amend",
            lambda order: play.account.amend(play.amend_of(order, price=105, size=4), play.theirs(order).order_id),
            at_rest=True,
        )

    @check()
    async def test_a_refused_amendment_is_an_OrderRejectedError(self, play: Play) -> None:  # noqa: N802 - the name of the error
        """The order is left as it was."""
        await play.prepare()
        order, theirs = await play.placed(5)
        play.venue.trouble(Change, No.MARGIN)
        with raising(OrderRejectedError, "the venue refuses an amendment", play.where("amend")):
            await play.account.amend(play.amend_of(order, price=105, size=6), theirs.order_id)

    # ---- looking up ----

    @check()
    async def test_an_order_is_found_by_either_name(self, play: Play) -> None:
        """Open, filled or canceled, with the executions it had."""
        await play.prepare()
        for done, is_ended in ((1, False), (3, False), (2, True)):
            order, theirs = await play.placed(3)
            play.venue.books.trade(theirs, done)
            if is_ended:
                play.venue.books.end(theirs)
            now = play.theirs(order)
            for names in ({"order_id": now.order_id}, {"client_id": order.command.client_id}):
                found = await play.account.find(now.contract, **names)
                got = None if found is None else (found.state, found.order_id, found.filled)
                if got != (now.state, now.order_id, now.filled):
                    wanted = f"{now.state.value}, {now.filled} filled"
                    broken(f"an order is looked up by {names}", wanted, got, play.where("find"))
            if now.state is e.OrderState.OPEN:
                play.venue.books.end(theirs)

    @check()
    async def test_an_order_the_venue_does_not_know_is_None(self, play: Play) -> None:  # noqa: N802 - the value
        """After three such answers the core takes it for absent."""
        await play.prepare()
        await play.placed()
        for names in ({"order_id": "99999"}, {"client_id": "t-ct-hand-999"}):
            found = await play.account.find(play.contract.id, **names)
            if found is not None:
                broken(f"an unknown order is looked up by {names}", "None", found, play.where("find"))

    @check()
    async def test_a_look_up_without_an_answer_is_a_VenueError(self, play: Play) -> None:  # noqa: N802 - the name of the error
        """And never None: an order would be taken for absent that trades."""
        await play.prepare()
        order, theirs = await play.placed()
        for names in ({"order_id": theirs.order_id}, {"client_id": order.command.client_id}):
            for trouble in (*Trouble, No.TOO_MANY):
                for kind in (LookUp, ListOrders):
                    play.venue.trouble(kind, *(trouble,) * 3)
                with raising(VenueError, f"an order is looked up: {trouble.value}", play.where("find"), exactly=False):
                    await play.account.find(ContractId.of("venue", theirs.contract.name), **names)
                play.venue.calm()
                await anyio.sleep(TIMEOUT_S)

    # ---- limits and cancellation ----

    @check()
    async def test_the_venues_limit_is_kept(self, play: Play) -> None:
        """Where the venue has one (`Spelling.limit`): two windows' worth of questions bring no refusal."""
        limit = play.spelling.limit
        if limit is None:
            pytest.skip("the venue states no limit: set `Spelling.limit` where it does")
        await play.prepare()
        await anyio.sleep(limit[1])
        play.venue.limit = limit
        async with anyio.create_task_group() as tasks:
            for _ in range(2 * limit[0]):
                tasks.start_soon(_found, play)

    @check()
    async def test_a_cancel_stands_behind_no_question(self, play: Play) -> None:
        """With the budget of questions used up it leaves within a second."""
        limit = play.spelling.limit
        if limit is None:
            pytest.skip("the venue states no limit: set `Spelling.limit` where it does")
        await play.prepare()
        order, theirs = await play.placed()
        cancel = play.cancel_of(order)
        async with anyio.create_task_group() as tasks:
            for _ in range(2 * limit[0]):
                tasks.start_soon(_found, play)
            await anyio.sleep(0.01)
            began = anyio.current_time()
            await play.account.cancel(cancel, theirs.order_id)
            took_s = anyio.current_time() - began
            tasks.cancel_scope.cancel()
        if took_s > 1:
            broken("an order is canceled while many questions wait", "an answer within 1 s", f"{took_s:.1f} s", play.where("cancel"))

    @check()
    async def test_a_cancelled_request_leaves_nothing_behind(self, play: Play) -> None:
        """At each of its steps: no request hangs, it is sent at most once, and the next one works."""
        await play.prepare()
        for step in range(MOST_STEPS):
            before = len(play.venue.asked(Place))
            with anyio.move_on_after(0.0007 * step) as scope:
                await play.account.submit(play.order())
            if play.venue.in_flight or len(play.venue.asked(Place)) > before + 1:
                broken(f"an order is cancelled at step {step}", "no request on its way", "one", play.where("submit"))
            if not scope.cancelled_caught:
                break
            await anyio.sleep(TIMEOUT_S)
        play.venue.books.forget()
        with anyio.move_on_after(TIMEOUT_S) as scope:
            await play.placed()
        if scope.cancelled_caught:
            broken("requests were cancelled", "the next one works", "it hangs", play.where("submit"))

    # ---- whole runs ----

    @check()
    async def test_an_order_without_an_answer_is_found_again(self, play: Play) -> None:
        """In a run: whether the venue acted or not, each order ends as it stands there, and none is sent twice."""
        async with play.trading() as run:
            for trouble in (Trouble.UNHEARD, Trouble.LOST, Trouble.BUSY, Trouble.CUT):
                play.story = trouble.value
                play.venue.carry = lambda *_: ()
                play.venue.trouble(Place, trouble)
                client_id = run.buy(2)
                await run.until(partial(_is_known, run, client_id), "the order is open or absent", play.where("find"), within_s=60)
                count = sum(one.client_id == client_id for one in play.venue.asked(Place))
                expected = "open" if trouble.acts else "absent"
                if run.state(client_id) != expected or count != 1:
                    got = f"{run.state(client_id)}, {count} requests"
                    broken(trouble.value, f"{expected}, 1 request", got, play.where("find"))
            play.venue.carry = as_it_is
            await run.agree(play.where("find"))

    @check()
    async def test_an_execution_may_come_before_the_answer(self, play: Play) -> None:
        """In a run: the stream is faster than the answer to the order."""
        async with play.trading() as run:
            play.venue.books.depth = D(2)
            client_id = run.buy(2, tif="ioc")
            play.story = "an order trades at once, and the stream tells it before the answer comes"
            await run.until(lambda: run.state(client_id) == "filled", "the order is filled", play.where("submit"))
            await run.agree(play.where("submit"))
            if sum(fill.size for fill in run.said(e.Filled)) != 2:
                broken(play.story, "executions of 2 contracts are told", str(run.said(e.Filled)), play.where("fills"))

    @check()
    async def test_a_cancel_may_come_too_late(self, play: Play) -> None:
        """In a run: the order trades while its cancel is under way."""
        async with play.trading() as run:
            client_id = run.buy(2)
            await run.until(lambda: run.state(client_id) == "open", "the order is open", play.where("submit"))
            play.story = "an order is canceled, and has traded when the cancel arrives; the stream says nothing of it"
            play.venue.carry = losing(Random(1), 1)
            run.do(lambda desk: desk.cancel(client_id))
            play.venue.books.trade(play.venue.books.listed(is_open=True)[-1], 2)
            await run.until(lambda: run.state(client_id) == "filled", "the order is filled", play.where("cancel"))
            await run.agree(play.where("cancel"))


# ---- what the checks do ----------------------------------------------------------------------------------------------


def _order_in(play: Play, events: Sequence[e.Event], method: str) -> e.OrderUpdated:
    told = [event for event in events if isinstance(event, e.OrderUpdated)]
    if not told:
        broken(f"the venue answers {method}", "an OrderUpdated among the events", events, play.where(method))
    return told[-1]


async def _tried(request: Callable[[], Any]) -> Exception | None:
    try:
        await request()
    except VenueError as error:
        return error
    return None


async def _uncertain(play: Play, kind: type, method: str, request: Callable[[Any], Any], *, at_rest: bool) -> None:
    """Each trouble after which nobody knows; `at_rest` needs an order that rests."""
    await play.prepare()
    for trouble in UNCERTAIN:
        order = (await play.placed(3))[0] if at_rest else play.order()
        play.venue.trouble(kind, trouble)
        with raising(OutcomeUnknownError, f"{method}: {trouble.value}", play.where(method)):
            await request(order)
        play.venue.calm()


def _is_known(run: Run, client_id: str) -> bool:
    return run.state(client_id) in ("open", "absent")


async def _found(play: Play) -> None:
    await play.account.find(play.contract.id, order_id="99999")
