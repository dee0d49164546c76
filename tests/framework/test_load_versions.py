"""Version ranges of plugins."""

from __future__ import annotations

import pytest

from strikeloop.load.versions import fits, parse, range_for


@pytest.mark.parametrize(
    ("version", "ranges", "expected"),
    [
        ("0.1.0", ">=0.1,<0.2", True),
        ("0.1", "==0.1.0", True),
        ("0.2.0", ">=0.1,<0.2", False),
        ("0.10.0", "<0.9", False),
        ("0.1.5", "~=0.1.2", True),
        ("0.2.0", "~=0.1.2", False),
        ("0.1.1", "~=0.1.2", False),
        ("0.1.9", "==0.1.*", True),
        ("0.2.0", "!=0.1.*", True),
        ("0.1.9", "!=0.1.*", False),
        ("0.2.0rc1", "<0.2", True),
        ("0.2.0.dev3", ">=0.2", False),
        ("0.2.0.post1", ">0.2", True),
        ("1.0", "", True),
        ("1.0", ">1.0", False),
        ("1.0", "<=1.0, >=1.0, !=2", True),
    ],
)
def test_a_version_lies_in_a_range_or_not(version: str, ranges: str, expected: bool) -> None:
    assert fits(version, ranges) is expected


def test_versions_are_in_order() -> None:
    ordered = ["0.9", "1.0.dev1", "1.0a1", "1.0a2", "1.0b1", "1.0rc1", "1.0", "1.0.post1", "1.0.1", "1.2", "1.10"]
    assert sorted(ordered, key=parse) == ordered


@pytest.mark.parametrize(("version", "ranges"), [("0.1", "about 0.1"), ("0.1", ">=one"), ("one", ">=0.1"), ("0.1", "~=one.two")])
def test_what_cannot_be_read_is_an_error(version: str, ranges: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        fits(version, ranges)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("strikeloop<0.2,>=0.1", "<0.2,>=0.1"),
        ("Strikeloop (>=0.1)", ">=0.1"),
        ("strikeloop[live]>=0.1", ">=0.1"),
        ("strikeloop", ""),
        ('strikeloop>=9; python_version >= "3.11"', ">=9"),
        ('strikeloop[live]>=0.1; extra == "live"', None),
        ("strikeloop-gate>=3", None),
        ("attrs>=24", None),
    ],
)
def test_the_range_for_strikeloop_is_found_among_requirements(line: str, expected: str | None) -> None:
    assert range_for("strikeloop", ["numpy>=2", line]) == expected
