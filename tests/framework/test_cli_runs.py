"""Commands around runs: a run on this machine, its files, and what other processes learn from them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from strikeloop.cli import main
from strikeloop.cli.backtest import Gate
from strikeloop.cli.backtest import _judged as judged
from strikeloop.cli.exits import Exit
from strikeloop.journal import Halts, Journal, Row, RunFolder, StateDir

pytest.importorskip("strikeloop_venue")
pytest.importorskip("strikeloop_strategies")

ENVIRON = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
CONFIG = """
[run]
mode = "sim"
[market]
duration_s = 600
[strategies.maker]
use = "quoter"
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "strikeloop.toml").write_text(CONFIG)
    return tmp_path


def strikeloop(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def data(result: Result) -> Any:
    return json.loads(result.stdout)


def start(*words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "strikeloop", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRON)


def wait_for_status(child: subprocess.Popen[str]) -> dict[str, Any]:
    """The first status in which plugins have been started; asks until the run says so, or has ended."""
    while child.poll() is None:
        result = strikeloop("status", "--json")
        if result.exit_code == 0 and data(result)["state"] == "ready":
            found: dict[str, Any] = data(result)
            return found
    raise AssertionError(child.communicate())


# ---- backtest ------------------------------------------------------------------------------------------------------


def test_a_backtest_prints_its_digest_and_keeps_a_folder(here: Path) -> None:
    result = strikeloop("backtest", "--json")
    assert result.exit_code == 0, result.stderr
    short = data(result)
    folder = here / "runs" / short["run"]
    assert len(short["digest"]) == 64
    assert json.loads((folder / "result.json").read_text())["digest"] == short["digest"]
    assert 'use = "quoter"' in (folder / "config.toml").read_text()


def test_the_same_backtest_gives_the_same_digest_and_another_seed_another(here: Path) -> None:
    first, second, other = (data(strikeloop("backtest", "--json", "--no-save", "--seed", seed))["digest"] for seed in ("7", "7", "8"))
    assert first == second != other
    assert not (here / "runs").exists()


def test_the_digest_does_not_depend_on_the_hash_seed_or_the_folder(here: Path) -> None:
    digests = set()
    for seed in ("0", "1"):
        command = [sys.executable, "-m", "strikeloop", "backtest", "--json", "--no-save", "--set", f"run.state_dir=runs-{seed}"]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env={**ENVIRON, "PYTHONHASHSEED": seed})
        digests.add(json.loads(done.stdout)["digest"])
    assert len(digests) == 1


@pytest.mark.parametrize(("gate", "code"), [("faults==0", 6), ("orders < 1000000", 6), ("faults>0", 0), ("fills<=-1", 0)])
def test_a_gate_that_holds_ends_with_6(here: Path, gate: str, code: int) -> None:
    assert strikeloop("backtest", "--json", "--no-save", "--fail-if", gate).exit_code == code


@pytest.mark.parametrize("gate", ["orders", "orders=1", "digest>1", "nothing>1"])
def test_a_gate_that_cannot_be_judged_is_a_usage_error(here: Path, gate: str) -> None:
    result = strikeloop("backtest", "--json", "--no-save", "--fail-if", gate)
    assert result.exit_code == 2
    assert "--fail-if" in result.stderr


# ---- run -----------------------------------------------------------------------------------------------------------


def test_a_run_is_seen_from_other_processes_and_ends_cleanly_when_it_is_terminated(here: Path) -> None:
    with start("run", "--json") as child:
        found = wait_for_status(child)
        assert (found["mode"], found["adapters"]["sim"]["connection"]) == ("sim", "in process")
        second = strikeloop("run")
        assert second.exit_code == 8
        assert f"in use by process {child.pid}" in second.stderr
        child.send_signal(signal.SIGTERM)
        out, err = child.communicate()
    assert child.returncode == 0, err
    short = json.loads(out)
    assert short["faults"] == 0
    run = short["run"]
    assert data(strikeloop("status", "--json"))["state"] == "stopped"
    assert data(strikeloop("journal", "verify", run, "--json"))["sound"] is True
    assert data(strikeloop("replay", run, "--json"))["divergence"] is None


def test_ctrl_c_ends_a_run_with_130(here: Path) -> None:
    with start("run", "--json") as child:
        wait_for_status(child)
        child.send_signal(signal.SIGINT)
        out, err = child.communicate()
    assert child.returncode == 130, err
    assert json.loads(out)["faults"] == 0


def test_a_halted_run_confirms_and_sends_nothing_more(here: Path) -> None:
    with start("run", "--json") as child:
        wait_for_status(child)
        result = strikeloop("halt", "--reason", "news", "--json")
        assert (result.exit_code, data(result)["acknowledged"]) == (0, True)
        assert data(strikeloop("status", "--json"))["state"] == "halted"
        child.terminate()
        _, err = child.communicate()
        assert child.returncode == 5
    assert "critical killswitch: halted, by " in err


def test_a_run_that_was_killed_is_not_called_ready(here: Path) -> None:
    with start("run", "--json") as child:
        wait_for_status(child)
        child.kill()
        child.communicate()
    found = data(strikeloop("status", "--json"))
    assert (found["state"], found["ending"]["cause"]) == ("stopped", "lost")


def test_a_process_that_holds_keys_leaves_no_core() -> None:
    program = """
import resource
from strikeloop.cli.run import leave_no_core
leave_no_core()
print(resource.getrlimit(resource.RLIMIT_CORE))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=ENVIRON)
    assert done.stdout == "(0, 0)\n"


def test_a_run_goes_on_only_when_the_journal_of_the_last_one_is_whole(here: Path) -> None:
    folder = StateDir(here / "runs").create("20260626-080000-abc")
    with Journal.create(folder.journal, {"mode": "sim"}):
        pass
    folder.journal.with_suffix(".head").write_text("damaged")
    result = strikeloop("run", "--duration", "1")
    assert result.exit_code == 7
    assert "journal.head is damaged" in result.stderr


# ---- what others read ----------------------------------------------------------------------------------------------

STATUS = {
    "run": "20260626-080000-abc",
    "mode": "sim",
    "state": "stopped",
    "time": 1,
    "adapters": {
        "gate": {"connection": "ready", "connections": 2, "reconnects": 1, "channels": {"options.orders": {"state": "confirmed"}}}
    },
    "orders": {"filled": 3},
    "working": [{"client_id": "t-1", "contract": "C", "size": "1", "left": "1", "price": "5", "state": "open"}],
    "positions": [
        {
            "contract": "C",
            "size": "2",
            "entry_price": "5",
            "mark_price": 6.0,
            "exposure": {"delta": 0.5, "gamma": 0.1, "vega": 1.0, "theta": -1.0},
        }
    ],
    "balance": {"total": "100"},
    "risk": {"total_delta": 0.5, "total_gamma": 0.1, "total_vega": 1.0, "total_theta": -1.0},
    "faults": [{"instance": "a", "hook": "on_fill", "error": "ValueError: \x1b[31mx"}],
}


@pytest.fixture
def run(here: Path) -> RunFolder:
    """A finished run, with a journal of three rows."""
    folder = StateDir(here / "runs").create("20260626-080000-abc")
    folder.write_status(STATUS)
    with Journal.create(folder.journal, {"mode": "sim"}) as journal:
        journal.append([Row("input", "", {"n": 1}), Row("memory", "a", {"n": 2})])
    return folder


@pytest.mark.parametrize("command", ["status", "orders", "positions", "greeks"])
def test_what_a_run_says_is_printed_for_people_too(run: RunFolder, command: str) -> None:
    result = strikeloop(command)
    assert (result.exit_code, result.stderr) == (0, "")
    expected = {"status": "2 connections, 1 reconnects", "orders": "t-1", "positions": "C", "greeks": "total"}
    assert expected[command] in result.stdout
    assert "\x1b" not in result.stdout


def test_json_is_what_the_run_wrote(run: RunFolder) -> None:
    said = data(strikeloop("status", "--json"))
    assert said.pop("age_s") > 0
    assert said == STATUS
    assert data(strikeloop("orders", "--json")) == STATUS["working"]
    assert data(strikeloop("positions", "--json")) == STATUS["positions"]


def test_greeks_are_told_by_position_by_underlying_and_in_currency(run: RunFolder) -> None:
    position = {"contract": "C", "underlying": "BTC_USDT", "underlying_price": 200.0}
    other = {"contract": "E", "underlying": "ETH_USDT", "underlying_price": 10.0}
    exposure = {"delta": 0.5, "gamma": 0.1, "vega": 1.0, "theta": -1.0}
    run.write_status({**STATUS, "positions": [{**one, "exposure": exposure} for one in (position, position, other)]})
    told = data(strikeloop("greeks", "--json"))
    assert told["positions"][0] == {"contract": "C", "underlying": "BTC_USDT", **exposure, "cash_delta": 100.0, "cash_gamma": 40.0}
    assert [(one["underlying"], one["delta"], one["cash_delta"]) for one in told["underlyings"]] == [
        ("BTC_USDT", 1.0, 200.0),
        ("ETH_USDT", 0.5, 5.0),
    ]
    assert told["total"] == {"underlying": "total", "cash_delta": 205.0, "cash_gamma": pytest.approx(80.1), "vega": 3.0, "theta": -3.0}


def test_greeks_in_currency_are_left_out_while_an_underlying_has_no_price(run: RunFolder) -> None:
    told = data(strikeloop("greeks", "--json"))
    assert (told["positions"][0]["cash_delta"], told["total"]["cash_delta"], told["total"]["vega"]) == (None, None, 1.0)


def test_a_run_whose_process_lives_and_says_nothing_is_told_to_hang(run: RunFolder) -> None:
    run.write_status({**STATUS, "state": "ready", "pid": os.getpid(), "time": time.time_ns() - 60 * 10**9})
    with StateDir(run.path.parent).lock():
        assert data(strikeloop("status", "--json"))["responding"] is False
        assert "the process is there and hangs" in strikeloop("status").stdout


def test_a_run_in_whose_directory_another_process_runs_now_is_gone(run: RunFolder) -> None:
    run.write_status({**STATUS, "state": "ready", "pid": 1, "time": time.time_ns()})
    with StateDir(run.path.parent).lock():
        assert data(strikeloop("status", run.id, "--json"))["ending"]["cause"] == "lost"


def test_the_environment_that_moves_runs_moves_those_who_look_at_them(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STRIKELOOP__RUN__STATE_DIR", str(run.path.parent))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert data(strikeloop("status", "--json"))["run"] == run.id


@pytest.mark.parametrize("words", [("status",), ("halt",), ("replay", "x"), ("journal", "verify", "x")])
def test_where_there_is_no_run_the_command_says_so(here: Path, words: tuple[str, ...]) -> None:
    result = strikeloop(*words)
    assert (result.exit_code, result.stdout) == (7, "")
    assert "cannot use runs" in result.stderr or "there is no run" in result.stderr


def test_halting_what_has_ended_is_no_error(run: RunFolder) -> None:
    result = strikeloop("halt", "--cancel", "--reason", "two\nlines")
    assert result.exit_code == 0
    assert run.halt.read_text().startswith("two lines\ncancel\n")


def test_a_halt_that_cannot_be_put_on_record_is_asked_for_all_the_same_and_says_so(run: RunFolder) -> None:
    (run.path.parent / "halts.jsonl").mkdir()
    result = strikeloop("halt")
    assert (result.exit_code, run.halt.exists()) == (7, True)
    assert "the next run will not know of this halt" in result.stderr


def test_the_next_run_begins_halted_until_it_is_reset(run: RunFolder) -> None:
    assert strikeloop("halt", "--reason", "news").exit_code == 0
    standing = Halts(run.path.parent).standing("sim")
    assert standing is not None
    assert standing.reason == "news"
    told = data(strikeloop("halt", "--reset", "--reason", "looked at it", "--json"))
    assert (told["acknowledged"], told["was"]["reason"], run.halt.exists()) == (True, "news", False)
    assert Halts(run.path.parent).standing("sim") is None
    assert "was not halted" in strikeloop("halt", "--reset").stdout
    assert strikeloop("halt", "--reset", "--flatten").exit_code == 2


def test_a_journal_is_dumped_line_by_line(run: RunFolder) -> None:
    lines = [json.loads(line) for line in strikeloop("journal", "dump", str(run.path)).stdout.splitlines()]
    assert [(line["seq"], line["kind"], line["key"]) for line in lines] == [(1, "header", ""), (2, "input", ""), (3, "memory", "a")]
    assert len(strikeloop("journal", "dump", run.id, "--kind", "memory").stdout.splitlines()) == 1


def test_a_damaged_journal_is_named_and_repaired_on_request_only(run: RunFolder) -> None:
    content = run.journal.read_bytes()
    run.journal.write_bytes(content.replace(b'{"n":2}', b'{"n":3}'))
    result = strikeloop("journal", "verify", run.id)
    assert result.exit_code == 7
    assert "row 3 of" in result.stderr
    assert strikeloop("journal", "dump", run.id).exit_code == 7
    repaired = strikeloop("journal", "verify", run.id, "--repair")
    assert repaired.exit_code == 0
    assert "2 rows, all sound" in repaired.stdout


@pytest.mark.parametrize(
    ("gate", "code"), [(("pnl", "<", -3.0), Exit.GATE), (("pnl", "<", -4.0), Exit.OK), (("fills", "==", 1.0), Exit.GATE)]
)
def test_a_gate_may_be_a_standard_figure_also_one_of_money(gate: Gate, code: Exit) -> None:
    assert judged({"fills": 1, "run": "r", "figures": {"pnl": "-3.5", "currency": "USDT"}}, (gate,)) is code


def test_a_figure_that_is_not_defined_for_the_run_is_no_gate() -> None:
    with pytest.raises(click.UsageError, match=r"--fail-if sharpe: this run has no such figure; it has pnl, fills"):
        judged({"fills": 1, "figures": {"pnl": "-3.5", "sharpe": None}}, (("sharpe", "<", 1.0),))
