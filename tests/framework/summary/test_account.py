"""The specification of strikeloop.summary.account."""

from __future__ import annotations

from typing import Any

import pytest

from strikeloop import BalanceUpdated
from strikeloop.summary.account import Account
from tests.framework.stage import D


def balance(total: int, at: int = 0, adapter: str = "a", currency: str = "USDT", **more: Any) -> BalanceUpdated:
    return BalanceUpdated(time=at, received=at, adapter=adapter, currency=currency, total=D(total), available=D(total - 10), **more)


def account(*balances: BalanceUpdated) -> Account:
    made = Account()
    for one in balances:
        made.on_balance(one)
    return made


def test_equity_is_cash_and_the_value_of_the_options() -> None:
    made = account(balance(100, option_value=D(-30)))
    assert (made.equity, made.cash, made.available, made.first) == (D(70), D(100), D(90), D(70))


def test_the_pnl_is_what_equity_grew_by_without_what_was_paid_in() -> None:
    made = account(balance(100))
    made.pay_in(D(50))
    made.on_balance(balance(145, at=1))
    assert (made.pnl, made.paid_in) == (D(-5), D(50))
    assert made.wealth.value == pytest.approx(0.95)


def test_accounts_in_one_currency_are_one_and_those_in_another_take_no_part() -> None:
    made = account(balance(100), balance(40, adapter="b", at=1), balance(7, adapter="c", currency="BTC", at=2), balance(110, at=3))
    assert (made.equity, made.pnl, made.paid_in, made.currency) == (D(150), D(10), D(40), "USDT")


def test_nothing_heard_is_nothing_known() -> None:
    made = Account()
    assert (made.equity, made.first, made.pnl, made.mean_equity) == (None, None, D(0), 0.0)


def test_mean_equity_is_over_time() -> None:
    assert account(balance(100)).mean_equity == 100.0
    assert account(balance(100), balance(200, at=30), balance(0, at=40)).mean_equity == (100 * 30 + 200 * 10) / 40
