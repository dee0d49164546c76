"""ShortStrangle: it sells on both sides, and its delta comes back into the band."""

from __future__ import annotations

from statistics import mean

from strikeloop import PortfolioRiskUpdated, SubmitOrder
from strikeloop_strategies import ShortStrangle
from tests.strategies.days import holdings, played, tags

LATE = {"daily": 1, "weekly": 2}


def test_it_sells_a_call_and_a_put_of_an_expiry_that_is_far_enough() -> None:
    run = played(ShortStrangle(size=3, every_h=4, band=1_000.0), hours=5, **LATE)
    assert tags(run) == ["strangle", "strangle"]
    (*_, held) = holdings(run)
    legs = [run.result.engine.portfolio.contracts[contract] for contract in held]
    assert set(held.values()) == {-3}
    assert sorted(leg.is_call for leg in legs) == [False, True]
    assert all(leg.expiry - run.result.engine.clock.now > 4 * 86_400e9 for leg in legs)


def mean_delta(strategy: ShortStrangle) -> float:
    """How far from zero the account's delta was, on average."""
    risks = played(strategy, hours=10, **LATE).of(PortfolioRiskUpdated)
    return mean(abs(risk.total_delta) for risk in risks)


def test_outside_the_band_delta_is_hedged_with_a_synthetic_forward() -> None:
    run = played(ShortStrangle(size=100, every_h=2, band=0.05, hedge_h=1), hours=10, **LATE)
    hedges = [command for command in run.commands if isinstance(command, SubmitOrder) and command.tag == "hedge"]
    assert hedges
    assert all(bought.size == -sold.size > 0 for bought, sold in zip(hedges[::2], hedges[1::2], strict=True))


def test_the_hedge_keeps_delta_nearer_to_zero() -> None:
    naked, hedged = (mean_delta(ShortStrangle(size=100, every_h=2, band=band, hedge_h=0.5)) for band in (1_000.0, 0.05))
    assert hedged < naked / 2


def test_without_an_expiry_far_enough_it_sells_nothing() -> None:
    assert tags(played(ShortStrangle(every_h=1, min_days=60), hours=2)) == []
