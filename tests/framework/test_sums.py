"""The specification of strikeloop.sums."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikeloop import ContractId
from strikeloop.sums import NOTHING, Sums, Table, Totals

A, B, C = (ContractId.of("sim", name) for name in "ABC")
UNIT = Totals(0.5, 0.001, 20.0, -30.0, 35_000.0, 49_000.0)
figures = st.builds(Totals, *[st.floats(-1e9, 1e9)] * 6)
changes = st.lists(st.tuples(st.sampled_from("XYZ"), st.sampled_from((A, B, C)), st.none() | figures), max_size=20)


def test_totals_are_added_and_multiplied_each_for_itself() -> None:
    assert UNIT.plus(UNIT).minus(UNIT.times(3.0)) == UNIT.times(-1.0)
    assert UNIT.plus(NOTHING) == UNIT


@given(figures, figures)
def test_a_span_is_the_lesser_and_the_larger_of_each_figure(one: Totals, other: Totals) -> None:
    assert one.span(other) == (tuple(map(min, one, other)), tuple(map(max, one, other)))


def test_sums_change_for_one_underlying_and_together() -> None:
    sums = Sums(UNIT, {"X": UNIT}).plus("X", UNIT).plus("Y", UNIT)
    assert (sums.of("X"), sums.of("Y"), sums.of(None), sums.of("Z")) == (UNIT.times(2.0), UNIT, UNIT.times(3.0), NOTHING)


@pytest.mark.parametrize("names", [("X", "X"), ("X", "Y"), ("Y", "X")])
def test_sums_are_added_by_underlying(names: tuple[str, str]) -> None:
    one, other = (Sums(UNIT, {name: UNIT}) for name in names)
    both = one.with_sums(other)
    assert both.total == UNIT.times(2.0)
    assert both.of("X") == UNIT.times(float(names.count("X")))
    assert one.with_sums(Sums(NOTHING, {})) is one


@given(changes)
def test_what_a_table_adds_up_to_does_not_depend_on_the_way_there(happened: list[tuple[str, ContractId, Totals | None]]) -> None:
    table, rows = Table([]), dict[tuple[str, ContractId], Totals]()
    for underlying, contract, row in happened:
        if row is None:
            table.drop(underlying, contract)
            rows.pop((underlying, contract), None)
        else:
            table.put(underlying, contract, row)
            rows[underlying, contract] = row
    assert table.sums() == Table([(underlying, contract, row) for (underlying, contract), row in rows.items()]).sums()
    for name, total in table.sums().by_underlying.items():
        assert total == tuple(sum(column) for column in zip(*[row for (u, _), row in sorted(rows.items()) if u == name], strict=True))
