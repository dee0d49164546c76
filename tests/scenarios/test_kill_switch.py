"""The kill switch with real processes: `strikeloop run --live` on a served venue, and those who halt it from outside."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.console import environ
from tests.scenarios.kills import Child, Venue, configure, differences, start, venue_process

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[Venue]:
    with venue_process(tmp_path) as [one]:
        configure(tmp_path, one, 'countdown = "off"')
        yield one


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[[], Child]]:
    """Starts runs; none outlives the test."""
    started: list[Child] = []

    def begin() -> Child:
        started.append(start(tmp_path))
        return started[-1]

    yield begin
    for one in started:
        if one.process.poll() is None:
            one.process.send_signal(signal.SIGCONT)
            one.kill()


def strikeloop(folder: Path, *words: str, code: int = 0) -> dict[str, Any]:
    """What a command says as JSON."""
    command = [sys.executable, "-m", "strikeloop", *words, "--json"]
    done = subprocess.run(command, cwd=folder, env=environ(), capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def until(condition: Callable[[], Any], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def ours(venue: Venue) -> list[str]:
    return [row["text"] for row in venue.open_orders() if row["text"] != "t-by.hand"]


def held(venue: Venue) -> dict[str, int]:
    return {row["contract"]: row["size"] for row in venue.request("GET", "/options/positions") if row["size"]}


def trading(begin: Callable[[], Child], venue: Venue) -> Child:
    """A run that has orders at the venue and holds something."""
    child = begin()
    until(lambda: ours(venue) and held(venue))
    return child


def test_a_run_is_halted_flattened_stays_halted_over_a_restart_and_trades_after_a_reset(
    tmp_path: Path, venue: Venue, run: Callable[[], Child]
) -> None:
    venue.place("t-by.hand")
    first = trading(run, venue)
    told = strikeloop(tmp_path, "halt", "--cancel", "--reason", "news")
    assert (told["acknowledged"], told["halt"]["state"], ours(venue)) == (True, "halted", [])
    assert held(venue)
    told = strikeloop(tmp_path, "halt", "--flatten", "--reason", "all of it")
    assert (told["halt"]["state"], told["halt"]["left"], held(venue)) == ("flat", [], {})
    assert [row["text"] for row in venue.open_orders()] == ["t-by.hand"]
    assert first.end() == 5
    second = run()
    assert second.wait_for("halted", seconds=60) == "halted"
    assert "news" in strikeloop(tmp_path, "status")["halt"]["reason"]
    assert strikeloop(tmp_path, "halt", "--reset", "--reason", "looked at it")["was"]["cause"] == "restart"
    until(lambda: ours(venue))
    second.process.send_signal(signal.SIGUSR1)
    until(lambda: second.status()["halt"]["state"] == "halted" and not ours(venue))
    assert second.end() == 5
    notes = [json.loads(line) for line in (tmp_path / "runs" / "halts.jsonl").read_text().splitlines()]
    assert {note["cause"] for note in notes} >= {"command", "restart", "reset", "signal"}
    assert all("strikeloop halt, process" in note["by"] for note in notes if note["state"] == "armed")
    assert strikeloop(tmp_path, "replay", str(told["run"]))["divergence"] is None


def test_positions_of_a_run_that_hangs_are_closed_by_whoever_halts_it(tmp_path: Path, venue: Venue, run: Callable[[], Child]) -> None:
    child = trading(run, venue)
    child.process.send_signal(signal.SIGSTOP)
    told = strikeloop(tmp_path, "halt", "--flatten")
    assert (told["acknowledged"], told["withdrawn"][0]["left"], told["flattened"]) == (False, [], {"state": "flat", "left": []})
    assert (ours(venue), held(venue)) == ([], {})
    child.process.send_signal(signal.SIGCONT)
    own = tmp_path / "runs" / told["run"]
    until(lambda: json.loads((own / "status.json").read_bytes())["halt"]["state"] == "flat")
    assert child.end() == 5
    strikeloop(tmp_path, "halt", "--reset")
    after = trading(run, venue)
    assert after.end() == 0
    assert differences(venue, tmp_path / "runs") == []
