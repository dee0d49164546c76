"""The events of a run as one table: a column for each field of an account's events, everything else as JSON in `details`.

Owns the schema of events.parquet, and how events become rows of it. Figures of the ledger are decimals of 18 places; what has more is
rounded there (half to even), and is exact in the journal.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from enum import Enum
from types import MappingProxyType
from typing import Any, get_args, get_type_hints

import attrs
import pyarrow as pa

import strikeloop
from strikeloop import AccountEvent, ContractId, Event, described
from strikeloop_store.kinds import BY_EVENT, NAME, TIME

FIGURE = pa.decimal128(38, 18)
_PLACES = Decimal(1).scaleb(-18)
_WIDE = Context(prec=38, rounding=ROUND_HALF_EVEN)
_TIMES = frozenset({"time", "received", "created", "finished"})
_MARKET = frozenset(BY_EVENT) - {"ContractListed"}
_COMMON: Mapping[str, pa.DataType] = MappingProxyType(
    {"sequence": pa.int64(), "event": NAME, "time": TIME, "received": TIME, "adapter": NAME, "contract": NAME, "instance": NAME}
)
_LAST = "details"
Reader = Callable[[Any], Any]


def _account_events() -> list[type[Event]]:
    named = [getattr(strikeloop, name) for name in strikeloop.__all__]
    return [cls for cls in named if isinstance(cls, type) and issubclass(cls, AccountEvent) and cls is not AccountEvent]


def _type_of(name: str, hint: Any) -> pa.DataType | None:
    """The type of a field's column; None where it has none of its own."""
    args = [one for one in get_args(hint) if one is not type(None)]
    plain = args[0] if len(args) == 1 and type(None) in get_args(hint) else hint
    if name in _TIMES:
        return TIME
    if plain is ContractId or (isinstance(plain, type) and issubclass(plain, Enum)):
        return NAME
    return {int: pa.int64(), float: pa.float64(), bool: pa.bool_(), Decimal: FIGURE, str: pa.string()}.get(plain)


def _types(cls: type[Event]) -> dict[str, pa.DataType]:
    hints = get_type_hints(cls)
    found = ((field.name, _type_of(field.name, hints[field.name])) for field in attrs.fields(cls))
    return {name: kind for name, kind in found if kind is not None}


def _schema() -> pa.Schema:
    found = dict(_COMMON)
    for cls in _account_events():
        for name, kind in _types(cls).items():
            found.setdefault(name, kind)
    return pa.schema([*(pa.field(name, kind) for name, kind in found.items()), pa.field(_LAST, pa.string())])


SCHEMA = _schema()


def is_kept(event: Event) -> bool:
    """Whether an event is one of a run's, and not of its market."""
    return type(event).__name__ not in _MARKET


def table(events: Sequence[Event], first: int) -> pa.Table:
    """Events as rows, numbered from `first`. Raises ValueError for a figure that no column can hold."""
    cells: dict[str, list[Any]] = {field.name: [None] * len(events) for field in SCHEMA}
    for at, event in enumerate(events):
        cells["sequence"][at] = first + at
        cells["event"][at] = type(event).__name__
        for name, read in _readers(type(event)):
            cells[name][at] = read(event)
    try:
        return pa.Table.from_arrays([_array(cells[field.name], field.type) for field in SCHEMA], schema=SCHEMA)
    except (pa.ArrowInvalid, OverflowError, ArithmeticError) as error:
        raise ValueError(f"an event has a figure that events.parquet cannot hold: {error}") from error


def _array(cells: list[Any], kind: pa.DataType) -> Any:
    if kind == TIME:
        return pa.array(cells, pa.int64()).cast(TIME)
    if kind == NAME:
        return pa.array(cells, pa.string()).dictionary_encode().cast(NAME)
    if kind == FIGURE:
        return pa.array([None if one is None else one.quantize(_PLACES, context=_WIDE) for one in cells], kind)
    return pa.array(cells, kind)


_MADE: dict[type[Event], tuple[tuple[str, Reader], ...]] = {}


def _readers(cls: type[Event]) -> tuple[tuple[str, Reader], ...]:
    """How each column of an event is read, worked out once: what has no column goes to `details`."""
    if cls not in _MADE:
        types = _types(cls)
        own = {name for name in types if name in SCHEMA.names and (SCHEMA.field(name).type in (types[name], NAME))}
        rest = tuple(field.name for field in attrs.fields(cls) if field.name not in own)
        found = [(name, _reader(name, SCHEMA.field(name).type)) for name in sorted(own)]
        if "contract" in own and "adapter" not in own:
            found.append(("adapter", lambda event: event.contract.adapter))
        if rest:
            found.append((_LAST, lambda event: _details(event, rest)))
        _MADE[cls] = tuple(found)
    return _MADE[cls]


def _reader(name: str, kind: pa.DataType) -> Reader:
    if name == "contract":
        return lambda event: event.contract.name
    if kind == NAME:
        return lambda event: _word(getattr(event, name))
    return lambda event: getattr(event, name)


def _word(value: Any) -> str | None:
    return str(value.value) if isinstance(value, Enum) else None if value is None else str(value)


def _details(event: Event, names: Sequence[str]) -> str | None:
    """What an event says beside its columns, as JSON; null where that is nothing."""
    told = {name: value for name, value in described(event).items() if name in names and value not in (None, "", [], {})}
    return json.dumps(told, separators=(",", ":")) if told else None
