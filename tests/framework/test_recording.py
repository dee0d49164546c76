"""What a run keeps: each step of `record` includes the one before; a recorder that is not there is missed where it was asked for."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from strikeloop import ConfigError
from strikeloop.journal import StateDir
from strikeloop.load import Plan, RunSettings
from strikeloop.recording import Keep
from strikeloop.runs import recorder_of


@pytest.mark.parametrize(
    ("keep", "market", "frames"),
    [(Keep.NOTHING, False, False), (Keep.ACCOUNT, False, False), (Keep.MARKET, True, False), (Keep.FRAMES, True, True)],
)
def test_frames_include_the_market(keep: Keep, market: bool, frames: bool) -> None:
    assert (keep.market, keep.frames) == (market, frames)


@pytest.mark.parametrize(("keep", "is_missed"), [("nothing", False), ("account", False), ("market", True), ("frames", True)])
def test_a_recorder_that_is_not_installed_is_missed_where_more_than_the_default_is_to_be_kept(
    keep: str, is_missed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("strikeloop.load.discovery.metadata.entry_points", lambda **_: ())
    folder = StateDir(tmp_path / "runs").begin("abc123", datetime.now(UTC))

    plan = Plan(run=RunSettings(record=Keep(keep)))
    if is_missed:
        with pytest.raises(ConfigError, match="pip install strikeloop-store"):
            recorder_of(plan, folder)
    else:
        assert recorder_of(plan, folder) is None
