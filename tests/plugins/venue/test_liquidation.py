"""What happens when margin runs out."""

from __future__ import annotations

from decimal import Decimal as D

from strikeloop import Filled, Liquidated, OptionKind, OrderState, PositionClosed
from tests.plugins.venue.stage import PUT, Stage, contract


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


def test_while_nobody_sells_openings_are_refused_and_reductions_taken() -> None:
    stage = short("130").at(5).quote(8_900, None).ticker(9_000, 79_000).at(7)
    opening = stage.submit(-1, 9_000)
    assert stage.order(opening).reason.startswith("POSITION_IN_LIQUIDATION: ")
    assert stage.order(stage.submit(1, 9_100, reduce_only=True)).state is OrderState.OPEN
    assert len(stage.all(Liquidated)) == 1


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
