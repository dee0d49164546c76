"""Checks of connections: subscribing, signing, resubscribing, and leaving nothing behind.

Owns `Connecting`. The core decides when to connect and to subscribe; here is shown that the adapter does it as the venue
wants it, at any time and as often as it is asked.
"""

from __future__ import annotations

from functools import partial

import anyio
import pytest

from strikeloop import events as e
from strikeloop.adapter import Stream
from strikeloop.clock import SECOND_NS
from strikeloop.errors import LinkLostError, VenueError
from strikeloop.session import Phase, State
from strikeloop.testing.suite.asked import ListContracts, Ping, Subscribe, TellTime, Trouble, Unsubscribe
from strikeloop.testing.suite.broken import broken, raising
from strikeloop.testing.suite.checks import Checks, check
from strikeloop.testing.suite.play import Play

HOUR_NS = 3600 * SECOND_NS
MOST_STEPS = 60
CALM_S = 5.0
"""Lets limits refill, so that each attempt comes as far as the one before."""
LISTED = ("id", "underlying", "kind", "strike", "expiry", "multiplier", "tick")


class Connecting(Checks):
    """What `connect`, `subscribe`, `ping`, `prepare` and `contracts` do."""

    @check()
    async def test_opening_the_adapter_connects_to_nothing(self, play: Play) -> None:
        """A configuration is checked without a network."""
        await anyio.sleep(5)
        if play.venue.links or play.venue.requests:
            broken("the adapter was opened", "no connection", f"{len(play.venue.links)} links", play.where("open", play.settings))

    @check()
    async def test_the_contracts_are_listed_as_the_venue_has_them(self, play: Play) -> None:
        """Identity, underlying, kind, strike, expiry (ns UTC), multiplier and tick of each."""
        listed = {contract.id: contract for contract in await play.feed.contracts()}
        where = play.where("contracts", play.feed)
        for theirs in play.venue.books.contracts:
            ours = listed.get(theirs.id)
            if ours is None:
                broken("the venue lists its contracts", f"{theirs.id} among them", sorted(map(str, listed)), where)
            for name in LISTED:
                if getattr(ours, name) != getattr(theirs, name):
                    broken(f"the venue lists {theirs.id}", f"{name} {getattr(theirs, name)!r}", repr(getattr(ours, name)), where)

    @check()
    async def test_a_list_of_contracts_that_does_not_come_is_a_VenueError(self, play: Play) -> None:  # noqa: N802 - the name of the error
        """However it fails."""
        for trouble in Trouble:
            play.venue.trouble(ListContracts, *(trouble,) * 3)
            with raising(VenueError, f"contracts are asked for: {trouble.value}", play.where("contracts", play.feed), exactly=False):
                await play.feed.contracts()
            play.venue.calm()
            await anyio.sleep(15)

    @check()
    async def test_every_channel_is_subscribed(self, play: Play) -> None:
        """The frames of `subscribe` ask for the channels that the port declares."""
        await play.prepare()
        for port, stream in play.streams:
            link = await play.subscribe(stream)
            await play.read(stream, link)
            asked = {one.channel for one in play.venue.asked(Subscribe)}
            missing = [channel.name for channel in stream.channels if channel.name not in asked]
            if missing:
                broken(f"the {port} subscribes", f"{missing} among the subscriptions", asked, play.where("subscribe", stream))
            await link.aclose()

    @check()
    async def test_what_the_venue_says_arrives(self, play: Play) -> None:
        """Each acknowledged channel is acknowledged, and no subscription is refused."""
        await play.prepare()
        for port, stream in play.streams:
            link = await play.subscribe(stream)
            told = [event for decoded in await play.read(stream, link) for event in decoded.events]
            refused = [event for event in told if isinstance(event, e.ChannelRefused)]
            if refused:
                broken(f"the {port} subscribes", "no channel is refused", refused[0], play.where("subscribe", stream))
            heard = {event.channel for event in told if isinstance(event, e.ChannelSubscribed)}
            wanted = {channel.name for channel in stream.channels if channel.acknowledged}
            if heard != wanted:
                broken(f"the {port} subscribes", f"acknowledged: {sorted(wanted)}", sorted(heard), play.where("channels", stream))
            await link.aclose()

    @check()
    async def test_subscriptions_are_signed_by_the_venues_time(self, play: Play) -> None:
        """With clocks an hour apart nothing is refused: the adapter measures the venue's clock in `prepare`."""
        play.need_account()
        for hours in (1, -1):
            play.venue.offset_ns = hours * HOUR_NS
            play.story = f"the venue's clock is {hours} h ahead of ours"
            async with play.running() as run:
                await run.until(lambda: run.session.phase is Phase.READY, "the account is ready", play.where("prepare"))
                refused = run.said(e.ChannelRefused)
                if refused:
                    broken(play.story, "every subscription is accepted", refused[0], play.where("subscribe"))
            await play.reopen()

    @check()
    async def test_a_subscription_is_made_anew_each_time(self, play: Play) -> None:
        """A signed frame that is sent again after an hour would be refused."""
        await play.prepare()
        stream = play.account
        if play.spelling.is_authentic(_frames(play, stream)[0], play.venue.now() + HOUR_NS):
            pytest.skip("the venue's subscriptions bear no time")
        await anyio.sleep(3600)
        await play.account.prepare()
        for frame in _frames(play, stream):
            if not play.spelling.is_authentic(frame, play.venue.now()):
                broken("an hour later the channels are subscribed again", "frames signed now", frame, play.where("subscribe"))

    @check()
    async def test_after_a_lost_line_everything_is_subscribed_again(self, play: Play) -> None:
        """Three times, for whichever reason."""
        async with play.running() as run:
            for reason in ("connection reset", "going away", "restarting"):
                play.story = f"the connections end: {reason}"
                before = len(play.venue.links)
                play.venue.drop(reason)
                await run.until(partial(_stand, play, before), "it connects anew", play.where("connect"))
                await run.until(lambda: run.session.phase is Phase.READY, "it is ready again", play.where("connect"))
                for _, stream in play.streams:
                    wanted = {channel.name for channel in stream.channels}
                    await run.until(
                        partial(_granted, play, wanted),
                        f"{sorted(wanted)} are subscribed again",
                        play.where("subscribe", stream),
                    )

    @check()
    async def test_a_refused_channel_disturbs_no_other(self, play: Play) -> None:
        """It is asked for again, and the line stays up."""
        async with play.running(started=False) as run:
            for port, stream in play.streams:
                if len(stream.channels) > 1 and stream.channels[-1].acknowledged:
                    name = stream.channels[-1].name
                    play.story = f"the venue refuses {name} of the {port}"
                    play.venue.refused = {name: False}
                    others = {channel.name for channel in stream.channels} - {name}
                    await run.until(
                        partial(_granted, play, others),
                        f"{sorted(others)} are subscribed",
                        play.where("subscribe", stream),
                    )
                    links = len(play.venue.links)
                    await anyio.sleep(8)
                    if len(play.venue.links) != links:
                        broken(play.story, "the line stays up", "another connection", play.where("decode", stream))
            play.venue.refused = {}
            await run.until(lambda: run.live.started, "once it is accepted the run begins", play.where("decode"))

    @check()
    async def test_refused_credentials_are_told_and_not_tried_at_once_again(self, play: Play) -> None:
        """At most three times in five minutes."""
        play.need_account()
        play.venue.knows_us = False
        play.story = "the venue refuses the credentials"
        async with play.running(started=False) as run:
            await run.until(lambda: run.session.state is State.AUTH_FAILED, "the account is AUTH_FAILED", play.where("prepare"))
            await anyio.sleep(300)
            tries = sum(bool(link.asked & play.venue.private) for link in play.venue.links)
            if tries > 3:
                broken(play.story, "at most 3 attempts in 5 minutes", tries, play.where("prepare"))

    @check()
    async def test_a_connection_that_cannot_be_made_is_a_LinkLostError(self, play: Play) -> None:  # noqa: N802 - the name of the error
        """So that the core tries again."""
        await play.prepare()
        play.venue.is_up = False
        for port, stream in play.streams:
            with raising(LinkLostError, f"the venue cannot be reached by the {port}", play.where("connect", stream)):
                await stream.connect()

    @check()
    async def test_the_run_begins_once_the_venue_can_be_reached(self, play: Play) -> None:
        """However long that takes."""
        play.venue.is_up = False
        play.story = "the venue cannot be reached for a minute"
        async with play.running(started=False) as run:
            await anyio.sleep(60)
            play.venue.is_up = True
            await run.until(lambda: run.live.started, "the run begins", play.where("prepare"), within_s=60)

    @check()
    async def test_a_quiet_line_is_kept(self, play: Play) -> None:
        """Two minutes without news: the pings are understood and answered, and nothing is connected anew."""
        async with play.running():
            links = len(play.venue.links)
            await anyio.sleep(120)
            if len(play.venue.links) != links:
                broken("nothing happens for two minutes", "the connections stay", "another one", play.where("ping"))
            wants_pings = any(stream.ping(1) is not None for _, stream in play.streams)
            if wants_pings and not play.venue.asked(Ping):
                broken("nothing happens for two minutes", "pings that the venue knows", "none", play.where("ping"))

    @check()
    async def test_a_dead_line_is_found(self, play: Play) -> None:
        """Within twelve seconds of its last sign of life it is given up, and another one stands."""
        async with play.running() as run:
            for link in play.venue.open_links:
                link.is_frozen = True
            links = len(play.venue.links)
            play.story = "the connections look open and are dead"
            await run.until(
                lambda: len(play.venue.links) >= links + len(play.streams), "it connects anew", play.where("connect"), within_s=12
            )

    @check()
    async def test_a_subscription_can_be_ended(self, play: Play) -> None:
        """The frames of `unsubscribe` are understood."""
        await play.prepare()
        for port, stream in play.streams:
            link = await play.subscribe(stream)
            for frame in stream.unsubscribe(stream.channels[0].name, play.venue.now() // SECOND_NS):
                await link.send(frame)
            await play.read(stream, link)
            ended = [one.channel for one in play.venue.asked(Unsubscribe)]
            if stream.channels[0].name not in ended:
                broken(f"the {port} unsubscribes", f"{stream.channels[0].name} is ended", ended, play.where("unsubscribe", stream))
            await link.aclose()

    @check()
    async def test_contracts_are_added_to_a_subscription_that_names_them(self, play: Play) -> None:
        """Where a channel is declared `by_contract`."""
        await play.prepare()
        named = [(stream, channel) for _, stream in play.streams for channel in stream.channels if channel.by_contract]
        if not named:
            pytest.skip("no channel is declared by_contract")
        new = play.venue.books.contracts[-1].id
        for stream, channel in named:
            for frame in stream.subscribe(channel.name, play.venue.now() // SECOND_NS, (new,)):
                heard = play.spelling.heard(frame)
                if not isinstance(heard, Subscribe) or heard.contracts != (new.name,):
                    broken(f"{new} is listed", f"a subscription of {channel.name} for it alone", heard, play.where("subscribe", stream))

    @check()
    async def test_cancelling_leaves_nothing_behind(self, play: Play) -> None:
        """`prepare` and `connect` are cancelled at each of their steps: no link stays open, no request hangs, and all works after it."""
        for port, stream in play.streams:
            for step in range(MOST_STEPS):
                with anyio.CancelScope() as scope:
                    async with anyio.create_task_group() as tasks:
                        tasks.start_soon(_cancel_after, scope, step)
                        await play.prepare()
                        link = await stream.connect()
                        with anyio.CancelScope(shield=True):
                            await link.aclose()
                        tasks.cancel_scope.cancel()
                if play.venue.in_flight or any(not link.is_closed for link in play.venue.links):
                    happened = f"the {port} was cancelled at step {step} of connecting"
                    broken(happened, "no open link and no request on its way", "one", play.where("connect", stream))
                if not scope.cancelled_caught:
                    break
                await anyio.sleep(CALM_S)
            await play.prepare()

    @check()
    async def test_a_clock_that_cannot_be_asked_is_a_VenueError(self, play: Play) -> None:  # noqa: N802 - the name of the error
        """Where the adapter asks the venue's time."""
        await play.account.prepare()
        if not play.venue.asked(TellTime):
            pytest.skip("the adapter asks no clock")
        for trouble in Trouble:
            play.venue.trouble(TellTime, *(trouble,) * 3)
            with raising(VenueError, f"the time is asked for: {trouble.value}", play.where("prepare"), exactly=False):
                await play.account.prepare()
            play.venue.calm()
            await anyio.sleep(15)


def _stand(play: Play, before: int) -> bool:
    """Whether there are new connections for every port."""
    return len(play.venue.links) >= before + len(play.streams)


def _granted(play: Play, channels: set[str]) -> bool:
    """Whether one connection has all of these."""
    return any(channels <= link.channels for link in play.venue.open_links)


async def _cancel_after(scope: anyio.CancelScope, steps: int) -> None:
    await anyio.sleep(0.0011 * steps)
    scope.cancel()


def _frames(play: Play, stream: Stream) -> list[bytes]:
    now = play.venue.now() // SECOND_NS
    return [frame for channel in stream.channels for frame in stream.subscribe(channel.name, now)]
