"""The specification of the desk fixture: a strategy test in seven lines, and nothing that happens by itself."""

from __future__ import annotations

import inspect
from decimal import Decimal as D

import pytest

from strikeloop import (
    ConfigError,
    Desk,
    Filled,
    PortfolioRiskUpdated,
    PositionUpdated,
    RunStarted,
    TickerUpdated,
    TimerFired,
    hookimpl,
    plugin,
)
from strikeloop.testing import CALL, DeskStage, event
from strikeloop_risk import OrderLimits
from strikeloop_strategies import DeltaBand


def test_a_strategy_sells_when_it_is_long(desk: DeskStage) -> None:
    desk.runs(DeltaBand(band=0.1))
    desk.hears(event(PositionUpdated, size=30), event(TickerUpdated, delta=0.5), event(PortfolioRiskUpdated, total_delta=0.15))
    assert [(order.contract, order.size, order.reduce_only) for order in desk.orders] == [(CALL, D(-1), True)]


def test_the_test_above_has_at_most_seven_lines() -> None:
    assert len(inspect.getsource(test_a_strategy_sells_when_it_is_long).splitlines()) <= 7


@plugin
class Patient:
    """Buys each minute, and says when it was filled."""

    @hookimpl
    def on_start(self, event: RunStarted, desk: Desk) -> None:
        desk.every(60, "buy")

    @hookimpl
    def on_timer(self, event: TimerFired, desk: Desk) -> None:
        desk.buy(CALL, 2, 100)

    @hookimpl
    def on_fill(self, event: Filled, desk: Desk) -> None:
        desk.alert(f"filled {event.size}")
        if event.price > 500:
            raise ValueError("too dear")


def test_time_passes_when_the_test_says_so(desk: DeskStage) -> None:
    desk.runs(Patient()).passes(59)
    assert desk.orders == []
    assert len(desk.passes(61).orders) == 2


def test_an_order_is_filled_when_the_test_says_so(desk: DeskStage) -> None:
    desk.runs(Patient()).passes(60).fills()
    assert [alert.text for alert in desk.alerts] == ["filled 2"]
    assert (desk.desk.mine[CALL], desk.desk.positions[0].size, len(desk.desk.working)) == (D(2), D(2), 0)


def test_rules_may_refuse() -> None:
    desk = DeskStage(rules=[OrderLimits(max_size=D(1))]).runs(Patient()).passes(60)
    assert (desk.orders, len(desk.refusals), desk.cancels) == ([], 1, [])


def test_a_plugin_that_raises_fails_the_test(desk: DeskStage) -> None:
    desk.runs(Patient()).passes(60)
    with pytest.raises(AssertionError, match="patient raised in on_fill: ValueError: too dear"):
        desk.fills(price=501)


def test_what_is_done_too_early_is_said(desk: DeskStage) -> None:
    with pytest.raises(ConfigError, match="nobody sits at the desk yet"):
        _ = desk.desk
    with pytest.raises(ConfigError, match="no order was placed"):
        desk.runs(Patient()).fills()
