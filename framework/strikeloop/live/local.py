"""A venue inside this process under the wall clock: the execution side of paper and simulated runs.

Owns `LocalVenue`. The venue stays a pure machine; this shell tells it the time and carries its events away. For a
simulated run it also plays the market's source at its own pace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import anyio
import anyio.lowlevel
import attrs

from strikeloop.commands import Approved, Command
from strikeloop.contracts import Contract
from strikeloop.events import Event
from strikeloop.live.clock import WallClock
from strikeloop.venue import Source, Venue

LONGEST_SLEEP_S = 0.05


class LocalVenue:
    """Runs `venue` for `adapter`; `source` is its market in a simulated run, None where a feed tells it the market."""

    def __init__(
        self, adapter: str, venue: Venue, clock: WallClock, deliver: Callable[[Sequence[Event]], None], source: Source | None = None
    ) -> None:
        self.adapter, self._venue, self._clock, self._deliver = adapter, venue, clock, deliver
        self._source = source
        self._events: Iterator[Event] = iter(()) if source is None else source.events()
        self._next = next(self._events, None)
        self._wake = anyio.Event()

    def contracts(self) -> tuple[Contract, ...]:
        return self._venue.contracts()

    def report(self) -> Mapping[str, Any]:
        """What the venue knows of the run beside its events."""
        return self._venue.report()

    def on_market(self, event: Event) -> None:
        """The feed says what the market does; to this venue it happens when we hear of it."""
        self._venue.on_market(attrs.evolve(event, time=event.received))

    def put(self, approved: Approved[Command]) -> None:
        """A command leaves for the venue."""
        self._venue.on_command(approved, self._clock.now())
        self._wake.set()

    def catch_up(self) -> None:
        """Bring market and venue up to now, and deliver what the client has received by then."""
        now = self._clock.now()
        while self._next is not None and self._next.time <= now:
            self._deliver(self._venue.advance(self._next.time - 1))
            self._deliver((self._next,))
            self._venue.on_market(self._next)
            self._next = next(self._events, None)
        self._deliver(self._venue.advance(now))

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self.catch_up()
            self._wake = anyio.Event()
            with anyio.move_on_after(self._sleep_s()):
                await self._wake.wait()
            await anyio.lowlevel.checkpoint()

    def _sleep_s(self) -> float:
        due = self._venue.next_time()
        if self._next is not None:
            due = self._next.time if due is None else min(due, self._next.time)
        if due is None:
            return LONGEST_SLEEP_S
        return min(LONGEST_SLEEP_S, max(0.0, (due - self._clock.now()) / 1e9))
