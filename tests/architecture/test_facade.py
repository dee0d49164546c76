"""`import strikeloop` loads nothing, and every public name is there when it is asked for."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

import strikeloop
from tests.architecture.sources import CORE, tree


def run(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def declared() -> dict[str, str]:
    """Each public name with the module that type checkers are told to find it in."""
    (block,) = (node for node in tree(CORE / "__init__.py").body if isinstance(node, ast.If) and isinstance(node.test, ast.Name))
    return {alias.name: node.module or "" for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}


def test_importing_strikeloop_loads_nothing_else() -> None:
    program = "import sys; old = set(sys.modules); import strikeloop; print(*sorted(set(sys.modules) - old - {'typing'}))"
    new = run(program).split()
    assert [name for name in new if name.partition(".")[0] not in sys.stdlib_module_names] == ["strikeloop"]


def test_a_name_of_the_vocabulary_loads_no_floor_above_it() -> None:
    program = "import sys; from strikeloop import Event; print(*(name for name in sys.modules if name.startswith('strikeloop.')))"
    assert set(run(program).split()) == {f"strikeloop.{name}" for name in ("errors", "contracts", "commands", "events")}


def test_all_public_names_together_load_nothing_of_a_run_and_nothing_heavy() -> None:
    program = "import sys, strikeloop\nfor name in strikeloop.__all__: getattr(strikeloop, name)\nprint(*sys.modules)"
    loaded = set(run(program).split())
    heavy = {"anyio", "asyncio", "cattrs", "click", "httpx", "rich", "sqlite3", "ssl", "numpy", "pyarrow", "websockets", "msgspec"}
    assert loaded & heavy == set()
    runs = {f"strikeloop.{name}" for name in ("engine", "backtest", "live", "session", "load", "journal", "runs", "summary", "settings")}
    assert loaded & runs == set()


def test_a_backtest_loads_nothing_of_a_live_run() -> None:
    program = "import sys\nfrom strikeloop.study.planning import open_study\nprint(*sys.modules)"
    loaded = set(run(program).split())
    assert loaded & {"anyio", "asyncio", "httpx", "rich", "sqlite3", "ssl", "numpy", "strikeloop.live", "strikeloop.session"} == set()


def test_a_driver_and_a_venue_made_by_hand_load_no_converter() -> None:
    program = "import sys, strikeloop.backtest, strikeloop.venue\nfrom strikeloop_venue import VenueSettings\nprint(*sys.modules)"
    assert set(run(program).split()) & {"anyio", "cattrs", "numpy", "strikeloop.load", "strikeloop.settings"} == set()


@pytest.mark.parametrize("name", strikeloop.__all__)
def test_a_public_name_is_the_one_that_type_checkers_see(name: str) -> None:
    home = declared()[name]
    __import__(home)
    assert getattr(strikeloop, name) is getattr(sys.modules[home], name)


def test_type_checkers_and_the_interpreter_are_told_the_same_names() -> None:
    assert sorted(declared()) == sorted(strikeloop.__all__)
    assert set(strikeloop.__all__) <= set(dir(strikeloop))


@pytest.mark.parametrize("module", ["events", "commands", "contracts", "errors"])
def test_every_public_class_of_the_vocabulary_is_exported(module: str) -> None:
    classes = {node.name for node in tree(CORE / f"{module}.py").body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")}
    assert classes - set(strikeloop.__all__) == set()


def test_a_misspelt_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Dask'"):
        getattr(strikeloop, "Dask")  # noqa: B009  the type checker must not see the mistake that is made here on purpose
    with pytest.raises(ImportError):
        exec("from strikeloop import Dask")  # noqa: S102  the same
