"""What people's tests are written with is pinned: a change of names or signatures is made on purpose, or not at all.

`public_api.txt` is what is promised. After a change that is meant: `python -m tests.framework.testing.test_public_api`.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import strikeloop.testing as public

PINNED = Path(__file__).with_name("public_api.txt")


def described() -> str:
    """Every public name of strikeloop.testing with its signature, and the public members of classes and of the vocabulary."""
    lines: list[str] = []
    for name in public.__all__:
        lines += _lines(name, getattr(public, name))
    return "\n".join(lines) + "\n"


def _lines(name: str, value: Any) -> Iterator[str]:
    if inspect.ismodule(value):
        for inner, one in sorted(vars(value).items()):
            if not inner.startswith("_") and getattr(one, "__module__", "") == value.__name__:
                yield from _lines(f"{name}.{inner}", one)
    elif isinstance(value, type):
        yield f"class {name}{_signature(value)}"
        yield from (f"    {line}" for line in sorted(_members(value)))
    elif callable(value):
        yield f"def {name}{_signature(value)}"
    else:
        yield f"{name}: {type(value).__name__}"


def _members(cls: type) -> Iterator[str]:
    """What a class and those it is made of bring, but for what comes from elsewhere."""
    seen: set[str] = set()
    for owner in cls.__mro__:
        if not owner.__module__.startswith("strikeloop."):
            continue
        for name, value in vars(owner).items():
            if name.startswith("_") or name in seen:
                continue
            seen.add(name)
            if isinstance(value, property):
                yield name
            elif inspect.isfunction(value):
                yield f"{name}{_signature(value)}"


def _signature(value: Any) -> str:
    try:
        return str(inspect.signature(value))
    except ValueError:  # an enumeration, an exception of the interpreter's
        return ""


def test_the_public_api_is_what_was_promised() -> None:
    told = described()
    assert told == PINNED.read_text(encoding="utf-8"), f"strikeloop.testing has changed; if it is meant: {__doc__}"


def test_every_name_says_what_it_is() -> None:
    assert [name for name in public.__all__ if callable(value := getattr(public, name)) and not inspect.getdoc(value)] == []


if __name__ == "__main__":
    PINNED.write_text(described(), encoding="utf-8")
