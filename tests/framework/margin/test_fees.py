"""The specification of strikeloop.margin.fees: recorded and published cash flows come out."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

import attrs
import pytest

from strikeloop.contracts import Contract, ContractId, OptionKind
from strikeloop.margin import settlement_cash, settlement_fee, trading_fee


def contract(kind: OptionKind, strike: str, **changes: Any) -> Contract:
    base = Contract(
        id=ContractId.of("gate", f"BTC_USDT-20260516-{strike}-{kind.value[0].upper()}"),
        underlying="BTC_USDT",
        kind=kind,
        strike=D(strike),
        expiry=1_778_918_400_000_000_000,
        multiplier=D("0.01"),
        tick=D(1),
        mark_tick=D("0.1"),
        maker_fee_rate=D("0.0002"),
        taker_fee_rate=D("0.0003"),
        fee_cap=D("0.125"),
        settle_fee_rate=D("0.00015"),
        settle_fee_cap=D("0.1"),
    )
    return attrs.evolve(base, **changes)


CALL, PUT = contract(OptionKind.CALL, "82000"), contract(OptionKind.PUT, "77500")


def test_the_trading_fee_is_capped_by_the_premium() -> None:
    """Gate's help: 0.3 BTC at 200, index 102,000, 0.03 %, cap 12.5 %."""
    assert trading_fee(PUT, D(30), D(200), D(102_000), is_maker=False) == D("7.5")


def test_the_trading_fee_of_a_recorded_fill_comes_out() -> None:
    assert trading_fee(PUT, D(-1), D(529), D("26809.59"), is_maker=False) == D("0.08042877")


def test_makers_pay_their_own_rate_and_no_cap_means_none() -> None:
    uncapped = attrs.evolve(PUT, fee_cap=None)
    assert trading_fee(uncapped, D(1), D(1), D(100_000), is_maker=True) == D("0.2")
    assert trading_fee(uncapped, D(1), D(1), D(100_000), is_maker=False) == D("0.3")


def test_the_settlement_of_a_recorded_expiry_comes_out() -> None:
    settled, price = contract(OptionKind.CALL, "25000"), D("26826.68068927182")
    assert settlement_cash(settled, D(1), price) == D("18.2668068927182")
    assert settlement_cash(settled, D(-2), price) == D("-36.5336137854364")
    assert settlement_fee(settled, D(-1), price) == D("0.04024002103390773")


def test_the_settlement_fee_is_capped_by_the_intrinsic_value() -> None:
    assert settlement_fee(contract(OptionKind.CALL, "25000"), D(10), D(25_001)) == D("0.01")
    assert settlement_fee(contract(OptionKind.CALL, "25000", settle_fee_cap=None), D(10), D(25_001)) == D("0.375015")


@pytest.mark.parametrize("price", ["24999", "25000"])
def test_a_call_that_expires_worthless_pays_and_costs_nothing(price: str) -> None:
    for cap in (D("0.1"), None):
        settled = contract(OptionKind.CALL, "25000", settle_fee_cap=cap)
        assert settlement_cash(settled, D(5), D(price)) == settlement_fee(settled, D(5), D(price)) == 0
