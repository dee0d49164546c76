"""Events as rows, and rows as events: what a recording is written from, and what a market yields.

Owns both ways. A row keeps everything of its event but the adapter's name, which whoever reads it has one of his own for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from strikeloop import BookUpdated, CandleClosed, ContractId, ContractListed, Event, Quoted, TickerUpdated, Traded, UnderlyingPriced
from strikeloop_store.arrays import single
from strikeloop_store.kinds import BOOKS, BY_EVENT, CANDLES, KINDS, QUOTES, TICKERS, TRADES, UNDERLYINGS, Form, Kind
from strikeloop_store.specifications import Listing, listings_of, table_of

_CLASSES: Mapping[str, type[Event]] = {
    UNDERLYINGS.name: UnderlyingPriced,
    TICKERS.name: TickerUpdated,
    QUOTES.name: Quoted,
    BOOKS.name: BookUpdated,
    TRADES.name: Traded,
    CANDLES.name: CandleClosed,
}
EVENTS = (*_CLASSES.values(), ContractListed)
"""What can be stored."""


def kind_of(event: Event) -> Kind | None:
    """The kind an event is stored as; None where it is not stored."""
    return BY_EVENT.get(type(event).__name__)


def class_of(kind: Kind) -> type[Event]:
    """The event that a row of this kind is."""
    return _CLASSES.get(kind.name, ContractListed)


def tables(events: Iterable[Event]) -> dict[Kind, pa.Table]:
    """Events as one table for each kind, in their order."""
    sorted_out: dict[str, list[Any]] = {}
    for event in events:
        kind = kind_of(event)
        if kind is not None:
            sorted_out.setdefault(kind.name, []).append(event)
    return {kind: table(kind, sorted_out[name]) for name, kind in KINDS.items() if name in sorted_out}


def table(kind: Kind, events: list[Any], sequence: Sequence[int] | None = None) -> pa.Table:
    """Events of one kind as rows; `sequence` is the place of each in its recording."""
    if kind.name not in _CLASSES:
        return table_of(Listing(event.time, event.specification) for event in events)
    arrays = [
        pa.array(
            list(sequence or [0] * len(events)) if column.name == "sequence" else list(map(_reader(column.name, kind), events)),
            _plain(column.form, field.type),
        )
        for column, field in zip(kind.columns, kind.schema, strict=True)
    ]
    return pa.Table.from_arrays([array.cast(field.type) for array, field in zip(arrays, kind.schema, strict=True)], schema=kind.schema)


def _plain(form: Form, stored: pa.DataType) -> pa.DataType:
    """The type that Python values become first."""
    return pa.int64() if form is Form.TIME else pa.string() if form is Form.NAME else stored


def _reader(name: str, kind: Kind) -> Callable[[Any], Any]:
    if name == "contract":
        return lambda event: event.contract.name
    if kind.name == BOOKS.name and name.endswith(("_prices", "_sizes")):
        side, at = ("bids" if name.startswith("bid") else "asks"), int(name.endswith("_sizes"))
        return lambda event: [level[at] for level in getattr(event, side)]
    return lambda event: getattr(event, name)


def events(kind: Kind, rows: pa.Table, adapter: str) -> Iterator[Event]:
    """Rows as events of the adapter instance `adapter`, one by one: for kinds that have no columns in the core, and for exports."""
    if kind.name not in _CLASSES:
        yield from (listing.event(adapter) for listing in listings_of(rows))
        return
    cls: Any = _CLASSES[kind.name]
    for values in zip(*(_values(single(rows.column(column.name)), column.form) for column in kind.columns), strict=True):
        told = dict(zip(kind.names, values, strict=True))
        del told["sequence"]
        if kind.subject == "contract":
            told["contract"] = ContractId.of(adapter, told["contract"])
        else:
            told["adapter"] = adapter
        yield cls(**(_book(told) if kind.name == BOOKS.name else told))


def _values(array: Any, form: Form) -> list[Any]:
    found: list[Any] = array.cast(pa.int64()).to_pylist() if form is Form.TIME else array.to_pylist()
    return found


def _book(told: dict[str, Any]) -> dict[str, Any]:
    for side in ("bid", "ask"):
        told[f"{side}s"] = tuple(zip(told.pop(f"{side}_prices"), told.pop(f"{side}_sizes"), strict=True))
    return told
