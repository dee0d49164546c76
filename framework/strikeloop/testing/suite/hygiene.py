"""Checks of hygiene: capabilities as declared, a clock from outside only, secrets nowhere, and a clean end.

Owns `Hygiene`.
"""

from __future__ import annotations

import inspect
import logging
import traceback
from collections.abc import AsyncIterator

import anyio
import pytest

from strikeloop.adapter import BookFeed, BookIds, DeadMansSwitch, MassCancel, Protection, ReportsRisk, Settlements
from strikeloop.errors import VenueError
from strikeloop.events import Filled, PortfolioRiskUpdated
from strikeloop.testing.suite.asked import ListOrders, No, Place, Trouble
from strikeloop.testing.suite.broken import broken
from strikeloop.testing.suite.checks import Checks, check
from strikeloop.testing.suite.play import Play
from strikeloop.testing.suite.samples import Frame, frames
from strikeloop.testing.suite.spelling import KEY, SECRET
from strikeloop.testing.suite.watch import Watch, package_of

OFFERS = (DeadMansSwitch, MassCancel, Settlements, Protection, ReportsRisk)


class Hygiene(Checks):
    """What holds for the adapter as a whole."""

    # ---- declarations ----

    @check(is_pure=True)
    async def test_the_channels_are_declared_once_each(self, play: Play) -> None:
        """Every port has one at least, and of an account one is essential."""
        for port, stream in play.streams:
            names = [channel.name for channel in stream.channels]
            if not names or len(set(names)) != len(names):
                broken(f"the {port} declares its channels", "one or more, each once", names, play.where("channels", stream))
            if port == "account" and not any(channel.essential for channel in stream.channels):
                broken("an account declares its channels", "an essential one", names, play.where("channels", stream))

    @check(is_pure=True)
    async def test_the_channels_do_not_change(self, play: Play) -> None:
        """Before and after the adapter has been used."""
        before = {port: stream.channels for port, stream in play.streams}
        await play.prepare()
        for port, stream in play.streams:
            if stream.channels != before[port]:
                broken(f"the {port} has been prepared", str(before[port]), stream.channels, play.where("channels", stream))

    @check(is_pure=True)
    async def test_every_channel_says_something(self, play: Play) -> None:
        """Of every declared channel one frame at least is an event that the core knows."""
        told = {(one.port, one.channel) for one in frames(play) if one.stream.decode(one.frame, play.clock.now()).events}
        for port, stream in play.streams:
            silent = [channel.name for channel in stream.channels if (port, channel.name) not in told]
            if silent:
                broken(
                    f"the {port} declares {silent}",
                    "a frame of the venue on each, decoded to events",
                    "none",
                    play.where("channels", stream),
                )

    @check(is_pure=True)
    async def test_channels_report_what_they_declare(self, play: Play) -> None:
        """`reports_fills`, `reports_risk` and `books` are set where the channel brings such events, and nowhere else."""
        for kind, flag in ((Filled, "reports_fills"), (PortfolioRiskUpdated, "reports_risk")):
            reporting = {one.channel for one in frames(play) if _tells(play, one, kind)}
            for port, stream in play.streams:
                for channel in stream.channels:
                    if getattr(channel, flag) != (channel.name in reporting) and port == "account":
                        told = f"{kind.__name__} comes on it: {channel.name in reporting}"
                        broken(f"{channel.name}: {told}", f"{flag}={channel.name in reporting}", channel, play.where("channels", stream))

    @check(is_pure=True)
    async def test_private_channels_are_never_conflated(self, play: Play) -> None:
        """What happens to orders and executions must not be left out; a stream of risk figures may be."""
        for channel in play.account.channels:
            if channel.conflatable and not channel.reports_risk:
                broken("an account declares its channels", f"{channel.name} is not conflatable", channel, play.where("channels"))

    @check(is_pure=True)
    async def test_books_can_be_asked_for_where_changes_need_one(self, play: Play) -> None:
        """A feed with CHAINED books has `book`."""
        chained = [channel.name for channel in play.feed.channels if channel.books is BookIds.CHAINED]
        if not chained:
            pytest.skip("no channel declares chained books")
        if not inspect.iscoroutinefunction(getattr(play.feed, "book", None)):
            broken(
                f"{chained} bring changes of books", "BookFeed.book", f"{BookFeed.__name__} is not there", play.where("channels", play.feed)
            )

    @check(is_pure=True)
    async def test_what_is_offered_can_be_awaited(self, play: Play) -> None:
        """An account declares a dead man's switch, a mass cancel and the like by having the methods."""
        for offer in OFFERS:
            names = [name for name in vars(offer) if not name.startswith("_") and callable(getattr(offer, name))]
            there = [name for name in names if hasattr(play.account, name)]
            if there and (len(there) != len(names) or not all(inspect.iscoroutinefunction(getattr(play.account, name)) for name in there)):
                broken(f"the account has {there}", f"async methods {names} of {offer.__name__}", there, play.where(there[0]))

    # ---- time ----

    @check()
    async def test_the_time_comes_from_outside(self, play: Play) -> None:
        """No module of the adapter asks the machine what time it is: the clock is the one that `open` was given."""
        watch = Watch(self.package or package_of(type(play.settings)))
        with watch.looking():
            await play.reopen()
            await play.prepare()
            for _, stream in play.streams:
                link = await play.subscribe(stream)
                await play.read(stream, link)
                stream.ping(1)
                await link.aclose()
            if play.adapter.account is not None:
                order, theirs = await play.placed()
                await play.account.snapshot()
                await play.account.fills(0)
                await play.account.find(play.contract.id, client_id=order.command.client_id)
                await play.account.cancel(play.cancel_of(order), theirs.order_id)
        read = [found for found in watch.found if "urandom" not in found and "random" not in found]
        if read:
            broken("the adapter is used", "time from the clock that `open` was given", read[0], play.where("open", play.settings))

    # ---- secrets ----

    @check()
    async def test_no_secret_is_in_any_text(self, play: Play) -> None:
        """Neither settings, adapter, ports nor errors, tracebacks included, show the key or the secret; nothing is logged."""
        account = play.account
        heard = _Logged()
        logging.getLogger().addHandler(heard)
        try:
            texts = [str(one) + repr(one) for one in (play.settings, play.adapter, play.feed, account)]
            texts += [text async for text in _complaints(play)]
        finally:
            logging.getLogger().removeHandler(heard)
        for text in [*texts, *heard.texts]:
            for secret in (KEY, SECRET):
                if secret in text:
                    at = text.index(secret)
                    broken(
                        "the adapter says something",
                        "neither key nor secret in it",
                        f"…{text[max(0, at - 80) : at]}***",
                        play.where("submit"),
                    )

    @check()
    async def test_the_secret_never_leaves(self, play: Play) -> None:
        """It signs; it is in no frame, no address, no header and no body."""
        if play.spelling.sends_secret:
            pytest.skip("the venue wants the secret itself: `Spelling.sends_secret`")
        await play.prepare()
        link = await play.subscribe(play.account)
        await play.placed()
        await play.account.snapshot()
        await link.aclose()
        for seen in (*play.venue.requests, *play.venue.frames):
            if SECRET in str(seen.sent):
                broken("requests and subscriptions leave", "the secret in none of them", seen.asked, play.where("submit"))

    @check()
    async def test_public_data_is_asked_for_without_credentials(self, play: Play) -> None:
        """A market data line needs no key, so it should not carry one."""
        await play.feed.contracts()
        link = await play.subscribe(play.feed)
        await link.aclose()
        for seen in (*play.venue.requests, *play.venue.frames):
            if KEY in str(seen.sent):
                broken("public data is asked for", "no key in it", seen.asked, play.where("subscribe", play.feed))

    # ---- the end ----

    @check()
    async def test_the_adapter_can_be_closed_at_any_time(self, play: Play) -> None:
        """Unused, used, and twice; it raises nothing."""
        try:
            await play.adapter.aclose()
            await play.reopen()
            await play.prepare()
            await play.adapter.aclose()
            await play.adapter.aclose()
        except Exception as error:  # noqa: BLE001 - whatever is raised is what the check reports
            broken("the adapter is closed", "nothing is raised", repr(error), play.where("aclose", play.adapter))

    @check()
    async def test_two_instances_share_nothing(self, play: Play) -> None:
        """One of them is closed; the other one works."""
        other = play.settings.open("other", clock=play.clock.now)
        contracts = await other.feed.contracts()
        if any(contract.id.adapter != "other" for contract in contracts):
            broken("an adapter is opened as 'other'", "contracts of 'other'", contracts[0].id, play.where("contracts", play.feed))
        await other.aclose()
        await play.prepare()
        if play.adapter.account is not None:
            await play.placed()


class _Logged(logging.Handler):
    """What anybody logs, tracebacks included."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(logging.Formatter().format(record))


async def _complaints(play: Play) -> AsyncIterator[str]:
    """Every error that the adapter can be brought to raise, as a person would see it, with the local variables of its frames."""
    await play.prepare()
    for trouble in (*Trouble, *No):
        for kind, request in ((Place, lambda: play.account.submit(play.order())), (ListOrders, play.account.snapshot)):
            play.venue.trouble(kind, trouble)
            try:
                await request()
            except VenueError as error:
                yield "".join(traceback.TracebackException.from_exception(error, capture_locals=False).format()) + repr(error)
                yield _locals(error)
            play.venue.calm()
            await anyio.sleep(15)


def _locals(error: BaseException) -> str:
    """What the causes of an error still hold in their frames: a log with local variables would show it."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    cause, texts = shown.__cause__, list[str]()
    while cause is not None:
        texts += cause.format(chain=False)
        cause = cause.__cause__
    return "".join(texts)


def _tells(play: Play, one: Frame, kind: type) -> bool:
    return any(isinstance(event, kind) for event in one.stream.decode(one.frame, play.clock.now()).events)
