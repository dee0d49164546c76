"""What a table says, as a hash: the same rows give the same one, however they are chunked, coded or compressed.

Owns `fingerprint`. It reads no file.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from strikeloop_store.arrays import coded, flags, lengths, numbers, raw, single
from strikeloop_store.kinds import Form, Kind


def fingerprint(kind: Kind, table: pa.Table) -> str:
    """SHA-256 of the rows in memory form (prices as floats), in their order."""
    sha = hashlib.sha256(f"{kind.name} {table.num_rows}".encode())
    for column in kind.columns:
        sha.update(f"\n{column.name} {column.form.value}\n".encode())
        for part in _parts(single(table.column(column.name)), column.form):
            sha.update(np.ascontiguousarray(part).view(np.uint8).data)
    return sha.hexdigest()


def _parts(array: Any, form: Form) -> list[NDArray[Any]]:
    match form:
        case Form.NAME:
            return _names(*coded(array))
        case Form.TEXT:
            return [_bytes(array.to_pylist())]
        case Form.PRICES | Form.NUMBERS:
            return [lengths(array), numbers(array.flatten())]
        case Form.FLAG:
            return [flags(array)]
        case Form.TIME | Form.WHOLE:
            return [raw(array)]
        case _:
            return [numbers(array)]


def _names(rows: NDArray[np.int32], names: list[str]) -> list[NDArray[Any]]:
    """As positions in the sorted names that occur."""
    used = sorted({names[at] for at in np.unique(rows).tolist()})
    places = {name: at for at, name in enumerate(used)}
    order = np.array([places.get(name, -1) for name in names], np.int32)
    return [order[rows] if names else rows, _bytes(used)]


def _bytes(texts: list[str]) -> NDArray[np.uint8]:
    return np.frombuffer("\0".join(texts).encode() or b"\0", np.uint8)
