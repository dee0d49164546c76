"""What an import has read so far, on disk: rows by kind and day, with the file and the row that each came from.

Owns the drafts between reading and storing. They hold prices as floats; nothing here is part of a store.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from strikeloop_store.arrays import raw, single
from strikeloop_store.kinds import KINDS, Kind
from strikeloop_store.library import DAY_NS
from strikeloop_store.ticks import Ints

_ROW = "#row"
_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")
Key = tuple[str, int]
"""A kind and a day, counted from 1970."""


@attrs.define(eq=False)
class Pieces:
    """Drafts in `folder`. Rows of one kind, day and file come one after another as long as the file is in order of time."""

    folder: Path
    _found: dict[Key, list[tuple[int, Path]]] = attrs.field(factory=dict)
    _open: dict[str, tuple[tuple[int, int], Any]] = attrs.field(factory=dict)
    _count: int = 0

    def add(self, file: int, kind: Kind, table: pa.Table, rows: Ints) -> None:
        """Keep rows of the file numbered `file`."""
        days = raw(single(table.column("time"))) // DAY_NS
        edges = [0, *(np.flatnonzero(np.diff(days)) + 1).tolist(), len(days)]
        for start, end in pairwise(edges):
            part = table.slice(start, end - start).append_column(_ROW, pa.array(rows[start:end], pa.int64()))
            self._writer(file, kind, int(days[start]), part.schema).write_table(part)

    def _writer(self, file: int, kind: Kind, day: int, schema: pa.Schema) -> Any:
        known = self._open.get(kind.name)
        if known is not None and known[0] == (file, day):
            return known[1]
        if known is not None:
            known[1].close()
        path = self.folder / f"piece-{self._count}.arrow"
        self._count += 1
        # Dictionaries grow as names come: a stream takes changes that a file with a footer would refuse.
        writer = pa.ipc.new_stream(str(path), schema, options=_OPTIONS)
        self._open[kind.name] = ((file, day), writer)
        self._found.setdefault((kind.name, day), []).append((file, path))
        return writer

    def close(self) -> None:
        for _, writer in self._open.values():
            writer.close()
        self._open.clear()

    def __iter__(self) -> Iterator[Key]:
        order = list(KINDS)
        return iter(sorted(self._found, key=lambda key: (key[1], order.index(key[0]))))

    def read(self, key: Key) -> tuple[pa.Table, NDArray[np.int32], Ints]:
        """Everything of one kind and day, with the numbers of file and row, files in their order."""
        tables, files = [], []
        for file, path in sorted(self._found[key]):
            with pa.ipc.open_stream(str(path)) as stream:
                found = stream.read_all()
            tables.append(found)
            files.append(np.full(found.num_rows, file, np.int32))
        table = pa.concat_tables(tables).unify_dictionaries()
        rows = raw(single(table.column(_ROW)))
        return table.drop_columns([_ROW]), np.concatenate(files), rows
