"""Strategies and rules together, on the simulated venue: they trade, the rules speak, and it happens the same way twice."""

from __future__ import annotations

from collections import Counter
from typing import Any

from strikeloop.testing.sim import Played, Sim
from strikeloop_risk import ExpiryMonitor, GreekLimits, MarginGuard, OrderLimits, PositionMonitor, RiskMonitor
from strikeloop_strategies import DeltaBand, Quoter
from tests.plugins.risk.scene import D


def played(*, step_ms: int = 500, **settings: Any) -> Played:
    """Twenty seconds in a market whose index moves every `step_ms`."""
    rules = (
        OrderLimits(max_size=D(6), price_collar=0.2),
        GreekLimits(max_delta=0.06),
        MarginGuard(),
        RiskMonitor(max_delta=0.03),
        PositionMonitor(),
        ExpiryMonitor(),
    )
    sim = Sim(market={"step_ms": step_ms, "ticker_every_ms": 500})
    return sim.run(Quoter(requote_s=0.5, **settings), DeltaBand(band=0.02), rules=rules, seconds=20)


def test_twenty_seconds_are_enough_to_see_both_trade() -> None:
    done = played()
    owners = {order.client_id: order.instance for order in done.result.engine.orders}
    fills = Counter(owners[fill.client_id] for fill in done.fills)
    assert fills["quoter"] >= 5
    assert fills["delta-band"] >= 1


def test_a_slow_market_is_traded_too() -> None:
    assert len(played(step_ms=1_000).fills) >= 5


def test_rules_refuse_now_and_then_but_not_always() -> None:
    done = played()
    rules = Counter(rule for refusal in done.refusals for rule, _ in refusal.reasons)
    assert set(rules) == {"order-limits", "greek-limits"}
    assert len(done.refusals) < 0.1 * len(done.commands)


def test_the_account_never_passes_the_limit_that_the_rule_holds() -> None:
    done = played()
    totals = [abs(total) for total in done.result.record()["series"]["delta"] if total is not None]
    assert 0 < max(totals) <= 0.06 * 1.01


def test_no_plugin_raises_and_every_position_is_explained() -> None:
    done = played()
    assert done.result.record()["faults"] == []
    assert [alert.text for alert in done.alerts if alert.topic == "position_unexplained"] == []


def test_the_same_seed_gives_the_same_digest() -> None:
    assert played().digest == played().digest
