"""Runs beside each other: figures, curves, causes, where they part, what they were set to."""

from __future__ import annotations

import re
from typing import Any

import pytest

from strikeloop_report import compare
from tests.plugins.report.sample import HOSTILE, SECOND, START, poisoned, result
from tests.plugins.report.test_page import Seen, figures, shown


def other(**changes: Any) -> dict[str, Any]:
    """The sample run with another name, digest, PnL, setting and second order."""
    base = result()
    series = {**base["series"], "pnl": [2.0 * value for value in base["series"]["pnl"]]}
    orders = [base["order_list"][0], {**base["order_list"][1], "size": "-3"}]
    config = {"venue": {"use": "venue", "queue": "front", "latency": {"entry_ms": 5.0}}}
    told: dict[str, Any] = {
        "run": "other",
        "digest": "ef" * 32,
        "series": series,
        "order_list": orders,
        "figures": {**base["figures"], "pnl": "-4.5", "sharpe": 1.5, "win_rate": 0.5},
        "assumptions": {**base["assumptions"], "config": config},
        "pnl": {**base["pnl"], "total": {**base["pnl"]["total"], "delta": "3"}},
        **changes,
    }
    return result(**told)


def test_every_figure_stands_beside_the_other_with_the_difference() -> None:
    told = shown(compare([result(), other()]), "figures")
    assert told[:4] == ["Figures", "figure", "A", "B"]
    assert told[4] == "B − A"
    assert told[told.index("PnL") : told.index("PnL") + 4] == ["PnL", "−2.00", "−4.50", "−2.50"]
    assert told[told.index("win rate") + 1 : told.index("win rate") + 4] == ["75 %", "50 %", "−25 %"]
    assert told[told.index("Sharpe ratio") + 1 : told.index("Sharpe ratio") + 4] == ["–", "1.5", "–"]


def test_curves_are_drawn_on_one_time_with_their_difference() -> None:
    pnl, apart, *_ = (chart[0]["data"] for chart in figures(compare([result(), other()])))
    assert [line["name"] for line in pnl] == ["A 20260601-demo", "B other"]
    assert pnl[0]["x"][0] == START // 1_000_000
    assert (apart[0]["name"], apart[0]["y"]) == ("B other", [0.0, -1.0, -2.0, -2.0])


def test_runs_of_other_days_are_drawn_from_their_starts() -> None:
    day = 86_400 * SECOND
    base = result()
    later = {"started": START + 3 * day, "ended": START + 3 * day + 10 * SECOND}
    moved = other(**later, series={**other()["series"], "time": [time + 3 * day for time in base["series"]["time"]]})
    page = compare([base, moved])
    pnl, apart, *_ = (chart[0]["data"] for chart in figures(page))
    assert pnl[0]["x"] == pnl[1]["x"]
    assert pnl[1]["x"][0] == 0.0
    assert apart[0]["y"][-1] == -2.0
    assert "days from the start of each" in " ".join(shown(page, "curves"))


def test_causes_are_compared() -> None:
    told = shown(compare([result(), other()]), "pnl-by-cause")
    assert told[told.index("delta") + 1 : told.index("delta") + 4] == ["1.00", "3.00", "+2.00"]


def test_an_expiry_that_only_one_of_them_held_counts_nothing_for_the_other() -> None:
    told = shown(compare([result(), other(pnl={**result()["pnl"], "expiries": []})]), "pnl-by-cause")
    place = told.index("2026-06-02 00:00:00")
    assert told[place + 1 : place + 4] == ["−2.00", "0.00", "+2.00"]


def test_the_first_order_that_is_another_one_is_told_from_both_sides() -> None:
    (told,) = [text for text in shown(compare([result(), other()]), "where-they-part") if "order" in text and "B " in text]
    assert "order 2 differs. There: sell 1 " in told
    assert "Here: sell 3 " in told


def test_runs_that_did_the_same_are_said_to() -> None:
    page = compare([result(), result()])
    told = " ".join(Seen(page).shown)
    for sentence in (
        "one digest: the same decisions and the same account",
        "all 2 orders that were kept are the same.",
        "None: settings, versions and data are the same.",
        "20260601-demo (2)",
    ):
        assert sentence in told


def test_a_run_with_fewer_orders_parts_where_it_ends() -> None:
    told = " ".join(shown(compare([result(), other(order_list=result()["order_list"][:1])]), "where-they-part"))
    assert "order 2 differs" in told
    assert "Here: none." in told


def test_only_settings_that_differ_are_told() -> None:
    told = shown(compare([result(), other()]), "settings-that-differ")
    assert told == ["Settings that differ", "setting", "A", "B", "digest", "ab" * 32, "ef" * 32, "venue.queue", "risk-averse", "front"]


@pytest.mark.parametrize("count", [2, 6])
def test_two_to_six_runs_are_compared(count: int) -> None:
    page = compare([result(run=f"r{place}") for place in range(count)])
    assert page.count("<th") >= 2 * count


@pytest.mark.parametrize("count", [0, 1, 7])
def test_other_numbers_of_runs_are_not(count: int) -> None:
    with pytest.raises(ValueError, match="name 2 to 6"):
        compare([result()] * count)


def test_runs_of_which_nothing_is_known_are_still_a_page() -> None:
    told = " ".join(Seen(compare([{}, {}])).shown)
    for sentence in ("None of the runs tells its PnL over time.", "neither sent an order.", "not every run tells its digest"):
        assert sentence in told


@pytest.mark.parametrize("name", sorted(result()))
def test_every_part_of_a_result_may_be_absent_empty_or_of_another_type(name: str) -> None:
    for value in (None, "", [], {}, 3, "text", [1], {"a": "b"}, float("nan"), True):
        assert "</html>" in compare([result(**{name: value}), result()])


def test_hostile_text_is_shown_as_text_wherever_it_comes_from() -> None:
    page = compare([result(), poisoned(result())])
    assert HOSTILE not in page
    assert "img" not in {tag for tag, _ in Seen(page).tags}
    assert re.search(r"<h1>[^<]*&lt;/script&gt;", page)
