"""What WebSocket clients say, and the answers: subscriptions judged, carried out and acknowledged; errors; pings.

Owns the order of judgement of a message and the forms of acknowledgements and errors in both dialects. What is then
pushed is the business of Streams.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import attrs

from strikeloop_venue.served.frames import Dialect
from strikeloop_venue.served.outbox import Connection
from strikeloop_venue.served.private_frames import PRIVATE_CHANNELS
from strikeloop_venue.served.public_frames import PUBLIC_CHANNELS
from strikeloop_venue.served.signing import Refusal, check_subscription
from strikeloop_venue.served.spelling import SECOND_NS, decoded, encoded, millis, seconds
from strikeloop_venue.served.streams import Streams
from strikeloop_venue.served.subscriptions import Form, PayloadError, PayloadReader

BAD_FORM, BAD_ARGUMENT, BAD_AUTH = 1, 2, 4
"""The venue's error codes for options; 3 is an error of its own."""


class _RefusedError(Exception):
    """The answer is an error: its code and its sentence."""

    def __init__(self, code: int, message: str) -> None:
        self.code, self.message = code, message
        super().__init__(message)


@attrs.define(eq=False)
class Conversation:
    """Hears the clients of one server."""

    streams: Streams
    refusals: dict[str, tuple[int, str]] = attrs.field(factory=dict)
    """Channels whose subscription is refused, with code and message."""

    def hear(self, connection: Connection, text: str) -> None:
        """Answer one text frame of a client."""
        message = _object(text)
        if message is None:
            connection.outbox.put(self._error({}, BAD_FORM, "request does not follow json schema"))
        elif message["channel"] == "options.ping":
            connection.outbox.put(self._frame(message, channel="options.pong", event="", error=None, result=None))
        else:
            try:
                self._change(connection, message)
            except _RefusedError as refusal:
                connection.outbox.put(self._error(message, refusal.code, refusal.message))

    def upgrade(self, connection: Connection) -> None:
        """Ask a client to connect anew: the venue is about to be replaced."""
        connection.outbox.put(self._frame({"channel": "options.upgrade", "event": "upgrade"}, error=None, result=None))

    def _change(self, connection: Connection, message: Mapping[str, Any]) -> None:
        """Judge a subscription or its end; carry it out, acknowledge it, show the present state."""
        channel, dialect = message["channel"], self.streams.dialect
        if message.get("event") not in ("subscribe", "unsubscribe"):
            raise _RefusedError(BAD_FORM, "event must be subscribe or unsubscribe")
        is_public = channel in PUBLIC_CHANNELS
        if not is_public and channel not in PRIVATE_CHANNELS[dialect]:
            raise _RefusedError(BAD_ARGUMENT, f"unknown channel {channel}")
        if channel in self.refusals:
            raise _RefusedError(*self.refusals[channel])
        user = 0 if is_public else self._user(message)
        payload = message.get("payload")
        try:
            interest = PayloadReader(dialect, self.streams.venue.market).read(channel, payload, user)
        except PayloadError as error:
            raise _RefusedError(error.code, error.message) from None
        joins, form = message["event"] == "subscribe", Form.OBJECT if isinstance(payload, Mapping) else Form.LIST
        self.streams.change(connection, (channel, user), form, interest, joins=joins)
        if is_public or dialect is Dialect.GATE:
            connection.outbox.put(self._frame(message, error=None, result={"status": "success"}))
        member = self.streams.venue.member(user)
        if joins and is_public:
            self.streams.show_market(connection, channel, interest)
        elif joins and member is not None and dialect is Dialect.SEED:
            self.streams.show_account(connection, channel, member, interest)

    def _user(self, message: Mapping[str, Any]) -> int:
        """Who signed a message about a private channel."""
        venue = self.streams.venue
        found = check_subscription(venue.keys, message, venue.clock.wall_s())
        if not isinstance(found, Refusal):
            return found.user_id
        if self.streams.dialect is Dialect.SEED:
            raise _RefusedError(401, "Authentication failed")
        raise _RefusedError(BAD_AUTH, json.dumps({"label": found.label, "message": found.message}, separators=(",", ":")) + "\n")

    def _frame(self, message: Mapping[str, Any], **fields: Any) -> bytes:
        """An answer: it tells the time of day that signatures are judged by, which need not be the market's."""
        now = round(self.streams.venue.clock.wall_s() * SECOND_NS)
        head = {"time": seconds(now), "time_ms": millis(now), "channel": message.get("channel", ""), "event": message.get("event", "")}
        if "id" in message:
            head["id"] = message["id"]
        return encoded({**head, **fields})

    def _error(self, message: Mapping[str, Any], code: int, reason: str) -> bytes:
        channel = message.get("channel", "")
        if self.streams.dialect is Dialect.SEED and channel not in PUBLIC_CHANNELS:
            head = {"time": seconds(self.streams.venue.now), "channel": channel, "event": "error"}
            return encoded({**head, "message": reason, "code": code})
        return self._frame(message, error={"code": code, "message": reason}, result={"status": "fail"})


def _object(text: str) -> dict[str, Any] | None:
    """A message that can be answered: an object with a channel, and an event and an id of the kinds that are repeated."""
    try:
        message = decoded(text)
    except ValueError:
        return None
    if not isinstance(message, dict) or not isinstance(message.get("channel"), str) or not isinstance(message.get("event", ""), str):
        return None
    number = message.get("id")
    is_plain = number is None or isinstance(number, str) or (type(number) is int and abs(number) < 1 << 63)
    return message if is_plain else None
