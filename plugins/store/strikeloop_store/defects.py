"""What can be wrong with market data, and the refusal that names all of it.

Owns `Defect`, `Defects` and `BadDataError`. A row is the line of a text file (its header is line 1), or the row of a
Parquet file, counted from 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

import attrs

from strikeloop import ConfigError, Problem

SHOWN: Final = 20
SORTS: Final = ("missing", "nan", "range", "unsorted", "duplicate", "crossed", "gap", "jump", "unknown", "damaged")
"""missing: no value where one must be; range: a value that cannot be; gap and jump: longer, or more, than is allowed; unknown:
a contract without specification; damaged: not what was written."""


@attrs.frozen(order=True)
class Defect:
    """One thing that is wrong, and where."""

    file: str
    row: int
    sort: str
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.row}: {self.sort}: {self.what}"

    def record(self) -> dict[str, str | int]:
        return attrs.asdict(self)


@attrs.define
class Defects:
    """What was found so far: the first few of each file and sort in full, all of them counted."""

    listed: list[Defect] = attrs.field(factory=list)
    counts: Counter[tuple[str, str]] = attrs.field(factory=Counter)

    def add(self, defect: Defect) -> None:
        key = (defect.file, defect.sort)
        self.counts[key] += 1
        if self.counts[key] <= SHOWN:
            self.listed.append(defect)

    def extend(self, defects: Iterable[Defect]) -> None:
        for defect in defects:
            self.add(defect)

    def __len__(self) -> int:
        return self.counts.total()

    def __iter__(self) -> Iterator[Defect]:
        return iter(sorted(self.listed))

    def by_sort(self) -> dict[str, int]:
        """How many of each sort."""
        totals: Counter[str] = Counter()
        for (_, sort), count in self.counts.items():
            totals[sort] += count
        return {sort: totals[sort] for sort in SORTS if totals[sort]}

    def refuse(self, what: str) -> None:
        """Raise BadDataError where anything was found."""
        if len(self):
            raise BadDataError(what, self)


class BadDataError(ConfigError):
    """Data that is refused as a whole, with everything that is wrong with it."""

    def __init__(self, what: str, defects: Defects) -> None:
        self.defects = defects
        problems = [Problem(f"{one.file}:{one.row}", f"{one.sort}: {one.what}") for one in list(defects)[:SHOWN]]
        rest = len(defects) - len(problems)
        if rest:
            problems.append(Problem("and", f"{rest} more of the kind"))
        problems.append(Problem(what, "nothing was imported", "mend the files, or leave the bad ones out, and import again"))
        super().__init__(problems)
