"""Ctrl-C, at any moment of a command's life: exit code 130, no traceback, and what was written is whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.scenarios.console import Done, python

INTERRUPTED = """
import os, signal, sys

module = sys.argv.pop(1)

class AtImport:
    '''Ctrl-C at the moment when the command loads a module.'''

    def find_spec(self, name, path=None, target=None):
        if name == module:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, AtImport())
from strikeloop.__main__ import main
main()
"""
AT_THE_END = """
import atexit, os, signal, sys
atexit.register(os.kill, os.getpid(), signal.SIGINT)
from strikeloop.__main__ import main
main()
"""
DEMO = ("demo", "--duration", "1", "--state-dir", "runs")


def told(done: Done) -> None:
    assert done.code == 130, done.err
    assert "interrupted" in done.err
    assert "Traceback" not in done.err
    assert "bug" not in done.err


@pytest.mark.parametrize("module", ["strikeloop.cli", "click", "strikeloop.cli.demo", "strikeloop.cli.exits"])
def test_while_the_command_line_loads(tmp_path: Path, module: str) -> None:
    told(python(tmp_path, INTERRUPTED, module, "demo" if module != "strikeloop.cli.exits" else "check"))


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("module", ["strikeloop_venue", "strikeloop_gate"])
def test_while_the_venue_and_the_adapter_are_set_up(tmp_path: Path, module: str, backend: str) -> None:
    done = python(tmp_path, INTERRUPTED, module, *DEMO, "--backend", backend)
    told(done)
    assert done.out == ""


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_while_the_report_is_drawn_the_run_is_still_written_whole(tmp_path: Path, backend: str) -> None:
    done = python(tmp_path, INTERRUPTED, "strikeloop_report", *DEMO, "--json", "--backend", backend)
    told(done)
    short = json.loads(done.out)
    assert Path(short["report"]).read_text().rstrip().endswith("</html>")
    (folder,) = (path for path in (tmp_path / "runs").iterdir() if path.is_dir())
    assert json.loads((folder / "result.json").read_text())["digest"] == short["digest"] != ""


def test_while_the_report_of_a_backtest_is_drawn(tmp_path: Path) -> None:
    told(python(tmp_path, INTERRUPTED, "strikeloop_report", "backtest", "--set", "market.duration_s=60"))


def test_after_the_last_word_the_exit_code_stands(tmp_path: Path) -> None:
    done = python(tmp_path, AT_THE_END, "hooks")
    assert (done.code, done.err) == (0, "")
