"""The WebSocket face: answers subscriptions and pushes what happens to the connections that want it.

Owns the conversation (auth, acknowledgements, errors, ping) in both dialects, the pushes, and each connection's bounded
outbox. Frames go into outboxes here; the listener carries them to the sockets.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import anyio
import attrs

from strikeloop import BalanceUpdated, Event, PortfolioRiskUpdated, PositionUpdated
from strikeloop_venue.served.frames import Dialect, Facts, Push, update_frame
from strikeloop_venue.served.market import BookChange
from strikeloop_venue.served.private_frames import PRIVATE, PRIVATE_CHANNELS
from strikeloop_venue.served.public_frames import PUBLIC, PUBLIC_CHANNELS, book_snapshot
from strikeloop_venue.served.running import RunningVenue
from strikeloop_venue.served.signing import Credentials, Refusal, check_subscription
from strikeloop_venue.served.spelling import encoded, millis, seconds
from strikeloop_venue.served.subscriptions import Interest, PayloadError, PayloadReader


@attrs.define(eq=False)
class Outbox:
    """Frames on their way to one client. A conflatable frame replaces the one of the same key that still waits.

    More than `limit` waiting frames mean a client that does not read: `is_overflown`, and it has to go.
    """

    limit: int
    is_overflown: bool = False
    _waiting: dict[object, bytes] = attrs.field(factory=dict)
    _count: int = 0
    _filled: anyio.Event = attrs.field(factory=anyio.Event)

    def put(self, frame: bytes, key: object = None) -> None:
        if key is None:
            self._count += 1
            key = self._count
        self._waiting[key] = frame
        self.is_overflown |= len(self._waiting) > self.limit
        self._filled.set()

    async def take(self) -> list[bytes]:
        """Every waiting frame, at least one."""
        while not self._waiting:
            self._filled = anyio.Event()
            await self._filled.wait()
        frames = list(self._waiting.values())
        self._waiting.clear()
        return frames


@attrs.define(eq=False)
class Connection:
    """One WebSocket: what it wants, and what waits for it. `drop` ends it: None resets it, a number is a close code."""

    number: int
    outbox: Outbox
    drop: Callable[[int | None], None]
    interests: dict[str, Interest] = attrs.field(factory=dict)

    @property
    def is_private(self) -> bool:
        """Whether it listens to the account."""
        return any(channel not in PUBLIC_CHANNELS for channel in self.interests)

    def wants(self, channel: str, name: str, underlying: str) -> bool:
        interest = self.interests.get(channel)
        return interest is not None and interest.wants(name, underlying)


@attrs.define(eq=False)
class Streams:
    """Every WebSocket connection of one server."""

    venue: RunningVenue
    dialect: Dialect
    credentials: Credentials
    refusals: dict[str, tuple[int, str]] = attrs.field(factory=dict)
    """Channels whose subscription is refused, with code and message."""
    connections: list[Connection] = attrs.field(factory=list)
    _told: dict[str, tuple[Any, ...]] = attrs.field(factory=dict)
    _latest: dict[type[Event], Event] = attrs.field(factory=dict)

    # ---- what happens goes out -------------------------------------------------------------------------------

    def publish_market(self, event: Event, change: BookChange | None) -> None:
        name, underlying = self._subject(event)
        facts = self._facts(change)
        for push in PUBLIC.get(type(event), ()):
            key = (push.channel, name) if push.conflate else None
            self._push(push, event, facts, name, underlying, key)

    def publish_account(self, event: Event) -> None:
        if isinstance(event, BalanceUpdated | PortfolioRiskUpdated):
            self._latest[type(event)] = event
        push = PRIVATE[self.dialect].get(type(event))
        if push is None or not self._is_news(event):
            return
        self._push(push, event, self._facts(), *self._subject(event), None)

    def _is_news(self, event: Event) -> bool:
        """The real venue's position frames carry no mark, so it has no reason to send one when only the mark moved."""
        if self.dialect is Dialect.SEED or not isinstance(event, PositionUpdated):
            return True
        now = (event.size, event.entry_price, event.realized_pnl)
        before, self._told[event.contract.name] = self._told.get(event.contract.name), now
        return before != now

    def _push(self, push: Push, event: Event, facts: Facts, name: str, underlying: str, key: object) -> None:
        readers = [reader for reader in self.connections if reader.wants(push.channel, name, underlying)]
        result = push.build(event, facts) if readers else None
        if result is None:
            return
        frame = update_frame(push, result, self.venue.now)
        for reader in readers:
            self._put(reader, frame, key)

    def _put(self, reader: Connection, frame: bytes, key: object = None) -> None:
        reader.outbox.put(frame, key)
        if reader.outbox.is_overflown:
            reader.drop(None)

    def _subject(self, event: Event) -> tuple[str, str]:
        """The name an event goes by in subscriptions, and its underlying."""
        contract = getattr(event, "contract", None)
        if contract is None:
            return getattr(event, "underlying", ""), getattr(event, "underlying", "")
        found = self.venue.market.specification(contract.name)
        return contract.name, found.underlying if found else ""

    def _facts(self, change: BookChange | None = None) -> Facts:
        return Facts(self.venue.market, self.venue.account, self.credentials.user_id, change)

    # ---- what a client says ----------------------------------------------------------------------------------

    def hear(self, connection: Connection, text: str) -> None:
        """Answer one text frame of a client."""
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict) or not isinstance(message.get("channel"), str):
            connection.outbox.put(self._error({}, 1, "request does not follow json schema"))
            return
        if message["channel"] == "options.ping":
            connection.outbox.put(self._frame(message, channel="options.pong", event="", error=None, result=None))
        elif message.get("event") in ("subscribe", "unsubscribe"):
            self._change(connection, message)
        else:
            connection.outbox.put(self._error(message, 1, "event must be subscribe or unsubscribe"))

    def _change(self, connection: Connection, message: Mapping[str, Any]) -> None:
        """Judge a subscription or its end; carry it out, acknowledge it, show the present state."""
        channel = message["channel"]
        is_public = channel in PUBLIC_CHANNELS
        if not is_public and channel not in PRIVATE_CHANNELS[self.dialect]:
            connection.outbox.put(self._error(message, 2, f"unknown channel {channel}"))
            return
        if channel in self.refusals:
            connection.outbox.put(self._error(message, *self.refusals[channel]))
            return
        refusal = None if is_public else check_subscription(self.credentials, message, self.venue.clock.wall_s())
        if refusal is not None:
            connection.outbox.put(self._auth_error(message, refusal))
            return
        try:
            interest = PayloadReader(self.dialect, self.venue.market, self.credentials.user_id).read(channel, message.get("payload"))
        except PayloadError as error:
            connection.outbox.put(self._error(message, error.code, error.message))
            return
        self._carry_out(connection, message, channel, interest)

    def _carry_out(self, connection: Connection, message: Mapping[str, Any], channel: str, interest: Interest) -> None:
        subscribing = message["event"] == "subscribe"
        held = connection.interests.setdefault(channel, Interest())
        if subscribing:
            held.join(interest)
        else:
            held.leave(interest)
        if held.is_empty:
            del connection.interests[channel]
        is_public = channel in PUBLIC_CHANNELS
        if is_public or self.dialect is Dialect.GATE:
            connection.outbox.put(self._frame(message, error=None, result={"status": "success"}))
        if subscribing and is_public:
            self._show_market(connection, channel, interest)
        elif subscribing and self.dialect is Dialect.SEED:
            self._show_account(connection, channel, interest)

    # ---- the present state, once -----------------------------------------------------------------------------

    def _show_market(self, connection: Connection, channel: str, interest: Interest) -> None:
        """The latest state of a channel that has one: a subscriber need not wait for the next change."""
        now, market = self.venue.now, self.venue.market
        for board in list(market.contracts.values()):
            if not interest.wants(board.contract.id.name, board.contract.underlying):
                continue
            if channel == "options.order_book":
                push = Push(channel, lambda event, facts: None, event="all")
                connection.outbox.put(update_frame(push, book_snapshot(board, 50, now), now))
            for event in (board.ticker, board.quote):
                if event is not None:
                    self._show(connection, channel, PUBLIC[type(event)], event)
        for index in list(market.underlyings.values()):
            if index.latest is not None and interest.wants(index.name, index.name):
                self._show(connection, channel, PUBLIC[type(index.latest)], index.latest)

    def _show_account(self, connection: Connection, channel: str, interest: Interest) -> None:
        """The seed document has no acknowledgements: the present state is what tells a client that it is subscribed."""
        snapshot = self.venue.snapshot()
        balances = [self._latest.get(BalanceUpdated, *snapshot.balances[:1])] if snapshot.balances else []
        risk = self._latest.get(PortfolioRiskUpdated)
        for event in (*snapshot.orders, *snapshot.positions, *balances, *([risk] if risk else [])):
            if interest.wants(*self._subject(event)):
                self._show(connection, channel, (PRIVATE[self.dialect][type(event)],), event)

    def _show(self, connection: Connection, channel: str, pushes: tuple[Push, ...], event: Event) -> None:
        for push in pushes:
            result = push.build(event, self._facts()) if push.channel == channel else None
            if result is not None:
                self._put(connection, update_frame(push, result, self.venue.now))

    # ---- the forms of answers --------------------------------------------------------------------------------

    def _frame(self, message: Mapping[str, Any], **fields: Any) -> bytes:
        now = self.venue.now
        head = {"time": seconds(now), "time_ms": millis(now), "channel": message.get("channel", ""), "event": message.get("event", "")}
        if "id" in message:
            head["id"] = message["id"]
        return encoded({**head, **fields})

    def _auth_error(self, message: Mapping[str, Any], refusal: Refusal) -> bytes:
        if self.dialect is Dialect.SEED:
            return self._error(message, 401, "Authentication failed")
        nested = json.dumps({"label": refusal.label, "message": refusal.message}, separators=(",", ":")) + "\n"
        return self._error(message, 4, nested)

    def _error(self, message: Mapping[str, Any], code: int, reason: str) -> bytes:
        channel = message.get("channel", "")
        if self.dialect is Dialect.SEED and channel not in PUBLIC_CHANNELS:
            head = {"time": seconds(self.venue.now), "channel": channel, "event": "error"}
            return encoded({**head, "message": reason, "code": code})
        return self._frame(message, error={"code": code, "message": reason}, result={"status": "fail"})
