"""The path of the index: geometric Brownian motion whose volatility itself moves a little.

Owns `Path`. Randomness comes in as a generator; time comes in as steps; nothing else moves it.
"""

from __future__ import annotations

import math
from random import Random

import attrs

from strikeloop_venue.market.expiries import SECOND

REVERSION = 25.0
"""Speed per year at which the logarithm of volatility returns to its mean: half of a shock is gone after ten days."""
_VOLATILITY_OF_VOLATILITY = 1.5
_CORRELATION = -0.3
_YEAR = 365 * 86_400 * SECOND
_CALM_SECONDS = 60.0
_ORDINARY_MOVE = 2.0


@attrs.define(eq=False, kw_only=True)
class Path:
    """Index and volatility now. `stress` grows with moves beyond two standard deviations and fades within minutes."""

    random: Random
    index: float
    mean_volatility: float
    stress: float = 0.0
    _log_level: float = 0.0

    @property
    def volatility(self) -> float:
        """Volatility of the index at this moment, a fraction per year."""
        return self.mean_volatility * math.exp(self._log_level)

    def advance(self, step: int) -> None:
        """Move on by `step` ns. The index has no drift."""
        years, volatility = step / _YEAR, self.volatility
        shock, other = self.random.gauss(), self.random.gauss()
        self.index *= math.exp(volatility * math.sqrt(years) * shock - 0.5 * volatility**2 * years)
        turn = _CORRELATION * shock + math.sqrt(1.0 - _CORRELATION**2) * other
        self._log_level += _VOLATILITY_OF_VOLATILITY * math.sqrt(years) * turn - REVERSION * self._log_level * years
        fading = math.exp(-step / SECOND / _CALM_SECONDS)
        self.stress = self.stress * fading + max(0.0, abs(shock) - _ORDINARY_MOVE)
