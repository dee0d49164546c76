"""The backtest driver: market sources, a simulated venue and the engine under one virtual clock.

`Backtest` runs, `Each` visits every row of the market and says what a run is; `Skim` visits only those that somebody hears of or that
touch an order, a margin or a settlement, with the same result. Nothing here knows anything about strategies.
"""

from strikeloop.backtest.driver import Backtest, Result
from strikeloop.backtest.faults import told
from strikeloop.backtest.world import Progress, ignore

__all__ = ["Backtest", "Progress", "Result", "ignore", "told"]
