"""Choosing contracts: by expiry, by delta, by strike. Owns no state; what has no greeks or price yet is never chosen."""

from __future__ import annotations

from collections.abc import Iterable

from strikeloop import Contract, Desk

HOUR_NS = 3_600_000_000_000


def expiries(desk: Desk, underlying: str, *, min_hours: float = 0.0) -> list[int]:
    """The expiries of an underlying that are more than `min_hours` away, the nearest first."""
    return sorted({one.expiry for one in desk.chain(underlying) if one.expiry - desk.now > min_hours * HOUR_NS})


def calls(desk: Desk, underlying: str, expiry: int) -> list[Contract]:
    """The calls of one expiry."""
    return [one for one in desk.chain(underlying, expiry) if one.is_call]


def puts(desk: Desk, underlying: str, expiry: int) -> list[Contract]:
    """The puts of one expiry."""
    return [one for one in desk.chain(underlying, expiry) if not one.is_call]


def nearest_delta(desk: Desk, contracts: Iterable[Contract], delta: float) -> Contract | None:
    """The contract whose delta is nearest to `delta`; None where no greeks are known."""
    known = [(one, greeks.delta) for one in contracts if (greeks := desk.greeks(one.id)) is not None]
    return min(known, key=lambda one: (abs(one[1] - delta), one[0].strike))[0] if known else None


def twin(desk: Desk, contract: Contract, *, expiry: int | None = None) -> Contract | None:
    """The contract of the same strike: the put of a call and the call of a put, or with `expiry` the same kind at another expiry."""
    for one in desk.chain(contract.underlying, expiry or contract.expiry):
        if one.strike == contract.strike and (one.is_call == contract.is_call) is (expiry is not None):
            return one
    return None
