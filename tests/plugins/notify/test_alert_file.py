"""The specification of strikeloop_notify.alert_file: alerts as lines of JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from strikeloop_notify.alert_file import AlertFile
from tests.plugins.notify.test_notes import note


def test_each_alert_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "alerts.jsonl"
    for text in ("80 %", "zwölf"):
        AlertFile(file, 1e6).write(note(text))
    lines = file.read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["text"] for line in lines] == ["80 %", "zwölf"]
    assert json.loads(lines[0]) == {
        "time": "2026-06-01T00:00:00.000Z",
        "severity": "warning",
        "source": "watch",
        "topic": "margin",
        "text": "80 %",
    }


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    file = tmp_path / "alerts.jsonl"
    AlertFile(file, 1e6).write(note())
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_full_makes_room_and_stays_readable_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "alerts.jsonl"
    for number in range(5):
        AlertFile(file, 250).write(note(f"n{number}"))
    assert [json.loads(line)["text"] for line in file.read_text().splitlines()] == ["n3", "n4"]
    assert [json.loads(line)["text"] for line in (tmp_path / "alerts.jsonl.1").read_text().splitlines()] == ["n0", "n1", "n2"]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("")
    (tmp_path / "alerts.jsonl").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic link"):
        AlertFile(tmp_path / "alerts.jsonl", 1e6).write(note())
