"""Halts on disk: what a run is asked for by other processes, and the record of a state directory that outlives every run.

Owns the files HALT and RESET of a run and `halts.jsonl` of its state directory. The last line of a mode in there says whether its next
run may trade; a line that cannot be read says that it may not.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import attrs

from strikeloop.errors import StorageError
from strikeloop.events import HaltState, HaltUpdated

FILE = "halts.jsonl"
LONGEST = 200
BEFORE_REST = frozenset({HaltState.HALTED.value, HaltState.CANCELING.value, HaltState.REDUCING.value})


@attrs.frozen(kw_only=True)
class Asked:
    """What a file HALT or RESET asks for, by whom; `mark` tells one writing from the next."""

    reason: str
    by: str
    mark: int
    cancel: bool = False
    flatten: bool = False

    def text(self) -> str:
        """The file's content: the reason, what else shall be done, and who says so, a line each."""
        words = [word for word, wanted in (("cancel", self.cancel), ("flatten", self.flatten)) if wanted]
        return f"{one_line(self.reason)}\n{' '.join(words)}\n{one_line(self.by)}\n"


def one_line(text: str) -> str:
    """As it fits into a line of such a file."""
    return " ".join(text.split())[:LONGEST]


def asked_in(path: Path) -> Asked | None:
    """What a file asks for, None where there is none. One that cannot be read asks for a halt."""
    try:
        mark = path.stat().st_mtime_ns
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return None
    except OSError as error:
        return Asked(reason=f"the {path.name} file cannot be read: {error.strerror}", by=path.name, mark=-1)
    reason, words, by = (*(line.strip()[:LONGEST] for line in lines[:3]), *("",) * 3)[:3]
    wanted = words.split()
    return Asked(
        reason=reason or "halted", by=by or f"the file {path.name}", mark=mark, cancel="cancel" in wanted, flatten="flatten" in wanted
    )


@attrs.frozen(kw_only=True)
class HaltNote:
    """One line of `halts.jsonl`: at `time` (ns UTC) the kill switch of runs of `mode` came to `state`, by whom and why."""

    time: int
    mode: str
    run: str
    state: str
    cause: str
    by: str
    reason: str
    cancel: bool = False
    flatten: bool = False
    left: tuple[str, ...] = ()

    @property
    def is_unfinished(self) -> bool:
        """Whether it had not done what it was asked for."""
        return self.state in BEFORE_REST

    @classmethod
    def of(cls, told: HaltUpdated, mode: str, run: str) -> HaltNote:
        return cls(
            time=told.received,
            mode=mode,
            run=run,
            state=told.state.value,
            cause=told.cause,
            by=told.by,
            reason=told.reason,
            cancel=told.cancel,
            flatten=told.flatten,
            left=told.left,
        )


class Halts:
    """The record of one state directory. Several processes may add to it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE

    def note(self, note: HaltNote) -> None:
        """Add a line; it is on disk when this returns. Raises StorageError."""
        line = json.dumps(attrs.asdict(note), ensure_ascii=False) + "\n"
        try:
            with open(self.path, "ab", buffering=0, opener=_opened) as file:
                file.write((_end_of(self.path) + line).encode())
                os.fsync(file.fileno())
        except OSError as error:
            raise StorageError(f"cannot write {self.path}: {error.strerror}") from error

    def notes(self) -> list[HaltNote]:
        """Every line, oldest first. Raises StorageError where the file cannot be read."""
        try:
            lines = self.path.read_bytes().splitlines()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StorageError(f"cannot read {self.path}: {error.strerror}") from error
        return [_note(line, number, self.path.name) for number, line in enumerate(lines, 1) if line.strip()]

    def standing(self, mode: str) -> HaltNote | None:
        """The halt that holds for the next run of `mode`, None where it may trade."""
        notes = [note for note in self.notes() if note.mode in (mode, "")]
        return notes[-1] if notes and notes[-1].state != HaltState.ARMED.value else None


def _opened(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def _end_of(path: Path) -> str:
    """What ends a last line that was torn."""
    return "" if path.read_bytes()[-1:] in (b"", b"\n") else "\n"


def _note(line: bytes, number: int, name: str) -> HaltNote:
    try:
        found: dict[str, Any] = json.loads(line)
        return HaltNote(**{**found, "left": tuple(found.get("left", ()))})
    except (ValueError, TypeError, AttributeError):
        return HaltNote(
            time=0,
            mode="",
            run="",
            state=HaltState.HALTED.value,
            cause="restart",
            by=name,
            reason=f"line {number} of {name} cannot be read",
        )
