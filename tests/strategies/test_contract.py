"""The strategies that come with strikeloop keep the contract of a strategy."""

from __future__ import annotations

from strikeloop.testing import StrategyContract
from strikeloop_strategies import CalendarRoller, CoveredCall, DeltaBand, GammaScalper, MarketMaker, Quoter, ShortStrangle


class TestDeltaBand(StrategyContract):
    def strategy(self) -> DeltaBand:
        return DeltaBand(band=0.1)


class TestQuoter(StrategyContract):
    def strategy(self) -> Quoter:
        return Quoter()


class TestCalendarRoller(StrategyContract):
    def strategy(self) -> CalendarRoller:
        return CalendarRoller()


class TestCoveredCall(StrategyContract):
    def strategy(self) -> CoveredCall:
        return CoveredCall()


class TestGammaScalper(StrategyContract):
    def strategy(self) -> GammaScalper:
        return GammaScalper()


class TestMarketMaker(StrategyContract):
    def strategy(self) -> MarketMaker:
        return MarketMaker()


class TestShortStrangle(StrategyContract):
    def strategy(self) -> ShortStrangle:
        return ShortStrangle(every_h=0.01, hedge_h=0.01, min_days=0.0)
