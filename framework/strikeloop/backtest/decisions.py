"""What a backtest decided, on disk: every command that left and when, so that a replay can tell where it decides otherwise.

Owns `keep_decisions`, `kept_decisions` and `Compared`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from strikeloop.backtest.world import Decision
from strikeloop.encoding import described
from strikeloop.errors import StorageError

FILE = "decisions.jsonl"


def keep_decisions(folder: Path, header: Mapping[str, Any], decisions: Sequence[Decision]) -> None:
    """Write them: the first line is the header, each of the others a command with its engine time `at`."""
    with (folder / FILE).open("w", encoding="utf-8") as lines:
        lines.write(json.dumps(header) + "\n")
        for at, command in decisions:
            lines.write(json.dumps({"at": at, **described(command)}, separators=(",", ":"), ensure_ascii=False) + "\n")


def has_decisions(folder: Path) -> bool:
    """Whether this is the folder of a backtest."""
    return (folder / FILE).is_file()


def kept_decisions(folder: Path) -> tuple[dict[str, Any], Iterator[dict[str, Any]]]:
    """The header and the decisions of a backtest's folder. Raises StorageError where they cannot be read."""
    try:
        header, *lines = (folder / FILE).read_text(encoding="utf-8").splitlines()
        return json.loads(header), iter([json.loads(line) for line in lines])
    except (OSError, ValueError) as error:
        raise StorageError(f"{folder / FILE}: cannot be read: {error}") from error


class Compared:
    """Commands of a new run beside those on record; `first` is where they part: (number, recorded, replayed)."""

    def __init__(self, recorded: Iterator[dict[str, Any]], until: int | None) -> None:
        self._recorded, self._until = recorded, until
        self.count = 0
        self.first: tuple[int, dict[str, Any] | None, dict[str, Any] | None] | None = None

    def decided(self, decision: Decision) -> None:
        """The new run sends this."""
        if self.first is not None:
            return
        self.count += 1
        at, command = decision
        made, kept = {"at": at, **described(command)}, next(self._recorded, None)
        if made != kept:
            self.first = self.count, kept, made

    def end(self) -> None:
        """The new run is over: whatever is left on record it did not send."""
        left = next((one for one in self._recorded if self._until is None or one["at"] <= self._until), None)
        if self.first is None and left is not None:
            self.first = self.count + 1, left, None
