"""The live driver at the pace of tests: its waits last milliseconds, the clock that decides is moved by hand."""

from __future__ import annotations

import pytest

from strikeloop.live import run, sender


@pytest.fixture(autouse=True)
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ticks follow one another at once, and nobody is waited for longer than a test can bear."""
    monkeypatch.setattr(run, "TICK_S", 0.001)
    monkeypatch.setattr(run, "SETTLE_S", 0.001)
    monkeypatch.setattr(run, "STOP_S", 0.2)
    monkeypatch.setattr(sender, "CANCEL_PAUSE_S", 0.001)
    monkeypatch.setattr(sender, "UNKNOWN_PAUSE_S", 0.001)
