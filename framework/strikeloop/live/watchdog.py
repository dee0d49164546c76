"""A thread that watches the loop: where it stands when it stands still, told while it does, and for how long when it goes on.

Owns `Watchdog`. The thread only looks and reports; the dead man's switch is refreshed on the loop and never from here, so that a loop that
hangs looks dead to the venue. Nothing here decides about orders.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from strikeloop.live.hooktimes import HookTimes

BEAT_S = 0.05
LOOK_S = 0.05
ALERT_S = 0.25
STUCK_S = 2.0
"""From here on the account is looked at before any order leaves."""
CORE = str(Path(__file__).parent.parent)


class Watchdog:
    """Call `start` and `stop` on the loop's thread and `beat` every BEAT_S; `report` gets a sentence, from the watching thread."""

    def __init__(self, report: Callable[[str], None], times: HookTimes, clock: Callable[[], float] = time.monotonic) -> None:
        self._report, self._times, self._clock = report, times, clock
        self._last = clock()
        self._where, self._is_told_twice = "", False
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._watched = 0

    def start(self) -> None:
        """Begin to watch the thread that calls this."""
        self._watched, self._last = threading.get_ident(), self._clock()
        self._thread = threading.Thread(target=self._watch, name="strikeloop-watchdog", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._over.set()
        if self._thread is not None:
            self._thread.join(1.0)

    @property
    def lag_s(self) -> float:
        """For how long the loop has not come round, beyond what it sleeps."""
        return max(0.0, self._clock() - self._last - BEAT_S)

    @property
    def is_stuck(self) -> bool:
        """Whether the loop has just come out of standing still for so long that nothing it knows may be relied on."""
        return self.lag_s >= STUCK_S

    def beat(self) -> tuple[float, str]:
        """The loop comes round: for how many seconds it did not, and in which hook ("" where in none)."""
        lag, where = self.lag_s, self._where
        self._last, self._where, self._is_told_twice = self._clock(), "", False
        return lag, where

    def look(self) -> None:
        """What the thread does again and again: say once which hook keeps the loop, and once more when it stands for long.

        A loop that stands for a moment without any hook running is busy with itself, or the machine is.
        """
        lag = self.lag_s
        if lag >= ALERT_S and not self._where and self._times.running is not None:
            self._where = self._place()
            self._report(f"the loop has stood still for {lag:.2f} s{self._where}")
        if lag >= STUCK_S and not self._is_told_twice:
            self._where, self._is_told_twice = self._place(), True
            self._report(f"the loop has stood still for {lag:.1f} s{self._where}: the account is looked at before any order leaves")

    # ---- inside ----

    def _watch(self) -> None:
        while not self._over.wait(LOOK_S):
            self.look()

    def _place(self) -> str:
        """The hook that is running, and its line; nothing where none is: the process itself may have been stopped."""
        running, frame = self._times.running, sys._current_frames().get(self._watched)
        return "" if running is None or frame is None else f" in {running[0]}.{running[1]} at {_line(frame)}"


def _line(innermost: FrameType) -> str:
    """The line of the hook's own file that is being run, and where that has called into other files, the innermost of those too."""
    frame: FrameType | None = innermost
    outermost = innermost
    while frame is not None and not frame.f_code.co_filename.startswith(CORE):
        outermost, frame = frame, frame.f_back
    own = _deepest_in(outermost.f_code.co_filename, innermost)
    return _told(own) if own is innermost else f"{_told(own)}, in {_told(innermost)}"


def _deepest_in(file: str, innermost: FrameType) -> FrameType:
    """The innermost call that runs code of `file`."""
    frame: FrameType | None = innermost
    while frame is not None and frame.f_code.co_filename != file:
        frame = frame.f_back
    return innermost if frame is None else frame


def _told(frame: FrameType) -> str:
    return f"{frame.f_code.co_filename}:{frame.f_lineno} ({frame.f_code.co_name})"
