"""The specification of strikeloop.summary."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikeloop import (
    AlertRaised,
    BalanceUpdated,
    Event,
    OrderState,
    PluginFaulted,
    PortfolioRiskUpdated,
    StreamLost,
    UnderlyingPriced,
)
from strikeloop.clientids import owners
from strikeloop.orders import Orders
from strikeloop.summary import MOST_POINTS, MOST_ROWS, Series, Summary
from tests.framework.stage import CALL, SECOND, D, Stage, fill, made, position, quoted, update


def summary(*events: Event) -> Summary:
    gathered = Summary(run="r1", mode="sim", backend="trio")
    for event in events:
        gathered.see(event)
    return gathered


def played() -> tuple[Stage, Summary]:
    """A run with an order that traded, one that was refused, and a position."""
    stage = Stage(made(on_start=lambda event, desk: [desk.buy(CALL, 2, 100), desk.buy(CALL, 0, 100)]))
    gathered = summary(*stage.events)
    order = stage.engine.orders.working()[0].key
    for event in (fill(order, 2, 99, at=SECOND), update(order, OrderState.FILLED, 2, 0, order_id="v1"), position(2, mark_price=101.5)):
        stage.step(event)
        gathered.see(event)
    return stage, gathered


# ---- figures ---------------------------------------------------------------------------------------------------------


def test_events_are_counted_by_kind() -> None:
    assert summary(quoted(), quoted(), position(1)).short()["events"] == {"PositionUpdated": 1, "Quoted": 2}


def test_channels_are_shown_in_the_place_of_kinds_where_there_are_any() -> None:
    gathered = summary(quoted())
    gathered.channels.update({"options.orders": 3})
    assert gathered.short()["events"] == {"options.orders": 3}


def test_a_run_lasts_from_its_first_event_to_its_latest() -> None:
    short = summary(quoted(at=SECOND), quoted(at=4 * SECOND), quoted(at=3 * SECOND)).short()
    assert (short["started"], short["ended"], short["duration_s"]) == (SECOND, 4 * SECOND, 3.0)


def test_a_run_without_events_has_no_duration() -> None:
    assert summary().short()["duration_s"] == 0.0


def test_orders_are_those_that_left() -> None:
    stage = Stage(made(on_position=lambda event, desk: [desk.buy(CALL, 1, 100), desk.buy(CALL, 0, 100)]))
    gathered = summary()
    gathered.approve(stage.step(position(1)).approved)
    order = stage.engine.orders.working()[0].key
    stage.desk().cancel(order)
    gathered.approve(stage.engine.withdraw().approved)
    assert gathered.short()["orders"] == 1


def test_fills_refusals_alerts_and_faults_are_counted() -> None:
    alert = AlertRaised(time=0, received=0, source="s", topic="t", text="x")
    fault = PluginFaulted(time=0, received=0, instance="s", hook="on_quote", error="x", halted=True)
    _, gathered = played()
    for event in (alert, fault):
        gathered.see(event)
    short = gathered.short()
    assert [short[name] for name in ("fills", "refusals", "alerts", "faults")] == [1, 1, 1, 1]


@pytest.mark.parametrize(("connections", "streams", "reconnects"), [(0, 0, 0), (1, 1, 0), (3, 1, 2), (3, 2, 1), (0, 1, 0)])
def test_a_reconnection_is_a_connection_beyond_the_first_of_its_stream(connections: int, streams: int, reconnects: int) -> None:
    gathered = summary()
    gathered.connections, gathered.streams = connections, streams
    assert gathered.short()["reconnects"] == reconnects


def test_run_mode_and_backend_are_told() -> None:
    short = summary().short()
    assert (short["run"], short["mode"], short["backend"]) == ("r1", "sim", "trio")


# ---- lists -----------------------------------------------------------------------------------------------------------


def full() -> dict[str, Any]:
    stage, gathered = played()
    return gathered.full(stage.engine.portfolio, stage.engine.orders)


def test_the_whole_result_is_json() -> None:
    assert json.loads(json.dumps(full(), allow_nan=False))["run"] == "r1"


def test_every_order_is_listed_as_it_ended() -> None:
    (order,) = full()["order_list"]
    assert (order["instance"], order["contract"], order["size"], order["state"], order["filled"], order["fill_price"]) == (
        "s",
        CALL.name,
        "2",
        "filled",
        "2",
        "99",
    )


def test_every_fill_is_listed_with_the_instance_whose_order_traded() -> None:
    (row,) = full()["fill_list"]
    assert (row["instance"], row["time"], row["size"], row["price"]) == ("s", SECOND, "2", "99")


def test_a_fill_whose_order_is_forgotten_is_known_by_its_client_id() -> None:
    result = summary(fill("t-run-s-1", 1)).full(Stage(made()).engine.portfolio, Orders(owners(["s"], ["run"])))
    assert [row["instance"] for row in result["fill_list"]] == ["s"]


def test_every_reason_of_a_refusal_is_a_row() -> None:
    (row,) = full()["refusal_list"]
    assert (row["instance"], row["rule"], row["reason"], row["size"]) == ("s", "contract", "size is 0: nothing to trade", "0")


def test_positions_are_listed_with_their_exposure() -> None:
    (row,) = full()["positions"]
    assert (row["contract"], row["size"], row["mark_price"], row["unrealized_pnl"]) == (CALL.name, "2", 101.5, "0.230")


def test_what_happened_to_connections_is_told_in_words() -> None:
    gathered = summary(StreamLost(time=0, received=0, adapter="sim", reason="reset"))
    assert gathered.rows["stream"] == [{"time": 0, "adapter": "sim", "port": "account", "event": "StreamLost", "text": "reason=reset"}]


def test_lists_end_at_their_limit_and_counts_go_on() -> None:
    gathered = summary(*[fill("c", 1)] * (MOST_ROWS + 2))
    assert (len(gathered.rows["fill"]), gathered.fills) == (MOST_ROWS, MOST_ROWS + 2)


# ---- series ----------------------------------------------------------------------------------------------------------


def test_equity_is_cash_and_the_value_of_the_options() -> None:
    money: dict[str, Any] = {"total": D(100), "available": D(60), "option_value": D(-30)}
    gathered = summary(BalanceUpdated(time=0, received=7, adapter="sim", currency="USDT", **money))
    assert {name: one.points for name, one in gathered.series.items()} == {
        "equity": [(7, 70.0)],
        "cash": [(7, 100.0)],
        "available": [(7, 60.0)],
    }


def test_risk_and_index_become_series() -> None:
    figures: dict[str, Any] = dict.fromkeys(("total_delta", "total_gamma", "total_vega", "total_theta", "effective_leverage"), 1.0)
    risk = PortfolioRiskUpdated(time=0, received=0, adapter="sim", margin_occupied=D(1), margin_required=D(1), **figures)
    gathered = summary(risk, UnderlyingPriced(time=0, received=0, adapter="sim", underlying="BTC_USDT", price=70_000.0))
    assert set(gathered.series) == {"delta", "gamma", "vega", "theta", "margin_occupied", "margin_required", "underlying"}


@given(st.integers(0, 4 * MOST_POINTS))
def test_a_series_is_bounded_and_evenly_spaced(count: int) -> None:
    series = Series()
    for time in range(count):
        series.add(time, 0.0)
    times = [time for time, _ in series.points]
    assert len(times) < MOST_POINTS
    assert len({later - earlier for earlier, later in pairwise(times)}) <= 1
    assert times[:1] == list(range(count))[:1]
