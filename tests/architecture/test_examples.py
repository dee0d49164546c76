"""The examples in docstrings are true."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, modules


def runs(path: Path) -> bool:
    """Whether a module has an example that is not marked as one to look at only."""
    return any(">>> " in line and "+SKIP" not in line for line in path.read_text(encoding="utf-8").splitlines())


DOCUMENTED = [path for path in modules("framework", "plugins", "strategies") if runs(path)]


def dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    start = next(index for index, part in enumerate(parts) if part.startswith("strikeloop"))
    return ".".join(parts[start:]).removesuffix(".__init__")


@pytest.mark.parametrize("path", DOCUMENTED, ids=dotted)
def test_the_examples_of_a_module_run_as_written(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = doctest.testmod(importlib.import_module(dotted(path)), optionflags=doctest.ELLIPSIS)
    assert result.attempted > 0
    assert result.failed == 0, capsys.readouterr().out
