"""A store on disk: `venue=V/kind=K/day=D/<first ns>-<content>.parquet`, and how it changes as a whole or not at all.

Theory: what is new is written beside the store (`.staging-…`), and synced; then one small file (`.commit`) names every move
that makes it part of the store; then the moves are made. Whoever finds `.commit` finishes it. Before it there is nothing, after it all.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

import attrs
import pyarrow as pa

from strikeloop import ConfigError, Problem, StateInUseError, StorageError
from strikeloop_store import part
from strikeloop_store.checks import SECOND_NS
from strikeloop_store.kinds import CONTRACTS, KINDS, Kind
from strikeloop_store.part import Part
from strikeloop_store.specifications import Listing, effective, listings_of
from strikeloop_store.ticks import Scale

DAY_NS: Final = 86_400 * SECOND_NS
VENUE: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,31}")
_PART: Final = re.compile(r"-?[0-9]{1,20}-[0-9a-f]{16}\.parquet")
_COMMIT, _LOCK, _STAGING = ".commit", ".lock", ".staging-"


def day_of(time: int) -> str:
    """The day of a time, UTC: 2026-06-01."""
    return f"{datetime.fromtimestamp(time // SECOND_NS, UTC):%Y-%m-%d}"


@attrs.frozen(eq=False)
class Library:
    """The files of one store. Reading needs no lock; changing holds one."""

    path: Path

    @classmethod
    def open(cls, path: Path) -> Self:
        """An existing store. Raises ConfigError where there is none; finishes a change that was interrupted."""
        if not path.is_dir():
            raise ConfigError(Problem(str(path), "there is no store here", "make one: strikeloop data import --help"))
        library = cls(path.resolve())
        if (library.path / _COMMIT).exists():
            with library._lock():
                library._finish()
        return library

    @classmethod
    def make(cls, path: Path) -> Self:
        """A store that may be new. Raises StorageError where it cannot be made."""
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"cannot make a store at {path}: {error.strerror}") from error
        return cls.open(path)

    # ---- what is there ----

    def venues(self) -> tuple[str, ...]:
        return tuple(
            sorted(one.name.removeprefix("venue=") for one in self.path.glob("venue=*") if VENUE.fullmatch(one.name.removeprefix("venue=")))
        )

    def paths(self, venue: str, kinds: Iterable[str] | None = None, days: tuple[str, str] | None = None) -> Iterator[Path]:
        """The files of a venue, by kind, day and name; `days` are the first and the last."""
        for kind in KINDS if kinds is None else kinds:
            for folder in sorted((self.path / f"venue={_venue(venue)}" / f"kind={kind}").glob("day=*")):
                day = folder.name.removeprefix("day=")
                if days is None or days[0] <= day <= days[1]:
                    yield from sorted(one for one in folder.iterdir() if _PART.fullmatch(one.name) and not one.is_symlink())

    def parts(self, venue: str, kinds: Iterable[str] | None = None, days: tuple[str, str] | None = None) -> list[Part]:
        """The same, looked at. Raises ConfigError where one is damaged."""
        return [Part.open(path) for path in self.paths(venue, kinds, days)]

    def listings(self, venue: str) -> dict[str, Listing]:
        """Every contract that is specified, since its first listing. Raises ConfigError where two specifications of one differ."""
        return effective(one for each in self.parts(venue, [CONTRACTS.name]) for one in listings_of(each.read()))

    # ---- what changes ----

    @contextmanager
    def change(self) -> Iterator[Change]:
        """A change of the store: what is staged in the block becomes part of it at the end, all of it, or nothing where it raises.

        Raises StateInUseError where another process changes the store, StorageError where the disk refuses.
        """
        with self._lock():
            self._finish()
            for left in self.path.glob(f"{_STAGING}*"):
                shutil.rmtree(left)
            staging = self.path / f"{_STAGING}{os.getpid()}"
            try:
                staging.mkdir()
                change = Change(self, staging)
                yield change
                self._commit(change)
            except (OSError, pa.ArrowException) as error:
                raise StorageError(
                    f"cannot write to {self.path}: {getattr(error, 'strerror', None) or error}; nothing of this import is kept"
                ) from error
            finally:
                shutil.rmtree(staging, ignore_errors=True)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        descriptor = os.open(self.path / _LOCK, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise StateInUseError(f"{self.path} is being changed by another process; wait for it to end") from error
            yield
        finally:
            os.close(descriptor)

    def _commit(self, change: Change) -> None:
        moves = [(str(staged.relative_to(self.path)), str(target.relative_to(self.path))) for staged, target in change.moves]
        if not moves:
            return
        draft = change.folder / _COMMIT
        with draft.open("w", encoding="utf-8") as file:
            json.dump(moves, file)
            file.flush()
            os.fsync(file.fileno())
        _sync(change.folder)
        draft.replace(self.path / _COMMIT)
        _sync(self.path)
        self._finish()

    def _finish(self) -> None:
        """Make the moves that a commit names; those that were made are passed over."""
        commit = self.path / _COMMIT
        if not commit.exists():
            return
        folders: set[Path] = set()
        for staged, target in json.loads(commit.read_text(encoding="utf-8")):
            source, place = self.path / staged, self.path / target
            if self.path not in place.resolve().parents or not _PART.fullmatch(place.name):
                raise StorageError(f"{commit} names {target}, which is no place in this store; the file is damaged")
            place.parent.mkdir(parents=True, exist_ok=True)
            if source.exists():
                source.replace(place)
            elif not place.exists():
                raise StorageError(
                    f"{commit} names {staged}, which is gone: the import was not finished and cannot be; remove {commit} and import again"
                )
            folders.update(one for one in place.parents if one == self.path or self.path in one.parents)
        for folder in sorted(folders):
            _sync(folder)
        commit.unlink()
        _sync(self.path)


@attrs.define(eq=False)
class Change:
    """Files that wait to become part of a store."""

    library: Library
    folder: Path
    moves: list[tuple[Path, Path]] = attrs.field(factory=list)

    def add(self, venue: str, kind: Kind, table: pa.Table, scale: Scale, facts: Mapping[str, str] | None = None) -> Path | None:
        """Stage the rows of one day; None where the store holds just them. Returns where they will be."""
        staged = self.folder / f"{len(self.moves)}.parquet"
        content = part.write(staged, kind, table, scale, {"venue": venue, **(facts or {})})
        first = int(part.first_time(table))
        target = (
            self.library.path / f"venue={_venue(venue)}" / f"kind={kind.name}" / f"day={day_of(first)}" / f"{first}-{content[:16]}.parquet"
        )
        if target.exists() or any(target == planned for _, planned in self.moves):
            staged.unlink()
            return None
        self.moves.append((staged, target))
        return target


def _venue(venue: str) -> str:
    if not VENUE.fullmatch(venue):
        raise ConfigError(Problem(f"venue {venue!r}", "is no name for a venue", "small letters, digits, - _ and ., at most 32"))
    return venue


def _sync(folder: Path) -> None:
    """A folder's entries on disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def clusters(spans: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Positions of spans of time, grouped where they overlap, in order of time: what is in one group was over before the next began.

    >>> clusters([(5, 9), (0, 3), (8, 12), (13, 14)])
    [[1], [0, 2], [3]]
    """
    found: list[list[int]] = []
    latest = -1
    for at in sorted(range(len(spans)), key=lambda at: (spans[at], at)):
        if found and spans[at][0] <= latest:
            found[-1].append(at)
        else:
            found.append([at])
        latest = max(latest, spans[at][1])
    return [sorted(group) for group in found]
