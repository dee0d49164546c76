"""events.parquet of a run: written as the run goes, and read by whoever takes an Arrow stream.

Owns the file and `run_events`. It is a draft until it is whole.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from strikeloop import ConfigError, Event, Problem
from strikeloop_store.exporting import ArrowRows
from strikeloop_store.ledger import SCHEMA, table

NAME = "events.parquet"
GROUP = 65_536


@attrs.define(eq=False)
class EventsFile:
    """events.parquet in `folder`, written in row groups. OSError where the disk refuses, ValueError for a figure too large."""

    folder: Path
    count: int = 0
    _waiting: list[pa.Table] = attrs.field(factory=list)
    _writer: Any = None
    _file: Any = None

    @property
    def _draft(self) -> Path:
        return self.folder / f".{NAME}.part"

    def add(self, events: Sequence[Event]) -> None:
        """The next events."""
        self._waiting.append(table(events, self.count))
        self.count += len(events)
        if sum(one.num_rows for one in self._waiting) >= GROUP:
            self._write()

    def _write(self) -> None:
        if self._writer is None:
            descriptor = os.open(self._draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            self._file = os.fdopen(descriptor, "wb")
            self._writer = pq.ParquetWriter(self._file, SCHEMA, compression="zstd", write_page_checksum=True)
        if self._waiting:
            self._writer.write_table(pa.concat_tables(self._waiting).unify_dictionaries(), row_group_size=GROUP)
            self._waiting = []

    def close(self) -> Path:
        """The file, whole and in place."""
        self._write()
        if self._writer is not None:
            self._writer.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._draft.replace(self.folder / NAME)
        return self.folder / NAME

    def abandon(self) -> None:
        """Leave nothing."""
        if self._writer is not None:
            self._file.close()
        self._draft.unlink(missing_ok=True)


def run_events(run: Path, event: str = "") -> ArrowRows:
    """The events of a run, or those of one class ("Filled") with the columns that it uses: `polars.DataFrame(run_events(run, "Filled"))`.

    Raises ConfigError where the run has no events.parquet.
    """
    path = run / NAME
    try:
        with pq.ParquetFile(path, read_dictionary=[]) as file:
            found = file.read()
    except (OSError, pa.ArrowException) as error:
        raise ConfigError(
            Problem(str(path), f"cannot be read: {error}", "a run writes it at its end, where strikeloop-store is installed")
        ) from error
    if event:
        found = found.filter(pc.equal(found.column("event").cast(pa.string()), event))
        found = found.select([name for name in found.column_names if found.column(name).null_count < found.num_rows])
    plain = pa.schema([field.with_type(pa.string()) if pa.types.is_dictionary(field.type) else field for field in found.schema])

    def tables() -> Iterator[pa.Table]:
        yield found.cast(plain)

    return ArrowRows(plain, tables)
