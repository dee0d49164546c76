"""Frames of documented shape read in C: what the thorough way would make of them, or nothing at all.

Owns `Swift`. Theory of operation: a form is split in two. Its ledger figures are read exactly, as Decimal, with every
type strict; its numbers are read once more by msgspec's own lexer, as bounded floats, because Decimal alone would take
' 1 ' or '1_000'. A frame with as many colons as fields holds no other field, and none twice. Whatever is not just so is
left to the thorough way, which says what is wrong, or that nothing is. It never decides what a frame means.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import reduce
from operator import or_
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import attrs
import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from strikeloop_gate.forms import Milliseconds, Seconds, Whole

Number = Annotated[float, msgspec.Meta(ge=-1e30, le=1e30)]
Blank = Literal[""] | Number
Keys = Callable[[Any, Any], int]
ENVELOPE_KEYS = 4
"""time, channel, event and result; time_ms and error may be left out."""


@attrs.frozen
class Half:
    """One form split: its exact fields, its numbers, and how many keys of an object stand in both together."""

    exact: type[Struct]
    figures: type[Struct]
    keys: Keys

    @classmethod
    def of(cls, form: type[Struct], *, is_market: bool) -> Half:
        """Of market data nothing is needed exactly, so that every field is among the figures and only types are checked exactly."""
        hints = get_type_hints(form, include_extras=True)
        exact: list[Any] = []
        figures: list[Any] = []
        terms = []
        for field in msgspec.structs.fields(form):
            kind = hints[field.name]
            default = () if field.required else (field.default,)
            is_figure, is_text = _holds(kind, (Raw, float, list)), {*_parts(kind)} - {UnsetType} == {str}
            if not is_figure and not (is_market and is_text):
                exact.append((field.name, kind, *default))
            if is_figure or is_market or _holds(kind, (Decimal,)):
                figures.append((field.name, _figure(kind), *default))
            terms.append(_term(field.name, kind, required=field.required, place="f" if is_figure or is_market else "e"))
        scope: dict[str, Any] = {"UNSET": UNSET}
        exec(f"def keys(e, f): return {terms.count('1')} + {' + '.join(term for term in terms if term != '1') or 0}", scope)  # noqa: S102 - the text is made of the forms' field names
        return cls(_struct(f"{form.__name__}Exact", exact), _struct(f"{form.__name__}Figures", figures), scope["keys"])


def _parts(kind: Any) -> tuple[Any, ...]:
    """The kinds a field may be of; a number of contracts is a Decimal like any other here."""
    kinds = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    return tuple(Decimal if kind is Whole else kind for kind in kinds)


def _holds(kind: Any, wanted: tuple[Any, ...]) -> bool:
    return any(part in wanted or get_origin(part) in wanted for part in _parts(kind))


def _figure(kind: Any) -> Any:
    """The type of a field among the figures."""
    if float in _parts(kind):
        return reduce(or_, [part for part in _parts(kind) if part not in (str, float)], Blank)
    if get_origin(kind) is list:
        return list[Half.of(get_args(kind)[0], is_market=True).figures]  # type: ignore[misc]  # the type is computed, not written
    return reduce(or_, [Number if part in (Decimal, Raw) else part for part in _parts(kind)])


def _term(name: str, kind: Any, *, required: bool, place: str) -> str:
    """How many keys a field adds: itself, and those of the objects in it."""
    if get_origin(kind) is list:
        return f"1 + {len(msgspec.structs.fields(get_args(kind)[0]))} * len(f.{name})"
    return "1" if required else f"({place}.{name} is not UNSET)"


def _struct(name: str, fields: list[Any], **tag: Any) -> type[Struct]:
    return msgspec.defstruct(name, fields, kw_only=True, gc=False, module=__name__, **tag)


@attrs.frozen
class Swift:
    """How the updates of one channel are read: an object as `whole`, a list of `listed`.

    `figures` decodes the numbers; `least` is how many keys stand in an object without any field that may be left out.
    """

    channel: str
    whole: Half
    listed: Half
    exact: type[Struct]
    figures: Callable[[bytes], Any]
    least: int

    @classmethod
    def of(cls, channel: str, events: Iterable[str], whole: type[Struct], listed: type[Struct], *, is_market: bool) -> Swift:
        one = Half.of(whole, is_market=is_market)
        many = one if whole is listed else Half.of(listed, is_market=is_market)
        envelope: list[Any] = [
            ("time", Seconds),
            ("event", Literal[tuple(events)]),
            ("result", one.exact | list[many.exact]),  # type: ignore[name-defined]  # the type is computed, not written
            ("time_ms", Milliseconds | UnsetType, UNSET),
            ("error", UnsetType | None, UNSET),
        ]
        figures = _struct(f"{channel} figures", [("result", one.figures | list[many.figures])])  # type: ignore[name-defined]  # the same
        exact = _struct(channel, envelope, tag_field="channel", tag=channel)
        least = ENVELOPE_KEYS + sum(field.required for field in msgspec.structs.fields(whole))
        return cls(channel, one, many, exact, msgspec.json.Decoder(figures, strict=False).decode, least)

    def keys(self, form: Any, figures: Any) -> int:
        """How many keys of the frame stand in what was read of it."""
        count, result = ENVELOPE_KEYS + (form.time_ms is not UNSET) + (form.error is not UNSET), form.result
        if type(result) is not list:
            return count + self.whole.keys(result, figures)
        keys = self.listed.keys
        return count + sum([keys(item, found) for item, found in zip(result, figures, strict=True)])


def reader(channels: Iterable[Swift]) -> Callable[[bytes], Any]:
    """What reads the exact part of a frame of any of these channels, and tells by its type which one it is."""
    return msgspec.json.Decoder(reduce(or_, [channel.exact for channel in channels])).decode
