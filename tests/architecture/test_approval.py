"""No order reaches a venue without a review: only strikeloop.review makes an `Approved`."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.architecture.sources import CORE, modules, place, tree


def approvals(path: Path) -> list[int]:
    """The lines on which a module constructs an `Approved`, parametrized or not."""
    return [node.lineno for node in ast.walk(tree(path)) if isinstance(node, ast.Call) and _name(node.func) == "Approved"]


def _name(function: ast.expr) -> str:
    match function:
        case ast.Subscript(value=value):
            return _name(value)
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def test_only_the_review_makes_an_approved_command() -> None:
    review = {CORE / "review.py", *(CORE / "review").glob("*.py")}
    paths = [path for path in modules("framework", "plugins", "strategies") if path not in review]
    assert [place(path, line) for path in paths for line in approvals(path)] == []


def test_the_review_makes_one() -> None:
    assert any(approvals(path) for path in modules("framework/strikeloop") if "review" in path.stem or path.parent.name == "review")


@pytest.mark.parametrize("source", ["Approved(x)", "Approved[SubmitOrder](x)", "commands.Approved(x)", "c.Approved[C](x)"])
def test_every_way_to_make_one_is_seen(source: str, tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(source)
    assert approvals(path) == [1]
