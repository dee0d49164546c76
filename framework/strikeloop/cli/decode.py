"""`strikeloop decode`: frames of a venue in, events out, line by line.

Deterministic: an event's `received` is the time its frame was recorded with, else the one it carries. Good lines around bad ones are still
translated.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from strikeloop.adapter import Decoded
from strikeloop.cli.exits import Exit
from strikeloop.cli.options import examples, note
from strikeloop.encoding import canonical
from strikeloop.errors import ConfigError, DecodeError, Problem, StorageError
from strikeloop.load.discovery import find
from strikeloop.settings import ValueRefusedError

Decoder = Callable[[bytes | str, int], Decoded]
_MAX_LINE = 1_000_000


@click.command(
    epilog=examples(
        "strikeloop decode --adapter gate --dialect seed < frames.jsonl > events.jsonl",
        "strikeloop decode --adapter gate runs/ID/frames/gate-feed-0001.jsonl.gz",
    )
)
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--adapter", required=True, metavar="NAME", help="The adapter that speaks the venue's language.")
@click.option("--dialect", default="auto", show_default=True, help="The adapter's dialect; auto tells by the frame.")
@click.option("--name", default=None, help="The adapter instance in the events' contracts. Default: the adapter's name.")
def decode(files: tuple[Path, ...], adapter: str, dialect: str, name: str | None) -> int:
    """Read frames as JSON lines on stdin, print events as JSON lines on stdout.

    Or in FILES, .gz too. A line is a frame, or what `strikeloop record` keeps: {"received": ns, "frame": text}.

    A line that is refused is told on stderr with its number, channel, field and reason; the exit code is then 9.
    """
    bad = _translated(_lines(files) if files else sys.stdin.buffer, _decoder(adapter, dialect, name or adapter))
    if bad:
        note(f"strikeloop: {bad} line{'s were' if bad > 1 else ' was'} refused")
    return Exit.REFUSED_INPUT if bad else Exit.OK


def _lines(files: tuple[Path, ...]) -> Iterator[bytes]:
    """The lines of files, one after another. A recording that was cut off ends where it was cut."""
    for path in files:
        try:
            with gzip.open(path) if ".gz" in path.suffixes else path.open("rb") as lines:
                yield from lines
        except EOFError:
            note(f"{path} was cut off, by a crash or because it is still being written; what stands in it was read")
        except (FileNotFoundError, IsADirectoryError) as error:
            raise click.UsageError(f"{path} is no file of frames") from error
        except OSError as error:
            raise StorageError(f"{path} cannot be read: {error.strerror or error}") from error


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
    try:
        data: Any = json.loads(frame)
    except (ValueError, RecursionError):
        return decoder(frame, 0)  # whether a frame is sound is the decoder's question
    if isinstance(data, dict) and data.keys() == {"received", "frame"} and type(data["received"]) is int and isinstance(data["frame"], str):
        return decoder(data["frame"].encode("utf-8", "surrogateescape"), data["received"])
    return decoder(frame, _received(data))


def _received(data: Any) -> int:
    """The time a frame carries, in ns; 0 where it carries none."""
    if not isinstance(data, dict):
        return 0
    for key, unit in (("time_ms", 1_000_000), ("time", 1_000_000_000)):
        value = data.get(key)
        if type(value) is int and 0 <= value < 10**15:
            return value * unit
    return 0
