"""The played venue: a network in memory on which one venue answers, in the spelling of its author and in virtual time.

Owns `PlayedVenue` and its links. It does what it is asked, unless the check wants trouble; it notes every request and
every frame it gets, and what it could not understand.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Any

import anyio
import attrs
import httpx

from strikeloop.adapter import Link
from strikeloop.clock import SECOND_NS
from strikeloop.errors import LinkLostError
from strikeloop.events import Event
from strikeloop.testing.scripted import ScriptedLink
from strikeloop.testing.suite import asked as a
from strikeloop.testing.suite.books import Books
from strikeloop.testing.suite.spelling import Spelling

LATENCY_S = 0.005


@attrs.frozen
class Seen:
    """One request or frame that reached the venue: when (ns UTC, our clock), as it was, and what it asked."""

    at: int
    sent: Any
    asked: Any


class PlayedLink(ScriptedLink):
    """One connection; `asked` are the channels asked for, `channels` those granted. A frozen one looks open and is dead."""

    def __init__(self, on_frame: Callable[[Any, bytes], None]) -> None:
        super().__init__(on_frame)
        self.channels: set[str] = set()
        self.asked: set[str] = set()
        self.is_frozen = False

    def deliver(self, *frames: bytes) -> None:
        if not self.is_frozen and not self.is_closed:
            super().deliver(*frames)

    async def send(self, frame: bytes) -> None:
        if self.is_closed:
            raise LinkLostError("this side has closed it")
        await super().send(frame)

    async def ping(self) -> None:
        await super().ping()
        self.deliver()


def as_it_is(channel: str, frame: bytes) -> Iterable[bytes]:
    """The stream as it should be: each frame once."""
    return (frame,)


class PlayedVenue:
    """A `strikeloop.wire.network.Network`. What a check may set is public."""

    def __init__(self, spelling: Spelling, adapter: str, clock: Callable[[], int], books: Callable[..., Books] = Books) -> None:
        self.spelling, self._clock = spelling, clock
        self.offset_ns = 0
        """How far the venue's clock is ahead of ours."""
        self.books = books(spelling.contracts(adapter), spelling.currency, self.now, self.tell)
        self.links: list[PlayedLink] = []
        self.requests: list[Seen] = []
        self.frames: list[Seen] = []
        self.confused: list[str] = []
        """What it could not understand, and why."""
        self.is_up = True
        self.knows_us = True
        """Whether the credentials are any good."""
        self.private: frozenset[str] = frozenset()
        """The channels that want credentials."""
        self.refused: dict[str, bool] = {}
        """Channels whose subscription is refused, and whether for the credentials."""
        self.carry: Callable[[str, bytes], Iterable[bytes]] = as_it_is
        """What becomes of a frame of the stream on its way."""
        self.limit: tuple[int, float] | None = None
        """At most so many requests in so many seconds."""
        self.in_flight = 0
        self._troubles: dict[type, deque[a.Trouble | a.No]] = {}

    def now(self) -> int:
        """The venue's time, ns UTC."""
        return self._clock() + self.offset_ns

    # ---- what a check does ----

    def trouble(self, kind: type, *troubles: a.Trouble | a.No) -> None:
        """The next requests of this kind go wrong like that, in turn."""
        self._troubles.setdefault(kind, deque()).extend(troubles)

    def calm(self) -> None:
        """Whatever should still go wrong does not."""
        self._troubles.clear()

    def asked(self, kind: type) -> list[Any]:
        """What reached the venue of this kind, in order."""
        return [seen.asked for seen in (*self.requests, *self.frames) if isinstance(seen.asked, kind)]

    @property
    def open_links(self) -> list[PlayedLink]:
        return [link for link in self.links if not link.is_closed and not link.is_lost]

    def drop(self, reason: str = "connection reset") -> None:
        """Every connection breaks."""
        for link in self.open_links:
            link.lose(reason)

    def tell(self, event: Event) -> None:
        """The stream tells this to whoever subscribed it."""
        for channel, frame in self.spelling.told(event):
            for carried in self.carry(channel, frame):
                self.say(channel, carried)

    def say(self, channel: str, *frames: bytes) -> None:
        """These frames go to whoever subscribed the channel, in one piece."""
        for link in self.open_links:
            if channel in link.channels:
                link.deliver(*frames)

    # ---- the network ----

    async def connect(self, url: str, headers: Sequence[tuple[str, str]]) -> Link:
        await anyio.sleep(LATENCY_S)
        if not self.is_up:
            raise LinkLostError(f"{url}: connection refused")
        self.links.append(PlayedLink(self._on_frame))
        return self.links[-1]

    async def answer(self, request: httpx.Request, content: bytes) -> httpx.Response:
        self.in_flight += 1
        try:
            return await self._answer(request, content)
        finally:
            self.in_flight -= 1

    # ---- inside ----

    def _on_frame(self, link: PlayedLink, frame: bytes) -> None:
        if link.is_frozen:
            return
        try:
            heard = self.spelling.heard(frame)
        except Exception as error:  # noqa: BLE001 - whatever the author's reading raises, the check reports it
            self.confused.append(f"the frame {frame!r}: {type(error).__name__}: {error}")
            return
        self.frames.append(Seen(self._clock(), frame, heard))
        match heard:
            case a.Subscribe(channel):
                self._subscribe(link, heard, frame)
            case a.Unsubscribe(channel) if not heard.contracts:
                link.channels.discard(channel)
            case a.Ping():
                pong = self.spelling.pong(heard, self.now())
                link.deliver(*(() if pong is None else (pong,)))

    def _subscribe(self, link: PlayedLink, heard: a.Subscribe, frame: bytes) -> None:
        link.asked.add(heard.channel)
        is_private = heard.channel in self.private
        is_auth = (is_private and not self.knows_us) or not self.spelling.is_authentic(frame, self.now())
        if is_auth or heard.channel in self.refused:
            link.deliver(self.spelling.refused(heard, self.now(), is_auth=is_auth or self.refused.get(heard.channel, False)))
            return
        link.channels.add(heard.channel)
        for acknowledgement in self.spelling.acknowledged(heard, self.now()):
            link.deliver(acknowledgement)

    async def _answer(self, request: httpx.Request, content: bytes) -> httpx.Response:
        asking = _request(request, content)
        asked = self._understood(asking)
        trouble = self._trouble(asked)
        if not self.is_up or trouble is a.Trouble.UNSENT:
            await anyio.sleep(LATENCY_S)
            raise httpx.ConnectError("connection refused")
        self.requests.append(Seen(self._clock(), asking, asked))
        await anyio.sleep(LATENCY_S)
        reply = self._reply(asking, asked, trouble)
        await anyio.sleep(LATENCY_S)
        return await _heard(request, reply, trouble)

    def _understood(self, asking: a.Request) -> Any:
        try:
            return self.spelling.understood(asking)
        except Exception as error:  # noqa: BLE001 - whatever the author's reading raises, the check reports it
            self.confused.append(f"{asking.method} {asking.path} {asking.body!r}: {type(error).__name__}: {error}")
            return None

    def _trouble(self, asked: Any) -> a.Trouble | a.No | None:
        waiting = self._troubles.get(type(asked))
        return waiting.popleft() if waiting else None

    def _reply(self, asking: a.Request, asked: Any, trouble: a.Trouble | a.No | None) -> a.Reply:
        if asked is None:
            return a.Reply({"the played venue": "did not understand"}, 404)
        if isinstance(trouble, a.No):
            return self.spelling.turned_down(asked, trouble)
        if trouble is a.Trouble.LIMITED or self._is_over_limit():
            return a.Reply(self.spelling.turned_down(asked, a.No.TOO_MANY).body, 429, {"retry-after": "2"})
        if isinstance(trouble, a.Trouble) and not trouble.acts:
            return a.Reply(b"")
        if not self._lets_in(asking, asked):
            return self.spelling.turned_down(asked, a.No.CREDENTIALS)
        if isinstance(asked, a.Else):
            return a.Reply(asked.body)
        try:
            return self.spelling.answered(asked, self._done(asked))
        except a.TurnedDownError as down:
            return self.spelling.turned_down(asked, down.no)

    def _lets_in(self, asking: a.Request, asked: Any) -> bool:
        if isinstance(asked, a.ListContracts | a.TellTime):
            return True
        return self.knows_us and self.spelling.is_authentic(asking, self.now())

    def _done(self, asked: Any) -> Any:
        books = self.books
        acts: dict[type, Callable[[Any], Any]] = {
            a.Place: books.place,
            a.Withdraw: books.withdraw,
            a.Change: books.change,
            a.LookUp: books.find,
            a.ListOrders: lambda wanted: _page(books.listed(is_open=wanted.is_open), wanted),
            a.ListFills: lambda wanted: _page([fill for fill in books.fills if fill.time >= wanted.since], wanted),
            a.ListPositions: lambda _: books.positions(),
            a.ListBalances: lambda _: [books.balance()],
            a.ListContracts: lambda _: list(books.contracts),
            a.TellTime: lambda _: self.now(),
        }
        return acts[type(asked)](asked)

    def _is_over_limit(self) -> bool:
        if self.limit is None:
            return False
        most, window_s = self.limit
        since = self._clock() - round(window_s * SECOND_NS)
        return sum(seen.at > since for seen in self.requests) > most


async def _heard(request: httpx.Request, reply: a.Reply, trouble: a.Trouble | a.No | None) -> httpx.Response:
    """What arrives of an answer."""
    match trouble:
        case a.Trouble.LOST | a.Trouble.UNHEARD:
            raise httpx.ReadError("connection reset")
        case a.Trouble.SILENT:
            await anyio.sleep(request.extensions.get("timeout", {}).get("read") or 10.0)
            raise httpx.ReadTimeout("no answer in time")
        case a.Trouble.BUSY:
            return httpx.Response(503, content=b"busy")
        case a.Trouble.BROKEN:
            return httpx.Response(502, content=b"<html>bad gateway</html>")
        case a.Trouble.PAGE:
            return httpx.Response(200, content=b"<html>welcome</html>")
        case a.Trouble.CUT:
            return httpx.Response(200, content=reply.content[: len(reply.content) // 2])
        case a.Trouble.NONSENSE:
            return httpx.Response(200, content=b'{"something": "else"}')
    return httpx.Response(reply.status, content=reply.content, headers=dict(reply.headers))


def _request(request: httpx.Request, content: bytes) -> a.Request:
    headers = {name.lower(): value for name, value in request.headers.items()}
    return a.Request(request.method, request.url.path, dict(request.url.params), headers, content)


def _page(rows: list[Any], asked: a.ListOrders | a.ListFills) -> list[Any]:
    return rows[asked.offset :][: asked.limit]


def twice(channel: str, frame: bytes) -> Iterable[bytes]:
    """A stream that repeats itself."""
    return (frame, frame)


def losing(random: Random, share: float) -> Callable[[str, bytes], Iterable[bytes]]:
    """A stream that loses this share of its frames."""
    return lambda _, frame: () if random.random() < share else (frame,)
