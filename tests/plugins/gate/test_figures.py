"""Numbers of the wire as ledger figures: exact or refused, and the same whether they were met before or not."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikeloop_gate.figures import COUNT, EXACT, MOST_FIGURES, WHOLE, Figures, count, figure, whole
from strikeloop_gate.strictjson import MalformedError
from tests.plugins.gate.frames import NEARLY


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15, places=9))
def test_a_plain_number_is_its_own_value_each_time(value: Decimal) -> None:
    text = format(value, "f")
    assert str(EXACT[text]) == str(EXACT[text]) == str(value + 0)


@pytest.mark.parametrize("text", [*NEARLY, "--1", "1.2.3", "1-2", "-.5", "00", "9" * 41, "1e5"])
@pytest.mark.parametrize("figures", [EXACT, WHOLE, COUNT])
def test_what_is_only_nearly_a_plain_number_is_refused_each_time(figures: Figures[object], text: str) -> None:
    for _ in range(2):
        with pytest.raises(MalformedError):
            figures[text]


def test_a_figure_keeps_its_digits_and_has_no_negative_zero() -> None:
    assert [str(EXACT[text]) for text in ("1.50", "-0", "-0.00", "0.10000000000000000001")] == [
        "1.50",
        "0",
        "0.00",
        "0.10000000000000000001",
    ]


def test_decimals_and_whole_numbers_are_taken_as_they_are_spelled() -> None:
    assert [str(EXACT[value]) for value in (Decimal("1.0"), Decimal("1.00"), 1, Decimal(1))] == ["1.0", "1.00", "1", "1"]


def test_numbers_of_contracts_are_whole_and_counts_are_not_negative() -> None:
    assert (str(WHOLE["1.0"]), str(WHOLE["-3"]), COUNT["2.0"]) == ("1", "-3", 2)
    for figures, text in ((WHOLE, "1.5"), (COUNT, "-1")):
        with pytest.raises(MalformedError):
            figures[text]


def test_a_refusal_names_the_field() -> None:
    for read in (figure, whole, count):
        with pytest.raises(MalformedError, match=r"^size: '1_0' is no plain number"):
            read("1_0", "size")


def test_what_is_remembered_is_bounded() -> None:
    made = Figures(Decimal)
    for number in range(MOST_FIGURES + 10):
        made[str(number)]
    assert len(made) == 10
