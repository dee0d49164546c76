"""What rows of one kind must be: each check finds every row that is wrong, at once over whole columns.

Owns the checks, and `Limits`, which says how much is too much. A check is told the rows of one stretch of time with the file and
the row that each came from; it mends nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import attrs
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from strikeloop_store.arrays import coded, flags, lengths, nulls, numbers, raw, single
from strikeloop_store.defects import Defect
from strikeloop_store.kinds import Column, Form, Kind
from strikeloop_store.specifications import Listing
from strikeloop_store.ticks import Floats, Ints

SECOND_NS = 1_000_000_000
EARLIEST = 1_230_768_000 * SECOND_NS
"""2009: no venue of options on coins is older."""
LATEST = 4_102_444_800 * SECOND_NS
"""2100."""
_MOST_IV = 20.0
_MOST_DELTA = 2.0
Mask = NDArray[np.bool_]


@attrs.frozen(kw_only=True)
class Limits:
    """How much is too much.

    `max_gap_s`: the longest time without a row of a kind (None: any). `max_jump`, `max_underlying_jump`: the most by which one price may
    be a multiple or a fraction of the one before it. `max_delay_s`: how far apart the two times of a row may be.
    """

    max_gap_s: float | None = None
    max_jump: float = 10_000.0
    max_underlying_jump: float = 2.0
    max_delay_s: float = 3_600.0


@attrs.define(eq=False)
class Stretch:
    """Rows to look at. `file` is the position in `files` and `row` the number of each; `listed` are the contracts that are specified."""

    kind: Kind
    table: pa.Table
    files: Sequence[str]
    file: NDArray[np.int32]
    row: Ints
    listed: Mapping[str, Listing] | None = None
    limits: Limits = attrs.field(factory=Limits)

    def column(self, name: str) -> Any:
        return single(self.table.column(name))

    def numbers(self, name: str) -> Floats:
        return numbers(self.column(name))

    @property
    def time(self) -> Ints:
        return raw(self.column("time"))

    def subjects(self) -> tuple[NDArray[np.int32], list[str]]:
        return coded(self.column(self.kind.subject))

    def defects(self, wrong: Mask | Ints, sort: str, tell: Callable[[int], str]) -> Iterator[Defect]:
        """One for each row, told by `tell` of its position."""
        for at in (np.flatnonzero(wrong) if wrong.dtype == bool else wrong).tolist():
            yield Defect(self.files[self.file[at]], int(self.row[at]), sort, tell(at))


def examine(stretch: Stretch) -> Iterator[Defect]:
    """Everything that is wrong. Where a value is missing nothing else is said of the rows, for it could not be judged."""
    missing = list(_missing(stretch))
    yield from missing
    if missing or not stretch.table.num_rows:
        return
    for check in _CHECKS:
        yield from check(stretch)


def shown(time: int) -> str:
    """A time as people write it; out of what a date can say, its number."""
    if not -(2**62) < time < 2**62:
        return f"{time} ns"
    moment = datetime.fromtimestamp(time // SECOND_NS, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{time % SECOND_NS:09d}Z"


# ---- one row -------------------------------------------------------------------------------------------------------------


def _missing(stretch: Stretch) -> Iterator[Defect]:
    for column in stretch.kind.columns:
        array = stretch.column(column.name)
        if column.required:
            yield from stretch.defects(nulls(array), "missing", telling(f"{column.name} has no value"))
        if column.form is Form.NAME and not array.null_count:
            rows, names = coded(array)
            empty = np.isin(rows, [at for at, name in enumerate(names) if not name])
            yield from stretch.defects(empty, "missing", telling(f"{column.name} is empty"))


def telling(text: str) -> Callable[[int], str]:
    """The same words for every row."""
    return lambda _: text


def _valued(name: str, values: Floats, text: str) -> Callable[[int], str]:
    return lambda at: f"{name} is {values[at]:g}{text}"


def _timed(name: str, times: Ints) -> Callable[[int], str]:
    return lambda at: f"{name} is {shown(int(times[at]))}: is its unit (s, ms, us, ns) what was declared?"


def _nan(stretch: Stretch) -> Iterator[Defect]:
    for column in _figures(stretch.kind):
        array = stretch.column(column.name)
        if column.form in (Form.PRICES, Form.NUMBERS):
            wrong = _any_of(array, ~np.isfinite(numbers(array.flatten())))
            yield from stretch.defects(wrong, "nan", telling(f"{column.name} holds what is no finite number"))
        else:
            found = raw(array)
            yield from stretch.defects(~np.isfinite(found) & ~nulls(array), "nan", _valued(column.name, found, ", no finite number"))


def _figures(kind: Kind) -> list[Column]:
    return [column for column in kind.columns if column.form in (Form.PRICE, Form.NUMBER, Form.PRICES, Form.NUMBERS)]


def _any_of(array: Any, wrong: Mask) -> Mask:
    """Which lists hold something that is wrong."""
    sums = np.concatenate([[0], np.cumsum(wrong)])
    ends = np.concatenate([[0], np.cumsum(lengths(array))])
    found: Mask = sums[ends[1:]] > sums[ends[:-1]]
    return found


def _times(stretch: Stretch) -> Iterator[Defect]:
    for name in ("time", "received", "start"):
        if name not in stretch.kind.names:
            continue
        times = raw(stretch.column(name))
        wrong = (times < EARLIEST) | (times >= LATEST)
        if name != "time":
            wrong &= times != stretch.time  # said already
        yield from stretch.defects(wrong, "range", _timed(name, times))
    if stretch.kind.name == "contracts":
        return
    delay = (raw(stretch.column("received")) - stretch.time) / SECOND_NS
    yield from stretch.defects(
        np.abs(delay) > stretch.limits.max_delay_s,
        "range",
        lambda at: f"was received {delay[at]:,.0f} s after its time: are both in the time zone and unit that was declared?",
    )


_POSITIVE = {"trades": ("price",), "candles": ("open", "high", "low", "close"), "underlyings": ("price",)}
_NOT_NEGATIVE = {
    "quotes": ("bid", "ask", "bid_size", "ask_size"),
    "candles": ("volume",),
    "tickers": ("mark_price", "last_price", "index_price", "underlying_price", "mark_iv", "bid_iv", "ask_iv"),
}


def _ranges(stretch: Stretch) -> Iterator[Defect]:
    kind = stretch.kind.name
    for names, least, text in ((_POSITIVE, np.nextafter(0, 1), "above 0"), (_NOT_NEGATIVE, 0.0, "0 or more")):
        for name in names.get(kind, ()):
            found = stretch.numbers(name)
            yield from stretch.defects(found < least, "range", _valued(name, found, f", expected {text}"))
    if kind in _OF_KIND:
        yield from _OF_KIND[kind](stretch)


def _of_tickers(stretch: Stretch) -> Iterator[Defect]:
    for name in ("mark_iv", "bid_iv", "ask_iv"):
        found = stretch.numbers(name)
        yield from stretch.defects(found > _MOST_IV, "range", _valued(name, found, ": a fraction is expected, is this percent?"))
    delta = stretch.numbers("delta")
    yield from stretch.defects(np.abs(delta) > _MOST_DELTA, "range", lambda at: f"delta is {delta[at]:g}, expected −1 to 1")


def _of_trades(stretch: Stretch) -> Iterator[Defect]:
    yield from stretch.defects(stretch.numbers("size") == 0, "range", telling("size is 0"))


def _of_candles(stretch: Stretch) -> Iterator[Defect]:
    opened, high, low, close = (stretch.numbers(name) for name in ("open", "high", "low", "close"))
    wrong = (low > np.minimum(opened, close)) | (high < np.maximum(opened, close))
    yield from stretch.defects(
        wrong, "range", lambda at: f"open {opened[at]:g} and close {close[at]:g} are not between low {low[at]:g} and high {high[at]:g}"
    )
    interval = raw(stretch.column("interval"))
    yield from stretch.defects(interval <= 0, "range", lambda at: f"interval is {interval[at]} ns")


def _of_quotes(stretch: Stretch) -> Iterator[Defect]:
    for side in ("bid", "ask"):
        empty = nulls(stretch.column(side)) & (stretch.numbers(f"{side}_size") != 0)
        yield from stretch.defects(empty, "missing", telling(f"{side}_size is given and {side} is not"))


def _of_books(stretch: Stretch) -> Iterator[Defect]:
    for side in ("bid", "ask"):
        prices, sizes = stretch.column(f"{side}_prices"), stretch.column(f"{side}_sizes")
        uneven = lengths(prices) != lengths(sizes)
        yield from stretch.defects(uneven, "missing", telling(f"{side}_prices and {side}_sizes differ in number"))
        negative = _any_of(prices, numbers(prices.flatten()) < 0) | _any_of(sizes, numbers(sizes.flatten()) < 0)
        yield from stretch.defects(negative, "range", telling(f"a price or a size among the {side}s is negative"))


_OF_KIND: Mapping[str, Callable[[Stretch], Iterator[Defect]]] = {
    "tickers": _of_tickers,
    "trades": _of_trades,
    "candles": _of_candles,
    "quotes": _of_quotes,
    "books": _of_books,
}


def _crossed(stretch: Stretch) -> Iterator[Defect]:
    if stretch.kind.name == "quotes":
        bid, ask = stretch.numbers("bid"), stretch.numbers("ask")
        yield from stretch.defects(bid > ask, "crossed", lambda at: f"bid {float(bid[at])!r} is above ask {float(ask[at])!r}")
    if stretch.kind.name == "books":
        whole = stretch.column("snapshot").to_pylist()
        bids, asks = (_best(stretch.column(f"{side}_prices")) for side in ("bid", "ask"))
        yield from stretch.defects(
            (bids > asks) & whole, "crossed", lambda at: f"the best bid {float(bids[at])!r} is above the best ask {float(asks[at])!r}"
        )


def _best(array: Any) -> Floats:
    """The first price of each list, NaN where there is none."""
    sizes, values = lengths(array), numbers(array.flatten())
    starts = np.concatenate([[0], np.cumsum(sizes)])[:-1]
    return np.where(sizes > 0, np.append(values, np.nan)[np.minimum(starts, len(values))], np.nan)


def _listed(stretch: Stretch) -> Iterator[Defect]:
    if stretch.listed is None or stretch.kind.subject != "contract" or stretch.kind.name == "contracts":
        return
    rows, names = stretch.subjects()
    known = [stretch.listed.get(name) for name in names]
    unknown = np.isin(rows, [at for at, one in enumerate(known) if one is None])
    yield from stretch.defects(unknown, "unknown", lambda at: f"{names[rows[at]]} has no specification")
    expiry = np.array([LATEST if one is None else one.contract.expiry for one in known], np.int64)[rows]
    yield from stretch.defects(
        stretch.time > expiry,
        "range",
        lambda at: f"{names[rows[at]]} expired at {shown(int(expiry[at]))}, this is {shown(int(stretch.time[at]))}",
    )


# ---- one row after another -------------------------------------------------------------------------------------------------


def unsorted(stretch: Stretch) -> Iterator[Defect]:
    """Rows of one file that are earlier than the row before them."""
    time = stretch.time
    back = np.flatnonzero((np.diff(time) < 0) & (np.diff(stretch.file) == 0)) + 1
    yield from stretch.defects(back, "unsorted", lambda at: f"{shown(int(time[at]))} comes after {shown(int(time[at - 1]))}")


def _duplicate(stretch: Stretch) -> Iterator[Defect]:
    """Rows that say again what was said: what can be said but once (a trade, a bar), or all of a row right after it, or in another file."""
    rows, names = stretch.subjects()
    order = np.lexsort((rows,))
    turn = np.empty(len(order), np.int64)
    turn[order] = np.arange(len(order))
    before, after = _equal_pairs([_codes(stretch, column) for column in stretch.kind.columns if column.name != "sequence"])
    again = (stretch.file[before] != stretch.file[after]) | (turn[after] == turn[before] + 1)
    found: dict[int, int] = dict(zip(after[again].tolist(), before[again].tolist(), strict=True))
    if once := _once(stretch):
        told, columns = once
        before, after = _equal_pairs([rows[told], *(column[told] for column in columns)])
        found.update(zip(told[after].tolist(), told[before].tolist(), strict=True))
    yield from stretch.defects(
        np.array(sorted(found), np.int64),
        "duplicate",
        lambda at: f"{names[rows[at]]} says again what {stretch.files[stretch.file[found[at]]]}:{stretch.row[found[at]]} says",
    )


def _once(stretch: Stretch) -> tuple[Ints, list[NDArray[Any]]] | None:
    """Which rows have an identity of their own beside their contract, and what it is."""
    if stretch.kind.name == "trades":
        identity, names = coded(stretch.column("trade_id"))
        return np.flatnonzero(~np.isin(identity, [at for at, name in enumerate(names) if not name])), [identity]
    if stretch.kind.name == "candles":
        return np.arange(len(stretch.row)), [raw(stretch.column("start")), raw(stretch.column("interval"))]
    return None


def _equal_pairs(columns: Sequence[NDArray[Any]]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pairs of rows, the earlier first, that are equal in every column: each row with the one before it that it equals."""
    mixed = np.zeros(len(columns[0]), np.uint64)
    for column in columns:  # one number for each row: equal rows have the same, and the few others that do are told apart below
        mixed = (mixed ^ column.astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(32)
    order = np.argsort(mixed, kind="stable")
    same = np.flatnonzero(mixed[order[:-1]] == mixed[order[1:]])
    before, after = order[same], order[same + 1]
    equal = np.ones(len(after), bool)
    for column in columns:
        equal &= column[before] == column[after]
    return before[equal], after[equal]


def _codes(stretch: Stretch, column: Column) -> NDArray[Any]:
    """A column as whole numbers, equal where its values are."""
    array = stretch.column(column.name)
    match column.form:
        case Form.NAME | Form.TEXT:
            return coded(array)[0]
        case Form.PRICES | Form.NUMBERS:
            return _codes_of_lists(array)
        case Form.FLAG:
            return flags(array)
        case Form.PRICE | Form.NUMBER:
            return (numbers(array) + 0.0).view(np.int64)  # -0.0 is 0.0, and every null the same NaN
        case _:
            return raw(array)


def _codes_of_lists(array: Any) -> NDArray[np.uint64]:
    """A 64-bit sum over each list, of the bits of its items, weighted by their place in it: exact modulo 2**64."""
    sizes, values = lengths(array), numbers(array.flatten())
    ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
    place = (np.arange(len(values)) - np.repeat(ends[:-1], sizes)).astype(np.uint64)
    weight = (place + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15) | np.uint64(1)
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum((values + 0.0).view(np.uint64) * weight, dtype=np.uint64)])
    codes: NDArray[np.uint64] = sums[ends[1:]] - sums[ends[:-1]] + sizes.astype(np.uint64)
    return codes


def _gap(stretch: Stretch) -> Iterator[Defect]:
    most = stretch.limits.max_gap_s
    if most is None or stretch.kind.name == "contracts":
        return
    order = np.argsort(stretch.time, kind="stable")
    time = stretch.time[order]
    wide = np.flatnonzero(np.diff(time) > most * SECOND_NS) + 1
    seconds = dict(zip(order[wide].tolist(), (np.diff(time)[wide - 1] / SECOND_NS).tolist(), strict=True))
    yield from stretch.defects(
        order[wide], "gap", lambda at: f"{seconds[at]:,.1f} s without {stretch.kind.name} before {shown(int(stretch.time[at]))}"
    )


_PRICE = {"trades": "price", "candles": "close", "underlyings": "price", "tickers": "mark_price"}


def _jump(stretch: Stretch) -> Iterator[Defect]:
    name = _PRICE.get(stretch.kind.name)
    if name is None and stretch.kind.name != "quotes":
        return
    price = (stretch.numbers("bid") + stretch.numbers("ask")) / 2 if name is None else stretch.numbers(name)
    most = stretch.limits.max_underlying_jump if stretch.kind.name == "underlyings" else stretch.limits.max_jump
    rows, names = stretch.subjects()
    seen = np.flatnonzero(price > 0)
    order = seen[np.lexsort((stretch.time[seen], rows[seen]))]
    before, after = order[:-1], order[1:]
    ratio = price[after] / price[before]
    far = (rows[before] == rows[after]) & ((ratio > most) | (ratio < 1 / most))
    earlier = dict(zip(after[far].tolist(), before[far].tolist(), strict=True))
    yield from stretch.defects(
        np.array(sorted(earlier), np.int64), "jump", lambda at: f"{names[rows[at]]} goes from {price[earlier[at]]:g} to {price[at]:g}"
    )


_CHECKS = (_nan, _times, _ranges, _crossed, _listed, _duplicate, _gap, _jump)
