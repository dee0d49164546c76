"""What other people's clients are told when a contract expires: a recorded market, played fast."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import client, process
from tests.clients.market import LATER, SOON, record


def test_a_position_is_settled_and_both_rest_clients_tell_it(tmp_path: Path) -> None:
    ccxt, gate_api = client("ccxt"), client("gate_api")
    source = record(tmp_path / "market.jsonl")
    with process("--source", str(source), "--speed", "20", "--accounts", "1") as places:
        account = places.take()
        exchange = account.ccxt(ccxt.gate)
        with account.gate_api(gate_api) as options:
            bought = options.create_options_order(gate_api.OptionsOrder(contract=SOON.id.name, size=3, price="0", tif="ioc"))
            assert (bought.finish_as, bought.fill_price) == ("filled", "1010")
            exchange.load_markets()
            symbol = next(name for name, market in exchange.markets.items() if market["id"] == SOON.id.name)
            settled = until(lambda: exchange.fetch_settlement_history(symbol))
            assert settled[0]["price"] == pytest.approx(71_000, abs=2)
            # ccxt looks for a list inside of this answer where the venue sends the list itself, so its parsed form is empty.
            assert exchange.fetch_my_settlement_history(symbol) == []
            (mine,) = exchange.private_options_get_my_settlements({"underlying": "BTC_USDT"})
            assert float(mine["settle_price"]) == settled[0]["price"]
            (row,) = options.list_my_options_settlements("BTC_USDT")
            assert row.size == 3
            assert float(row.settle_profit) == pytest.approx(3 * 0.01 * (settled[0]["price"] - 70_000))
            assert options.get_options_settlement(SOON.id.name, "BTC_USDT", int(row.time)).contract == SOON.id.name
            assert [one.name for one in options.list_options_contracts("BTC_USDT")] == [LATER.id.name]
            assert options.list_options_positions() == []
            assert {one.type for one in options.list_options_account_book()} >= {"prem", "fee", "set"}
        exchange.session.close()


def until(ask: Any) -> Any:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found = ask()
        if found:
            return found
        time.sleep(0.1)  # the venue takes 200 public requests in ten seconds
    raise AssertionError("the contract was not settled in time")
