"""Engine time: one integer that only moves forward.

Owns `Clock`. It never asks the machine what time it is; drivers move it with the `received` of each input.
"""

from __future__ import annotations

import attrs

SECOND_NS = 1_000_000_000


@attrs.define
class Clock:
    """Now, in ns UTC. Shared by the engine (which moves it) and every desk (which reads it).

    >>> clock = Clock(5)
    >>> clock.move(3)
    5
    """

    now: int = 0

    def move(self, to: int) -> int:
        """Advance to `to`; an earlier time leaves the clock where it is. Returns now."""
        if to > self.now:
            self.now = to
        return self.now
