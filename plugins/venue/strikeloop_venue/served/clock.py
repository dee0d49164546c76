"""The one place of the simulated venue that reads clocks: wall time for signatures, virtual time for the market.

Owns the pace. Virtual time = start + (wall − wall at start) · speed, from the monotonic clock, so it never goes back;
a change of pace is a new start.
"""

from __future__ import annotations

import time

import attrs

SECOND_NS = 1_000_000_000


@attrs.define
class PacedClock:
    """Virtual time, `start` ns UTC at construction, running `speed` times as fast as the wall.

    `skew_s` shifts the wall time the venue believes in, to play a venue (or a client) whose clock is off.
    """

    start: int
    speed: float = 1.0
    skew_s: float = 0.0
    _origin: int = attrs.field(factory=time.monotonic_ns, init=False)

    def now(self) -> int:
        """Virtual time, ns UTC."""
        return self.start + int((time.monotonic_ns() - self._origin) * self.speed)

    def pace(self, speed: float) -> None:
        """From now on run `speed` times as fast as the wall."""
        self.start, self._origin, self.speed = self.now(), time.monotonic_ns(), speed

    def wall_s(self) -> float:
        """What the venue takes for the time of day, Unix seconds."""
        return time.time() + self.skew_s

    def until(self, due: int) -> float:
        """Wall seconds from now until virtual `due`, never negative."""
        return max(0.0, (due - self.now()) / SECOND_NS / self.speed)
