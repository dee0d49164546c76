"""What the run says of itself: that nobody can see how it is, or that its recording has holes.

Owns `Notices`. Each trouble is told once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from strikeloop.events import AlertRaised, Event, Severity
from strikeloop.recording import Recorder


class Notices:
    """`deliver` takes the alerts; `tick` is to be called often."""

    def __init__(self, recorder: Recorder | None, deliver: Callable[[Sequence[Event]], None]) -> None:
        self._recorder, self._deliver = recorder, deliver
        self.status_trouble = ""
        """Why others cannot read how the run is, "" where they can; set by whoever writes it."""
        self._told_status = ""
        self._told_recorder: set[str] = set()

    def tick(self, now: int) -> None:
        """Tell what is new."""
        self._look_at_status(now)
        if self._recorder is not None:
            self._look_at_recorder(self._recorder, now)

    def _look_at_status(self, now: int) -> None:
        if self.status_trouble == self._told_status:
            return
        self._told_status = self.status_trouble
        if self.status_trouble:
            text = f"nobody can see how the run is: {self.status_trouble}"
            self._deliver((AlertRaised(time=now, received=now, source="live", topic="storage", text=text, severity=Severity.CRITICAL),))

    def _look_at_recorder(self, recorder: Recorder, now: int) -> None:
        dropped = f"{recorder.dropped} market events found no room in the recording" if recorder.dropped else ""
        for topic, text in (("storage", recorder.trouble), ("dropped", dropped)):
            if text and topic not in self._told_recorder:
                self._told_recorder.add(topic)
                self._deliver((AlertRaised(time=now, received=now, source="recorder", topic=topic, text=text),))


__all__ = ["Notices"]
