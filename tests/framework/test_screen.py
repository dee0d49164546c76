"""The specification of strikeloop.screen."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from strikeloop import (
    AlertRaised,
    BalanceUpdated,
    ChannelRefused,
    ChannelSubscribed,
    ContractId,
    Event,
    GapClosed,
    GapOpened,
    HaltRequested,
    OrderRefused,
    OrderState,
    PluginFaulted,
    PortfolioRiskUpdated,
    Reconciled,
    StreamLost,
    StreamOpened,
    SubmitOrder,
)
from strikeloop.adapter import Channel
from strikeloop.screen import LINES, Screen, summary_table
from strikeloop.summary import Summary
from tests.framework.stage import CALL, SECOND, D, Stage, fill, position, quoted, update

STREAM: dict[str, Any] = {"time": 0, "received": 3_723 * SECOND, "adapter": "gate"}


def shown(renderable: Any, width: int = 200, height: int = 60) -> str:
    """What stands on a terminal of this size, spaces run together."""
    console = Console(width=width, height=height, record=True, file=StringIO())
    console.print(renderable)
    return " ".join(console.export_text().split())


def live(*events: Event, ports: dict[str, Any] | None = None) -> Any:
    """As much of a live run as a screen looks at."""
    stage = Stage()
    for event in events:
        stage.step(event)
    summary = Summary(run="r1", mode="live")
    clock: Callable[[], int] = lambda: 10 * SECOND  # noqa: E731  # a clock that stands
    return SimpleNamespace(engine=stage.engine, summary=summary, feeds={}, ports=ports or {}, clock=SimpleNamespace(now=clock))


def port(state: str = "ready") -> Any:
    status = SimpleNamespace(
        channel=Channel(name="options.orders"), state=SimpleNamespace(value="confirmed"), updates=7, last_update=8 * SECOND
    )
    quiet = SimpleNamespace(channel=Channel(name="options.balances"), state=SimpleNamespace(value="asked"), updates=0, last_update=None)
    return SimpleNamespace(session=SimpleNamespace(state=state, connections=2, channels=[status, quiet]))


def screen(*events: Event, **more: Any) -> str:
    made = Screen("strikeloop demo")
    for event in events:
        made.see(event)
    return shown(made.render(live(**more)))


def test_an_empty_screen_says_that_nothing_happened() -> None:
    text = screen()
    assert "strikeloop demo" in text
    assert "no order yet" in text
    assert "quiet" in text


def test_the_head_shows_connections_and_counts() -> None:
    text = screen(ports={"gate": port()})
    assert "gate ready connection 2" in text
    assert "orders 0 fills 0 refused 0 alerts 0" in text


def test_the_head_shows_that_the_run_is_halted_and_by_whom() -> None:
    halted = HaltRequested(time=0, received=0, cause="command", by="anna", reason="news")
    text = shown(Screen("x").render(live(halted)))
    assert "halted, by anna: news" in text


def test_channels_are_shown_with_state_updates_and_age() -> None:
    text = screen(ports={"gate": port()})
    assert "options.orders confirmed 7 2.0 s ago" in text.replace("│", "").replace("  ", " ")
    assert "options.balances" in text


def test_positions_are_shown_with_their_exposure() -> None:
    text = shown(Screen("x").render(live(position(-2, mark_price=101.5, delta=0.5, vega=20.0))))
    assert all(part in text for part in (CALL.name, "-2", "90.0", "101.5", "-0.23", "-0.010", "-0.40"))


def test_the_portfolio_shows_balance_and_risk() -> None:
    balance = BalanceUpdated(time=0, received=0, adapter="sim", currency="USDT", total=D("1000.5"), available=D(900))
    figures: dict[str, Any] = {"total_delta": 0.125, "total_gamma": 0.0, "total_vega": 3.0, "total_theta": -4.0, "effective_leverage": 0.5}
    risk = PortfolioRiskUpdated(time=0, received=0, adapter="sim", margin_occupied=D(7), margin_required=D(5), **figures)
    text = shown(Screen("x").render(live(balance, risk)))
    assert all(part in text for part in ("1000.50 USDT", "900.00", "+0.125", "+3.0", "-4.0", "7.00", "5.00", "0.500"))


REFUSED = OrderRefused(
    time=0,
    received=0,
    instance="maker",
    contract=CALL,
    client_id="c",
    command=SubmitOrder(client_id="c", contract=CALL, size=D(3)),
    reasons=(("vega", "too much"),),
)


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (REFUSED, f"maker: +3 {CALL} refused by vega: too much"),
        (update("t-1", OrderState.OPEN, -2, -2, price=D("1E+2")), f"t-1: -2 {CALL} at 100 is open"),
        (update("t-1", OrderState.FILLED, 2, 0, is_market=True), f"t-1: +2 {CALL} at market is filled"),
        (fill("t-1", -2, 99), f"filled -2 {CALL} at 99"),
        (AlertRaised(time=0, received=0, source="vega", topic="t", text="too much"), "warning vega: too much"),
        (
            PluginFaulted(time=0, received=0, instance="s", hook="on_quote", error="KeyError: 1", halted=True),
            "s.on_quote failed: KeyError: 1",
        ),
        (StreamOpened(**STREAM, connection=2), "01:02:03 gate account: connection 2 is open and confirmed"),
        (StreamLost(**STREAM, reason="reset", retry_in_s=0.25), "connection lost: reset, next attempt in 0.2 s"),
        (StreamLost(**STREAM, reason="reset"), "connection lost: reset"),
        (ChannelSubscribed(**STREAM, channel="orders", by="update"), "orders confirmed by update"),
        (ChannelRefused(**STREAM, channel="orders", code="4", message="no"), "orders refused: 4 no"),
        (Reconciled(**STREAM), "account reconciled, nothing was missed"),
        (Reconciled(**STREAM, adjustments=("one", "two")), "account reconciled, 2 adjustments: one"),
        (GapOpened(**STREAM, channel="orders", reason="a hole"), "messages missed on orders: a hole"),
        (GapClosed(**STREAM, channel="orders"), "gate account: GapClosed"),
    ],
)
def test_what_a_person_would_want_to_read_is_a_line(event: Event, line: str) -> None:
    assert line in screen(event)


def test_market_events_are_no_lines() -> None:
    assert "quiet" in screen(quoted())


def test_only_the_last_lines_are_kept() -> None:
    text = screen(*(AlertRaised(time=0, received=0, source="s", topic="t", text=f"number{n}.") for n in range(LINES + 1)))
    assert ("number0." in text, "number1." in text, f"number{LINES}." in text) == (False, True, True)


def test_a_refusal_stays_in_sight_while_orders_come_and_go() -> None:
    text = screen(REFUSED, *(update(f"t-{n}", OrderState.OPEN, 2, 2, price=D(9)) for n in range(2 * LINES)))
    assert "refused by vega: too much" in text


def test_channels_confirmed_one_after_the_other_share_a_line() -> None:
    def confirmed(channel: str, by: str = "update", port: str = "account") -> ChannelSubscribed:
        return ChannelSubscribed(**STREAM, channel=channel, by=by, port=port)

    events = (
        confirmed("a"),
        confirmed("b"),
        confirmed("c", by="snapshot"),
        StreamLost(**STREAM, reason="reset"),
        confirmed("d", "snapshot"),
    )
    text = screen(*events, confirmed("e", "snapshot", port="feed"))
    assert "gate account: a, b confirmed by update" in text
    assert "gate account: c confirmed by snapshot" in text
    assert "gate account: d confirmed by snapshot" in text
    assert "gate feed: e confirmed by snapshot" in text


def test_a_terminal_of_24_lines_shows_all_that_matters() -> None:
    made = Screen("strikeloop demo")
    lost = StreamLost(**STREAM, reason="reset")
    orders = [update(f"t-{n}", OrderState.OPEN, 2, 2, price=D(9)) for n in range(LINES)]
    for event in (REFUSED, lost, *orders):
        made.see(event)
    balance = BalanceUpdated(time=0, received=0, adapter="sim", currency="USDT", total=D("1000.5"), available=D(900))
    picture = made.render(live(position(-2, mark_price=101.5, delta=0.5, vega=20.0), balance, ports={"gate": port()}))
    console = Console(width=80, height=24, file=StringIO())
    assert len(console.render_lines(picture)) <= 24
    text = shown(picture, width=80, height=24)
    parts = (
        "gate ready",
        "options.orders 7",
        "options.balances asked",
        CALL.name,
        "1000.50 USDT",
        "t-7",
        "refused by vega",
        "connection lost",
    )
    assert [part for part in parts if part not in text] == []
    assert "t-0" not in text


def test_of_many_positions_a_small_terminal_shows_some_and_says_so() -> None:
    many = [position(1, ContractId("gate", f"BTC_USDT-20260612-{n}-C")) for n in range(1, 8)]
    assert "and 3 more positions" in shown(Screen("x").render(live(*many)), height=24)


def test_the_last_table_shows_figures_and_events() -> None:
    summary = Summary(run="r1", mode="sim")
    summary.see(quoted(at=0))
    summary.see(quoted(at=SECOND))
    text = shown(summary_table(summary.short()))
    assert all(part in text for part in ("run r1", "duration_s", "1.0", "events Quoted"))


def test_the_last_table_tells_the_figures_that_are_defined() -> None:
    figures = {"pnl": "-12.5", "sharpe": 1.23456, "return": None, "turnover": 0.5}
    text = shown(summary_table({"run": "r1", "events": {}, "figures": figures}))
    assert "-12.5" in text
    assert "1.2346" in text
    assert "return" not in text
    assert "turnover" not in text
