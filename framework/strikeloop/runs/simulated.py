"""From a checked plan to a backtest.

Owns `backtest_of`. Nothing of a live run is loaded here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from strikeloop.backtest import Backtest
from strikeloop.engine import Plugin
from strikeloop.errors import ConfigError, Problem
from strikeloop.hooks import settings_of
from strikeloop.load.plan import Plan
from strikeloop.runs.making import SIM, margin_of, plugins_of
from strikeloop.venue import Source


def same(source: Source) -> Source:
    """The market as it is."""
    return source


def backtest_of(
    plan: Plan,
    *,
    market: Callable[[Source], Source] = same,
    source: Source | None = None,
    plugins: Sequence[Plugin] = (),
    **options: Any,
) -> Backtest:
    """A backtest of the plan's plugins on its market and venue. Raises ConfigError where either is missing.

    `source` stands in for the plan's market, `market` makes another one of it, `plugins` come after the plan's; `options` are those of
    `Backtest`.
    """
    if plan.market is None or plan.venue is None:
        raise ConfigError(
            Problem("backtest", "a backtest needs a market and a venue", 'add [market] use = "generated" and [venue] use = "venue"')
        )
    adapter = next(iter(plan.adapters), SIM)
    given = {one.name: {field.name: repr(getattr(one.plugin, field.name)) for field in settings_of(type(one.plugin))} for one in plugins}
    return Backtest(
        [*plugins_of(plan), *plugins],
        sources=[market(plan.market.open(adapter) if source is None else source)],
        open_venue=lambda contracts: plan.venue.open(adapter, contracts),
        margin=margin_of(plan),
        halt=plan.halt,
        header={**plan.header(), **({"given": given} if given else {})},
        seed=plan.run.seed,
        feed_latency=round(plan.run.feed_latency_ms * 1e6),
        **options,
    )
