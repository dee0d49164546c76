"""Good frames made bad, one thing at a time: other kinds of values, missing and unknown fields, cut and flipped bytes.

Owns the ways of damage, and `invented`, which tells whether a decoder has made something up.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from random import Random
from typing import Any, Final

import attrs

from strikeloop.events import Event, OrderState

_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")
NO_NUMBERS: Final[tuple[Any, ...]] = (True, [], {}, "NaN", "1e999", " 1", "1_000", "１２", float("nan"), float("inf"))  # noqa: RUF001 - digits of another script
NEW_WORD: Final = "brand-new-word"
JUNK: Final[tuple[bytes, ...]] = (
    b"",
    b"null",
    b"7",
    b'"text"',
    b"[]",
    b"[1, 2, 3]",
    b"[[[]]]",
    b"{",
    b"}{",
    b'{"a": }',
    b"\xff\xfe\xfd",
    b'{"channel": "\xff"}',
    bytes(range(64)),
    b"<html><body>502 Bad Gateway</body></html>",
    b"[" * 100_000,
    b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    b'{"time": ' + b"9" * 5_000 + b"}",
    b'{"x": NaN}',
    b"\x00",
)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every value of a JSON document that holds no others, with the way to it."""
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(item, (*path, key))
    else:
        yield path, value


def objects(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    """Every object of a JSON document, with the way to it."""
    if isinstance(value, dict):
        yield path, value
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from objects(item, (*path, key))


def is_number(value: Any) -> bool:
    """Whether it is a number, or a text that is one."""
    if isinstance(value, bool):
        return False
    return isinstance(value, int | float) or (isinstance(value, str) and _NUMBER.fullmatch(value) is not None)


def replaced(document: Any, path: tuple[Any, ...], value: Any) -> bytes:
    """The document with another value at this place."""
    copy = json.loads(json.dumps(document))
    at = copy
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return json.dumps(copy, ensure_ascii=False).encode()


def without(document: Any, path: tuple[Any, ...], key: str) -> bytes:
    """The document without one member of the object at `path`."""
    copy = json.loads(json.dumps(document))
    at = copy
    for step in path:
        at = at[step]
    del at[key]
    return json.dumps(copy).encode()


def with_more(document: Any) -> bytes:
    """The document with a member in each of its objects that nobody documented."""
    if isinstance(document, dict):
        more = {key: json.loads(with_more(item)) for key, item in document.items()}
        return json.dumps({**more, "brand_new_field": {"x": [1, "two"]}}).encode()
    if isinstance(document, list):
        return json.dumps([json.loads(with_more(item)) for item in document]).encode()
    return json.dumps(document).encode()


def flipped(frame: bytes, random: Random) -> bytes:
    """The frame with a few bytes changed."""
    changed = bytearray(frame)
    for _ in range(random.randint(1, 4)):
        changed[random.randrange(len(changed))] = random.randrange(256)
    return bytes(changed)


def invented(before: tuple[Event, ...], after: tuple[Event, ...], value: Any) -> str:
    """What a decoder made of a frame with `value` in the place of a number or a word, if it made something up; "" if not.

    It may leave a field empty, or pass a text on as a text; it must not turn it into a number or a known word.
    """
    if len(after) > len(before):
        return f"{len(after)} events in the place of {len(before)}"
    for old, new in zip(before, after, strict=False):
        if type(old) is not type(new):
            return f"{type(new).__name__} in the place of {type(old).__name__}"
        for field in attrs.fields(type(old)):
            was, now = getattr(old, field.name), getattr(new, field.name)
            if not field.eq or was == now or now is None or now == field.default or now is OrderState.UNKNOWN:
                continue
            if isinstance(value, str) and (type(was) in (str, type(None)) or isinstance(was, tuple)):
                continue
            return f"{type(new).__name__}.{field.name} became {now!r}, it was {was!r}"
    return ""
