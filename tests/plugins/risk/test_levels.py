"""Level: three levels with hysteresis."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from strikeloop import Severity
from strikeloop_risk.levels import Level


def test_it_rises_at_once_and_skips_no_severity_that_matters() -> None:
    level = Level(warn_at=0.8, clear=0.9)
    assert level.move(1.0) is Severity.CRITICAL


def test_it_falls_only_below_the_cleared_part_of_a_threshold() -> None:
    level = Level(warn_at=0.8, clear=0.9)
    level.move(1.2)
    assert level.move(0.9) is None
    assert level.move(0.899) is Severity.WARNING
    assert level.move(0.73) is None
    assert level.move(0.719) is Severity.INFO


@given(st.lists(st.floats(0.91, 1.5), max_size=50))
def test_trembling_above_the_cleared_part_never_says_a_thing_twice(shares: list[float]) -> None:
    level = Level(warn_at=0.8, clear=0.9)
    level.move(1.0)
    assert [level.move(share) for share in shares] == [None] * len(shares)


@given(st.lists(st.floats(0, 2), max_size=50))
def test_two_alerts_in_a_row_are_never_the_same(shares: list[float]) -> None:
    level = Level(warn_at=0.8, clear=0.9)
    said = [severity for share in shares if (severity := level.move(share)) is not None]
    assert all(one is not other for one, other in pairwise(said))
