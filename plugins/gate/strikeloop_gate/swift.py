"""Frames read in one pass, in C: those of a shape that was read thoroughly before, or nothing at all.

Owns `Shapes` and `plan`. Theory of operation: a frame without its digits, points and signs is its shape. Frames of one shape
have as many fields, in the same order, and quotes around the same of them. So where every field of the first is found in the
second, none is new and none stands twice; what is left to see to is that each number is one. Market figures go through
msgspec's own lexer, which takes JSON numbers only, bare or quoted; figures of the ledger come as their text, which
`figures` reads. What is not just so is left to the thorough way. It never decides what a frame means.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Raw, Struct, UnsetType

from strikeloop_gate.forms import Milliseconds, Seconds, Whole
from strikeloop_gate.strictjson import Numeral

VARYING = b"0123456789.-"
MOST_SHAPES = 4_096
Number = Annotated[float, msgspec.Meta(ge=-1e30, le=1e30)]
Blank = Literal[""] | Number
Bare = int | Decimal
"""A ledger figure that stands without quotes: exact either way."""
EMPTY = Annotated[list[Any], msgspec.Meta(max_length=0)]
"""A list without items: digits in it would not show in the shape."""
Fields = tuple[tuple[str, Any], ...]


class Plan(NamedTuple):
    """How frames of one shape are read. `is_sound` tells whether what was read as a whole number was written as one.

    It is None where `time` is the only one.
    """

    channel: str
    build: Callable[..., Any]
    decode: Callable[[bytes], Any]
    is_sound: Callable[[Any], bool] | None
    is_listed: bool
    has_milliseconds: bool


class Shapes(dict[bytes, Plan]):
    """The plans of the shapes that one decoder has met, the latest `MOST_SHAPES` of them: they change how fast it reads, never what."""

    def learn(self, raw: bytes, plan: Plan | None) -> None:
        """Frames of the shape of `raw` are read like this. What is escaped is not, for digits stand in escapes too."""
        if plan is None or b"\\" in raw or not raw.isascii():
            return
        self[raw.translate(None, VARYING)] = plan
        if len(self) > MOST_SHAPES:
            del self[next(iter(self))]


def plan(channel: str, document: Mapping[str, Any], form: type[Struct], build: Callable[..., Any]) -> Plan | None:
    """The plan for frames like this one, whose result is one object of `form`, or a list of them; None where its objects are not alike."""
    result = document["result"]
    nodes = result if isinstance(result, list) else [result]
    alike = {_fields(form, node) for node in nodes}
    if len(alike) != 1 or None in alike:
        return None
    names = tuple((name, None if value is None else "") for name, value in document.items() if name in ("time_ms", "error"))
    (fields,) = alike
    decode, is_sound = _compiled(channel, document["event"], form, fields, names, is_listed=nodes is result)
    return Plan(channel, build, decode, is_sound, nodes is result, "time_ms" in document)


def _fields(form: type[Struct], node: Mapping[str, Any]) -> Fields | None:
    """The fields of an object, each with the type that reads it; None where objects inside are not alike."""
    hints = get_type_hints(form, include_extras=True)
    fields = []
    for name, value in node.items():
        kind = _kind(hints[name], value)
        if kind is None:
            return None
        fields.append((name, kind))
    return tuple(fields)


def _kind(hint: Any, value: Any) -> Any:
    """The type that reads a field like this one, whose value is known to be of `hint`."""
    if value is None:
        return type(None)
    if isinstance(value, list):
        (item,) = get_args(hint)
        alike = {_fields(item, node) for node in value}
        return EMPTY if not alike else (item, *alike) if len(alike) == 1 else None
    parts = _parts(hint)
    if str in parts and float in parts:
        return Blank
    if Raw in parts or float in parts:
        return Number
    if Decimal in parts:
        return Bare if isinstance(value, Numeral) else str
    if isinstance(value, Numeral):
        return next(part for part in parts if part not in (str, UnsetType, type(None))) | float
    return type(value)


def _parts(hint: Any) -> tuple[Any, ...]:
    kinds = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    return tuple(Decimal if kind is Whole else kind for kind in kinds)


@lru_cache(maxsize=512)
def _compiled(
    channel: str, event: str, form: type[Struct], fields: Fields, beside: Fields, *, is_listed: bool
) -> tuple[Callable[[bytes], Any], Callable[[Any], bool] | None]:
    """What decodes frames of this build, and what tells whether their whole numbers are: lax reading takes 1.0 for 1."""
    item = _struct(form, fields)
    around: list[Any] = [("time", Seconds | float), ("event", Literal[event]), ("result", list[item] if is_listed else item)]  # type: ignore[valid-type]  # the type is computed, not written
    around += [(name, type(None) if kind is None else Milliseconds | float) for name, kind in beside]
    frame = msgspec.defstruct(channel, around, tag_field="channel", tag=channel, kw_only=True, gc=False, module=__name__)
    return msgspec.json.Decoder(frame, strict=False).decode, _soundness(fields, beside, is_listed=is_listed)


def _soundness(fields: Fields, beside: Fields, *, is_listed: bool) -> Callable[[Any], bool] | None:
    """What tells whether whole numbers are written as such: a sum is an int where all that is added is."""
    around = [f"form.{name}" for name, kind in beside if kind is not None]
    inside = [name for name, kind in fields if float in get_args(kind) and int in _bare(kind)]
    if not is_listed:
        around, inside = [*around, *(f"form.result.{name}" for name in inside)], []
    tests = [f"type({' + '.join(around)}) is int"] if around else []
    if inside:
        tests.append(f"{{int}} >= {{type({' + '.join(f'item.{name}' for name in inside)}) for item in form.result}}")
    return eval(f"lambda form: {' and '.join(tests)}") if tests else None  # noqa: S307  # made of the forms' field names


def _bare(kind: Any) -> Iterable[Any]:
    """The kinds in a union, without their bounds."""
    return [get_args(part)[0] if get_origin(part) is Annotated else part for part in get_args(kind)]


def _struct(form: type[Struct], fields: Sequence[tuple[str, Any]]) -> type[Struct]:
    """A struct of just these fields, all of them required; the others of the form are what they are where they are left out."""
    made: list[Any] = [(name, list[_struct(*kind)] if isinstance(kind, tuple) else kind) for name, kind in fields]  # type: ignore[misc]  # the type is computed, not written
    absent = {field.name: field.default for field in msgspec.structs.fields(form) if field.name not in dict(fields)}
    return msgspec.defstruct(form.__name__, made, namespace=absent, kw_only=True, gc=False, module=__name__)
