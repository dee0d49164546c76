"""From Arrow to numpy without a copy where there is none to make, and without pandas, which `to_numpy` imports where it is installed.

Owns `values` and its kin. A null number is NaN, a null of anything else is an error of who asks.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from strikeloop_store.ticks import Floats, Ints

_DTYPES: dict[Any, type[np.generic]] = {pa.int64(): np.int64, pa.int32(): np.int32, pa.float64(): np.float64}


def single(column: Any) -> Any:
    """A chunked column as one array."""
    if not isinstance(column, pa.ChunkedArray):
        return column
    if column.num_chunks == 1:
        return column.chunk(0)
    return column.unify_dictionaries().combine_chunks() if pa.types.is_dictionary(column.type) else column.combine_chunks()


def raw(array: Any) -> NDArray[Any]:
    """The values of an array of numbers or times; where it is null there is no telling what."""
    dtype = np.dtype(np.int64 if pa.types.is_timestamp(array.type) else _DTYPES[array.type])
    buffer = array.buffers()[1]
    if buffer is None or not len(array):
        return np.empty(0, dtype)
    return np.frombuffer(buffer, dtype, len(array), array.offset * dtype.itemsize)


def nulls(array: Any) -> NDArray[np.bool_]:
    """Where an array is null."""
    if not array.null_count:
        return np.zeros(len(array), bool)
    return flags(pc.is_null(array))


def flags(array: Any) -> NDArray[np.bool_]:
    """The values of an array of booleans without nulls."""
    if not len(array):
        return np.empty(0, bool)
    bits = np.unpackbits(np.frombuffer(array.buffers()[1], np.uint8), bitorder="little")
    return bits[array.offset : array.offset + len(array)].astype(bool)


def whole(array: Any) -> Ints:
    """Whole numbers or times, which must not be null."""
    if array.null_count:
        raise ValueError(f"{array.null_count} values are missing")
    return raw(array)


def numbers(array: Any) -> Floats:
    """Numbers, NaN where there is none."""
    found: Floats = raw(array).astype(np.float64, copy=False)
    return np.where(nulls(array), np.nan, found) if array.null_count else found


def optional(values: Floats) -> Any:
    """The inverse of `numbers`: null where there is NaN."""
    missing = np.isnan(values)
    return pa.array(values, pa.float64(), mask=missing) if missing.any() else pa.array(values, pa.float64())


def filled(values: NDArray[Any], kind: Any, missing: NDArray[np.bool_] | None = None) -> Any:
    """Numbers as an Arrow array, null where `missing`. `pyarrow.array` would import pandas, where it is installed."""
    packed = np.ascontiguousarray(values)
    here = None if missing is None or not missing.any() else pa.py_buffer(np.packbits(~missing, bitorder="little"))
    return pa.Array.from_buffers(kind, len(packed), [here, pa.py_buffer(packed)])


def mask(wanted: NDArray[np.bool_]) -> Any:
    """A mask as an Arrow array."""
    return pa.Array.from_buffers(pa.bool_(), len(wanted), [None, pa.py_buffer(np.packbits(wanted, bitorder="little"))])


def coded(array: Any) -> tuple[NDArray[np.int32], list[str]]:
    """A column of names as positions in the names it uses."""
    found = array if pa.types.is_dictionary(array.type) else pc.dictionary_encode(array)
    return raw(found.indices.cast(pa.int32())), found.dictionary.to_pylist()


def lengths(array: Any) -> Ints:
    """How many items each list of an array of lists has."""
    return np.diff(np.frombuffer(array.buffers()[1], np.int32, len(array) + 1, array.offset * 4)).astype(np.int64)


def relisted(array: Any, values: Any) -> Any:
    """The lists of `array` with other values in place of `array.flatten()`."""
    ends = np.cumsum(lengths(array), dtype=np.int32)
    return pa.ListArray.from_arrays(filled(np.concatenate([np.zeros(1, np.int32), ends]), pa.int32()), values)
