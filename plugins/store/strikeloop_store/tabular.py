"""CSV and Parquet files as sheets: a stretch of rows at a time, each with the number it has in its file.

Owns the two readers and what they tell of progress. CSV cells stay text: what they mean is said by who declares it.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import attrs
import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from strikeloop import ConfigError, Problem
from strikeloop_store.defects import Defect, Defects
from strikeloop_store.sheet import Sheet

BLOCK = 16 << 20
ROWS = 131_072
Told = Callable[[int, float], None]
"""Told of rows read, and of the share of the file that is behind."""


@attrs.frozen(kw_only=True)
class Text:
    """How a CSV file is written. `header` names the columns of a file that does not."""

    delimiter: str = attrs.field(default=",", validator=attrs.validators.and_(attrs.validators.min_len(1), attrs.validators.max_len(1)))
    header: tuple[str, ...] = ()


def is_parquet(path: Path) -> bool:
    return path.suffix == ".parquet"


def sheets(
    path: Path, columns: Collection[str], defects: Defects, *, text: Text | None = None, told: Told = lambda _rows, _share: None
) -> Iterator[Sheet]:
    """The rows of a file, with these columns at least. Raises ConfigError where it cannot be read or lacks one."""
    try:
        yield from _parquet(path, columns, defects, told) if is_parquet(path) else _csv(path, columns, defects, text or Text(), told)
    except UnicodeDecodeError as error:
        raise ConfigError(Problem(str(path), f"is no text in UTF-8: {error.reason} at byte {error.start}")) from error
    except (OSError, EOFError) as error:
        raise ConfigError(Problem(str(path), f"cannot be read: {getattr(error, 'strerror', None) or error}")) from error


def lacking(path: Path, columns: Collection[str], have: Sequence[str]) -> None:
    """Raise ConfigError where a file has not all of these columns."""
    missing = [name for name in columns if name not in have]
    if missing:
        raise ConfigError(
            Problem(
                str(path), f"has no column {', '.join(missing)}", f"it has {', '.join(have)}; declare the columns it has, or another format"
            )
        )


def _parquet(path: Path, columns: Collection[str], defects: Defects, told: Told) -> Iterator[Sheet]:
    try:
        with pq.ParquetFile(path) as file:
            lacking(path, columns, file.schema_arrow.names)
            total, first = max(1, file.metadata.num_rows), 1
            for batch in file.iter_batches(batch_size=ROWS, columns=list(columns)):
                yield Sheet(str(path), pa.Table.from_batches([batch]), np.arange(first, first + len(batch)), defects)
                first += len(batch)
                told(len(batch), (first - 1) / total)
    except pa.ArrowInvalid as error:
        raise ConfigError(Problem(str(path), f"is no Parquet: {error}")) from error


def _csv(path: Path, columns: Collection[str], defects: Defects, text: Text, told: Told) -> Iterator[Sheet]:
    size = max(1, path.stat().st_size)
    with path.open("rb") as file:
        try:
            reader = _reader(file, path, columns, text)
            first = 1 if text.header else 2
            for batch in reader:
                yield Sheet(str(path), pa.Table.from_batches([batch]), np.arange(first, first + len(batch)), defects)
                first += len(batch)
                told(len(batch), file.tell() / size)
        except pa.ArrowInvalid as error:
            uneven = list(_uneven(path, text))
            defects.extend(uneven)
            if not uneven:
                raise ConfigError(Problem(str(path), f"is no CSV: {error}")) from error


def _reader(file: BinaryIO, path: Path, columns: Collection[str], text: Text) -> Any:
    have = list(text.header) or _header(path, text)
    lacking(path, columns, have)
    return pacsv.open_csv(
        pa.CompressedInputStream(pa.PythonFile(file), "gzip") if path.suffix == ".gz" else pa.PythonFile(file),
        read_options=pacsv.ReadOptions(use_threads=False, block_size=BLOCK, column_names=list(text.header) or None),
        parse_options=pacsv.ParseOptions(delimiter=text.delimiter, ignore_empty_lines=False),
        convert_options=pacsv.ConvertOptions(
            column_types=dict.fromkeys(columns, pa.string()), include_columns=list(columns), null_values=[""], strings_can_be_null=True
        ),
    )


def _opened(path: Path) -> io.TextIOBase:
    return gzip.open(path, "rt", encoding="utf-8", newline="") if path.suffix == ".gz" else path.open(encoding="utf-8", newline="")


def _header(path: Path, text: Text) -> list[str]:
    with _opened(path) as lines:
        return next(csv.reader(lines, delimiter=text.delimiter), [])


def _uneven(path: Path, text: Text) -> Iterator[Defect]:
    """Lines with more or fewer cells than the first."""
    with _opened(path) as lines:
        reader = csv.reader(lines, delimiter=text.delimiter)
        wanted = 0
        for cells in reader:
            wanted = wanted or len(cells)
            if len(cells) != wanted:
                yield Defect(str(path), reader.line_num, "missing", f"has {len(cells)} cells, expected {wanted}")
