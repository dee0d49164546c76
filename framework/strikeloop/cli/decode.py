"""`strikeloop decode`: frames of a venue in, events out, line by line.

Deterministic: an event's `received` is the time its frame carries. Good lines around bad ones are still translated.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from typing import Any

import click

from strikeloop.adapter import Decoded
from strikeloop.cli.exits import Exit
from strikeloop.cli.options import examples, note
from strikeloop.encoding import canonical
from strikeloop.errors import ConfigError, DecodeError, Problem
from strikeloop.load.discovery import find
from strikeloop.settings import ValueRefusedError

Decoder = Callable[[bytes | str, int], Decoded]
_MAX_LINE = 1_000_000


@click.command(
    epilog=examples(
        "strikeloop decode --adapter gate < frames.jsonl", "strikeloop decode --adapter gate --dialect seed < frames.jsonl > events.jsonl"
    )
)
@click.option("--adapter", required=True, metavar="NAME", help="The adapter that speaks the venue's language.")
@click.option("--dialect", default="auto", show_default=True, help="The adapter's dialect; auto tells by the frame.")
@click.option("--name", default=None, help="The adapter instance in the events' contracts. Default: the adapter's name.")
def decode(adapter: str, dialect: str, name: str | None) -> int:
    """Read frames as JSON lines on stdin, print events as JSON lines on stdout.

    A line that is refused is told on stderr with its number, channel, field and reason; the exit code is then 9.
    """
    bad = _translated(sys.stdin.buffer, _decoder(adapter, dialect, name or adapter))
    if bad:
        note(f"strikeloop: {bad} line{'s were' if bad > 1 else ' was'} refused")
    return Exit.REFUSED_INPUT if bad else Exit.OK


def _decoder(adapter: str, dialect: str, name: str) -> Decoder:
    try:
        found = find("adapters", adapter).value
    except ValueRefusedError as error:
        raise ConfigError(Problem("--adapter", error.what, error.fix)) from error
    make = getattr(found, "decoder", None)
    if make is None:
        raise ConfigError(
            Problem("--adapter", f"{adapter} cannot decode single frames", "its class has no function decoder(dialect=, name=)")
        )
    decoder: Decoder = make(dialect=dialect, name=name)
    return decoder


def _translated(lines: Iterable[bytes], decoder: Decoder) -> int:
    """Print the events of every good line; returns how many were bad."""
    bad = 0
    out = sys.stdout.buffer
    for number, line in enumerate(lines, 1):
        frame = line.strip()
        if not frame:
            continue
        try:
            decoded = _decoded(frame, decoder)
        except DecodeError as error:
            bad += 1
            where = ", ".join(part for part in (error.channel or "unknown channel", error.field) if part)
            note(f"line {number}: {where}: {error.reason}")
            continue
        if decoded.events:
            out.write(b"".join(canonical(event) + b"\n" for event in decoded.events))
            out.flush()
    return bad


def _decoded(frame: bytes, decoder: Decoder) -> Decoded:
    if len(frame) > _MAX_LINE:
        raise DecodeError(f"longer than a frame can be: {len(frame)} bytes, at most {_MAX_LINE}")
    return decoder(frame, _received(frame))


def _received(frame: bytes) -> int:
    """The time a frame carries, in ns; 0 where it carries none. Whether the frame is sound is the decoder's question."""
    try:
        data: Any = json.loads(frame)
    except (ValueError, RecursionError):
        return 0
    if not isinstance(data, dict):
        return 0
    for key, unit in (("time_ms", 1_000_000), ("time", 1_000_000_000)):
        value = data.get(key)
        if type(value) is int and 0 <= value < 10**15:
            return value * unit
    return 0
