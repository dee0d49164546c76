"""Frames that could not be read, kept with the run for people: the beginning of each, without secrets, and not many.

Owns `Quarantine`. It is written at once, because a run that hears garbage may be about to end; what cannot be written is
left out, for the journal tells of a disk that fails.
"""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path
from typing import Final

from strikeloop.errors import DecodeError

FIRST: Final = 2_048
"""Characters of a frame that are kept."""
MOST: Final = 500
"""Frames of one run that are kept: a megabyte at most."""
_SECRET: Final = re.compile(
    r"""(["']?\b(?:[a-z]+[-_])?(?:key|apikey|sign|signature|secret|passphrase|password|token|authorization)["']?\s*[:=]\s*)"""
    r"""("(?:[^"\\]|\\.)*"?|'[^']*'?|[^\s,}&"']+)""",
    re.IGNORECASE,
)


class Quarantine:
    """The file `path`, one JSON object a line; it is made with the first frame."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.count = 0
        """How many frames could not be read, those that are not kept included."""

    def keep(self, adapter: str, port: str, error: DecodeError, now: int) -> None:
        """A frame of this port, received at `now` (ns UTC), could not be read."""
        self.count += 1
        if self.count > MOST:
            return
        line = {
            "received": now,
            "adapter": adapter,
            "port": port,
            "channel": error.channel,
            "field": error.field,
            "reason": redacted(error.reason),
            "frame": redacted(error.frame[:FIRST]),
        }
        with contextlib.suppress(OSError), self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def redacted(text: str) -> str:
    """`text` with a mask in place of every value whose name is one that secrets bear."""
    return _SECRET.sub(r'\1"***"', text)
