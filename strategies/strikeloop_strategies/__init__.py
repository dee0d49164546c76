"""Strategies that are small enough to read and complete enough to run: DeltaBand hedges, Quoter makes a market."""

from __future__ import annotations

from strikeloop_strategies.delta_band import DeltaBand
from strikeloop_strategies.quoter import Quoter

__all__ = ["DeltaBand", "Quoter"]
