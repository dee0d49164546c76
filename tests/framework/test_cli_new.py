"""What `strikeloop init` and `strikeloop new` write works at once: tests green, checked, and a backtest that runs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from strikeloop.cli import main
from strikeloop.load import load
from strikeloop.scaffold import KINDS


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def strikeloop(*words: str) -> str:
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    return done.stdout


def pytest_in(folder: Path) -> str:
    """Run the tests of a folder as its owner would."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"]
    done = subprocess.run(command, cwd=folder, env={"PYTHONPATH": str(folder)}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_new_project_is_sound_its_tests_pass_and_its_backtest_runs(here: Path) -> None:
    assert "desk/strikeloop.toml" in strikeloop("init", "desk")
    assert " passed" in pytest_in(here / "desk")
    plan = load([here / "desk" / "strikeloop.toml"], environ={})
    assert [plugin.name for plugin in plan.plugins] == ["first", "orders"]
    command = [sys.executable, "-m", "strikeloop", "backtest", "--json", "--set", "market.duration_s=60"]
    done = subprocess.run(command, cwd=here / "desk", capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["fills"] == 1


def test_the_notebook_of_a_new_project_runs(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    strikeloop("init", "desk")
    notebook = json.loads((here / "desk" / "notebooks" / "backtest.ipynb").read_text())
    monkeypatch.chdir(here / "desk" / "notebooks")
    monkeypatch.setenv("STRIKELOOP__MARKET__DURATION_S", "120")
    told: dict[str, Any] = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), told)  # noqa: S102  # our own template
    assert told["result"].summary.fills == 1
    assert told["other"].digest != told["result"].digest


def test_init_here_is_named_after_the_folder(here: Path) -> None:
    (here / "2 My Desk!").mkdir()
    strikeloop("init", "2 My Desk!")
    assert 'name = "my-desk"' in (here / "2 My Desk!" / "pyproject.toml").read_text()


@pytest.fixture(scope="module")
def types(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What mypy learned of the framework, for every package of this module."""
    return tmp_path_factory.mktemp("types")


@pytest.mark.parametrize("kind", KINDS)
def test_the_tests_of_a_new_package_pass_and_its_types_and_style_hold(kind: str, here: Path, types: Path) -> None:
    written = json.loads(strikeloop("new", kind, "my-thing", "--package", "--json"))
    assert "strikeloop-my-thing/pyproject.toml" in written
    folder = here / "strikeloop-my-thing"
    assert " passed" in pytest_in(folder)
    for tool in (["ruff", "check", "--no-cache"], ["ruff", "format", "--check", "--no-cache"], ["mypy", f"--cache-dir={types}"]):
        done = subprocess.run([sys.executable, "-m", *tool], cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("kind", ["strategy", "risk", "sink"])
def test_a_new_file_is_a_plugin_that_a_config_may_name(kind: str, here: Path) -> None:
    assert strikeloop("new", kind, "my-thing", "--directory", "mine") == "mine/my_thing.py\n"
    section = {"strategy": "strategies", "risk": "risk", "sink": "sinks"}[kind]
    (here / "strikeloop.toml").write_text(f'[run]\nmode = "sim"\n[{section}.one]\nuse = "./mine/my_thing.py:MyThing"\n')
    assert [plugin.name for plugin in load([here / "strikeloop.toml"], environ={}).plugins] == ["one"]


def test_what_exists_is_not_written_over(here: Path) -> None:
    strikeloop("new", "strategy", "my-thing")
    done = CliRunner().invoke(main, ["new", "strategy", "my-thing"])
    assert done.exit_code == 3
    assert "exists already" in done.stderr
