"""A notice at the end of a test run: what has grown large, and which module has no twin among the tests."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.sources import CORE, ROOT, modules, place, tree

FILE_LINES = 400
FUNCTION_LINES = 50


def large() -> Iterator[str]:
    """Files and functions beyond what STYLE calls a sign to look again."""
    for path in modules("framework", "plugins", "strategies"):
        lines = path.read_text(encoding="utf-8").count("\n")
        if lines > FILE_LINES:
            yield f"{place(path, 1)}: {lines} lines in one file"
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > FUNCTION_LINES:
                    yield f"{place(path, node.lineno)}: {length} lines in {node.name}"


def without_twin() -> Iterator[str]:
    """Modules of the core for which tests/framework has neither a test of that name nor a folder."""
    for path in sorted(CORE.iterdir()):
        if path.stem.startswith("_") or path.suffix not in (".py", ""):
            continue
        twin = ROOT / "tests" / "framework" / f"test_{path.stem}.py"
        if not twin.is_file() and not (twin.parent / path.stem).is_dir() and not _is_facade(path):
            yield f"{place(path, 1)}: no tests/framework/test_{path.stem}.py"


def _is_facade(path: Path) -> bool:
    return path.name.startswith((".", "__pycache__"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    notices = [*large(), *without_twin()]
    if notices:
        terminalreporter.section("worth another look")
        for notice in notices:
            terminalreporter.write_line(notice)
