"""The specification of strikeloop.margin.classic: Gate's classic account."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikeloop.contracts import Contract, ContractId, OptionKind
from strikeloop.margin import (
    AccountMargin,
    Classic,
    Holding,
    OpenOrder,
)

MODEL = Classic()
D = Decimal
U, MARK = D("79371.64"), D("350.6")
AMOUNTS = st.decimals(D("0.1"), D("200000"), places=1)


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


def test_a_short_put_needs_what_gates_formula_says() -> None:
    """The live put of 2026-05-14: (max(0.1·79371.64·(1 + 350.6/79371.64), 0.15·79371.64 − 1871.64) + 350.6) · 0.01."""
    assert MODEL.initial(PUT, D(-1), MARK, U) == D("103.84706")
    assert MODEL.initial(PUT, D(-3), MARK, U) == 3 * D("103.84706")


@pytest.mark.parametrize(
    ("short", "index", "mark", "expected"),
    [
        (contract(OptionKind.CALL, "116000"), 115_000, 900, (D("0.15") * 115_000 - 1_000 + 900) / 100),
        (contract(OptionKind.PUT, "112000"), 115_000, 700, (D("0.15") * 115_000 - 3_000 + 700) / 100),
        (contract(OptionKind.CALL, "150000"), 115_000, 5, (D("0.1") * 115_000 + 5) / 100),
        (contract(OptionKind.PUT, "80000"), 115_000, 5, (D("0.1") * 115_005 + 5) / 100),
        (contract(OptionKind.CALL, "100000"), 115_000, 15_500, (D("0.15") * 115_000 + 15_500) / 100),
    ],
)
def test_out_of_the_money_lowers_initial_margin_down_to_the_low_rate(short: Contract, index: int, mark: int, expected: Decimal) -> None:
    assert MODEL.initial(short, D(-1), D(mark), D(index)) == expected


def test_the_short_call_of_gates_help_needs_sixteen_and_a_half() -> None:
    """BTC_USDT-20221028-20000-C, one contract short, index 15,000, mark 150: max(15 % · 15,000 − 5,000, 10 % · 15,000) + 150 = 1,650."""
    assert MODEL.initial(contract(OptionKind.CALL, "20000"), D(-1), D(150), D(15_000)) == D("16.5")


def test_maintenance_is_the_base_rate_plus_the_mark() -> None:
    assert MODEL.maintenance(CALL, D(-2), D(100), D(80_000)) == D("122.00")
    assert MODEL.maintenance(PUT, D(-2), D(100), D(80_000)) == D("122.00")
    assert MODEL.maintenance(PUT, D(-1), D(76_000), D(1_500)) == (D("0.075") * 76_000 + 76_000) / 100


@given(AMOUNTS, AMOUNTS, st.integers(1, 10_000), st.sampled_from([CALL, PUT]))
def test_a_long_needs_no_margin_and_a_short_more_initial_than_maintenance(mark: Decimal, index: Decimal, size: int, held: Contract) -> None:
    assert MODEL.initial(held, D(size), mark, index) == MODEL.maintenance(held, D(size), mark, index) == 0
    if held.is_call or mark < index:
        assert MODEL.initial(held, D(-size), mark, index) > MODEL.maintenance(held, D(-size), mark, index) > 0


def test_a_buy_order_holds_back_premium_and_fee() -> None:
    assert MODEL.order(PUT, D(30), D(200), MARK, U, D("7.5")) == D("67.5")


def test_a_sell_order_holds_back_initial_margin_less_premium() -> None:
    assert MODEL.order(PUT, D(-1), D(350), MARK, U, D(0)) == D("103.84706") - D("3.5")


def test_a_sell_order_far_above_the_mark_still_holds_back_the_least() -> None:
    assert MODEL.order(PUT, D(-2), D(9_000), MARK, U, D(0)) == D("0.1") * U * 2 / 100


def holding(held: Contract, size: int) -> Holding:
    return Holding(contract=held, size=D(size), mark=MARK, underlying_price=U)


def order(of: Contract, size: int, price: int = 350, *, reduce_only: bool = False) -> OpenOrder:
    return OpenOrder(contract=of, size=D(size), price=D(price), mark=MARK, underlying_price=U, fee=D(abs(size)), reduce_only=reduce_only)


def test_an_empty_account_needs_nothing() -> None:
    assert MODEL.account(()) == AccountMargin(initial=D(0), maintenance=D(0), order=D(0))


def test_positions_add_up() -> None:
    total = MODEL.account([holding(PUT, -2), holding(CALL, -1), holding(CALL, 3)])
    assert total.initial == MODEL.initial(PUT, D(-2), MARK, U) + MODEL.initial(CALL, D(-1), MARK, U)
    assert total.maintenance == MODEL.maintenance(PUT, D(-2), MARK, U) + MODEL.maintenance(CALL, D(-1), MARK, U)
    assert total.occupied == total.initial


def test_orders_that_open_hold_back_and_add_to_what_is_occupied() -> None:
    total = MODEL.account([holding(PUT, -1)], [order(PUT, -2), order(CALL, 3, 10)])
    assert total.order == MODEL.order(PUT, D(-2), D(350), MARK, U, D(2)) + D("3.3")
    assert total.occupied == total.initial + total.order


@pytest.mark.parametrize(("position", "size"), [(5, -5), (5, -2), (-5, 5), (-5, 3)])
def test_an_order_that_closes_needs_no_margin(position: int, size: int) -> None:
    assert MODEL.account([holding(PUT, position)], [order(PUT, size)]).order == 0


def test_an_order_that_turns_a_position_needs_margin_for_what_it_opens() -> None:
    assert MODEL.account([holding(PUT, 2)], [order(PUT, -5)]).order == MODEL.order(PUT, D(-3), D(350), MARK, U, D(3))
    assert MODEL.account([holding(PUT, -2)], [order(PUT, 5)]).order == D(3) * D("3.5") + D(3)


def test_orders_use_a_position_up_in_their_sequence() -> None:
    total = MODEL.account([holding(PUT, 3)], [order(PUT, -2), order(PUT, -2), order(PUT, -1)])
    assert total.order == MODEL.order(PUT, D(-1), D(350), MARK, U, D(1)) * 2


def test_a_reduce_only_order_never_needs_margin() -> None:
    assert MODEL.account([holding(PUT, 1)], [order(PUT, -9, reduce_only=True)]).order == 0
    assert MODEL.account((), [order(PUT, -9, reduce_only=True)]).order == 0
