"""How long each hook of each plugin takes, and which one is running: measured around the call, in live runs only.

Owns `HookTimes`. A backtest has none, and pays nothing. What it measures plays a part in decisions only as an event.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter_ns
from typing import Any

import attrs

from strikeloop.desk import Desk
from strikeloop.events import HooksTimed, HookTime

TELLING_NS = 1_000_000
"""A hook that took so long at least once is worth telling."""


@attrs.define
class _Times:
    calls: int = 0
    total: int = 0
    longest: int = 0


class HookTimes:
    """`wrap` goes to the engine, `report` gives what was measured since the last report, `all` since the beginning."""

    def __init__(self) -> None:
        self._lately: dict[tuple[str, str], _Times] = {}
        self._ever: dict[tuple[str, str], _Times] = {}
        self._was_slow = False
        self.running: tuple[str, str] | None = None
        """(instance, hook) of the call that has not returned, read by another thread too."""

    def wrap(self, function: Callable[[Any, Desk], Any], instance: str, hook: str) -> Callable[[Any, Desk], Any]:
        """The function, measured."""
        key = (instance, hook)
        lately = self._lately[key] = _Times()

        def timed(event: Any, desk: Desk) -> Any:
            outer, self.running = self.running, key
            start = perf_counter_ns()
            try:
                return function(event, desk)
            finally:
                took = perf_counter_ns() - start
                self.running = outer
                lately.calls += 1
                lately.total += took
                if took > lately.longest:
                    lately.longest = took

        return timed

    def report(self, now: int) -> Sequence[HooksTimed]:
        """One event of the hooks that were slow since the last call; one without any when they were and are not any more."""
        slow = tuple(
            HookTime(instance=key[0], hook=key[1], calls=lately.calls, total_s=lately.total / 1e9, longest_s=lately.longest / 1e9)
            for key, lately in self._lately.items()
            if lately.longest >= TELLING_NS
        )
        for key, lately in self._lately.items():
            ever = self._ever.setdefault(key, _Times())
            ever.calls, ever.total, ever.longest = ever.calls + lately.calls, ever.total + lately.total, max(ever.longest, lately.longest)
            lately.calls = lately.total = lately.longest = 0
        is_news, self._was_slow = bool(slow) or self._was_slow, bool(slow)
        return [HooksTimed(time=now, received=now, times=slow)] if is_news else []

    def all(self) -> dict[str, dict[str, dict[str, float]]]:
        """Calls, mean and longest time (seconds) of each hook by instance, up to the last report."""
        told: dict[str, dict[str, dict[str, float]]] = {}
        for (instance, hook), ever in self._ever.items():
            if ever.calls:
                told.setdefault(instance, {})[hook] = {
                    "calls": ever.calls,
                    "mean_s": ever.total / ever.calls / 1e9,
                    "longest_s": ever.longest / 1e9,
                }
        return told
