"""The command line: every command helps, ends with its documented code, and says what went wrong."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from strikeloop.cli import COMMANDS, main
from strikeloop.cli.exits import CAUSES, MEANING, Exit, code_of
from strikeloop.errors import (
    AuthRejectedError,
    ConfigError,
    InvariantError,
    LinkLostError,
    PluginError,
    Problem,
    StateInUseError,
    StorageError,
)
from strikeloop.hooks import Hooks
from tests.framework.plugin_fakes import install

ENVIRON = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test runs in an empty folder, with the plugins of strikeloop-fake."""
    install(tmp_path, monkeypatch)
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def strikeloop(line: str, text: str | None = None) -> Result:
    return CliRunner().invoke(main, shlex.split(line), input=text)


def click_json(result: Result) -> Any:
    return json.loads(result.stdout)


def walk(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of every command of the core, groups included."""
    yield path
    if isinstance(command, click.Group):
        context = click.Context(command)
        names = COMMANDS if not path else command.list_commands(context)
        for name in names:
            found = command.get_command(context, name)
            assert found is not None
            yield from walk(found, (*path, name))


PATHS = [" ".join(path) for path in walk(main)]


# ---- help ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path or "strikeloop")
def test_every_help_ends_in_two_examples_that_can_be_typed(path: str) -> None:
    result = strikeloop(f"{path} --help")
    assert (result.exit_code, result.stderr) == (0, "")
    *_, title, first, second = result.stdout.rstrip().splitlines()
    assert title.strip() == "Examples:"
    for example in (first, second):
        words = shlex.split(example.split(" < ")[0].split(" | ")[0])
        assert words[: 1 + len(path.split())] == ["strikeloop", *path.split()]
        with main.make_context("strikeloop", words[1:]) as context:
            parsed(main, context)


def parsed(command: click.Command, context: click.Context) -> None:
    """Parse what is left of a command line, without running anything."""
    if isinstance(command, click.Group):
        name, found, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        assert found is not None
        with found.make_context(name, rest, parent=context) as inner:
            parsed(found, inner)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_their_help_says(name: str) -> None:
    found = main.get_command(click.Context(main), name)
    assert found is not None
    assert COMMANDS[name][1] == (found.help or "").split("\n\n")[0]


def test_help_loads_nothing_heavy() -> None:
    program = """
import sys, strikeloop.cli
try:
    strikeloop.cli.main(["--help"])
except SystemExit:
    print(*sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=ENVIRON)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert not loaded & {"anyio", "cattrs", "rich", "httpx", "pluggy", "websockets", "numpy", "strikeloop.engine", "strikeloop.load"}


def test_listing_plugins_loads_nothing_heavy() -> None:
    program = """
import sys, strikeloop.cli
try:
    strikeloop.cli.main(["plugins", "list", "--json"])
except SystemExit:
    print(*sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=ENVIRON)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert not loaded & {"anyio", "rich", "httpx", "websockets", "numpy", "scipy", "plotly", "pyarrow", "strikeloop.engine", "fake_plugins"}


def test_python_dash_m_is_the_same_command() -> None:
    done = subprocess.run([sys.executable, "-m", "strikeloop", "hooks"], capture_output=True, text=True, check=True, env=ENVIRON)
    assert "on_portfolio_risk" in done.stdout


# ---- commands of plugins -------------------------------------------------------------------------------------------


def test_a_command_of_a_plugin_is_listed_without_being_imported_and_runs() -> None:
    listed = strikeloop("--help")
    assert "fake-command" in listed.stdout
    assert "fake_plugins" not in sys.modules
    assert strikeloop("fake-command").stdout == "from the plugin\n"


def test_a_command_that_does_not_exist_gets_a_suggestion() -> None:
    result = strikeloop("statsu")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Did you mean status?" in result.stderr


# ---- exit codes ----------------------------------------------------------------------------------------------------


def test_the_table_of_exit_codes_is_the_documented_one() -> None:
    assert {int(code) for code in Exit} == {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 130}
    assert set(MEANING) == set(Exit)
    assert CAUSES == {"interrupt": 130, "credentials": 4, "halt": 5, "risk": 5, "storage": 7}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("x"), 3),
        (PluginError("x"), 3),
        (AuthRejectedError("x"), 4),
        (LinkLostError("x"), 4),
        (StorageError("x"), 7),
        (StateInUseError("x"), 8),
        (InvariantError("x"), 1),
        (RuntimeError("x"), 1),
        (KeyboardInterrupt(), 130),
        (ExceptionGroup("x", [ExceptionGroup("y", [StorageError("z")])]), 7),
        (BaseExceptionGroup("x", [KeyboardInterrupt()]), 130),
    ],
)
def test_an_error_that_reaches_the_top_ends_with_its_code(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("strikeloop.cli.config.load", fail)
    result = strikeloop("config show -c x.toml")
    assert (result.exit_code, code_of(error), result.stdout) == (code, code, "")
    assert result.stderr.strip()
    assert "Traceback" not in result.stderr


def test_a_bug_is_told_in_a_line_and_its_traceback_is_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("strikeloop.cli.config.load", lambda *_, **__: 1 / 0)
    result = strikeloop("config show -c x.toml")
    assert "this is a bug: ZeroDivisionError: division by zero" in result.stderr
    (file,) = tmp_path.glob("strikeloop-*.traceback.txt")
    assert str(file) in result.stderr
    assert "ZeroDivisionError" in file.read_text()
    assert oct(file.stat().st_mode & 0o777) == "0o600"


def test_every_problem_is_told_with_its_place_and_its_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ConfigError([Problem("a.b (x.toml:3)", "is wrong", "mend it"), Problem("c", "is missing")])

    monkeypatch.setattr("strikeloop.cli.config.load", fail)
    assert (
        strikeloop("config show -c x.toml").stderr == "strikeloop: 2 problems\n  a.b (x.toml:3): is wrong\n      mend it\n  c: is missing\n"
    )


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    line = f"{sys.executable} -m strikeloop hooks --json | head -c 10"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {line}"], capture_output=True, check=False, env=ENVIRON)
    assert (done.returncode, done.stderr) == (0, b"")


# ---- check, config, plugins, hooks, doctor -------------------------------------------------------------------------

SOUND = """
[run]
mode = "sim"
[venue]
use = "fake-venue"
[market]
use = "fake-market"
[strategies.hedge]
use = "fake-band"
band = 0.5
"""


def test_check_says_what_a_sound_config_amounts_to(here: Path) -> None:
    (here / "strikeloop.toml").write_text(SOUND)
    result = strikeloop("check --json")
    assert result.exit_code == 0
    found = click_json(result)
    assert (found["ok"], found["mode"], found["plugins"][0]["hooks"]) == (True, "sim", ["on_fill"])
    table = strikeloop("check")
    assert "strategy hedge" in table.stdout
    assert "sound" in table.stderr


def test_check_reports_every_problem_and_ends_with_3(here: Path) -> None:
    (here / "strikeloop.toml").write_text(SOUND.replace("band = 0.5", "bend = 0.5").replace("fake-market", "fake-marked"))
    result = strikeloop("check")
    assert (result.exit_code, result.stdout) == (3, "")
    assert "strikeloop: 2 problems" in result.stderr
    as_json = strikeloop("check --json")
    assert as_json.exit_code == 3
    assert [problem["where"] for problem in click_json(as_json)["problems"]] == [
        "market.use (strikeloop.toml:7)",
        "strategies.hedge.bend (strikeloop.toml:10)",
    ]


def test_without_a_config_the_command_says_how_to_name_one() -> None:
    result = strikeloop("check")
    assert result.exit_code == 2
    assert "name a config file with -c FILE" in result.stderr


def test_config_show_prints_what_can_be_read_back(here: Path) -> None:
    (here / "strikeloop.toml").write_text(SOUND)
    shown = strikeloop("config show").stdout
    (here / "again.toml").write_text(shown)
    assert strikeloop("config show -c again.toml").stdout == shown
    assert click_json(strikeloop("config show --json"))["strategies"]["hedge"] == {"use": "fake-band", "band": 0.5}


def test_config_explain_tells_who_set_a_key(here: Path) -> None:
    (here / "strikeloop.toml").write_text(SOUND)
    found = click_json(strikeloop("config explain strategies.hedge.band --set strategies.hedge.band=2 --json"))
    assert found == {
        "key": "strategies.hedge.band",
        "value": 2,
        "set_by": [{"label": "--set strategies.hedge.band", "value": 2}, {"label": "strikeloop.toml:10", "value": 0.5}],
    }
    assert "strikeloop.toml:10" in strikeloop("config explain strategies.hedge.band").stdout


def test_plugins_are_listed_by_kind_with_the_hash_of_their_sources(here: Path) -> None:
    (found,) = [one for one in click_json(strikeloop("plugins list --kind risk --json")) if one["name"] == "fake-limit"]
    digest = hashlib.sha256((here.parent / "site" / "fake_plugins.py").read_bytes()).hexdigest()
    assert found == {
        "kind": "risk",
        "name": "fake-limit",
        "target": "fake_plugins:Limit",
        "distribution": "strikeloop-fake",
        "version": "1.2",
        "sha256": hashlib.sha256(f"fake_plugins.py\0{digest}\n".encode()).hexdigest(),
        "active": [],
        "refused": [],
    }
    assert "fake-limit" in strikeloop("plugins list").stdout


def test_a_config_tells_which_plugins_are_active_and_which_are_refused_and_why(here: Path) -> None:
    (here / "strikeloop.toml").write_text(
        '[run]\nmode = "sim"\n[market]\nuse = "fake-market"\n[venue]\nuse = "fake-venue"\n[strategies.one]\nuse = "fake-band"\n'
        '[strategies.two]\nuse = "fake-misspelt"\n[strategies.mine]\nuse = "./mine.py:Mine"\n'
    )
    (here / "mine.py").write_text(
        "from strikeloop import hookimpl, plugin\n@plugin\nclass Mine:\n    @hookimpl\n    def on_stop(self): ...\n"
    )
    found = {one["name"]: (one["active"], one["refused"]) for one in click_json(strikeloop("plugins list --json"))}
    assert found["fake-band"] == (["one"], [])
    assert found["fake-misspelt"] == ([], ["there is no hook on_fil", "on_order is async", "on_order takes an argument evnt"])
    assert found[f"{here}/mine.py:Mine"] == (["mine"], [])
    assert found["fake-limit"] == ([], [])
    assert "fake_broken" not in sys.modules
    shown = strikeloop("plugins list").stdout
    assert "active as one" in shown
    assert "refused: there is no hook on_fil; on_order is async" in shown


def test_a_plugin_for_another_strikeloop_is_listed_as_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("strikeloop.load.discovery.strikeloop_version", lambda: "0.7.0")
    (found,) = [one for one in click_json(strikeloop("plugins list --json")) if one["name"] == "fake-limit"]
    assert found["refused"] == ["strikeloop-fake 1.2 wants strikeloop <0.2,>=0.1, this is 0.7.0"]


TRACED = """
from strikeloop import Filled, hookimpl, plugin

@plugin
class First:
    @hookimpl(tryfirst=True)
    def on_start(self): ...
    @hookimpl
    def on_stop(self): ...

@plugin
class Second:
    @hookimpl
    def on_start(self, desk):
        desk.every(10, "look")
    @hookimpl
    def on_timer(self): ...
"""


def test_a_trace_tells_who_hears_what_in_which_order_and_how_often(here: Path) -> None:
    (here / "both.py").write_text(TRACED)
    (here / "strikeloop.toml").write_text(
        '[run]\nmode = "paper"\n[adapters.fake]\nuse = "fake-gate"\n'
        '[strategies.second]\nuse = "./both.py:Second"\n[strategies.first]\nuse = "./both.py:First"\n'
    )
    still = [(one["hook"], one["place"], one["instance"], one["calls"]) for one in click_json(strikeloop("plugins trace --json"))]
    assert still == [("on_start", 1, "first", 0), ("on_start", 2, "second", 0), ("on_stop", 1, "first", 0), ("on_timer", 1, "second", 0)]
    played = {(one["hook"], one["instance"]): one for one in click_json(strikeloop("plugins trace --seconds 60 --json"))}
    assert played["on_start", "first"]["calls"] == 1
    assert played["on_timer", "second"]["calls"] == 5
    assert played["on_timer", "second"]["mean_us"] > 0
    assert "mean µs" in strikeloop("plugins trace --seconds 10").stdout


def test_a_plugin_is_described_with_its_settings() -> None:
    (found,) = click_json(strikeloop("plugins show fake-limit --json"))
    assert found["settings"] == [{"name": "most", "type": "Decimal", "default": "required"}]
    assert found["hooks"] == ["review_order"]
    assert "required" in strikeloop("plugins show fake-limit").stdout


def test_a_plugin_that_is_not_installed_gets_a_suggestion() -> None:
    result = strikeloop("plugins show fake-limits")
    assert result.exit_code == 3
    assert "did you mean fake-limit?" in result.stderr


def test_every_hook_is_listed_with_what_it_is_given() -> None:
    found = {one["name"]: one for one in click_json(strikeloop("hooks --json"))}
    assert found["on_fill"]["arguments"] == ["event: Filled", "desk: Desk"]
    assert found["review_order"]["doc"].startswith("Judge an order")
    assert "on_fill" in strikeloop("hooks").stdout


def test_one_hook_is_told_with_the_fields_of_all_it_may_be_given() -> None:
    found = click_json(strikeloop("hooks on_settlement --json"))
    assert [one["name"] for one in found["given"]] == ["ContractSettled", "PositionClosed"]
    assert found["given"][0]["fields"]["settle_price"] == "Decimal"
    assert found["begin"] == "@hookimpl\ndef on_settlement(self, event: ContractSettled | PositionClosed, desk: Desk) -> None: ..."
    shown = strikeloop("hooks review_order").stdout
    assert "def review_order(self, command: SubmitOrder | AmendOrder, desk: Desk) -> Verdict: ..." in shown
    assert "iceberg" in shown


def test_a_hook_that_will_go_says_what_to_do_in_its_place(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Hooks.on_fill, "__strikeloop_instead__", "implement on_order")
    (here / "strikeloop.toml").write_text(
        '[run]\nmode = "sim"\n[market]\nuse = "fake-market"\n[venue]\nuse = "fake-venue"\n[strategies.one]\nuse = "fake-band"\n'
    )
    assert "Will go: implement on_order" in strikeloop("hooks").stdout
    assert "on_fill will go (implement on_order)" in strikeloop("check").stderr
    (warning,) = click_json(strikeloop("check --json"))["warnings"]
    assert (warning["what"], warning["fix"]) == ("on_fill will go", "implement on_order")


def test_a_hook_that_does_not_exist_gets_a_suggestion() -> None:
    result = strikeloop("hooks on_fil")
    assert (result.exit_code, "did you mean on_fill?" in result.stderr) == (3, True)


def test_doctor_finds_nothing_wrong_here_and_says_what_is_missing() -> None:
    result = strikeloop("doctor --json")
    found = {one["what"]: one["state"] for one in click_json(result)}
    assert (result.exit_code, found["python"], found["anyio"], found["disk sync"]) == (0, "ok", "ok", "ok")
    assert {"wall clock", "TLS", "certificates", "keyring", "descriptors", "free disk", "strikeloop-fake"} <= set(found)
    assert "python" in strikeloop("doctor").stdout


def test_doctor_names_a_plugin_whose_sources_are_gone(here: Path) -> None:
    (here.parent / "site" / "fake_plugins.py").unlink()
    result = strikeloop("doctor")
    assert (result.exit_code, "pip install --force-reinstall strikeloop-fake" in result.stdout) == (3, True)


def test_doctor_ends_with_3_when_a_plugin_wants_another_strikeloop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("strikeloop.load.discovery.strikeloop_version", lambda: "0.7.0")
    result = strikeloop("doctor")
    assert result.exit_code == 3
    assert "wants strikeloop <0.2,>=0.1, this is 0.7.0" in result.stdout
