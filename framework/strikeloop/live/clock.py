"""The one place that asks the machine for the time: UTC anchored once, then monotonic.

Owns `WallClock`. A jump of the system's clock moves nothing; `speed` stretches time for simulated runs.
"""

from __future__ import annotations

import time


class WallClock:
    """Now in ns UTC. With `speed` other than 1, time since the start passes that many times as fast."""

    def __init__(self, speed: float = 1.0) -> None:
        self._utc, self._start, self._speed = time.time_ns(), time.monotonic_ns(), speed

    def now(self) -> int:
        passed = time.monotonic_ns() - self._start
        return self._utc + (passed if self._speed == 1.0 else round(passed * self._speed))
