"""Cash, entry by entry."""

from __future__ import annotations

from decimal import Decimal as D

from strikeloop_venue.ledger import Ledger, product


def test_no_digit_is_ever_lost() -> None:
    ledger = Ledger(D(10**15))
    tiny = D("0.0000000000000000000000000001")
    for _ in range(3):
        ledger.post(-tiny)
    assert ledger.cash == D("999999999999999.9999999999999999999999999997")


def test_a_product_is_exact_where_the_operator_would_round() -> None:
    assert str(product(D("1.000000000000001"), D("1.000000000000001"))) == "1.000000000000002000000000000001"


def test_a_posting_tells_what_is_left() -> None:
    assert Ledger(D(100)).post(D("-2.5")) == D("97.5")
