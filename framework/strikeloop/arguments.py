"""What a plugin's author passes to the desk, taken as it is meant or refused by its type: TypeError, with the argument's name.

Numbers are exact from here on: a float means the number that is written, and none is rounded.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from strikeloop.contracts import Contract, ContractId

Choice = TypeVar("Choice", bound=StrEnum)


def amount_of(value: int | str | Decimal, name: str = "size") -> Decimal:
    """A size as it is written, not negative."""
    if type(value) is int and value >= 0:
        return Decimal(value)
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise TypeError(f"{name} must be int, Decimal or str, got {type(value).__name__} {value!r}")
    number = _decimal(value, name)
    if number < 0:
        raise TypeError(f"{name} must not be negative, got {value!r}: the side is said by buy or sell")
    return number


def flag_of(value: bool, name: str) -> bool:
    """A bool, not merely something true."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be a bool, got {type(value).__name__} {value!r}")
    return value


def price_of(value: float | str | Decimal | None) -> Decimal | None:
    """A price as it is written; None stays None."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise TypeError(f"price must be float, int, Decimal or str, got {type(value).__name__} {value!r}")
    # Numpy's floats are floats too, and their repr says more than the number.
    return _decimal(repr(float(value)) if isinstance(value, float) else value, "price")


def _decimal(value: int | str | Decimal, name: str) -> Decimal:
    try:
        number = Decimal(value)
    except ArithmeticError:
        raise TypeError(f"{name} must be a number, got {value!r}") from None
    if not number.is_finite():
        raise TypeError(f"{name} must be finite, got {value!r}")
    return number


def one_of(choices: type[Choice], value: str, name: str) -> Choice:
    """A member of `choices`, by itself or by its value."""
    if type(value) is choices:
        return value
    try:
        return choices(value)
    except ValueError:
        raise TypeError(f"{name} must be one of {', '.join(choices)}, got {value!r}") from None


def whole_of(value: int, name: str) -> int:
    """A whole number."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an int, got {type(value).__name__} {value!r}")
    return value


def text_of(value: str, name: str) -> str:
    """A text."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, got {type(value).__name__} {value!r}")
    return value


def ids_of(target: ContractId | Contract | Iterable[Contract | ContractId]) -> tuple[ContractId, ...]:
    """The contracts that one target of `watch` stands for."""
    if isinstance(target, ContractId):
        return (target,)
    if isinstance(target, Contract):
        return (target.id,)
    found = tuple(one.id if isinstance(one, Contract) else one for one in target)
    for one in found:
        if not isinstance(one, ContractId):
            raise TypeError(f"watch wants contracts, or names of underlyings, got {type(one).__name__} {one!r} in a list of contracts")
    return found
