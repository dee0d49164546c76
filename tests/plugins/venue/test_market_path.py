"""The specification of strikeloop_venue.market.path: the index and its volatility."""

from __future__ import annotations

from random import Random

import pytest

from strikeloop_venue.market.path import Path

MINUTE = 60_000_000_000
HOUR = 60 * MINUTE


def test_the_volatility_of_the_path_wanders_and_comes_back() -> None:
    path = Path(random=Random(5), index=100.0, mean_volatility=0.5)
    seen = []
    for _ in range(2_000):
        path.advance(6 * HOUR)
        seen.append(path.volatility)
    assert min(seen) < 0.45
    assert max(seen) > 0.55
    assert sum(seen) / len(seen) == pytest.approx(0.5, rel=0.15)


def test_stress_comes_with_large_moves_and_fades() -> None:
    path = Path(random=Random(5), index=100.0, mean_volatility=0.5)
    for _ in range(300):
        path.advance(MINUTE)
        if path.stress > 0.5:
            break
    assert path.stress > 0.5
    path.advance(HOUR)
    assert path.stress < 0.5
