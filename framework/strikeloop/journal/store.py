"""The journal file: one table of rows in SQLite, each chained to the one before by SHA-256.

Theory: a row is kind, key and body (JSON); its hash covers the hash before it, so no row can change, vanish or move
unseen. What SQLite itself forgets in silence, a damaged tail of its write-ahead log, shows against the head: a small
file beside the journal with number and hash of the last row, written after each commit. Never skips what it cannot read.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Literal, Self

import attrs

from strikeloop.errors import StorageError

VERSION = 1
_APPLICATION = 0x53_4C_4A_31  # "SLJ1"
_START = hashlib.sha256(b"strikeloop journal 1").digest()
_HEAD = re.compile(rb"(\d{20}) ([0-9a-f]{64})\n")
_SCHEMA = """
CREATE TABLE rows (seq INTEGER NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL, hash BLOB NOT NULL);
CREATE INDEX by_key ON rows (kind, key) WHERE kind <> 'input';
CREATE VIEW inputs AS SELECT seq, body FROM rows WHERE kind = 'input';
CREATE VIEW intents AS SELECT seq, key AS client_id, body FROM rows WHERE kind = 'intent';
CREATE VIEW memory AS SELECT seq, key AS instance, body FROM rows WHERE kind = 'memory';
"""

Kind = Literal["header", "input", "intent", "memory", "ending"]


@attrs.frozen
class Row:
    """What is written: `key` is the client id of an intent, the instance of a memory; `body` are JSON types."""

    kind: Kind
    key: str
    body: Mapping[str, Any]


@attrs.frozen
class Stored:
    """What is read: a row and its number, from 1. The first is the header."""

    seq: int
    kind: str
    key: str
    body: dict[str, Any]


class Journal:
    """An open journal. `append` is synchronous and may be called from any one thread at a time.

    Make one with `Journal.create`, read or continue one with `Journal.open`.
    """

    def __init__(self, path: Path, db: sqlite3.Connection, head: int | None, seq: int, tip: bytes) -> None:
        self.path, self._db, self._head, self._seq, self._tip = path, db, head, seq, tip
        self._is_head_late = False
        """Rows were committed, and the head could not be written: that comes before the next rows."""
        self._lock = threading.Lock()

    @classmethod
    def create(cls, path: Path, header: Mapping[str, Any]) -> Self:
        """A new journal whose first row is `header`. Raises StorageError where the file exists or cannot be written."""
        try:
            head = os.open(head_of(path), os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            os.pwrite(head, _head(0, _START), 0)
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        except OSError as error:
            raise StorageError(f"cannot create {path}: {error.strerror}; a journal is never overwritten") from error
        with _translated(path, "create"):
            db = _connect(path, "rwc")
            db.execute("PRAGMA journal_mode = WAL")
            db.execute(f"PRAGMA application_id = {_APPLICATION}")
            db.execute(f"PRAGMA user_version = {VERSION}")
            db.executescript(_SCHEMA)
        made = cls(path, db, head, 0, _START)
        made.append([Row("header", "", header)])
        os.fsync(head)
        _sync_folder(path.parent)
        return made

    @classmethod
    def open(cls, path: Path, *, read_only: bool = True, check: bool = True) -> Self:
        """An existing journal, verified unless `check` is False. Raises StorageError naming the first damaged row."""
        if not path.is_file() or path.is_symlink():
            raise StorageError(f"{path} is no journal: there is no such file")
        known = _read_head(path)
        with _translated(path, "open"):
            db = _connect(path, "ro" if read_only else "rw")
        made = cls(path, db, None, 0, _START)
        try:
            made._check_form()
            if check or not read_only:
                made._seq, made._tip = made._verified(known)
            if not read_only:
                made._head = os.open(head_of(path), os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        except BaseException:
            made.close()
            raise
        return made

    def append(self, rows: Iterable[Row]) -> None:
        """Commit all `rows` at once; they are on the disk when this returns. Raises StorageError, and then none is.

        A head that cannot be written after the commit takes nothing back: it is written before the next rows, or they are not.
        """
        with self._lock, _translated(self.path, "write"):
            if self._head is None:
                raise StorageError(f"{self.path} was opened for reading")
            if self._is_head_late:
                self._write_head(self._head)
            seq, tip, values = self._seq, self._tip, []
            for row in rows:
                seq += 1
                body = json.dumps(row.body, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
                tip = _chained(tip, seq, row.kind, row.key, body)
                values.append((seq, row.kind, row.key, body, tip))
            if not values:
                return
            try:
                self._db.execute("BEGIN IMMEDIATE")
                self._db.executemany("INSERT INTO rows (rowid, seq, kind, key, body, hash) VALUES (?1, ?1, ?2, ?3, ?4, ?5)", values)
                self._db.execute("COMMIT")
            except sqlite3.Error:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                self._write_head(self._head)  # as it is: where that fails, the system says why, and not only "disk I/O error"
                raise
            self._seq, self._tip = seq, tip
            try:
                self._write_head(self._head)
            except OSError:
                self._is_head_late = True

    def _write_head(self, head: int) -> None:
        os.pwrite(head, _head(self._seq, self._tip), 0)
        self._is_head_late = False

    def rows(self, *kinds: Kind, after: int = 0) -> Iterator[Stored]:
        """The rows behind number `after`, in order, of these kinds or of all. Raises StorageError where one cannot be read."""
        wanted = f" AND kind IN ({', '.join('?' * len(kinds))})" if kinds else ""
        yield from self._select(f"rowid > ?{wanted}", (after, *kinds))

    def events(self, *names: str) -> Iterator[Stored]:
        """The inputs that are events of these classes, in order; the others are passed over unread."""
        wanted = " OR ".join("body GLOB ?" for _ in names)
        yield from self._select(f"kind = 'input' AND ({wanted})", tuple(f'{{"event":"{name}",*' for name in names))

    def _select(self, where: str, values: tuple[object, ...]) -> Iterator[Stored]:
        with _translated(self.path, "read"):
            for seq, kind, key, body in self._db.execute(f"SELECT seq, kind, key, body FROM rows WHERE {where} ORDER BY rowid", values):  # noqa: S608 - only question marks are put in
                yield Stored(seq, kind, key, json.loads(body))

    def header(self) -> dict[str, Any]:
        """The first row. Raises StorageError where there is none."""
        for row in self.rows("header"):
            return row.body
        raise StorageError(f"{self.path} has no header: nothing was ever committed to it")

    def verify(self) -> int:
        """Check every row and SQLite's own structures; returns the number of rows. Raises StorageError naming the first damaged row."""
        known = _read_head(self.path)
        self._check_form()
        return self._verified(known)[0]

    def close(self) -> None:
        """Close; may be called twice."""
        self._db.close()
        if self._head is not None:
            os.close(self._head)
            self._head = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---- verification ----

    def _check_form(self) -> None:
        with _translated(self.path, "open"):
            (application,) = self._db.execute("PRAGMA application_id").fetchone()
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if application != _APPLICATION:
            raise StorageError(f"{self.path} is no journal of strikeloop: it is empty, or something else")
        if version != VERSION:
            raise StorageError(f"{self.path} has version {version}; this strikeloop reads version {VERSION}")

    def _verified(self, known: tuple[int, bytes]) -> tuple[int, bytes]:
        last, tip = 0, _START
        for last, tip, _row in self._good_rows():
            if last == known[0] and tip != known[1]:
                raise StorageError(f"row {last} of {self.path} is not the one that was committed; {_MEND}")
        if last < known[0]:
            raise StorageError(f"row {last + 1} of {self.path} is missing: {known[0]} rows were committed, {last} can be read; {_MEND}")
        with _translated(self.path, "check"):
            found = self._db.execute("PRAGMA integrity_check(1)").fetchone()
        if found != ("ok",):
            raise StorageError(f"{self.path} is damaged behind its rows: {found[0]}; {_MEND}")
        return last, tip

    def _good_rows(self) -> Iterator[tuple[int, bytes, tuple[str, str, str]]]:
        """(number, hash, (kind, key, body)) of every row; raises StorageError at the first that is damaged."""
        last, tip = 0, _START
        try:
            # The number stands in each row twice, as SQLite's own and as ours: a bit of either that flips shows.
            for rowid, seq, kind, key, body, digest in self._db.execute("SELECT rowid, * FROM rows ORDER BY rowid"):
                whole = rowid == seq == last + 1 and isinstance(kind, str) and isinstance(key, str) and isinstance(body, str)
                if not whole or (tip := _chained(tip, seq, kind, key, body)) != digest:
                    raise StorageError(f"row {last + 1} of {self.path} is damaged: it does not follow from the row before it; {_MEND}")
                last = seq
                yield last, tip, (kind, key, body)
        except (sqlite3.Error, OverflowError) as error:
            raise StorageError(f"row {last + 1} of {self.path} is damaged: {error}; {_MEND}") from error


_MEND = "keep the file and run: strikeloop journal verify --repair"


def is_begun(path: Path) -> bool:
    """Whether anything was ever committed to a journal: a process may die while it makes the files, and then nothing was sent.

    Says yes to whatever looks like damage, so that opening it names that.
    """
    head = head_of(path)
    if head.exists() and head.read_bytes() not in (b"", _head(0, _START)):
        return True
    if not path.exists() or not path.stat().st_size:
        return False
    try:
        with closing(_connect(path, "ro")) as db:
            return db.execute("SELECT 1 FROM rows LIMIT 1").fetchone() is not None
    except sqlite3.Error as error:
        return "no such table" not in str(error)


def _head(seq: int, tip: bytes) -> bytes:
    return f"{seq:020d} {tip.hex()}\n".encode()


def head_of(path: Path) -> Path:
    """The file beside a journal that holds number and hash of its last row."""
    return path.with_suffix(".head")


def repair(path: Path) -> int:
    """Keep the rows before the first damaged one as the journal, and the damaged files beside it as `*.damaged`.

    Returns how many rows were kept. Raises StorageError where not even the header can be read.
    """
    kept = _kept(path)
    for suffix in ("", "-wal", "-shm"):
        old = Path(f"{path}{suffix}")
        if old.exists():
            old.rename(f"{old}.damaged")
    head = head_of(path)
    if head.exists():
        head.rename(f"{head}.damaged")
    with Journal.create(path, json.loads(kept[0][2])) as journal:
        journal.append(Row(kind, key, json.loads(body)) for kind, key, body in kept[1:])  # type: ignore[arg-type]  # kinds that were written before
    return len(kept)


def _kept(path: Path) -> list[tuple[str, str, str]]:
    kept: list[tuple[str, str, str]] = []
    try:
        with _translated(path, "open"):
            journal = Journal(path, _connect(path, "ro"), None, 0, _START)
        with journal:
            for _, _, row in journal._good_rows():
                kept.append(row)
    except StorageError as error:
        if not kept:
            raise StorageError(f"nothing of {path} can be kept: {error}") from error
    return kept


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None, check_same_thread=False, timeout=5)
    # Text that is no UTF-8 must reach the check of the chain instead of ending the reading.
    db.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
    db.execute("PRAGMA synchronous = FULL")
    return db


def _chained(tip: bytes, seq: int, kind: str, key: str, body: str) -> bytes:
    text = f"{seq}:{len(kind)}:{len(key)}:{kind}{key}{body}"
    return hashlib.sha256(tip + text.encode("utf-8", "surrogateescape")).digest()


def _read_head(path: Path) -> tuple[int, bytes]:
    head = head_of(path)
    try:
        match = _HEAD.fullmatch(head.read_bytes())
    except OSError as error:
        raise StorageError(f"cannot read {head}: {error.strerror}; without it nobody can tell whether rows are missing; {_MEND}") from error
    if match is None:
        raise StorageError(f"{head} is damaged; {_MEND}")
    return int(match[1]), bytes.fromhex(match[2].decode())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@attrs.frozen
class _translated:  # noqa: N801 - reads as the statement it is used in
    """Turns what SQLite and the system say into StorageError."""

    path: Path
    what: str

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, sqlite3.Error | OSError | ValueError):
            raise StorageError(f"cannot {self.what} {self.path}: {error}") from error
