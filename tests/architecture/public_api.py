"""The public API as lines of text: every public name with its signature, its fields, its methods.

`python -m tests.architecture.public_api` writes them to public_api.txt beside this file: what a change does to people who build on
strikeloop is then seen in its diff.
"""

from __future__ import annotations

import enum
import inspect
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import attrs

from strikeloop.hooks import HOOKS, instead_of, since

MODULES = ("", ".adapter", ".venue", ".wire", ".pricing", ".margin", ".testing")
PINNED = Path(__file__).with_suffix(".txt")
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
_STARS: Mapping[Any, str] = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}


def lines() -> Iterator[str]:
    """One line for each name and each member, in a fixed order."""
    for module in MODULES:
        found = import_module(f"strikeloop{module}")
        for name in sorted(found.__all__):
            yield from _told(f"strikeloop{module}.{name}", getattr(found, name))
    for hook in HOOKS:
        yield f"hook {hook}: since {since(hook)}{f', will go: {instead_of(hook)}' if instead_of(hook) else ''}"


def _told(name: str, value: Any) -> Iterator[str]:
    if inspect.ismodule(value):
        for inner, one in sorted(vars(value).items()):
            if not inner.startswith("_") and getattr(one, "__module__", "") == value.__name__:
                yield from _told(f"{name}.{inner}", one)
    elif isinstance(value, type):
        bases = ", ".join(base.__name__ for base in value.__bases__ if base is not object)
        yield f"{name}: class({bases})"
        yield from (f"{name}.{member}" for member in sorted(_members(value)))
    elif callable(value):
        yield f"{name}{_signature(value)}"
    else:
        yield f"{name}: {type(value).__name__}"


def _members(cls: type) -> Iterator[str]:
    if issubclass(cls, enum.Enum):
        yield from (f"{one.name} = {one.value!r}" for one in cls)
    elif attrs.has(cls):
        yield from (f"{field.alias}: {_type(field.type)}{'' if field.default is attrs.NOTHING else ' = …'}" for field in attrs.fields(cls))
    for name, member in _methods(cls).items():
        if isinstance(member, staticmethod | classmethod):
            yield f"{name}{_signature(member.__func__)} {type(member).__name__}"
        elif isinstance(member, property):
            yield f"{name} -> {_type(member.fget.__annotations__.get('return')) if member.fget else ''}"
        elif inspect.isfunction(member):
            yield f"{name}{_signature(member)}"


def _methods(cls: type) -> dict[str, Any]:
    """What a class and those of ours that it is made of bring."""
    found: dict[str, Any] = {}
    for owner in reversed(cls.__mro__):
        if owner.__module__.startswith("strikeloop"):
            found.update({name: member for name, member in vars(owner).items() if not name.startswith("_")})
    return found


def _signature(function: Any) -> str:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return "(…)"
    told: list[str] = []
    for one in signature.parameters.values():
        if one.kind is one.KEYWORD_ONLY and not any(word.startswith("*") for word in told):
            told.append("*")
        told.append(_STARS.get(one.kind, "") + _parameter(one))
    returned = "" if signature.return_annotation is signature.empty else f" -> {_type(signature.return_annotation)}"
    return f"({', '.join(told)}){returned}"


def _parameter(one: inspect.Parameter) -> str:
    annotation = "" if one.annotation is one.empty else f": {_type(one.annotation)}"
    default = "" if one.default is one.empty else f" = {_ADDRESS.sub('', repr(one.default))}"
    return f"{one.name}{annotation}{default}"


def _type(kind: Any) -> str:
    return kind.__name__ if isinstance(kind, type) else str(kind)


def main() -> None:
    PINNED.write_text("".join(f"{line}\n" for line in lines()), encoding="utf-8")


if __name__ == "__main__":
    main()
