"""Figures of a run over time, on a grid that becomes coarser as the run becomes longer.

Owns `Curve`: one table of a bounded number of rows, whatever the length of the run. A row tells what was true at its
time, a multiple of the grid's step; a span in which nothing was noted has no row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial, reduce
from itertools import pairwise
from typing import Any

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
MOST_POINTS = 2_000
STEPS = tuple(seconds * SECOND for seconds in (1, 2, 10, 30, 60, 120, 600, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400))
"""Each is a multiple of the one before, so that a coarser row is made of whole finer ones."""

Keep = Callable[[float, float], float]


class Curve:
    """Columns of figures by time. `keep` names columns of which a row holds the lowest or highest (min, max), not the last.

    >>> curve = Curve(keep={"margin": max})
    >>> for time, margin in ((100, 5.0), (200, 9.0), (SECOND + 1, 7.0)):
    ...     curve.add(time, {"margin": margin})
    >>> curve.record()
    {'every_s': 1, 'time': [1000000000, 2000000000], 'margin': [9.0, 7.0]}
    """

    def __init__(self, most: int = MOST_POINTS, *, keep: Mapping[str, Keep] | None = None) -> None:
        self._most, self._keep = most, dict(keep or {})
        self._rank = 0
        self.step = STEPS[0]
        """Of the grid, ns."""
        self.times: list[int] = []
        self.columns: dict[str, list[float | None]] = {}

    def due(self, time: int) -> int:
        """The end of the grid's span that holds `time`: what is true until then belongs to one row."""
        return -(-time // self.step) * self.step

    def add(self, time: int, values: Mapping[str, float | None]) -> None:
        """These figures are true at `time`, which never decreases."""
        if self.times and time <= self.times[-1]:  # the end of the last row's span
            self._merge(values)
        else:
            self._append(self.due(time), values)

    def rows(self, ended: int | None = None) -> tuple[list[int], dict[str, list[float | None]]]:
        """Times and columns; the last row is at `ended` where that is earlier than the grid says."""
        times = [*self.times]
        if ended is not None and times:
            times[-1] = min(times[-1], max([ended, *times[-2:-1]]))
        return times, self.columns

    def record(self, ended: int | None = None) -> dict[str, Any]:
        """The table in JSON types: `every_s`, `time` (ns), and one list per column, each figure to ten digits."""
        times, columns = self.rows(ended)
        return {
            "every_s": self.step // SECOND,
            "time": times,
            **{name: [None if value is None else float(f"{value:.10g}") for value in column] for name, column in columns.items()},
        }

    def _append(self, label: int, values: Mapping[str, float | None]) -> None:
        for name in values:
            if name not in self.columns:
                self.columns[name] = [None] * len(self.times)
        self.times.append(label)
        for name, column in self.columns.items():
            column.append(values.get(name))
        while len(self.times) >= self._most and self._rank + 1 < len(STEPS):
            self._coarsen()

    def _merge(self, values: Mapping[str, float | None]) -> None:
        columns, keep = self.columns, self._keep
        for name, value in values.items():
            if name not in columns:
                columns[name] = [None] * len(self.times)
            column = columns[name]
            column[-1] = _kept(keep[name], column[-1], value) if name in keep else value

    def _coarsen(self) -> None:
        """Rows that share a place on the next grid become one."""
        self._rank += 1
        self.step = STEPS[self._rank]
        labels = [self.due(time) for time in self.times]
        lasts = [place for place, (label, after) in enumerate(pairwise([*labels, -1])) if label != after]
        spans = [slice(before + 1, last + 1) for before, last in pairwise([-1, *lasts])]
        self.times = [labels[last] for last in lasts]
        for name, column in self.columns.items():
            keep = self._keep.get(name)
            self.columns[name] = [column[last] for last in lasts] if keep is None else [_of(keep, column[span]) for span in spans]


def _of(keep: Keep, values: Sequence[float | None]) -> float | None:
    return reduce(partial(_kept, keep), values)


def _kept(keep: Keep, before: float | None, value: float | None) -> float | None:
    return value if before is None else before if value is None else keep(before, value)
