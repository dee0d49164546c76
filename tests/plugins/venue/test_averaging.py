"""The samples of the index, and the forward while they add up."""

from __future__ import annotations

import pytest

from strikeloop_venue.averaging import IndexWindow, blended


def test_a_window_knows_no_price_before_the_first() -> None:
    window = IndexWindow()
    assert window.mean(10, 5, 1) is None
    window.add(8, 100.0)
    assert window.mean(10, 5, 1) == 100.0


def test_a_window_keeps_no_more_than_it_will_need() -> None:
    window = IndexWindow()
    window.open_at(500)
    for time in range(1000):
        window.add(time, float(time))
    window.open_at(995)
    assert window.mean(999, 4, 1) == 997.5


def test_the_mean_so_far_is_that_of_the_samples_there_are() -> None:
    window = IndexWindow()
    window.open_at(0)
    for time, price in ((0, 100.0), (13, 130.0), (27, 160.0)):
        window.add(time, price)
    assert window.so_far(0, 9, 10) is None
    assert window.so_far(0, 10, 10) == window.so_far(0, 19, 10) == 100.0
    assert window.so_far(0, 20, 10) == 115.0
    assert window.so_far(0, 30, 10) == window.mean(30, 30, 10) == 130.0


@pytest.mark.parametrize(("share", "expected"), [(0.0, 70_000.0), (0.25, 70_250.0), (1.0, 71_000.0)])
def test_the_forward_runs_from_itself_to_the_average(share: float, expected: float) -> None:
    assert blended(70_000.0, 71_000.0, share) == expected
