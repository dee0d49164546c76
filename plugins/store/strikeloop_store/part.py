"""One Parquet file of a store: written whole, read row group by row group.

Owns the file format: encodings, metadata, and the way between ticks in files and prices in memory. It knows nothing of folders.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from strikeloop import ConfigError, Problem
from strikeloop_store.arrays import coded, filled, nulls, numbers, raw, relisted, single
from strikeloop_store.content import fingerprint
from strikeloop_store.kinds import KINDS, VERSION, Form, Kind
from strikeloop_store.ticks import Scale

ROWS = 131_072
"""Of a row group: what is read at a time."""


def write(path: Path, kind: Kind, table: pa.Table, scale: Scale, facts: Mapping[str, str] | None = None) -> str:
    """Write a table in memory form, and see it on disk; returns its fingerprint. Raises OSError."""
    content = fingerprint(kind, table)
    times = raw(single(table.column("time")))
    times = raw(single(table.column("time")))
    told = {"rows": str(len(times)), "first": str(times[0]), "last": str(times[-1]), "content": content}
    rows, names = coded(single(table.column(kind.subject)))
    told["subjects"] = "\n".join(sorted({names[at] for at in np.unique(rows).tolist()}))
    schema = kind.stored(scale, {**told, **(facts or {})})
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        with pq.ParquetWriter(
            file,
            schema,
            compression="zstd",
            use_dictionary=[name for name in schema.names if name not in ("time", "received")],
            column_encoding={"time": "DELTA_BINARY_PACKED", "received": "DELTA_BINARY_PACKED"},
            write_page_checksum=True,
        ) as writer:
            writer.write_table(_in_ticks(kind, table, scale, schema), row_group_size=ROWS)
        file.flush()
        os.fsync(file.fileno())
    return content


def _in_ticks(kind: Kind, table: pa.Table, scale: Scale, schema: pa.Schema) -> pa.Table:
    arrays = [_stored(single(table.column(column.name)), column.form, scale) for column in kind.columns]
    constants = {"numerator": scale.numerator, "denominator": scale.denominator}
    arrays += [pa.array(np.full(table.num_rows, constants[name], np.int64)) for name in schema.names[len(arrays) :]]
    return pa.Table.from_arrays(arrays, schema=schema)


def _stored(array: Any, form: Form, scale: Scale) -> Any:
    if form is Form.PRICE:
        prices = numbers(array)
        missing = nulls(array)
        return pa.array(scale.ticks(prices), pa.int64(), mask=missing) if missing.any() else pa.array(scale.ticks(prices))
    if form is Form.PRICES:
        return relisted(array, pa.array(scale.ticks(numbers(array.flatten()))))
    return array


@attrs.frozen(eq=False)
class Part:
    """A file of a store as its metadata describes it; rows are read when they are asked for."""

    path: Path
    kind: Kind
    scale: Scale
    rows: int
    first: int
    last: int
    content: str
    facts: Mapping[str, str] = attrs.field(repr=False)
    spans: tuple[tuple[int, int], ...] = attrs.field(repr=False)
    """Of each row group: the first and the last time, ns."""
    counts: tuple[int, ...] = attrs.field(repr=False)
    """Of each row group: its rows."""

    @property
    def subjects(self) -> tuple[str, ...]:
        """The contracts (or underlyings) that the rows are about, by name."""
        return tuple(self.facts["subjects"].split("\n"))

    @classmethod
    def open(cls, path: Path) -> Part:
        """Look at a file. Raises ConfigError where it is none of ours, or damaged."""
        try:
            with pq.ParquetFile(path) as file:
                facts = {key.decode(): value.decode() for key, value in (file.schema_arrow.metadata or {}).items() if key != b"pandas"}
                return cls._described(path, file, facts)
        except (OSError, pa.ArrowException, KeyError, ValueError) as error:
            raise ConfigError(
                Problem(str(path), f"cannot be read as Parquet of a store: {error}", "see: strikeloop data verify")
            ) from error

    @classmethod
    def _described(cls, path: Path, file: Any, facts: Mapping[str, str]) -> Part:
        if "strikeloop" not in facts or facts.get("kind") not in KINDS:
            raise ValueError("it was not written by a store; import it with a mapping: strikeloop data import --help")
        if facts["strikeloop"] != VERSION:
            raise ValueError(f"it has schema version {facts['strikeloop']}, this is {VERSION}; a newer strikeloop-store reads it")
        kind, scale = KINDS[facts["kind"]], Scale(int(facts.get("numerator", 1)), int(facts.get("denominator", 1)))
        wanted = [(field.name, field.type) for field in kind.stored(scale, {})]
        if [(field.name, field.type) for field in file.schema_arrow] != wanted or scale.numerator < 1 or scale.denominator < 1:
            raise ValueError(f"its columns are not those of {kind.name}")
        return cls(
            path=path,
            kind=kind,
            scale=scale,
            rows=int(facts["rows"]),
            first=int(facts["first"]),
            last=int(facts["last"]),
            content=facts["content"],
            facts=facts,
            spans=_spans(file),
            counts=tuple(file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)),
        )

    def read(self, groups: Sequence[int] | None = None, columns: Sequence[str] | None = None, *, careful: bool = False) -> pa.Table:
        """These row groups (all where None) in memory form; `careful` checks the sums of their pages. Raises ConfigError."""
        return pa.concat_tables(self.tables(groups, columns, careful=careful))

    def tables(
        self, groups: Sequence[int] | None = None, columns: Sequence[str] | None = None, *, careful: bool = False
    ) -> Iterator[pa.Table]:
        """The same, one row group at a time."""
        wanted = [column for column in self.kind.columns if columns is None or column.name in columns]
        names = [column.name for column in wanted]
        codes = [column.name for column in wanted if column.form is Form.NAME]
        try:
            with pq.ParquetFile(self.path, read_dictionary=codes, page_checksum_verification=careful) as file:
                for group in range(file.num_row_groups) if groups is None else groups:
                    stored = file.read_row_group(group, columns=names)
                    if careful:
                        stored.validate(full=True)
                    arrays = [_told(single(stored.column(column.name)), column.form, self.scale) for column in wanted]
                    yield pa.Table.from_arrays(arrays, schema=pa.schema([self.kind.schema.field(name) for name in names]))
        except (OSError, pa.ArrowException) as error:
            raise ConfigError(Problem(str(self.path), f"cannot be read: {error}", "restore the file, or import its data again")) from error


def _told(array: Any, form: Form, scale: Scale) -> Any:
    if form is Form.PRICE:
        prices = scale.prices(raw(array))
        return filled(prices, pa.float64(), nulls(array))
    if form is Form.PRICES:
        return relisted(array, filled(scale.prices(raw(array.flatten())), pa.float64()))
    if form is Form.NAME and array.type.index_type != pa.int32():
        return array.cast(pa.dictionary(pa.int32(), pa.string()))
    return array


def _spans(file: Any) -> tuple[tuple[int, int], ...]:
    column = file.schema_arrow.get_field_index("time")
    found = []
    for group in range(file.num_row_groups):
        statistics = file.metadata.row_group(group).column(column).statistics
        if statistics is None or not statistics.has_min_max:
            raise ValueError("its times have no statistics")
        found.append((statistics.min_raw, statistics.max_raw))
    return tuple(found)


def first_time(table: pa.Table) -> int:
    """The time of the first row, ns."""
    return int(raw(single(table.column("time")))[0])
