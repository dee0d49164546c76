"""A tree as typed forms, or the one field that is wrong: the thorough way of reading, and the reference for the swift one.

Owns `structured`. cattrs walks the unions and lists; each leaf is taken as it stands or refused, whatever it looks like:
a number is a JSON number or the text of one, a whole number is written as one, text is text. It never keeps what no form
names (`strictjson.extras` does), and never raises anything but `MalformedError`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

import cattrs
import msgspec
from msgspec import Raw, Struct, UnsetType

from strikeloop_gate.figures import figure, whole
from strikeloop_gate.strictjson import MalformedError, Numeral

S = TypeVar("S", bound=Struct)
Hook = Callable[[Any, Any], Any]
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?", re.ASCII)
_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]*)", re.ASCII)
LARGEST = 1e30
LONGEST = 4_000
"""Digits of a number: where Python's own limit for converting text to integers is near."""


def structured(node: Any, form: type[S]) -> S:
    """The object `node` of a tree as this form. Raises MalformedError with the place inside the object."""
    made: S = _converter.structure(node, form)
    return made


def number(text: str) -> float:
    """The value of a JSON number's text as a float. Raises MalformedError where it is none, or beyond ±1e30."""
    value = float(text) if len(text) <= LONGEST and _NUMBER.fullmatch(text) else math.nan
    if not -LARGEST <= value <= LARGEST:
        raise _refused("number", text)
    return value


def _refused(expected: str, node: Any) -> MalformedError:
    shown = f" ({str(node)[:40]!r})" if isinstance(node, str) else ""
    return MalformedError("", f"expected `{expected}`, got `{_kind(node)}`{shown}")


def _kind(node: Any) -> str:
    if isinstance(node, Numeral):
        return "int" if _WHOLE.fullmatch(node) else "float"
    return {dict: "object", list: "array", type(None): "null"}.get(type(node), type(node).__name__)


def _decimal(node: Any, _: Any) -> Decimal:
    if not isinstance(node, str):
        raise _refused("number", node)
    number(node)
    return figure(Decimal(node), "")


def _whole(node: Any, _: Any) -> Decimal:
    return whole(_decimal(node, Decimal), "")


def _figure(node: Any, _: Any) -> float:
    if not isinstance(node, str):
        raise _refused("number", node)
    return number(node)


def _text(node: Any, _: Any) -> str:
    if type(node) is not str:
        raise _refused("str", node)
    return node


def _flag(node: Any, _: Any) -> bool:
    if type(node) is not bool:
        raise _refused("bool", node)
    return node


def _int(node: Any, _: Any) -> int:
    if not isinstance(node, Numeral) or len(node) > LONGEST or not _WHOLE.fullmatch(node):
        raise _refused("int", node)
    return int(node)


def _annotated(kind: Any) -> Hook:
    """A number of contracts, or a whole number within the bounds its annotation tells."""
    if get_args(kind)[0] is Decimal:
        return _whole
    bounds = next(part for part in get_args(kind)[1:] if isinstance(part, msgspec.Meta))

    def hook(node: Any, _: Any) -> int:
        value = _int(node, int)
        if value < bounds.ge or value > bounds.le:  # type: ignore[operator]  # every whole number of the forms has both
            raise MalformedError("", f"expected `int` from {bounds.ge} to {bounds.le}, got {str(value)[:40]}")
        return value

    return hook


def _one_of(kind: Any) -> Hook:
    """An optional field is there or not at all; null is for those that say so. Of two kinds, text goes with a number or none."""
    kinds = [part for part in get_args(kind) if part is not UnsetType]
    hooks: dict[Any, Hook] = {part: _converter.get_structure_hook(part) for part in kinds if part is not type(None)}

    def hook(node: Any, _: Any) -> Any:
        if node is None and type(None) in kinds:
            return None
        if str in hooks and float in hooks:
            return "" if type(node) is str and not node else _figure(node, float)
        if type(node) is str and str in hooks:
            return node
        found = next(part for part in hooks if part is not str or len(hooks) == 1)
        return hooks[found](node, found)

    return hook


def _struct(form: type[Struct]) -> Hook:
    hints = get_type_hints(form, include_extras=True)
    fields = [(field.name, hints[field.name], field.required, _converter.get_structure_hook(hints[field.name])) for field in _fields(form)]

    def hook(node: Any, _: Any) -> Any:
        if not isinstance(node, Mapping):
            raise _refused("object", node)
        found = {}
        for name, kind, required, take in fields:
            if name in node:
                with within(name):
                    found[name] = take(node[name], kind)
            elif required:
                raise MalformedError(name, "the field is missing")
        return form(**found)

    return hook


def _list(kind: Any) -> Hook:
    (item,) = get_args(kind)
    take = _converter.get_structure_hook(item)

    def hook(node: Any, _: Any) -> list[Any]:
        if not isinstance(node, list):
            raise _refused("array", node)
        found = []
        for index, one in enumerate(node):
            with within(f"[{index}]"):
                found.append(take(one, item))
        return found

    return hook


def _dict(kind: Any) -> Hook:
    _, item = get_args(kind)
    take = _converter.get_structure_hook(item)

    def hook(node: Any, _: Any) -> dict[str, Any]:
        if not isinstance(node, Mapping):
            raise _refused("object", node)
        found = {}
        for key, one in node.items():
            with within(key[:40]):
                found[key] = take(one, item)
        return found

    return hook


class within:  # noqa: N801  # used as a statement, like contextlib's
    """Puts a place before the place of every MalformedError raised inside."""

    def __init__(self, place: str) -> None:
        self._place = place

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        if isinstance(error, MalformedError):
            joint = "." if error.field and not error.field.startswith("[") else ""
            raise MalformedError(f"{self._place}{joint}{error.field}", error.reason) from None


@cache
def _fields(form: type[Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(form)


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Struct)


def _from(*origins: Any) -> Callable[[Any], bool]:
    """Whether a type is one of these generic ones."""
    return lambda kind: get_origin(kind) in origins


_converter = cattrs.Converter()
for leaf, take in ((Decimal, _decimal), (Raw, _figure), (float, _figure), (str, _text), (bool, _flag), (int, _int)):
    _converter.register_structure_hook(leaf, take)
_converter.register_structure_hook_factory(_from(Annotated), _annotated)
_converter.register_structure_hook_factory(_from(list), _list)
_converter.register_structure_hook_factory(_from(dict), _dict)
_converter.register_structure_hook_factory(_from(Union, UnionType), _one_of)
_converter.register_structure_hook_factory(_is_struct, _struct)
