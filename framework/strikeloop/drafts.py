"""Events made quickly: positional constructors of frozen classes, for who makes millions.

Owns `maker`. A frozen attrs class pays for each field on its way in; here the object is filled while it still is of a
mutable twin with the same layout, and becomes of its class when it is whole. Nobody ever sees it unfrozen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import attrs

T = TypeVar("T")


def maker(cls: type[T]) -> Callable[..., T]:
    """A function that takes every field of `cls` by position, in the order of `attrs.fields(cls)`, and gives the instance.

    For slotted attrs classes without converters, validators and `__attrs_post_init__`; any other raises TypeError. Defaults
    do not apply. It costs about a third of `cls(...)`.

    >>> from strikeloop import UnderlyingPriced
    >>> maker(UnderlyingPriced)(5, 6, "gate", "BTC_USDT", 70_000.0)
    UnderlyingPriced(time=5, received=6, adapter='gate', underlying='BTC_USDT', price=70000.0)
    """
    fields = attrs.fields(cls)  # type: ignore[arg-type]  # what is no attrs class is refused by attrs itself
    idle = [field.name for field in fields if field.converter is not None or field.validator is not None or not field.init]
    if idle or hasattr(cls, "__attrs_post_init__"):
        raise TypeError(f"{cls.__name__} runs code when it is made ({', '.join(idle) or '__attrs_post_init__'}); call it as it is")
    if "__slots__" not in vars(cls):
        raise TypeError(f"{cls.__name__} has no __slots__; call it as it is")
    plain = {name: getattr(object, name) for name in ("__init__", "__setattr__", "__delattr__")}
    own = {"__slots__": vars(cls)["__slots__"], **plain}
    scope: dict[str, Any] = {"draft_of": type(f"{cls.__name__}Draft", cls.__bases__, own), "cls": cls}
    exec(_source([field.name for field in fields]), scope)  # noqa: S102  # names of fields, as attrs itself writes its constructors
    make: Callable[..., T] = scope["make"]
    return make


def _source(names: list[str]) -> str:
    lines = [f"def make({', '.join(names)}):", " draft = draft_of()"]
    lines += [f" draft.{name} = {name}" for name in names]
    return "\n".join([*lines, " draft.__class__ = cls", " return draft"])
