"""Run folders: one owner, names that stay inside, files that are replaced whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from strikeloop.errors import StateInUseError, StorageError
from strikeloop.journal import RunFolder, StateDir, draw_tag, write_atomic


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    return StateDir(tmp_path / "runs")


@pytest.fixture
def run(state: StateDir) -> RunFolder:
    return state.create("20260626-080000-abc")


def test_a_run_has_a_folder_of_its_own_that_nobody_else_may_enter(state: StateDir, run: RunFolder) -> None:
    assert (run.id, run.frames.is_dir()) == ("20260626-080000-abc", True)
    assert [oct(path.stat().st_mode & 0o777) for path in (state.path, run.path, run.frames)] == ["0o700"] * 3


def test_a_run_is_never_given_the_folder_of_another(state: StateDir, run: RunFolder) -> None:
    with pytest.raises(StorageError, match="File exists"):
        state.create(run.id)


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "/x", "a\0b", "a b", "-x", "x" * 81, "a\n", "ä"])
def test_a_name_that_leads_out_or_is_not_plain_is_refused(state: StateDir, run: RunFolder, name: str) -> None:
    with pytest.raises(StorageError, match="is no name for a run"):
        state.create(name)
    with pytest.raises(StorageError, match="is no name for a run"):
        run.file(name)
    if name:
        with pytest.raises(StorageError, match="is no name for a run"):
            state.run(name)


def test_a_link_among_the_runs_or_their_files_is_refused(state: StateDir, run: RunFolder, tmp_path: Path) -> None:
    (state.path / "link").symlink_to(tmp_path)
    run.status.symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(StorageError, match="is a link"):
        state.run("link")
    with pytest.raises(StorageError, match="is a link"):
        run.write_status({})
    assert not (tmp_path / "elsewhere.json").exists()


def test_the_lock_itself_is_no_link(state: StateDir, tmp_path: Path) -> None:
    (state.path / ".lock").symlink_to(tmp_path / "victim")
    with pytest.raises(StorageError, match="is a link"), state.lock():
        pass
    assert not (tmp_path / "victim").exists()


def test_the_latest_run_is_meant_where_none_is_named(state: StateDir, run: RunFolder) -> None:
    later = state.create("20260627-080000-abc")
    assert (state.run(), state.run(run.id), state.runs()) == (later, run, (run.id, later.id))


def test_a_run_comes_behind_every_run_before_it_also_in_one_second_and_when_the_clock_was_set_back(state: StateDir) -> None:
    now = datetime(2026, 6, 26, 8, tzinfo=UTC)
    begun = [state.begin(tag, at).id for tag, at in (("z", now), ("b", now), ("a", now - timedelta(hours=1)))]
    assert begun == ["20260626-080000-z", "20260626-080001-b", "20260626-080002-a"] == list(state.runs())


def test_a_run_is_named_by_the_time_it_begins(state: StateDir, run: RunFolder) -> None:
    for name in ("by.hand", "20269999-000000-abc"):
        state.create(name)
    assert state.begin("tag", datetime(2026, 6, 27, tzinfo=UTC)).id == "20260627-000000-tag"


def test_the_latest_run_that_has_a_file_can_be_asked_for(state: StateDir, run: RunFolder) -> None:
    run.write_status({})
    state.create("20260627-080000-abc")
    assert state.run(having="status.json") == run


def test_a_run_that_does_not_exist_is_answered_with_those_that_do(state: StateDir, run: RunFolder) -> None:
    with pytest.raises(StorageError, match=f"there is no run other in .*; the latest are {run.id}"):
        state.run("other")


def test_an_empty_directory_has_no_run(state: StateDir) -> None:
    with pytest.raises(StorageError, match="start one with"):
        state.run()


def test_a_directory_that_is_only_read_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="No such file"):
        StateDir(tmp_path / "absent", make=False)
    assert not (tmp_path / "absent").exists()


def test_a_file_is_no_state_directory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot use"):
        StateDir(tmp_path / "file")


# ---- the lock ------------------------------------------------------------------------------------------------------


def test_a_second_holder_is_refused_and_told_who_holds_it(state: StateDir) -> None:
    with state.lock(), pytest.raises(StateInUseError, match=f"in use by process {os.getpid()}"), StateDir(state.path).lock():
        pass


def test_the_lock_is_free_again_afterwards(state: StateDir) -> None:
    with state.lock():
        pass
    with state.lock():
        assert state.holder() == os.getpid()
    assert state.holder() is None


def test_nobody_holds_a_directory_that_was_never_used(state: StateDir) -> None:
    assert state.holder() is None


def test_the_lock_of_a_process_that_was_killed_is_free(state: StateDir) -> None:
    program = """
import sys, pathlib
from strikeloop.journal import StateDir
with StateDir(pathlib.Path(sys.argv[1])).lock():
    print("held", flush=True)
    input()
"""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    child = subprocess.Popen([sys.executable, "-c", program, str(state.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ)
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"held\n"
        with pytest.raises(StateInUseError, match=f"process {child.pid}"), state.lock():
            pass
        child.kill()
    with state.lock():
        assert (state.path / ".lock").read_text() == f"{os.getpid()}\n"


# ---- tags ----------------------------------------------------------------------------------------------------------


def test_a_tag_is_never_given_twice(state: StateDir) -> None:
    drawn = iter(["a", "a", "b", "a", "b", "c"])
    assert [state.run_tag(lambda: next(drawn)) for _ in range(3)] == ["a", "b", "c"]


def test_a_tag_is_not_given_again_after_a_restart(state: StateDir) -> None:
    state.run_tag(lambda: "a")
    drawn = iter(["a", "b"])
    assert StateDir(state.path).run_tag(lambda: next(drawn)) == "b"


def test_a_directory_without_a_free_tag_says_so(state: StateDir) -> None:
    state.run_tag(lambda: "a")
    with pytest.raises(StorageError, match="no run tag left"):
        state.run_tag(lambda: "a")


def test_drawn_tags_fit_into_client_ids_and_differ() -> None:
    tags = {draw_tag() for _ in range(100)}
    assert len(tags) == 100
    assert all(len(tag) == 6 and tag.isalnum() and tag.isascii() for tag in tags)


# ---- files ---------------------------------------------------------------------------------------------------------


def test_status_is_replaced_whole(run: RunFolder) -> None:
    for n in range(3):
        run.write_status({"n": n})
    assert run.read_status() == {"n": 2}
    assert sorted(path.name for path in run.path.iterdir()) == ["frames", "status.json"]
    assert oct(run.status.stat().st_mode & 0o777) == "0o600"


def test_what_a_killed_writer_left_is_no_obstacle(run: RunFolder) -> None:
    run.path.joinpath(f".status.json.{os.getpid()}").write_text("half")
    run.write_status({"n": 1})
    assert json.loads(run.status.read_text()) == {"n": 1}


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot"):
        write_atomic(tmp_path / "absent" / "x", b"")


@pytest.mark.parametrize(("text", "reason"), [(None, "has no status"), ("{", "cannot be read"), ("[]", "is no status")])
def test_a_status_that_cannot_be_read_is_told(run: RunFolder, text: str | None, reason: str) -> None:
    if text is not None:
        run.status.write_text(text)
    with pytest.raises(StorageError, match=reason):
        run.read_status()


@pytest.mark.parametrize(("text", "reason"), [(None, ""), ("", "halted"), ("by hand\nflatten\n", "by hand")])
def test_a_halt_file_stops_orders_and_says_why(run: RunFolder, text: str | None, reason: str) -> None:
    if text is not None:
        run.halt.write_text(text)
    assert run.halted() == reason


def test_a_halt_file_that_cannot_be_read_stops_orders_too(run: RunFolder) -> None:
    run.halt.mkdir()
    assert "cannot be read" in run.halted()
