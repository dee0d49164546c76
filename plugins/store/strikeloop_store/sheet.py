"""Rows as a file has them, and how their cells become numbers, times and names: strictly, or not at all.

Owns `Sheet`. A cell that cannot be read is a defect with its row; that row is not judged further. Nothing is coerced: a text that is no
number is no number, and a time without a zone has none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from fractions import Fraction
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from strikeloop import ConfigError, Problem
from strikeloop_store.arrays import nulls, numbers, raw, single
from strikeloop_store.defects import Defect, Defects
from strikeloop_store.kinds import NAME, TIME
from strikeloop_store.ticks import Ints

UNITS: Mapping[str, int] = MappingProxyType({"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1})
_NUMBER = re.compile(
    r"[+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,3})?|[+-]?(?:nan|inf|infinity)", re.IGNORECASE
)
_EPOCH = re.compile(r"-?[0-9]{1,19}(?:\.[0-9]{1,9})?")
_MOST = 2**63 - 1
_EXACT = pa.decimal128(30, 9)


@attrs.frozen(kw_only=True)
class Clock:
    """How a column tells time: `unit` s, ms, us or ns since 1970 UTC, "iso" for text, "timestamp" for Parquet's own type.

    `zone` is of times that bear none ("UTC", "Europe/Berlin"); where they bear one it must be left out.
    """

    column: str
    unit: str = attrs.field(validator=attrs.validators.in_((*UNITS, "iso", "timestamp")))
    zone: str = ""

    def __attrs_post_init__(self) -> None:
        if self.zone:
            if self.unit in UNITS:
                raise ValueError(f"{self.column}: {self.unit} since 1970 are UTC; leave the zone out")
            try:
                ZoneInfo(self.zone)
            except (KeyError, ValueError, OSError) as error:
                raise ValueError(f"{self.column}: {self.zone!r} is no time zone: write UTC, or a name such as Europe/Berlin") from error


@attrs.define(eq=False)
class Sheet:
    """A stretch of a file: `table` has its cells, `rows` their row numbers. What cannot be read goes to `defects`."""

    file: str
    table: pa.Table
    rows: Ints
    defects: Defects
    bad: NDArray[np.bool_] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.bad = np.zeros(len(self.rows), bool)

    def __len__(self) -> int:
        return len(self.rows)

    def cells(self, name: str) -> Any:
        """A column as it is. Raises ConfigError where there is none."""
        if name not in self.table.column_names:
            have = ", ".join(self.table.column_names)
            raise ConfigError(Problem(self.file, f"has no column {name}", f"it has {have}"))
        return single(self.table.column(name))

    def numbers(self, name: str, factor: float = 1.0) -> Any:
        """A column of numbers as float64, null where a cell is empty."""
        cells = self.cells(name)
        if pa.types.is_string(cells.type):
            cells = self._cast(cells, pa.float64(), _NUMBER, f"{name} is {{}}, no number")
        elif not (pa.types.is_floating(cells.type) or pa.types.is_integer(cells.type) or pa.types.is_decimal(cells.type)):
            raise ConfigError(Problem(self.file, f"column {name} is of type {cells.type}, expected numbers"))
        found = cells.cast(pa.float64(), safe=False)
        if factor == 1.0:
            return found
        ratio = Fraction(repr(factor))  # 64.6 % is 64.6 / 100; 64.6 · 0.01 is not the same float
        return pc.divide(pc.multiply(found, float(ratio.numerator)), float(ratio.denominator))

    def names(self, name: str) -> Any:
        """A column of names."""
        cells = self.cells(name)
        if pa.types.is_dictionary(cells.type):
            return cells.cast(NAME)
        if not (pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type)):
            raise ConfigError(Problem(self.file, f"column {name} is of type {cells.type}, expected text"))
        return pc.dictionary_encode(cells.cast(pa.string())).cast(NAME)

    def texts(self, name: str) -> Any:
        """A column of text; whole numbers (ids) as their digits, empty cells as ""."""
        cells = self.cells(name)
        if pa.types.is_floating(cells.type):
            raise ConfigError(Problem(self.file, f"column {name} is of type {cells.type}, expected text or whole numbers"))
        return pc.fill_null(cells.cast(pa.string()), "")

    def times(self, clock: Clock) -> Any:
        """A column of times, ns UTC."""
        cells = self.cells(clock.column)
        if clock.unit == "timestamp":
            return self._typed(cells, clock)
        if clock.unit == "iso":
            return self._written(cells, clock)
        return self._since_1970(cells, clock)

    def choice(self, name: str, values: Mapping[str, float]) -> NDArray[np.float64]:
        """What each cell stands for; a cell that is none of `values` is a defect."""
        found = self.names(name)
        meaning = np.array([values.get(word, np.nan) for word in found.dictionary.to_pylist()] or [np.nan])
        chosen = np.where(nulls(found.indices), np.nan, meaning[raw(pc.fill_null(found.indices, 0))])
        self.refuse(np.isnan(chosen), "range", lambda at: f"{name} is {found[at].as_py()!r}, expected one of {', '.join(values)}")
        return np.where(np.isnan(chosen), 0.0, chosen)

    def refuse(self, wrong: NDArray[np.bool_], sort: str, tell: Callable[[int], str]) -> None:
        """These rows are defects."""
        for at in np.flatnonzero(wrong & ~self.bad).tolist():
            self.defects.add(Defect(self.file, int(self.rows[at]), sort, tell(at)))
        self.bad |= wrong

    # ---- times ----

    def _typed(self, cells: Any, clock: Clock) -> Any:
        if not pa.types.is_timestamp(cells.type):
            raise ConfigError(
                Problem(self.file, f"column {clock.column} is of type {cells.type}, no timestamp", "declare its unit: s, ms, us, ns, iso")
            )
        return self._zoned(cells, clock, has_zone=cells.type.tz is not None)

    def _written(self, cells: Any, clock: Clock) -> Any:
        if not pa.types.is_string(cells.type):
            raise ConfigError(
                Problem(self.file, f"column {clock.column} is of type {cells.type}, no text", "declare its unit: s, ms, us, ns, timestamp")
            )
        wanted = pa.timestamp("ns") if clock.zone else TIME
        expected = (
            f"a time without zone, for {clock.zone} was declared" if clock.zone else "ISO 8601 with a zone (…Z), for none was declared"
        )
        return self._zoned(self._cast(cells, wanted, None, f"{clock.column} is {{}}, expected {expected}"), clock, has_zone=not clock.zone)

    def _zoned(self, cells: Any, clock: Clock, *, has_zone: bool) -> Any:
        if has_zone and clock.zone:
            raise ConfigError(Problem(self.file, f"column {clock.column} bears its zone", "leave the zone out of the mapping"))
        if not has_zone and not clock.zone:
            raise ConfigError(
                Problem(self.file, f"column {clock.column} bears no time zone and none is declared", 'declare it: zone = "UTC"')
            )
        if has_zone:
            return self._cast(cells, TIME, None, f"{clock.column} is {{}}, more than ns since 1970 can tell")
        local = self._cast(cells, pa.timestamp("ns"), None, f"{clock.column} is {{}}, more than ns since 1970 can tell")
        early, late = (pc.assume_timezone(local, clock.zone, ambiguous=way, nonexistent=way).cast(TIME) for way in ("earliest", "latest"))
        self.refuse(
            raw(pc.fill_null(early, 0)) != raw(pc.fill_null(late, 0)),
            "range",
            lambda at: f"{clock.column} is {local[at].as_py()}, which {clock.zone} has twice or not at all (summer time)",
        )
        return early

    def _since_1970(self, cells: Any, clock: Clock) -> Any:
        if pa.types.is_floating(cells.type):
            found = numbers(cells.cast(pa.float64()))
            self.refuse(
                np.isfinite(found) & (found != np.floor(found)),
                "range",
                lambda at: f"{clock.column} is {float(found[at])!r}: a float holds no exact time",
            )
            cells = cells.cast(pa.int64(), safe=False)
        elif not (pa.types.is_string(cells.type) or pa.types.is_integer(cells.type) or pa.types.is_decimal(cells.type)):
            raise ConfigError(Problem(self.file, f"column {clock.column} is of type {cells.type}, expected {clock.unit} since 1970"))
        try:
            whole, billionths = cells.cast(pa.int64()), np.zeros(len(cells), np.int64)
        except pa.ArrowInvalid:
            exact = self._cast(cells, _EXACT, _EPOCH, f"{clock.column} is {{}}, expected {clock.unit} since 1970")
            whole = pc.floor(exact).cast(pa.int64())
            billionths = np.frombuffer(pc.fill_null(pc.subtract(exact, pc.floor(exact)), 0).cast(_EXACT).buffers()[1], np.int64)[::2]
        return self._in_ns(whole, billionths[: len(cells)], clock)

    def _in_ns(self, whole: Any, billionths: Ints, clock: Clock) -> Any:
        """Whole units and billionths of one, in ns; what has none is refused."""
        unit, units = UNITS[clock.unit], raw(pc.fill_null(whole, 0))
        self.refuse(
            np.abs(units) > _MOST // unit - 1, "range", lambda at: f"{clock.column} is {units[at]}, too large for {clock.unit} since 1970"
        )
        self.refuse(billionths * unit % 10**9 != 0, "range", lambda at: f"{clock.column} has digits below a ns")
        return pa.array(units * unit + billionths * unit // 10**9, pa.int64(), mask=nulls(whole)).cast(TIME)

    def _cast(self, cells: Any, wanted: pa.DataType, form: re.Pattern[str] | None, tell: str) -> Any:
        """All cells at once; where one cannot be, each by itself."""
        try:
            return cells.cast(wanted)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            pass
        found = cells.to_pylist()
        wrong = np.array([one is not None and not _is(one, cells.type, wanted, form) for one in found], bool)
        self.refuse(wrong, "range" if form is None else "nan", lambda at: tell.format(repr(found[at])))
        return pc.if_else(pa.array(wrong), pa.scalar(None, cells.type), cells).cast(wanted)


def _is(cell: str | datetime, kind: pa.DataType, wanted: pa.DataType, form: re.Pattern[str] | None) -> bool:
    if form is not None and not form.fullmatch(str(cell)):
        return False
    try:
        pa.array([cell], kind).cast(wanted)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OverflowError):
        return False
    return True
