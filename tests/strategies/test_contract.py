"""The strategies that come with strikeloop keep the contract of a strategy."""

from __future__ import annotations

from strikeloop.testing import StrategyContract
from strikeloop_strategies import DeltaBand, Quoter


class TestDeltaBand(StrategyContract):
    def strategy(self) -> DeltaBand:
        return DeltaBand(band=0.1)


class TestQuoter(StrategyContract):
    def strategy(self) -> Quoter:
        return Quoter()
