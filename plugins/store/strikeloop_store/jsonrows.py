"""Files of JSON: answers of a REST listing, events as lines, contract specifications as lines.

Owns how they become sheets, rows and listings. Digits stay text until a format says what they are.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from strikeloop import ConfigError, ContractListed, Event, Problem, StrikeloopError
from strikeloop.venue import event_from_record
from strikeloop_store.defects import Defect, Defects
from strikeloop_store.recipe import Rows
from strikeloop_store.rows import EVENTS, kind_of, table
from strikeloop_store.sheet import Sheet
from strikeloop_store.specifications import Listing, specified
from strikeloop_store.tabular import Told, lacking

LINES = 50_000
_ADAPTER = "venue"


def json_sheets(path: Path, columns: list[str], defects: Defects, told: Told) -> Iterator[Sheet]:
    """One JSON array of objects, or an object in each line: the row is the place in the array, or the line. Raises ConfigError."""
    text = _text(path)
    try:
        listed = json.loads(text, parse_float=str, parse_int=str, parse_constant=str) if text.lstrip()[:1] == b"[" else _lines(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(Problem(str(path), f"is no JSON: {error}")) from error
    objects = [one if isinstance(one, dict) else {} for one in listed]
    lacking(path, columns, sorted({name for one in objects for name in one}))
    cells = [pa.array([_cell(one.get(name)) for one in objects], pa.string()) for name in columns]
    told(len(objects), 1.0)
    if objects:
        yield Sheet(str(path), pa.Table.from_arrays(cells, names=columns), np.arange(1, len(objects) + 1), defects)


def events_of(path: Path, defects: Defects, listings: dict[str, Listing], told: Told) -> Iterator[Rows]:
    """Market events as rows by kind; listed contracts go to `listings`. A line that is no event is a defect; other events are no rows."""
    for numbered, share in _batches(path):
        found: dict[str, list[tuple[int, Any]]] = {}
        for number, line in numbered:
            event = _event(path, number, line, defects)
            kind = None if event is None else kind_of(event)
            if isinstance(event, ContractListed):
                _note(listings, Listing(event.time, event.specification))
            elif kind is not None:
                found.setdefault(kind.name, []).append((number, event))
        for pairs in found.values():
            kind = kind_of(pairs[0][1])
            if kind is not None:
                yield (
                    kind,
                    table(kind, [event for _, event in pairs], [number for number, _ in pairs]),
                    np.array([number for number, _ in pairs]),
                )
        told(len(numbered), share)


def contract_lines(path: Path, since: int, defects: Defects, told: Told) -> dict[str, Listing]:
    """Contracts by name, each listed since its `created`, or `since`."""
    listings: dict[str, Listing] = {}
    for numbered, share in _batches(path):
        for number, line in numbered:
            try:
                contract = specified({name: value for name, value in _object(line).items() if name != "adapter"})
            except (ValueError, RecursionError, ConfigError) as error:
                defects.add(Defect(str(path), number, "missing", f"is no specification: {error}"))
            else:
                _note(listings, Listing(contract.created or since, contract))
        told(len(numbered), share)
    return listings


def _note(listings: dict[str, Listing], found: Listing) -> None:
    known = listings.get(found.name)
    if known is None or found.time < known.time:
        listings[found.name] = found


def _event(path: Path, number: int, line: bytes, defects: Defects) -> Event | None:
    try:
        told = _object(line)
        if "body" in told:  # a row of a journal
            told = told["body"] if told.get("kind") == "input" else {}
        event = event_from_record(_adopted(told)) if told else None
    except (ValueError, RecursionError, StrikeloopError) as error:
        defects.add(Defect(str(path), number, "missing", f"is no event: {error}"))
        return None
    return event if isinstance(event, EVENTS) else None


def _adopted(told: Any) -> Any:
    """The record under one adapter's name: what is stored has none."""
    if not isinstance(told, dict):
        return told
    changed = {name: _adopted(value) for name, value in told.items()}
    return {**changed, "adapter": _ADAPTER} if "adapter" in changed else changed


def _object(line: bytes) -> Mapping[str, Any]:
    told = json.loads(line)
    if not isinstance(told, dict):
        raise ValueError(f"expected an object, found {type(told).__name__}")  # noqa: TRY004 - a value of the wrong form, not a wrong call
    return told


def _lines(text: bytes) -> list[Any]:
    return [json.loads(line, parse_float=str, parse_int=str, parse_constant=str) for line in text.splitlines() if line.strip()]


def _batches(path: Path) -> Iterator[tuple[list[tuple[int, bytes]], float]]:
    """Lines with their numbers, some at a time, and the share of the file that is behind."""
    try:
        size = max(1, path.stat().st_size)
        with path.open("rb") as file, gzip.open(file) if path.suffix == ".gz" else path.open("rb") as lines:
            numbered = ((number, line) for number, line in enumerate(lines, 1) if line.strip())
            while some := list(islice(numbered, LINES)):
                yield some, (file if path.suffix == ".gz" else lines).tell() / size
    except (OSError, EOFError) as error:
        raise ConfigError(Problem(str(path), f"cannot be read: {getattr(error, 'strerror', None) or error}")) from error


def _text(path: Path) -> bytes:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            return file.read()
    except (OSError, EOFError) as error:
        raise ConfigError(Problem(str(path), f"cannot be read: {getattr(error, 'strerror', None) or error}")) from error


def _cell(value: Any) -> str | None:
    return None if value is None else value if isinstance(value, str) else json.dumps(value)
