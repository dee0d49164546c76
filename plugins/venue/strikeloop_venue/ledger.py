"""The account's cash, entry by entry, and its executions: exact and never rewritten.

Owns `Ledger`. Cash is the starting balance plus every posted change, in Decimal wide enough that no digit is ever
lost; so total = balance + Σ premium − Σ fees + Σ settlements, exactly.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Context, Decimal, Inexact, InvalidOperation

from strikeloop import (
    Event,
    Filled,
    LedgerPosted,
)

_EXACT = Context(prec=200, traps=[Inexact, InvalidOperation])


def product(first: Decimal, *factors: Decimal) -> Decimal:
    """The exact product: Decimal's own operators round to 28 digits."""
    result = first
    for factor in factors:
        result = _EXACT.multiply(result, factor)
    return result


def exact_sum(*amounts: Decimal) -> Decimal:
    """The exact sum."""
    result = Decimal(0)
    for amount in amounts:
        result = _EXACT.add(result, amount)
    return result


class Ledger:
    """Cash and its history. `posted` and `filled` hold the events that told of them."""

    def __init__(self, balance: Decimal) -> None:
        self.cash = balance
        self.posted: list[LedgerPosted] = []
        self.filled: list[Filled] = []

    def post(self, change: Decimal) -> Decimal:
        """Book a change of cash; returns the cash after it."""
        self.cash = _EXACT.add(self.cash, change)
        return self.cash

    def record(self, events: Iterable[Event]) -> None:
        """Keep the executions and postings among these events."""
        for event in events:
            kind = type(event)
            if kind is Filled:
                self.filled.append(event)  # type: ignore[arg-type]  # just looked
            elif kind is LedgerPosted:
                self.posted.append(event)  # type: ignore[arg-type]  # the same

    def forget(self, keep: int) -> None:
        """Drop all but the latest `keep` executions and postings; cash stays what it is."""
        for events in (self.posted, self.filled):
            del events[: max(0, len(events) - keep)]
