"""Folders of runs: `runs/<id>/`, the lock that gives them to one process, run tags, and files replaced atomically.

Owns every path below the state directory: names cannot escape it, links in it are refused, and what is written is
its owner's alone.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import string
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs

from strikeloop.errors import StateInUseError, StorageError

_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.-]{0,79}")
_BEGUN = "%Y%m%d-%H%M%S"
_ALPHABET = string.digits + string.ascii_lowercase
_TRIES = 1_000


def draw_tag() -> str:
    """A random run tag: 6 of [0-9a-z]."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(6))


@attrs.frozen
class RunFolder:
    """One run on disk. The properties name its files, whether they exist or not."""

    path: Path

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def config(self) -> Path:
        return self.file("config.toml")

    @property
    def journal(self) -> Path:
        return self.file("journal.sqlite")

    @property
    def status(self) -> Path:
        return self.file("status.json")

    @property
    def halt(self) -> Path:
        return self.file("HALT")

    @property
    def reset(self) -> Path:
        return self.file("RESET")

    @property
    def result(self) -> Path:
        return self.file("result.json")

    @property
    def report(self) -> Path:
        return self.file("report.html")

    @property
    def frames(self) -> Path:
        return self.file("frames")

    def file(self, name: str) -> Path:
        """The path of a file or folder directly in this run. Raises StorageError for a name that leads out, or a link."""
        return _inside(self.path, name)

    def write(self, name: str, text: str) -> Path:
        """Replace a file of this run in one step; readers see the old text or the new one, and what was written is on the disk."""
        path = self.file(name)
        write_atomic(path, text.encode(), is_synced=True)
        return path

    def write_status(self, status: Mapping[str, Any]) -> None:
        """Replace status.json, which the next second makes old."""
        write_atomic(self.status, json.dumps(status, allow_nan=False).encode())

    def read_status(self) -> dict[str, Any]:
        """status.json. Raises StorageError where the run has none, or it cannot be read."""
        try:
            found = json.loads(self.status.read_bytes())
        except OSError as error:
            raise StorageError(f"run {self.id} has no status: {error.strerror}; it may not have started") from error
        except ValueError as error:
            raise StorageError(f"{self.status} cannot be read: {error}") from error
        if not isinstance(found, dict):
            raise StorageError(f"{self.status} is no status")
        return found

    def halted(self) -> str:
        """Why the run must not send orders: the first line of HALT; "" where there is no such file. Made for every send."""
        try:
            with open(self.path / "HALT", encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - a third of the time of Path.open
                return file.readline(200).strip() or "halted"
        except FileNotFoundError:
            return ""
        except OSError as error:
            return f"the HALT file cannot be read: {error.strerror}"


class StateDir:
    """The directory that holds all runs. Raises StorageError where it cannot be made, is absent, or is not a folder."""

    def __init__(self, path: Path, *, make: bool = True) -> None:
        try:
            if make:
                path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path = path.resolve(strict=True)
        except OSError as error:
            raise StorageError(
                f"cannot use {path} as state directory: {error.strerror}; name another with --set run.state_dir=DIR (demo: --state-dir DIR)"
            ) from error

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the directory for this process; ends with the process at the latest. Raises StateInUseError."""
        path = _inside(self.path, ".lock")
        with _opened(path, os.O_CREAT | os.O_RDWR) as descriptor:
            if not _locked(descriptor):
                owner = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
                raise StateInUseError(
                    f"{self.path} is in use by process {owner or 'unknown'}; "
                    "stop it, or give this run its own: --set run.state_dir=DIR (demo: --state-dir DIR)"
                )
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
            yield

    def holder(self) -> int | None:
        """The process that holds the lock now; None where nobody does."""
        path = _inside(self.path, ".lock")
        if not path.exists():
            return None
        with _opened(path, os.O_RDWR) as descriptor:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return int(os.pread(descriptor, 20, 0).strip() or 0)
            return None

    def begin(self, tag: str, now: datetime) -> RunFolder:
        """The folder of a run that begins now; its id, time and `tag`, sorts behind that of every run before.

        Where two begin in one second, or the clock was set back, the id says one second more than the last one's.
        """
        begins = max([now, *(begun + timedelta(seconds=1) for run in self.runs() if (begun := _begun(run)) is not None)])
        return self.create(f"{begins:{_BEGUN}}-{tag}")

    def create(self, run: str) -> RunFolder:
        """The folder of a new run. Raises StorageError where it exists or the id is not plain."""
        folder = RunFolder(_inside(self.path, run))
        try:
            folder.path.mkdir(mode=0o700)
            folder.frames.mkdir(mode=0o700)
        except OSError as error:
            raise StorageError(f"cannot create {folder.path}: {error.strerror}") from error
        return folder

    def run(self, run: str = "", *, having: str = "") -> RunFolder:
        """The folder of an existing run; where `run` is "", the latest that has the file `having`.

        Raises StorageError with the runs there are.
        """
        known = [one for one in self.runs() if run or (self.path / one / having).exists()]
        if not known:
            raise StorageError(f"there is no run in {self.path}; start one with: strikeloop run, or name its directory with --state-dir")
        if not run:
            return RunFolder(self.path / known[-1])
        folder = RunFolder(_inside(self.path, run))
        if not folder.path.is_dir():
            raise StorageError(f"there is no run {run} in {self.path}; the latest are {', '.join(known[-3:])}")
        return folder

    def runs(self) -> tuple[str, ...]:
        """The ids of all runs, oldest first (see `begin`)."""
        return tuple(
            sorted(entry.name for entry in os.scandir(self.path) if entry.is_dir(follow_symlinks=False) and _ID.fullmatch(entry.name))
        )

    def tags(self) -> tuple[str, ...]:
        """The tags of every run this directory ever had, oldest first."""
        path = _inside(self.path, ".tags")
        return tuple(path.read_text(encoding="ascii", errors="replace").split()) if path.exists() else ()

    def run_tag(self, draw: Callable[[], str] = draw_tag) -> str:
        """A tag for client ids that no run of this directory ever had; it is noted on disk before it is returned."""
        with _opened(_inside(self.path, ".tags"), os.O_CREAT | os.O_RDWR | os.O_APPEND) as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            used = set(os.pread(descriptor, os.fstat(descriptor).st_size, 0).decode("ascii", "replace").split())
            tag = next((tag for tag in (draw() for _ in range(_TRIES)) if tag not in used), None)
            if tag is None:
                raise StorageError(f"{self.path} has no run tag left; give this run a directory of its own")
            os.write(descriptor, f"{tag}\n".encode())
            os.fsync(descriptor)
            return tag


def _begun(run: str) -> datetime | None:
    """The second that a run's id names; None where it names none."""
    try:
        return datetime.strptime(run.rpartition("-")[0], _BEGUN).replace(tzinfo=UTC)
    except ValueError:
        return None


def _locked(descriptor: int) -> bool:
    """Whether the lock could be had. Who only looks (`holder`) has it for an instant, so one refusal is not the last word."""
    for _ in range(5):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            time.sleep(0.02)
        else:
            return True
    return False


def write_atomic(path: Path, data: bytes, *, is_synced: bool = False) -> None:
    """Replace `path` by a file with `data`, readable by its owner only; synced, its data are on the disk first. Raises StorageError."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with suppress(FileNotFoundError):
            new.unlink()
        with _opened(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY) as descriptor, os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(data)
            if is_synced:
                file.flush()
                os.fsync(descriptor)
        new.replace(path)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror}") from error


def _inside(folder: Path, name: str) -> Path:
    if not _ID.fullmatch(name.removeprefix(".")) or name.endswith("."):
        raise StorageError(f"{name!r} is no name for a run or its files: letters, digits, - _ and ., at most 80")
    path = folder / name
    if path.is_symlink():
        raise StorageError(f"{path} is a link; runs hold no links")
    return path


@contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    try:
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StorageError(f"cannot open {path}: {error.strerror}") from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)
