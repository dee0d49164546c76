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
from typing import Any

import attrs

from strikeloop.commands import AmendOrder, CancelOrder, SubmitOrder
from strikeloop.contracts import ContractId
from strikeloop.errors import InvariantError

_AS_IT_IS = frozenset({str, int, bool, type(None)})
MOST_NAMES = 65_536
AT_ONCE = 256
"""Values that a digest hashes at once."""
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
        if name == "raw" and not item:
            continue
        if isinstance(item, ContractId) and name in ("contract", "id"):
            out["adapter"] = item.adapter
        out[name] = item if type(item) in _AS_IT_IS else plain(item)
    return out


def described(value: Any) -> dict[str, Any]:
    """The record of an event or a command, led by its class name under `event` or `command`."""
    return {_role(type(value)): type(value).__name__, **record(value)}


def canonical(value: Any) -> bytes:
    """The one byte string of this event or command, `described` as compact JSON in UTF-8, keys in the order of the fields."""
    return _encoded(_WRITERS[type(value)](value))


def _encoded(text: str) -> bytes:
    return text.encode(errors="backslashreplace")  # half a surrogate pair, which JSON may spell, becomes that spelling again


class _Writers(dict[type[Any], Callable[[Any], str]]):
    """The function that writes each class, made when it is first asked for.

    Theory: what stands between the values is the same in every text of a class, and a value of the type that its field declares is
    spelled by one expression. A value of any other type is spelled by `plain`: nothing but time hangs on what is declared.
    """

    def __missing__(self, cls: type[Any]) -> Callable[[Any], str]:
        lines, text = ["def write(value):"], f'{{{{"{_role(cls)}":"{cls.__name__}"'
        for field in attrs.fields(cls):
            key, form = _form(field.name, field.type if isinstance(field.type, str) else getattr(field.type, "__name__", ""))
            lines += [f" x = value.{field.name}", f" {field.name}_ = {form}"]
            text += f"{key}{{{field.name}_}}"
        scope = dict(_SCOPE)
        exec("\n".join([*lines, f" return f'{text}}}}}'"]), scope)  # noqa: S102  # names of fields, as attrs itself writes its constructors
        write: Callable[[Any], str] = scope["write"]
        self[cls] = write
        return write


class _Names(dict[ContractId, str]):
    """How contracts stand in a text under this key, their adapter before them."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self._key = key

    def __missing__(self, contract: ContractId) -> str:
        if len(self) >= MOST_NAMES:
            self.clear()
        text = self[contract] = f',"adapter":{encode_basestring(contract.adapter)},"{self._key}":{encode_basestring(contract.name)}'
        return text


def _form(name: str, hint: str) -> tuple[str, str]:
    """What stands before a field in the text, and the expression that spells its value `x`."""
    if name == "raw":
        return "", """',"raw":' + spelled(x) if x else ''"""
    if name in ("contract", "id"):
        return "", f"""{name}s[x] if type(x) is ContractId else ',"{name}":' + spelled(x)"""
    form = _FORMS.get(hint.removesuffix(" | None"), _OTHER)
    return f',"{name}":', f"'null' if x is None else {form}" if hint.endswith(" | None") else form


def _role(cls: type[Any]) -> str:
    return "command" if cls in (SubmitOrder, CancelOrder, AmendOrder) else "event"


def _spelled(value: Any) -> str:
    return _COMPACT(plain(value))


_OTHER = "quoted(x) if isinstance(x, StrEnum) else spelled(x)"
_FORMS = {
    "str": "quoted(x) if type(x) is str else spelled(x)",
    "int": "repr(x) if type(x) is int else spelled(x)",
    "bool": "'true' if x is True else 'false' if x is False else spelled(x)",
    "float": "repr(x) if type(x) is float and x - x == 0.0 else spelled(x)",
    "Decimal": """f'"{text}"' if type(x) is Decimal and x.is_finite() and 'E' not in (text := str(x)) else spelled(x)""",
}
"""How a value is spelled that is of the type its field declares."""
_SCOPE: dict[str, Any] = {
    "ContractId": ContractId,
    "Decimal": Decimal,
    "StrEnum": StrEnum,
    "contracts": _Names("contract"),
    "ids": _Names("id"),
    "quoted": encode_basestring,
    "spelled": _spelled,
}
_WRITERS = _Writers()


class Digest:
    """SHA-256 over a run: first its header, then whatever is added, in order.

    >>> digest = Digest({"seed": 1})
    >>> digest.hexdigest()[:8]
    'fbe47f6d'
    """

    def __init__(self, header: Mapping[str, Any]) -> None:
        self._sha = hashlib.sha256(json.dumps(plain(header), sort_keys=True, separators=(",", ":")).encode())
        self._texts: list[str] = [""]
        """What was added and is not hashed yet, behind an empty one: each text follows a line break."""

    def add(self, value: Any) -> None:
        texts = self._texts
        texts.append(_WRITERS[type(value)](value))
        if len(texts) > AT_ONCE:
            self._hash()

    def hexdigest(self) -> str:
        self._hash()
        return self._sha.hexdigest()

    def _hash(self) -> None:
        self._sha.update(_encoded("\n".join(self._texts)))
        del self._texts[1:]
