"""Numbers of the wire as ledger figures: exact or refused, and the same whether they were met before or not."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikeloop_gate.figures import COUNT, KNOWN, MOST_KNOWN, WHOLE, Figures, exact, figure, learned, whole
from strikeloop_gate.strictjson import MalformedError
from strikeloop_gate.structure import number


@given(st.text("0123456789.-", max_size=12))
def test_of_digits_points_and_signs_a_figure_is_just_what_a_json_number_is(text: str) -> None:
    try:
        number(text)
    except MalformedError:
        with pytest.raises(MalformedError):
            exact(text)
    else:
        assert exact(text) == Decimal(text)


@pytest.mark.parametrize(
    "text", ["", "-", ".", "--1", "1.2.3", "1-2", ".5", "-.5", "1.", "-1.", "00", "01", "-01", "0.", "9" * 31, "0." + "1" * 41]
)
@pytest.mark.parametrize("read", [exact, learned, WHOLE.__getitem__, COUNT.__getitem__])
def test_what_is_only_nearly_a_number_is_refused_each_time(read: Any, text: str) -> None:
    for _ in range(2):
        with pytest.raises(MalformedError):
            read(text)


def test_a_figure_keeps_its_digits_and_has_no_negative_zero() -> None:
    long = "0.10000000000000000001"
    assert [str(exact(text)) for text in ("1.50", "-0", "-0.00", "-0.5", "0", long)] == ["1.50", "0", "0.00", "-0.5", "0", long]


def test_decimals_and_whole_numbers_are_taken_as_they_are_spelled() -> None:
    assert [str(exact(value)) for value in (Decimal("1.0"), Decimal("1.00"), 1, Decimal(-0))] == ["1.0", "1.00", "1", "0"]


def test_numbers_of_contracts_are_whole_and_counts_are_not_negative() -> None:
    assert (str(WHOLE["1.0"]), str(WHOLE["-3"]), str(WHOLE[Decimal("2.0")]), COUNT["2.0"]) == ("1", "-3", "2", 2)
    for figures, text in ((WHOLE, "1.5"), (COUNT, "-1")):
        with pytest.raises(MalformedError):
            figures[text]


def test_a_refusal_names_the_field() -> None:
    with pytest.raises(MalformedError, match=r"^size: 1\.5 is no whole number"):
        whole("1.5", "size")
    with pytest.raises(MalformedError, match=r"^price: '9+' is no number of at most 40 digits"):
        figure("9" * 41, "price")


def test_what_is_remembered_is_bounded() -> None:
    made = Figures(Decimal)
    for at in range(MOST_KNOWN + 10):
        made[str(at)]
    assert len(made) == 10


def test_short_figures_are_known_by_their_text_long_ones_are_read_each_time_and_those_that_are_known_are_bounded() -> None:
    assert [str(learned(text)) for text in ("1.50", "1.5", "-0.0", "123456")] == ["1.50", "1.5", "0.0", "123456"]
    assert KNOWN["1.50"] is KNOWN["1.50"]
    assert "123456" not in KNOWN
    for count in range(MOST_KNOWN + 10):
        learned(str(count))
    assert len(KNOWN) <= MOST_KNOWN
