"""Ledger figures are computed to 28 digits, whatever somebody did to Python's own setting."""

from __future__ import annotations

import decimal
from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest

from strikeloop.precision import restore_precision


@pytest.fixture(autouse=True)
def _own_context() -> Iterator[None]:
    with decimal.localcontext():
        yield


def _precisely() -> None:
    decimal.getcontext().prec = 3


def _down() -> None:
    decimal.getcontext().rounding = decimal.ROUND_DOWN


def _trapped() -> None:
    decimal.getcontext().traps[decimal.Inexact] = True


def _unguarded() -> None:
    decimal.getcontext().clear_traps()


def _replaced() -> None:
    decimal.setcontext(decimal.Context(prec=3))


@pytest.mark.parametrize("bend", [_precisely, _down, _trapped, _unguarded, _replaced])
def test_whatever_was_changed_is_put_right(bend: Callable[[], None]) -> None:
    restore_precision()
    bend()
    restore_precision()
    assert Decimal(2) / 3 == Decimal("0.6666666666666666666666666667")
    with pytest.raises(decimal.DivisionByZero):
        Decimal(1) / 0


def test_what_nobody_changed_is_left_as_it_is() -> None:
    restore_precision()
    context = decimal.getcontext()
    assert Decimal(2) / 3
    restore_precision()
    assert decimal.getcontext() is context


def test_a_context_for_a_while_changes_nothing_afterwards() -> None:
    restore_precision()
    context = decimal.getcontext()
    with decimal.localcontext() as own:
        own.prec = 3
        assert Decimal(2) / 3 == Decimal("0.667")
    restore_precision()
    assert decimal.getcontext() is context
