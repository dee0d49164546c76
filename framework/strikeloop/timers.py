"""The timers of every plugin instance: what was set, what is due, and in which sequence.

Owns `Timers`. It reads no clock: whoever asks says what time it is.
"""

from __future__ import annotations

import heapq

from strikeloop.desk import SetTimer
from strikeloop.events import TimerFired


class Timers:
    """Timers of every instance, by due time and then by the order in which they were set."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, str, str]] = []
        self._set: dict[tuple[str, str], tuple[int, SetTimer]] = {}
        self._count = 0

    def set(self, instance: str, timer: SetTimer) -> None:
        self._count += 1
        self._set[(instance, timer.name)] = (self._count, timer)
        heapq.heappush(self._heap, (timer.due, self._count, instance, timer.name))
        if len(self._heap) > 2 * len(self._set) + 64:
            self._heap = sorted((timer.due, count, *key) for key, (count, timer) in self._set.items())

    def cancel(self, instance: str, name: str) -> None:
        self._set.pop((instance, name), None)

    def forget(self, instance: str) -> None:
        for key in [key for key in self._set if key[0] == instance]:
            del self._set[key]

    def next(self) -> int | None:
        while self._heap:
            due, count, instance, name = self._heap[0]
            known = self._set.get((instance, name))
            if known is not None and known[0] == count:
                return due
            heapq.heappop(self._heap)
        return None

    def pop(self, now: int) -> TimerFired | None:
        """The next due timer; a repeating one is set again for its first time after `now`, so a gap fires it once."""
        due = self.next()
        if due is None or due > now:
            return None
        _, _, instance, name = heapq.heappop(self._heap)
        _, timer = self._set.pop((instance, name))
        if timer.every:
            missed = (now - due) // timer.every
            self.set(instance, SetTimer(name, due + (missed + 1) * timer.every, timer.every))
        return TimerFired(time=due, received=now, instance=instance, name=name, due=due)
