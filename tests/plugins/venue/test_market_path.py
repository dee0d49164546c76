"""The specification of strikeloop_venue.market.path: a process, bent by a scenario."""

from __future__ import annotations

import math
from random import Random

import attrs
import pytest

from strikeloop_venue.market.path import Path
from strikeloop_venue.market.process import Process, ProcessSettings
from strikeloop_venue.market.scenarios import Scenario

MINUTE = 60_000_000_000
HOUR = 60 * MINUTE


@attrs.define
class Still:
    """A process that does not move."""

    volatility: float = 0.5
    long_volatility: float = 0.5
    reversion: float = 1.0

    def advance(self, years: float) -> tuple[float, float]:
        return 0.0, 0.0


def path_of(scenario: Scenario | None = None, process: Process | None = None) -> Path:
    return Path(process=process or Still(), scenario=scenario or Scenario(), span=10 * HOUR, index=100.0)


def test_stress_comes_with_large_moves_and_fades() -> None:
    path = path_of(process=ProcessSettings(kind="gbm").open(0.5, Random(5)))
    for _ in range(300):
        path.advance(MINUTE)
        if path.stress > 0.5:
            break
    assert path.stress > 0.5
    path.advance(HOUR)
    assert path.stress < 0.5


def test_the_index_follows_the_curve_of_the_scenario() -> None:
    path = path_of(Scenario(index=((0.0, 0.0), (0.5, -0.2), (1.0, 0.1))))
    seen = []
    for _ in range(12):
        path.advance(HOUR)
        seen.append(math.log(path.index / 100.0))
    assert seen[4] == pytest.approx(-0.2)
    assert seen[9:] == pytest.approx([0.1, 0.1, 0.1])


def test_the_level_of_the_scenario_scales_what_the_process_does() -> None:
    loud, plain = (
        path_of(scenario, ProcessSettings(kind="gbm").open(0.5, Random(5))) for scenario in (Scenario(level=((0.0, 3.0),)), Scenario())
    )
    for path in (loud, plain):
        path.advance(MINUTE)
    assert math.log(loud.index / 100.0) == pytest.approx(3 * math.log(plain.index / 100.0))


def test_what_the_scenario_says_of_stress_is_the_least_of_it() -> None:
    path = path_of(Scenario(stress=((0.0, 0.0), (0.1, 2.0))))
    path.advance(HOUR)
    assert path.stress == pytest.approx(2.0)


def test_a_pull_shortens_the_distance_by_its_share() -> None:
    path = path_of()
    path.draw_to(110.0, 0.5)
    assert path.index == pytest.approx(math.sqrt(100.0 * 110.0))
