"""The README documents result.json as it is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from strikeloop.summary import SCHEMA
from strikeloop.testing import Sim
from strikeloop_strategies import Quoter

README = (Path(__file__).parents[3] / "plugins" / "report" / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def record() -> dict[str, Any]:
    return Sim(market={"duration_s": 10}).run(Quoter(requote_s=0.5)).result.record()


def documented(heading: str) -> dict[str, str]:
    """What stands in the first column of the table under a heading, and what is said of it."""
    part = README[README.index(f"\n{heading}\n") :]
    rows = re.findall(r"^\| (`?[a-z].*?) \| (.*) \|$", part[: part.find("\n#", 2)], re.MULTILINE)
    return {name: told for names, told in rows for name in re.findall(r"[a-z_]+", names.replace("`", ""))}


def names(told: str) -> set[str]:
    return set(re.findall(r"`([a-z_]+)`", told))


def test_every_field_of_a_result_is_documented_and_none_besides(record: dict[str, Any]) -> None:
    found = documented("## result.json")
    found.pop("field")
    assert set(found) == set(record)
    assert found["schema"] == str(SCHEMA)


def test_every_figure_is_documented_with_its_formula(record: dict[str, Any]) -> None:
    figures = set(documented("### How the figures are computed")) - {"figure"}
    assert figures | {"return_period_s", "return_periods"} == set(record["figures"])


@pytest.mark.parametrize("name", ["order_list", "fill_list", "positions"])
def test_the_rows_of_lists_are_documented(record: dict[str, Any], name: str) -> None:
    assert record[name]
    assert names(documented("## result.json")[name]) == set(record[name][0])


def test_the_columns_of_the_curves_are_documented(record: dict[str, Any]) -> None:
    assert names(documented("## result.json")["series"]) == set(record["series"])


def test_the_causes_are_documented_with_their_formulas(record: dict[str, Any]) -> None:
    causes = set(documented("### Where the PnL comes from")) - {"cause"}
    assert causes | {"pnl"} == set(record["pnl"]["total"])
    assert set(record["pnl"]) == {"total", "expiries", "contracts", "outside"}
