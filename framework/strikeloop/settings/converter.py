"""The strict converter: a mapping from outside becomes an attrs value, or every problem with it is told.

Owns which types settings may have and how problems get their place. cattrs walks the classes; every leaf goes
through strikeloop.settings.scalars. Never stops at the first problem.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import attrs
import cattrs
from cattrs.errors import BaseValidationError, ForbiddenExtraKeysError
from cattrs.gen import make_dict_structure_fn

from strikeloop.errors import ConfigError, Problem
from strikeloop.settings import scalars
from strikeloop.settings.scalars import ValueRefusedError, did_you_mean, shown
from strikeloop.settings.secrets import Vault, is_reference
from strikeloop.wire.secret import Secret

T = TypeVar("T")
Key = tuple[str | int, ...]
Locate = Callable[[Key], str]
Hook = Callable[[Any, Any], Any]

_ORDERED = (list, tuple, set, frozenset, Sequence)


class Structurer:
    """A converter with the vault its secrets come from. Keep one per load: secrets are read once.

    >>> import attrs
    >>> @attrs.frozen
    ... class Limits:
    ...     max_vega: float
    >>> Structurer().structure({"max_vega": 500}, Limits)
    Limits(max_vega=500.0)
    """

    def __init__(self, vault: Vault | None = None) -> None:
        self.vault = vault or Vault()

    def structure(self, data: Any, cls: type[T], where: str = "", locate: Locate | None = None) -> T:
        """`data` as a `cls`. `where` is the key of `data` itself; `locate` names the place of a key below it ("a.toml:3").

        Raises ConfigError with every problem found.
        """
        try:
            return self._converter.structure(data, cls)
        except (BaseValidationError, ValueRefusedError, NameError, TypeError, ValueError) as error:
            found = tuple(_problems(error, (), where, locate or (lambda _key: "")))
            raise ConfigError(found) from error

    @cached_property
    def _converter(self) -> cattrs.Converter:
        made = cattrs.Converter(
            detailed_validation=True, forbid_extra_keys=True, use_alias=True, structure_fallback_factory=lambda _cls: _unknown
        )
        for cls, hook in _SCALARS.items():
            made.register_structure_hook(cls, hook)
        made.register_structure_hook(bytes, _unknown)
        for kind in scalars.MOMENTS:
            made.register_structure_hook(kind, scalars.moment)
        # A later registration is asked earlier: the general ones come first.
        made.register_structure_hook_factory(lambda cls: isinstance(cls, type) and issubclass(cls, Enum), lambda _: scalars.member)
        made.register_structure_hook_factory(_is_literal, _literal_hook)
        made.register_structure_hook_factory(_is_ordered, _ordered_hook(made))
        made.register_structure_hook_factory(_is_table, _table_hook(made))
        made.register_structure_hook_factory(attrs.has, _class_hook(made))
        made.register_structure_hook_factory(_is_union, lambda cls: _union_hook(made, get_args(cls), self.vault))
        made.register_structure_hook_func(_is_secret, lambda value, _cls: self.vault.resolve(value))
        return made


def structure(data: Any, cls: type[T], where: str = "", locate: Locate | None = None) -> T:
    """`Structurer().structure`: for one value whose secrets, if any, come from this process's environment."""
    return Structurer().structure(data, cls, where, locate)


def _unknown(_value: Any, cls: Any) -> Any:
    raise ValueRefusedError(f"{_spelled(cls)} cannot be a setting", "use text, numbers, flags, lists, tables or attrs classes of these")


_SCALARS: dict[type, Hook] = {
    str: scalars.text,
    int: scalars.whole,
    float: scalars.number,
    bool: scalars.flag,
    Decimal: scalars.exact,
    Path: scalars.path,
}


_NAMES = {str: "text", int: "a whole number", float: "a number", bool: "true or false", Decimal: "an exact number", Path: "a path"}


def _is_secret(cls: Any) -> bool:
    return cls is Secret


def _is_literal(cls: Any) -> bool:
    return get_origin(cls) is Literal


def _is_union(cls: Any) -> bool:
    return get_origin(cls) in (Union, types.UnionType)


def _is_ordered(cls: Any) -> bool:
    return (get_origin(cls) or cls) in _ORDERED


def _is_table(cls: Any) -> bool:
    return (get_origin(cls) or cls) in (dict, Mapping)


def _literal_hook(cls: Any) -> Hook:
    choices = get_args(cls)
    return lambda value, _cls: scalars.literal(value, choices)


def _ordered_hook(converter: cattrs.Converter) -> Callable[[Any], Hook]:
    def factory(cls: Any) -> Hook:
        origin = get_origin(cls) or cls
        items = get_args(cls) or (Any, ...)
        build = tuple if origin is Sequence else origin
        fixed = len(items) if origin is tuple and items[-1] is not Ellipsis else None

        def hook(value: Any, _cls: Any) -> Any:
            if not isinstance(value, list | tuple):
                raise ValueRefusedError(f"expected a list, got {shown(value)}")
            if fixed not in (None, len(value)):
                raise ValueRefusedError(f"expected a list of {fixed}, got one of {len(value)}")
            kinds = items if fixed is not None else (items[0],) * len(value)
            return build(_all(converter, [*zip(range(len(value)), value, kinds, strict=True)]))

        return hook

    return factory


def _all(converter: cattrs.Converter, parts: list[tuple[str | int, Any, Any]]) -> list[Any]:
    """Every part structured; all that fail are raised together, each with its index or key."""
    made: list[Any] = []
    failed: list[tuple[str | int, Exception]] = []
    for place, item, cls in parts:
        try:
            made.append(converter.structure(item, cls))
        except (BaseValidationError, ValueRefusedError) as error:
            failed.append((place, error))
    if failed:
        raise _PartsRefusedError(failed)
    return made


class _PartsRefusedError(ValueRefusedError):
    """Several items of one list or table are not taken: (index or key, why) for each."""

    def __init__(self, parts: Sequence[tuple[str | int, Exception]]) -> None:
        super().__init__("several items are not taken")
        self.parts = parts


def _table_hook(converter: cattrs.Converter) -> Callable[[Any], Hook]:
    def factory(cls: Any) -> Hook:
        item = (get_args(cls) or (str, Any))[1]

        def hook(value: Any, _cls: Any) -> dict[str, Any]:
            if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
                raise ValueRefusedError(f"expected a table, got {shown(value)}")
            return dict(zip(value, _all(converter, [(key, part, item) for key, part in value.items()]), strict=True))

        return hook

    return factory


def _class_hook(converter: cattrs.Converter) -> Callable[[Any], Hook]:
    def factory(cls: Any) -> Hook:
        fill = make_dict_structure_fn(cls, converter)

        def hook(value: Any, cls: Any) -> Any:
            if not isinstance(value, Mapping):
                raise ValueRefusedError(f"expected a table, got {shown(value)}")
            return fill(value, cls)

        return hook

    return factory


def _union_hook(converter: cattrs.Converter, members: tuple[Any, ...], vault: Vault) -> Hook:
    optional = type(None) in members
    rest = tuple(one for one in members if one is not type(None))

    def hook(value: Any, _cls: Any) -> Any:
        if value is None and optional:
            return None
        try:
            if len(rest) == 1 or isinstance(value, Mapping):
                return converter.structure(value, _chosen(value, rest))
            return _first(converter, value, rest)
        except ValueRefusedError:
            if optional and not vault.needed and _is_secret(rest[0]) and is_reference(value):
                return None
            raise

    return hook


def _chosen(value: Any, members: tuple[Any, ...]) -> Any:
    """The one member meant by `value`: the only one, the only table, or the table whose literal (`kind = …`) it carries."""
    if len(members) == 1:
        return members[0]
    tables = [cls for cls in members if attrs.has(cls) or _is_table(cls)]
    named = [cls for cls in tables if attrs.has(cls) and _carries_literal(value, cls)]
    if len(named) == 1 or len(tables) == 1:
        return (named or tables)[0]
    raise ValueRefusedError(f"expected {' or '.join(map(_spelled, members))}, got {shown(value)}")


def _carries_literal(value: Mapping[str, Any], cls: type) -> bool:
    fields = attrs.fields(attrs.resolve_types(cls))
    return any(_is_literal(field.type) and value.get(field.name) in get_args(field.type) for field in fields)


def _first(converter: cattrs.Converter, value: Any, members: tuple[Any, ...]) -> Any:
    """`value` as the first member that takes it; one of exactly its own type goes before."""
    for cls in sorted(members, key=lambda one: one is not type(value)):
        try:
            return converter.structure(value, cls)
        except (ValueRefusedError, BaseValidationError):
            continue
    raise ValueRefusedError(f"expected {' or '.join(map(_spelled, members))}, got {shown(value)}")


def _spelled(cls: Any) -> str:
    return _NAMES.get(cls) or ("a table" if _is_table(cls) else "a list" if _is_ordered(cls) else "") or str(getattr(cls, "__name__", cls))


def _problems(error: BaseException, key: Key, where: str, locate: Locate) -> Iterator[Problem]:
    """Every problem in the tree of exceptions, with its place."""
    if isinstance(error, _PartsRefusedError):
        for place, part in error.parts:
            yield from _problems(part, (*key, place), where, locate)
    elif isinstance(error, BaseValidationError):
        for inner in error.exceptions:
            yield from _problems(inner, (*key, *_noted(inner)), where, locate)
    elif isinstance(error, ForbiddenExtraKeysError):
        known = [field.alias or field.name for field in attrs.fields(error.cl) if field.init]
        for name in sorted(error.extra_fields):
            yield Problem(_place((*key, name), where, locate), "unknown key", did_you_mean(name, known))
    elif isinstance(error, ConfigError):
        # A settings class checks what belongs together itself; its problems name fields.
        for problem in error.problems:
            yield Problem(_place((*key, *filter(None, problem.where.split("."))), where, locate), problem.what, problem.fix)
    else:
        what, fix = _said(error)
        yield Problem(_place(key, where, locate), what, fix)


def _said(error: BaseException) -> tuple[str, str]:
    if isinstance(error, ValueRefusedError):
        return error.what, error.fix
    if isinstance(error, KeyError):
        return "missing", "it has no default"
    # Validators of attrs put their sentence first and the field, the class and the value behind it.
    return str(error.args[0]) if error.args else type(error).__name__, ""


def _noted(error: BaseException) -> Key:
    for note in getattr(error, "__notes__", ()):
        name = getattr(note, "name", None)
        if name is not None:
            return (str(name),)
    return ()


def _place(key: Key, where: str, locate: Locate) -> str:
    path = where
    for part in key:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    found = locate(key)
    return f"{path or 'settings'} ({found})" if found else path or "settings"
