"""A small disk of its own that can fail as real ones do: the file system turns read-only under whoever has files open on it.

Owns `Disk`. It is an ext4 in a file on a loop device; mounting needs root and the tools of the system.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TOOLS = ("mkfs.ext4", "mount", "umount")
SIZE = 8 << 20


class NoDiskError(Exception):
    """There cannot be one here."""


class Disk:
    """Mounted at `path`."""

    def __init__(self, image: Path, path: Path) -> None:
        self._image, self.path = image, path

    def breaks(self) -> None:
        """From now on every write is an error (EROFS), also to files that are open for writing."""
        _run("mount", "-o", "remount,abort", str(self.path))

    def mends(self) -> None:
        """Everything is closed, the disk was repaired, and holds what was on it."""
        _run("umount", str(self.path))
        _run("mount", "-o", "loop", str(self._image), str(self.path))


@contextmanager
def disk(folder: Path) -> Iterator[Disk]:
    """A disk in a file of `folder`. Raises NoDiskError with the reason where nobody may mount one."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if os.geteuid() != 0 or missing:
        raise NoDiskError(f"mounting a disk needs root and {', '.join(missing or TOOLS)}")
    image, path = folder / "disk.img", folder / "disk"
    with image.open("wb") as file:
        file.truncate(SIZE)
    path.mkdir()
    _run("mkfs.ext4", "-q", "-F", str(image))
    _run("mount", "-o", "loop", str(image), str(path))
    try:
        yield Disk(image, path)
    finally:
        _run("umount", str(path))


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoDiskError(f"{' '.join(command[:3])} is not allowed here: {done.stderr.strip().splitlines()[:1]}")
