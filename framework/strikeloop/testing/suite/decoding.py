"""Checks of decoding: pure, total on junk, exact, and nothing made up.

Owns `Decoding`. Its checks wait for nothing and need no account; they look at frames in the venue's spelling.
"""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from strikeloop import events as e
from strikeloop.adapter import Decoded, Stream
from strikeloop.errors import DecodeError
from strikeloop.testing.suite.asked import Ping, Subscribe
from strikeloop.testing.suite.broken import broken
from strikeloop.testing.suite.checks import Checks, check
from strikeloop.testing.suite.damage import (
    JUNK,
    NEW_WORD,
    NO_NUMBERS,
    flipped,
    invented,
    is_number,
    leaves,
    objects,
    replaced,
    with_more,
    without,
)
from strikeloop.testing.suite.play import Play
from strikeloop.testing.suite.samples import Frame, frames, mismatch, of

RECEIVED = 1_780_272_111_222_333_444
Event = e.Event


class Decoding(Checks):
    """What `decode` makes of a frame."""

    @check(is_pure=True)
    async def test_an_order_is_read_as_the_venue_says_it(self, play: Play) -> None:
        """State, signed size, what is left, price, and both names."""
        _come_through(play, e.OrderUpdated)

    @check(is_pure=True)
    async def test_an_execution_is_read_as_the_venue_says_it(self, play: Play) -> None:
        """Signed size, price, fee, role, and the names that tell it from every other."""
        _come_through(play, e.Filled)

    @check(is_pure=True)
    async def test_a_position_is_read_as_the_venue_says_it(self, play: Play) -> None:
        """Signed size and entry price."""
        _come_through(play, e.PositionUpdated)

    @check(is_pure=True)
    async def test_the_money_is_read_as_the_venue_says_it(self, play: Play) -> None:
        """Balances, and the entries of the ledger."""
        _come_through(play, e.BalanceUpdated, e.LedgerPosted)

    @check(is_pure=True)
    async def test_the_market_is_read_as_the_venue_says_it(self, play: Play) -> None:
        """Quotes (also with an empty side), trades with the taker's sign, tickers, underlyings."""
        _come_through(play, e.Quoted, e.Traded, e.TickerUpdated, e.UnderlyingPriced)

    @check(is_pure=True)
    async def test_what_comes_on_a_channel_says_so(self, play: Play) -> None:
        """`Decoded.channel` is the channel that the frame came on, and `received` of every event is what decode was given."""
        for one in _all(play):
            decoded = _decode(play, one)
            late = [event for event in decoded.events if event.received != RECEIVED]
            if decoded.channel != one.channel or late:
                got = f"channel {decoded.channel!r}" + (f", received {late[0].received}" if late else "")
                broken(
                    f"{_short(one.frame)} came on {one.channel}", f"channel {one.channel!r}, received {RECEIVED}", got, _where(play, one)
                )

    @check(is_pure=True)
    async def test_every_event_bears_the_name_of_the_instance(self, play: Play) -> None:
        """Two instances of one adapter may run side by side."""
        for one in _all(play):
            for event in _decode(play, one).events:
                name = event.contract.adapter if hasattr(event, "contract") else getattr(event, "adapter", "venue")
                if name != "venue":
                    broken(_short(one.frame), "events of the instance it was opened as: 'venue'", repr(name), _where(play, one))

    @check(is_pure=True)
    async def test_the_same_frame_gives_the_same_events(self, play: Play) -> None:
        """Whatever was decoded before, and on whichever object."""
        first = {one: _decode(play, one).events for one in _all(play)}
        other = Play(self, play.clock)
        streams = dict(other.streams)
        again = list(first)
        Random(1).shuffle(again)
        for one in [*again, *reversed(again)]:
            for stream in (one.stream, streams[one.port]):
                events = _tried(play, stream, one.frame).events
                if events != first[one]:
                    broken(f"{_short(one.frame)} came again", f"again {first[one]}", events, _where(play, one))

    @check(is_pure=True)
    async def test_text_and_bytes_are_read_alike(self, play: Play) -> None:
        """`decode` takes both."""
        for one in _all(play):
            if _tried(play, one.stream, one.frame.decode()).events != _decode(play, one).events:
                broken(f"{_short(one.frame)} came as text", "the events of the same bytes", "others", _where(play, one))

    @check(is_pure=True)
    async def test_junk_is_refused_and_nothing_else_is_raised(self, play: Play) -> None:
        """No JSON, no UTF-8, other JSON, far too deep, far too long: DecodeError, or no events."""
        for port, stream in play.streams:
            for junk in JUNK:
                decoded = _or_refused(stream, junk, play.where("decode", stream))
                if decoded is not None and decoded.events:
                    broken(f"junk came on the {port}: {_short(junk)}", "DecodeError", decoded.events, play.where("decode", stream))

    @check(is_pure=True)
    async def test_a_frame_that_was_cut_is_refused(self, play: Play) -> None:
        """At whatever byte."""
        for one in _all(play):
            for end in range(1, len(one.frame), 7):
                if _or_refused(one.stream, one.frame[:end], _where(play, one)) is not None:
                    broken(f"only {end} bytes came of {_short(one.frame)}", "DecodeError", "events", _where(play, one))

    @check(is_pure=True)
    async def test_a_damaged_frame_raises_nothing_but_DecodeError(self, play: Play) -> None:  # noqa: N802 - the name of the error
        """Bytes flipped at random, 40 times for each frame."""
        random = Random(7)
        for one in _all(play):
            for _ in range(40):
                _or_refused(one.stream, flipped(one.frame, random), _where(play, one))

    @check(is_pure=True)
    async def test_what_is_no_number_is_never_taken_for_one(self, play: Play) -> None:
        """true, NaN, 1e999, blanks, lists and digits of other scripts, in the place of each number."""
        for one, document in _documents(play):
            before = _decode(play, one).events
            for path, value in leaves(document):
                if is_number(value):
                    for wrong in NO_NUMBERS:
                        _not_invented(play, one, before, replaced(document, path, wrong), wrong, f"{_path(path)} is {wrong!r}")

    @check(is_pure=True)
    async def test_a_field_that_is_missing_is_not_made_up(self, play: Play) -> None:
        """It is refused, or nothing is said of it."""
        for one, document in _documents(play):
            before = _decode(play, one).events
            for path, found in objects(document):
                for key in found:
                    _not_invented(play, one, before, without(document, path, key), "", f"{_path((*path, key))} is missing")

    @check(is_pure=True)
    async def test_a_word_nobody_documented_is_not_taken_for_another(self, play: Play) -> None:
        """A new state of an order is UNKNOWN or refused, never open or filled."""
        for one, document in _documents(play):
            before = _decode(play, one).events
            for path, value in leaves(document):
                if isinstance(value, str) and not is_number(value):
                    _not_invented(play, one, before, replaced(document, path, NEW_WORD), NEW_WORD, f"{_path(path)} is {NEW_WORD!r}")

    @check(is_pure=True)
    async def test_a_field_nobody_documented_does_no_harm(self, play: Play) -> None:
        """Venues add fields without notice."""
        for one, document in _documents(play):
            decoded = _tried(play, one.stream, with_more(document))
            if decoded.events != _decode(play, one).events:
                broken(f"a new field came in {_short(one.frame)}", "the same events", decoded.events, _where(play, one))

    @check(is_pure=True)
    async def test_an_acknowledgement_is_read(self, play: Play) -> None:
        """As ChannelSubscribed of its channel, for every channel that declares to be acknowledged."""
        for port, stream in play.streams:
            for channel in stream.channels:
                frames = play.spelling.acknowledged(Subscribe(channel.name), play.venue.now()) if channel.acknowledged else ()
                told = [event for frame in frames for event in _tried(play, stream, frame).events]
                if channel.acknowledged and [(type(one), getattr(one, "channel", "")) for one in told] != [
                    (e.ChannelSubscribed, channel.name)
                ]:
                    broken(f"the venue acknowledges {channel.name} ({port})", "ChannelSubscribed", told, play.where("decode", stream))

    @check(is_pure=True)
    async def test_a_refused_subscription_is_read(self, play: Play) -> None:
        """As ChannelRefused of its channel, `is_auth` where it was for the credentials."""
        for port, stream in play.streams:
            channel = stream.channels[0].name
            for is_auth in (False, True) if port == "account" else (False,):
                told = _tried(play, stream, play.spelling.refused(Subscribe(channel), play.venue.now(), is_auth=is_auth)).events
                got = [(type(one), getattr(one, "channel", ""), getattr(one, "is_auth", None)) for one in told]
                if got != [(e.ChannelRefused, channel, is_auth)]:
                    expected = f"ChannelRefused of {channel} with is_auth={is_auth}"
                    broken(f"the venue refuses {channel} ({port})", expected, told, play.where("decode", stream))

    @check(is_pure=True)
    async def test_a_heartbeat_is_no_news(self, play: Play) -> None:
        """The answer to the venue's own ping."""
        pong = play.spelling.pong(Ping(), play.venue.now())
        if pong is None:
            pytest.skip("the venue has no keep-alive of its own")
        for port, stream in play.streams:
            decoded = _tried(play, stream, pong)
            if not decoded.is_heartbeat or decoded.events:
                broken(
                    f"a heartbeat comes on the {port}: {_short(pong)}", "is_heartbeat, and no events", decoded, play.where("decode", stream)
                )

    @check(is_pure=True)
    async def test_recorded_frames_are_read(self, play: Play) -> None:
        """Frames that the venue really sent, where the suite has any: each is decoded by one port at least, and purely."""
        if not self.recorded:
            pytest.skip("no frames were recorded: set `recorded`")
        for frame in self.recorded:
            told = [_or_refused(stream, frame, play.where("decode", stream)) for _, stream in play.streams]
            if all(decoded is None for decoded in told):
                broken(f"the venue sent {_short(frame)}", "events", "DecodeError", play.where("decode"))


# ---- what the checks do ----------------------------------------------------------------------------------------------


def _all(play: Play) -> list[Frame]:
    found = frames(play)
    if not found:
        broken("the venue says everything it can", "frames on declared channels", "none: `told` gives nothing", play.where("channels"))
    return found


def _documents(play: Play) -> list[tuple[Frame, Any]]:
    found = []
    for one in _all(play):
        try:
            found.append((one, json.loads(one.frame)))
        except ValueError:
            pytest.skip("the venue's frames are no JSON")
    return found


def _come_through(play: Play, *kinds: type[Event]) -> None:
    told = [one for kind in kinds for one in of(play, kind)]
    if not told:
        pytest.skip(f"no stream of the venue tells {' or '.join(kind.__name__ for kind in kinds)}")
    for one in told:
        heard = [event for event in _decode(play, one).events if type(event) is type(one.event)]
        wrong = mismatch(one.event, heard[0]) if heard else f"no {type(one.event).__name__}"
        if wrong:
            broken(f"the venue says {_short(one.frame)}", str(one.event), wrong, _where(play, one))


def _not_invented(play: Play, one: Frame, before: tuple[Event, ...], frame: bytes, value: Any, what: str) -> None:
    decoded = _or_refused(one.stream, frame, _where(play, one))
    made_up = "" if decoded is None else invented(before, decoded.events, value)
    if made_up:
        broken(f"{what} in {_short(one.frame)}", "DecodeError, or nothing said of it", made_up, _where(play, one))


def _decode(play: Play, one: Frame) -> Decoded:
    return _tried(play, one.stream, one.frame)


def _tried(play: Play, stream: Stream, frame: bytes | str) -> Decoded:
    try:
        return stream.decode(frame, RECEIVED)
    except Exception as error:  # noqa: BLE001 - whatever is raised is what the check reports
        return broken(f"the venue says {_short(frame)}", "events", f"{type(error).__name__}: {error}", play.where("decode", stream))


def _or_refused(stream: Stream, frame: bytes, where: str) -> Decoded | None:
    """What is decoded; None for DecodeError. Any other error breaks the contract."""
    try:
        return stream.decode(frame, RECEIVED)
    except DecodeError:
        return None
    except Exception as error:  # noqa: BLE001 - whatever else is raised breaks the contract
        return broken(f"{_short(frame)} came", "DecodeError or events", f"{type(error).__name__}: {error}", where)


def _where(play: Play, one: Frame) -> str:
    return play.where("decode", one.stream)


def _path(path: tuple[Any, ...]) -> str:
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).lstrip(".")


def _short(frame: bytes | str) -> str:
    text = frame if isinstance(frame, str) else frame.decode("utf-8", "replace")
    return text if len(text) <= 200 else text[:197] + "…"
