"""Every row of the market, one after the other: what a backtest means, and how it goes where rows cannot be skimmed.

Owns `Each`. The loop repeats one question, what is next.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain

import attrs

from strikeloop.backtest.world import Progress, World
from strikeloop.engine import NOTHING
from strikeloop.events import Event
from strikeloop.venue import Source


class Each:
    """Walks through these events, which are in order of time. So many rows `passed` before them."""

    def __init__(self, world: World, events: Iterator[Event], latency: int, *, passed: int = 0) -> None:
        self._world, self._events, self._latency, self._passed = world, events, latency, passed
        self._kinds: Counter[type[Event]] = Counter()
        self._pending: list[tuple[int, int, Event]] = []
        """Market data on its way to the client: when it arrives, its number, and what it is."""

    def first(self) -> tuple[int, int] | None:
        first = next(self._events, None)
        if first is None:
            return None
        self._events = chain((first,), self._events)
        return first.time, first.received

    def through(self, progress: Progress, until: int) -> int:
        world, rare, pending, latency = self._world, self._rare, self._pending, self._latency
        step, venue, kinds = world.engine.step, world.venue, self._kinds
        count, feed = 0, venue.feed
        for event in self._events:
            time = event.time
            if time > until:
                break
            rare(time)
            count += 1
            seen = latency + (event.received if feed is None else feed(event))
            if seen > time:
                heapq.heappush(pending, (seen, count, event))
            elif (outcome := step(event)) is not NOTHING:
                world.after(outcome)
            kinds[type(event)] += 1
            venue.on_market(event)
            if not count & 1023:
                progress(self._passed + count, time)
        rare(min(until, self._last_time()) + 1)
        for kind, number in kinds.items():
            world.summary.count(kind, number, until=world.engine.clock.now)
        return count

    def _rare(self, time: int) -> None:
        """Everything that comes before `time`: delayed market data, responses and requests at the venue, timers."""
        world, pending = self._world, self._pending
        while True:
            due = world.due()
            if pending and pending[0][0] < time and pending[0][0] <= due:
                self._catch_up(time, due)
            elif due >= time:
                return
            else:
                world.do(due)

    def _catch_up(self, time: int, due: int) -> None:
        """Market data reaches the client before `time`, until that leads to something, or something else is `due`."""
        world, pending, step = self._world, self._pending, self._world.engine.step
        while pending and (seen := pending[0][0]) < time and seen <= due:
            event = heapq.heappop(pending)[2]
            outcome = step(event if event.received == seen else attrs.evolve(event, received=seen))
            if outcome is not NOTHING:
                world.after(outcome)
                return

    def _last_time(self) -> int:
        """Where a run ends: with what is still on its way; timers beyond the data do not prolong it."""
        return max([self._world.engine.clock.now, *(seen for seen, _, _ in self._pending)])


def merged(sources: Sequence[Source]) -> Iterator[Event]:
    """The events of all sources as one stream by (time, rank of the source, sequence)."""
    if len(sources) == 1:
        return iter(sources[0].events())
    streams = [_keyed(rank, source) for rank, source in enumerate(sources)]
    return (item[3] for item in heapq.merge(*streams, key=lambda item: item[:3]))


def _keyed(rank: int, source: Source) -> Iterator[tuple[int, int, int, Event]]:
    for index, event in enumerate(source.events()):
        yield event.time, rank, index, event
