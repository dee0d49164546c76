"""The specification of strikeloop.picture."""

from __future__ import annotations

import pytest

from strikeloop import ContractId
from strikeloop.appraisal import Appraiser, Slot
from strikeloop.exposure import STRESS
from strikeloop.margin import GATE, MarginModel
from strikeloop.picture import Picture, Revalued, margin_of
from strikeloop.portfolio import Portfolio
from tests.framework.accounts import ALL, ETH, MODEL, TOLD, order, resting, two_underlyings
from tests.framework.stage import CALL, PUT, D, ticker

SIZES = {CALL: D(3), PUT: D(-2), ETH: D(5)}


def slots(made: Portfolio) -> dict[ContractId, Slot]:
    working = resting(order(-1, PUT, "w", price=D(1_900)), order(2, CALL, "v", price=D(2_000))).working()
    appraiser = Appraiser(made)
    return {one: Slot(appraiser.of(one), SIZES[one], tuple(o for o in working if o.contract == one)) for one in sorted(ALL)}


@pytest.mark.parametrize("model", [MODEL, GATE])
def test_a_renewed_picture_is_what_a_new_one_would_be(model: MarginModel) -> None:
    made = two_underlyings()
    first = Picture(slots(made), model, 0)
    asked = (first.sums, first.reach, first.sizes, first.margin("sim"), first.worth("sim"), first.revalued(STRESS).profits(None))
    assert len(asked) == 6
    made.apply(ticker(CALL, mark=2_345.5, **{**TOLD, "delta": 0.6}))
    changed = slots(made)
    renewed, new = first.renewed({CALL: changed[CALL]}, (), 0), Picture(changed, model, 0)
    assert (renewed.sums, renewed.reach) == (new.sums, new.reach)
    assert (renewed.sizes.most, renewed.sizes.least) == (new.sizes.most, new.sizes.least)
    assert (renewed.margin("sim"), renewed.worth("sim")) == (new.margin("sim"), new.worth("sim"))
    assert renewed.revalued(STRESS).profits(None) == pytest.approx(new.revalued(STRESS).profits(None), abs=1e-9)
    assert renewed.revalued(STRESS).penalties(None) == pytest.approx(new.revalued(STRESS).penalties(None), abs=1e-9)


@pytest.mark.parametrize("model", [MODEL, GATE])
def test_contracts_come_and_go(model: MarginModel) -> None:
    whole = slots(two_underlyings())
    some = {one: slot for one, slot in whole.items() if one != PUT}
    for start, end, changed, gone in ((whole, some, {}, (PUT,)), (some, whole, {PUT: whole[PUT]}, ())):
        first, new = Picture(start, model, 0), Picture(end, model, 0)
        assert all((first.reach, first.sizes.most, first.margin("sim"), first.worth("sim"), first.revalued(STRESS).profits("BTC_USDT")))
        renewed = first.renewed(changed, gone, 0)
        assert renewed.in_order == new.in_order
        assert (renewed.sums, renewed.reach) == (new.sums, new.reach)
        assert (renewed.margin("sim"), renewed.worth("sim")) == (new.margin("sim"), new.worth("sim"))
        for known, right in ((renewed.sizes.most, new.sizes.most), (renewed.sizes.least, new.sizes.least)):
            assert {scope for scope in known.items() if scope[1]} == {scope for scope in right.items() if scope[1]}
        for figures in (Revalued.profits, Revalued.penalties):
            for name in (None, "BTC_USDT"):
                assert figures(renewed.revalued(STRESS), name) == pytest.approx(figures(new.revalued(STRESS), name), abs=1e-9)


def test_what_no_change_touches_is_carried_over() -> None:
    first = Picture(slots(two_underlyings()), MODEL, 0)
    sizes, unpriced = first.sizes, first.unpriced
    renewed = first.renewed({ETH: Slot(first.slots[ETH].at, SIZES[ETH], ())}, (), 0)
    assert renewed.sizes is sizes
    assert renewed.unpriced is unpriced


def test_margin_of_a_model_of_scenarios_takes_the_account_whole() -> None:
    book = [*slots(two_underlyings()).values()]
    holdings = [holding for slot in book if (holding := slot.holding(0)) is not None]
    assert margin_of(book, GATE, 0).initial == GATE.account(holdings).initial
