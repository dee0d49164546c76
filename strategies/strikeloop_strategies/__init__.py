"""Strategies that are small enough to read and complete enough to run, each in a module of its own."""

from __future__ import annotations

from strikeloop_strategies.calendar_roller import CalendarRoller
from strikeloop_strategies.covered_call import CoveredCall
from strikeloop_strategies.delta_band import DeltaBand
from strikeloop_strategies.gamma_scalper import GammaScalper
from strikeloop_strategies.market_maker import MarketMaker
from strikeloop_strategies.quoter import Quoter
from strikeloop_strategies.short_strangle import ShortStrangle

__all__ = ["CalendarRoller", "CoveredCall", "DeltaBand", "GammaScalper", "MarketMaker", "Quoter", "ShortStrangle"]
