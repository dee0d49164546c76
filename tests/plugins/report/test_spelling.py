"""Figures, times and foreign text."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikeloop_report import spelling

ANYTHING = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers(), max_size=2)


@given(ANYTHING)
def test_whatever_comes_in_is_safe_inside_html(value: Any) -> None:
    for shown in (spelling.text(value), spelling.amount(value), spelling.moment(value), spelling.span(value)):
        assert not set(shown) & set("<>\"'")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("463.0", "463"),
        ("1234567.891", "1,234,567.89"),
        (-0.5, "−0.5"),
        (0, "0"),
        ("0", "0"),
        (473.333333333, "473.3333"),
        (100_000, "100,000"),
        (3.4e-06, "3.4e-06"),
        (None, "–"),
        ("NaN", "NaN"),
        (float("inf"), "inf"),
        (True, "True"),
    ],
)
def test_amounts_show_the_digits_that_help(value: Any, shown: str) -> None:
    assert spelling.amount(value) == shown


def test_a_time_that_is_none_is_shown_as_it_is() -> None:
    assert [spelling.moment(value) for value in ("soon", -1, 10**30, None)] == ["soon", "-1", str(10**30), "–"]


def test_rows_and_points_that_are_none_are_left_out() -> None:
    content = {"alert_list": [{"a": 1}, 3, None], "series": {"time": [1, "x", 2, 3], "equity": ["2.5", 2, None, [4], 5]}}
    assert spelling.rows(content, "alert_list") == [{"a": 1}]
    assert spelling.points(content, "equity") == [(1, 2.5)]
