"""The pinned requirements hold names, versions and hashes, and nothing of where they came from."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tests.architecture.sources import ROOT, project

DEV, CLIENTS = ((ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8").splitlines() for name in ("dev", "clients"))
LINES = DEV + CLIENTS


def pins(lines: list[str]) -> list[str]:
    return [line for line in lines if line and not line.startswith((" ", "#"))]


def names(needed: Iterable[str]) -> set[str]:
    return {name for one in needed if not (name := re.split(r"[^\w\-]", one)[0]).startswith("strikeloop")}


def test_every_line_is_a_pin_or_a_hash() -> None:
    allowed = re.compile(r"[\w.\-]+==[\w.]+( ; [^\\]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?")
    assert [line for line in LINES if not allowed.fullmatch(line)] == []


def test_no_distribution_of_ours_is_among_them() -> None:
    assert [line for line in pins(LINES) if line.startswith("strikeloop")] == []


def test_every_direct_dependency_is_pinned() -> None:
    settings = project()
    groups = [
        settings["project"]["dependencies"],
        *settings["project"]["optional-dependencies"].values(),
        settings["dependency-groups"]["dev"],
    ]
    pinned = {line.partition("==")[0] for line in pins(DEV)}
    assert set().union(*(names(group) for group in groups)) <= pinned


def test_other_peoples_clients_are_pinned_apart() -> None:
    pinned = {line.partition("==")[0] for line in pins(CLIENTS)}
    assert names(project()["dependency-groups"]["clients"]) <= pinned
    assert not names(project()["dependency-groups"]["clients"]) & {line.partition("==")[0] for line in pins(DEV)}
