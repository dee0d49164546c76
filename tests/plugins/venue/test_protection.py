"""Market maker protection: how much is too much, and what happens then."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from strikeloop import Filled, MmpTriggered, OrderState
from strikeloop.adapter import Mmp
from tests.plugins.venue.stage import PUT, SECOND, START, Stage


def limits(qty: str = "0.05", delta: str = "0", window_ms: int = 1000, frozen_ms: int = 2000) -> Mmp:
    return Mmp(underlying="BTC_USDT", window_ms=window_ms, frozen_ms=frozen_ms, qty_limit=D(qty), delta_limit=D(delta))


@pytest.fixture
def stage() -> Stage:
    return Stage().index(70_000).ticker(500).ticker(450, contract=PUT).quote(480, 520).quote(440, 460, contract=PUT)


def test_an_underlying_without_limits_is_not_protected(stage: Stage) -> None:
    assert stage.venue.mmp("BTC_USDT") is None
    stage.submit(9, 500, mmp=True)
    stage.trade(499, -9)
    assert stage.all(MmpTriggered) == []


def test_the_fill_that_reaches_the_quantity_is_the_last_one(stage: Stage) -> None:
    stage.venue.set_mmp(limits("0.05"))
    orders = [
        stage.submit(3, 500, mmp=True),
        stage.submit(3, 499, mmp=True),
        stage.submit(3, 498, mmp=True),
        stage.submit(1, 450, contract=PUT, mmp=True),
    ]
    other = stage.submit(2, 497)
    stage.trade(490, -30)
    assert sum(fill.size for fill in stage.all(Filled) if fill.client_id != other) == 6
    assert [(stage.order(one).state, stage.order(one).finish_as) for one in orders[2:]] == [(OrderState.CANCELED, "mmp_cancelled")] * 2
    assert stage.order(other).state is OrderState.FILLED
    told = stage.last(MmpTriggered)
    assert (told.underlying, told.frozen_until) == ("BTC_USDT", START + 2 * SECOND)


def test_while_quoting_is_frozen_protected_orders_are_refused_and_others_are_not(stage: Stage) -> None:
    stage.venue.set_mmp(limits("0.01"))
    stage.submit(1, 500, mmp=True)
    stage.trade(499, -1)
    assert stage.order(stage.submit(1, 490, mmp=True)).reason.startswith("MMP_FROZEN: ")
    assert stage.order(stage.submit(1, 490)).state is OrderState.OPEN
    stage.at(2.001)
    assert stage.order(stage.submit(1, 490, mmp=True)).state is OrderState.OPEN


def test_net_delta_counts_both_sides_against_each_other(stage: Stage) -> None:
    stage.venue.set_mmp(limits("0", "0.03"))
    stage.submit(4, 500, mmp=True)
    stage.submit(-4, 510, mmp=True)
    stage.trade(499, -4).trade(511, 4)
    assert stage.all(MmpTriggered) == []
    stage.submit(4, 500, mmp=True)
    stage.submit(2, 499, mmp=True)
    stage.trade(498, -6)
    assert len(stage.all(MmpTriggered)) == 1


def test_what_traded_before_the_window_does_not_count(stage: Stage) -> None:
    stage.venue.set_mmp(limits("0.05"))
    stage.submit(3, 500, mmp=True)
    stage.submit(3, 499, mmp=True)
    stage.trade(500, -3).at(1).trade(499, -3)
    assert (len(stage.all(Filled)), stage.all(MmpTriggered)) == (2, [])


def test_a_freeze_without_end_lasts_until_it_is_reset(stage: Stage) -> None:
    stage.venue.set_mmp(limits("0.01", frozen_ms=0))
    stage.submit(1, 500, mmp=True)
    stage.trade(499, -1).at(3600)
    assert stage.last(MmpTriggered).frozen_until is None
    assert stage.order(stage.submit(1, 490, mmp=True)).state is OrderState.REJECTED
    stage.venue.reset_mmp("BTC_USDT")
    assert stage.order(stage.submit(1, 490, mmp=True)).state is OrderState.OPEN


def test_new_limits_do_not_end_a_freeze(stage: Stage) -> None:
    stage.venue.set_mmp(limits("0.01"))
    stage.submit(1, 500, mmp=True)
    stage.trade(499, -1)
    assert stage.venue.set_mmp(limits("9")).frozen_until == START + 2 * SECOND


def test_a_window_of_0_switches_it_off(stage: Stage) -> None:
    stage.venue.set_mmp(limits("0.01", window_ms=0))
    stage.submit(9, 500, mmp=True)
    stage.trade(499, -9)
    assert stage.all(MmpTriggered) == []
    assert stage.venue.reset_mmp("ETH_USDT") is None
