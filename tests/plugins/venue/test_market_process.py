"""The specification of strikeloop_venue.market.process: how an index moves by chance alone."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import pytest

from strikeloop_venue.market.process import PROCESSES, Process, ProcessSettings

DAY = 1 / 365
KINDS = pytest.mark.parametrize("kind", PROCESSES)


def moves(process: Process, count: int, years: float = DAY) -> list[float]:
    return [process.advance(years)[0] for _ in range(count)]


@KINDS
def test_what_is_expected_is_what_stands_now(kind: str) -> None:
    """E[exp(sum of moves)] = 1: no process has a drift to trade on."""
    grown = [math.exp(move) for move in moves(ProcessSettings(kind=kind).open(0.8, Random(3)), 60_000)]
    mean = sum(grown) / len(grown)
    error = math.sqrt(sum((each - mean) ** 2 for each in grown) / len(grown) / len(grown))
    assert abs(mean - 1.0) < 4 * error


@KINDS
def test_it_moves_by_the_volatility_that_was_asked_for(kind: str) -> None:
    found = moves(ProcessSettings(kind=kind).open(0.8, Random(5)), 40_000)
    assert math.sqrt(sum(move * move for move in found) / len(found) / DAY) == pytest.approx(0.8, rel=0.05)


@KINDS
def test_the_same_random_numbers_make_the_same_path(kind: str) -> None:
    one, other = (moves(ProcessSettings(kind=kind).open(0.5, Random(9)), 50) for _ in range(2))
    assert one == other


@KINDS
def test_an_ordinary_move_has_a_size_of_about_one(kind: str) -> None:
    process = ProcessSettings(kind=kind).open(0.5, Random(2))
    sizes = sorted(abs(process.advance(DAY / 1_440)[1]) for _ in range(5_000))
    assert sizes[2_500] == pytest.approx(0.6745, rel=0.1)


def test_jumps_come_now_and_then_and_are_larger_than_anything_else() -> None:
    minutes = moves(ProcessSettings(kind="jumps").open(0.8, Random(1)), 200_000, DAY / 1_440)
    ordinary = 0.8 * math.sqrt(DAY / 1_440)
    jumps = [move for move in minutes if abs(move) > 7 * ordinary]
    assert 0.5 * 60 * 200_000 / 1_440 / 365 < len(jumps) < 1.2 * 60 * 200_000 / 1_440 / 365
    assert sum(jumps) / len(jumps) < 0


def test_the_variance_of_heston_wanders_and_comes_back() -> None:
    process = ProcessSettings(kind="heston").open(0.5, Random(5))
    seen = []
    for _ in range(8_000):
        process.advance(DAY / 4)
        seen.append(process.volatility)
    assert min(seen) < 0.4
    assert max(seen) > 0.6
    assert sum(level * level for level in seen) / len(seen) == pytest.approx(0.25, rel=0.15)


def test_the_index_of_heston_falls_when_its_volatility_rises() -> None:
    process, products = ProcessSettings(kind="heston", correlation=-0.9).open(0.5, Random(5)), []
    for _ in range(2_000):
        before = process.volatility
        products.append(process.advance(DAY)[0] * (process.volatility - before))
    assert sum(products) < 0


@pytest.mark.parametrize(("settings", "name"), [
    ({"kind": "levy"}, "kind"), ({"reversion": 0.0}, "reversion"), ({"variance_volatility": math.nan}, "variance_volatility"),
    ({"correlation": -1.0}, "correlation"), ({"jump_deviation": -0.1}, "jump_deviation"), ({"jumps_per_year": math.inf}, "jumps_per_year"),
])  # fmt: skip
def test_settings_that_make_no_process_are_refused(settings: dict[str, Any], name: str) -> None:
    with pytest.raises(ValueError, match=f"process.{name} is"):
        ProcessSettings(**settings)


def test_jumps_that_alone_move_more_than_was_asked_for_are_refused() -> None:
    with pytest.raises(ValueError, match=r"jumps alone have a volatility of 0\.245, not less than the 0\.2 asked for"):
        ProcessSettings(kind="jumps").open(0.2, Random(1))
