"""Stored rows for others: through the Arrow C stream, and as files.

Owns `ArrowRows`, which polars, duckdb, pandas and pyarrow take as it is, and what `strikeloop data export` writes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pyarrow as pa
import pyarrow.csv as pacsv

from strikeloop import ConfigError, Problem, StorageError, described
from strikeloop_store import part
from strikeloop_store.arrays import coded, numbers, single
from strikeloop_store.importing import Heard, quiet
from strikeloop_store.kinds import Form, Kind
from strikeloop_store.rows import events
from strikeloop_store.single import SPECIFICATIONS, told
from strikeloop_store.source import StoredSource
from strikeloop_store.streams import tables
from strikeloop_store.ticks import found

SUFFIXES = (".parquet", ".csv", ".jsonl")


@attrs.frozen(eq=False)
class ArrowRows:
    """A table that is read when it is asked for: `polars.DataFrame(rows)`, `duckdb.sql("… FROM rows")`, `pyarrow.table(rows)`.

    Prices are float64, times timestamps in ns UTC.
    """

    schema: pa.Schema
    _tables: Callable[[], Iterator[pa.Table]]

    def __arrow_c_stream__(self, requested_schema: object = None) -> Any:
        """The Arrow PyCapsule interface."""
        batches = (batch for table in self._tables() for batch in table.unify_dictionaries().to_batches())
        return pa.RecordBatchReader.from_batches(self.schema, batches).__arrow_c_stream__(requested_schema)


def arrow_rows(source: StoredSource, kind: Kind) -> ArrowRows:
    """The rows of one kind in order of time. Raises ConfigError where there is none."""
    parts = source.parts_of(kind)
    if not parts:
        raise ConfigError(
            Problem(str(source.path), f"holds no {kind.name} of what was asked for", "see what there is: strikeloop data list")
        )
    plain = pa.schema([field.with_type(pa.string()) if pa.types.is_dictionary(field.type) else field for field in kind.schema])
    return ArrowRows(plain, lambda: (table.cast(plain) for table in tables(kind, parts, source.cut_of(kind))))


def export(source: StoredSource, kind: Kind, target: Path, heard: Heard = quiet) -> int:
    """Write the rows of one kind to .parquet, .csv or .jsonl (events), whole or not at all; returns how many.

    Raises ConfigError, StorageError.
    """
    if target.suffix not in SUFFIXES:
        raise ConfigError(Problem(str(target), "is of no format that can be written", f"end the name in one of {', '.join(SUFFIXES)}"))
    arrow_rows(source, kind)
    draft = target.with_name(f".{target.name}.part")
    try:
        draft.unlink(missing_ok=True)
        count = {".parquet": _parquet, ".csv": _csv, ".jsonl": _lines}[target.suffix](source, kind, draft, heard)
        draft.replace(target)
    except (OSError, pa.ArrowException) as error:
        raise StorageError(f"cannot write {target}: {getattr(error, 'strerror', None) or error}") from error
    finally:
        draft.unlink(missing_ok=True)
    return count


def _stretches(source: StoredSource, kind: Kind, heard: Heard) -> Iterator[pa.Table]:
    total, count = max(1, sum(one.rows for one in source.parts_of(kind))), 0
    for table in tables(kind, source.parts_of(kind), source.cut_of(kind)):
        count += table.num_rows
        yield table
        heard(kind.name, table.num_rows, min(1.0, count / total))


def _parquet(source: StoredSource, kind: Kind, draft: Path, heard: Heard) -> int:
    """One file as a store has them, with the specifications of its contracts, so that it is a market by itself."""
    table = pa.concat_tables(_stretches(source, kind, heard)).unify_dictionaries()
    prices = [numbers(single(table.column(column.name))) for column in kind.columns if column.form is Form.PRICE]
    prices += [numbers(single(table.column(column.name)).flatten()) for column in kind.columns if column.form is Form.PRICES]
    scale = found(prices)
    if scale is None:
        raise ConfigError(
            Problem(str(source.path), f"its {kind.name} have no common tick", "export days of one tick at a time: --from, --to")
        )
    subjects = set(coded(single(table.column(kind.subject)))[1])
    listed = [one for name, one in source.listings.items() if name in subjects]
    part.write(draft, kind, table, scale, {"venue": source.venue, SPECIFICATIONS: told(listed)})
    return int(table.num_rows)


def _csv(source: StoredSource, kind: Kind, draft: Path, heard: Heard) -> int:
    """Prices as the venue printed them, times in ns UTC since 1970."""
    if any(column.form in (Form.PRICES, Form.NUMBERS) for column in kind.columns):
        raise ConfigError(Problem(kind.name, "have lists in their columns, which CSV has not", "write .parquet or .jsonl"))
    fields = [pa.field(one.name, pa.int64() if pa.types.is_timestamp(one.type) else one.type) for one in kind.schema]
    plain = pa.schema([one.with_type(pa.string()) if pa.types.is_dictionary(one.type) else one for one in fields])
    count = 0
    with draft.open("xb") as file, pacsv.CSVWriter(file, plain) as writer:
        for table in _stretches(source, kind, heard):
            writer.write_table(table.cast(plain))
            count += table.num_rows
    return count


def _lines(source: StoredSource, kind: Kind, draft: Path, heard: Heard) -> int:
    """Events as `strikeloop decode` prints them, the contracts first."""
    count = 0
    with draft.open("x", encoding="utf-8") as file:
        for listing in sorted(source.listings.values(), key=lambda one: (one.time, one.name)):
            file.write(json.dumps(described(listing.event(source.adapter)), separators=(",", ":")) + "\n")
        for table in _stretches(source, kind, heard):
            for event in events(kind, table, source.adapter):
                file.write(json.dumps(described(event), separators=(",", ":")) + "\n")
                count += 1
    return count
