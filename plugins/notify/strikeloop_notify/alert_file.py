"""The alerts of a run as a file of JSON lines.

Owns `AlertFile`: how a line looks, that only its owner may read it, and that it does not grow without end.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

from strikeloop_notify.notes import Note


class AlertFile:
    """One line for each note, appended and flushed. Above `max_bytes` the file becomes `NAME.1`, which it replaces.

    Raises OSError where the file cannot be written; links are not followed.
    """

    def __init__(self, path: Path, max_bytes: float) -> None:
        self._path, self._max_bytes = path, max_bytes

    def write(self, note: Note) -> None:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, f"{_line(note)}\n".encode())
            is_full = os.fstat(descriptor).st_size >= self._max_bytes
        finally:
            os.close(descriptor)
        if is_full:
            self._path.replace(self._path.with_name(f"{self._path.name}.1"))


def _line(note: Note) -> str:
    when = datetime.fromtimestamp(note.time // 1_000_000_000, UTC)
    record = {
        "time": f"{when:%Y-%m-%dT%H:%M:%S}.{note.time // 1_000_000 % 1_000:03}Z",
        "severity": note.severity.value,
        "source": note.source,
        "topic": note.topic,
        "text": note.text,
    }
    return json.dumps(record, ensure_ascii=False)
