"""The specification of strikeloop.contracts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from strikeloop import ContractId, OptionKind
from strikeloop.contracts import YEAR_NS
from tests.framework.stage import CALL, EXPIRY, PUT, D, contract

PRICES = st.decimals(0, 200_000, places=1)


def test_one_pair_is_one_object() -> None:
    assert ContractId.of("gate", "x") is ContractId.of("gate", "x")


def test_the_same_name_at_another_adapter_is_another_contract() -> None:
    assert ContractId.of("gate", "x") != ContractId.of("other", "x")


def test_a_contract_is_shown_by_its_name() -> None:
    assert f"{CALL}" == CALL.name


def test_a_call_knows_that_it_is_one() -> None:
    assert (contract(kind=OptionKind.CALL).is_call, contract(kind=OptionKind.PUT).is_call) == (True, False)


def test_years_are_of_365_days() -> None:
    assert contract(expiry=2 * YEAR_NS).years(YEAR_NS) == 1.0


def test_after_expiry_no_time_is_left() -> None:
    assert contract().years(EXPIRY + 1) == 0.0


@given(PRICES)
def test_call_and_put_pay_the_distance_to_the_strike_between_them(price: D) -> None:
    call, put = contract(), contract(PUT)
    assert call.intrinsic(price) - put.intrinsic(price) == price - call.strike


@given(PRICES)
def test_an_option_never_pays_less_than_nothing(price: D) -> None:
    assert min(contract().intrinsic(price), contract(PUT).intrinsic(price)) == 0
