"""What a run watches of its own process: whether the loop comes round, how long hooks take, memory and descriptors.

Owns `Vitals`, which puts the three together for the driver. After the loop stood still for long, or the process was stopped, accounts
are not relied on until they were looked at: `mistrust` is called then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import anyio

from strikeloop import events as e
from strikeloop.clock import SECOND_NS
from strikeloop.live.clock import WallClock
from strikeloop.live.hooktimes import HookTimes
from strikeloop.live.resources import ResourceWatch
from strikeloop.live.watchdog import ALERT_S, BEAT_S, STUCK_S, Watchdog

REPORT_NS = 10 * SECOND_NS


class Vitals:
    """`watch` is to be run as a task, `tick` to be called often."""

    def __init__(
        self,
        clock: WallClock,
        times: HookTimes,
        watchdog: Watchdog,
        resources: ResourceWatch,
        deliver: Callable[[Sequence[e.Event]], None],
        mistrust: Callable[[str], None],
    ) -> None:
        self._clock, self._times, self._watchdog, self._resources = clock, times, watchdog, resources
        self._deliver, self._mistrust = deliver, mistrust
        self._report_at = 0
        self.longest_s = 0.0
        """The longest that the loop stood still."""

    @property
    def is_stuck(self) -> bool:
        """Whether the loop has just stood still for so long that nothing the run knows may be relied on."""
        return self._watchdog.is_stuck

    async def watch(self) -> None:
        """Until cancelled: come round."""
        self._watchdog.start()
        try:
            while True:
                self._came_round(*self._watchdog.beat())
                await anyio.sleep(BEAT_S)
        finally:
            self._watchdog.stop()

    def tick(self) -> None:
        """Time passed."""
        now = self._clock.now()
        self._resources.tick(now)
        if now >= self._report_at:
            self._report_at = now + REPORT_NS
            self._deliver(self._times.report(now))

    @property
    def status(self) -> dict[str, Any]:
        """Plain figures, for people."""
        resources = {name: {"used": use.used, "limit": use.limit, "share": use.share} for name, use in self._resources.last.items()}
        return {"loop": {"longest_s": self.longest_s}, "hooks": self._times.all(), "resources": resources}

    def _came_round(self, lag_s: float, where: str) -> None:
        self.longest_s = max(self.longest_s, lag_s)
        is_stuck = lag_s >= STUCK_S
        if not is_stuck and (lag_s < ALERT_S or not where):
            return
        text = f"the loop stood still for {lag_s:.2f} s{where or ', in no hook: the process was stopped, or the machine is busy'}"
        severity = e.Severity.CRITICAL if is_stuck else e.Severity.WARNING
        now = self._clock.now()
        if is_stuck:
            self._mistrust(text)
        self._deliver([e.AlertRaised(time=now, received=now, source="watchdog", topic="loop", text=text, severity=severity)])
