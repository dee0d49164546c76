"""The demonstration: two strategies, three rules, one dropped connection, on a real socket."""

from __future__ import annotations

import anyio
import pytest

from strikeloop.demo import ADAPTER, BACKTEST, DROP_SHARE, PLUGINS, demo_plan, serve_demo
from strikeloop.load import Mode, load

pytestmark = pytest.mark.anyio


def test_it_runs_two_strategies_and_three_rules_at_least() -> None:
    judges = [section for section in PLUGINS["risk"].values() if not section["use"].endswith("-monitor")]
    assert (len(PLUGINS["strategies"]), len(judges)) == (2, 3)


def test_the_default_backtest_runs_the_same_plugins() -> None:
    plan = load(defaults=BACKTEST, environ={})
    assert [plugin.name for plugin in plan.plugins] == [*PLUGINS["strategies"], *PLUGINS["risk"]]
    assert plan.run.mode is Mode.SIM


def test_the_connection_is_dropped_in_the_first_third_of_the_time() -> None:
    assert 0 < DROP_SHARE < 1 / 3


@pytest.mark.parametrize("dialect", ["seed", "gate"])
async def test_the_plan_is_a_live_run_against_the_served_venue_in_its_dialect(dialect: str) -> None:
    async with serve_demo(dialect=dialect, seed=1, duration_s=60.0) as served:
        plan = demo_plan(served, dialect=dialect, backend="asyncio", seed=1, state_dir="runs")
        adapter = plan.adapters[ADAPTER].open(ADAPTER)
        with anyio.fail_after(5):
            assert len(await adapter.feed.contracts()) > 50
        await adapter.aclose()
    assert plan.run.mode is Mode.LIVE
    assert adapter.account is not None


async def test_no_secret_stands_in_the_plan_of_the_demonstration() -> None:
    async with serve_demo(dialect="seed", seed=1, duration_s=60.0) as served:
        plan = demo_plan(served, dialect="seed", backend="trio", seed=1, state_dir="runs")
    assert plan.config["adapters"][ADAPTER]["secret"] == {"env": "STRIKELOOP_DEMO_SECRET"}
