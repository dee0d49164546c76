"""The specification of strikeloop.arguments; what the desk makes of it is in test_desk.py."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from strikeloop import Severity
from strikeloop.arguments import amount_of, flag_of, ids_of, one_of, price_of, text_of, whole_of
from tests.framework.stage import CALL, PUT, D, contract


@pytest.mark.parametrize(
    ("value", "exact"), [(0.1, "0.1"), (np.float64(0.1), "0.1"), (1e-9, "1E-9"), (7, "7"), ("99.50", "99.50"), (D("1.250"), "1.250")]
)
def test_a_price_is_the_number_that_is_written(value: Any, exact: str) -> None:
    assert str(price_of(value)) == exact


def test_no_price_stays_none() -> None:
    assert price_of(None) is None


@pytest.mark.parametrize("wrong", [True, b"1", [1], float("nan"), float("inf"), "NaN", "x", D("Infinity"), 1j])
def test_what_is_no_number_is_no_price(wrong: Any) -> None:
    with pytest.raises(TypeError, match="price must be"):
        price_of(wrong)


@pytest.mark.parametrize(("value", "exact"), [(0, "0"), (7, "7"), ("2.50", "2.50"), (D("1E+2"), "1E+2")])
def test_an_amount_is_the_number_that_is_written(value: Any, exact: str) -> None:
    assert str(amount_of(value)) == exact


@pytest.mark.parametrize("wrong", [True, False, 1.5, -1, "-1", D(-1), None, "x", D("NaN")])
def test_an_amount_is_an_exact_number_that_is_not_negative(wrong: Any) -> None:
    with pytest.raises(TypeError, match="shown must"):
        amount_of(wrong, "shown")


def test_a_choice_may_be_given_by_its_value() -> None:
    assert (one_of(Severity, "info", "severity"), one_of(Severity, Severity.INFO, "severity")) == (Severity.INFO, Severity.INFO)
    with pytest.raises(TypeError, match="severity must be one of info, warning, critical, got 'loud'"):
        one_of(Severity, "loud", "severity")


@pytest.mark.parametrize(
    ("take", "wrong"), [(flag_of, 1), (flag_of, None), (whole_of, True), (whole_of, 1.0), (text_of, b"x"), (text_of, None)]
)
def test_nothing_is_taken_for_what_it_is_not(take: Any, wrong: Any) -> None:
    with pytest.raises(TypeError, match="it must be"):
        take(wrong, "it")


def test_contracts_may_be_given_in_every_form() -> None:
    assert ids_of(CALL) == ids_of(contract()) == (CALL,)
    assert ids_of([contract(), PUT]) == (CALL, PUT)
    with pytest.raises(TypeError, match="watch wants contracts"):
        ids_of([CALL, 5])  # type: ignore[list-item]  # just that
