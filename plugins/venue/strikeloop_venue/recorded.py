"""A market that was recorded: events as JSON lines, read back in order.

Owns `RecordedMarket` and the source it opens. Lines are events as `strikeloop decode` prints them, or rows as
`strikeloop journal dump` does; what is no market event is passed over, what is no event at all is refused by its line.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from strikeloop import (
    BookUpdated,
    ConfigError,
    Contract,
    ContractExpired,
    ContractListed,
    Event,
    Quoted,
    StrikeloopError,
    TickerUpdated,
    Traded,
    UnderlyingPriced,
)
from strikeloop.venue import event_from_record

_MARKET = (BookUpdated, ContractExpired, ContractListed, Quoted, TickerUpdated, Traded, UnderlyingPriced)


@attrs.frozen(kw_only=True)
class RecordedMarket:
    """A recording in `file`. Contracts must be listed in it before anything happens to them. Raises ValueError where there is none.

    >>> RecordedMarket(file="market.jsonl")
    Traceback (most recent call last):
    ValueError: market.jsonl: there is no such recording
    """

    file: str

    def __attrs_post_init__(self) -> None:
        if not Path(self.file).is_file():
            raise ValueError(f"{self.file}: there is no such recording")

    def open(self, adapter: str) -> RecordedSource:
        """The market as the adapter instance `adapter` sees it, whatever it was called when it was recorded."""
        return RecordedSource(Path(self.file), adapter)


@attrs.frozen
class RecordedSource:
    """A `strikeloop.venue.Source`. Each call of `events` reads the file anew; errors are ConfigError with file and line."""

    file: Path
    adapter: str

    def contracts(self) -> tuple[Contract, ...]:
        """What is listed before anything else happens."""
        listed = []
        for event in self._read():
            if not isinstance(event, ContractListed):
                break
            listed.append(event.specification)
        return tuple(listed)

    def events(self) -> Iterator[Event]:
        """The market in order of time, `received` equal to `time`."""
        latest = 0
        for event in self._read():
            latest = max(latest, event.time)
            yield attrs.evolve(event, time=latest, received=latest)

    def content_hash(self) -> str:
        """SHA-256 of the file and of the adapter's name."""
        digest = hashlib.sha256(self.adapter.encode())
        with self.file.open("rb") as lines:
            for line in lines:
                digest.update(line)
        return digest.hexdigest()

    def _read(self) -> Iterator[Event]:
        try:
            with self.file.open("rb") as lines:
                for number, line in enumerate(lines, 1):
                    event = self._event(line, number) if line.strip() else None
                    if isinstance(event, _MARKET):
                        yield event
        except OSError as error:
            raise ConfigError(f"{self.file}: the recording cannot be read: {error.strerror or error}") from error

    def _event(self, line: bytes, number: int) -> Event | None:
        try:
            record = json.loads(line)
            if isinstance(record, dict) and "body" in record:
                record = record["body"] if record.get("kind") == "input" else None
            return None if record is None else event_from_record(self._adopted(record))
        except (ValueError, RecursionError, StrikeloopError) as error:
            raise ConfigError(f"{self.file}:{number}: not an event: {error}") from error

    def _adopted(self, record: Any) -> Any:
        """The record as if it had been recorded under our adapter's name."""
        if not isinstance(record, dict):
            return record
        changed = {name: self._adopted(value) for name, value in record.items()}
        return {**changed, "adapter": self.adapter} if "adapter" in changed else changed
