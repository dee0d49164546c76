"""Single values, taken as they are or refused: text, numbers, enums, literals, paths, dates.

Owns `ValueRefusedError`, the reason one value is not taken, and the wording of what was expected. Never converts one kind
of value into another, except where nothing is lost: a whole number for a float, text for a Decimal.
"""

from __future__ import annotations

import datetime as dt
import difflib
import math
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Self

from strikeloop.errors import StrikeloopError

_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,39})(?:\.[0-9]{1,40})?")
_MAX_INT = 10**40


class ValueRefusedError(StrikeloopError):
    """One value that is not taken: what is wrong with it, and how to mend it. Becomes a Problem where its place is known."""

    def __init__(self, what: str, fix: str = "") -> None:
        self.what, self.fix = what, fix
        super().__init__(what)


class WrittenFloat(float):
    """A float that remembers how it was written, so that `--set venue.balance=0.1` can become the exact Decimal."""

    def __new__(cls, text: str) -> Self:
        made = super().__new__(cls, text)
        made.text = text
        return made

    text: str


def did_you_mean(word: object, choices: Iterable[str]) -> str:
    """A hint at the nearest of `choices`, or all of them when none is near."""
    names = [*choices]
    close = difflib.get_close_matches(word, names, n=1) if isinstance(word, str) else ()
    if close:
        return f"did you mean {close[0]}?"
    return f"known here: {', '.join(names)}" if names else ""


def shown(value: object) -> str:
    """`value` as a person would name it, at most 40 characters of it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"' if len(value) <= 40 else f'"{value[:37]}…"'
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list | tuple):
        return "a list"
    if value is None:
        return "nothing"
    return str(value)[:40] if not isinstance(value, int) or abs(value) < _MAX_INT else "a number of more than 40 digits"


def text(value: Any, cls: type = str) -> Any:
    """A str, or a member of the enum `cls` by its value."""
    if issubclass(cls, Enum):
        return member(value, cls)
    if type(value) is not str:
        raise ValueRefusedError(
            f"expected text, got {shown(value)}", 'write it in quotes: "…"' if not isinstance(value, list | Mapping) else ""
        )
    return value


def whole(value: Any, cls: type = int) -> Any:
    """An int of at most 40 digits; a bool is none."""
    if issubclass(cls, Enum):
        return member(value, cls)
    if type(value) is not int or abs(value) >= _MAX_INT:
        raise ValueRefusedError(f"expected a whole number, got {shown(value)}")
    return value


def number(value: Any, _cls: type = float) -> Any:
    """A finite float; an int where it is exactly representable."""
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueRefusedError(f"expected a finite number, got {value}")
        return float(value)
    if type(value) is not int:
        raise ValueRefusedError(f"expected a number, got {shown(value)}")
    if abs(value) >= _MAX_INT or int(float(value)) != value:
        raise ValueRefusedError(f"{shown(value)} has no exact form as a float")
    return float(value)


def flag(value: Any, _cls: type = bool) -> bool:
    """A bool."""
    if type(value) is not bool:
        raise ValueRefusedError(f"expected true or false, got {shown(value)}")
    return value


def exact(value: Any, _cls: type = Decimal) -> Decimal:
    """A Decimal from text in plain notation or from an int; a float is refused because it is not what was meant."""
    if isinstance(value, WrittenFloat):
        value = value.text
    if type(value) is int and abs(value) < _MAX_INT:
        return Decimal(value)
    if isinstance(value, float):
        raise ValueRefusedError(f"expected an exact number, got the float {value}", f'write it as a string: "{value}"')
    if type(value) is not str or not _DECIMAL.fullmatch(value):
        raise ValueRefusedError(f"expected an exact number, got {shown(value)}", 'write digits as a string: "0.25"')
    return Decimal(value)


def member(value: Any, cls: type[Enum]) -> Enum:
    """The member of `cls` with exactly this value."""
    for one in cls:
        if type(value) is type(one.value) and one.value == value:
            return one
    choices = [str(one.value) for one in cls]
    raise ValueRefusedError(f"expected one of {', '.join(choices)}, got {shown(value)}", did_you_mean(value, choices))


def literal(value: Any, choices: tuple[Any, ...]) -> Any:
    """`value` where it is one of `choices`, of the same type too: True is not 1."""
    for choice in choices:
        if type(choice) is type(value) and choice == value:
            return choice
    names = [shown(choice).strip('"') for choice in choices]
    raise ValueRefusedError(f"expected one of {', '.join(names)}, got {shown(value)}", did_you_mean(value, names))


def path(value: Any, _cls: type = Path) -> Path:
    """A path from text, `~` expanded; relative ones stay relative to where the command runs."""
    if isinstance(value, Path):
        return value
    if type(value) is not str or not value or "\0" in value:
        raise ValueRefusedError(f"expected a path, got {shown(value)}")
    return Path(value).expanduser()


def moment(value: Any, cls: type) -> Any:
    """A date, time or datetime exactly of the class asked for, as TOML writes them."""
    if type(value) is not cls:
        raise ValueRefusedError(f"expected a {cls.__name__}, got {shown(value)}", "write it as TOML does, without quotes: 2026-06-26")
    return value


MOMENTS = (dt.date, dt.time, dt.datetime)
