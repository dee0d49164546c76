"""`strikeloop report`: files in, files out, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from strikeloop_report.command import report
from tests.plugins.report.sample import result


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(report, [str(argument) for argument in arguments])


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run-1"
    folder.mkdir()
    (folder / "result.json").write_text(json.dumps(result()), encoding="utf-8")
    return folder


def test_it_writes_the_page_beside_the_result_and_prints_its_path(run: Path) -> None:
    done = call(run)
    assert (done.exit_code, done.stdout) == (0, f"{run / 'report.html'}\n")
    assert "20260601-demo" in (run / "report.html").read_text(encoding="utf-8")
    assert sorted(path.name for path in run.iterdir()) == ["report.html", "result.json"]


@pytest.fixture
def second(tmp_path: Path) -> Path:
    folder = tmp_path / "run-2"
    folder.mkdir()
    (folder / "result.json").write_text(json.dumps(result(run="other")), encoding="utf-8")
    return folder


def test_several_runs_are_compared_in_the_folder_of_the_last(run: Path, second: Path) -> None:
    done = call(run, second)
    assert (done.exit_code, done.stdout) == (0, f"{second / 'comparison.html'}\n")
    assert "other against 20260601-demo" in (second / "comparison.html").read_text(encoding="utf-8")
    assert not (run / "report.html").exists()


def test_a_comparison_may_stand_elsewhere_and_is_one_json_object(run: Path, second: Path, tmp_path: Path) -> None:
    done = call("--json", "--out", tmp_path / "both.html", run, second)
    assert json.loads(done.stdout) == {"runs": ["20260601-demo", "other"], "report": str(tmp_path / "both.html")}
    assert (tmp_path / "both.html").exists()


def test_each_of_several_runs_may_have_its_page_instead(run: Path, second: Path) -> None:
    done = call("--json", "--each", run, second)
    expected = [{"run": "20260601-demo", "report": str(run / "report.html")}, {"run": "other", "report": str(second / "report.html")}]
    assert [json.loads(line) for line in done.stdout.splitlines()] == expected


def test_too_many_runs_for_one_page_are_refused_with_a_way_out(run: Path) -> None:
    done = call(*[run] * 7)
    assert done.exit_code == 2
    assert "add --each" in done.stderr


def test_out_is_for_comparisons(run: Path, tmp_path: Path) -> None:
    assert call("--out", tmp_path / "x.html", run).exit_code == 2


def test_a_folder_without_a_result_is_a_mistake_of_the_caller(tmp_path: Path) -> None:
    done = call(tmp_path / "nowhere")
    assert done.exit_code == 2
    assert "result.json does not exist: name the folder of a finished run" in done.stderr


@pytest.mark.parametrize("content", ["", "{", "[]", "3", "\x00", '{"a": ' * 50_000])
def test_a_damaged_result_ends_with_7_and_says_so(run: Path, content: str) -> None:
    (run / "result.json").write_text(content, encoding="utf-8")
    done = call(run)
    assert done.exit_code == 7
    assert "result.json is damaged" in done.stderr
    assert not (run / "report.html").exists()


def test_a_result_that_is_no_text_is_damaged(run: Path) -> None:
    (run / "result.json").write_bytes(b"\xff\xfe\xff")
    assert call(run).exit_code == 7


def test_a_page_that_cannot_be_written_is_told_and_leaves_nothing_behind(run: Path) -> None:
    (run / "report.html").mkdir()
    done = call(run)
    assert (done.exit_code, "report.html cannot be written" in done.stderr) == (7, True)
    assert sorted(path.name for path in run.iterdir()) == ["report.html", "result.json"]


def test_help_ends_in_two_examples() -> None:
    lines = call("--help").stdout.rstrip().splitlines()
    assert [line.strip().split()[:2] for line in lines[-2:]] == [["strikeloop", "report"]] * 2
