"""How figures, times and foreign text stand on the page.

Owns formatting and escaping. Whatever comes in, what goes out is safe inside HTML: it takes any JSON value and
raises for none.
"""

from __future__ import annotations

import html
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

NONE = "–"
MILLISECOND = 1_000_000
SECOND = 1_000_000_000
DAY = 86_400 * SECOND
_LATEST = 253_402_300_799


def text(value: object) -> str:
    """Any value as HTML text; nothing, and empty text, as a dash."""
    return NONE if value is None or value == "" else html.escape(str(value), quote=True)


def number(value: object) -> float | None:
    """A finite number from a JSON number or a Decimal written as text, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def amount(value: object, *, sign: bool = False) -> str:
    """A figure with thousands apart and no more digits than help; what is no number is shown as text.

    >>> amount("100000.5"), amount(0.0000125), amount("-3", sign=True), amount(2, sign=True)
    ('100,000.5', '1.25e-05', '−3', '+2')
    """
    figure = number(value)
    if figure is None:
        return text(value)
    size = abs(figure)
    shown = f"{size:,.2f}" if size >= 1000 else f"{size:.4f}" if size >= 1 else f"{size:.4g}"
    if "." in shown and "e" not in shown:
        shown = shown.rstrip("0").rstrip(".")
    return ("−" if figure < 0 else "+" if sign and figure > 0 else "") + shown


def share(value: object, *, sign: bool = False) -> str:
    """A fraction in percent, with two digits.

    >>> share(0.01234), share(-0.5, sign=True), share(None)
    ('1.23 %', '−50 %', '–')
    """
    found = number(value)
    return text(value) if found is None else f"{amount(round(100 * found, 2), sign=sign)} %"


def money(value: object, *, sign: bool = False) -> str:
    """An amount of money, to the cent.

    >>> money("-1234.5"), money(3, sign=True)
    ('−1,234.50', '+3.00')
    """
    found = number(value)
    if found is None:
        return text(value)
    return ("−" if round(found, 2) < 0 else "+" if sign and round(found, 2) > 0 else "") + f"{abs(found):,.2f}"


def nanoseconds(value: object) -> int | None:
    """A time in ns, exactly where it came as an int; None where it is no number."""
    figure = number(value)
    return value if isinstance(value, int) and figure is not None else None if figure is None else int(figure)


def moment(value: object, *, with_date: bool = True, digits: int = 0) -> str:
    """A time in ns UTC, as date and time or as a time alone, with `digits` of the second's fraction.

    >>> moment(1_780_272_000_250_000_000, with_date=False, digits=3)
    '00:00:00.250'
    """
    time = nanoseconds(value)
    if time is None or not 0 <= time // SECOND <= _LATEST:
        return text(value)
    when = datetime.fromtimestamp(time // SECOND, UTC)
    fraction = f".{time % SECOND:09d}"[: digits + 1] if digits else ""
    return f"{when:%Y-%m-%d %H:%M:%S}{fraction}" if with_date else f"{when:%H:%M:%S}{fraction}"


def span(seconds: object) -> str:
    """A duration by its two largest units.

    >>> span(19.98), span(86_400), span(3_725)
    ('20 s', '1 d', '1 h 2 min')
    """
    total = number(seconds)
    if total is None or not 0 <= total < 1e12:
        return text(seconds)
    if total < 10:
        return f"{total:.3g} s"
    whole = round(total)
    parts = (("d", whole // 86_400), ("h", whole // 3_600 % 24), ("min", whole // 60 % 60), ("s", whole % 60))
    return " ".join([f"{count} {unit}" for unit, count in parts if count][:2])


def rows(result: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """The list `name` of the result: its rows that are tables; an absent list is empty."""
    found = result.get(name)
    return [row for row in found if isinstance(row, Mapping)] if isinstance(found, list | tuple) else []


def points(result: Mapping[str, Any], name: str) -> list[tuple[int, float]]:
    """The column `name` of the result's curve as (time ns, value); rows where it is unknown are left out."""
    series = result.get("series")
    return columns(series, name) if isinstance(series, Mapping) else []


def columns(table: Mapping[str, Any], name: str) -> list[tuple[int, float]]:
    """The column `name` of a curve beside its column `time`."""
    times, values = table.get("time"), table.get(name)
    if not isinstance(times, list | tuple) or not isinstance(values, list | tuple):
        return []
    pairs = ((nanoseconds(time), number(value)) for time, value in zip(times, values, strict=False))
    return [(time, value) for time, value in pairs if time is not None and value is not None]
