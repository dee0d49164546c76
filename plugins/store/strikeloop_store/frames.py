"""Raw frames on disk: each with the time it came, compressed, in segments that end and are then never touched again.

Owns the segments of one connection. A line is {"received": ns, "frame": text}, which `strikeloop decode` reads; a segment that was cut off
by a crash is a `.part` that can be read up to its last second.
"""

from __future__ import annotations

import json
import os
import time
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import attrs

SEGMENT = 64 << 20
"""Bytes of frames in a segment, before they are compressed."""
FLUSH_S = 1.0
_GZIP = 31


@attrs.define(eq=False)
class Segments:
    """The frames of one connection in `folder`, as NAME-0001.jsonl.gz and so on. Everything raises OSError where the disk refuses."""

    folder: Path
    name: str
    count: int = 0
    _number: int = 0
    _size: int = 0
    _flushed: float = 0.0
    _file: IO[bytes] | None = None
    _deflate: zlib._Compress | None = None

    def add(self, frames: Sequence[bytes], received: int) -> None:
        """The frames of one read."""
        lines = b"".join(_line(frame, received) for frame in frames)
        self.count += len(frames)
        file, deflate = self._open()
        file.write(deflate.compress(lines))
        self._size += len(lines)
        if self._size >= SEGMENT:
            self.close()

    def flush(self) -> None:
        """What was added can be read from now on; once a second at most, because it costs compression."""
        now = time.monotonic()
        if self._file is not None and self._deflate is not None and now - self._flushed >= FLUSH_S:
            self._flushed = now
            self._file.write(self._deflate.flush(zlib.Z_SYNC_FLUSH))
            self._file.flush()

    def close(self) -> None:
        """End the segment."""
        if self._file is None or self._deflate is None:
            return
        self._file.write(self._deflate.flush())
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._draft.replace(self.folder / self._draft.name.removesuffix(".part"))
        self._file = self._deflate = None
        self._size = 0

    @property
    def _draft(self) -> Path:
        return self.folder / f"{self.name}-{self._number:04}.jsonl.gz.part"

    def _open(self) -> tuple[IO[bytes], zlib._Compress]:
        if self._file is None or self._deflate is None:
            self._number += 1
            descriptor = os.open(self._draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            self._file = os.fdopen(descriptor, "wb")
            self._deflate = zlib.compressobj(1, zlib.DEFLATED, _GZIP)
        return self._file, self._deflate


def _line(frame: bytes, received: int) -> bytes:
    """Bytes that are no UTF-8 stay what they are: as halves of surrogate pairs, which `decode` turns back."""
    return f'{{"received":{received},"frame":{json.dumps(frame.decode("utf-8", "surrogateescape"))}}}\n'.encode()
