"""Version ranges, as far as plugins use them to say which strikeloop they fit.

Owns the comparison of release versions with ranges like `>=0.1,<0.2`. What it cannot read it calls unreadable; it
never guesses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_VERSION = re.compile(r"v?(\d{1,9}(?:\.\d{1,9})*)(?:[-_.]?(a|b|rc)(\d{1,9}))?(?:\.post(\d{1,9}))?(?:\.dev(\d{1,9}))?(?:\+[\w.]+)?")
_CLAUSE = re.compile(r"\s*(===|==|!=|~=|<=|>=|<|>)\s*([\w.+!-]+?)(\.\*)?\s*")
_REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*\(?(?P<range>[^;()]*)\)?\s*(?:;(?P<marker>.*))?")

Parsed = tuple[tuple[int, ...], tuple[int, int], int, int]


def parse(version: str) -> Parsed:
    """A key that orders release versions. Raises ValueError for what is none."""
    match = _VERSION.fullmatch(version.strip())
    if match is None:
        raise ValueError(f"{version!r} is not a release version")
    numbers, stage, stage_number, post, dev = match.groups()
    release = [int(part) for part in numbers.split(".")]
    while len(release) > 1 and release[-1] == 0:
        release.pop()
    # A development version comes before its release and its stages, a stage before its release.
    rank = {"a": 0, "b": 1, "rc": 2}[stage] if stage else -1 if dev is not None and post is None else 3
    return tuple(release), (rank, int(stage_number or 0)), int(post or -1), -1 if dev is not None else 0


def fits(version: str, ranges: str) -> bool:
    """Whether `version` lies in every clause of `ranges` ("" is every version). Raises ValueError for unreadable ones."""
    return all(_fits(version, clause) for clause in ranges.split(",") if clause.strip())


def range_for(name: str, requirements: Iterable[str]) -> str | None:
    """The range that `requirements` (lines of a distribution's metadata) demand of `name`; None where they do not name it."""
    for line in requirements:
        match = _REQUIREMENT.fullmatch(line.strip())
        if match and match["name"].lower().replace("_", "-") == name and "extra" not in (match["marker"] or ""):
            return match["range"].strip()
    return None


def _fits(version: str, clause: str) -> bool:
    match = _CLAUSE.fullmatch(clause)
    if match is None:
        raise ValueError(f"{clause.strip()!r} is not a version range")
    sign, bound, wildcard = match.groups()
    if wildcard or sign == "~=":
        numbers = tuple(int(part) for part in bound.split("."))
        held = numbers if wildcard else numbers[:-1]
        same = (parse(version)[0] + (0,) * len(held))[: len(held)] == held
        return same and parse(version) >= parse(bound) if sign == "~=" else same is (sign != "!=")
    left, right = parse(version), parse(bound)
    return {"==": left == right, "===": left == right, "!=": left != right, "<=": left <= right, ">=": left >= right}.get(
        sign, left < right if sign == "<" else left > right
    )
