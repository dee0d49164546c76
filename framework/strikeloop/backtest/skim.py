"""Only the rows that matter: those somebody hears of, and those that touch something of ours at the venue; the others just pass.

Owns `Skim`. It does what `Each` does in the same sequence; who looks at a contract later sees the last row that has passed. Where rows
reach the client later than they happen it hands over to `Each` for the rest: nobody may see what has not come yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

import numpy as np

from strikeloop.backtest.each import Each
from strikeloop.backtest.heard import CHUNK, Ears, Heard
from strikeloop.backtest.merge import stretches
from strikeloop.backtest.world import Progress, World
from strikeloop.engine import NOTHING, Step
from strikeloop.errors import InvariantError
from strikeloop.events import Event
from strikeloop.passing import Passing, Stretch
from strikeloop.venue import Columnar, Skimming

LOOSE = 16
"""Skimming is slower than visiting each row where more than one in so many stands in no columns."""
SHOWN = 100_000
"""Rows between two reports of progress."""


def is_worth_it(sources: Sequence[Columnar]) -> bool:
    """Whether these sources are for skimming, by their first rows.

    Those of a live recording reach a client later than they happen. And a row without columns, such as a book, interrupts: each costs as
    much as some fifteen rows do that are visited one after the other.
    """
    return all(stretch.is_seen_at_once and len(stretch.loose) * LOOSE <= len(stretch) for stretch in islice(stretches(sources), 1))


class Skim:
    """Walks through the rows of these sources."""

    def __init__(self, world: World, sources: Sequence[Columnar]) -> None:
        if not isinstance(world.venue, Skimming):
            raise InvariantError("this venue must be told every row")
        self._world, self._venue, self._stretches = world, world.venue, stretches(sources)
        self._passing = Passing()
        self._ears = Ears(world.engine.dispatch)
        world.engine.follow(self._passing)
        world.venue.skim(self._passing)

    def first(self) -> tuple[int, int] | None:
        stretch = next(self._stretches, None)
        if stretch is None:
            return None
        self._stretches = chain((stretch,), self._stretches)
        event = stretch.event(0)
        return event.time, event.received

    def through(self, progress: Progress, until: int) -> int:
        passing, venue = self._passing, self._venue
        count = 0
        for stretch in self._stretches:
            if not stretch.is_seen_at_once:
                return count + self._hand_over(stretch, count).through(progress, until)
            end = int(stretch.time.searchsorted(until, "right")) if until < int(stretch.time[-1]) else len(stretch)
            venue.turn()
            passing.turn(stretch)
            self._through(stretch, end, progress)
            self._count(stretch, end)
            count += end
            if end < len(stretch):
                break
        self._before(min(until, self._world.engine.clock.now) + 1)
        return count

    def _hand_over(self, stretch: Stretch, passed: int) -> Each:
        """From this stretch on every row is visited."""
        self._world.engine.stop_following()
        self._venue.stop_skimming()
        return Each(self._world, _rows(chain((stretch,), self._stretches)), 0, passed=passed)

    def _through(self, stretch: Stretch, end: int, progress: Progress) -> None:
        """The rows of one stretch before the position `end`."""
        passing, world, venue, ears, time = self._passing, self._world, self._venue, self._ears, stretch.time
        heard, told, last_time = self._listen(stretch), SHOWN, int(time[-1])
        while (at := passing.at) < end:
            due = self._before(time.item(at))
            if ears.is_old:
                heard.count(at)
                heard = self._listen(stretch)
            loose = stretch.next_loose(at)
            if loose == at:
                self._visit(stretch.event(at), at)
            else:
                touched = venue.touched()
                stop = min(end, touched + 1, loose)
                if due < last_time:
                    stop = min(stop, int(time.searchsorted(due, "right")))
                self._pass(heard, stop, touched)
            if passing.at >= told:
                told = passing.at + SHOWN
                progress(passing.passed, time.item(passing.at - 1))
        heard.count(end)
        world.engine.clock.move(time.item(end - 1) if end else 0)

    def _listen(self, stretch: Stretch) -> Heard:
        """Who hears of the rows that have not passed yet."""
        if self._ears.is_old:
            self._ears.renew()
        return Heard(stretch, self._passing.at, self._ears)

    def _before(self, time: int) -> int:
        """Everything that is due before `time`; returns when the next is."""
        world = self._world
        while (due := world.due()) < time:
            world.do(due)
        return due

    def _deliver(self, heard: Heard, stop: int) -> Step:
        """Deliver what is heard of before `stop`, until that leads to something."""
        passing, rows = self._passing, self._world.engine.rows
        while (some := heard.until(stop)) is not None:
            step = rows(passing, *some)
            passing.tell(passing.at - 1, heard.took(passing.at))
            if step is not NOTHING:
                return step
        return NOTHING

    def _pass(self, heard: Heard, stop: int, touched: int) -> None:
        """The rows before `stop`, until one leads to something; the one that is `touched` the client sees first, and then the venue."""
        world, passing = self._world, self._passing
        step = self._deliver(heard, stop)
        if step is NOTHING:
            passing.at = stop
        else:
            world.after(step)
        if passing.at > touched:
            passing.at = touched
            world.venue.on_market(passing.event(touched))
            passing.at = touched + 1

    def _visit(self, event: Event, at: int) -> None:
        """An event that stands in no columns: the client sees it first."""
        world, passing = self._world, self._passing
        passing.at = at + 1
        world.after(world.engine.step(event))
        world.summary.count(type(event), 1, until=event.received)
        passing.at = at
        world.venue.on_market(event)
        passing.at = at + 1

    def _count(self, stretch: Stretch, end: int) -> None:
        """What passed is counted, whether anybody saw it or not."""
        summary = self._world.summary
        for kind, table in stretch.tables.items():
            count = end if table.positions is None else int(table.positions.searchsorted(end))
            if count:
                summary.count(kind, count, until=int(table.columns.received[count - 1]))


def _rows(rest: Iterable[Stretch]) -> Iterator[Event]:
    """Every row of these stretches as an event."""
    for stretch in rest:
        for start in range(0, len(stretch), CHUNK):
            yield from stretch.events(np.arange(start, min(start + CHUNK, len(stretch))))
