"""The pinned requirements hold names, versions and hashes, and nothing of where they came from."""

from __future__ import annotations

import re

from tests.architecture.sources import ROOT, project

LINES = (ROOT / "requirements" / "dev.txt").read_text(encoding="utf-8").splitlines()
PINS = [line for line in LINES if line and not line.startswith((" ", "#"))]


def test_every_line_is_a_pin_or_a_hash() -> None:
    allowed = re.compile(r"[\w.\-]+==[\w.]+( ; [^\\]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?")
    assert [line for line in LINES if not allowed.fullmatch(line)] == []


def test_no_distribution_of_ours_is_among_them() -> None:
    assert [line for line in PINS if line.startswith("strikeloop")] == []


def test_every_direct_dependency_is_pinned() -> None:
    settings = project()
    groups = [
        settings["project"]["dependencies"],
        *settings["project"]["optional-dependencies"].values(),
        settings["dependency-groups"]["dev"],
    ]
    wanted = {re.split(r"[^\w\-]", needed)[0] for group in groups for needed in group}
    pinned = {line.partition("==")[0] for line in PINS}
    assert {name for name in wanted if not name.startswith("strikeloop")} <= pinned
