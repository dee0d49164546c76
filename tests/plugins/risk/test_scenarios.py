"""A seller of strangles in a crash and at a pinned strike, with the README's limits and without: one day of what its table sums up."""

from __future__ import annotations

from functools import cache

import pytest

from strikeloop.hooks import hooks_of
from tests.benchmarks.bench_scenarios import alerts, lead, objections, table
from tests.plugins.risk.scenarios import README, SCENARIOS, Outcome, limits, play, rules


@cache
def day(scenario: str) -> tuple[Outcome, Outcome]:
    return play(scenario, seed=1)


def test_a_crash_takes_the_account_that_has_no_limits_and_leaves_the_one_that_has() -> None:
    bare, limited = day("crash")
    assert bare.is_liquidated
    assert not limited.is_liquidated
    assert limited.lowest > 35_000 > bare.equity


def test_the_liquidation_was_announced_before_it_came() -> None:
    bare, _ = day("crash")
    assert bare.lead_s is not None
    assert bare.lead_s >= 600
    assert bare.alerts["critical margin_required"] > 0


def test_the_limits_refuse_what_would_have_liquidated_and_let_the_rest_trade() -> None:
    bare, limited = day("crash")
    assert limited.refusals["stress-limit"] > limited.sent > 0
    assert bare.refused == 0


def test_the_limits_are_not_free_where_nothing_happens() -> None:
    bare, limited = day("pin-at-expiry")
    assert not bare.is_liquidated
    assert bare.sent > limited.sent > 0


def test_a_pinned_strike_is_told_of_with_the_expiry() -> None:
    for outcome in day("pin-at-expiry"):
        assert outcome.alerts["critical pin_risk"] > 0
        assert outcome.alerts["critical expiry"] > 0


def test_with_the_limits_no_account_is_near_a_liquidation() -> None:
    for scenario in ("crash", "pin-at-expiry"):
        assert "critical distance_to_liquidation" not in day(scenario)[1].alerts


def test_the_limits_of_the_readme_name_every_rule_and_every_monitor() -> None:
    every = {cls.__name__ for cls, _ in limits()}
    assert len(rules()) == sum("review_order" in hooks_of(cls) for cls, _ in limits()) == 10
    assert {"RiskMonitor", "MarginMonitor", "PositionMonitor", "ExpiryMonitor", "HealthMonitor"} < every


def test_the_readme_shows_the_table_that_its_command_makes() -> None:
    entry = README.read_text(encoding="utf-8").split("## Seen to work")[1]
    outcomes = [outcome for scenario in SCENARIOS for outcome in day("crash" if scenario == "crash" else "pin-at-expiry")]
    made = [*table(_as_scenarios(outcomes)), *objections(_as_scenarios(outcomes)), *alerts(_as_scenarios(outcomes))]
    heads = [line for line in made if "---" not in line and not line.startswith("| `") and line.split(" | ")[0][2:] not in SCENARIOS]
    assert len(heads) == 3
    for head in heads:
        assert head in entry
    for rule in rules():
        assert f"| `{rule}` |" in entry
    assert "python -m tests.benchmarks.bench_scenarios" in entry
    assert "1 liquidations; a critical" in lead(day("crash"))


def _as_scenarios(outcomes: list[Outcome]) -> list[Outcome]:
    """The days that were played, as if they had been of each scenario: the table wants all."""
    import attrs

    return [attrs.evolve(one, scenario=SCENARIOS[place // 2]) for place, one in enumerate(outcomes)]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_readme_tells_that_no_day_with_limits_was_liquidated(scenario: str) -> None:
    entry = README.read_text(encoding="utf-8").split("## Seen to work")[1]
    assert f"| {scenario} | with | 0 of 200 |" in entry
