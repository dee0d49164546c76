"""Every distribution is a pure wheel that installs beside the core's wheel alone, and what it promises is in it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.architecture.sources import ROOT

pytestmark = pytest.mark.timeout(600)

IMPORT_ALL = """
import importlib, sys
from importlib.metadata import distribution
importlib.import_module(sys.argv[1].replace("-", "_"))
for point in distribution(sys.argv[1]).entry_points:
    print(point.group, point.name, point.load())
"""


@attrs.frozen
class Distribution:
    """One pyproject.toml of the workspace."""

    folder: Path
    settings: dict[str, Any] = attrs.field(eq=False, repr=False)

    @property
    def name(self) -> str:
        return str(self.settings["project"]["name"])

    @property
    def package(self) -> str:
        return self.name.replace("-", "_")

    def wheel(self, wheels: Path) -> Path:
        (found,) = wheels.glob(f"{self.package}-*.whl")
        return found


@attrs.frozen
class Environment:
    """An environment of its own, with nothing in it but what a test installs."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.script("python")

    def script(self, name: str) -> Path:
        return self.folder / ("Scripts" if os.name == "nt" else "bin") / name

    def install(self, *what: str | Path) -> None:
        run([uv(), "pip", "install", "--quiet", "--python", self.python, *what])


def read(folder: Path) -> Distribution:
    return Distribution(folder, tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8")))


CORE = read(ROOT)
PLUGINS = [read(path.parent) for path in sorted([*ROOT.glob("plugins/*/pyproject.toml"), ROOT / "strategies" / "pyproject.toml"])]


def uv() -> str:
    """The uv that runs this, or any other that can be found. There is no skipping: without uv nothing here can be known."""
    found = os.environ.get("UV") or shutil.which("uv") or shutil.which("uv", path=ROOT / ".uv" / "bin")
    if not found:
        pytest.fail("uv is needed to build and install the distributions: run the tests as README.md says")
    return found


def run(command: Sequence[str | Path], *, cwd: Path = ROOT) -> str:
    """Run it far from this environment; what it printed. A command that fails fails the test with its last words."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("VIRTUAL_ENV", "PYTHON", "COVERAGE", "PYTEST"))}
    done = subprocess.run(list(map(str, command)), cwd=cwd, env=kept, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"{' '.join(map(str, command))}\nexit code {done.returncode}\n{done.stdout}{done.stderr}"[-4000:])
    return done.stdout


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    run([uv(), "build", "--quiet", "--wheel", "--all-packages", "--out-dir", folder])
    return folder


@pytest.fixture
def empty(tmp_path: Path) -> Environment:
    run([uv(), "venv", "--quiet", "--python", sys.executable, tmp_path / "empty"])
    return Environment(tmp_path / "empty")


def test_every_folder_of_plugins_is_a_distribution() -> None:
    folders = {path for path in (ROOT / "plugins").iterdir() if path.is_dir() and any(path.glob("strikeloop_*/*.py"))}
    assert folders <= {plugin.folder for plugin in PLUGINS}


@pytest.mark.parametrize("distribution", [CORE, *PLUGINS], ids=lambda distribution: distribution.name)
def test_a_wheel_is_pure_typed_and_holds_one_package(distribution: Distribution, wheels: Path) -> None:
    wheel = distribution.wheel(wheels)
    assert wheel.name.endswith("-py3-none-any.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert f"{distribution.package}/py.typed" in names
    assert {name.partition("/")[0] for name in names} == {distribution.package, f"{distribution.package}-0.1.0.dist-info"}


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda plugin: plugin.name)
def test_a_plugin_asks_for_the_core_of_its_own_minor_version_and_for_no_other_plugin(plugin: Distribution) -> None:
    ours = [needed for needed in plugin.settings["project"]["dependencies"] if needed.startswith("strikeloop")]
    assert len(ours) == 1
    assert re.fullmatch(r"strikeloop(\[[a-z,]+\])?>=0.1,<0.2", ours[0])


def test_the_wheel_of_the_core_alone_imports_and_tells_its_commands(wheels: Path, empty: Environment) -> None:
    empty.install(CORE.wheel(wheels))
    assert run([empty.python, "-c", "import strikeloop; print(strikeloop.Desk.__name__)"]).strip() == "Desk"
    assert "Usage: strikeloop" in run([empty.script("strikeloop"), "--help"])


def test_pytest_finds_the_fixtures_of_the_core_beside_the_core_alone(wheels: Path, empty: Environment, tmp_path: Path) -> None:
    empty.install(CORE.wheel(wheels), "pytest")
    (tmp_path / "test_nothing.py").write_text(
        "def test_nothing(request):\n    assert request.config.pluginmanager.hasplugin('strikeloop')\n"
    )
    assert "1 passed" in run([empty.python, "-W", "error", "-m", "pytest", "-p", "no:cacheprovider", "test_nothing.py"], cwd=tmp_path)


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda plugin: plugin.name)
def test_the_wheel_of_a_plugin_installs_beside_the_core_and_keeps_its_promises(
    plugin: Distribution, wheels: Path, empty: Environment
) -> None:
    empty.install(CORE.wheel(wheels), plugin.wheel(wheels))
    promised = plugin.settings["project"].get("entry-points", {})
    printed = run([empty.python, "-c", IMPORT_ALL, plugin.name])
    assert {tuple(line.split()[:2]) for line in printed.splitlines()} == {(group, name) for group in promised for name in promised[group]}


def test_pip_installs_the_core_from_its_folder_and_an_adapter_beside_it(tmp_path: Path) -> None:
    run([sys.executable, "-m", "venv", tmp_path / "fresh"])
    fresh = Environment(tmp_path / "fresh")
    run([fresh.python, "-m", "pip", "install", "--quiet", "."])
    assert (
        run([fresh.python, "-c", "import importlib.util as u; print(u.find_spec('websockets'), u.find_spec('strikeloop_gate'))"]).split()
        == ["None"] * 2
    )
    run([fresh.python, "-m", "pip", "install", "--quiet", "./plugins/gate"])
    assert "strikeloop_gate" in run([fresh.python, "-c", "import strikeloop_gate; print(strikeloop_gate.__name__)"])
