"""Recorded latencies on disk.

Owns reading a table of (request, at the venue, response) times in ns from a file: CSV with a header, or the NPZ that
hftbacktest writes. The only part of the venue's models that opens a file, once, before anything runs.
"""

from __future__ import annotations

import csv
from pathlib import Path

FIELDS = ("req_ts", "exch_ts", "resp_ts")
Row = tuple[int, int, int]
"""One command: ns at which it left, was at the venue (0: never), and was answered."""


def read_table(file: str) -> tuple[Row, ...]:
    """The rows of a .csv or .npz file. Raises ValueError for anything else, naming file and row."""
    path = Path(file)
    try:
        return _read_npz(path) if path.suffix == ".npz" else _read_csv(path)
    except OSError as error:
        raise ValueError(f"latency.file {file}: {error.strerror or error}") from None


def _read_csv(path: Path) -> tuple[Row, ...]:
    rows: list[Row] = []
    with path.open(newline="", encoding="utf-8") as lines:
        reader = csv.DictReader(lines)
        if not set(FIELDS) <= set(reader.fieldnames or ()):
            raise ValueError(f"latency.file {path}: the header must name {', '.join(FIELDS)}, got {reader.fieldnames}")
        for number, row in enumerate(reader, start=2):
            try:
                request, venue, response = (int(row[field]) for field in FIELDS)
            except (TypeError, ValueError):
                raise ValueError(f"latency.file {path}, line {number}: expected whole ns in {', '.join(FIELDS)}") from None
            rows.append((request, venue, response))
    return tuple(rows)


def _read_npz(path: Path) -> tuple[Row, ...]:
    try:
        import numpy as np  # noqa: PLC0415  # only this form of file needs it
    except ImportError:
        raise ValueError(f"latency.file {path}: an .npz file needs numpy: pip install 'strikeloop[vector]'") from None
    with np.load(path, allow_pickle=False) as archive:
        if not archive.files:
            raise ValueError(f"latency.file {path}: the archive is empty")
        table = archive["data" if "data" in archive.files else archive.files[0]]
    if not set(FIELDS) <= set(table.dtype.names or ()):
        raise ValueError(f"latency.file {path}: the array must have the fields {', '.join(FIELDS)}, got {table.dtype.names}")
    columns = [table[field].tolist() for field in FIELDS]
    return tuple((int(request), int(venue), int(response)) for request, venue, response in zip(*columns, strict=True))
