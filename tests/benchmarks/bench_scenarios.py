"""The table "Seen to work" of plugins/risk/README.md: what rules and monitors do for a naive seller of strangles.

Run by hand: `python -m tests.benchmarks.bench_scenarios [--seeds 200] [--first 1] [--processes 2]`. Prints the table, and how many
seconds of CPU it took; the exit code is 1 where an account was liquidated in spite of the limits, or none without them. The suite
plays one seed of each scenario (tests/plugins/risk/test_scenarios.py).
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

from tests.plugins.risk.scenarios import SCENARIOS, Outcome, play, rules

Played = tuple[Outcome, Outcome, float]


def measured(job: tuple[str, int]) -> Played:
    began = time.process_time()
    bare, limited = play(*job)
    return bare, limited, time.process_time() - began


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=200, help="days of each scenario (default 200)")
    parser.add_argument("--first", type=int, default=1, help="the first seed (default 1)")
    parser.add_argument("--processes", type=int, default=2, help="how many at a time (default 2)")
    asked = parser.parse_args()
    jobs = [(scenario, seed) for seed in range(asked.first, asked.first + asked.seeds) for scenario in SCENARIOS]
    played: list[Played] = []
    with ProcessPoolExecutor(asked.processes) as pool:
        for done in pool.map(measured, jobs, chunksize=4):
            played.append(done)
            if not len(played) % 20:
                print(f"{len(played)} of {len(jobs)} days", file=sys.stderr, flush=True)
    outcomes = [outcome for bare, limited, _ in played for outcome in (bare, limited)]
    print("\n".join([*table(outcomes), "", *objections(outcomes), "", *alerts(outcomes), "", lead(outcomes)]))
    print(f"\n{len(jobs)} days, each twice, in {sum(cpu for _, _, cpu in played):.0f} s of CPU", file=sys.stderr)
    saved = not any(one.is_liquidated for one in outcomes if one.has_limits)
    return 0 if saved and any(one.is_liquidated for one in outcomes) else 1


def table(outcomes: Sequence[Outcome]) -> list[str]:
    """Liquidations, equity and orders, by scenario, without and with limits."""
    lines = [
        "| scenario | limits | liquidated | equity at the end: mean, worst | its lowest: mean, worst | orders sent | refused |",
        "|---|---|---|---|---|---|---|",
    ]
    for scenario in SCENARIOS:
        for has_limits in (False, True):
            of = [one for one in outcomes if one.scenario == scenario and one.has_limits is has_limits]
            ends, lows = [one.equity for one in of], [one.lowest for one in of]
            cells = (
                scenario,
                "with" if has_limits else "without",
                f"{sum(one.is_liquidated for one in of)} of {len(of)}",
                f"{statistics.fmean(ends):,.0f}, {min(ends):,.0f}",
                f"{statistics.fmean(lows):,.0f}, {min(lows):,.0f}",
                f"{statistics.fmean(one.sent for one in of):.0f}",
                f"{statistics.fmean(one.refused for one in of):.0f}",
            )
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def objections(outcomes: Sequence[Outcome]) -> list[str]:
    """For each rule the orders it objected to; all rules are asked about each."""
    limited = [one for one in outcomes if one.has_limits]
    lines = [f"| orders a rule objected to, per day | {' | '.join(SCENARIOS)} |", f"|---|{'---|' * len(SCENARIOS)}"]
    for name in rules():
        means = [statistics.fmean(one.refusals.get(name, 0) for one in limited if one.scenario == scenario) for scenario in SCENARIOS]
        lines.append(f"| `{name}` | {' | '.join(f'{mean:.1f}' for mean in means)} |")
    return lines


def alerts(outcomes: Sequence[Outcome]) -> list[str]:
    """For each topic the warnings and critical alerts that were raised, without the limits and with them."""
    bare, limited = ([one for one in outcomes if one.has_limits is has_limits] for has_limits in (False, True))
    told = {name for one in outcomes for name in one.alerts if not name.startswith("info ")}
    names = sorted(told, key=lambda name: (name.split()[1], name))
    lines = [f"| alerts, per day: without → with limits | {' | '.join(SCENARIOS)} |", f"|---|{'---|' * len(SCENARIOS)}"]
    for name in names:
        severity, topic = name.split()
        cells = [f"{_mean(bare, scenario, name)} → {_mean(limited, scenario, name)}" for scenario in SCENARIOS]
        lines.append(f"| `{topic}` {severity} | {' | '.join(cells)} |")
    return lines


def lead(outcomes: Sequence[Outcome]) -> str:
    """How long before a liquidation it was announced."""
    gone = [one for one in outcomes if one.is_liquidated]
    leads = [one.lead_s / 60 for one in gone if one.lead_s is not None and one.lead_s > 0]
    if not leads:
        return f"{len(gone)} liquidations, none announced"
    return (
        f"{len(gone)} liquidations; a critical `distance_to_liquidation` came before {len(leads)} of them, "
        f"at the median {statistics.median(leads):.0f} minutes before, at least {min(leads):.0f}"
    )


def _mean(outcomes: Sequence[Outcome], scenario: str, name: str) -> str:
    return f"{statistics.fmean(one.alerts.get(name, 0) for one in outcomes if one.scenario == scenario):.1f}"


if __name__ == "__main__":
    sys.exit(main())
