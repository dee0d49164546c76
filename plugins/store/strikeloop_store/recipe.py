"""How the columns of a file become the columns of a kind: everything declared, nothing guessed.

Owns `Recipe`, which is what a mapping file holds and what the built-in formats are made of.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from strikeloop import ConfigError, Problem
from strikeloop.venue import structure
from strikeloop_store.arrays import raw
from strikeloop_store.kinds import KINDS, NAME, TIME, Column, Form, Kind
from strikeloop_store.sheet import Clock, Sheet
from strikeloop_store.tabular import Text

Rows = tuple[Kind, pa.Table, Any]
"""A kind, rows of it in memory form, and the row number of each."""
MAPPED = ("quotes", "trades", "tickers", "underlyings", "candles")


@attrs.frozen(kw_only=True)
class Side:
    """How a file of trades tells the taker's side, where its sizes bear no sign."""

    column: str
    buy: str
    sell: str


@attrs.frozen(kw_only=True)
class Recipe:
    """Which column of a file is which of a kind.

    `columns`: the file's name for each; `values`: what is the same in every row; `factors`: what numbers are multiplied by (0.01 makes
    fractions of percent). `received` left out is the same as `time`. Of candles `time` is the beginning of the bar, and `interval` (ns) is
    a column or a value.
    """

    kind: str = attrs.field(validator=attrs.validators.in_(MAPPED))
    time: Clock
    received: Clock | None = None
    columns: dict[str, str] = attrs.field(factory=dict)
    values: dict[str, str] = attrs.field(factory=dict)
    factors: dict[str, float] = attrs.field(factory=dict)
    side: Side | None = None
    text: Text = attrs.field(factory=Text)

    def __attrs_post_init__(self) -> None:
        known = [column.name for column in self._open]
        for given in (self.columns, self.values, self.factors):
            for name in given:
                if name not in known:
                    raise ValueError(f"{self.kind} have no column {name}; they have {', '.join(known)}")
        twice = [name for name in self.columns if name in self.values]
        lacking = [
            column.name
            for column in self._open
            if column.required and column.name not in {*self.columns, *self.values} and column.name != "trade_id"
        ]
        if twice or lacking:
            raise ValueError(
                "; ".join([*(f"{name} is both a column and a value" for name in twice), *(f"{name} is not declared" for name in lacking)])
            )
        if self.side is not None and self.kind != "trades":
            raise ValueError(f"{self.kind} have no side")

    @property
    def _kind(self) -> Kind:
        return KINDS[self.kind]

    @property
    def _open(self) -> list[Column]:
        """The columns that are to be declared."""
        return [column for column in self._kind.columns if column.name not in ("time", "received", "start", "sequence")]

    @property
    def needs(self) -> list[str]:
        """The columns of the file that are read."""
        clocks = [one.column for one in (self.time, self.received) if one is not None]
        return list(dict.fromkeys([*clocks, *self.columns.values(), *([self.side.column] if self.side else [])]))

    def rows(self, sheet: Sheet) -> Iterator[Rows]:
        """The rows of the sheet; those with a cell that cannot be read are left out, for the whole file is refused then."""
        time = sheet.times(self.time)
        told: dict[str, Any] = {column.name: self._told(column, sheet) for column in self._open}
        told["time"], told["received"] = time, time if self.received is None else sheet.times(self.received)
        if self.kind == "candles":
            told["start"], told["time"] = time, pa.array(raw(pc.fill_null(time, 0)) + raw(told["interval"]), pa.int64()).cast(TIME)
            told["received"] = told["time"] if self.received is None else told["received"]
        if self.side is not None:
            sign = sheet.choice(self.side.column, {self.side.buy: 1.0, self.side.sell: -1.0})
            told["size"] = pc.multiply(told["size"], pa.array(sign))
        yield rows_of(self._kind, told, sheet)

    def _told(self, column: Column, sheet: Sheet) -> Any:
        name = self.columns.get(column.name)
        if name is None:
            return constant(column, self.values.get(column.name), len(sheet))
        if column.form is Form.NAME:
            return sheet.names(name)
        if column.form is Form.TEXT:
            return sheet.texts(name)
        found = sheet.numbers(name, self.factors.get(column.name, 1.0))
        return pc.fill_null(found, 0).cast(pa.int64()) if column.form is Form.WHOLE else found


def rows_of(kind: Kind, told: Mapping[str, Any], sheet: Sheet) -> Rows:
    """Columns by name as rows of a kind, without those that are bad already."""
    fields = [field.with_nullable(True) for field in kind.schema]  # what is missing is told with its row, later
    unknown = pa.array(np.zeros(len(sheet), np.int64))
    table = pa.Table.from_arrays(
        [told.get(name, unknown) if name == "sequence" else told[name] for name in kind.names], schema=pa.schema(fields)
    )
    good = ~sheet.bad
    return (kind, table, sheet.rows) if good.all() else (kind, table.filter(pa.array(good)), sheet.rows[good])


def constant(column: Column, value: str | None, count: int) -> Any:
    """A column that is the same in every row."""
    if column.form is Form.NAME:
        return pa.DictionaryArray.from_arrays(
            pa.array(np.zeros(count, np.int32), mask=np.full(count, value is None)), pa.array([value or ""])
        ).cast(NAME)
    if column.form is Form.TEXT:
        return pa.array([value or ""] * count, pa.string())
    if column.form is Form.WHOLE:
        return pa.array(np.full(count, int(value or 0), np.int64))
    return pa.nulls(count, pa.float64()) if value is None else pa.array(np.full(count, float(value)))


def read_mapping(path: Path) -> Recipe:
    """A mapping file. Raises ConfigError with everything that is wrong with it."""
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(
            Problem(str(path), f"is no mapping: {getattr(error, 'strerror', None) or error}", "see plugins/store/README.md, Mapping")
        ) from error
    return structure(told, Recipe, str(path))
