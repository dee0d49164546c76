"""What keeps a run's events, market and frames: the installed recorder, as far as the plan asks for it.

Owns `recorder_of`.
"""

from __future__ import annotations

from pathlib import Path

from strikeloop.errors import ConfigError, Problem
from strikeloop.journal.folder import RunFolder
from strikeloop.load.discovery import find
from strikeloop.load.plan import Plan
from strikeloop.recording import Keep, OpenRecorder, Recorder
from strikeloop.settings import ValueRefusedError


def recorder_of(plan: Plan, folder: RunFolder, store: Path | None = None) -> Recorder | None:
    """What keeps events, market and frames of the plan's run, as its `record` says; None where nothing is kept.

    `store` is where the market goes, a folder of the run where None. Raises ConfigError where more than the account is to be kept and
    no recorder is installed.
    """
    keep = plan.run.record
    if keep is Keep.NOTHING:
        return None
    try:
        found: OpenRecorder = find("recorders", "store").value
    except ValueRefusedError as error:
        if keep is Keep.ACCOUNT:
            return None  # nobody asked for it
        raise ConfigError(Problem("run.record", f"{keep.value} cannot be kept: {error.what}", error.fix)) from error
    return found(folder.path, market=keep.market, frames=keep.frames, store=store)
