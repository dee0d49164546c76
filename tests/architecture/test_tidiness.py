"""What no file of the repository may hold."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.sources import files, modules, place, tree

CODE = modules("framework", "plugins", "strategies", "tests")
BANNED_NAMES = frozenset({"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"})
# Written in two halves, so that this file does not hold what it forbids.
REGISTRY_HOSTS = re.compile(
    "|".join(
        re.escape(a + b)
        for a, b in (("py", "pi.org"), ("python", "hosted."), ("registry.", "npmjs"), ("deb.", "debian."), ("crates", ".io"))
    )
)
MACHINE_PATHS = re.compile(r"(?<![\w.:/-])/(?:home|root|work|farm|tmp|Users)/[\w.]")
SUPPRESSION = re.compile(r"#\s*(?:type:\s*ignore|noqa|pragma:\s*no cover)\b")
REASONED = re.compile(r"#\s*(?:type:\s*ignore\[[\w\-, ]+\]|noqa:\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*|pragma:\s*no cover)\W+\w+\W+\w+")


def text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def hits(pattern: re.Pattern[str]) -> list[str]:
    return [place(path, number) for path in files() for number, line in enumerate(text(path).splitlines(), 1) if pattern.search(line)]


def suppressions(source: str) -> Iterator[tuple[int, str]]:
    """Line and text of every comment that silences a tool."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and SUPPRESSION.search(token.string):
            yield token.start[0], token.string


def test_no_file_names_a_package_registry() -> None:
    assert hits(REGISTRY_HOSTS) == []


def test_no_file_names_a_path_of_somebodys_machine() -> None:
    assert hits(MACHINE_PATHS) == []


def test_no_lock_file_is_kept() -> None:
    assert [path.name for path in files() if path.name in ("uv.lock", "pylock.toml")] == []


@pytest.mark.parametrize("folder", ["home", "root", "tmp", "Users"])
@pytest.mark.parametrize("line", ["at /{}/anna", '"/{}/run"', "see /{}/.config"])
def test_a_machine_path_is_seen(line: str, folder: str) -> None:
    assert MACHINE_PATHS.search(line.format(folder))


@pytest.mark.parametrize("line", ["wss://host/v4/ws", "/api/v4/options/orders", "https://example.test/tmp/x", "runs/tmp/x"])
def test_a_path_of_an_address_or_of_the_repository_is_none(line: str) -> None:
    assert not MACHINE_PATHS.search(line)


def test_no_handler_catches_without_saying_what() -> None:
    bare = (
        place(path, node.lineno)
        for path in CODE
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ExceptHandler) and node.type is None
    )
    assert list(bare) == []


def test_every_suppression_has_its_code_and_its_reason() -> None:
    assert [place(path, line) for path in CODE for line, comment in suppressions(text(path)) if not REASONED.search(comment)] == []


@pytest.mark.parametrize("comment", ["# {}: ignore", "# {}: ignore[arg-type]", "# {}: ignore[arg-type]  # why"])
def test_a_suppression_without_its_code_or_a_reason_is_seen(comment: str) -> None:
    ((_, found),) = suppressions(f"x = 1  {comment.format('type')}\n")
    assert not REASONED.search(found)


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [str(path) for path in CODE if path.stem in BANNED_NAMES or path.parent.name in BANNED_NAMES] == []


def test_every_module_says_what_it_owns_in_at_most_eight_lines() -> None:
    def problem(path: Path) -> str:
        docstring = ast.get_docstring(tree(path)) or ""
        if not docstring:
            return "has no docstring"
        return f"has a docstring of {docstring.count(chr(10)) + 1} lines" if docstring.count("\n") >= 8 else ""

    assert [f"{place(path, 1)} {problem(path)}" for path in CODE if problem(path)] == []
