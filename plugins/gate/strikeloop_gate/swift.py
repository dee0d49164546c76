"""Frames read in one pass, in C: those of a shape that was read thoroughly before, or nothing at all.

Owns `Shapes` and `reader`. Theory of operation: a frame without its digits, points and signs is its shape. Frames of one shape
have as many fields, in the same order, and quotes around the same of them. So where every field of the first is found in the
second, none is new and none stands twice; what is left to see to is that each number is one. msgspec's lexer takes market figures,
JSON numbers only, bare or quoted; figures of the ledger come as text (see `figures`). For each build of frames one function is written,
from the tables that the thorough way goes by (`fields`); what is not just so is left to that. It never decides what a frame means.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from types import FunctionType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Raw, Struct, UnsetType

from strikeloop import Event, OrderState, OrderUpdated, Origin, draft
from strikeloop.adapter import Decoded
from strikeloop_gate.fields import Meaning, written
from strikeloop_gate.forms import Milliseconds, Seconds, Whole
from strikeloop_gate.sources import MILLISECOND_NS, NOTHING, SECOND_NS, Source, names_of
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
Build = Callable[[Source, Any, Any, Mapping[str, Any]], Iterable[Event]]
Read = Callable[[bytes, int], Decoded | None]
"""Reads frames of one shape, received at a time (ns UTC); None where one is left to the thorough way."""


class Shapes(dict[bytes, Read]):
    """How the shapes are read that one decoder has met, the latest `MOST_SHAPES` of them: they change how fast it reads, never what."""

    def learn(self, raw: bytes, read: Read | None) -> None:
        """Frames of the shape of `raw` are read like this. What is escaped is not, for digits stand in escapes too."""
        if read is None or b"\\" in raw or not raw.isascii():
            return
        self[raw.translate(None, VARYING)] = read
        if len(self) > MOST_SHAPES:
            del self[next(iter(self))]


def reader(adapter: str, channel: str, document: Mapping[str, Any], form: type[Struct], build: Build) -> Read | None:
    """What reads frames like this one, whose result is one object of `form`, or a list of them; None where its objects are not alike."""
    result = document["result"]
    nodes = result if isinstance(result, list) else [result]
    found, *others = {_fields(form, node) for node in nodes} or {None}
    if found is None or others:
        return None
    beside = tuple((name, None if value is None else "") for name, value in document.items() if name in ("time_ms", "error"))
    return _reader(adapter, channel, document["event"], form, found, beside, build, is_listed=nodes is result)


@lru_cache(maxsize=512)
def _reader(
    adapter: str, channel: str, event: str, form: type[Struct], found: Fields, beside: Fields, build: Build, *, is_listed: bool
) -> Read:
    """What reads frames of this build, written for them alone: Python learns which types each line of code meets."""
    bound = {"adapter": adapter, "names": names_of(adapter), "channel": channel, "build": build}
    bound["decode"] = _decoder(channel, event, form, found, beside, is_listed=is_listed)
    if isinstance(build, Meaning):
        bound |= {"draft": build.draft, "kind": build.kind, "told": build.told, "rest": build.rest and _copied(build.rest)}
    lines = [*_opening(beside), *_item(found, build, is_listed=is_listed), *_CLOSING]
    return written("read", "raw, received", lines, **_WORDS, **bound)


def _copied(function: Any) -> Any:
    """The same function, but for what Python learns of it."""
    return FunctionType(function.__code__.replace(), function.__globals__, function.__name__, function.__defaults__, function.__closure__)


def _opening(beside: Fields) -> list[str]:
    """Decode, and see to the times of the frame: lax reading takes 1.0 for 1, and a sum is an int where all that is added is."""
    has_milliseconds = ("time_ms", "") in beside
    return [
        "frame = decode(raw)",
        f"if type(frame.time{' + frame.time_ms' * has_milliseconds}) is not int: return None",
        f"time = {'frame.time_ms * MILLISECOND_NS' if has_milliseconds else 'frame.time * SECOND_NS'}",
    ]


def _item(found: Fields, build: Build, *, is_listed: bool) -> list[str]:
    """Make the events of the object, or of each one in the list."""
    wholes = [f"item.{name}" for name, kind in found if float in get_args(kind) and int in _bare(kind)]
    lines = [f"if type({' + '.join(wholes)}) is not int: return None"] if wholes else []
    if isinstance(build, Meaning):
        lines += _event(dict(found), build)
        made = "(event,)" if build.told is None else "told(event)"
    else:
        made = "tuple(build(Source(adapter, time, received, VENUE), item, item, NOTHING))"
    if not is_listed:
        return ["item = frame.result", *lines, f"events = {made}"]
    lines.append(f"events += {made}")
    return ["events = ()", "for item in frame.result:", *(f" {line}" for line in lines)]


def _event(found: Mapping[str, Any], meaning: Meaning) -> list[str]:
    """Make one event, field by field."""
    lines = ["event = draft()", f"event.time = {_time(found, *meaning.times)}", "event.received = received"]
    lines += ["event.origin = VENUE", "event.raw = NOTHING"]
    for name, field in meaning.fields.items():
        if field.other is not None and field.wire not in found:
            field = field.other  # noqa: PLW2901  # it stands for it
        kind = found.get(field.wire)
        is_none = field.is_optional and kind in (None, type(None))
        lines.append(f"event.{name} = {'None' if is_none else field.quoted if kind is str else field.bare}")
    if meaning.rest is not None:
        lines.append("rest(event, item)")
    if meaning.kind is OrderUpdated:  # where its state is not documented, the thorough way says so
        lines.append("if event.state is UNKNOWN: return None")
    return [*lines, "event.__class__ = kind"]


def _time(found: Mapping[str, Any], milliseconds: str, seconds: str) -> str:
    if milliseconds in found:
        return f"item.{milliseconds} * MILLISECOND_NS"
    return f"item.{seconds} * SECOND_NS" if seconds in found else "time"


_CLOSING = [
    "decoded = decoded_draft()",
    "decoded.channel = channel",
    "decoded.events = events",
    "decoded.is_heartbeat = decoded.reconnect = False",
    "decoded.sent = None",
    "decoded.notices = ()",
    "decoded.__class__ = Decoded",
    "return decoded",
]


_WORDS = {
    "Decoded": Decoded,
    "MILLISECOND_NS": MILLISECOND_NS,
    "NOTHING": NOTHING,
    "SECOND_NS": SECOND_NS,
    "Source": Source,
    "UNKNOWN": OrderState.UNKNOWN,
    "VENUE": Origin.VENUE,
    "decoded_draft": draft(Decoded),
}


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


def _decoder(channel: str, event: str, form: type[Struct], fields: Fields, beside: Fields, *, is_listed: bool) -> Callable[[bytes], Any]:
    """What decodes frames of this build."""
    item = _struct(form, fields)
    around: list[Any] = [("time", Seconds | float), ("event", Literal[event]), ("result", list[item] if is_listed else item)]  # type: ignore[valid-type]  # the type is computed, not written
    around += [(name, type(None) if kind is None else Milliseconds | float) for name, kind in beside]
    frame = msgspec.defstruct(channel, around, tag_field="channel", tag=channel, kw_only=True, gc=False, module=__name__)
    return msgspec.json.Decoder(frame, strict=False).decode


def _bare(kind: Any) -> Iterable[Any]:
    """The kinds in a union, without their bounds."""
    return [get_args(part)[0] if get_origin(part) is Annotated else part for part in get_args(kind)]


def _struct(form: type[Struct], fields: Sequence[tuple[str, Any]]) -> type[Struct]:
    """A struct of just these fields, all of them required; the others of the form are what they are where they are left out."""
    made: list[Any] = [(name, list[_struct(*kind)] if isinstance(kind, tuple) else kind) for name, kind in fields]  # type: ignore[misc]  # the type is computed, not written
    made += [(field.name, type(None), field.default) for field in msgspec.structs.fields(form) if field.name not in dict(fields)]
    return msgspec.defstruct(form.__name__, made, kw_only=True, gc=False, module=__name__)
