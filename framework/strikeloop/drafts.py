"""Frozen values made quickly: positional constructors, and copies with something changed, for who makes millions.

Owns `draft`, `maker`, `many` and `changer`. A frozen attrs class pays for each field on its way in; here the object is filled while
it still is of a mutable twin with the same layout, and becomes of its class when it is whole. Nobody else ever sees it unfrozen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import attrs

T = TypeVar("T")


def draft(cls: type[T]) -> Callable[[], Any]:
    """The mutable twin of `cls`: called without arguments it gives an empty object. Whoever fills all its fields makes it one of `cls`.

    For slotted attrs classes without converters, validators and `__attrs_post_init__`; any other raises TypeError. For the
    few places where even the call of what `maker` makes is too much.

    >>> from strikeloop import UnderlyingPriced
    >>> event = draft(UnderlyingPriced)()
    >>> event.time, event.received, event.adapter, event.underlying, event.price = 5, 6, "gate", "BTC_USDT", 70_000.0
    >>> event.__class__ = UnderlyingPriced
    >>> event
    UnderlyingPriced(time=5, received=6, adapter='gate', underlying='BTC_USDT', price=70000.0)
    """
    _names(cls)
    plain = {special: getattr(object, special) for special in ("__init__", "__setattr__", "__delattr__")}
    return type(f"{cls.__name__}Draft", cls.__bases__, {"__slots__": vars(cls)["__slots__"], **plain})


def maker(cls: type[T]) -> Callable[..., T]:
    """A function that takes every field of `cls` by position, in the order of `attrs.fields(cls)`, and gives the instance.

    For slotted attrs classes without converters, validators and `__attrs_post_init__`; any other raises TypeError. Defaults
    do not apply. It costs about a third of `cls(...)`.

    >>> from strikeloop import UnderlyingPriced
    >>> maker(UnderlyingPriced)(5, 6, "gate", "BTC_USDT", 70_000.0)
    UnderlyingPriced(time=5, received=6, adapter='gate', underlying='BTC_USDT', price=70000.0)
    """
    names = _names(cls)
    lines = [f"def make({', '.join(names)}):", " draft = draft_of()", *(f" draft.{name} = {name}" for name in names)]
    make: Callable[..., T] = _compiled(cls, lines, "make")
    return make


def many(cls: type[T]) -> Callable[..., list[T]]:
    """`maker` for columns: takes one sequence for each field and gives the instances, row by row, without a call for each.

    >>> from strikeloop import UnderlyingPriced
    >>> [event.price for event in many(UnderlyingPriced)([5, 6], [5, 6], ["gate"] * 2, ["BTC_USDT"] * 2, [1.0, 2.0])]
    [1.0, 2.0]
    """
    names = _names(cls)
    lines = ["def make(*columns):", " made = []", " put = made.append", f" for {', '.join(names)} in zip(*columns, strict=True):"]
    lines += ["  draft = draft_of()", *(f"  draft.{name} = {name}" for name in names), "  draft.__class__ = cls", "  put(draft)"]
    make: Callable[..., list[T]] = _compiled(cls, [*lines, " return made"], "make", whole=True)
    return make


def changer(cls: type[T], *names: str) -> Callable[..., T]:
    """A function that takes an instance of `cls` and what is to be different of it, and gives the other instance.

    With `names` these fields are given by position, in that order; without, any by name. For the same classes as `maker`. It
    does what attrs.evolve does, at about a tenth of its cost. A name that is no field raises AttributeError.

    >>> from strikeloop import UnderlyingPriced
    >>> changer(UnderlyingPriced, "price")(UnderlyingPriced(time=5, received=6, adapter="gate", underlying="BTC_USDT", price=1.0), 2.0)
    UnderlyingPriced(time=5, received=6, adapter='gate', underlying='BTC_USDT', price=2.0)
    """
    fields = _names(cls)
    if unknown := [name for name in names if name not in fields]:
        raise AttributeError(f"{cls.__name__} has no field {', '.join(unknown)}")
    kept = [f" draft.{name} = value.{name}" for name in fields if name not in names]
    if names:
        lines = [f"def change(value, {', '.join(names)}):", " draft = draft_of()", *kept, *(f" draft.{name} = {name}" for name in names)]
    else:
        lines = [
            "def change(value, /, **changes):",
            " draft = draft_of()",
            *kept,
            " for name in changes:",
            "  setattr(draft, name, changes[name])",
        ]
    change: Callable[..., T] = _compiled(cls, lines, "change")
    return change


def _names(cls: type[Any]) -> list[str]:
    """The fields of a class that runs no code when it is made."""
    fields = attrs.fields(cls)
    idle = [field.name for field in fields if field.converter is not None or field.validator is not None or not field.init]
    if idle or hasattr(cls, "__attrs_post_init__"):
        raise TypeError(f"{cls.__name__} runs code when it is made ({', '.join(idle) or '__attrs_post_init__'}); call it as it is")
    if "__slots__" not in vars(cls):
        raise TypeError(f"{cls.__name__} has no __slots__; call it as it is")
    return [field.name for field in fields]


def _compiled(cls: type[Any], lines: list[str], name: str, *, whole: bool = False) -> Any:
    """The function `name` of these lines, which fill a draft; where they are not `whole` it is finished and returned behind them."""
    scope: dict[str, Any] = {"draft_of": draft(cls), "cls": cls}
    end = [] if whole else [" draft.__class__ = cls", " return draft"]
    exec("\n".join([*lines, *end]), scope)  # noqa: S102  # names of fields, as attrs itself writes its constructors
    return scope[name]
