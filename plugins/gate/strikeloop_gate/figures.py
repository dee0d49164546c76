"""Ledger figures: exact, of bounded length, without a negative zero, read from the wire in one place.

Owns `exact`, `KNOWN`, `WHOLE` and `COUNT`, and the arithmetic of the adapter's Decimals. What comes as text is known to hold digits,
points and signs alone (see `swift`): of what Decimal takes of those, zeros and points in front and points at the end are
refused here, because no JSON number has them. It never rounds.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation, Overflow, Underflow
from typing import Any, Generic, TypeVar

from strikeloop_gate.strictjson import MalformedError

T = TypeVar("T")
ZERO, ONE = Decimal(0), Decimal(1)
MOST_KNOWN = 4_096
_TRAPS = [Inexact, InvalidOperation, Overflow, Underflow]
# 40 digits, 30 of them before the point, hold every figure of the venue; more is an attack, and would make arithmetic slow.
_READ, _EXACT = Context(prec=40, Emin=-40, Emax=29, traps=_TRAPS), Context(prec=40, Emin=-40, Emax=40, traps=_TRAPS)
decimal, _plus = _READ.create_decimal, _READ.plus


def exact(value: str | int | Decimal) -> Decimal:
    """The figure, as it is spelled. Raises MalformedError for what is no number, or has too many digits."""
    try:
        if type(value) is not str:
            return _plus(decimal(value))
        if (value > "0:" or "-0:" < value < "." or "0." < value < "0/") and value[
            -1
        ] != ".":  # it begins with 1 to 9, a minus and those, or 0.
            return decimal(value)
        return _of_text(value, decimal(value))
    except DecimalException:
        raise MalformedError("", f"{str(value)[:40]!r} is no number of at most 40 digits") from None


KNOWN: dict[str, Decimal] = {}
"""Short figures that were read before, by their text: they are said again and again, and knowing one costs a quarter of reading it."""
SHORT = 4
"""There are few enough of these."""


def learned(text: str) -> Decimal:
    """`exact` for what is not in `KNOWN`, which it puts there where it is short."""
    made = exact(text)
    if len(text) <= SHORT:
        if len(KNOWN) >= MOST_KNOWN:
            KNOWN.clear()
        KNOWN[text] = made
    return made


def _of_text(text: str, made: Decimal) -> Decimal:
    digits = text[1:] if text[0] == "-" else text
    if digits[-1] == "." or (digits < "1" and digits != "0" and digits[:2] != "0."):
        raise MalformedError("", f"{text[:40]!r} is no JSON number")
    return made or _plus(made)


class Figures(dict[Any, T], Generic[T]):
    """What `read` makes of numbers that are said again and again: knowing one costs a quarter of reading it. Equal ones give the same."""

    def __init__(self, read: Callable[[Any], T]) -> None:
        self._read = read

    def __missing__(self, value: Any) -> T:
        found = self._read(value)
        if len(self) >= MOST_KNOWN:
            self.clear()
        self[value] = found
        return found


def _whole(value: Any) -> Decimal:
    try:
        return _READ.quantize(exact(value), ONE) or ZERO
    except DecimalException:
        raise MalformedError("", f"{value} is no whole number") from None


def _count(value: Any) -> int:
    number = int(_whole(value))
    if number < 0:
        raise MalformedError("", f"{value} is no count")
    return number


WHOLE = Figures(_whole)
"""A number of contracts; `1.0` and `1` both give Decimal(1). Raises MalformedError."""
COUNT = Figures(_count)
"""A whole number that is not negative, as int."""


def figure(value: str | int | Decimal, field: str) -> Decimal:
    """The ledger figure of a field."""
    try:
        return exact(value)
    except MalformedError as exc:
        raise MalformedError(field, exc.reason) from None


def whole(value: str | int | Decimal, field: str) -> Decimal:
    """The number of contracts in a field."""
    try:
        return WHOLE[value]
    except MalformedError as exc:
        raise MalformedError(field, exc.reason) from None


def product(left: Decimal, right: Decimal, field: str) -> Decimal:
    """The exact product of two ledger figures."""
    try:
        return _EXACT.multiply(left, right)
    except DecimalException:
        raise MalformedError(field, "more than 40 digits") from None
