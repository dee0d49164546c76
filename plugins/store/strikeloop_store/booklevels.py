"""Whole books with a column for each level: asks[0].price, asks[0].amount, bids[0].price and so on.

Owns their way to the kind `books`. A level without a price ends its side.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import numpy as np
import pyarrow as pa

from strikeloop_store.arrays import numbers
from strikeloop_store.kinds import BOOKS
from strikeloop_store.recipe import Rows, rows_of
from strikeloop_store.sheet import Clock, Sheet


@attrs.frozen(kw_only=True)
class BookLevels:
    """Snapshots of `levels` a side, best first."""

    levels: int = attrs.field(validator=attrs.validators.ge(1))
    time: Clock
    received: Clock
    contract: str = "symbol"

    @property
    def needs(self) -> list[str]:
        cells = [self._cell(side, level, what) for side in ("asks", "bids") for level in range(self.levels) for what in ("price", "amount")]
        return [self.time.column, self.received.column, self.contract, *cells]

    def rows(self, sheet: Sheet) -> Iterator[Rows]:
        count = len(sheet)
        told: dict[str, Any] = {
            "time": sheet.times(self.time),
            "received": sheet.times(self.received),
            "contract": sheet.names(self.contract),
            "first_id": pa.array(np.zeros(count, np.int64)),
            "last_id": pa.array(np.zeros(count, np.int64)),
            "snapshot": pa.array(np.ones(count, bool)),
        }
        for side in ("bid", "ask"):
            prices, sizes = (self._side(sheet, f"{side}s", what) for what in ("price", "amount"))
            self._judge(sheet, side, prices, sizes)
            told[f"{side}_prices"], told[f"{side}_sizes"] = _lists(prices), _lists(sizes)
        yield rows_of(BOOKS, told, sheet)

    @staticmethod
    def _cell(side: str, level: int, what: str) -> str:
        return f"{side}[{level}].{what}"

    def _side(self, sheet: Sheet, side: str, what: str) -> Any:
        return np.column_stack([numbers(sheet.numbers(self._cell(side, level, what))) for level in range(self.levels)])

    @staticmethod
    def _judge(sheet: Sheet, side: str, prices: Any, sizes: Any) -> None:
        """A price has a size, no level stands behind an empty one, and each is worse than the one before."""
        here = ~np.isnan(prices)
        sheet.refuse(
            (here != ~np.isnan(sizes)).any(axis=1), "missing", lambda _: f"a {side} has a price without a size, or a size without a price"
        )
        sheet.refuse((here[:, 1:] & ~here[:, :-1]).any(axis=1), "missing", lambda _: f"a {side} stands behind an empty level")
        steps = np.diff(prices, axis=1)
        wrong = steps > 0 if side == "bid" else steps < 0
        sheet.refuse(wrong.any(axis=1), "unsorted", lambda _: f"the {side}s are not in the order of their prices")


def _lists(cells: Any) -> Any:
    """Rows of cells as lists, without those that are empty."""
    here = ~np.isnan(cells)
    ends = np.concatenate([np.zeros(1, np.int32), np.cumsum(here.sum(axis=1), dtype=np.int32)])
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), pa.array(cells[here], pa.float64()))
