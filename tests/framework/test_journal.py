"""The journal: what was appended is there, in order; what was changed afterwards is named."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from strikeloop.commands import Approved, SubmitOrder
from strikeloop.contracts import ContractId
from strikeloop.errors import StorageError
from strikeloop.events import OrderState, OrderUpdated, TimerFired
from strikeloop.journal import Journal, JournalBook, Row, memory_of, repair
from strikeloop.settings import event_from_record

ROWS = [Row("input", "", {"event": "TimerFired", "n": n, "text": "ä€😀" * n}) for n in range(6)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


@pytest.fixture
def closed(path: Path) -> Path:
    """A journal of seven rows, closed cleanly."""
    with Journal.create(path, {"seed": 1}) as journal:
        journal.append(ROWS)
    return path


def copies(path: Path, folder: Path) -> Path:
    """The files of a journal as a crash would leave them, in another folder."""
    folder.mkdir(exist_ok=True)
    for file in path.parent.glob("journal.*"):
        if not file.name.endswith("-shm"):
            shutil.copy(file, folder / file.name)
    return folder / path.name


# ---- what it keeps -------------------------------------------------------------------------------------------------


def test_rows_come_back_in_order_behind_the_header(closed: Path) -> None:
    with Journal.open(closed) as journal:
        assert journal.header() == {"seed": 1}
        assert [(row.seq, row.kind, row.body["n"]) for row in journal.rows("input")] == [(n + 2, "input", n) for n in range(6)]
        assert [row.seq for row in journal.rows(after=5)] == [6, 7]
        assert journal.verify() == 7


def test_a_journal_goes_on_where_it_ended(closed: Path) -> None:
    with Journal.open(closed, read_only=False) as journal:
        journal.append([Row("ending", "", {"cause": "stop"})])
    with Journal.open(closed) as journal:
        assert [row.kind for row in journal.rows("ending")] == ["ending"]


def test_a_second_reader_sees_what_is_committed_while_it_is_written(path: Path) -> None:
    with Journal.create(path, {}) as writer:
        writer.append(ROWS[:2])
        with Journal.open(path) as reader:
            assert reader.verify() == 3
            writer.append(ROWS[2:])
            assert reader.verify() == 7


def test_a_journal_is_never_overwritten(closed: Path) -> None:
    with pytest.raises(StorageError, match="never overwritten"):
        Journal.create(closed, {})


def test_a_journal_is_its_owners_alone(closed: Path) -> None:
    assert {oct(file.stat().st_mode & 0o777) for file in closed.parent.glob("journal.*")} == {"0o600"}


def test_a_reader_cannot_write(closed: Path) -> None:
    with Journal.open(closed) as journal, pytest.raises(StorageError, match="opened for reading"):
        journal.append(ROWS)


def test_a_commit_that_fails_leaves_nothing_and_the_next_one_goes_on(path: Path) -> None:
    with Journal.create(path, {}) as journal:
        (pages,) = journal._db.execute("PRAGMA page_count").fetchone()
        journal._db.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StorageError, match="full"):
            journal.append([Row("input", "", {"n": 0}), Row("input", "", {"text": "x" * 100_000})])
        journal._db.execute("PRAGMA max_page_count = 100000")
        journal.append([Row("input", "", {"n": 1})])
        assert [row.body for row in journal.rows("input")] == [{"n": 1}]
        assert journal.verify() == 2


def test_what_has_no_exact_form_is_refused_before_it_is_written(path: Path) -> None:
    with Journal.create(path, {}) as journal:
        with pytest.raises(StorageError, match="not JSON compliant"):
            journal.append([Row("input", "", {"x": float("nan")})])
        assert journal.verify() == 1


def test_every_row_that_append_returned_for_survives_a_kill(path: Path) -> None:
    program = """
import sys, pathlib
from strikeloop.journal import Journal, Row
journal = Journal.create(pathlib.Path(sys.argv[1]), {})
for n in range(100_000):
    journal.append([Row("input", "", {"n": n})])
    print(n, flush=True)
"""
    child = subprocess.Popen(
        [sys.executable, "-c", program, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    stdout = child.stdout
    assert stdout is not None
    with stdout:
        for _ in range(50):
            stdout.readline()
        child.send_signal(signal.SIGKILL)
        last = 49 + len(stdout.read().splitlines())
    child.wait()
    with Journal.open(path) as journal:
        kept = [row.body["n"] for row in journal.rows("input")]
    assert kept[: last + 1] == list(range(last + 1))
    assert len(kept) <= last + 2


# ---- damage --------------------------------------------------------------------------------------------------------


def rows_of(path: Path) -> list[object]:
    with Journal.open(path) as journal:
        return list(journal.rows())


def test_a_flipped_bit_in_any_byte_of_a_committed_row_is_named(closed: Path) -> None:
    data, random = closed.read_bytes(), Random(1)
    # Rows stand side by side at the end of their page: the newest first, the header last.
    first, last = data.index(b'input{"event"') - 6, data.index(b'{"seed":1}') + len('{"seed":1}') + 32
    for place in range(first, last):
        spoiled = bytearray(data)
        spoiled[place] ^= 1 << random.randrange(8)
        closed.write_bytes(spoiled)
        with pytest.raises(StorageError, match=r"row \d of .* is damaged|journal.sqlite"):
            Journal.open(closed)


def test_a_flipped_bit_anywhere_is_named_or_changes_nothing(closed: Path) -> None:
    data, random = closed.read_bytes(), Random(2)
    sound = rows_of(closed)
    for place in range(0, len(data), 37):
        spoiled = bytearray(data)
        spoiled[place] ^= 1 << random.randrange(8)
        closed.write_bytes(spoiled)
        try:
            assert rows_of(closed) == sound
        except StorageError:
            continue


def test_a_damaged_write_ahead_log_is_named(path: Path, tmp_path: Path) -> None:
    with Journal.create(path, {"seed": 1}) as journal:
        journal.append(ROWS)
        copy = copies(path, tmp_path / "copy")
    wal = copy.with_name("journal.sqlite-wal")
    data, random = wal.read_bytes(), Random(3)
    sound = 7
    for place in range(32, len(data), 211):
        copies(path, copy.parent)
        spoiled = bytearray(data)
        spoiled[place] ^= 1 << random.randrange(8)
        copy.write_bytes(b"")
        wal.write_bytes(spoiled)
        try:
            assert len(rows_of(copy)) == sound
        except StorageError:
            continue


@pytest.mark.parametrize("left", [0, 1, 100, 4096, 8192])
def test_a_truncated_file_is_named(closed: Path, left: int) -> None:
    closed.write_bytes(closed.read_bytes()[:left])
    with pytest.raises(StorageError, match=r"journal\.sqlite"):
        Journal.open(closed)


def test_rows_that_vanished_are_missed(path: Path, tmp_path: Path) -> None:
    with Journal.create(path, {}) as journal:
        journal.append(ROWS)
        copy = copies(path, tmp_path / "copy")
    wal = copy.with_name("journal.sqlite-wal")
    wal.write_bytes(wal.read_bytes()[:-4096])
    with pytest.raises(StorageError, match=r"row 2 of .* is missing: 7 rows were committed, 1 can be read"):
        Journal.open(copy)


def spoil(path: Path, statement: str) -> None:
    with sqlite3.connect(path) as db:
        db.execute(statement)
    db.close()


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("UPDATE rows SET body = '{}' WHERE seq = 3", "row 3 of"),
        ("UPDATE rows SET kind = 'intent' WHERE seq = 4", "row 4 of"),
        ("UPDATE rows SET key = 'x' WHERE seq = 5", "row 5 of"),
        ("UPDATE rows SET hash = zeroblob(32) WHERE seq = 6", "row 6 of"),
        ("DELETE FROM rows WHERE seq = 3", "row 3 of"),
        ("DELETE FROM rows WHERE seq = 7", "row 7 of .* is missing"),
        ("INSERT INTO rows SELECT 8, kind, key, body, hash FROM rows WHERE seq = 7", "row 8 of"),
        ("UPDATE rows SET body = CAST(body AS BLOB) WHERE seq = 2", "row 2 of"),
        ("PRAGMA user_version = 2", "has version 2; this strikeloop reads version 1"),
        ("PRAGMA application_id = 0", "is no journal of strikeloop"),
        ("DROP TABLE rows", "no such table"),
    ],
)
def test_a_row_that_somebody_changed_is_named(closed: Path, statement: str, reason: str) -> None:
    spoil(closed, statement)
    with pytest.raises(StorageError, match=reason):
        Journal.open(closed)


def test_a_journal_without_its_head_is_damaged(closed: Path) -> None:
    closed.with_suffix(".head").unlink()
    with pytest.raises(StorageError, match="nobody can tell whether rows are missing"):
        Journal.open(closed)


def test_a_head_that_cannot_be_read_is_named(closed: Path) -> None:
    closed.with_suffix(".head").write_text("7\n")
    with pytest.raises(StorageError, match=r"journal\.head is damaged"):
        Journal.open(closed)


def test_a_file_that_is_not_there_is_no_journal(path: Path) -> None:
    with pytest.raises(StorageError, match="there is no such file"):
        Journal.open(path)


@pytest.mark.parametrize("text", [b"", b"not a database, but text that is long enough to look like one" * 99])
def test_another_file_is_no_journal(closed: Path, text: bytes) -> None:
    closed.write_bytes(text)
    with pytest.raises(StorageError, match="journal"):
        Journal.open(closed)


def test_a_repair_keeps_the_rows_before_the_damage_and_the_damaged_file(closed: Path) -> None:
    spoil(closed, "UPDATE rows SET body = '{}' WHERE seq = 5")
    assert repair(closed) == 4
    with Journal.open(closed) as journal:
        assert [row.body["n"] for row in journal.rows("input")] == [0, 1, 2]
    assert closed.with_name("journal.sqlite.damaged").is_file()


def test_a_repair_that_would_keep_nothing_is_refused(closed: Path) -> None:
    closed.write_bytes(b"x" * 5000)
    with pytest.raises(StorageError, match="nothing of"):
        repair(closed)
    assert closed.is_file()


# ---- what a driver writes and a restart reads ----------------------------------------------------------------------


def order(client_id: str) -> SubmitOrder:
    return SubmitOrder(client_id=client_id, contract=ContractId.of("gate", "C"), size=Decimal(2), price=Decimal("0.5"))


def update(client_id: str, state: OrderState) -> OrderUpdated:
    return OrderUpdated(
        time=1, received=2, contract=ContractId.of("gate", "C"), state=state, size=Decimal(2), client_id=client_id, order_id="9"
    )


@pytest.fixture
def book(path: Path) -> Iterator[JournalBook]:
    with Journal.create(path, {}) as journal:
        yield JournalBook(journal)


@pytest.mark.anyio
async def test_intents_are_on_disk_behind_the_inputs_that_led_to_them(book: JournalBook, path: Path) -> None:
    timer = TimerFired(time=1, received=1, instance="a", name="t", due=1)
    book.inputs([timer])
    await book.intents([Approved(order("t-1"), "a", 5)])
    with Journal.open(path) as journal:
        rows = list(journal.rows())
    assert [(row.kind, row.key) for row in rows] == [("header", ""), ("input", ""), ("intent", "t-1")]
    assert event_from_record(rows[1].body) == timer
    assert rows[2].body["instance"] == "a"


@pytest.mark.anyio
async def test_a_failed_commit_is_tried_again_with_the_next(book: JournalBook, path: Path) -> None:
    book.journal._db.execute("PRAGMA query_only = ON")
    with pytest.raises(StorageError):
        await book.intents([Approved(order("t-1"), "a", 5)])
    book.journal._db.execute("PRAGMA query_only = OFF")
    await book.intents([Approved(order("t-2"), "a", 6)])
    with Journal.open(path) as journal:
        assert [row.key for row in journal.rows("intent")] == ["t-1", "t-2"]


@pytest.mark.anyio
async def test_a_restart_finds_what_each_instance_remembered_last(book: JournalBook, path: Path) -> None:
    book.memory("a", {"n": 1})
    book.memory("b", {"x": [1, None]})
    book.memory("a", {"n": 2})
    book.memory("a", {"n": 2})
    book.ending(cause="stop")
    await book.flush()
    with Journal.open(path) as journal:
        assert memory_of(journal) == {"a": {"n": 2}, "b": {"x": [1, None]}}
        assert len(list(journal.rows("memory"))) == 3
