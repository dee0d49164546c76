"""What a plugin raised, told to its author: the last frame first, and none of ours.

Owns `told`.
"""

from __future__ import annotations

import traceback
from pathlib import Path

from strikeloop.engine import Raised

OURS = str(Path(__file__).parents[1])
"""Frames of the core only say how a hook is called."""


def told(raised: Raised) -> str:
    """The error, and where it was raised, and from where that was called, as text of some lines."""
    error = raised.error
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(OURS)]
    lines = [f"{raised.instance} raised {type(error).__name__} in {raised.hook}: {error}"]
    for frame in reversed(frames):
        lines += [f"  {frame.filename}:{frame.lineno} in {frame.name}", f"    {frame.line}"]
    return "\n".join(lines)
