"""The specification of strikeloop.backtest.decisions, and of `strikeloop replay` of a backtest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from strikeloop.cli import main

QUOTER = ("-s", "quoter", "--set", "market.duration_s=300", "--set", "requote_s=60", "--seed", "3")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def strikeloop(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def run(here: Path) -> tuple[str, list[dict[str, Any]]]:
    """A backtest's id and what it decided."""
    done = strikeloop("backtest", *QUOTER, "--json")
    assert done.exit_code == 0, done.output
    folder = json.loads(done.stdout)["run"]
    return folder, [json.loads(line) for line in (here / "runs" / folder / "decisions.jsonl").read_text().splitlines()[1:]]


def test_a_backtest_replayed_decides_the_same_and_stops_where_it_is_told(here: Path) -> None:
    folder, decisions = run(here)
    assert len(decisions) > 4
    whole, part = (json.loads(strikeloop("replay", folder, "--json", *more).stdout) for more in ((), ("--until", "2026-06-01T00:02:30Z")))
    assert (whole["commands"], whole["divergence"]) == (len(decisions), None)
    assert 0 < part["commands"] < len(decisions)
    assert part["divergence"] is None


def test_the_first_divergence_is_told_with_both_sides(here: Path) -> None:
    folder, decisions = run(here)
    file = here / "runs" / folder / "decisions.jsonl"
    lines = file.read_text().splitlines()
    lines[2] = lines[2].replace('"size":"', '"size":"7')
    file.write_text("\n".join(lines) + "\n")
    done = strikeloop("replay", folder, "--json")
    divergence = json.loads(done.stdout)["divergence"]
    assert done.exit_code == 6
    assert divergence["input"] == 2
    assert (divergence["recorded"]["size"], divergence["replayed"]) == ("7" + decisions[1]["size"], decisions[1])


def test_commands_that_are_missing_are_a_divergence_too(here: Path) -> None:
    folder, decisions = run(here)
    file = here / "runs" / folder / "decisions.jsonl"
    file.write_text(file.read_text() + json.dumps(decisions[-1]) + "\n")
    divergence = json.loads(strikeloop("replay", folder, "--json").stdout)["divergence"]
    assert (divergence["recorded"], divergence["replayed"]) == (decisions[-1], None)
