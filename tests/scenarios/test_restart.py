"""Live runs that are killed, stopped, hung and started again, on a venue in a process of its own: nothing is lost or repeated."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from strikeloop.clientids import parts_of
from tests.scenarios.console import environ
from tests.scenarios.kills import WITHOUT_STDIN, Child, Venue, configure, differences, start, unresolved, venue_process

pytest.importorskip("strikeloop_gate")
pytest.importorskip("strikeloop_venue")

ACCOUNTS = 11
SHORT = "countdown_s = 5"
SOON_S = 7.0
"""How long a run that is asked to end may take."""


@pytest.fixture(scope="module")
def venues(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Iterator[Venue]]:
    """Accounts that nobody has used yet."""
    with venue_process(tmp_path_factory.mktemp("venue"), ACCOUNTS) as found:
        yield iter(found)


@pytest.fixture
def venue(venues: Iterator[Venue]) -> Venue:
    return next(venues)


@pytest.fixture
def child(request: pytest.FixtureRequest) -> Iterator[Callable[..., Child]]:
    """Starts runs that do not outlive the test."""
    children: list[Child] = []

    def begin(folder: Path, *words: str, by: Sequence[str] = ()) -> Child:
        children.append(start(folder, *words, by=by))
        return children[-1]

    yield begin
    for one in children:
        if one.process.poll() is None:
            one.kill()


def wait_until(condition: Callable[[], Any], seconds: float = 20) -> None:
    """Until this is so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.05)


def trading(begin: Callable[..., Child], folder: Path, venue: Venue, by: Sequence[str] = ()) -> Child:
    """A run with orders of its own at the venue."""
    run = begin(folder, by=by)
    assert run.wait_for("ready", seconds=45) == "ready", (folder / "run.err").read_text()
    wait_until(lambda: ours(venue))
    return run


def ours(venue: Venue) -> list[str]:
    return [row["text"] for row in venue.open_orders() if parts_of(row["text"])[0]]


def strikeloop(folder: Path, *words: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "strikeloop", *words, "--json"], cwd=folder, env=environ(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_runs_that_are_killed_at_any_moment_lose_and_repeat_nothing(tmp_path: Path, venue: Venue, child: Callable[..., Child]) -> None:
    configure(tmp_path, venue)
    chance = random.Random(7)
    for kill in range(5):
        run = child(tmp_path)
        if kill % 2:
            time.sleep(chance.uniform(0.5, 2.5))
        else:
            assert run.wait_for("ready", seconds=45) == "ready", (tmp_path / "run.err").read_text()
            time.sleep(chance.uniform(0, 1))
        run.kill()
    last = child(tmp_path)
    assert last.wait_for("ready", seconds=45) == "ready"
    assert last.end() == 0
    assert differences(venue, tmp_path / "runs") == []
    assert unresolved(tmp_path / "runs") == ()
    assert ours(venue) == []
    assert strikeloop(tmp_path, "replay", last.status()["run"])["divergence"] is None


def test_the_venue_withdraws_the_orders_of_a_run_that_was_killed(tmp_path: Path, venue: Venue, child: Callable[..., Child]) -> None:
    configure(tmp_path, venue, SHORT)
    trading(child, tmp_path, venue).kill()
    wait_until(lambda: not ours(venue))


def test_the_venue_withdraws_the_orders_of_a_run_that_hangs(tmp_path: Path, venue: Venue, child: Callable[..., Child]) -> None:
    configure(tmp_path, venue, SHORT)
    run = trading(child, tmp_path, venue)
    run.process.send_signal(signal.SIGSTOP)
    wait_until(lambda: not ours(venue))
    run.process.send_signal(signal.SIGCONT)
    assert run.end() == 0
    assert differences(venue, tmp_path / "runs") == []


def test_after_a_graceful_end_nothing_withdraws_what_others_place(tmp_path: Path, venue: Venue, child: Callable[..., Child]) -> None:
    configure(tmp_path, venue, SHORT)
    run = trading(child, tmp_path, venue)
    assert run.end(signal.SIGTERM) == 0
    assert venue.open_orders() == []
    venue.place("t-by.hand")
    time.sleep(6)  # longer than the countdown: what was not disarmed has gone off
    assert [row["text"] for row in venue.open_orders()] == ["t-by.hand"]


def test_halt_withdraws_what_a_killed_run_left_and_spares_other_hands(tmp_path: Path, venue: Venue, child: Callable[..., Child]) -> None:
    configure(tmp_path, venue, 'countdown = "off"')
    venue.place("t-by.hand")
    trading(child, tmp_path, venue).kill()
    told = strikeloop(tmp_path, "halt")
    assert (told["state"], told["withdrawn"][0]["left"], told["withdrawn"][0]["foreign"]) == ("stopped", [], 1)
    assert told["withdrawn"][0]["canceled"]
    assert [row["text"] for row in venue.open_orders()] == ["t-by.hand"]


def test_halt_withdraws_the_orders_of_a_run_that_hangs(tmp_path: Path, venue: Venue, child: Callable[..., Child]) -> None:
    configure(tmp_path, venue, 'countdown = "off"')
    run = trading(child, tmp_path, venue)
    run.process.send_signal(signal.SIGSTOP)
    told = strikeloop(tmp_path, "halt", "--cancel")
    assert (told["acknowledged"], told["withdrawn"][0]["left"]) == (False, [])
    assert ours(venue) == []
    run.process.send_signal(signal.SIGCONT)
    assert run.wait_for("halted", seconds=10) == "halted"
    assert run.end() == 5


def test_a_second_run_on_one_directory_is_refused_and_one_beside_it_sees_the_other(
    tmp_path: Path, venue: Venue, child: Callable[..., Child]
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        configure(tmp_path / name, venue, 'countdown = "off"')
    first = trading(child, tmp_path / "one", venue)
    assert child(tmp_path / "one").process.wait(20) == 8
    second = child(tmp_path / "two")
    assert second.wait_for("ready", seconds=45) == "ready"
    wait_until(lambda: "placed by another strikeloop" in (tmp_path / "two" / "run.err").read_text())
    assert second.end() == 0
    assert first.process.poll() is None
    assert first.end() == 0


def test_a_run_that_is_interrupted_twice_still_withdraws_its_orders(tmp_path: Path, venue: Venue, child: Callable[..., Child]) -> None:
    configure(tmp_path, venue)
    run = trading(child, tmp_path, venue)
    run.process.send_signal(signal.SIGINT)
    assert run.end(signal.SIGINT) == 130
    assert ours(venue) == []
    assert differences(venue, tmp_path / "runs") == []


def test_a_run_without_an_input_trades_and_ends_like_any_other(tmp_path: Path, venue: Venue, child: Callable[..., Child]) -> None:
    configure(tmp_path, venue)
    run = trading(child, tmp_path, venue, by=WITHOUT_STDIN)
    assert run.end(seconds=SOON_S) == 0
    assert ours(venue) == []
    assert differences(venue, tmp_path / "runs") == []


def test_a_run_ends_while_the_venue_is_silent_and_the_next_one_finds_out_what_became_of_its_orders(
    tmp_path: Path, venue: Venue, child: Callable[..., Child]
) -> None:
    configure(tmp_path, venue)
    run = trading(child, tmp_path, venue)
    os.kill(venue.pid, signal.SIGSTOP)
    time.sleep(0.5)  # orders are on their way
    try:
        assert run.end() == 0
    finally:
        os.kill(venue.pid, signal.SIGCONT)
    assert unresolved(tmp_path / "runs")
    after = child(tmp_path)
    assert after.wait_for("ready", seconds=45) == "ready"
    assert after.end() == 0
    assert differences(venue, tmp_path / "runs") == []
