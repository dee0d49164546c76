"""Options for the tests of margin: Gate's terms of 2026, at any strike."""

from __future__ import annotations

from decimal import Decimal

from strikeloop.contracts import DAY_NS, Contract, ContractId, OptionKind
from strikeloop.margin import Holding, OpenOrder
from strikeloop.pricing import price

FORWARD = 70_000.0
UNIT = Decimal(1)
BTC = "BTC_USDT"


def option(strike: int, *, is_call: bool = True, days: float = 7, underlying: str = BTC) -> Contract:
    """One BTC a contract, so that sizes are units."""
    kind = OptionKind.CALL if is_call else OptionKind.PUT
    return Contract(
        id=ContractId.of("sim", f"{underlying}-{days}-{strike}-{kind.value[0].upper()}"),
        underlying=underlying,
        kind=kind,
        strike=Decimal(strike),
        expiry=round(days * DAY_NS),
        multiplier=UNIT,
        tick=UNIT,
        mark_tick=Decimal("0.1"),
    )


def held(
    size: int,
    strike: int,
    *,
    is_call: bool = True,
    days: float = 7,
    iv: float = 0.5,
    forward: float = FORWARD,
    underlying: str = "BTC_USDT",
) -> Holding:
    """A position at its model price."""
    mark = price(forward, float(strike), days / 365, iv, is_call=is_call)
    return Holding(
        contract=option(strike, is_call=is_call, days=days, underlying=underlying),
        size=Decimal(size),
        mark=Decimal(repr(mark)),
        underlying_price=Decimal(repr(forward)),
        years=days / 365,
        iv=iv,
    )


def ordered(size: int, strike: int, at: float | None = None, *, reduce_only: bool = False, fee: int = 0, is_call: bool = True) -> OpenOrder:
    """An order, at the mark where no price is said."""
    like = held(size, strike, is_call=is_call)
    return OpenOrder(
        contract=like.contract,
        size=like.size,
        price=like.mark if at is None else Decimal(repr(at)),
        mark=like.mark,
        underlying_price=like.underlying_price,
        fee=Decimal(fee),
        reduce_only=reduce_only,
        years=like.years,
        iv=like.iv,
    )
