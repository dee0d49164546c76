"""What a fill does to the account, and what the account looks like."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from strikeloop import BalanceUpdated, Filled, LedgerPosted, OrderUpdated, Origin, PortfolioRiskUpdated, PositionClosed, PositionUpdated
from tests.plugins.venue.stage import CALL, PUT, Stage, contract


@pytest.fixture
def stage() -> Stage:
    return Stage().index(70_000).ticker(500).quote(490, 510)


def test_the_account_is_told_at_the_start() -> None:
    stage = Stage().listen()
    assert [type(event) for event in stage.heard] == [BalanceUpdated, PortfolioRiskUpdated]
    assert (stage.last(BalanceUpdated).total, stage.last(PortfolioRiskUpdated).portfolio_var) == (D(100_000), 0.0)


def test_a_fill_is_told_in_the_venue_s_sequence(stage: Stage) -> None:
    before = len(stage.heard)
    stage.submit(2, 510)
    told = stage.heard[before:]
    sequence = [OrderUpdated, Filled, LedgerPosted, LedgerPosted, PositionUpdated, BalanceUpdated, PortfolioRiskUpdated]
    assert [type(event) for event in told] == sequence
    assert {event.origin for event in told if isinstance(event, Filled | LedgerPosted)} == {Origin.SIMULATED}


def test_a_sold_premium_is_booked_to_cash() -> None:
    """Recorded: sell 1 at 333 posts +3.33 prem."""
    stage = Stage().index(27_000).ticker(333, 27_000).quote(333, 340)
    stage.submit(-1, 333)
    premium, fee = stage.all(LedgerPosted)
    assert (premium.kind, premium.change, premium.text) == ("prem", D("3.33"), f"{CALL.name}:1")
    assert (fee.kind, fee.change, fee.balance) == ("fee", D("-0.081"), D("100003.249"))


def test_the_fee_is_capped_by_the_premium() -> None:
    """Gate's help: 30 contracts at 200, index 102,000, 0.03 % → min(30.6, 25) · 0.3 = 7.5."""
    stage = Stage().index(102_000).ticker(200, 102_000).quote(190, 200, ask_size=50)
    stage.submit(30, 200)
    assert stage.last(Filled).fee == D("7.5")


def test_margins_and_values_of_a_short(stage: Stage) -> None:
    stage.submit(-2, 490)
    told = stage.last(BalanceUpdated)
    fee = D("0.0003") * 70_000 * 2 * D("0.01")
    assert told.total == 100_000 + D(490) * 2 * D("0.01") - fee
    assert told.option_value == D(-10)
    assert told.unrealized_pnl == D("-0.2")
    assert told.initial_margin == (D("0.15") * 70_000 + 500) * 2 * D("0.01")
    assert told.maintenance_margin == (D("0.075") * 70_000 + 500) * 2 * D("0.01")
    assert told.available == told.total - told.initial_margin
    assert (told.short_positions, told.long_positions) == (1, 0)
    assert told.margin_ratio == pytest.approx(float(told.maintenance_margin / (told.total + told.option_value)))


def test_a_position_carries_the_mark_and_the_greeks_of_one_unit(stage: Stage) -> None:
    stage.submit(2, 510)
    told = stage.last(PositionUpdated)
    assert (told.size, told.mark_price, told.unrealized_pnl) == (D(2), 500.0, D("-0.2"))
    assert (told.delta, told.gamma, told.vega, told.theta) == (0.5, 0.0001, 20.0, -100.0)


def test_portfolio_risk_sums_size_times_multiplier_times_greek(stage: Stage) -> None:
    stage.ticker(400, contract=PUT, delta=-0.5).quote(390, 410, contract=PUT)
    stage.submit(2, 510)
    stage.submit(-4, 390, contract=PUT)
    told, balance = stage.last(PortfolioRiskUpdated), stage.last(BalanceUpdated)
    assert told.total_delta == pytest.approx(2 * 0.01 * 0.5 + 4 * 0.01 * 0.5)
    assert told.total_vega == pytest.approx(-2 * 0.01 * 20)
    assert told.total_theta == pytest.approx(2 * 0.01 * 100)
    assert (told.margin_occupied, told.margin_required) == (balance.initial_margin, balance.maintenance_margin)
    assert balance.option_value is not None
    equity = float(balance.total + balance.option_value)
    assert told.effective_leverage == pytest.approx(6 * 0.01 * 0.5 * 70_000 / equity)
    assert told.portfolio_var is not None
    assert told.portfolio_var > 0


def test_a_closed_position_is_told_with_what_it_brought(stage: Stage) -> None:
    stage.submit(1, 510)
    stage.submit(-1, 490)
    closed = stage.last(PositionClosed)
    assert (closed.side, closed.pnl) == ("long", D("-0.2") - D("0.42"))
    assert stage.last(PositionUpdated).size == 0


def test_marks_are_told_again_on_a_grid_of_seconds_and_only_when_they_moved(stage: Stage) -> None:
    stage.submit(1, 510)
    stage.at(10)
    before = len(stage.all(PositionUpdated))
    for tenth in range(20):
        stage.at(10 + tenth / 10).ticker(500 + tenth)
    stage.at(12.5).ticker(519).at(20)
    assert [event.mark_price for event in stage.all(PositionUpdated)[before:]] == [509.0, 519.0]


def test_only_positions_whose_mark_moved_are_told_again(stage: Stage) -> None:
    stage.ticker(400, contract=PUT).quote(390, 410, contract=PUT)
    stage.submit(1, 510)
    stage.submit(1, 410, contract=PUT)
    before = len(stage.all(PositionUpdated))
    stage.at(10).ticker(500).ticker(401, contract=PUT).at(20)
    assert [event.contract for event in stage.all(PositionUpdated)[before:]] == [PUT]


def test_a_flat_account_is_not_refreshed(stage: Stage) -> None:
    before = len(stage.heard)
    stage.at(10).ticker(600).at(20)
    assert len(stage.heard) == before


def test_without_a_ticker_the_middle_of_the_quote_is_the_mark() -> None:
    stage = Stage(contract()).index(70_000).quote(490, 510)
    stage.submit(1, 510)
    assert stage.last(PositionUpdated).mark_price == 500.0
    stage.at(5).quote(500, 520).at(7)
    assert stage.last(PositionUpdated).mark_price == 510.0


def test_a_snapshot_says_what_stands(stage: Stage) -> None:
    stage.submit(2, 510)
    waiting = stage.submit(1, 480)
    snapshot = stage.venue.snapshot(stage.now)
    assert [order.client_id for order in snapshot.orders] == [waiting]
    assert [(position.contract, position.size) for position in snapshot.positions] == [(CALL, D(2))]
    assert snapshot.balances[0].total == stage.last(BalanceUpdated).total
    assert [fill.size for fill in snapshot.fills] == [D(2)]
    told = (*snapshot.orders, *snapshot.positions, *snapshot.balances, *snapshot.fills)
    assert {event.origin for event in told} == {Origin.SNAPSHOT}
    assert stage.venue.snapshot(stage.now, since=stage.now + 1).fills == ()
