"""The repository as the architecture tests see it: its files, the syntax of its modules, and the floors.

The floors are read from the import-linter contract in pyproject.toml, the one place where they are written down.
"""

from __future__ import annotations

import ast
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import attrs

ROOT = Path(__file__).parents[2]
CORE = ROOT / "framework" / "strikeloop"


@attrs.frozen
class Import:
    """One import: `module` is what is named after `from` or `import`, `names` what is taken out of it."""

    module: str
    names: tuple[str, ...]
    line: int


@cache
def project() -> dict[str, Any]:
    """The root pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@cache
def files() -> tuple[Path, ...]:
    """Every file that is tracked, or would be at the next `git add`."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return tuple(path for line in sorted(set(listed.splitlines())) if (path := ROOT / line).is_file())


def modules(*folders: str) -> tuple[Path, ...]:
    """Every Python file below these folders of the repository."""
    roots = tuple(ROOT / folder for folder in folders)
    return tuple(path for path in files() if path.suffix == ".py" and any(path.is_relative_to(root) for root in roots))


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a module."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def place(path: Path, line: int) -> str:
    """How a finding names its place: path from the root, and line."""
    return f"{path.relative_to(ROOT)}:{line}"


def imports(path: Path) -> Iterator[Import]:
    """Every import of a module, wherever it stands in it."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, (), node.lineno)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield Import(node.module, tuple(alias.name for alias in node.names), node.lineno)


def floors() -> tuple[tuple[str, ...], ...]:
    """The modules of the core by floor, the ground floor first."""
    contracts = project()["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    return tuple(tuple(name.strip(" ()") for name in layer.replace("|", ":").split(":")) for layer in reversed(layers))


def rooms(*numbers: int) -> tuple[Path, ...]:
    """The Python files of these floors, packages included."""
    names = {name for number in numbers for name in floors()[number]}
    return tuple(path for path in modules("framework/strikeloop") if path.relative_to(CORE).parts[0].removesuffix(".py") in names)
