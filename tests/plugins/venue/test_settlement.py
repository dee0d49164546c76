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
)
from strikeloop_venue.settlement import IndexWindow
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


def test_a_window_knows_no_price_before_the_first() -> None:
    window = IndexWindow()
    assert window.mean(10, 5, 1) is None
    window.add(8, 100.0)
    assert window.mean(10, 5, 1) == 100.0


def test_a_window_keeps_no_more_than_it_will_need() -> None:
    window = IndexWindow()
    window.open_at(500)
    for time in range(1000):
        window.add(time, float(time))
    window.open_at(995)
    assert window.mean(999, 4, 1) == 997.5
