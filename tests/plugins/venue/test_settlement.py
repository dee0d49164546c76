"""Expiry: the average of the index, the cash, the sequence of what is told."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from strikeloop import (
    BalanceUpdated,
    ContractExpired,
    ContractSettled,
    LedgerPosted,
    OptionKind,
    OrderState,
    OrderUpdated,
    PortfolioRiskUpdated,
    PositionClosed,
    PositionUpdated,
    Traded,
)
from strikeloop.pricing import price
from tests.plugins.venue.stage import CALL, EXPIRY, PUT, Stage, contract

HOURS_8 = 8 * 3600


def held(size: int = 1, **terms: object) -> Stage:
    """A stage on which a position stands at the expiry."""
    stage = Stage(contract(**terms), contract(id=PUT, kind=OptionKind.PUT)).index(70_000).ticker(500).quote(490, 510, 50, 50)
    stage.submit(size, None)
    return stage


def settled(stage: Stage) -> ContractSettled:
    return next(event for event in stage.all(ContractSettled) if event.contract == CALL)


def test_the_recorded_settlement_of_the_venue() -> None:
    """Recorded: S 26826.68068927182, K 25000 → 18.2668068927 for one call, fee 0.0402400210."""
    stage = Stage(contract(strike=D(25_000))).index(26_826.68068927182).ticker(1800, 26_800).quote(1790, 1800)
    stage.submit(1, 1800)
    stage.at(HOURS_8)
    told = settled(stage)
    assert told.settle_price == D("26826.68068927182")
    assert (told.pnl, round(told.fee, 10)) == (D("18.2668068927182"), D("0.0402400210"))


def test_everything_is_told_in_the_venue_s_sequence() -> None:
    stage = held(2)
    resting = stage.submit(1, 480)
    before = len(stage.heard)
    stage.index(71_000).at(HOURS_8)
    told = [event for event in stage.heard[before:] if event.time == EXPIRY][:8]
    assert [type(event) for event in told] == [
        OrderUpdated,
        ContractSettled,
        PositionClosed,
        LedgerPosted,
        LedgerPosted,
        PositionUpdated,
        BalanceUpdated,
        PortfolioRiskUpdated,
    ]
    assert (stage.order(resting).state, stage.order(resting).finish_as) == (OrderState.EXPIRED, "cancelled")
    assert [event.kind for event in told if isinstance(event, LedgerPosted)] == ["set", "fee"]
    assert (stage.last(PositionClosed).reason, stage.last(PositionUpdated).size) == ("settled", D(0))
    assert stage.venue.contracts() == ()


@pytest.mark.parametrize("size", [3, -3])
def test_cash_is_intrinsic_value_and_a_short_pays_it(size: int) -> None:
    stage = held(size)
    cash = stage.venue.account().total
    stage.index(71_000).at(HOURS_8)
    fee = D("0.00015") * 71_000 * 3 * D("0.01")
    assert stage.venue.account().total == cash + size * 1000 * D("0.01") - fee


def test_the_settlement_fee_is_capped_by_the_intrinsic_value() -> None:
    stage = held(1)
    stage.index(70_010).at(HOURS_8)
    assert settled(stage).fee == D("0.125") * 10 * D("0.01")


@pytest.mark.parametrize("index", [69_000, 70_000])
def test_out_of_and_at_the_money_nothing_is_paid_and_nothing_charged(index: int) -> None:
    stage = held(1)
    cash = stage.venue.account().total
    stage.index(index).at(HOURS_8)
    assert (settled(stage).pnl, settled(stage).fee) == (D(0), D(0))
    assert stage.venue.account().total == cash


def test_a_position_brings_payoff_less_premium_and_fees() -> None:
    stage = held(1)
    start = stage.settings.balance
    stage.index(71_000).at(HOURS_8)
    assert stage.last(PositionClosed).pnl == stage.venue.account().total - start
    assert settled(stage).realized_pnl == stage.last(PositionClosed).pnl


def test_the_price_is_the_mean_of_the_index_over_the_window() -> None:
    stage = held(1)
    for minute in range(30):
        stage.at(HOURS_8 - 1800 + 60 * minute).index(70_000 + 10 * minute)
    stage.at(HOURS_8)
    seconds = [70_000.0 + 10 * (second // 60) for second in range(1, 1801)]
    seconds[-1] = 70_290.0
    assert float(settled(stage).settle_price) == pytest.approx(sum(seconds) / 1800, abs=1e-9)


def test_a_gap_in_the_index_holds_the_price_before_it() -> None:
    stage = held(1).at(HOURS_8 - 1000).index(71_000).at(HOURS_8)
    assert float(settled(stage).settle_price) == pytest.approx((70_000 * 799 + 71_000 * 1001) / 1800)


def test_the_index_at_the_expiry_itself_counts() -> None:
    stage = Stage(contract(), settlement_window_s=1).index(70_000).ticker(500).quote(490, 510)
    stage.submit(1, 510)
    stage.now = EXPIRY
    stage.venue.on_market(stage.last(PositionUpdated))
    stage.index(72_000)
    assert settled(stage).settle_price == 72_000


def test_the_venue_s_word_that_a_contract_expired_settles_it() -> None:
    stage = held(1).index(71_000).at(100)
    stage.venue.on_market(ContractExpired(time=stage.now, received=stage.now, contract=CALL))
    stage.listen()
    assert (settled(stage).contract, settled(stage).size) == (CALL, D(1))
    stage.at(HOURS_8)
    assert [event.contract for event in stage.all(ContractSettled)] == [CALL, PUT]


def test_a_contract_without_a_position_settles_without_cash() -> None:
    stage = Stage().index(71_000).at(HOURS_8)
    assert [(event.contract, event.size, event.pnl) for event in stage.all(ContractSettled)] == [(CALL, D(0), D(0)), (PUT, D(0), D(0))]
    assert stage.all(LedgerPosted) == []
    settled = [(row.contract, row.settle_price, row.profit) for row in stage.venue.settlements()]
    assert settled == [
        (CALL, D(71_000), D(10)),
        (PUT, D(71_000), D(0)),
    ]


def test_without_an_index_the_last_forward_is_taken() -> None:
    stage = Stage(contract()).ticker(500, 70_500).quote(490, 510)
    stage.submit(1, 510)
    stage.at(HOURS_8)
    assert settled(stage).settle_price == 70_500


@pytest.mark.parametrize("size", [1, -1])
def test_a_pin_pays_and_charges_nothing_and_a_hair_above_pays_that_hair(size: int) -> None:
    pinned = held(size).index(70_000).at(HOURS_8)
    assert (settled(pinned).pnl, settled(pinned).fee) == (D(0), D(0))
    above = held(size).at(HOURS_8 - 1800).index(70_000.0001).at(HOURS_8)
    assert settled(above).pnl == D("0.0001") * size / 100
    assert 0 < settled(above).fee <= D("0.125") * D("0.0001") / 100


def test_an_order_in_flight_at_the_expiry_finds_no_contract() -> None:
    stage = Stage(latency_ms=200).index(70_000).ticker(500).quote(490, 510)
    stage.at(HOURS_8 - 0.1)
    late = stage.submit(1, 510)
    stage.at(HOURS_8 + 1)
    assert (stage.order(late).state, stage.order(late).reason) == (OrderState.REJECTED, f"CONTRACT_NOT_FOUND: {CALL} has expired")
    assert settled(stage).size == 0


def test_a_cancel_in_flight_at_the_expiry_finds_its_order_ended() -> None:
    stage = Stage(latency_ms=200).index(70_000).ticker(500).quote(490, 510)
    resting = stage.submit(1, 400)
    stage.at(HOURS_8 - 0.1).cancel(resting)
    stage.at(HOURS_8 + 1)
    told = [event for event in stage.all(OrderUpdated) if event.client_id == resting]
    assert [event.state for event in told] == [OrderState.OPEN, OrderState.EXPIRED, OrderState.EXPIRED]
    assert told[-1].reason == "ORDER_FINISHED: the order is expired"


def test_a_market_that_comes_at_the_expiry_itself_trades_before_it() -> None:
    stage = Stage(contract(), settlement_window_s=1).index(70_000).ticker(500).quote(490, 510)
    stage.submit(1, 400)
    stage.now = EXPIRY
    stage.venue.on_market(Traded(time=EXPIRY, received=EXPIRY, contract=CALL, price=399.0, size=-5.0))
    stage.listen()
    assert settled(stage).size == 1


def test_while_the_average_builds_up_marks_run_towards_it() -> None:
    """Half-way through the window the index has been 71,000: forward 70,000 counts half, and the account's mark follows."""
    stage = Stage(contract(), mark_every_s=1).index(71_000).ticker(500, 70_000).quote(490, 510)
    stage.submit(1, 510)
    stage.at(HOURS_8 - 900).ticker(501, 70_000).at(HOURS_8 - 899)
    left = 900 / 86_400 / 365
    expected = price(70_500.0, 70_000.0, left, 0.5, is_call=True)
    assert stage.last(PositionUpdated).mark_price == pytest.approx(expected, abs=0.2)
    untouched = Stage(contract(), blend_forward=False).index(71_000).ticker(500, 70_000).quote(490, 510)
    untouched.submit(1, 510)
    untouched.at(HOURS_8 - 900).ticker(501, 70_000).at(HOURS_8 - 899)
    assert untouched.last(PositionUpdated).mark_price == 501
