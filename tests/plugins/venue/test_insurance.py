"""The fund's cash is what the accounts lose to it, less what it pays."""

from __future__ import annotations

from decimal import Decimal as D

from strikeloop_venue.insurance import InsuranceFund
from tests.plugins.venue.stage import contract


def test_it_is_paid_for_a_short_and_pays_for_a_long() -> None:
    fund = InsuranceFund(D(100))
    fund.take_over(contract(), D(-2), D(1_500))
    assert (fund.cash, fund.positions) == (D(130), {contract().id: D(-2)})
    fund.take_over(contract(), D(1), D(500))
    assert (fund.cash, fund.positions) == (D(125), {contract().id: D(-1)})


def test_at_the_expiry_it_settles_without_a_fee() -> None:
    fund = InsuranceFund(D(10), {contract().id: D(-1)})
    fund.settle(contract(), D(71_500))
    fund.settle(contract(), D(71_500))
    assert (fund.cash, fund.positions, fund.is_exhausted) == (D(-5), {}, True)


def test_what_comes_in_and_goes_out_is_exact() -> None:
    fund = InsuranceFund(D("1e20"))
    fund.receive(D("1e-20"))
    fund.receive(D("-1e20"))
    assert fund.cash == D("1e-20")
