"""Bars of a market that has none: open, high, low and close of quotes or trades, by numpy, told the moment they are complete.

Owns `with_bars` and `length_of`. A bar begins at a multiple of its length since 1970 (UTC), holds the rows of its contract from then on
and up to its end, and is told at its end, or when a client has its last row, if that is later. Where a contract has no row there is no
bar, and none where the market ends before the bar does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from strikeloop import CandleClosed, ContractId, Event, Quoted, Traded
from strikeloop.venue import Batch, Columns

Ints = NDArray[np.int64]
UNITS = {"s": 10**9, "m": 60 * 10**9, "h": 3_600 * 10**9, "d": 86_400 * 10**9}
MADE_OF: dict[str, type[Event]] = {"quotes": Quoted, "trades": Traded}
"""What bars can be made of: the middles of quotes that have two sides, or the prices and sizes of trades."""
_LENGTH = re.compile(r"([1-9][0-9]{0,5})([smhd])")
_FIRST = -1
"""The place of a bar among the rows of its instant: it was complete before they came."""


def length_of(text: str) -> int:
    """The ns of a bar's length: 30s, 1m, 4h, 1d. Raises ValueError for anything else."""
    found = _LENGTH.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no length of a bar: write 30s, 1m, 4h or 1d")
    return int(found[1]) * UNITS[found[2]]


def with_bars(batches: Iterable[Batch], length: int, of: type[Event] = Quoted) -> Iterator[Batch]:
    """The same market, and in it the bars (`CandleClosed`) of `length` ns that its quotes or trades make."""
    open_bars = _OpenBars(length)
    for batch in batches:
        parts = [part for part in batch.parts if part.kind is of and len(part)]
        done = open_bars.take(_rows(parts, open_bars, of), _last_time(batch))
        yield batch if done is None else attrs.evolve(batch, parts=(*batch.parts, done))


@attrs.define(eq=False)
class _Groups:
    """Bars that are complete or not: parallel columns, by contract and then by time."""

    code: Ints
    number: Ints
    """Which bar since 1970."""
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: NDArray[np.float64]
    received: Ints

    def of(self, rows: Any) -> _Groups:
        return _Groups(*(getattr(self, name)[rows] for name in _NAMES))

    def and_then(self, other: _Groups) -> _Groups:
        return _Groups(*(np.concatenate([getattr(self, name), getattr(other, name)]) for name in _NAMES))


_NAMES = tuple(field.name for field in attrs.fields(_Groups))
_NO_WHOLE, _NO_PRICE = np.zeros(0, np.int64), np.zeros(0)
_NOTHING = _Groups(_NO_WHOLE, _NO_WHOLE, _NO_PRICE, _NO_PRICE, _NO_PRICE, _NO_PRICE, _NO_PRICE, _NO_WHOLE)


class _OpenBars:
    """Bars that have begun and not ended, one of a contract at most."""

    def __init__(self, length: int) -> None:
        self.length = length
        self._codes: dict[ContractId, int] = {}
        self.keys: tuple[ContractId, ...] = ()
        self._open = _NOTHING

    def codes(self, keys: Sequence[Any]) -> Ints:
        """The numbers of these contracts in this run."""
        found = np.array([self._codes.setdefault(key, len(self._codes)) for key in keys], np.int64)
        if len(self.keys) != len(self._codes):
            self.keys = tuple(self._codes)
        return found

    def take(self, groups: _Groups, last: int) -> Columns | None:
        """Add what rows made; the bars that are over when a row of the time `last` has come, None where there is none."""
        whole = _joined(self._open, groups)
        is_over = (whole.number + 1) * self.length <= last
        self._open = whole.of(~is_over)
        return self._columns(whole.of(is_over)) if is_over.any() else None

    def _columns(self, bars: _Groups) -> Columns:
        rank = np.argsort(np.array(sorted(range(len(self.keys)), key=self.keys.__getitem__)))
        bars = bars.of(np.lexsort((rank[bars.code], bars.number)))
        start = bars.number * self.length
        end = start + self.length
        figures = {name: getattr(bars, name) for name in ("open", "high", "low", "close", "volume")}
        return Columns(
            kind=CandleClosed,
            keys=self.keys,
            key=bars.code.astype(np.int32),
            time=end,
            received=np.maximum(end, bars.received),
            fields={"start": start, "interval": np.full(len(start), self.length, np.int64), **figures},
            place=np.full(len(start), _FIRST, np.int64),
        )


def _joined(before: _Groups, after: _Groups) -> _Groups:
    """Both together; where one bar is in both, it goes on."""
    if not len(after.code):
        return before
    if not len(before.code):
        return after
    whole = before.and_then(after)
    return _grouped(whole.of(np.lexsort((whole.number, whole.code))))


def _rows(parts: Sequence[Columns], bars: _OpenBars, of: type[Event]) -> _Groups:
    """What the rows of these parts make, bar by bar."""
    found = [_ticks(part, bars, of) for part in parts]
    if not found:
        return _NOTHING
    columns = found[0] if len(found) == 1 else tuple(np.concatenate(column) for column in zip(*found, strict=True))
    code, time, place, price, size, received = columns
    if len(found) > 1:
        order = np.lexsort((place, time, code))
    else:  # of 16 bits the sort is a tenth of the work
        order = code.astype(np.int16 if len(bars.keys) < 1 << 15 else np.int64).argsort(kind="stable")
    price = price[order]
    return _grouped(_Groups(code[order], time[order] // bars.length, price, price, price, price, size[order], received[order]))


def _ticks(part: Columns, bars: _OpenBars, of: type[Event]) -> tuple[NDArray[Any], ...]:
    """Of the rows that have a price: contract, time, place, price, size and when they were received."""
    fields = part.fields
    price = (fields["bid"] + fields["ask"]) * 0.5 if of is Quoted else fields["price"]
    code = bars.codes(part.keys)[part.key]
    size = np.abs(fields["size"]) if of is Traded else np.broadcast_to(0.0, len(part))
    place = np.broadcast_to(0, len(part)) if part.place is None else part.place
    columns = (code, part.time, place, price, size, part.received)
    has_price = ~np.isnan(price)
    return columns if has_price.all() else tuple(column[has_price] for column in columns)


def _grouped(rows: _Groups) -> _Groups:
    """Neighbors of one contract and one bar become one."""
    if not len(rows.code):
        return rows
    is_first = np.ones(len(rows.code), np.bool_)
    is_first[1:] = (rows.code[1:] != rows.code[:-1]) | (rows.number[1:] != rows.number[:-1])
    starts = is_first.nonzero()[0]
    ends = np.append(starts[1:], len(is_first)) - 1
    return _Groups(
        code=rows.code[starts],
        number=rows.number[starts],
        open=rows.open[starts],
        high=np.maximum.reduceat(rows.high, starts),
        low=np.minimum.reduceat(rows.low, starts),
        close=rows.close[ends],
        volume=np.add.reduceat(rows.volume, starts),
        received=np.maximum.reduceat(rows.received, starts),
    )


def _last_time(batch: Batch) -> int:
    return max([int(part.time[-1]) for part in batch.parts if len(part)] + [event.time for event in batch.events[-1:]], default=-1)
