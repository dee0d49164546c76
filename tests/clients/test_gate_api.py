"""gate-api, the venue's own generated REST client, against the served venue: every method of its options section."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.clients.account import Account
from tests.clients.conftest import client

U = "BTC_USDT"


@pytest.fixture
def gate_api() -> Any:
    return client("gate_api")


@pytest.fixture
def options(account: Account, gate_api: Any) -> Iterator[Any]:
    with account.gate_api(gate_api) as made:
        yield made


@pytest.fixture
def contract(options: Any) -> str:
    listed = options.list_options_contracts(U)
    return str(min(listed, key=lambda one: (-one.expiration_time, abs(float(one.name.split("-")[2]) - 70_000))).name)


def test_public_endpoints_are_read(options: Any, contract: str) -> None:
    assert [one.name for one in options.list_options_underlyings()] == [U]
    expirations = options.list_options_expirations(U)
    assert {one.expiration_time for one in options.list_options_contracts(U, expiration=expirations[0])} == {expirations[0]}
    assert options.get_options_contract(contract).name == contract
    assert contract in {one.name for one in options.list_options_tickers(U)}
    assert float(options.list_options_underlying_tickers(U).index_price) > 0
    book = options.list_options_order_book(contract, with_id=True, limit=2)
    assert 0 < len(book.bids) <= 2
    assert book.id > 0
    assert options.list_options_underlying_candlesticks(U, interval="1m")[-1].c
    assert options.list_options_settlements(U) == options.list_my_options_settlements(U) == []


def test_the_life_of_an_order(options: Any, gate_api: Any, contract: str) -> None:
    placed = options.create_options_order(gate_api.OptionsOrder(contract=contract, size=2, price="1", tif="gtc", text="t-one"))
    assert (placed.status, placed.finish_as, placed.text, placed.left) == ("open", None, "t-one", 2)
    assert [one.id for one in options.list_options_orders("open", contract=contract)] == [placed.id]
    amended = options.amend_options_order(placed.id, gate_api.AmendOptionsOrderRequest(contract=contract, price="2", size=1))
    assert (amended.price, amended.size) == ("2", 1)
    assert options.cancel_options_order(placed.id).finish_as == "cancelled"
    assert options.get_options_order(placed.id).status == "finished"
    assert options.cancel_options_orders(contract=contract) == []
    assert [one.id for one in options.list_options_orders("finished")] == [placed.id]


def test_the_life_of_a_position(options: Any, gate_api: Any, contract: str) -> None:
    sold = options.create_options_order(gate_api.OptionsOrder(contract=contract, size=-1, price="0", tif="ioc"))  # never filled in parts
    assert (sold.status, sold.finish_as) == ("finished", "filled")
    assert [one.size for one in options.list_options_positions(underlying=U)] == [-1]
    assert options.get_options_position(contract).entry_price == sold.fill_price
    account = options.list_options_account()
    assert float(account.init_margin) > float(account.maint_margin) > 0
    assert {one.type for one in options.list_options_account_book()} == {"prem", "fee"}
    closed = options.create_options_order(gate_api.OptionsOrder(contract=contract, size=0, price="0", tif="ioc", close=True))
    assert (closed.is_close, closed.finish_as) == (True, "filled")
    assert [one.side for one in options.list_options_position_close(U)] == ["short"]
    assert [one.size for one in options.list_my_options_trades(U)] == [1, -1]
    assert options.list_options_trades(contract=contract)[0].price
    assert options.list_options_candlesticks(contract, interval="1m")[-1].c


def test_what_an_account_may_set(options: Any, gate_api: Any) -> None:
    task = gate_api.CountdownCancelAllOptionsTask(timeout=30, underlying=U)
    assert options.countdown_cancel_all_options(task).trigger_time > 0
    limits = gate_api.OptionsMMP(underlying=U, window=5_000, frozen_period=200, qty_limit="10", delta_limit="10")
    assert options.set_options_mmp(limits).window == 5_000
    assert [one.underlying for one in options.get_options_mmp(underlying=U)] == [U]
    assert options.reset_options_mmp(gate_api.OptionsMMPReset(underlying=U)).underlying == U


def test_a_refusal_is_an_exception_with_its_label(options: Any, gate_api: Any, contract: str) -> None:
    with pytest.raises(gate_api.exceptions.GateApiException) as refused:
        options.get_options_order(99)
    assert refused.value.label == "ORDER_NOT_FOUND"
    with pytest.raises(gate_api.exceptions.GateApiException) as refused:
        options.create_options_order(gate_api.OptionsOrder(contract=contract, size=1, price="0.5"))
    assert refused.value.label == "INVALID_PARAM_VALUE"
