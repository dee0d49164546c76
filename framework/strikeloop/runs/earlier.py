"""What a run takes over from those before it in its state directory.

Owns `Earlier` and `earlier_in`. It reads what is on disk, and asks no venue.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from strikeloop.journal import HaltNote, Halts, Journal, Legacy, RunFolder, StateDir, is_begun, joined, legacy_of, memory_of
from strikeloop.load.plan import Mode, Plan


@attrs.frozen(kw_only=True)
class Earlier:
    """What a run takes over from those before it in its state directory.

    Their tags, what instances remembered, what is at the venue, and a halt that nobody has reset.
    """

    tags: tuple[str, ...] = ()
    memories: Mapping[str, dict[str, Any]] = attrs.field(factory=dict)
    legacy: Legacy = attrs.field(factory=Legacy)
    halt: HaltNote | None = None


def earlier_in(state: StateDir, plan: Plan) -> Earlier:
    """What the run of this plan takes over: from the last run of its mode. Raises StorageError where that run's journal is damaged."""
    names, halt = {plugin.name for plugin in plan.plugins}, Halts(state.path).standing(plan.run.mode.value)
    for run in reversed(state.runs()):
        journal = RunFolder(state.path / run).journal
        if not is_begun(journal) or _mode_of(journal) != plan.run.mode.value:
            continue
        with Journal.open(journal) as last:
            return Earlier(
                tags=state.tags(),
                memories={name: memory for name, memory in memory_of(last).items() if name in names},
                legacy=_legacy(state, last) if plan.run.mode is Mode.LIVE else Legacy(),
                halt=halt,
            )
    return Earlier(tags=state.tags(), halt=halt)


def _legacy(state: StateDir, last: Journal) -> Legacy:
    """What is at the venue after the last run; one that acted beside a run that hung is joined with what that one did when it went on."""
    header, legacy = last.header(), legacy_of(last)
    if "beside" not in header:
        return legacy
    with Journal.open(RunFolder(state.path / header["beside"]).journal) as beside:
        return joined(legacy, legacy_of(beside), header["tag"])


def _mode_of(journal: Path) -> str:
    with Journal.open(journal, check=False) as found:
        return str(found.header().get("mode"))
