"""Limits as settings: one number, or a table with a number for some underlyings and a default for the others.

Owns the types, their look-up and their checks. What is wrong is said with the key under which it stands in the config.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from importlib.util import find_spec
from typing import Any, Literal, TypeVar

import attrs

from strikeloop import ConfigError, Problem

Limit = float | Mapping[str, float]
"""Of a figure that a model computes: `500`, or `{ default = 500, BTC_USDT = 300, total = 900 }`."""
ExactLimit = Decimal | Mapping[str, Decimal]
"""Of contracts or of money: `10`, or `{ default = 10, BTC_USDT = 4 }`."""
OnBreach = Literal["refuse", "resize"]
DEFAULT, TOTAL = "default", "total"
N = TypeVar("N", float, Decimal)
_NUMBERS = (float, Decimal, int)  # whether something is a Mapping costs a tenth of a rule


def of_underlying(limit: N | Mapping[str, N] | None, underlying: str) -> N | None:
    """What holds for one underlying; None where nothing does."""
    if limit is None or isinstance(limit, _NUMBERS):
        return limit
    return limit.get(underlying, limit.get(DEFAULT))


def of_total(limit: N | Mapping[str, N] | None) -> N | None:
    """What holds for all underlyings together; None where nothing does."""
    if limit is None or isinstance(limit, _NUMBERS):
        return limit
    return limit.get(TOTAL)


def positive(_instance: Any, field: attrs.Attribute[Any], value: Any) -> None:
    """Refuse a limit that is not above 0, in a table or alone; None (no limit) passes. Raises ConfigError."""
    fix = "leave it out for no limit"
    wrong = [Problem(where, f"is {number}; expected more than 0", fix) for where, number in _numbers(field.name, value)]
    if isinstance(value, Mapping) and not value:
        wrong.append(Problem(field.name, "is a table that names no limit", "write { default = …, BTC_USDT = … }, or leave it out"))
    if wrong:
        raise ConfigError(wrong)


def share(_instance: Any, field: attrs.Attribute[Any], value: float | None) -> None:
    """Refuse a share that is not in (0, 1]; None (not set) passes. Raises ConfigError."""
    if value is not None and not 0 < value <= 1:
        raise ConfigError(Problem(field.name, f"is {value}; expected a share above 0 and at most 1"))


def limit(default: Any = None) -> Any:
    """A field for a limit whose table, where it is one, is keyed by underlying."""
    return attrs.field(default=default, validator=positive, metadata={"underlyings": (DEFAULT, TOTAL)})


def at_least_one(plugin: Any, names: tuple[str, ...]) -> None:
    """Refuse a rule without any limit: it would look like protection and be none. Raises ConfigError."""
    if not any(getattr(plugin, name) for name in names):
        raise ConfigError(Problem(names[0], f"{type(plugin).__name__} has no limit", f"set at least one of {', '.join(names)}"))


def soft_below_hard(plugin: Any, soft: str, hard: str) -> None:
    """Refuse a soft limit that lies above the hard one. Raises ConfigError."""
    low, high = getattr(plugin, soft), getattr(plugin, hard)
    if low is not None and high is not None and low > high:
        raise ConfigError(Problem(soft, f"is {low}, above {hard} of {high}", "a soft limit warns before the hard one stops"))


def needs_arrays(field: str) -> None:
    """Refuse a rule of scenarios where numpy and scipy are missing: without them a review would take too long. Raises ConfigError."""
    missing = [name for name in ("numpy", "scipy") if find_spec(name) is None]
    if missing:
        raise ConfigError(
            Problem(field, f"scenarios need {' and '.join(missing)}, not installed here", "pip install 'strikeloop-risk[vector]'")
        )


def _numbers(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The numbers in a limit that are not above 0, with their keys."""
    found = [(f"{name}.{key}", one) for key, one in value.items()] if isinstance(value, Mapping) else [(name, value)]
    return ((where, one) for where, one in found if one is not None and not one > 0)
