"""Halts on disk: files that ask, and the record that outlives every run."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from strikeloop import HaltState, HaltUpdated, StorageError
from strikeloop.journal import Asked, HaltNote, Halts
from strikeloop.journal.halts import asked_in

NOTE = HaltNote(time=5, mode="live", run="r", state="halted", cause="risk", by="drawdown", reason="12 %", left=("a", "b"))


def test_what_is_asked_is_read_as_it_was_written(tmp_path: Path) -> None:
    asked = Asked(reason="news\nat noon", by="anna", mark=0, cancel=True, flatten=True)
    file = tmp_path / "HALT"
    file.write_text(asked.text())
    found = asked_in(file)
    assert found is not None
    assert attrs.evolve(found, mark=0) == Asked(reason="news at noon", by="anna", mark=0, cancel=True, flatten=True)
    assert found.mark == file.stat().st_mtime_ns


def test_where_there_is_no_file_nothing_is_asked(tmp_path: Path) -> None:
    assert asked_in(tmp_path / "HALT") is None


@pytest.mark.parametrize(("text", "reason", "by"), [("", "halted", "the file HALT"), ("by hand\n", "by hand", "the file HALT")])
def test_a_file_made_by_hand_asks_for_a_halt(tmp_path: Path, text: str, reason: str, by: str) -> None:
    (tmp_path / "HALT").write_text(text)
    found = asked_in(tmp_path / "HALT")
    assert found is not None
    assert (found.reason, found.by, found.cancel, found.flatten) == (reason, by, False, False)


def test_a_file_that_cannot_be_read_asks_for_a_halt(tmp_path: Path) -> None:
    (tmp_path / "HALT").mkdir()
    found = asked_in(tmp_path / "HALT")
    assert found is not None
    assert "cannot be read" in found.reason


def test_the_last_line_of_a_mode_says_whether_its_next_run_may_trade(tmp_path: Path) -> None:
    halts = Halts(tmp_path)
    assert halts.standing("live") is None
    halts.note(NOTE)
    assert (halts.standing("live"), halts.standing("paper")) == (NOTE, None)
    halts.note(attrs.evolve(NOTE, mode="paper"))
    halts.note(attrs.evolve(NOTE, state="armed", by="anna"))
    assert halts.standing("live") is None
    assert halts.standing("paper") is not None
    assert [note.by for note in halts.notes()] == ["drawdown", "drawdown", "anna"]


@pytest.mark.parametrize("torn", [b'{"time": 5, "mo', b"[]\n", b"\xff\n", b'{"time": 5}\n'])
def test_a_line_that_cannot_be_read_halts_every_mode_until_it_is_reset(tmp_path: Path, torn: bytes) -> None:
    halts = Halts(tmp_path)
    halts.note(attrs.evolve(NOTE, state="armed"))
    with halts.path.open("ab") as file:
        file.write(torn)
    standing = halts.standing("live")
    assert standing is not None
    assert standing.reason == "line 2 of halts.jsonl cannot be read"
    halts.note(attrs.evolve(NOTE, state="armed"))
    assert halts.standing("live") is None
    assert halts.standing("sim") is not None


def test_what_is_noted_is_what_the_kill_switch_told() -> None:
    told = HaltUpdated(
        time=1, received=2, state=HaltState.GAVE_UP, cause="command", by="anna", reason="x", since=1, cancel=True, flatten=True, left=("p",)
    )
    note = HaltNote.of(told, "live", "r7")
    assert (note.time, note.mode, note.run, note.state, note.left, note.is_unfinished) == (2, "live", "r7", "gave-up", ("p",), False)


def test_a_record_that_cannot_be_written_or_read_is_told(tmp_path: Path) -> None:
    halts = Halts(tmp_path)
    halts.path.mkdir()
    with pytest.raises(StorageError, match="cannot write"):
        halts.note(NOTE)
    with pytest.raises(StorageError, match="cannot read"):
        halts.notes()
