"""An import: files are read, judged and stored, as a whole or not at all.

Owns `import_files`. The order in which files are named changes nothing: they are taken by name, rows of one instant in the order
(file, row). Rows are refused with file and row; none is mended, and none is left out unless that was declared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from strikeloop import ConfigError, Problem
from strikeloop_store.arrays import lengths, numbers, raw, single
from strikeloop_store.checks import Limits, Stretch, examine, shown, telling
from strikeloop_store.defects import Defect, Defects
from strikeloop_store.formats import FORMATS, Reader
from strikeloop_store.kinds import CONTRACTS, KINDS, Form, Kind
from strikeloop_store.library import DAY_NS, Change, Library, day_of
from strikeloop_store.pieces import Key, Pieces
from strikeloop_store.specifications import Listing, effective, table_of
from strikeloop_store.ticks import Scale, found

Heard = Callable[[str, int, float], None]
"""Told of what is done, of rows since, and of the share of the work that is behind."""
_READING = 0.7
"""The share of the work that reading is."""


def quiet(_what: str, _rows: int, _share: float) -> None:
    """Nobody listens."""


class Order(StrEnum):
    """How the rows of a file stand: oldest first (others are refused), newest first (others are refused), or any, to be sorted."""

    OLDEST = "oldest-first"
    NEWEST = "newest-first"
    ANY = "any"


@attrs.frozen(kw_only=True)
class Outcome:
    """What an import added: rows by kind, new contracts, files written, and how many of them the store held already."""

    rows: Mapping[str, int]
    contracts: int
    files: int
    known: int
    moved: int = 0
    """Rows that were not in order of time and were sorted, because that was declared."""

    def record(self) -> dict[str, Any]:
        return attrs.asdict(self)


def import_files(
    library: Library,
    venue: str,
    files: Sequence[Path],
    format_name: str,
    declared: Mapping[str, str] | None = None,
    *,
    order: Order = Order.OLDEST,
    limits: Limits | None = None,
    heard: Heard = quiet,
) -> Outcome:
    """Read, judge and store files of one format.

    Raises BadDataError with every row that is wrong, ConfigError for a file or a declaration that is, StorageError where the
    disk refuses; the store is then as it was.
    """
    if format_name not in FORMATS:
        raise ConfigError(Problem(f"format {format_name}", "there is no such format", f"one of {', '.join(FORMATS)}"))
    reader = FORMATS[format_name].reader(format_name, declared or {})
    with library.change() as change:
        work = _Import(library, venue, _sorted(files), reader, order, limits or Limits(), heard, change)
        return work.run()


def _sorted(files: Sequence[Path]) -> list[Path]:
    """By name, then by folder. Raises ConfigError for none, for one twice, and for links."""
    if not files:
        raise ConfigError(Problem("import", "no file is named"))
    for path in files:
        if not path.is_file():
            raise ConfigError(Problem(str(path), "there is no such file"))
    ordered = sorted(files, key=lambda path: (path.name, str(path)))
    twice = [str(path) for path, count in Counter(path.resolve() for path in files).items() if count > 1]
    if twice:
        raise ConfigError(Problem(twice[0], "is named twice"))
    return ordered


@attrs.define(eq=False)
class _Import:
    """The work on one import."""

    library: Library
    venue: str
    files: list[Path]
    reader: Reader
    order: Order
    limits: Limits
    heard: Heard
    change: Change
    defects: Defects = attrs.field(factory=Defects)
    _last: dict[tuple[int, str], int] = attrs.field(factory=dict)
    _counts: Counter[str] = attrs.field(factory=Counter)
    _moved: int = 0

    def run(self) -> Outcome:
        pieces = Pieces(self.change.folder)
        try:
            for number, path in enumerate(self.files):
                self._read(number, path, pieces)
        finally:
            pieces.close()
        self.defects.refuse(f"{len(self.files)} files")
        listed = self._listings()
        keys, known = list(pieces), 0
        for at, key in enumerate(keys):
            known += self._store(key, pieces, listed, _READING + (1 - _READING) * at / len(keys))
        self.defects.refuse(f"{len(self.files)} files")
        new = self._store_listings(listed)
        if not self._counts and not new and not known:
            raise ConfigError(Problem(str(self.files[0]), "has no row to import", "look at the file, and at what was selected"))
        return Outcome(rows=dict(self._counts), contracts=new, files=len(self.change.moves), known=known, moved=self._moved)

    # ---- reading ----

    def _read(self, number: int, path: Path, pieces: Pieces) -> None:
        def told(rows: int, share: float) -> None:
            self.heard(path.name, rows, _READING * (number + min(1.0, share)) / len(self.files))

        for kind, table, rows in self.reader.read(path, self.defects, told):
            self._take(number, path, kind, table, rows, pieces)

    def _take(self, number: int, path: Path, kind: Kind, table: pa.Table, rows: Any, pieces: Pieces) -> None:
        """Rows with a time go to the pieces; one without has no day, and is told at once."""
        missing = np.asarray(pc.is_null(single(table.column("time"))).to_pylist(), bool)
        for at in np.flatnonzero(missing).tolist():
            self.defects.add(Defect(str(path), int(rows[at]), "missing", "time has no value"))
        if missing.any():
            table, rows = table.filter(pa.array(~missing)), rows[~missing]
        if not len(rows):
            return
        self._judge_order(number, path, kind, table, rows)
        pieces.add(number, kind, table, rows)

    def _judge_order(self, number: int, path: Path, kind: Kind, table: pa.Table, rows: Any) -> None:
        times = raw(single(table.column("time")))
        before = np.concatenate([[self._last.get((number, kind.name), times[0])], times[:-1]])
        self._last[number, kind.name] = int(times[-1])
        wrong = times > before if self.order is Order.NEWEST else times < before
        if self.order is Order.ANY:
            self._moved += int(wrong.sum())
            return
        for at in np.flatnonzero(wrong).tolist():
            self.defects.add(
                Defect(str(path), int(rows[at]), "unsorted", f"{shown(int(times[at]))} comes after {shown(int(before[at]))}; see --order")
            )

    # ---- storing ----

    def _listings(self) -> dict[str, Listing]:
        """What is specified, in the store and in these files."""
        stored = self.library.listings(self.venue)
        return effective([*stored.values(), *self.reader.listings.values()])

    def _store_listings(self, listed: Mapping[str, Listing]) -> int:
        stored = self.library.listings(self.venue)
        new = [one for name, one in listed.items() if name not in stored or one.time < stored[name].time]
        days: dict[int, list[Listing]] = {}
        for one in new:
            days.setdefault(one.time // DAY_NS, []).append(one)
        for day in sorted(days):
            self.change.add(self.venue, CONTRACTS, table_of(days[day]), Scale())
        return len(new)

    def _store(self, key: Key, pieces: Pieces, listed: Mapping[str, Listing], share: float) -> int:
        """Judge and stage one kind and day; 1 where the store holds it already."""
        kind = KINDS[key[0]]
        table, file, row = pieces.read(key)
        sequence = np.lexsort((-row if self.order is Order.NEWEST else row, file, raw(single(table.column("time")))))
        table, file, row = table.take(pa.array(sequence)), file[sequence], row[sequence]
        stretch = Stretch(kind, table, [str(path) for path in self.files], file, row, listed or None, self.limits)
        wrong = list(examine(stretch))
        self.defects.extend(wrong)
        if wrong or len(self.defects):
            return 0
        scale = self._scale(stretch)
        if scale is None:
            return 0
        self.heard(f"{kind.name} {day_of(key[1] * DAY_NS)}", 0, share)
        table = table.cast(kind.schema)
        if self.change.add(self.venue, kind, table, scale) is None:
            return 1
        self._judge_against_stored(stretch, key)
        self._counts[kind.name] += table.num_rows
        return 0

    def _scale(self, stretch: Stretch) -> Scale | None:
        """The coarsest that tells every price exactly; what has too many digits is a defect."""
        columns = list(_prices(stretch))
        scale = found([prices for _, prices, _ in columns])
        if scale is not None:
            return scale
        widest = Scale.of_decimals(15)
        for name, prices, of_row in columns:
            wrong = ~widest.fits(prices)
            rows = np.unique(of_row[wrong])
            self.defects.extend(
                stretch.defects(rows, "range", telling(f"{name} has more digits than a price on any tick; was it computed, not printed?"))
            )
        if not self.defects.counts:
            self.defects.add(
                Defect(stretch.files[0], int(stretch.row[0]), "range", "the prices of this day need more digits than a tick can have")
            )
        return None

    def _judge_against_stored(self, stretch: Stretch, key: Key) -> None:
        """Rows that the store has from an earlier import are duplicates."""
        day = day_of(key[1] * DAY_NS)
        times = stretch.time
        stored = [
            part
            for part in self.library.parts(self.venue, [stretch.kind.name], (day, day))
            if part.first <= times[-1] and times[0] <= part.last
        ]
        if not stored:
            return
        tables = [part.read() for part in stored]
        files = [*(str(part.path.relative_to(self.library.path)) for part in stored), *stretch.files]
        counts = [table.num_rows for table in tables]
        file = np.concatenate([np.repeat(np.arange(len(stored), dtype=np.int32), counts), stretch.file + len(stored)]).astype(np.int32)
        row = np.concatenate([*(np.arange(1, count + 1) for count in counts), stretch.row])
        whole = pa.concat_tables([*tables, stretch.table.cast(stretch.kind.schema)]).unify_dictionaries()
        ours = set(stretch.files)
        both = Stretch(stretch.kind, whole, files, file, row, None, self.limits)
        self.defects.extend(one for one in examine(both) if one.sort == "duplicate" and one.file in ours)


def _prices(stretch: Stretch) -> Iterator[tuple[str, Any, Any]]:
    """Each column of prices: its name, its values, and the position of the row that each belongs to."""
    for column in stretch.kind.columns:
        array = stretch.column(column.name)
        if column.form is Form.PRICE:
            yield column.name, numbers(array), np.arange(len(array))
        elif column.form is Form.PRICES:
            yield column.name, numbers(array.flatten()), np.repeat(np.arange(len(array)), lengths(array))
