"""Three levels with hysteresis: info, warning and critical, so that a figure that trembles raises one alert and not fifty.

Owns `Level`. It knows shares of a limit and nothing of what they are shares of.
"""

from __future__ import annotations

import attrs

from strikeloop import Severity

_RANKS = (Severity.INFO, Severity.WARNING, Severity.CRITICAL)


@attrs.define
class Level:
    """Where a figure stands against its limit.

    It rises to warning at the share `warn_at` and to critical at 1, at once. It falls only when the share is below
    `clear` times the threshold it rose at.

    >>> level = Level(warn_at=0.8, clear=0.9)
    >>> [level.move(share) for share in (0.5, 1.01, 0.95, 0.85, 0.7)]
    [None, <Severity.CRITICAL: 'critical'>, None, <Severity.WARNING: 'warning'>, <Severity.INFO: 'info'>]
    """

    warn_at: float
    clear: float
    now: Severity = Severity.INFO

    def move(self, share: float) -> Severity | None:
        """The new level where `share` of the limit changes it, None where it stays."""
        reached = self._at(share, 1.0)
        kept = min(_rank(self.now), self._at(share, self.clear))
        level = _RANKS[max(reached, kept)]
        if level is self.now:
            return None
        self.now = level
        return level

    def _at(self, share: float, factor: float) -> int:
        return 2 if share >= factor else 1 if share >= self.warn_at * factor else 0


def _rank(level: Severity) -> int:
    return _RANKS.index(level)
