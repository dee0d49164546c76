"""Imports point down the floors, plugins see public modules only, and what decides is pure."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.sources import CORE, ROOT, floors, imports, modules, place, rooms, tree

PUBLIC = frozenset({"strikeloop", *(f"strikeloop.{name}" for name in ("adapter", "venue", "wire", "pricing", "margin", "testing"))})
IMPURE_MODULES = {
    *("anyio", "asyncio", "concurrent", "multiprocessing", "selectors", "signal", "subprocess", "threading", "trio"),
    *("httpx", "io", "os", "pathlib", "shutil", "socket", "sqlite3", "ssl", "tempfile", "urllib", "websockets"),
    *("logging", "secrets", "time", "uuid"),
}
IMPURE_CALLS = frozenset({"open", "print", "input"})
CLOCK_CALLS = frozenset({"now", "utcnow", "today"})
PLUGINS = tuple(
    sorted(path.name for path in [*ROOT.glob("plugins/*/strikeloop_*"), *ROOT.glob("strategies/strikeloop_*")] if path.is_dir())
)
SHELL = {"served", "command", "command.py", "configured.py", "latency_table.py", "picture.py", "recorded.py"}
VENUE = (path for path in modules("plugins/venue") if not SHELL & set(path.parts))
DECIDING = (*rooms(0, 1, 3, 4), *modules("plugins/risk", "strategies"), *VENUE)


def impurities(path: Path) -> Iterator[str]:
    """Everything in a module that reads a clock, a random source or the environment, does I/O or logs."""
    for found in imports(path):
        top = found.module.partition(".")[0]
        if top in IMPURE_MODULES:
            yield f"{place(path, found.line)} imports {found.module}"
        if top == "random" and set(found.names) - {"Random"}:
            yield f"{place(path, found.line)} imports a random source that nobody seeds"
    global_random = any(found.module == "random" and not found.names for found in imports(path))
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            yield from (f"{place(path, node.lineno)} {what}" for what in _impure_call(node, global_random=global_random))


def _impure_call(node: ast.Call, *, global_random: bool) -> Iterator[str]:
    match node.func:
        case ast.Name(id=name) if name in IMPURE_CALLS:
            yield f"calls {name}()"
        case ast.Attribute(value=ast.Name(id="datetime" | "date"), attr=name) if name in CLOCK_CALLS:
            yield f"asks the machine for the time: {name}()"
        case ast.Attribute(value=ast.Attribute(attr="datetime" | "date"), attr=name) if name in CLOCK_CALLS:
            yield f"asks the machine for the time: {name}()"
        case ast.Attribute(value=ast.Name(id="random"), attr=name) if global_random and name != "Random":
            yield f"draws from the global random source: random.{name}()"
    if isinstance(node.func, ast.Name | ast.Attribute):
        name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        if name == "Random" and not node.args:
            yield "makes a Random without a seed"


def test_every_import_contract_is_kept() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_are_eight_floors_and_no_module_has_two() -> None:
    names = [name for floor in floors() for name in floor]
    assert len(floors()) == 8
    assert len(names) == len(set(names))


@pytest.mark.parametrize("path", DECIDING, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_decides_has_no_clock_no_chance_no_environment_no_io_and_no_log(path: Path) -> None:
    assert list(impurities(path)) == []


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "from os import environ",
        "import logging.handlers",
        "import random\nrandom.random()",
        "from random import choice",
        "import random\nrandom.Random()",
        "from random import Random\nRandom()",
        "import datetime\ndatetime.datetime.now()",
        "from datetime import date\ndate.today()",
        "open('x')",
    ],
)
def test_each_impurity_is_seen(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "module.py"
    path.write_text(source)
    monkeypatch.setattr("tests.architecture.sources.ROOT", tmp_path)
    assert list(impurities(path))


def test_a_seeded_random_source_and_a_given_time_are_pure(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    lines = ["from random import Random", "from datetime import datetime, UTC", "random = Random(7)", "random.random()"]
    path.write_text("\n".join([*lines, "datetime.fromtimestamp(0, UTC)"]))
    assert list(impurities(path)) == []


def test_the_core_does_not_go_through_its_own_front_door() -> None:
    names = {name for floor in floors() for name in floor}
    assert [
        f"{place(path, found.line)} imports {sorted(set(found.names) - names)} from strikeloop: name the module that owns it"
        for path in modules("framework")
        for found in imports(path)
        if found.module == "strikeloop" and set(found.names) - names
    ] == []


@pytest.mark.parametrize("package", PLUGINS)
def test_a_plugin_imports_public_modules_only_and_no_other_plugin(package: str) -> None:
    def is_foreign(module: str) -> bool:
        top, _, rest = module.partition(".")
        if top == "strikeloop" and rest:
            return f"strikeloop.{rest.partition('.')[0]}" not in PUBLIC
        return top.startswith("strikeloop_") and top != package

    paths = [path for path in modules("plugins", "strategies") if package in path.parts]
    assert paths
    assert [
        f"{place(path, found.line)} imports {name}"
        for path in paths
        for found in imports(path)
        for name in _named(found.module, found.names)
        if is_foreign(name)
    ] == []


def _named(module: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """The modules an import names: `from strikeloop import engine` takes a module out of the package."""
    if module == "strikeloop":
        return tuple(f"strikeloop.{name}" for name in names if (CORE / name).is_dir() or (CORE / f"{name}.py").is_file()) or (module,)
    return (module,)
