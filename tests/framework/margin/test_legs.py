"""The specification of strikeloop.margin.legs."""

from __future__ import annotations

from decimal import Decimal as D

import attrs
import pytest

from strikeloop.margin import Leg, OpenOrder
from strikeloop.pricing import greeks
from tests.framework.margin.stage import held


def test_a_leg_is_a_position_in_floats() -> None:
    told = held(-3, 75_000)
    leg = Leg.of(told)
    assert (leg.units, leg.mark, leg.forward, leg.strike) == (
        float(told.size * told.contract.multiplier),
        float(told.mark),
        float(told.underlying_price),
        75_000.0,
    )
    assert Leg.at(told.contract, leg.units, leg.mark, leg.forward, told.years, told.iv) == leg


def test_its_slopes_are_those_of_one_unit_and_computed_once() -> None:
    leg = Leg.of(held(-3, 75_000))
    assert leg.slopes == greeks(leg.forward, leg.strike, leg.years, leg.iv, is_call=leg.is_call)
    assert leg.slopes is leg.slopes
    assert (leg.delta, leg.vega) == (leg.slopes.delta, leg.slopes.vega)


def test_positions_and_orders_have_one_leg_each() -> None:
    told = held(2, 75_000)
    order = OpenOrder(
        contract=told.contract,
        size=told.size,
        price=D(1),
        mark=told.mark,
        underlying_price=told.underlying_price,
        years=told.years,
        iv=told.iv,
    )
    assert told.leg is told.leg
    assert order.leg is order.leg
    assert told.leg == order.leg == Leg.of(told)


def test_a_leg_without_a_volatility_takes_the_one_of_its_mark_and_where_there_is_none_a_fixed_one() -> None:
    told = held(1, 75_000)
    assert Leg.of(attrs.evolve(told, iv=None)).iv == pytest.approx(0.5, abs=1e-9)
    assert Leg.of(attrs.evolve(told, iv=None, mark=D(80_000))).iv == 0.6
