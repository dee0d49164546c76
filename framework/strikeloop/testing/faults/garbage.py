"""Frames that no venue should send: a fixed list, two that are large, and `Mutate`, which damages good ones at random.

Owns nothing but these values.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Any, Final

import attrs

from strikeloop.testing.faults.ops import Op, Write
from strikeloop.testing.faults.pieces import BINARY, Frame, Passing

GARBAGE: Final[Mapping[str, Frame]] = {
    "broken json": Frame(b'{"channel": "options.orders", "event": "upd'),
    "empty": Frame(b""),
    "not an object": Frame(b"[1, 2, 3]"),
    "a bare number": Frame(b"7"),
    "not utf-8": Frame(b'{"channel": "\xff\xfe\xc3"}'),
    "binary": Frame(bytes(range(64)), BINARY),
    "duplicate keys": Frame(b'{"channel": "a", "channel": "b", "event": "update", "event": "subscribe"}'),
    "NaN": Frame(b'{"time": NaN, "channel": "options.balances", "event": "update", "result": [{"balance": Infinity}]}'),
    "a huge integer": Frame(b'{"time": ' + b"9" * 5_000 + b"}"),
    "a null byte": Frame(b'{"channel": "options.orders\x00"}'),
}
"""By name: what a decoder must refuse or ignore, frame by frame, without losing the next."""


def nested(depth: int = 100_000) -> Frame:
    """A text of `depth` arrays in one another, which overflows a parser that calls itself."""
    return Frame(b"[" * depth + b"]" * depth)


def oversized(size: int = 16 * 1024 * 1024) -> Frame:
    """A text frame far over any sensible limit."""
    return Frame(b'"' + b"x" * (size - 2) + b'"')


@attrs.frozen
class Mutate:
    """The payload arrives damaged: bytes changed, cut, repeated or put in, or a member of its JSON turned into something else."""

    def ops(self, passing: Passing, random: Random, /) -> Iterable[Op]:
        piece = passing.piece
        if not isinstance(piece, Frame):
            return [Write.of(piece, passing.to)]
        payload = random.choice(_MUTATIONS)(piece.payload, random)
        return [Write.of(attrs.evolve(piece, payload=_as_text(payload), raw=b""), passing.to)]


def _flip(payload: bytes, random: Random) -> bytes:
    changed = bytearray(payload or b"x")
    for _ in range(random.randint(1, 4)):
        changed[random.randrange(len(changed))] = random.randrange(256)
    return bytes(changed)


def _truncate(payload: bytes, random: Random) -> bytes:
    return payload[: random.randrange(len(payload) + 1)]


def _insert(payload: bytes, random: Random) -> bytes:
    at = random.randrange(len(payload) + 1)
    return payload[:at] + random.choice([b"{", b"}", b'"', b",", b":", b"null", b"1e999", b"-", b"\\u0000", b"[[["]) + payload[at:]


def _duplicate(payload: bytes, random: Random) -> bytes:
    start = random.randrange(len(payload) + 1)
    end = random.randrange(start, len(payload) + 1)
    return payload[:end] + payload[start:end] + payload[end:]


def _retype(payload: bytes, random: Random) -> bytes:
    """One value somewhere in the JSON becomes another of a wrong kind, or goes."""
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError):
        return _flip(payload, random)
    places = list(_places(document))
    if not places:
        return b"[]"
    holder, key = random.choice(places)
    if isinstance(holder, dict) and random.random() < 0.2:
        del holder[key]
    else:
        holder[key] = random.choice([None, True, "", "NaN", "\uff11\uff12", -1, 1e308, 10**40, [], {}, [[]], "x" * 300])
    return json.dumps(document).encode()


def _places(document: Any) -> Iterable[tuple[Any, Any]]:
    items = document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    for key, value in items:
        yield document, key
        yield from _places(value)


def _as_text(payload: bytes) -> bytes:
    """Text frames must be UTF-8, or the connection ends: what is not stays damaged another way."""
    return payload.decode(errors="replace").encode()


_MUTATIONS: Final[tuple[Callable[[bytes, Random], bytes], ...]] = (_flip, _truncate, _insert, _duplicate, _retype, _retype)
