"""One backtest: what it is made of, how it begins and ends, and what becomes of everything that happens in it.

Theory: at equal times the client sees market data first, then the venue's responses; then the market data reaches the
venue, then requests do, then timers fire (the order of hftbacktest, so that reference runs can be compared). Market
data happens at its `time` for the venue and at its `received`, or when the venue's feed latency says, for the client.
How rows are walked through is another's; the same inputs give the same digest either way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import attrs

from strikeloop.backtest.each import Each, merged
from strikeloop.backtest.world import NEVER, Decision, Progress, World, ignore
from strikeloop.commands import Command
from strikeloop.dispatch import Wrap
from strikeloop.encoding import Digest, plain
from strikeloop.engine import Engine, Plugin, Raised
from strikeloop.errors import ConfigError, Problem
from strikeloop.events import Event
from strikeloop.garbage import BACKTEST, little_garbage_collection
from strikeloop.killswitch import HaltSettings
from strikeloop.margin import Classic, MarginModel
from strikeloop.summary import Summary
from strikeloop.venue import Columnar, Skimming, Source, Spanning, Venue


@attrs.frozen(kw_only=True)
class Result:
    """What a backtest gave: its digest, the counts and lists of `summary`, and the engine as it stood at the end."""

    digest: str
    summary: Summary
    engine: Engine

    @property
    def faults(self) -> tuple[Raised, ...]:
        """What plugins raised, with their tracebacks: `strikeloop.backtest.told` tells one."""
        return tuple(self.engine.raised)

    def record(self) -> dict[str, Any]:
        """The content of result.json."""
        return self.summary.full(self.engine.portfolio, self.engine.orders)


class Walk(Protocol):
    """How the rows of the market are gone through."""

    def first(self) -> tuple[int, int] | None:
        """Time and `received` of the first row; None where there is none."""
        ...

    def through(self, progress: Progress, until: int) -> int:
        """Go through all rows up to `until`; returns how many there were."""
        ...


class Backtest:
    """One run. `open_venue` builds the venue for the contracts that the sources list; `feed_latency` is in ns.

    `header` (config, plugin versions, seeds) leads the digest; `listen` hears account and run events, `sent` every command that leaves,
    `decided` the same with the engine time.
    `each` visits every row of the market, also where it might be skimmed: the results are the same. `wrap` is put around every call of
    a hook, to measure it.
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
        decided: Callable[[Decision], None] = ignore,
        each: bool = False,
        wrap: Wrap | None = None,
    ) -> None:
        if not sources:
            raise ConfigError(Problem("backtest", "there is no market to run on", "name a source in [market]"))
        self._sources, self._latency, self._each = tuple(sources), feed_latency, each
        contracts = tuple(contract for source in sources for contract in source.contracts())
        self.venue = open_venue(contracts)
        self.engine = Engine(plugins, contracts=contracts, margin=margin or Classic(), tag=tag, seed=seed, halt=halt, wrap=wrap)
        led_by = dict(header or {}, seed=seed, sources=[source.content_hash() for source in sources])
        self.summary = Summary(run=run, mode="backtest", portfolio=self.engine.portfolio)
        self.summary.assumptions = plain({**led_by, "feed_latency_ms": feed_latency / 1e6})
        self._world = World(self.engine, self.venue, digest=Digest(led_by), summary=self.summary, listen=listen, sent=sent, decided=decided)

    def run(self, progress: Progress | None = None, *, until: int | None = None, stop: bool = True) -> Result:
        """Run to the end of the sources (or to `until`, ns). `progress` gets (rows of the market so far, engine time).

        Without `stop` the plugins are not told that it ends.
        """
        with little_garbage_collection(BACKTEST):
            walk = self._walk()
            first = walk.first()
            if first is None:
                raise ConfigError(Problem("backtest", "the market has no event", "check the source's settings and dates"))
            time, received = first
            self._world.open(time, received + self._latency)
            count = walk.through(progress or _untold, NEVER if until is None else until)
            if progress is not None:
                progress(count, self.engine.clock.now)
            if stop:
                self._world.close()
        self.summary.digest = self._world.digest.hexdigest()
        self.summary.venue = self.venue.report()
        return Result(digest=self.summary.digest, summary=self.summary, engine=self.engine)

    def span(self) -> tuple[int, int] | None:
        """From when to when its market goes, ns UTC, where every source says so."""
        spans = [source.span() for source in self._sources if isinstance(source, Spanning)]
        known = [span for span in spans if span is not None]
        return (min(first for first, _ in known), max(last for _, last in known)) if len(known) == len(self._sources) else None

    def _walk(self) -> Walk:
        columnar = [source for source in self._sources if isinstance(source, Columnar)]
        skims = isinstance(self.venue, Skimming) and self.venue.can_skim
        if self._each or self._latency or not skims or len(columnar) < len(self._sources):
            return Each(self._world, merged(self._sources), self._latency)
        from strikeloop.backtest.skim import Skim, is_worth_it  # noqa: PLC0415  # where a market comes in columns there is numpy

        return Skim(self._world, columnar) if is_worth_it(columnar) else Each(self._world, merged(self._sources), self._latency)


def _untold(_count: int, _now: int) -> None:
    """Nobody watches the progress."""
