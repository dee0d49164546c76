"""The path of the index: a process, bent by a scenario.

Owns `Path`. Time comes in as steps; randomness is the process's own.
"""

from __future__ import annotations

import math

import attrs

from strikeloop_venue.market.expiries import SECOND
from strikeloop_venue.market.process import Process
from strikeloop_venue.market.scenarios import Scenario, at

_YEAR = 365 * 86_400 * SECOND
_CALM_SECONDS = 60.0
_ORDINARY_MOVE = 2.0


@attrs.define(eq=False, kw_only=True)
class Path:
    """Index and volatility now. `span` (ns) is the length over which the scenario happens.

    `stress` grows with moves beyond two standard deviations, fades within minutes, and is at least the scenario's.
    """

    process: Process
    scenario: Scenario
    span: int
    index: float
    _elapsed: int = 0
    _shaken: float = 0.0
    _bend: float = 0.0

    @property
    def share(self) -> float:
        """How much of the scenario is over."""
        return self._elapsed / self.span

    @property
    def level(self) -> float:
        """The scenario's factor on volatility at this moment."""
        return at(self.scenario.level, self.share, 1.0)

    @property
    def stress(self) -> float:
        return max(self._shaken, at(self.scenario.stress, self.share, 0.0))

    def advance(self, step: int) -> None:
        """Move on by `step` ns."""
        move, deviations = self.process.advance(step / _YEAR)
        self._elapsed += step
        bend = at(self.scenario.index, self.share, 0.0)
        self.index *= math.exp(self.level * move + bend - self._bend)
        self._bend = bend
        self._shaken = self._shaken * math.exp(-step / SECOND / _CALM_SECONDS) + max(0.0, abs(deviations) - _ORDINARY_MOVE)

    def draw_to(self, price: float, share: float) -> None:
        """Something pulls: the index goes `share` of the way to `price`."""
        self.index *= (price / self.index) ** share
