"""Records read back: the strict inverse of strikeloop.encoding, for journals, replays and piped events.

Owns the way from a mapping of JSON types to an event or a command. Never fills in what is not there, except for
`raw`, which encoding leaves out when it is empty.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import Enum
from typing import Any, TypeVar, get_args, get_type_hints

import attrs

from strikeloop import events
from strikeloop.commands import AmendOrder, CancelOrder, Command, SubmitOrder
from strikeloop.contracts import ContractId
from strikeloop.errors import StorageError
from strikeloop.events import Event
from strikeloop.settings import scalars
from strikeloop.settings.scalars import ValueRefusedError, did_you_mean, shown

T = TypeVar("T")
Read = Callable[[Any], Any]

_READERS: dict[type[Any], dict[str, Read]] = {}
_EVENTS: dict[str, type[Event]] = {name: cls for name, cls in vars(events).items() if isinstance(cls, type) and issubclass(cls, Event)}
_COMMANDS: dict[str, type[Command]] = {cls.__name__: cls for cls in get_args(Command)}


def event_from_record(record: Mapping[str, Any]) -> Event:
    """The event that `strikeloop.encoding.described` wrote as `record`. Raises StorageError naming event and field."""
    return _named(record, "event", _EVENTS)


def command_from_record(record: Mapping[str, Any]) -> Command:
    """The command that `strikeloop.encoding.described` wrote as `record`. Raises StorageError naming command and field."""
    return _named(record, "command", _COMMANDS)


def _named(record: Mapping[str, Any], key: str, known: Mapping[str, type[T]]) -> T:
    if not isinstance(record, Mapping):
        raise StorageError(f"a record is a mapping, got {shown(record)}")
    name = record.get(key)
    cls = known.get(name) if isinstance(name, str) else None
    if cls is None:
        hint = did_you_mean(name, known) if isinstance(name, str) else f"it must have the key {key}"
        raise StorageError(f"a record names no {key} we know: {shown(name)} ({hint})")
    try:
        return _value({field: item for field, item in record.items() if field != key}, cls)
    except ValueRefusedError as refusal:
        raise StorageError(f"a record of {name} cannot be read: {refusal.what}") from refusal


def _value(record: Any, cls: type[T]) -> T:
    if not isinstance(record, Mapping):
        raise ValueRefusedError(f"expected a table, got {shown(record)}")
    readers = _readers(cls)
    rest = dict(record)
    for name in ("contract", "id"):
        if name in readers and name in rest:
            rest[name] = _contract(rest.pop("adapter", None), rest[name])
    unknown = [name for name in rest if name not in readers]
    missing = [name for name in readers if name not in rest and name != "raw"]
    if unknown or missing:
        raise ValueRefusedError("; ".join([*(f"unknown field {name}" for name in unknown), *(f"{name} is missing" for name in missing)]))
    return cls(**{name: _field(name, readers[name], item) for name, item in rest.items()})


def _field(name: str, read: Read, item: Any) -> Any:
    try:
        return read(item)
    except ValueRefusedError as refusal:
        raise ValueRefusedError(f"{name}: {refusal.what}") from refusal


def _contract(adapter: Any, name: Any) -> ContractId:
    if type(adapter) is not str or type(name) is not str:
        raise ValueRefusedError("a contract is the text of adapter and name")
    return ContractId.of(adapter, name)


def _readers(cls: type[Any]) -> dict[str, Read]:
    """How each field of `cls` is read, by the field's type; worked out once."""
    if cls not in _READERS:
        hints = get_type_hints(cls)
        _READERS[cls] = {field.name: _reader(hints[field.name]) for field in attrs.fields(cls)}
    return _READERS[cls]


def _reader(kind: Any) -> Read:
    if kind == Command:
        return _command
    args = get_args(kind)
    if type(None) in args:
        inner = _reader(next(one for one in args if one is not type(None)))
        return lambda item: None if item is None else inner(item)
    if args and args[-1] is Ellipsis:
        return _list_of(_reader(args[0]))
    if args and kind.__origin__ is tuple:
        return _list_of(*map(_reader, args))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return lambda item: scalars.member(item, kind)
    if isinstance(kind, type) and attrs.has(kind) and kind is not ContractId:
        return lambda item: _value(item, kind)
    return _LEAVES.get(kind, _as_it_is)


def _list_of(*readers: Read) -> Read:
    """A tuple of any length where there is one reader, else of exactly as many items as readers."""

    def read(item: Any) -> tuple[Any, ...]:
        if not isinstance(item, list | tuple):
            raise ValueRefusedError(f"expected a list, got {shown(item)}")
        if len(readers) == 1:
            return tuple(map(readers[0], item))
        if len(item) != len(readers):
            raise ValueRefusedError(f"expected a list of {len(readers)}, got one of {len(item)}")
        return tuple(one(part) for one, part in zip(readers, item, strict=True))

    return read


def _command(item: Any) -> Command:
    """A command without its class name, as OrderRefused carries it: its fields tell which it is."""
    if isinstance(item, Mapping):
        kinds: tuple[type[Command], ...] = (SubmitOrder, AmendOrder, CancelOrder)
        for cls in kinds:
            if {"adapter", *_readers(cls)} == set(item):
                return _value(item, cls)
    raise ValueRefusedError("its fields are those of no command")


def _decimal(item: Any) -> Decimal:
    if type(item) is not str:
        raise ValueRefusedError(f"expected digits as text, got {shown(item)}")
    return scalars.exact(item)


def _as_it_is(item: Any) -> Any:
    return item


_LEAVES: dict[Any, Read] = {str: scalars.text, int: scalars.whole, float: scalars.number, bool: scalars.flag, Decimal: _decimal}
