"""What the fields of a form mean: tables from which the code of both ways of reading is written.

Owns `Field` and its kinds, and `Meaning`. A table says once which field of an event comes from which of the wire, and how; the
thorough way reads any object by it, one after the other and with every check, and the swift way (see `swift`) is compiled for one
shape of frame. What takes more than one field is a plain function beside the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs
from msgspec import UNSET

from strikeloop import Event, draft
from strikeloop_gate import figures, sources
from strikeloop_gate.sources import NOTHING, Source, first_of, names_of
from strikeloop_gate.strictjson import MalformedError


@attrs.frozen
class Field:
    """How a field of an event comes from one of the wire, as Python.

    `thorough` takes every type, and names the field in what it raises. The others are for the swift way, which knows that a figure,
    `quoted` or `bare`, consists of digits, points and signs. In them `item` has the ledger figures and the texts, `figures` the market
    figures, `names` the contracts; `value` is free to use.
    """

    wire: str
    """Its name there; "" where it comes from none."""
    thorough: str
    quoted: str
    bare: str
    is_optional: bool = False
    """None where it is absent or null."""
    other: Field | None = None
    """What stands for it where it is absent."""


class Meaning:
    """What one object of a form means: an event of `kind`. Called with an object it gives that, and what else is `told` by it.

    Its time is the first of `times` that the object has, else the frame's; `fields` are those of the event that come from one field of
    the wire, and `rest(event, item)` sets those that come of several.
    """

    def __init__(
        self,
        kind: type[Event],
        fields: Mapping[str, Field],
        *,
        times: tuple[str, str] = ("time_ms", "time"),
        rest: Callable[[Any, Any], None] | None = None,
        told: Callable[[Any], tuple[Event, ...]] | None = None,
    ) -> None:
        self.kind, self.fields, self.times, self.rest, self.told = kind, fields, times, rest, told
        self.draft = draft(kind)
        lines = [f"event.{name} = {field.thorough}" for name, field in fields.items()]
        self._fill = written("fill", "event, item, figures, names", lines)

    def __call__(self, source: Source, item: Any, figures: Any, raw: Mapping[str, Any] = NOTHING) -> tuple[Event, ...]:
        event = self.event(source, item, figures, raw)
        return (event,) if self.told is None else self.told(event)

    def event(self, source: Source, item: Any, figures: Any, raw: Mapping[str, Any] = NOTHING) -> Any:
        """The event alone."""
        event = self.draft()
        event.time, event.received, event.origin, event.raw = first_of(source, item, *self.times), source.received, source.origin, raw
        self._fill(event, item, figures, names_of(source.adapter))
        if self.rest is not None:
            self.rest(event, item)
        event.__class__ = self.kind
        return event


# ---- kinds of fields ----


def ledger(wire: str) -> Field:
    """A ledger figure."""
    quoted = f"known[value] if (value := item.{wire}) in known else learned(value)"
    return Field(wire, f'figure(item.{wire}, "{wire}")', quoted, f"exact(item.{wire})")


def either(wire: str, other: str) -> Field:
    """A ledger figure that is spelled in one of two ways."""
    value = f'spelled(item.{wire}, item.{other}, "{wire}")'
    return attrs.evolve(ledger(wire), thorough=f'figure({value}, "{wire}")', other=ledger(other))


def spelled(value: Any, other: Any, field: str) -> Any:
    """The one of them that is there. Raises MalformedError where none is."""
    if value is UNSET and other is UNSET:
        raise MalformedError(field, "the field is missing")
    return other if value is UNSET else value


def contracts(wire: str) -> Field:
    """A number of contracts."""
    return Field(wire, f'whole(item.{wire}, "{wire}")', f"WHOLE[item.{wire}]", f"WHOLE[item.{wire}]")


def count(wire: str) -> Field:
    """How many there are of something, as int."""
    return _plain(wire, f"COUNT[item.{wire}]")


def market(wire: str) -> Field:
    """A market figure, without a negative zero."""
    return Field(wire, f"figures.{wire} + 0.0", f"item.{wire} + 0.0", f"item.{wire} + 0.0")


def optional(field: Field) -> Field:
    """None where the field is absent or null."""
    thorough = f"None if item.{field.wire} is UNSET or item.{field.wire} is None else {field.thorough}"
    return attrs.evolve(field, thorough=thorough, is_optional=True)


def seconds(wire: str) -> Field:
    """A time in whole seconds, as ns."""
    return Field(wire, f'nanoseconds(item.{wire}, "{wire}")', "", f"item.{wire} * SECOND_NS")


def flag(wire: str) -> Field:
    """True, or not."""
    return _plain(wire, f"item.{wire} is True")


def contract() -> Field:
    return _plain("contract", "names[item.contract]")


def identity(wire: str) -> Field:
    """The venue's id as text."""
    slow = f'identity(item.{wire}, "{wire}")'
    return Field(wire, slow, f"value if len(value := item.{wire}) <= 40 and value.isdigit() else {slow}", slow)


def currency() -> Field:
    return _plain("currency", "currency(item.currency)")


def text(wire: str) -> Field:
    return _plain(wire, f"item.{wire}")


def always(value: object) -> Field:
    """The same for all: something whose repr is Python."""
    return _plain("", repr(value))


ADAPTER = Field("", "names.adapter", "names.adapter", "names.adapter")
"""The adapter's name."""


def _plain(wire: str, code: str) -> Field:
    return Field(wire, code, code, code)


def written(name: str, arguments: str, lines: Iterable[str], **bound: Any) -> Callable[..., Any]:
    """The function of these lines, which may use what fields are made with and what is `bound`."""
    scope = {**_WORDS, **bound}
    exec("\n ".join([f"def {name}({arguments}):", *lines]), scope)  # noqa: S102  # made of the tables of this package alone
    made: Callable[..., Any] = scope[name]
    return made


_WORDS = {
    "COUNT": figures.COUNT,
    "SECOND_NS": sources.SECOND_NS,
    "UNSET": UNSET,
    "WHOLE": figures.WHOLE,
    "currency": sources.currency,
    "exact": figures.exact,
    "figure": figures.figure,
    "identity": sources.identity,
    "known": figures.KNOWN,
    "nanoseconds": sources.nanoseconds,
    "learned": figures.learned,
    "spelled": spelled,
    "whole": figures.whole,
}
