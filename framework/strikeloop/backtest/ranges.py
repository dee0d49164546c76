"""A market from one moment to another: in the source's own way, or by leaving out what is outside.

Owns `between` and `instant`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import attrs

from strikeloop.contracts import Contract
from strikeloop.errors import ConfigError, Problem
from strikeloop.events import ContractExpired, ContractListed, Event
from strikeloop.venue import Bounded, Source, Spanning

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def instant(text: str, where: str) -> int:
    """A date or time ("2026-06-01", "2026-06-01T08:00:00Z", "2026-06-01 10:00+02:00") in ns UTC; without an offset it is UTC.

    Raises ConfigError naming `where` it stands.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise ConfigError(Problem(where, f"{text!r} is no date and no time", "write 2026-06-01 or 2026-06-01T08:00:00Z")) from error
    since = (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)) - _EPOCH
    return since // timedelta(microseconds=1) * 1_000


def between(source: Source, start: int | None, end: int | None) -> Source:
    """The same market from `start` up to but not including `end`, ns UTC. Raises ConfigError for a range that holds no time."""
    if start is None and end is None:
        return source
    if start is not None and end is not None and end <= start:
        raise ConfigError(Problem("backtest", "the range is empty: it ends before it begins", "--to is the first moment after --from"))
    return source.between(start, end) if isinstance(source, Bounded) else Cut(source, start, end)


@attrs.frozen
class Cut:
    """A source whose rows outside a range are left out; what is listed and delisted before it still counts."""

    source: Source
    start: int | None
    end: int | None

    def contracts(self) -> tuple[Contract, ...]:
        return self.source.contracts()

    def events(self) -> Iterator[Event]:
        first = self.start or 0
        before: list[Event] = []
        for event in self.source.events():
            if self.end is not None and event.time >= self.end:
                return
            if event.time >= first:
                yield from before
                before.clear()
                yield event
            elif isinstance(event, ContractListed | ContractExpired):
                before.append(attrs.evolve(event, time=first, received=max(first, event.received)))

    def span(self) -> tuple[int, int] | None:
        span = self.source.span() if isinstance(self.source, Spanning) else None
        return None if span is None else (max(span[0], self.start or 0), span[1] if self.end is None else min(span[1], self.end))

    def content_hash(self) -> str:
        return f"{self.source.content_hash()}[{self.start}:{self.end}]"
