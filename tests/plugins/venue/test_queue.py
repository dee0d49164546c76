"""Where an order stands among the others: the formulas, by hand."""

from __future__ import annotations

import math

import pytest

from strikeloop_venue.queue import MODELS, UNKNOWN, Place, QueueModel

ALL = sorted(MODELS)


def model(name: str, exponent: float = 2.0) -> QueueModel:
    return MODELS[name](exponent, 1.0)


def test_risk_averse_moves_forward_by_trades_and_by_levels_smaller_than_what_is_ahead() -> None:
    queue = model("risk-averse")
    place = queue.join(10.0)
    queue.trade(place, 3.0)
    queue.depth(place, 9.0)
    assert place.front == 7.0
    queue.depth(place, 5.0)
    assert place.front == 5.0


def test_front_has_nobody_ahead_whatever_is_displayed() -> None:
    queue = model("front")
    place = queue.join(10.0)
    queue.trade(place, 2.0)
    assert place.front == -2.0


def test_back_is_not_helped_by_cancellations() -> None:
    queue = model("back")
    place = queue.join(10.0)
    queue.depth(place, 1.0)
    assert place.front == 10.0
    queue.trade(place, 4.0)
    assert place.front == 6.0


@pytest.mark.parametrize(
    ("name", "behind"),
    [
        ("log", math.log(9) / (math.log(9) + math.log(5))),
        ("log2", math.log(9) / math.log(13)),
        ("power", 64 / (64 + 16)),
        ("power2", 64 / 144),
        ("power3", 1 - (4 / 12) ** 2),
    ],
)
def test_a_level_that_shrinks_without_a_trade_shrinks_ahead_with_one_minus_p(name: str, behind: float) -> None:
    queue = model(name)
    place = queue.join(4.0)
    queue.depth(place, 12.0)
    assert place.front == 4.0
    queue.depth(place, 10.0)
    assert place.front == pytest.approx(4.0 - (1 - behind) * 2.0 + min(8.0 - behind * 2.0, 0.0))


@pytest.mark.parametrize("name", ["log", "log2", "power", "power2", "power3"])
def test_what_traded_is_not_taken_for_cancelled(name: str) -> None:
    queue = model(name)
    place = queue.join(10.0)
    queue.trade(place, 4.0)
    queue.depth(place, 6.0)
    assert (place.front, place.traded) == (6.0, 0.0)


@pytest.mark.parametrize("name", [name for name in ALL if name != "front"])
def test_a_place_at_a_hidden_level_is_known_once_the_level_shows(name: str) -> None:
    queue = model(name)
    place = queue.join(None)
    queue.trade(place, 5.0)
    assert place.front == UNKNOWN
    queue.depth(place, 8.0)
    assert place.front == 8.0


@pytest.mark.parametrize("name", ALL)
def test_nobody_ever_stands_farther_back_than_the_level_is_large(name: str) -> None:
    queue = model(name)
    place = queue.join(20.0)
    for displayed in (25.0, 18.0, 18.0, 30.0, 7.0, 0.0):
        queue.depth(place, displayed)
        assert place.front <= (20.0 if name == "back" else displayed)


@pytest.mark.parametrize("name", [name for name in ALL if name != "power2"])
def test_nothing_but_trades_and_cancellations_moves_anybody_and_nobody_backward(name: str) -> None:
    queue = model(name)
    place = queue.join(20.0)
    before = place.front
    for displayed in (25.0, 18.0, 18.0, 30.0, 7.0, 0.0):
        queue.depth(place, displayed)
        assert place.front <= before
        before = place.front


def test_where_the_share_has_no_value_the_place_is_the_level() -> None:
    queue = model("power3", 0.5)
    place = queue.join(5.0)
    queue.trade(place, 5.3)
    queue.depth(place, 9.0)
    queue.depth(place, 4.0)
    assert place.front == 4.0


def test_a_trade_reaches_us_in_whole_lots_and_less_than_half_a_lot_is_none() -> None:
    place = Place(-0.4, 10.0)
    assert (place.reach(1.0), place.front) == (0, -0.4)
    place.front = -2.5
    assert (place.reach(1.0), place.front) == (3, 0.0)


@pytest.mark.parametrize("unit", [1.0, 1000.0])
def test_logarithms_count_in_their_unit(unit: float) -> None:
    queue = MODELS["log"](2.0, unit)
    place = queue.join(4.0 * unit)
    queue.depth(place, 12.0 * unit)
    queue.depth(place, 10.0 * unit)
    assert place.front / unit == pytest.approx(4 - 2 * math.log(5) / (math.log(9) + math.log(5)))
