"""One canonical form of every value: plain JSON types out, and the SHA-256 digest over them.

Owns the way events and commands are written down (journal, digest, `decode` on the command line). Decimals and
enums become strings, contracts their venue name with the adapter beside it. Reading back is strikeloop.settings'.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import Enum, StrEnum
from functools import lru_cache
from json.encoder import encode_basestring
from operator import attrgetter
from typing import Any

import attrs

from strikeloop.commands import AmendOrder, CancelOrder, SubmitOrder
from strikeloop.contracts import ContractId
from strikeloop.errors import InvariantError

_AS_IT_IS = frozenset({str, int, bool, type(None)})
_COMPACT = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


@lru_cache(maxsize=512)
def _names(cls: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in attrs.fields(cls))


def plain(value: Any) -> Any:
    """`value` as JSON types.

    Raises InvariantError for a value that has no exact form: a non-finite number, or a type nobody declared.
    """
    if type(value) in _AS_IT_IS:
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InvariantError(f"{value} has no canonical form")
        return value
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise InvariantError(f"{value} has no canonical form")
        return format(value, "f")
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, ContractId):
        return value.name
    if attrs.has(type(value)):
        return record(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    raise InvariantError(f"{type(value).__name__} has no canonical form")


def record(value: Any) -> dict[str, Any]:
    """An attrs value as a flat mapping of its fields; a `contract` is preceded by its `adapter`, an empty `raw` is left out."""
    out: dict[str, Any] = {}
    for name in _names(type(value)):  # type: ignore[arg-type]  # typeshed asks for Hashable; every class is
        item = getattr(value, name)
        if type(item) in _AS_IT_IS:
            out[name] = item
            continue
        if isinstance(item, ContractId) and name in ("contract", "id"):
            out["adapter"] = item.adapter
        if name == "raw" and not item:
            continue
        out[name] = plain(item)
    return out


def described(value: Any) -> dict[str, Any]:
    """The record of an event or a command, led by its class name under `event` or `command`."""
    key = "command" if isinstance(value, SubmitOrder | CancelOrder | AmendOrder) else "event"
    return {key: type(value).__name__, **record(value)}


def canonical(value: Any) -> bytes:
    """The one byte string of this event or command, `described` as compact JSON in UTF-8, keys in the order of the fields."""
    head, keys, values = _shape(type(value))  # type: ignore[arg-type]  # typeshed asks for Hashable; every class is
    text = head
    for key, item in zip(keys, values(value), strict=True):
        spell = _SPELLINGS.get(type(item))
        if spell is not None:
            text += key + spell(item)
        elif type(item) is ContractId:
            text += (f',"adapter":{_quoted(item.adapter)}' if key in _NAMED else "") + key + _quoted(item.name)
        elif isinstance(item, StrEnum):
            text += key + _quoted(item)
        elif key != _RAW or item:
            text += key + _COMPACT(plain(item))
    return (text + "}").encode(errors="backslashreplace")  # half a surrogate pair, which JSON may spell, becomes that spelling again


@lru_cache(maxsize=512)
def _shape(cls: type[Any]) -> tuple[str, tuple[str, ...], Callable[[Any], tuple[Any, ...]]]:
    """How the text of a class begins, its fields as they stand in it, and what takes their values."""
    names = _names(cls)  # type: ignore[arg-type]  # the same
    kind = "command" if cls in (SubmitOrder, CancelOrder, AmendOrder) else "event"
    return f'{{"{kind}":"{cls.__name__}"', tuple(f',"{name}":' for name in names), attrgetter(*names)


def _spelled(number: float) -> str:
    if not math.isfinite(number):
        raise InvariantError(f"{number} has no canonical form")
    return repr(number)


def _written(number: Decimal) -> str:
    if not number.is_finite():
        raise InvariantError(f"{number} has no canonical form")
    return f'"{number:f}"'


_quoted = encode_basestring
_NAMED = (',"contract":', ',"id":')
_RAW = ',"raw":'
_SPELLINGS: Mapping[type[Any], Callable[[Any], str]] = {
    str: _quoted,
    int: repr,
    bool: {True: "true", False: "false"}.__getitem__,
    type(None): lambda _: "null",
    float: _spelled,
    Decimal: _written,
}
"""How values of these very types are spelled; all others go by `plain`."""


class Digest:
    """SHA-256 over a run: first its header, then whatever is added, in order.

    >>> digest = Digest({"seed": 1})
    >>> digest.hexdigest()[:8]
    'fbe47f6d'
    """

    def __init__(self, header: Mapping[str, Any]) -> None:
        self._sha = hashlib.sha256(json.dumps(plain(header), sort_keys=True, separators=(",", ":")).encode())

    def add(self, value: Any) -> None:
        self._sha.update(b"\n" + canonical(value))

    def hexdigest(self) -> str:
        return self._sha.hexdigest()
