"""Frames that a venue really sent, from files: the `frames` fixture, and what `AdapterContract.recorded` is filled with.

Owns `Frames`. It reads files and changes nothing.
"""

from __future__ import annotations

from pathlib import Path

import attrs

from strikeloop.errors import ConfigError, Problem


@attrs.frozen
class Frames:
    """The frames in a folder, by the names of its files: each line of NAME.jsonl is one, or the whole of NAME.json."""

    folder: Path

    def __call__(self, name: str) -> tuple[bytes, ...]:
        """The frames of one file. Raises ConfigError where there is none."""
        lines, whole = self.folder / f"{name}.jsonl", self.folder / f"{name}.json"
        if lines.is_file():
            return tuple(line for line in lines.read_bytes().splitlines() if line.strip())
        if whole.is_file():
            return (whole.read_bytes(),)
        found = ", ".join(self.names) or "none"
        raise ConfigError(Problem(str(lines), "there is no such file of frames", f"frames recorded here: {found}"))

    @property
    def names(self) -> tuple[str, ...]:
        """What there is."""
        return tuple(sorted({path.stem for path in self.folder.glob("*.json*")}))

    def all(self) -> tuple[bytes, ...]:
        """Every frame of every file."""
        return tuple(frame for name in self.names for frame in self(name))
