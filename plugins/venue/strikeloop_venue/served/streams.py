"""What happens at the venue as frames for the connections that want it.

Owns who listens to what, and the pushes: each event as it happens, books and candles at their pace. Frames go into
outboxes here; the listener carries them to the sockets. What clients say is the business of Conversation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import attrs

from strikeloop import Event, PositionUpdated
from strikeloop_venue.served.bars import INTERVALS, Bar
from strikeloop_venue.served.depth import BookFeed
from strikeloop_venue.served.frames import Dialect, Facts, Push, Result, update_frame
from strikeloop_venue.served.market import BookChange
from strikeloop_venue.served.member import Member
from strikeloop_venue.served.outbox import Connection, Topic
from strikeloop_venue.served.private_frames import PRIVATE
from strikeloop_venue.served.public_frames import BOOKS, CANDLES, PUBLIC, PUBLIC_CHANNELS, book_snapshot, book_update, candle, legacy_book
from strikeloop_venue.served.running import RunningVenue
from strikeloop_venue.served.subscriptions import Form, Interest

PULSE_S = 0.05
"""Wall seconds between two looks at what is told at a pace."""
_EVERY = {"100ms": 2, "0": 5, "1000ms": 20}
"""How many pulses lie between two updates of a book, by its pace; "0" is that of the legacy channel."""
_CANDLES_EVERY = 40

Deliver = Callable[[Connection, str, bytes, object], None]
"""Puts a frame of a channel, under its key where it may be conflated, into a connection's outbox."""


def put(connection: Connection, channel: str, frame: bytes, key: object) -> None:
    """The way of a frame on which nothing goes wrong."""
    connection.outbox.put(frame, key)


@attrs.define(eq=False)
class Streams:
    """Every WebSocket connection of one server."""

    venue: RunningVenue
    dialect: Dialect
    deliver: Deliver = put
    connections: list[Connection] = attrs.field(factory=list)
    _readers: dict[Topic, list[Connection]] = attrs.field(factory=dict)
    _told: dict[tuple[int, str], tuple[Any, ...]] = attrs.field(factory=dict)
    _books: dict[str, dict[tuple[str, str], BookFeed]] = attrs.field(factory=dict)
    """By contract, the books that somebody follows, by channel and `contract pace depth`."""
    _candles: dict[str, Bar] = attrs.field(factory=dict)
    """The last bar that was told, by interval and name."""
    _pulses: int = 0

    # ---- who listens -----------------------------------------------------------------------------------------

    def change(self, connection: Connection, topic: Topic, form: Form, interest: Interest, *, joins: bool) -> None:
        """A connection wants more, or less, of a channel."""
        readers = self._readers.setdefault(topic, [])
        wanted = connection.change(topic, form, interest, joins=joins)
        if wanted and connection not in readers:
            readers.append(connection)
        elif not wanted and connection in readers:
            readers.remove(connection)
        if not readers:
            del self._readers[topic]
        if joins and topic[0] in BOOKS:
            for name in interest.names:
                self._open_book(topic[0], name)

    def leave(self, connection: Connection) -> None:
        """A connection has ended."""
        self.connections.remove(connection)
        for topic, forms in list(connection.interests.items()):
            for form, interest in list(forms.items()):
                self.change(connection, topic, form, attrs.evolve(interest), joins=False)

    def _wanting(self, topic: Topic, name: str, underlying: str) -> list[Connection]:
        return [reader for reader in self._readers.get(topic, ()) if reader.wants(topic, name, underlying)]

    # ---- what happens goes out -------------------------------------------------------------------------------

    def publish_market(self, event: Event, change: BookChange | None) -> None:
        name, underlying = self._subject(event)
        facts = Facts(self.venue.market)
        for push in PUBLIC.get(type(event), ()):
            key = (push.channel, name) if push.conflate else None
            self._push(push, 0, event, facts, name, underlying, key)
        if change is not None:
            for feed in self._books.get(name, {}).values():
                feed.look()

    def publish_account(self, member: Member, event: Event) -> None:
        push = PRIVATE[self.dialect].get(type(event))
        if push is None or not self._is_news(member, event):
            return
        facts = Facts(self.venue.market, member.book, member.user_id)
        self._push(push, member.user_id, event, facts, *self._subject(event), None)

    def _is_news(self, member: Member, event: Event) -> bool:
        """The real venue's position frames carry no mark, so it has no reason to send one when only the mark moved."""
        if self.dialect is Dialect.SEED or not isinstance(event, PositionUpdated):
            return True
        key, now = (member.user_id, event.contract.name), (event.size, event.entry_price, event.realized_pnl)
        before = self._told.get(key)
        if event.size:
            self._told[key] = now
        else:
            self._told.pop(key, None)
        return before != now

    def _push(self, push: Push, user: int, event: Event, facts: Facts, name: str, underlying: str, key: object) -> None:
        readers = self._wanting((push.channel, user), name, underlying)
        result = push.build(event, facts) if readers else None
        if result is not None:
            self._send(readers, push.channel, result, key)

    def _send(self, readers: Iterable[Connection], channel: str, result: Result, key: object = None, event: str = "update") -> None:
        has_millis = self.dialect is Dialect.GATE or channel in PUBLIC_CHANNELS
        frame = update_frame(channel, result, self.venue.now, event=event, has_millis=has_millis)
        for reader in readers:
            self.deliver(reader, channel, frame, key)
            if reader.outbox.is_overflown:
                reader.drop(None)

    def _subject(self, event: Event) -> tuple[str, str]:
        """The name an event goes by in subscriptions, and its underlying."""
        contract = getattr(event, "contract", None)
        if contract is None:
            return getattr(event, "underlying", ""), getattr(event, "underlying", "")
        found = self.venue.market.specification(contract.name)
        return contract.name, found.underlying if found else ""

    # ---- what is told at a pace ------------------------------------------------------------------------------

    def pulse(self) -> None:
        """Tell the books and candles whose time has come. Call it every `PULSE_S`."""
        self._pulses += 1
        for contract, feeds in list(self._books.items()):
            for (channel, name), feed in list(feeds.items()):
                if self._pulses % _EVERY[name.split()[1]] == 0 and not self._tell_book(channel, name, feed):
                    del feeds[channel, name]
            if not feeds:
                del self._books[contract]
        if self._pulses % _CANDLES_EVERY == 0:
            wanted = {n: readers for topic in self._readers if topic[0] in CANDLES for n, readers in self._candle_readers(topic).items()}
            self._candles = {n: bar for n, bar in self._candles.items() if n in wanted}
            for topic in [topic for topic in self._readers if topic[0] in CANDLES]:
                for n, readers in self._candle_readers(topic).items():
                    self._tell_candles(topic[0], n, readers)

    def _tell_book(self, channel: str, name: str, feed: BookFeed) -> bool:
        """Tell what has changed; False when nobody follows this book any more, or there is none."""
        readers, contract = self._wanting((channel, 0), name, ""), feed.board.contract.id.name
        if not readers or contract not in self.venue.market.contracts:
            return False
        change = feed.take()
        if change is not None:
            form = book_update if channel == "options.order_book_update" else legacy_book
            self._send(readers, channel, form(contract, change))
        return True

    def _open_book(self, channel: str, name: str) -> None:
        contract, _, depth = name.split()
        board, feeds = self.venue.market.contracts.get(contract), self._books.setdefault(contract, {})
        if board is not None and (channel, name) not in feeds:
            feeds[channel, name] = BookFeed(board, int(depth))

    def _candle_readers(self, topic: Topic) -> dict[str, list[Connection]]:
        """Who wants which candles of a channel, by interval and name; an underlying stands for its contracts."""
        out: dict[str, list[Connection]] = {}
        for reader in self._readers.get(topic, ()):
            for n in dict.fromkeys(n for interest in reader.interests[topic].values() for n in self._candle_names(interest)):
                out.setdefault(n, []).append(reader)
        return out

    def _candle_names(self, interest: Interest) -> Iterable[str]:
        yield from sorted(interest.names)
        for whole in sorted(interest.underlyings):
            interval, _, underlying = whole.partition("_")
            for board in self.venue.market.contracts.values():
                if board.contract.underlying == underlying:
                    yield f"{interval}_{board.contract.id.name}"

    def _tell_candles(self, channel: str, n: str, readers: list[Connection]) -> None:
        """The bar that goes on, after the end of the one before it where that has not been told."""
        told, bars = self._candles.get(n), self._latest(n)
        fresh = [bar for bar in bars if told is None or (bar.start >= told.start and bar != told)]
        if fresh:
            self._candles[n] = attrs.evolve(fresh[-1])
            self._send(readers, channel, [candle(n, bar) for bar in fresh])

    def _latest(self, n: str) -> list[Bar]:
        """The last two bars, oldest first."""
        interval, _, name = n.partition("_")
        series = self.venue.market.series(name)
        made = iter(()) if series is None else series.bars(INTERVALS[interval])
        return [bar for _, bar in zip(range(2), made, strict=False)][::-1]

    # ---- the present state, once -----------------------------------------------------------------------------

    def show_market(self, connection: Connection, channel: str, interest: Interest) -> None:
        """The latest state of a channel that has one: a subscriber need not wait for the next change."""
        if channel in CANDLES:
            for n in self._candle_names(interest):
                bars = self._latest(n)[-1:]
                if bars:
                    self._candles.setdefault(n, attrs.evolve(bars[0]))
                    self._send([connection], channel, [candle(n, bar) for bar in bars])
        elif channel == "options.order_book":
            for name in sorted(interest.names):
                feed = self._books[name.split()[0]].get((channel, name))
                if feed is not None:
                    self._send([connection], channel, book_snapshot(feed.board, feed.depth, self.venue.now), event="all")
        elif channel not in BOOKS:
            self._show_boards(connection, channel, interest)

    def _show_boards(self, connection: Connection, channel: str, interest: Interest) -> None:
        market = self.venue.market
        for board in list(market.contracts.values()):
            if interest.wants(board.contract.id.name, board.contract.underlying):
                for event in (board.ticker, board.quote):
                    if event is not None:
                        self._show(connection, channel, PUBLIC[type(event)], event, Facts(market))
        for index in list(market.underlyings.values()):
            if index.latest is not None and interest.wants(index.name, index.name):
                self._show(connection, channel, PUBLIC[type(index.latest)], index.latest, Facts(market))

    def show_account(self, connection: Connection, channel: str, member: Member, interest: Interest) -> None:
        """The seed document has no acknowledgements: the present state is what tells a client that it is subscribed."""
        orders = [row.event for row in member.book.open.values()]
        risk = [] if member.risk is None else [member.risk]
        facts = Facts(self.venue.market, member.book, member.user_id)
        for event in (*orders, *member.positions(), member.balance(), *risk):
            if interest.wants(*self._subject(event)):
                self._show(connection, channel, (PRIVATE[self.dialect][type(event)],), event, facts)

    def _show(self, connection: Connection, channel: str, pushes: tuple[Push, ...], event: Event, facts: Facts) -> None:
        for push in pushes:
            result = push.build(event, facts) if push.channel == channel else None
            if result is not None:
                self._send([connection], channel, result)
