"""The specification of strikeloop.summary.gathering."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

from strikeloop import (
    AlertRaised,
    BalanceUpdated,
    Event,
    HaltState,
    HaltUpdated,
    LedgerPosted,
    OrderState,
    PluginFaulted,
    PortfolioRiskUpdated,
    Quoted,
    StreamLost,
    TimerFired,
    UnderlyingPriced,
)
from strikeloop.clientids import owners
from strikeloop.orders import Orders
from strikeloop.summary import MOST_ROWS, SCHEMA, Summary, figures
from tests.framework.stage import CALL, SECOND, D, Stage, fill, made, position, quoted, ticker, update


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
    gathered.approve(stage.engine.wind_down().approved)
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
    assert (len(gathered.fill_rows()), gathered.fills) == (MOST_ROWS, MOST_ROWS + 2)


# ---- curves ----------------------------------------------------------------------------------------------------------


def balance(total: int, at: int, **more: Any) -> BalanceUpdated:
    return BalanceUpdated(time=at, received=at, adapter="sim", currency="USDT", total=D(total), available=D(60), **more)


def risk(at: int = 0, occupied: int = 1, adapter: str = "sim") -> PortfolioRiskUpdated:
    figures: dict[str, Any] = dict.fromkeys(("total_delta", "total_gamma", "total_vega", "total_theta", "effective_leverage"), 1.0)
    margin: dict[str, Any] = {"margin_occupied": D(occupied), "margin_required": D(occupied) / 2}
    return PortfolioRiskUpdated(time=at, received=at, adapter=adapter, **margin, **figures)


def priced(price: float, at: int = 0, underlying: str = "BTC_USDT") -> UnderlyingPriced:
    return UnderlyingPriced(time=at, received=at, adapter="sim", underlying=underlying, price=price)


def series(gathered: Summary) -> dict[str, Any]:
    stage = Stage(made())
    found: dict[str, Any] = gathered.full(stage.engine.portfolio, stage.engine.orders)["series"]
    return found


def test_a_row_of_the_curve_is_what_was_true_at_the_end_of_its_span() -> None:
    events = [balance(100, 5), balance(90, SECOND), balance(95, SECOND + 1), priced(70_000.0, SECOND + 2), balance(99, 3 * SECOND)]
    found = series(summary(*events))
    assert found["time"] == [SECOND, 2 * SECOND, 3 * SECOND]
    assert found["equity"] == [90.0, 95.0, 99.0]
    assert found["return"] == pytest.approx([-0.1, -0.05, -0.01])
    assert found["drawdown"] == pytest.approx([-0.1, -0.1, -0.05])
    assert found["underlying"] == [None, 70_000.0, 70_000.0]


def test_a_row_tells_the_largest_margin_of_its_span_and_the_last_greeks() -> None:
    found = series(summary(risk(1), risk(2, occupied=7), risk(3, occupied=3), risk(SECOND + 1, occupied=2)))
    assert (found["margin_occupied"], found["margin_required"], found["delta"]) == ([7.0, 2.0], [3.5, 1.0], [1.0, 1.0])


def test_greeks_and_margin_of_two_accounts_add_up() -> None:
    found = series(summary(risk(1), risk(2, adapter="other", occupied=4)))
    assert (found["delta"], found["margin_occupied"]) == ([2.0], [5.0])


def test_the_curve_of_the_underlying_is_that_of_the_first_one() -> None:
    gathered = summary()
    gathered.portfolio.apply(priced(70_000.0))
    for event in (priced(70_001.0, 1), priced(3_000.0, 2, underlying="ETH_USDT")):
        gathered.see(event)
    assert series(gathered)["underlying"] == [70_001.0]


def test_a_driver_may_count_market_events_without_showing_them() -> None:
    gathered = summary(quoted(at=SECOND))
    gathered.count(Quoted, 1_000, until=9 * SECOND)
    short = gathered.short()
    assert (short["events"], short["ended"]) == ({"Quoted": 1_001}, 9 * SECOND)


def test_the_underlying_has_its_curve_also_where_the_account_does_nothing() -> None:
    gathered = summary()
    for second, price in enumerate((70_000.0, 70_100.0, 70_200.0)):
        gathered.portfolio.apply(priced(price))
        gathered.see(TimerFired(time=0, received=second * SECOND + 5, instance="s", name="look", due=0))
    found = series(gathered)
    assert (found["time"][:2], found["underlying"]) == ([SECOND, 2 * SECOND], [70_000.0, 70_100.0, 70_200.0])


def test_the_underlying_is_looked_up_where_the_driver_shows_no_market_events() -> None:
    gathered = summary()
    gathered.portfolio.apply(priced(70_000.0))
    gathered.see(balance(100, 5))
    assert series(gathered)["underlying"] == [70_000.0]


# ---- figures of the account ------------------------------------------------------------------------------------------


def test_money_paid_in_is_told_and_is_no_gain() -> None:
    paid = LedgerPosted(time=1, received=1, adapter="sim", currency="USDT", change=D(50), balance=D(150), kind="dnw")
    found = summary(balance(100, 0), paid, balance(160, 2)).figures()
    assert (found["equity_start"], found["equity_end"], found["paid_in"], found["pnl"]) == ("100", "160", "50", "10")
    assert found["return"] == pytest.approx(0.1)


def test_without_an_account_no_figure_is_made_up() -> None:
    found = summary(quoted()).figures()
    known = {name for name, value in found.items() if value not in (None, "", "0", 0)}
    assert known == set()


def test_daily_returns_give_the_figures_of_a_long_run() -> None:
    day = 86_400 * SECOND
    equities = [100, 101, 99, 102, 104, 101, 107, 106, 108, 111, 109, 112, 115, 114, 118, 116, 121, 119, 124, 125, 123]
    found = summary(*(balance(equity, place * day) for place, equity in enumerate(equities))).figures()
    expected = [after / before - 1 for before, after in pairwise(equities)]
    assert (found["return_period_s"], found["return_periods"]) == (86_400, 20)
    assert found["sharpe"] == pytest.approx(figures.sharpe(expected, 365.0))
    assert found["max_drawdown"] == pytest.approx(101 / 104 - 1)
    assert found["annual_return"] == pytest.approx(1.23 ** (365 / 20) - 1)


def test_turnover_is_premium_traded_over_mean_equity() -> None:
    _, gathered = played()
    gathered.see(balance(100, 2 * SECOND))
    found = gathered.figures()
    assert (found["traded"], found["turnover"]) == ("198", 1.98)


def test_trips_are_counted_with_their_share_of_wins() -> None:
    gathered = summary(fill("c", 1, 100), fill("c", -1, 110), fill("c", 1, 100), fill("c", -1, 95))
    found = gathered.figures()
    assert (found["trips"], found["win_rate"], found["profit_factor"]) == (2, 0.5, 2.0)


# ---- fills -----------------------------------------------------------------------------------------------------------


def test_a_fill_is_told_with_the_market_as_it_was() -> None:
    gathered = summary()
    for event in (quoted(), ticker(mark=101.5, underlying_price=70_010.0)):
        gathered.portfolio.apply(event)
    gathered.see(fill("c", 2, 99, fee=D("0.1"), is_maker=True, trade_id="t9"))
    (row,) = gathered.fill_rows()
    assert {name: row[name] for name in ("bid", "ask", "mark", "underlying", "is_maker", "fee", "multiplier", "trade_id")} == {
        "bid": 100.0,
        "ask": 102.0,
        "mark": 101.5,
        "underlying": 70_010.0,
        "is_maker": True,
        "fee": "0.1",
        "multiplier": "1",
        "trade_id": "t9",
    }


def test_the_marks_of_a_contract_are_kept_while_it_is_held() -> None:
    _, gathered = played()
    gathered.see(position(2, mark_price=105.0, at=3 * SECOND))
    stage = Stage(made())
    marks = gathered.full(stage.engine.portfolio, stage.engine.orders)["marks"]
    assert marks == {CALL.name: {"every_s": 1, "time": [0, 3 * SECOND], "mark": [101.5, 105.0]}}


def test_the_result_names_its_version_and_what_it_hangs_on() -> None:
    gathered = summary()
    gathered.assumptions = {"seed": 3}
    stage = Stage(made())
    found = gathered.full(stage.engine.portfolio, stage.engine.orders)
    assert (found["schema"], found["assumptions"]) == (SCHEMA, {"seed": 3})


def test_a_halt_is_told_with_all_its_states_and_is_over_after_a_reset() -> None:
    told: dict[str, Any] = {"time": 5, "received": 5, "cause": "risk", "by": "drawdown", "reason": "12 %", "since": 5}
    gathered = summary(HaltUpdated(state=HaltState.HALTED, **told), HaltUpdated(state=HaltState.GAVE_UP, left=("a: 2 contracts",), **told))
    halt = gathered.short()["halt"]
    assert (halt["state"], halt["by"], halt["reason"], halt["left"]) == ("gave-up", "drawdown", "12 %", ["a: 2 contracts"])
    assert [row["state"] for row in gathered.rows["halt"]] == ["halted", "gave-up"]
    gathered.see(HaltUpdated(state=HaltState.ARMED, **told))
    assert gathered.short()["halt"] is None
