"""Ledger figures: exact, of bounded length, without a negative zero, read from their text in one place.

Owns `EXACT`, `WHOLE` and `COUNT`, which give the figure for a number as it stands on the wire, and the arithmetic of the
adapter's Decimals. A text is looked at once, so that one that is only nearly a number is none, and its figure
remembered: of what an account says most was said before. It never rounds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation, Overflow, Underflow
from typing import Any, Generic, TypeVar

from strikeloop_gate.strictjson import MalformedError

T = TypeVar("T")
ZERO, ONE = Decimal(0), Decimal(1)
_is_plain = re.compile(r"-?(?:0|[1-9][0-9]{0,29})(?:\.[0-9]+)?", re.ASCII).fullmatch
MOST_FIGURES = 65_536
# 40 digits hold every figure of the venue; more is an attack, and would make arithmetic slow.
_EXACT = Context(prec=40, Emin=-40, Emax=40, traps=[Inexact, InvalidOperation, Overflow, Underflow])

_decimal, _plus = _EXACT.create_decimal, _EXACT.plus


class Figures(dict[Any, T], Generic[T]):
    """What `read` makes of numbers: their texts, whole numbers, or Decimals. Raises MalformedError for what is none."""

    def __init__(self, read: Callable[[Any], T]) -> None:
        self._read = read

    def __missing__(self, value: Any) -> T:
        found = self._read(value)
        if type(value) is str:  # equal Decimals may be spelled differently: those are not looked up
            if len(self) >= MOST_FIGURES:
                self.clear()
            self[value] = found
        return found


def _exact(value: Any) -> Decimal:
    if type(value) is str and not _is_plain(value):
        raise MalformedError("", f"{value[:40]!r} is no plain number")
    try:
        return _plus(_decimal(value))
    except DecimalException:
        raise MalformedError("", "more than 40 digits") from None


def _whole(value: Any) -> Decimal:
    try:
        return _EXACT.quantize(_exact(value), ONE) or ZERO
    except DecimalException:
        raise MalformedError("", f"{value} is no whole number") from None


def _count(value: Any) -> int:
    number = int(_whole(value))
    if number < 0:
        raise MalformedError("", f"{value} is no count")
    return number


EXACT = Figures(_exact)
"""A ledger figure: finite, at most 40 digits, without a negative zero."""
WHOLE = Figures(_whole)
"""A number of contracts; `1.0` and `1` both give Decimal(1)."""
COUNT = Figures(_count)
"""A whole number that is not negative, as int."""


def figure(value: Any, field: str) -> Decimal:
    """The ledger figure of a field."""
    return _of(EXACT, value, field)


def whole(value: Any, field: str) -> Decimal:
    """The number of contracts in a field."""
    return _of(WHOLE, value, field)


def count(value: Any, field: str) -> int:
    """The number of things in a field."""
    return _of(COUNT, value, field)


def _of(figures: Figures[T], value: Any, field: str) -> T:
    try:
        return figures[value]
    except MalformedError as exc:
        raise MalformedError(field, exc.reason) from None


def product(left: Decimal, right: Decimal, field: str) -> Decimal:
    """The exact product of two ledger figures."""
    try:
        return _EXACT.multiply(left, right)
    except DecimalException:
        raise MalformedError(field, "more than 40 digits") from None
