"""TradingScope: what may be traded at all, and when.

Owns the lists of what is allowed, hours and days in UTC, and the distance to expiry. What only closes is always allowed.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import Any, Literal

import attrs

from strikeloop import AmendOrder, ConfigError, Contract, Desk, OptionKind, Problem, Refused, SubmitOrder, Verdict, hookimpl, plugin, state
from strikeloop_risk.asked import asked
from strikeloop_risk.limits import at_least_one, positive

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_NS, HOUR_NS, MINUTE_NS = 86_400_000_000_000, 3_600_000_000_000, 60_000_000_000
EPOCH, EPOCH_WEEKDAY = dt.date(1970, 1, 1), 3
_SPAN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]|24):([0-5]\d)")
_SETTINGS = ("underlyings", "contracts", "kinds", "expiries", "days", "hours", "min_hours_to_expiry", "max_hours_to_expiry")


def _spans(_instance: Any, field: attrs.Attribute[Any], value: tuple[str, ...]) -> None:
    wrong = [text for text in value if not _SPAN.fullmatch(text) or _span(text)[0] == _span(text)[1] or _span(text)[1] > 24 * 60]
    if wrong:
        raise ConfigError(
            Problem(field.name, f'has "{wrong[0]}"; expected a span of hours in UTC', 'write "08:00-16:30", or over midnight "22:00-04:00"')
        )


@plugin
class TradingScope:
    """Refuse an order in what may not be traded, or at a time when it may not.

    underlyings, contracts (names as the venue lists them), kinds ("call", "put"), expiries (dates, UTC): only these; an empty
    list allows all.
    days ("mon" … "sun"), hours (spans such as "08:00-16:30"): only then, in UTC; a span may go over midnight and then belongs to
    the day it begins on.
    min_hours_to_expiry, max_hours_to_expiry: hours that must, and may at most, be left to the contract.

    What only closes a position, or only makes a working order smaller, is allowed always.
    """

    underlyings: tuple[str, ...] = attrs.field(default=(), metadata={"underlyings": ()})
    contracts: tuple[str, ...] = ()
    kinds: tuple[OptionKind, ...] = ()
    expiries: tuple[dt.date, ...] = ()
    days: tuple[Day, ...] = ()
    hours: tuple[str, ...] = attrs.field(default=(), validator=_spans)
    min_hours_to_expiry: float | None = attrs.field(default=None, validator=positive)
    max_hours_to_expiry: float | None = attrs.field(default=None, validator=positive)
    spans: tuple[tuple[int, int], ...] = state(default=())

    def __attrs_post_init__(self) -> None:
        at_least_one(self, _SETTINGS)
        self.spans = tuple(_span(text) for text in self.hours) or ((0, 24 * 60),)
        low, high = self.min_hours_to_expiry, self.max_hours_to_expiry
        if low is not None and high is not None and low >= high:
            raise ConfigError(
                Problem("min_hours_to_expiry", f"is {low:g}, not below max_hours_to_expiry of {high:g}", "nothing could be traded")
            )

    @hookimpl
    def review_order(self, command: SubmitOrder | AmendOrder, desk: Desk) -> Verdict:
        order = asked(command, desk)
        if not order.opens:
            return None
        objections = "; ".join((*self._not_allowed(order.contract), *self._not_now(desk.now), *self._expiry(order.contract, desk.now)))
        return Refused(objections) if objections else None

    def _not_allowed(self, contract: Contract) -> Iterator[str]:
        if self.underlyings and contract.underlying not in self.underlyings:
            yield f"{contract.underlying} is not among the underlyings {', '.join(self.underlyings)}"
        if self.contracts and contract.id.name not in self.contracts:
            yield f"{contract.id} is not among the {len(self.contracts)} contracts that may be traded"
        if self.kinds and contract.kind not in self.kinds:
            yield f"{contract.kind.value}s may not be traded"
        if self.expiries:
            date = EPOCH + dt.timedelta(days=contract.expiry // DAY_NS)
            if date not in self.expiries:
                yield f"the expiry {date} is not among those that may be traded"

    def _not_now(self, now: int) -> Iterator[str]:
        if not self.days and not self.hours:
            return
        day, minute = now // DAY_NS, now % DAY_NS // MINUTE_NS
        today, yesterday = self._is_day(day), self._is_day(day - 1)
        for start, end in self.spans:
            if today and start <= minute < (end if end > start else 24 * 60):
                return
            if yesterday and end <= start and minute < end:
                return
        when = f"{DAYS[(day + EPOCH_WEEKDAY) % 7]} {minute // 60:02}:{minute % 60:02} UTC"
        yield f"it is {when}; orders may open on {', '.join(self.days) or 'any day'} at {', '.join(self.hours) or 'any hour'}"

    def _is_day(self, day: int) -> bool:
        return not self.days or DAYS[(day + EPOCH_WEEKDAY) % 7] in self.days

    def _expiry(self, contract: Contract, now: int) -> Iterator[str]:
        left = (contract.expiry - now) / HOUR_NS
        if self.min_hours_to_expiry is not None and left < self.min_hours_to_expiry:
            yield f"{contract.id} expires in {left:.2f} h, and at least {self.min_hours_to_expiry:g} h must be left"
        if self.max_hours_to_expiry is not None and left > self.max_hours_to_expiry:
            yield f"{contract.id} expires in {left:.0f} h, and at most {self.max_hours_to_expiry:g} h may be left"


def _span(text: str) -> tuple[int, int]:
    """Start and end of a span in minutes of the day."""
    start, end = text.split("-")
    return int(start[:2]) * 60 + int(start[3:]), int(end[:2]) * 60 + int(end[3:])
