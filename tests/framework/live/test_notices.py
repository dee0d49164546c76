"""Each trouble of the run itself is told once."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from strikeloop import AlertRaised, Event
from strikeloop.live.notices import Notices


def told(recorder: Any = None) -> tuple[Notices, list[AlertRaised]]:
    """Notices, and the alerts they lead to."""
    alerts: list[AlertRaised] = []

    def deliver(events: Sequence[Event]) -> None:
        alerts.extend(event for event in events if isinstance(event, AlertRaised))

    return Notices(recorder, deliver), alerts


def test_a_status_that_cannot_be_written_is_told_once_and_again_after_it_could_be() -> None:
    notices, alerts = told()
    for now, trouble in enumerate(["", "full", "full", "", "full"]):
        notices.status_trouble = trouble
        notices.tick(now)
    assert [(alert.time, alert.text) for alert in alerts] == [(now, "nobody can see how the run is: full") for now in (1, 4)]


def test_a_recording_with_holes_is_told_once_for_each_reason() -> None:
    recorder = SimpleNamespace(dropped=0, trouble="")
    notices, alerts = told(recorder)
    notices.tick(0)
    for now in (1, 2):
        recorder.dropped += 7
        notices.tick(now)
    recorder.trouble = "no space left"
    notices.tick(3)
    notices.tick(4)
    assert [(alert.time, alert.topic) for alert in alerts] == [(1, "dropped"), (3, "storage")]
    assert alerts[0].text.startswith("7 market events")
