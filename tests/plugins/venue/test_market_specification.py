"""The specification of strikeloop_venue.market.specification: what is listed."""

from __future__ import annotations

from decimal import Decimal

import pytest

from strikeloop import Contract, ContractId, OptionKind
from strikeloop_venue import GeneratedMarket
from strikeloop_venue.market.specification import strike_grid

START = 1_780_272_000_000_000_000
HOUR = 3_600_000_000_000


def test_contracts_carry_the_names_and_figures_of_the_venue() -> None:
    contracts = GeneratedMarket().open("gate-sim").contracts()
    assert len(contracts) == 90
    call = next(contract for contract in contracts if contract.id.name == "BTC_USDT-20260605-70000-C")
    assert call == Contract(
        id=ContractId.of("gate-sim", "BTC_USDT-20260605-70000-C"),
        underlying="BTC_USDT",
        kind=OptionKind.CALL,
        strike=Decimal(70_000),
        expiry=START + (4 * 24 + 8) * HOUR,
        multiplier=Decimal("0.01"),
        tick=Decimal(1),
        mark_tick=Decimal("0.1"),
        created=START,
        tag="week",
        size_min=Decimal(1),
        size_max=Decimal(10_000),
        orders_limit=10,
        position_limit=Decimal(40_000),
        maker_fee_rate=Decimal("0.0003"),
        taker_fee_rate=Decimal("0.0003"),
        fee_cap=Decimal("0.125"),
        settle_fee_rate=Decimal(0),
        settle_fee_cap=Decimal("0.125"),
        price_deviation=Decimal("0.2"),
    )


@pytest.mark.parametrize(("forward", "volatility", "days", "count", "expected"), [
    (70_000.0, 0.55, 1, 5, "66000 68000 70000 72000 74000"),
    (70_400.0, 0.55, 0.001, 3, "65000 70000 75000"),
    (3_123.0, 0.7, 7, 5, "2800 3000 3200 3400 3600"),
    (0.5, 0.9, 7, 5, "0.4 0.45 0.5 0.55 0.6"),
    (10.0, 2.0, 365, 3, "5 10 15"),
])  # fmt: skip
def test_strikes_are_round_positive_and_around_the_forward(
    forward: float, volatility: float, days: float, count: int, expected: str
) -> None:
    assert " ".join(str(strike) for strike in strike_grid(forward, volatility, days / 365, count)) == expected
