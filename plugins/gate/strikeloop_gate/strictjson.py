"""JSON that is read exactly or refused: no duplicate keys, no NaN, no number that is only nearly one.

Owns `tree` (a document with every number as its text) and `twin`, which derives from a wire struct the form that checks it.
A wire struct is decoded twice, both times in C: exactly (ledger figures as Decimal, strict types), and as its twin,
where every number is a bounded float read by msgspec's own lexer. Decimal alone would take ' 1 ', '1_000' or 'NaN'; the
lexer takes JSON numbers only, bare or quoted. Never coerce here, and never raise anything but `MalformedError`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from functools import cache, reduce
from operator import or_
from types import MappingProxyType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import UNSET, Struct, UnsetType

T = TypeVar("T")
Figure = msgspec.Raw
"""The type of a market figure in a wire struct: skipped by the exact decoding, a float in the twin."""
Number = Annotated[float, msgspec.Meta(ge=-1e30, le=1e30)]
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\Z")
_PATH = re.compile(r"^(?P<reason>.*?)(?: - at `(?:key in )?\$\.?(?P<path>.*)`)?$", re.DOTALL)
_STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")
_MISSING = re.compile(r"^Object missing required field `(?P<name>.*)`$")
_DEEPEST = 32


class MalformedError(Exception):
    """What is wrong, and where inside the document (`result[0].size`, empty for the whole)."""

    def __init__(self, field: str, reason: str) -> None:
        self.field, self.reason = field, reason
        super().__init__(f"{field}: {reason}" if field else reason)


class Numeral(str):
    """The text of a JSON number, as it was sent."""

    __slots__ = ()


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise MalformedError(key, "the key stands twice in one object")
            seen.add(key)
    return out


def _refuse_constant(text: str) -> Any:
    raise MalformedError("", f"{text} is not JSON")


def tree(raw: bytes) -> Any:
    """The document as dict, list, str, bool, None and `Numeral`. Raises MalformedError for anything else than one JSON document."""
    try:
        text = raw.decode()
    except UnicodeDecodeError as exc:
        raise MalformedError("", f"not UTF-8 at byte {exc.start}") from None
    try:
        found = json.loads(text, object_pairs_hook=_unique, parse_int=Numeral, parse_float=Numeral, parse_constant=_refuse_constant)
        if "\\u" in text:
            json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise MalformedError("", "half of a surrogate pair is no character") from None
    except json.JSONDecodeError as exc:
        raise MalformedError("", f"not JSON: {exc.msg.lower()} at character {exc.pos}" if text.strip() else "the frame is empty") from None
    except RecursionError:
        raise MalformedError("", "nested too deeply") from None
    return found


def frozen(value: Any, depth: int = 0) -> Any:
    """A part of a `tree` as an immutable value that has a canonical form: small integers as int, other numbers as their text."""
    if depth > _DEEPEST:
        raise MalformedError("", "nested too deeply")
    if isinstance(value, Numeral):
        return int(value) if _INTEGER.match(value) else str(value)
    if isinstance(value, dict):
        return MappingProxyType({key: frozen(item, depth + 1) for key, item in value.items()})
    if isinstance(value, list):
        return tuple(frozen(item, depth + 1) for item in value)
    return value


def extras(value: Any, node: Mapping[str, Any]) -> dict[str, Any]:
    """What `node` holds beyond the fields of the struct `value` was decoded to."""
    config = type(value).__struct_config__
    known = {*type(value).__struct_encode_fields__, config.tag_field}
    return {key: frozen(item) for key, item in node.items() if key not in known}


def explain(raw: bytes, error: Exception) -> MalformedError:
    """The msgspec error as a field and a reason. `raw` is the document it was raised for."""
    document = tree(raw)
    match = _PATH.match(str(error))
    reason, path = (match["reason"], match["path"] or "") if match else (str(error), "")
    if missing := _MISSING.match(reason):
        return MalformedError(f"{path}.{missing['name']}".lstrip("."), "the field is missing")
    shown = _shown(document, path)
    reason = reason.replace("`float`", "`number`").replace("`decimal`", "`number`")
    return MalformedError(path, reason[:1].lower() + reason[1:] + shown)


def _shown(document: Any, path: str) -> str:
    """The refused value for the message, when it is short."""
    for index, key in _STEP.findall(path):
        try:
            document = document[int(index)] if index else document[key]
        except (LookupError, TypeError):
            return ""
    if not path or isinstance(document, dict | list) or document is None:
        return ""
    return f" ({str(document)[:40]!r})"


def twin_type(kind: Any) -> Any:
    """The type of a twin's field for the type of the field it stands for."""
    if kind is Decimal or kind is msgspec.Raw:
        return Number
    if isinstance(kind, type) and issubclass(kind, Struct):
        return twin(kind)
    origin = get_origin(kind)
    if origin is list:
        return list[twin_type(get_args(kind)[0])]  # type: ignore[misc]  # the type is computed, not written
    if origin in (Union, UnionType):
        return reduce(or_, [twin_type(part) for part in get_args(kind)])
    return kind


@cache
def twin(cls: type[Struct]) -> type[Struct]:
    """The struct with the same fields as `cls`, every number of which is a bounded float."""
    hints = get_type_hints(cls, include_extras=True)
    fields: list[Any] = []
    for field in msgspec.structs.fields(cls):
        kind = twin_type(hints[field.name])
        default = () if field.required else (field.default,)
        fields.append((field.encode_name, kind, *default))
    config = cls.__struct_config__
    return msgspec.defstruct(f"{cls.__name__}Twin", fields, tag_field=config.tag_field, tag=config.tag, kw_only=True, module=__name__)


def envelope(channel: str, events: tuple[str, ...], result: Any) -> type[Struct]:
    """The struct of an update on `channel` with this type of result, tagged by the channel's name."""
    seconds = Annotated[int, msgspec.Meta(ge=0, le=9_000_000_000)]
    fields: list[Any] = [
        ("time", seconds),
        ("event", Literal[events]),
        ("result", result),
        ("time_ms", Annotated[int, msgspec.Meta(ge=0, le=9_000_000_000_000)] | UnsetType, UNSET),
        ("error", UnsetType | None, UNSET),
    ]
    return msgspec.defstruct(channel, fields, tag_field="channel", tag=channel, kw_only=True, module=__name__)


def _holds_keys(kind: Any) -> bool:
    """Whether a value of this type can be, or hold, a struct."""
    return (isinstance(kind, type) and issubclass(kind, Struct)) or any(map(_holds_keys, get_args(kind)))


@cache
def _layout(cls: type[Struct]) -> tuple[int, tuple[str, ...], tuple[str, ...]]:
    """(required keys with the tag, optional fields, fields that may hold structs)."""
    required = 1 if cls.__struct_config__.tag_field else 0
    optional: list[str] = []
    nested: list[str] = []
    for field in msgspec.structs.fields(cls):
        required += field.required
        if not field.required:
            optional.append(field.name)
        if _holds_keys(field.type):
            nested.append(field.name)
    return required, tuple(optional), tuple(nested)


def count_keys(value: Any) -> int:
    """How many keys of the document stand in `value`, a decoded twin. A document with as many colons holds no other key, and none twice."""
    if isinstance(value, list):
        return sum(map(count_keys, value))
    if not isinstance(value, Struct):
        return 0
    total, optional, nested = _layout(type(value))
    for name in optional:
        if getattr(value, name) is not UNSET:
            total += 1
    for name in nested:
        total += count_keys(getattr(value, name))
    return total
