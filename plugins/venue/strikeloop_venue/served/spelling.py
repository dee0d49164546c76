"""How the venue writes numbers and times: decimal strings without exponents, exact JSON numbers, seconds, milliseconds.

Owns the JSON of every body and frame, both ways. Decimals that stand in a body are written as exact JSON numbers.
"""

from __future__ import annotations

from decimal import Context, Decimal
from typing import Any

import msgspec

SECOND_NS = 1_000_000_000
MILLI_NS = 1_000_000

_WIDE = Context(prec=200)
"""Decimal's default context would round a ledger figure to 28 digits."""
_encoder = msgspec.json.Encoder(decimal_format="number")


def encoded(body: Any) -> bytes:
    """`body` as compact JSON."""
    return _encoder.encode(body)


def decoded(text: bytes | str) -> Any:
    """What a client wrote, if it is JSON to the letter (no NaN, no half surrogate pairs). Raises ValueError."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise ValueError(f"this is no JSON: {error}") from None


def exact(value: Decimal | float | None) -> Decimal:
    """`value` without trailing zeros and without an exponent; None is 0."""
    if value is None:
        return Decimal(0)
    number = value if isinstance(value, Decimal) else Decimal(repr(value))
    if not number:
        return Decimal(0)
    return number.normalize(_WIDE)


def text(value: Decimal | float | None, places: int | None = None) -> str:
    """`value` as the venue's decimal string: `"0.25"`, `"-1200"`, None as `"0"`; rounded half-even to `places` where given."""
    number = exact(value)
    if places is not None:
        number = exact(round(number, places))
    return format(number, "f")


def number(value: Decimal | float | None) -> int | Decimal:
    """`value` as a JSON number that loses no digit."""
    out = exact(value)
    return int(out) if out == out.to_integral_value() else out


def count(value: Decimal | float | None) -> int:
    """A size as a JSON int."""
    return int(value or 0)


def seconds(time: int) -> int:
    return time // SECOND_NS


def fraction(time: int) -> float:
    """Seconds with milliseconds, as the REST bodies write them."""
    return round(time / SECOND_NS, 3)


def millis(time: int) -> int:
    return time // MILLI_NS
