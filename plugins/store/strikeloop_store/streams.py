"""The rows of several files of one kind in order of time, and several kinds as one market, a stretch at a time.

Owns the merge. Theory: row groups that overlap in time are read together and sorted by (time, file, row); of every kind there is one
stretch in memory; what lies before the end of all of them is complete and goes out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, Self

import attrs
import numpy as np
import pyarrow as pa

from strikeloop import ContractId, Event
from strikeloop.venue import Batch, Columns
from strikeloop_store.arrays import coded, filled, mask, numbers, raw, single
from strikeloop_store.kinds import BOOKS, TICKERS, Form, Kind
from strikeloop_store.library import clusters
from strikeloop_store.part import Part
from strikeloop_store.rows import class_of, events
from strikeloop_store.ticks import Ints

FOREVER = 2**63 - 1
EVENTS = 8_192
"""Rows of a kind that has no columns, which become events, in one stretch."""


@attrs.frozen(kw_only=True)
class Cut:
    """Which rows are wanted: [start, end) ns, and of which subjects (None: all)."""

    start: int = 0
    end: int = FOREVER
    subjects: frozenset[str] | None = None

    def touches(self, first: int, last: int) -> bool:
        return first < self.end and last >= self.start


class Rows(Protocol):
    """A stretch of rows in order of time."""

    @property
    def time(self) -> Ints: ...

    def cut(self, rows: slice) -> Self: ...


def tables(kind: Kind, parts: Sequence[Part], cut: Cut) -> Iterator[pa.Table]:
    """The rows of these parts in order of time, a stretch of at least one row at a time."""
    return (table for table, _ in _told_apart(kind, parts, cut))


def _told_apart(kind: Kind, parts: Sequence[Part], cut: Cut) -> Iterator[tuple[pa.Table, tuple[str, ...]]]:
    """The same, with the subjects that the files of each stretch are about."""
    ordered = sorted(parts, key=lambda one: (one.first, one.path.name))
    groups = [(part, group) for part in ordered for group, span in enumerate(part.spans) if cut.touches(*span)]
    for cluster in clusters([part.spans[group] for part, group in groups]):
        found = [groups[at][0].read([groups[at][1]]) for at in cluster]
        table = _merged(kind, found) if len(found) > 1 else found[0]
        times = raw(single(table.column("time")))
        first, last = np.searchsorted(times, [cut.start, cut.end])
        table = _of(kind, table.slice(int(first), int(last - first)), cut)
        if table.num_rows:
            yield table, _subjects([groups[at][0] for at in cluster], cut)


def _subjects(parts: Sequence[Part], cut: Cut) -> tuple[str, ...]:
    names = parts[0].subjects if len(parts) == 1 else tuple(sorted({name for part in parts for name in part.subjects}))
    return names if cut.subjects is None else tuple(name for name in names if name in cut.subjects)


def _merged(kind: Kind, found: list[pa.Table]) -> pa.Table:
    whole = pa.concat_tables(found).unify_dictionaries()
    order = np.lexsort((raw(single(whole.column("sequence"))), raw(single(whole.column("time")))))
    return whole.take(filled(order, pa.int64()))


def _of(kind: Kind, table: pa.Table, cut: Cut) -> pa.Table:
    if cut.subjects is None:
        return table
    rows, names = coded(single(table.column(kind.subject)))
    wanted = np.array([name in cut.subjects for name in names] or [False])
    return table.filter(mask(wanted[rows]))


# ---- stretches of a kind ---------------------------------------------------------------------------------------------------


@attrs.frozen(eq=False)
class Told:
    """Rows that become events: of a kind without columns."""

    kind: Kind
    table: pa.Table
    adapter: str

    @property
    def time(self) -> Ints:
        return raw(single(self.table.column("time")))

    def cut(self, rows: slice) -> Told:
        start, end, _ = rows.indices(self.table.num_rows)
        return attrs.evolve(self, table=self.table.slice(start, end - start))

    def events(self) -> tuple[tuple[int, Event], ...]:
        places = places_of(self.kind, self.table).tolist()
        return tuple(zip(places, events(self.kind, self.table, self.adapter), strict=True))


@attrs.frozen(eq=False)
class Ready:
    """Events that are there already."""

    made: tuple[Event, ...]

    @property
    def time(self) -> Ints:
        return np.array([event.time for event in self.made], np.int64)

    def cut(self, rows: slice) -> Ready:
        return Ready(self.made[rows])

    def events(self) -> tuple[tuple[int, Event], ...]:
        """Listings come before everything else of their instant."""
        return tuple((0, event) for event in self.made)


@attrs.frozen(eq=False)
class Keys:
    """The contracts or underlyings of a stretch, and the place of each name among them."""

    keys: tuple[Any, ...]
    places: Mapping[str, int]


@attrs.frozen(eq=False)
class Named:
    """The keys of one kind for an adapter: stretches about the same subjects share one tuple, by which a run remembers who hears of it."""

    kind: Kind
    adapter: str
    _known: dict[tuple[str, ...], Keys] = attrs.field(factory=dict)

    def of(self, names: tuple[str, ...]) -> Keys:
        if names not in self._known:
            keys = [(self.adapter, name) if self.kind.subject == "underlying" else ContractId.of(self.adapter, name) for name in names]
            self._known[names] = Keys(tuple(keys), {name: at for at, name in enumerate(names)})
        return self._known[names]


def columns(kind: Kind, table: pa.Table, keys: Keys) -> Columns:
    """Rows as columns of the core. A column without any value is left out."""
    codes, names = coded(single(table.column(kind.subject)))
    places = np.array([keys.places.get(name, -1) for name in names] or [-1], np.int32)
    fields: dict[str, Any] = {}
    for column in kind.columns:
        if column.name in ("time", "received", "sequence", kind.subject):
            continue
        array = single(table.column(column.name))
        if column.form is Form.TEXT:
            fields[column.name] = np.array(array.to_pylist(), object)
        elif column.form in (Form.TIME, Form.WHOLE):
            fields[column.name] = raw(array)
        elif column.required or array.null_count < len(array) or kind is not TICKERS:
            fields[column.name] = numbers(array)
    return Columns(
        kind=class_of(kind),
        keys=keys.keys,
        key=places[codes],
        time=raw(single(table.column("time"))),
        received=raw(single(table.column("received"))),
        fields=fields,
        place=places_of(kind, table),
    )


def places_of(kind: Kind, table: pa.Table) -> Ints:
    """The place of each row among those of its instant: what its recording says, and where that says nothing, its kind's."""
    places: Ints = raw(single(table.column("sequence"))) * 8 + kind.rank
    return places


def stretches(kind: Kind, parts: Sequence[Part], cut: Cut, adapter: str) -> Iterator[Rows]:
    """One kind, stretch by stretch."""
    named = Named(kind, adapter)
    for table, subjects in _told_apart(kind, parts, cut):
        if kind.name != BOOKS.name:
            yield columns(kind, table, named.of(subjects))
        else:
            for start in range(0, table.num_rows, EVENTS):
                yield Told(kind, table.slice(start, EVENTS), adapter)


# ---- several kinds ---------------------------------------------------------------------------------------------------------


@attrs.define(eq=False)
class _Stream:
    """One kind in the merge: the stretches at hand, and whether more are to come."""

    rank: int
    rest: Iterator[Rows]
    here: list[Rows] = attrs.field(factory=list)
    following: Rows | None = None

    def __attrs_post_init__(self) -> None:
        self.following = next(self.rest, None)
        self.extend()

    def extend(self) -> None:
        """Take the next stretch in."""
        if self.following is not None:
            self.here.append(self.following)
            self.following = next(self.rest, None)

    @property
    def complete_before(self) -> int:
        """Every row before this time is here."""
        return FOREVER if self.following is None else int(self.here[-1].time[-1])

    def release(self, before: int) -> list[Rows]:
        """The rows before this time, which are no longer here."""
        gone, kept = [], []
        for rows in self.here:
            count = len(rows.time) if before == FOREVER else int(np.searchsorted(rows.time, before))
            if count == len(rows.time):
                gone.append(rows)
            elif count:
                gone.append(rows.cut(slice(0, count)))
            if count < len(rows.time):
                kept.append(rows.cut(slice(count, None)) if count else rows)
        self.here = kept
        if not kept:
            self.extend()
        return gone


def merged(kinds: Sequence[tuple[int, Iterator[Rows]]]) -> Iterator[Batch]:
    """Kinds by their rank as batches, each at or after the one before, at one instant by rank. The same rows give the same batches."""
    streams = [stream for rank, rest in kinds if (stream := _Stream(rank, rest)).here]
    while any(stream.here for stream in streams):
        horizon = min(stream.complete_before for stream in streams)
        batch = _batch([(stream.rank, rows) for stream in streams for rows in stream.release(horizon)])
        if len(batch):
            yield batch
        else:
            for stream in streams:
                if stream.complete_before == horizon:
                    stream.extend()


def _batch(found: Sequence[tuple[int, Rows]]) -> Batch:
    made = [placed for _, rows in found if not isinstance(rows, Columns) for placed in rows.events()]  # type: ignore[attr-defined]  # Told or Ready
    made.sort(key=lambda one: (one[1].time, one[0]))
    return Batch(
        parts=tuple(rows for _, rows in found if isinstance(rows, Columns)),
        events=tuple(event for _, event in made),
        places=tuple(place for place, _ in made),
    )
