"""What an adapter noticed, told to people now and then.

Owns `Notices`: each is told at most once a minute, and no more kinds of them than anybody could read.
"""

from __future__ import annotations

from collections.abc import Iterable

from strikeloop.clock import SECOND_NS
from strikeloop.events import AlertRaised, Severity

AGAIN_NS = 60 * SECOND_NS
MOST_NOTICES = 1_000


class Notices:
    """The notices of one adapter, and when each was last told."""

    def __init__(self, adapter: str) -> None:
        self._adapter = adapter
        self._told: dict[str, int] = {}

    def told(self, notices: Iterable[str], now: int) -> list[AlertRaised]:
        """The alerts to raise for these notices."""
        alerts = []
        for notice in notices:
            before = self._told.get(notice)
            if len(self._told) >= MOST_NOTICES if before is None else now - before < AGAIN_NS:
                continue
            self._told[notice] = now
            text = f"{self._adapter}: {notice}"
            alerts.append(AlertRaised(time=now, received=now, source="session", topic="notice", text=text, severity=Severity.INFO))
        return alerts
