"""Cycles are looked for seldom during a run, and as before after it."""

from __future__ import annotations

import gc

import pytest

from strikeloop.garbage import BACKTEST, LIVE, little_garbage_collection


@pytest.mark.parametrize("thresholds", [BACKTEST, LIVE])
def test_what_stands_before_is_frozen_inside_and_what_comes_is_looked_through_seldom(thresholds: tuple[int, int, int]) -> None:
    with little_garbage_collection(thresholds):
        assert gc.get_freeze_count() > 0
        assert gc.get_threshold() == thresholds


def test_all_is_as_before_once_it_is_left_also_by_an_error() -> None:
    before = gc.get_threshold()

    def fail() -> None:
        with little_garbage_collection(LIVE):
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0
