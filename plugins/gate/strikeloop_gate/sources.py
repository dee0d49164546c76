"""Whose an object from the wire is, when it happened, and which contract and order it speaks of.

Owns `Source`, `Names`, and the times and identities of every form. Pure. It never decides what an object means.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec import UNSET

from strikeloop import ContractId, Origin
from strikeloop_gate.figures import product
from strikeloop_gate.strictjson import MalformedError

NOTHING: Mapping[str, Any] = MappingProxyType({})
SECOND_NS, MILLISECOND_NS = 1_000_000_000, 1_000_000
MOST_NAMES = 65_536


class Source(msgspec.Struct, frozen=True, gc=False):
    """Whose frame or answer it is, when it was said and seen (ns UTC), and in what capacity: made for every frame, hence a Struct."""

    adapter: str
    time: int
    received: int
    origin: Origin = Origin.VENUE


@lru_cache(maxsize=MOST_NAMES)
def contract_id(adapter: str, name: str, field: str = "contract") -> ContractId:
    """The ContractId of a name from the wire. Raises MalformedError where it could not be one: it ends up in file names and URLs."""
    if not 0 < len(name) <= 64 or not name.isascii() or not name.replace("-", "").replace("_", "").replace(".", "").isalnum():
        raise MalformedError(field, f"{name[:64]!r} is no contract name")
    return ContractId.of(adapter, name)


class Names(dict[str, ContractId]):
    """The ContractIds of one adapter, by the names on the wire: knowing one costs half of asking for it."""

    def __init__(self, adapter: str) -> None:
        self.adapter = adapter

    def __missing__(self, name: str) -> ContractId:
        found = contract_id(self.adapter, name)
        if len(self) >= MOST_NAMES:
            self.clear()
        self[name] = found
        return found


names_of = lru_cache(maxsize=64)(Names)
"""The `Names` of an adapter, always the same one."""


def identity(value: str | int, field: str) -> str:
    """The venue's id as text."""
    text = value if type(value) is str else str(value)
    if text.isalnum() and len(text) <= 40 and text.isascii():
        return text
    raise MalformedError(field, f"{text[:40]!r} is no id")


def nanoseconds(seconds: int | Decimal, field: str) -> int:
    """Unix seconds, whole or fractional, as ns."""
    if type(seconds) is int:
        return seconds * SECOND_NS
    if not 0 <= seconds <= 9_000_000_000:
        raise MalformedError(field, f"{seconds} is no time in seconds")
    return int(product(Decimal(seconds), Decimal(SECOND_NS), field))


def moment(source: Source, item: Any) -> int:
    """The time of an item: its milliseconds, else its seconds, else the frame's."""
    return first_of(source, item, "time_ms", "time")


def creation(source: Source, item: Any) -> int:
    """When a trade was made: as its milliseconds say, else its seconds, else the frame."""
    return first_of(source, item, "create_time_ms", "create_time")


def first_of(source: Source, item: Any, milliseconds: str, seconds: str) -> int:
    if (value := getattr(item, milliseconds)) is not UNSET:
        return int(value) * MILLISECOND_NS
    return source.time if (value := getattr(item, seconds)) is UNSET else nanoseconds(value, seconds)


@lru_cache(maxsize=64)
def currency(text: str) -> str:
    if not text.isascii() or not text.isalnum() or len(text) > 16:
        raise MalformedError("currency", f"{text[:16]!r} is no currency")
    return text
