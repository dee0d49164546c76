"""What every peer's script shares: its arguments, CPU time, and the line it prints. Standard library only."""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

EVERY = 100
"""The market maker acts on every 100th quote of a contract."""
clock = time.process_time


def arguments() -> tuple[str, str, dict[str, Any]]:
    """The workload, the folder of the data, and what is in its manifest."""
    what, data = sys.argv[1:3]
    return what, data, json.loads((Path(data) / "manifest.json").read_text())


def told(started: float, imported: float, ready: float, found: dict[str, Any], manifest: dict[str, Any]) -> None:
    """Print one line: CPU seconds of import, load and run, and what of the answer is not the expected one."""
    end = clock()
    wanted = _wanted(sys.argv[1].partition("-")[0], manifest["expected"])
    wrong = {name: [found.get(name), value] for name, value in wanted.items() if not _is(found.get(name), value)}
    spent = {"import": imported - started, "load": ready - imported, "run": end - ready, "total": end}
    print(json.dumps({**spent, "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "wrong": wrong, "found": found}))


def _is(found: float | None, wanted: float) -> bool:
    return found is not None and abs(found - wanted) <= 1e-9 * max(1.0, abs(wanted))


def _wanted(what: str, expected: dict[str, Any]) -> dict[str, float]:
    """The answer by the names that scripts give; nothing where the reference has none (D)."""
    wanted = expected.get(what, {})
    return {"n": wanted["count"], "total": wanted["mid_sum"]} if what == "A" else dict(wanted)
