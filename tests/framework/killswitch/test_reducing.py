"""The limits of an order that closes a position: on the tick, within the collar, wider only step by step."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikeloop.killswitch import HaltSettings
from strikeloop.killswitch.reducing import worst_price
from tests.framework.stage import D, contract


@pytest.mark.parametrize(
    ("mark", "misses", "is_buy", "price"),
    [
        (100.0, 0, True, 110),
        (100.0, 0, False, 90),
        (100.0, 1, True, 120),
        (100.0, 4, False, 50),
        (100.0, 99, False, 50),  # never beyond the widest
        (3.0, 0, True, 5),  # ticks count where the mark is small
        (3.0, 1, True, 7),
        (3.0, 2, False, 1),
        (0.4, 0, False, 1),  # an order has a price
    ],
)
def test_the_worst_price_follows_from_mark_and_misses(mark: float, misses: int, is_buy: bool, price: int) -> None:
    assert worst_price(contract(), mark, None, misses, HaltSettings(), is_buy=is_buy) == price


@pytest.mark.parametrize(("is_buy", "price"), [(True, D("110.5")), (False, D("90.5"))])
def test_a_limit_is_on_the_tick_and_never_beyond_the_collar(is_buy: bool, price: Any) -> None:
    assert worst_price(contract(tick=D("0.5")), 100.5, None, 0, HaltSettings(), is_buy=is_buy) == price


def test_a_limit_is_within_the_band_of_the_venue() -> None:
    banded = contract(price_deviation=D("0.001"))
    assert worst_price(banded, 500.0, 20_000.0, 4, HaltSettings(), is_buy=True) == 520
    assert worst_price(banded, 500.0, None, 4, HaltSettings(), is_buy=True) == 750


@given(st.floats(0.1, 1e5), st.integers(0, 50), st.booleans(), st.sampled_from(["0.0001", "0.1", "1", "5"]), st.floats(0.01, 0.4))
def test_a_limit_is_always_valid_and_within_what_the_settings_allow(
    mark: float, misses: int, is_buy: bool, tick: str, collar: float
) -> None:
    settings = HaltSettings(collar=collar)
    listed = contract(tick=D(tick))
    price = worst_price(listed, mark, None, misses, settings, is_buy=is_buy)
    middle = D(repr(mark))
    most = max(middle * D(repr(settings.collar_max)), listed.tick * settings.ticks * (settings.widest + 1))
    assert price % listed.tick == 0
    assert price >= listed.tick
    assert abs(price - middle) <= most or price == listed.tick
    wider = worst_price(listed, mark, None, misses + 1, settings, is_buy=is_buy)
    assert wider >= price if is_buy else wider <= price
