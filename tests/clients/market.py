"""A recorded market whose first contract expires soon: what settlement looks like to other people's clients.

Owns the recording. One call ends in the money 160 seconds of market time after the start, another lives on.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from strikeloop import Contract, ContractId, ContractListed, Event, OptionKind, Quoted, TickerUpdated, UnderlyingPriced
from strikeloop.encoding import canonical

SECOND = 1_000_000_000
START = 1_780_272_000 * SECOND
ENDS, LASTS = 160, 1_200


def contract(strike: int, expiry: int, day: str) -> Contract:
    return Contract(
        id=ContractId.of("venue", f"BTC_USDT-{day}-{strike}-C"),
        underlying="BTC_USDT",
        kind=OptionKind.CALL,
        strike=Decimal(strike),
        expiry=expiry,
        created=START,
        tag="day",
        multiplier=Decimal("0.01"),
        tick=Decimal(1),
        mark_tick=Decimal("0.1"),
    )


SOON = contract(70_000, START + ENDS * SECOND, "20260601")
LATER = contract(71_000, START + 30 * 86_400 * SECOND, "20260701")


def events() -> Iterator[Event]:
    for one in (SOON, LATER):
        yield ContractListed(time=START, received=START, contract=one.id, specification=one)
    for second in range(LASTS):
        now = START + second * SECOND
        yield UnderlyingPriced(time=now, received=now, adapter="venue", underlying="BTC_USDT", price=71_000.0 + second % 2)
        for one, mark in ((SOON, 1_000.0), (LATER, 500.0)):
            if now < one.expiry:
                model = {"mark_iv": 0.5, "delta": 0.5, "gamma": 1e-5, "vega": 10.0, "theta": -50.0, "underlying_price": 71_000.0}
                yield TickerUpdated(time=now, received=now, contract=one.id, mark_price=mark, **model)
                yield Quoted(time=now, received=now, contract=one.id, bid=mark - 10, ask=mark + 10, bid_size=10.0, ask_size=10.0)


def record(path: Path) -> Path:
    path.write_bytes(b"".join(canonical(event) + b"\n" for event in events()))
    return path
