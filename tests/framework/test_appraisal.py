"""The specification of strikeloop.appraisal."""

from __future__ import annotations

from typing import Any

import pytest

from strikeloop import ContractExpired, ContractListed, Event, SubmitOrder, UnderlyingPriced
from strikeloop.appraisal import Appraiser, Slot, can_trade
from strikeloop.margin import Leg
from strikeloop.orders import Orders
from strikeloop.portfolio import Portfolio
from tests.framework.stage import CALL, PUT, SECOND, D, contract, position, quoted, ticker

TOLD: dict[str, Any] = {"underlying_price": 70_000.0, "delta": 0.5, "gamma": 0.001, "vega": 20.0, "theta": -30.0}


def market(*events: Event) -> Portfolio:
    made = Portfolio()
    made.add_contract(contract())
    for event in events:
        made.apply(event)
    return made


def test_a_unit_is_what_one_contract_adds_to_the_totals() -> None:
    unit = Appraiser(market(ticker(mark=100.0, **TOLD))).of(CALL).unit
    assert unit == pytest.approx((0.005, 0.00001, 0.2, -0.3, 0.005 * 70_000, 0.00001 * 70_000**2 / 100))


def test_it_is_kept_until_the_next_ticker() -> None:
    made = market(ticker(mark=100.0, **TOLD))
    appraiser = Appraiser(made)
    first = appraiser.of(CALL)
    assert appraiser.of(CALL) is first
    made.apply(ticker(mark=101.0, **TOLD))
    assert appraiser.of(CALL).mark == D(101)


@pytest.mark.parametrize("event", [ContractListed(time=1, received=1, contract=CALL, specification=contract(multiplier=D(1)))])
def test_it_is_not_kept_beyond_a_change_of_the_contract(event: Event) -> None:
    made = market(ticker(mark=100.0, **TOLD))
    appraiser = Appraiser(made)
    appraiser.of(CALL)
    made.apply(event)
    assert appraiser.of(CALL).unit.delta == 0.5


def test_nothing_is_known_of_a_contract_that_expired() -> None:
    made = market(ticker(mark=100.0, **TOLD))
    appraiser = Appraiser(made)
    appraiser.of(CALL)
    made.apply(ContractExpired(time=1, received=1, contract=CALL))
    assert not appraiser.of(CALL).is_known


def test_what_no_ticker_told_is_looked_up_each_time() -> None:
    made = market(quoted(bid=98.0, ask=102.0), UnderlyingPriced(time=0, received=0, adapter="sim", underlying="BTC_USDT", price=70_000.0))
    appraiser = Appraiser(made)
    assert (appraiser.of(CALL).mark, appraiser.of(CALL).underlying_price) == (D(100), D(70_000))
    made.apply(quoted(bid=100.0, ask=102.0))
    made.apply(UnderlyingPriced(time=0, received=0, adapter="sim", underlying="BTC_USDT", price=71_000.0))
    assert (appraiser.of(CALL).mark, appraiser.of(CALL).underlying_price) == (D(101), D(71_000))


def test_a_position_serves_with_what_came_with_it() -> None:
    made = market(position(2, mark_price=50.0, **{name: TOLD[name] for name in ("delta", "gamma", "vega", "theta")}))
    found = Appraiser(made).of(CALL)
    assert (found.mark, found.unit.vega, found.is_priced) == (D(50), 0.2, False)


def test_of_an_unlisted_contract_nothing_can_be_said() -> None:
    found = Appraiser(market()).of(PUT)
    assert (found.is_known, found.underlying, found.holding(D(1), 0), found.cost(D(1), None)) == (False, "", None, D(0))
    with pytest.raises(ValueError, match="cannot be priced"):
        found.leg(0)


def test_a_leg_is_one_contract_as_of_steps_of_ten_seconds() -> None:
    at = Appraiser(market(ticker(mark=100.0, mark_iv=0.5, **TOLD))).of(CALL)
    holding = at.holding(D(1), 10 * SECOND)
    assert holding is not None
    assert at.leg(10 * SECOND + 1) is at.leg(20 * SECOND - 1)
    assert at.leg(10 * SECOND) == Leg.of(holding)
    assert at.leg(20 * SECOND).years < at.leg(10 * SECOND).years


def test_a_slot_knows_how_far_its_orders_could_take_it() -> None:
    at = Appraiser(market(ticker(mark=100.0, **TOLD))).of(CALL)
    orders = Orders()
    for name, size, reduces in (("a", 4, False), ("b", -3, False), ("c", -9, True)):
        orders.pending(SubmitOrder(client_id=name, contract=CALL, size=D(size), reduce_only=reduces), "s", 0)
    slot = Slot(at, D(5), orders.working())
    assert slot.sizes == (D(0), D(9))
    assert [pushed.delta for pushed in slot.pushes] == pytest.approx([-8 * 0.005, 4 * 0.005])


@pytest.mark.parametrize(("left", "held", "trades"), [(5, 3, 0), (-5, 3, -3), (-2, 3, -2), (5, -3, 3), (2, -3, 2), (5, 0, 0)])
def test_a_reduce_only_order_trades_no_more_than_is_held(left: int, held: int, trades: int) -> None:
    assert can_trade(D(left), D(held), reduce_only=True) == trades
    assert can_trade(D(left), D(held), reduce_only=False) == left
