"""Ledger figures: exact, of bounded length, without a negative zero.

Owns the arithmetic of the adapter's Decimals. `exactly` and `whole_part` are for figures whose form is known to be good;
they raise DecimalException where it is not. It never rounds.
"""

from __future__ import annotations

from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation, Overflow, Underflow
from functools import lru_cache

from strikeloop_gate.strictjson import MalformedError

ZERO, ONE = Decimal(0), Decimal(1)
# 40 digits hold every figure of the venue; more is an attack, and would make arithmetic slow.
_EXACT = Context(prec=40, Emin=-40, Emax=40, traps=[Inexact, InvalidOperation, Overflow, Underflow])
exactly = _EXACT.plus


@lru_cache(maxsize=4_096)  # numbers of contracts are few, and rounding one costs twice as much as knowing it
def whole_part(value: Decimal) -> Decimal:
    """A whole number with no digits behind the point: `1.0` and `1` both give Decimal(1)."""
    return _EXACT.quantize(value, ONE) or ZERO


def figure(value: Decimal, field: str) -> Decimal:
    """A ledger figure: finite, at most 40 digits, without a negative zero."""
    try:
        return exactly(value)
    except DecimalException:
        raise MalformedError(field, "more than 40 digits") from None


def whole(value: Decimal, field: str) -> Decimal:
    """A number of contracts; `1.0` and `1` both give Decimal(1)."""
    try:
        return whole_part(value)
    except DecimalException:
        raise MalformedError(field, f"{value} is no whole number") from None


def product(left: Decimal, right: Decimal, field: str) -> Decimal:
    """The exact product of two ledger figures."""
    try:
        return _EXACT.multiply(left, right)
    except DecimalException:
        raise MalformedError(field, "more than 40 digits") from None
