"""What people build on changes only where somebody meant it: names, signatures, fields and hooks are as they are pinned."""

from __future__ import annotations

import difflib
import inspect
from importlib import import_module

import pytest

from tests.architecture.public_api import MODULES, PINNED, lines


def test_the_public_api_is_as_it_is_pinned() -> None:
    pinned, found = PINNED.read_text(encoding="utf-8").splitlines(), list(lines())
    changes = [line for line in difflib.unified_diff(pinned, found, "pinned", "found", lineterm="", n=0) if line[0] in "+-"]
    assert not changes, "\n".join(
        ["the public API changed; where that is meant, run python -m tests.architecture.public_api and say it in CHANGELOG.md", *changes]
    )


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_says_what_it_is(module: str) -> None:
    found = import_module(f"strikeloop{module}")
    silent = [name for name in found.__all__ if callable(value := getattr(found, name)) and not inspect.getdoc(value)]
    assert silent == []
