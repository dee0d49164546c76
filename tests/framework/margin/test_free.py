"""The specification of strikeloop.margin.free: nothing is held back."""

from __future__ import annotations

from decimal import Decimal as D

from strikeloop.margin import FREE
from tests.framework.margin.stage import held


def test_nothing_is_held_back_whatever_is_held() -> None:
    margin = FREE.account([held(-10, 75_000)])
    assert (margin.initial, margin.maintenance, margin.order, margin.credit) == (D(0), D(0), D(0), D(0))
