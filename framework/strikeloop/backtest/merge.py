"""Several columnar sources as one: stretches of rows in the order of (time, rank of the source, sequence), by numpy.

Owns `stretches`. Of each source it holds the batches that overlap in time with those of the others, and no more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from strikeloop.columns import Batch, Columns, Key
from strikeloop.events import Event
from strikeloop.passing import Stretch, Table
from strikeloop.venue import Columnar

Piece = tuple[int, Batch]
"""A batch, and the rank of the source it is from."""


def stretches(sources: Sequence[Columnar]) -> Iterator[Stretch]:
    """The rows of all sources, none of them twice, each stretch at or after the one before."""
    keys = _Keys()
    if len(sources) == 1:
        for batch in sources[0].batches():
            if len(batch):
                yield _stretch([(0, batch)], keys)
        return
    heads = [_Head(rank, source) for rank, source in enumerate(sources)]
    while any(head.fill() for head in heads):
        horizon = min((head.ends for head in heads if head.more), default=None)
        pieces = [piece for head in heads for piece in head.take(horizon)]
        if pieces:
            yield _stretch(pieces, keys)
        else:
            for head in heads:
                if head.more and head.ends == horizon:
                    head.read()


class _Head:
    """The next batches of one source. `ends`: the time of the last row that is read; `more`: whether others may follow."""

    def __init__(self, rank: int, source: Columnar) -> None:
        self._rank, self._rest = rank, source.batches()
        self._read: deque[Batch] = deque()
        self.ends, self.more = -1, True

    def fill(self) -> bool:
        """Have something to take, if there is anything left."""
        while not self._read and self.more:
            self.read()
        return bool(self._read)

    def read(self) -> None:
        """Read one batch more."""
        batch = next(self._rest, None)
        if batch is None:
            self.more = False
        elif len(batch):
            self._read.append(batch)
            self.ends = _last_time(batch)

    def take(self, horizon: int | None) -> Iterator[Piece]:
        """What happens before the horizon; without one everything."""
        while self._read:
            batch = self._read.popleft()
            if horizon is None:
                yield self._rank, batch
                continue
            before, after = _split(batch, horizon)
            if len(before):
                yield self._rank, before
            if len(after):
                self._read.appendleft(after)
                return


class _Keys:
    """One number for each key of a kind over the whole run."""

    def __init__(self) -> None:
        self._known: dict[type[Event], dict[Key, int]] = {}
        self._seen: dict[type[Event], tuple[tuple[Key, ...], NDArray[np.int32]]] = {}
        self._all: dict[type[Event], tuple[Key, ...]] = {}

    def numbers(self, columns: Columns) -> NDArray[np.int32]:
        """The key column of these rows in the numbers of the run."""
        known, seen = self._known.setdefault(columns.kind, {}), self._seen.get(columns.kind)
        if seen is None or seen[0] is not columns.keys:
            numbers = np.array([known.setdefault(key, len(known)) for key in columns.keys], np.int32)
            seen = self._seen[columns.kind] = (columns.keys, numbers)
        found: NDArray[np.int32] = seen[1][columns.key]
        return found

    def all(self, kind: type[Event]) -> tuple[Key, ...]:
        """Every key of a kind so far, by its number."""
        known, before = self._known[kind], self._all.get(kind, ())
        if len(before) != len(known):
            before = self._all[kind] = tuple(known)
        return before


def _last_time(batch: Batch) -> int:
    return max([int(part.time[-1]) for part in batch.parts if len(part)] + [event.time for event in batch.events[-1:]])


def _split(batch: Batch, time: int) -> tuple[Batch, Batch]:
    """What happens before `time`, and what at or after it."""
    at = [int(part.time.searchsorted(time)) for part in batch.parts]
    early = sum(event.time < time for event in batch.events)
    before = [part.cut(slice(0, end)) for part, end in zip(batch.parts, at, strict=True)]
    after = [part.cut(slice(end, None)) for part, end in zip(batch.parts, at, strict=True)]
    return (
        Batch(parts=tuple(before), events=batch.events[:early], places=batch.places[:early]),
        Batch(parts=tuple(after), events=batch.events[early:], places=batch.places[early:]),
    )


def _stretch(pieces: Sequence[Piece], keys: _Keys) -> Stretch:
    """These batches as one stretch."""
    parts = [(rank, number, part) for number, (rank, batch) in enumerate(pieces) for part in batch.parts if len(part)]
    loose = [event for _, batch in pieces for event in batch.events]
    if len(parts) == 1 and not loose:
        part = parts[0][2]
        return Stretch(part.time, (_table([part], keys, None),))
    order = _order(pieces, parts)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    time = np.concatenate([np.array([event.time for event in loose], np.int64), *(part.time for _, _, part in parts)])[order]
    ends = np.cumsum([len(loose), *(len(part) for _, _, part in parts)]).tolist()
    kinds: dict[type[Event], tuple[list[Columns], list[NDArray[np.int64]]]] = {}
    for (_, _, part), start, end in zip(parts, ends[:-1], ends[1:], strict=True):
        columns, places = kinds.setdefault(part.kind, ([], []))
        columns.append(part)
        places.append(place[start:end])
    tables = [_table(columns, keys, np.concatenate(places)) for columns, places in kinds.values()]
    by_place = place[: len(loose)].argsort()
    return Stretch(time, tables, [loose[at] for at in by_place.tolist()], place[: len(loose)][by_place])


def _order(pieces: Sequence[Piece], parts: Sequence[tuple[int, int, Columns]]) -> NDArray[np.intp]:
    """The sequence of all rows, the events of all pieces standing first: by time, rank, batch, place, and what is earlier there."""
    columns: list[list[NDArray[np.int64]]] = [[], [], [], []]

    def put(time: Any, rank: int, number: int, place: Any) -> None:
        for column, values in zip(columns, (time, rank, number, place), strict=True):
            column.append(np.broadcast_to(np.asarray(values, np.int64), (len(time),)))

    for number, (rank, batch) in enumerate(pieces):
        put([event.time for event in batch.events], rank, number, batch.places or 0)
    for rank, number, part in parts:
        put(part.time, rank, number, 0 if part.place is None else part.place)
    times, ranks, numbers, places = (np.concatenate(column) for column in columns)
    return np.lexsort((places, numbers, ranks, times))


def _table(parts: Sequence[Columns], keys: _Keys, places: NDArray[np.int64] | None) -> Table:
    """The rows of these parts in the order of their positions, their keys in the numbers of the run."""
    first, numbers = parts[0], [keys.numbers(part) for part in parts]
    names = {name: None for part in parts for name in part.fields}
    rows = slice(None) if places is None or (places[1:] > places[:-1]).all() else places.argsort()

    def column(values: Sequence[NDArray[Any]]) -> NDArray[Any]:
        return (np.concatenate(values) if len(values) > 1 else values[0])[rows]

    time = column([part.time for part in parts])
    is_seen_at_once = all(part.received is part.time or (part.received == part.time).all() for part in parts)
    columns = Columns(
        kind=first.kind,
        keys=keys.all(first.kind),
        key=column(numbers),
        time=time,
        received=time if is_seen_at_once else column([part.received for part in parts]),
        fields={name: column([_field(part, name) for part in parts]) for name in names},
    )
    return Table(columns, None if places is None else places[rows])


def _field(part: Columns, name: str) -> NDArray[Any]:
    """A field of a part; where it has none, the default of its event."""
    column = part.fields.get(name)
    if column is not None:
        return column
    default = next(field.default for field in attrs.fields(part.kind) if field.name == name)
    filled: NDArray[Any] = np.full(len(part), np.nan if default is None else default, object if isinstance(default, str) else None)
    return filled
