"""The README of strikeloop-gate does what it says."""

from __future__ import annotations

import doctest
import importlib
import tomllib
from pathlib import Path
from typing import Any

import pytest

from strikeloop.wire import Secret
from strikeloop_gate import Dialect, Gate

README = Path(__file__).parents[3] / "plugins/gate/README.md"


def test_the_python_of_the_readme_runs_and_prints_what_it_says() -> None:
    result = doctest.testfile(str(README), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert (result.failed, result.attempted > 5) == (0, True)


def test_the_settings_of_the_readme_are_the_defaults() -> None:
    text = README.read_text().split("```toml\n")[1].split("```")[0]
    table = tomllib.loads(text)["adapters"]["gate"]
    assert (table.pop("use"), table.pop("key"), table.pop("secret")) == ("gate", {"env": "GATE_KEY"}, {"env": "GATE_SECRET"})
    table = {name: tuple(value) if isinstance(value, list) else value for name, value in table.items()}
    secrets: dict[str, Any] = {"key": Secret("k"), "secret": Secret("s")}
    given, default = Gate(**table, **secrets), Gate(**secrets)
    assert given == default
    assert given.dialect is Dialect.GATE


@pytest.mark.parametrize("module", ["adapter", "decode", "restforms"])
def test_the_examples_in_the_docstrings_run(module: str) -> None:
    result = doctest.testmod(importlib.import_module(f"strikeloop_gate.{module}"))
    assert (result.failed, result.attempted > 0) == (0, True)
