"""Looking through what is stored: whether it is what was written, and whether it can be what happened.

Owns `verify`. It changes nothing, and stops at nothing: what cannot be read is one more defect.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby, pairwise
from pathlib import Path

import attrs
import numpy as np
import pyarrow as pa

from strikeloop import ConfigError
from strikeloop_store.arrays import coded, raw, single
from strikeloop_store.checks import Limits, Stretch, examine, unsorted
from strikeloop_store.content import fingerprint
from strikeloop_store.defects import Defect, Defects
from strikeloop_store.importing import Heard, quiet
from strikeloop_store.kinds import KINDS
from strikeloop_store.library import DAY_NS, Library, day_of
from strikeloop_store.part import Part
from strikeloop_store.single import is_single, single_listings
from strikeloop_store.specifications import Listing


@attrs.frozen(kw_only=True)
class Verified:
    """What was looked at, and what is wrong with it."""

    files: int
    rows: int
    defects: Defects


def verify(path: Path, *, venue: str = "", limits: Limits | None = None, heard: Heard = quiet) -> Verified:
    """Look through a store, or one file of one. Raises ConfigError where there is none."""
    if is_single(path):
        return _verified([[path]], path.parent, None, limits, heard)
    library = Library.open(path)
    found = Verified(files=0, rows=0, defects=Defects())
    for one in [venue] if venue else library.venues():
        days = [list(paths) for _, paths in groupby(library.paths(one), key=lambda file: file.parent)]
        part = _verified(days, library.path, (library, one), limits, heard)
        found.defects.extend(part.defects.listed)
        found.defects.counts.update(part.defects.counts - found.defects.counts)
        found = Verified(files=found.files + part.files, rows=found.rows + part.rows, defects=found.defects)
    return found


def _verified(days: list[list[Path]], root: Path, of: tuple[Library, str] | None, limits: Limits | None, heard: Heard) -> Verified:
    defects, rows = Defects(), 0
    listed = _listings(of, defects)
    for at, paths in enumerate(days):
        parts = list(_opened(paths, root, defects))
        tables = {part: table for part in parts if (table := _read(part, root, defects)) is not None}
        if tables:
            known = single_listings(parts[0]) if of is None else listed
            stretch = _stretch(tables, root, known or None, limits or Limits())
            defects.extend([*unsorted(stretch), *examine(_in_order(stretch))])
            rows += stretch.table.num_rows
            heard(str(paths[0].parent.name), stretch.table.num_rows, (at + 1) / len(days))
    return Verified(files=sum(map(len, days)), rows=rows, defects=defects)


def _listings(of: tuple[Library, str] | None, defects: Defects) -> Mapping[str, Listing]:
    if of is None:
        return {}
    library, venue = of
    try:
        return library.listings(venue)
    except ConfigError as error:
        defects.extend(Defect(f"venue={venue}/kind=contracts", 0, "damaged", str(problem)) for problem in error.problems)
        return {}


def _opened(paths: list[Path], root: Path, defects: Defects) -> Iterator[Part]:
    for path in paths:
        try:
            yield Part.open(path)
        except ConfigError as error:
            defects.add(Defect(_name(path, root), 0, "damaged", error.problems[0].what))


def _read(part: Part, root: Path, defects: Defects) -> pa.Table | None:
    """The rows of a file; None where it is not what was written, which says nothing about its rows."""
    name = _name(part.path, root)
    try:
        table = part.read(careful=True)
        what = _differs(part, table)
    except (ConfigError, ValueError, IndexError) as error:  # where a footer is damaged, what it leads to need not even be rows
        defects.add(Defect(name, 0, "damaged", error.problems[0].what if isinstance(error, ConfigError) else str(error)))
        return None
    if what:
        defects.add(Defect(name, 0, "damaged", f"{what} not what was written"))
    day = part.path.parent.name.removeprefix("day=")
    days = raw(single(table.column("time"))) // DAY_NS
    if part.path.parent.name.startswith("day="):
        strange = np.flatnonzero([day_of(int(one) * DAY_NS) != day for one in np.unique(days)])
        wrong = np.flatnonzero(np.isin(days, np.unique(days)[strange]))
        defects.extend(Defect(name, int(at) + 1, "damaged", f"is not of the day {day}") for at in wrong.tolist())
    return table


def _differs(part: Part, table: pa.Table) -> str:
    """What of a file is not as it was written, "" where nothing is: its rows, or what its metadata says of them."""
    if table.num_rows != part.rows or fingerprint(part.kind, table) != part.content:
        return "its rows are"
    times = raw(single(table.column("time")))
    rows, names = coded(single(table.column(part.kind.subject)))
    edges = np.cumsum([0, *part.counts])
    spans = tuple((int(times[start:end].min()), int(times[start:end].max())) for start, end in pairwise(edges.tolist()))
    if (part.first, part.last) != (times[0], times[-1]) or spans != part.spans:
        return "its times are"
    if part.subjects != tuple(sorted({names[at] for at in np.unique(rows).tolist()})):
        return "its contracts are"
    return ""


def _stretch(tables: Mapping[Part, pa.Table], root: Path, listed: Mapping[str, Listing] | None, limits: Limits) -> Stretch:
    parts = list(tables)
    counts = [table.num_rows for table in tables.values()]
    file = np.repeat(np.arange(len(parts), dtype=np.int32), counts)
    row = np.concatenate([np.arange(1, count + 1) for count in counts])
    whole = pa.concat_tables(tables.values()).unify_dictionaries()
    return Stretch(KINDS[parts[0].kind.name], whole, [_name(part.path, root) for part in parts], file, row, listed, limits)


def _in_order(stretch: Stretch) -> Stretch:
    order = np.lexsort((stretch.row, stretch.file, stretch.time))
    return attrs.evolve(stretch, table=stretch.table.take(pa.array(order)), file=stretch.file[order], row=stretch.row[order])


def _name(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if root in path.parents else str(path)
