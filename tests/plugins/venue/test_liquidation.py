"""What happens when margin runs out."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

import pytest

from strikeloop import ContractId, Filled, LedgerPosted, Liquidated, OptionKind, OrderState, PositionClosed, TimeInForce
from strikeloop_venue.served.account import AccountBook
from strikeloop_venue.served.bodies import account_body
from tests.plugins.venue.stage import CALL, EXPIRY, PUT, SECOND, START, Stage, contract

OTHER = ContractId.of("venue", "BTC_USDT-20260601-71000-C")


def two_shorts(**changes: Any) -> Stage:
    """Two short calls in an account that can keep one of them."""
    stage = Stage(contract(), contract(id=OTHER, **changes), balance="260", liquidation_batch="1").index(70_000)
    stage.ticker(500).quote(490, 510).ticker(500, contract=OTHER).quote(490, 510, contract=OTHER)
    stage.submit(-1, 490, contract=OTHER)
    stage.submit(-1, 490)
    return stage.at(5).quote(7_400, 7_500).quote(7_400, 7_500, contract=OTHER)


def short(balance: str, size: int = -1) -> Stage:
    stage = Stage(balance=balance).index(70_000).ticker(500).quote(490, 510)
    stage.submit(size, 490)
    return stage


def test_below_initial_margin_resting_orders_go_largest_margin_first() -> None:
    stage = short("130")
    stage.ticker(500, contract=PUT)
    small, large = stage.submit(1, 100, contract=PUT), stage.submit(1, 400, contract=PUT)
    stage.at(5).ticker(2_500, 71_400).at(7)
    assert (stage.order(large).state, stage.order(large).reason.split(":")[0]) == (OrderState.CANCELED, "INSUFFICIENT_AVAILABLE")
    assert stage.order(small).state is OrderState.OPEN
    assert stage.all(Liquidated) == []


def test_at_maintenance_margin_shorts_are_bought_back_and_nothing_rests() -> None:
    stage = short("130")
    resting = stage.submit(1, 100)
    stage.at(5).quote(8_900, 9_000).ticker(9_000, 79_000).at(7)
    assert stage.last(Liquidated).maintenance_margin == (D("0.075") * 79_000 + 9_000) * D("0.01")
    assert (stage.order(resting).state, stage.order(resting).finish_as) == (OrderState.LIQUIDATED, "liquidated")
    assert (stage.last(Filled).size, stage.last(Filled).client_id) == (D(1), None)
    assert (stage.last(PositionClosed).reason, stage.venue.positions()) == ("liquidated", ())


def starved(balance: str = "130") -> Stage:
    """A short at its maintenance margin, and nobody to buy it back from."""
    return short(balance).at(5).quote(7_900, None).ticker(8_000, 90_000).at(7)


def test_while_nobody_sells_openings_are_refused_and_reductions_taken() -> None:
    stage = starved()
    opening = stage.submit(-1, 8_000)
    assert stage.order(opening).reason.startswith("POSITION_IN_LIQUIDATION: ")
    assert stage.order(stage.submit(1, 8_100, reduce_only=True)).state is OrderState.OPEN
    assert len(stage.all(Liquidated)) == 1


@pytest.mark.parametrize(("margin", "balance", "mark"), [("classic", "130", 8_000), ("portfolio", "300", 15_000)])
def test_the_account_of_the_server_says_that_it_is_being_liquidated(margin: str, balance: str, mark: int) -> None:
    quiet = Stage(balance=balance, margin=margin).index(70_000).ticker(500).quote(490, 510)
    quiet.submit(-1, 490)
    assert account_body(quiet.venue.account(), AccountBook(), 7, 10)["liq_triggered"] is False
    quiet.at(5).quote(mark - 100, None).ticker(mark, 90_000).at(7)
    assert quiet.venue.is_liquidating
    assert account_body(quiet.venue.account(), AccountBook(), 7, 10)["liq_triggered"] is True


def test_the_venue_s_orders_are_ioc_at_the_agreement_price_and_never_pay_more() -> None:
    stage = starved().at(8).quote(7_900, 12_001)
    (tried,) = {(order.price, order.tif, order.reduce_only, order.client_id) for order in stage.venue.orders() if order.is_liquidation}
    assert tried == (D(12_000), TimeInForce.IOC, True, None)
    assert [position.size for position in stage.at(9).venue.positions()] == [D(-1)]
    stage.quote(7_900, 12_000).ticker(8_001, 90_000).at(11)
    assert stage.last(Filled).price == D(12_000)
    assert stage.venue.positions() == ()


def test_what_nobody_takes_goes_to_the_insurance_fund_once_the_account_is_worth_nothing_at_agreement_prices() -> None:
    stage = starved()
    before, fund = stage.venue.account().total, stage.venue.insurance.cash
    stage.ticker(9_200, 90_000).at(9)
    assert (stage.last(Filled).price, stage.last(Filled).fee) == (D(13800), D(0))
    assert stage.last(PositionClosed).reason == "liquidated"
    assert stage.venue.insurance.positions == {CALL: D(-1)}
    assert (stage.venue.account().total, stage.venue.insurance.cash) == (D(0), fund + before)


def test_the_fund_settles_what_it_took_over() -> None:
    stage = starved().ticker(9_200, 90_000).at(9)
    fund = stage.venue.insurance.cash
    stage.index(90_000).at(8 * 3600)
    assert stage.venue.insurance.positions == {}
    assert float(stage.venue.insurance.cash - fund) == pytest.approx(-200, rel=1e-3)


def test_an_account_that_a_settlement_overdraws_is_covered_and_the_fund_may_run_dry() -> None:
    stage = Stage(balance="130", insurance="50", liquidation=True).index(70_000).ticker(500).quote(490, 510)
    stage.submit(-1, 490)
    stage.index(100_000).at(8 * 3600 + 5)
    assert stage.venue.account().total == 0
    assert stage.last(LedgerPosted).kind == "insurance"
    assert stage.venue.insurance.is_exhausted


def test_a_large_position_goes_in_batches_and_no_further_than_needed() -> None:
    stage = short("1300", -10).at(5).quote(7_100, 7_300).ticker(7_200, 84_000).at(7)
    batches = [fill.size for fill in stage.all(Filled)[1:]]
    assert set(batches) == {D(3)}
    assert 0 < len(batches) < 4
    assert stage.venue.positions()[0].size == -10 + sum(batches)
    assert len(stage.all(Liquidated)) == 1


def test_the_liquidation_fee_goes_to_the_fund() -> None:
    stage = Stage(balance="130", liquidation_fee_rate="0.001").index(70_000).ticker(500).quote(490, 510)
    stage.submit(-1, 490)
    fund = stage.venue.insurance.cash
    stage.at(5).quote(7_900, 8_100).ticker(8_000, 90_000).at(7)
    fee = stage.last(Filled).fee
    assert fee == D("0.0003") * 70_000 / 100 + D("0.001") * 70_000 / 100
    assert stage.venue.insurance.cash - fund == D("0.7")


@pytest.mark.parametrize(("delta", "of_the_other", "left"), [(0.9, 0.2, OTHER), (0.2, 0.9, CALL)])
def test_of_two_shorts_the_one_that_cuts_more_delta_goes_first(delta: float, of_the_other: float, left: ContractId) -> None:
    stage = two_shorts()
    stage.ticker(7_400, 82_000, delta=delta).ticker(7_400, 82_000, contract=OTHER, delta=of_the_other).at(8)
    assert [position.contract for position in stage.venue.positions()] == [left]


def test_of_two_that_cut_as_much_the_nearer_expiry_goes_first() -> None:
    stage = two_shorts(expiry=EXPIRY + 3600 * SECOND)
    stage.ticker(7_400, 82_000, contract=OTHER, delta=0.5).ticker(7_400, 82_000, delta=0.5).at(8)
    assert [position.contract for position in stage.venue.positions()] == [OTHER]


def test_then_the_strike_nearer_to_the_money() -> None:
    stage = two_shorts(strike=D(81_000))
    stage.ticker(7_400, 82_000, delta=0.5).ticker(7_400, 82_000, contract=OTHER, delta=0.5).at(8)
    assert [position.contract for position in stage.venue.positions()] == [CALL]


def test_longs_are_sold_only_after_every_short_is_gone() -> None:
    stage = Stage(contract(), contract(id=OTHER), balance="140", liquidation_batch="1").index(70_000)
    stage.ticker(500).quote(490, 510).ticker(100, contract=OTHER).quote(90, 110, contract=OTHER)
    stage.submit(2, 110, contract=OTHER)
    stage.submit(-1, 490)
    stage.at(5).quote(30_000, 30_000).quote(30_000, 30_100, contract=OTHER)
    stage.ticker(30_000, 100_000, delta=1.0).ticker(30_000, 100_000, contract=OTHER, delta=1.0).at(8)
    liquidations = [fill.contract for fill in stage.all(Filled)[2:]]
    assert liquidations[0] == CALL
    assert set(liquidations[1:]) == {OTHER}


def test_margin_is_looked_at_after_a_settlement_too() -> None:
    stage = Stage(contract(expiry=START + 3600 * SECOND), contract(id=OTHER), balance="378").index(70_000)
    stage.ticker(500).quote(490, 510).ticker(500, contract=OTHER).quote(490, 510, contract=OTHER)
    stage.submit(-1, 490)
    stage.submit(-1, 490, contract=OTHER)
    stage.index(103_000).at(3600).at(3602)
    assert [event.reason for event in stage.all(PositionClosed)] == ["settled", "liquidated"]


def test_below_initial_margin_orders_go_where_no_position_is_held_too() -> None:
    stage = Stage(balance="120").index(70_000).ticker(500).quote(490, 510)
    order = stage.submit(-1, 600)
    stage.at(5).ticker(900, 90_000).at(7)
    assert (stage.order(order).state, stage.all(Liquidated)) == (OrderState.CANCELED, [])


def test_shorts_that_move_most_with_the_market_go_first_and_no_more_than_needed() -> None:
    stage = Stage(contract(), contract(id=PUT, kind=OptionKind.PUT), balance="262").index(70_000)
    stage.ticker(500).quote(490, 510).ticker(500, contract=PUT, delta=-0.2).quote(490, 510, contract=PUT)
    stage.submit(-1, 490, contract=PUT)
    stage.submit(-1, 490)
    stage.at(5).quote(9_000, 9_100).ticker(9_000, 79_000, delta=0.9).ticker(10, 79_000, contract=PUT, delta=-0.01)
    stage.at(6).ticker(15_000, 85_000, delta=0.95).quote(15_000, 15_100).at(8)
    assert [position.contract for position in stage.venue.positions()] == [PUT]


def test_margin_calls_can_be_switched_off() -> None:
    stage = Stage(balance="130", liquidation=False).index(70_000).ticker(500).quote(490, 510)
    stage.submit(-1, 490)
    stage.at(5).quote(8_900, 9_000).ticker(9_000, 79_000).at(7)
    assert stage.all(Liquidated) == []
    assert [position.size for position in stage.venue.positions()] == [D(-1)]
