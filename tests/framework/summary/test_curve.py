"""The specification of strikeloop.summary.curve."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from strikeloop.summary.curve import DAY, SECOND, STEPS, Curve

TIMES = st.lists(st.integers(0, 400 * SECOND), min_size=1, max_size=80).map(sorted)


def test_each_step_of_the_grid_is_a_multiple_of_the_one_before_and_the_last_is_a_day() -> None:
    assert all(later % earlier == 0 for earlier, later in pairwise(STEPS))
    assert STEPS[-1] == DAY


@given(TIMES, st.integers(4, 20))
def test_however_much_is_added_a_curve_is_bounded_and_its_times_are_ascending_multiples_of_its_step(times: list[int], most: int) -> None:
    curve = Curve(most)
    for number, time in enumerate(times):
        curve.add(time, {"n": float(number)})
    assert len(curve.times) < most
    assert all(earlier < later for earlier, later in pairwise(curve.times))
    assert all(time % curve.step == 0 for time in curve.times)


@given(TIMES, st.integers(4, 20))
def test_a_row_holds_what_was_last_added_in_its_span_or_the_lowest_or_the_highest(times: list[int], most: int) -> None:
    curve = Curve(most, keep={"low": min, "high": max})
    values = [float((7 * number) % 23) for number in range(len(times))]
    for time, value in zip(times, values, strict=True):
        curve.add(time, dict.fromkeys(("last", "low", "high"), value))
    spans = [[value for time, value in zip(times, values, strict=True) if curve.due(time) == label] for label in curve.times]
    assert curve.columns["last"] == [span[-1] for span in spans]
    assert curve.columns["low"] == [min(span) for span in spans]
    assert curve.columns["high"] == [max(span) for span in spans]


def test_a_column_that_comes_later_is_unknown_before_and_one_that_pauses_is_unknown_then() -> None:
    curve = Curve()
    curve.add(1 * SECOND, {"a": 1.0})
    curve.add(2 * SECOND, {"b": 2.0})
    curve.add(2 * SECOND, {"a": 3.0, "b": None})
    assert curve.record() == {"every_s": 1, "time": [SECOND, 2 * SECOND], "a": [1.0, 3.0], "b": [None, None]}


def test_an_unknown_figure_takes_no_part_in_the_lowest() -> None:
    curve = Curve(keep={"low": min})
    for value in (None, 3.0, None, 2.0):
        curve.add(5, {"low": value})
    assert curve.columns["low"] == [2.0]


def test_the_last_row_is_not_later_than_the_end_of_the_run_nor_earlier_than_the_row_before() -> None:
    curve = Curve()
    curve.add(SECOND, {"a": 1.0})
    curve.add(SECOND + 5, {"a": 2.0})
    assert curve.rows(SECOND + 7)[0] == [SECOND, SECOND + 7]
    assert curve.rows(3 * SECOND)[0] == [SECOND, 2 * SECOND]
    assert Curve().rows(5) == ([], {})


def test_a_year_is_told_by_hours() -> None:
    curve = Curve()
    for hour in range(366 * 24):
        curve.add(hour * 3_600 * SECOND, {"a": 1.0})
    assert curve.step == 21_600 * SECOND
    assert 366 * 4 - 2 <= len(curve.times) < 2_000


def test_beyond_days_it_grows_no_coarser() -> None:
    curve = Curve(3)
    for day in range(6):
        curve.add(day * DAY, {"a": float(day)})
    assert curve.step == DAY
    assert len(curve.times) == 6
