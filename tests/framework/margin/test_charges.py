"""The specification of strikeloop.margin.charges: each term alone."""

from __future__ import annotations

import attrs
import pytest

from strikeloop.margin import BasisCharge, DeltaFloor, Leg, ShortOptionCharge, VolatilitySpreadCharge
from strikeloop.margin.charges import Charge
from strikeloop.pricing import Greeks
from tests.framework.margin.stage import held

U = 70_000.0


def leg(units: float, strike: int = 70_000, *, days: float = 7, delta: float = 0.5, vega: float = 20.0, is_call: bool = True) -> Leg:
    made = attrs.evolve(Leg.of(held(1, strike, days=days, is_call=is_call)), units=units)
    object.__setattr__(made, "slopes", Greeks(delta=delta, gamma=0.0, vega=vega, theta=0.0))  # round figures in place of Black's
    return made


@pytest.mark.parametrize("charge", [BasisCharge(), VolatilitySpreadCharge(), ShortOptionCharge(), DeltaFloor()])
def test_no_book_no_charge(charge: Charge) -> None:
    assert charge.amount([]) == 0.0


def test_the_basis_charge_is_for_deltas_that_offset_across_expiries() -> None:
    charge = BasisCharge(0.01)
    assert charge.amount([leg(2), leg(-2)]) == 0.0
    assert charge.amount([leg(2), leg(2, days=30)]) == 0.0
    assert charge.amount([leg(2), leg(-2, days=30)]) == pytest.approx(0.01 * U * 2)
    assert charge.amount([leg(4), leg(-2, days=30)]) == pytest.approx(0.01 * U * 2)


def test_the_volatility_charge_is_for_vegas_that_offset_between_neighbours_each_once() -> None:
    charge = VolatilitySpreadCharge(2.0)
    assert charge.amount([leg(1), leg(-1)]) == 0.0
    assert charge.amount([leg(1), leg(1, days=30)]) == 0.0
    assert charge.amount([leg(1), leg(-3, days=30)]) == pytest.approx(2 * 20)
    assert charge.amount([leg(1), leg(-3, days=30), leg(1, days=60)]) == pytest.approx(2 * 40)
    assert charge.amount([leg(-1), leg(1, days=30), leg(-1, days=60)]) == pytest.approx(2 * 20)


def test_the_short_option_charge_counts_net_shorts_of_each_kind_and_strike() -> None:
    charge = ShortOptionCharge(0.01)
    assert charge.amount([leg(5), leg(1, is_call=False)]) == 0.0
    assert charge.amount([leg(-3), leg(1)]) == pytest.approx(0.01 * U * 2)
    assert charge.amount([leg(-3), leg(3, 80_000)]) == pytest.approx(0.01 * U * 3)
    assert charge.amount([leg(-1), leg(-1, is_call=False)]) == pytest.approx(0.01 * U * 2)


def test_the_delta_floor_takes_two_percent_of_net_and_one_of_hedged_delta() -> None:
    floor = DeltaFloor()
    assert floor.amount([leg(2)]) == pytest.approx(0.02 * U)
    assert floor.amount([leg(2), leg(-2)]) == pytest.approx(0.01 * U * 2)
    assert floor.amount([leg(4), leg(-2)]) == pytest.approx(0.02 * U + 0.01 * U * 2)
