"""GammaScalper: its delta stays in the band, and its gamma is that of the straddle however often it hedged."""

from __future__ import annotations

from strikeloop import PortfolioRiskUpdated
from strikeloop_strategies import GammaScalper
from tests.strategies.days import holdings, played, tags


def test_it_opens_a_straddle_and_hedges_it_with_synthetic_forwards() -> None:
    run = played(GammaScalper(size=20, band=1.0, look_every_s=600))
    assert tags(run)[:2] == ["open", "open"]
    assert tags(run).count("hedge") >= 4
    *_, held = holdings(run)
    assert sum(held.values()) == 40
    assert len({run.result.engine.portfolio.contracts[contract].strike for contract in held}) == 1


def test_delta_comes_back_into_the_band() -> None:
    run = played(GammaScalper(size=20, band=1.0, look_every_s=600))
    outside = [abs(event.total_delta) for event in run.of(PortfolioRiskUpdated) if abs(event.total_delta) > 0.01 * 1.5]
    assert len(outside) < len(run.of(PortfolioRiskUpdated)) / 2


def test_within_the_band_it_leaves_delta_alone() -> None:
    assert tags(played(GammaScalper(size=20, band=1_000.0, look_every_s=600), hours=4)) == ["open", "open"]


def test_before_its_expiry_it_closes_and_opens_another() -> None:
    hourly = {"step_ms": 3_600_000, "ticker_every_ms": 3_600_000}
    run = played(GammaScalper(size=5, band=1_000.0, min_hours=6, look_every_s=3_600), hours=30, **hourly)
    assert tags(run) == ["open", "open", "roll", "roll", "open", "open"]
