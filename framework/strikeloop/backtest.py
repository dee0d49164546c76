"""The backtest driver: market sources, a simulated venue and the engine under one virtual clock, in a plain loop.

Theory: at equal times the client sees market data first, then the venue's responses; then the market data reaches the
venue, then requests do, then timers fire (the order of hftbacktest, so that reference runs can be compared). Market
data happens at its `time` for the venue and at its `received`, or when the venue's feed latency says, for the client.
The loop repeats one question, what is next, and knows nothing about strategies. The same inputs give the same digest.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from strikeloop.commands import Command
from strikeloop.encoding import Digest, plain
from strikeloop.engine import NOTHING, Engine, Plugin, Step
from strikeloop.errors import ConfigError, Problem
from strikeloop.events import Event, RunStarted, RunStopping
from strikeloop.killswitch import HaltSettings
from strikeloop.margin import Classic, MarginModel
from strikeloop.summary import Summary
from strikeloop.venue import Source, Venue

_NEVER = 1 << 63
Progress = Callable[[int, int], None]


def ignore(_: object) -> None:
    """Nobody listens."""


@attrs.frozen(kw_only=True)
class Result:
    """What a backtest gave: its digest, the counts and lists of `summary`, and the engine as it stood at the end."""

    digest: str
    summary: Summary
    engine: Engine

    def record(self) -> dict[str, Any]:
        """The content of result.json."""
        return self.summary.full(self.engine.portfolio, self.engine.orders)


class Backtest:
    """One run. `open_venue` builds the venue for the contracts that the sources list; `feed_latency` is in ns.

    `header` (config, plugin versions, seeds) leads the digest; `listen` hears
    account and run events, `sent` every command that leaves.
    """

    def __init__(
        self,
        plugins: Sequence[Plugin],
        *,
        sources: Sequence[Source],
        open_venue: Callable[[tuple[Any, ...]], Venue],
        header: Mapping[str, Any] | None = None,
        margin: MarginModel | None = None,
        halt: HaltSettings | None = None,
        seed: int = 0,
        tag: str = "bt",
        feed_latency: int = 0,
        run: str = "backtest",
        listen: Callable[[Event], None] = ignore,
        sent: Callable[[Command], None] = ignore,
    ) -> None:
        if not sources:
            raise ConfigError(Problem("backtest", "there is no market to run on", "name a source in [market]"))
        self._sources, self._latency, self._listen, self._sent = tuple(sources), feed_latency, listen, sent
        contracts = tuple(contract for source in sources for contract in source.contracts())
        self.venue = open_venue(contracts)
        self.engine = Engine(plugins, contracts=contracts, margin=margin or Classic(), tag=tag, seed=seed, halt=halt)
        led_by = dict(header or {}, seed=seed, sources=[source.content_hash() for source in sources])
        self._digest = Digest(led_by)
        self.summary = Summary(run=run, mode="backtest", portfolio=self.engine.portfolio)
        self.summary.assumptions = plain({**led_by, "feed_latency_ms": feed_latency / 1e6})
        self._pending: list[tuple[int, int, Event]] = []
        """Market data on its way to the client: when it arrives, its number, and what it is."""
        self._timer = _NEVER

    def run(self, progress: Progress | None = None, *, until: int | None = None) -> Result:
        """Run to the end of the sources (or to `until`, ns). `progress` gets (market events so far, engine time)."""
        events = _merged(self._sources)
        first = next(events, None)
        if first is None:
            raise ConfigError(Problem("backtest", "the market has no event", "check the source's settings and dates"))
        self._open(first)
        count = self._loop(first, events, progress, _NEVER if until is None else until)
        if progress is not None:
            progress(count, self.engine.clock.now)
        self._input(RunStopping(time=self.engine.clock.now, received=self.engine.clock.now, reason="end of data"))
        self.summary.digest = self._digest.hexdigest()
        self.summary.venue = self.venue.report()
        return Result(digest=self.summary.digest, summary=self.summary, engine=self.engine)

    def _open(self, first: Event) -> None:
        """The account as it stands before trading is on the desks when on_start is called."""
        now = first.received + self._latency
        for event in self.venue.advance(first.time):
            self._input(event)
        started = RunStarted(time=now, received=now)
        self._note(started)
        self._after(self.engine.step(started))

    def _loop(self, event: Event | None, events: Iterator[Event], progress: Progress | None, until: int) -> int:
        count, step, venue, see = 0, self.engine.step, self.venue, self.summary.see
        rare, pending, latency, feed = self._rare, self._pending, self._latency, self.venue.feed
        while event is not None and event.time <= until:
            time = event.time
            rare(time)
            count += 1
            seen = latency + (event.received if feed is None else feed(event))
            if seen > time:
                heapq.heappush(pending, (seen, count, event))
            else:
                if (outcome := step(event)) is not NOTHING:
                    self._after(outcome)
                see(event)
            venue.on_market(event)
            if progress is not None and not count & 8191:
                progress(count, time)
            event = next(events, None)
        rare(min(until, self._last_time()) + 1)
        return count

    def _rare(self, time: int) -> None:
        """Everything that comes before `time`: delayed market data, responses and requests at the venue, timers."""
        pending, next_time = self._pending, self.venue.next_time
        while True:
            response = next_time()
            timer = self._timer
            due = timer if response is None or timer < response else response
            if pending and pending[0][0] < time and pending[0][0] <= due:
                self._catch_up(time, due)
            elif due >= time:
                return
            elif due == response:
                for event in self.venue.advance(due):
                    self._input(event)
            else:
                self._fire(due)

    def _catch_up(self, time: int, due: int) -> None:
        """Market data reaches the client before `time`, until that leads to something, or something else is `due`."""
        pending, step, see = self._pending, self.engine.step, self.summary.see
        while pending and (seen := pending[0][0]) < time and seen <= due:
            event = heapq.heappop(pending)[2]
            outcome = step(event if event.received == seen else attrs.evolve(event, received=seen))
            see(event)
            if outcome is not NOTHING:
                self._after(outcome)
                return

    def _fire(self, due: int) -> None:
        fired = self.engine.due(due)
        self._note_timers()
        if fired is not None:
            self._input(fired)

    def _note_timers(self) -> None:
        timer = self.engine.next_timer()
        self._timer = _NEVER if timer is None else timer

    def _last_time(self) -> int:
        """Where a run ends: with what is still on its way; timers beyond the data do not prolong it."""
        return max([self.engine.clock.now, *(seen for seen, _, _ in self._pending)])

    def _input(self, event: Event) -> None:
        """An account event or timer: part of the digest."""
        self._note(event)
        self._after(self.engine.step(event))

    def _note(self, event: Event) -> None:
        self._digest.add(event)
        self.summary.see(event)
        self._listen(event)

    def _after(self, step: Step) -> None:
        """What a step led to: events into the books, commands to the venue."""
        if step is NOTHING:
            return
        for event in step.events:
            self._note(event)
        now = self.engine.clock.now
        for approved in step.approved:
            self._digest.add(approved.command)
            self._sent(approved.command)
            self.venue.on_command(approved, now)
            self.engine.sent((approved.command.client_id,))
        self.summary.approve(step.approved)
        self._note_timers()


def _merged(sources: Sequence[Source]) -> Iterator[Event]:
    """One stream by (time, rank of the source, sequence)."""
    if len(sources) == 1:
        return iter(sources[0].events())
    streams = [_keyed(rank, source) for rank, source in enumerate(sources)]
    return (item[3] for item in heapq.merge(*streams, key=lambda item: item[:3]))


def _keyed(rank: int, source: Source) -> Iterator[tuple[int, int, int, Event]]:
    for index, event in enumerate(source.events()):
        yield event.time, rank, index, event
