"""One line of a session in the world: connects, reads, writes, ends, and reports.

Owns `Connection`. It bounds how long connecting and closing may take and how long the loop waits for it; all decisions
are the session's. It never catches cancellation, and whatever happens to it ends in `session.lost`, told before the
socket is closed, so that nobody waits for a peer that is gone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import anyio

from strikeloop.adapter import Decoded, Link, ReadsBatches, Stream
from strikeloop.clock import SECOND_NS, ServerClock
from strikeloop.errors import AuthRejectedError, DecodeError, VenueError
from strikeloop.live.clock import WallClock
from strikeloop.session import SendPing, Session, Subscribe, Unsubscribe
from strikeloop.session.conflation import conflated

PREPARE_S = 20.0
CONNECT_S = 9.0
"""Below ten seconds, so that a peer that accepts and then says nothing is found in time."""
CLOSE_S = 1.0
POLICY_VIOLATION = 1008
SLICE = 32
"""Frames between two turns of the loop: commands and the other port do not wait longer."""
LAGGING = 256
"""So many frames in one read mean that the engine is behind."""

Request = Subscribe | Unsubscribe | SendPing
Tap = Callable[[Sequence[bytes], int], None]
"""Shown the frames of each read, as they came, and when."""


def ignore(_frames: Sequence[bytes], _received: int) -> None:
    """Nobody records."""


class Connection:
    """Line `number` of `session`; `pump` releases what the session has to say, `make_way` gives others a turn, `tap` sees raw frames.

    `garbled` takes each frame that could not be read.
    """

    def __init__(
        self,
        number: int,
        session: Session,
        stream: Stream,
        clock: WallClock,
        venue_clock: ServerClock,
        *,
        prepare: Callable[[], Awaitable[None]],
        pump: Callable[[], None],
        garbled: Callable[[int, DecodeError, int], None],
        make_way: Callable[[], Awaitable[None]],
        tap: Tap = ignore,
    ) -> None:
        self.number, self._session, self._stream, self._clock, self._venue_clock = number, session, stream, clock, venue_clock
        self._prepare, self._pump, self._garbled, self._make_way, self._tap = prepare, pump, garbled, make_way, tap
        self._decode_batch = stream.decode_batch if isinstance(stream, ReadsBatches) else self._one_by_one
        self._scope = anyio.CancelScope()
        self._reason, self._is_auth = "", False
        self._outbox: list[Request] = []
        self._written = anyio.Event()
        self._conflatable = frozenset(channel.name for channel in stream.channels if channel.conflatable and session.port == "feed")
        self.lag_ns = 0
        """How long the last batch of frames waited for the engine."""

    def put(self, request: Request) -> None:
        """Queue something to be sent."""
        self._outbox.append(request)
        self._written.set()

    def end(self, reason: str, *, is_auth: bool = False) -> None:
        """This connection is over; the first reason is the one that counts."""
        if not self._reason:
            self._reason, self._is_auth = reason, is_auth
            self._scope.cancel()

    async def run(self) -> None:
        """From connecting to the end."""
        link: Link | None = None
        try:
            with self._scope:
                link = await self._open()
                if link is not None:
                    await self._use(link)
            self._session.lost(self.number, self._reason or "the connection ended", self._clock.now(), is_auth=self._is_auth)
            self._pump()
        finally:
            if link is not None:
                with anyio.move_on_after(CLOSE_S, shield=True):
                    await link.aclose()

    async def _open(self) -> Link | None:
        try:
            with anyio.fail_after(PREPARE_S):
                await self._prepare()
            with anyio.fail_after(CONNECT_S):
                return await self._stream.connect()
        except AuthRejectedError as error:
            self._reason, self._is_auth = str(error), True
        except VenueError as error:
            self._reason = str(error)
        except TimeoutError:
            self._reason = f"no connection within {CONNECT_S:g} s"
        return None

    async def _use(self, link: Link) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._write, link)
            self._session.connected(self.number, self._clock.now())
            self._pump()
            await self._read(link)

    # ---- in ----

    async def _read(self, link: Link) -> None:
        while True:
            try:
                frames = await link.receive()
            except VenueError as error:
                self.end(str(error), is_auth=isinstance(error, AuthRejectedError) or error.code == POLICY_VIOLATION)
                return
            now = self._clock.now()
            self._tap(frames, now)
            self._session.alive(self.number, now)
            if len(frames) <= SLICE:
                self._take_in(self._decode(frames, now), now)
            else:
                await self._take_in_slices(frames, now)
            self.lag_ns = self._clock.now() - now

    def _take_in(self, frames: Sequence[Decoded | DecodeError], now: int) -> None:
        whole: list[Decoded] = []
        for frame in frames:
            if isinstance(frame, Decoded):
                whole.append(frame)
            else:
                self._session.receive(self.number, whole, now)
                whole = []
                self._garbled(self.number, frame, now)
        self._session.receive(self.number, whole, now)
        self._pump()

    async def _take_in_slices(self, frames: Sequence[bytes], now: int) -> None:
        """A long batch, with a turn for everybody else after each slice; of what only shows how the market stands, the latest."""
        decoded: list[Decoded | DecodeError] = []
        is_lagging = bool(self._conflatable) and len(frames) >= LAGGING
        for start in range(0, len(frames), SLICE):
            decoded += self._decode(frames[start : start + SLICE], now)
            if is_lagging:
                await self._make_way()
                continue
            self._take_in(decoded, now)
            decoded = []
            await self._make_way()
        kept, dropped = conflated(decoded, self._conflatable)
        self._session.conflated(dropped)
        for start in range(0, len(kept), SLICE):
            self._take_in(kept[start : start + SLICE], now)
            await self._make_way()

    def _decode(self, frames: Sequence[bytes], now: int) -> list[Decoded | DecodeError]:
        decoded = self._decode_batch(frames, now)
        for one in decoded:
            if isinstance(one, Decoded) and one.sent is not None:
                self._venue_clock.heard(one.sent, now)
        return decoded

    def _one_by_one(self, frames: Sequence[bytes], now: int) -> list[Decoded | DecodeError]:
        decoded: list[Decoded | DecodeError] = []
        for frame in frames:
            try:
                decoded.append(self._stream.decode(frame, now))
            except DecodeError as error:
                decoded.append(error)
        return decoded

    # ---- out ----

    async def _write(self, link: Link) -> None:
        while True:
            await self._written.wait()
            self._written = anyio.Event()
            while self._outbox:
                request = self._outbox.pop(0)
                try:
                    await self._send(link, request)
                except VenueError as error:
                    self.end(str(error))
                    return

    async def _send(self, link: Link, request: Request) -> None:
        """Signed at the moment of sending, by the venue's time."""
        second = self._venue_clock.now() // SECOND_NS
        frames: Sequence[bytes] = ()
        match request:
            case Subscribe(_, channel, contracts):
                frames = self._stream.subscribe(channel, second, contracts)
            case Unsubscribe(_, channel, contracts):
                frames = self._stream.unsubscribe(channel, second, contracts)
            case SendPing():
                await link.ping()
                keep_alive = self._stream.ping(second)
                frames = frames if keep_alive is None else (keep_alive,)
        for frame in frames:
            await link.send(frame)
