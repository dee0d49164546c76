"""Bodies of Gate's REST API, documented and recorded, as strict structures."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from types import GenericAlias
from typing import Any

import pytest

from strikeloop import OrderState
from strikeloop_gate import ledger, market, orders
from strikeloop_gate import restforms as forms
from strikeloop_gate.feed import CONTRACTS
from strikeloop_gate.forms import ListedContract, Ticker
from strikeloop_gate.restforms import Answer, RestAccount, RestOrder, RestPosition, RestTrade
from strikeloop_gate.sources import Source
from strikeloop_gate.strictjson import MalformedError

SOURCE = Source("gate", 1, 2)
FOLDERS = ("rest_docs", "rest_live_2026_05", "rest_live_ccxt_2022_2024", "unified_docs")
FORMS: dict[str, Any] = {
    "rest_docs/DELETE_orders.order_id.response_200.json": RestOrder,
    "rest_docs/DELETE_orders.response_200.json": RestOrder,
    "rest_docs/GET_account_book.response_200.json": forms.RestLedgerEntry,
    "rest_docs/GET_accounts.response_200.json": RestAccount,
    "rest_docs/GET_candlesticks.response_200.json": forms.RestCandle,
    "rest_docs/GET_contracts.contract.response_200.json": ListedContract,
    "rest_docs/GET_contracts.response_200.json": ListedContract,
    "rest_docs/GET_expirations.response_200.json": int,
    "rest_docs/GET_mmp.response_200.json": forms.RestMmp,
    "rest_docs/GET_my_settlements.response_200.json": forms.RestSettlement,
    "rest_docs/GET_my_trades.response_200.json": RestTrade,
    "rest_docs/GET_order_book.response_200.json": forms.RestBook,
    "rest_docs/GET_orders.order_id.response_200.json": RestOrder,
    "rest_docs/GET_orders.response_200.json": RestOrder,
    "rest_docs/GET_position_close.response_200.json": forms.RestClosedPosition,
    "rest_docs/GET_positions.contract.response_200.json": RestPosition,
    "rest_docs/GET_positions.response_200.json": RestPosition,
    "rest_docs/GET_settlements.contract.response_200.json": forms.RestContractSettlement,
    "rest_docs/GET_settlements.response_200.json": forms.RestContractSettlement,
    "rest_docs/GET_tickers.response_200.json": Ticker,
    "rest_docs/GET_trades.response_200.json": forms.RestPublicTrade,
    "rest_docs/GET_underlying.candlesticks.response_200.json": forms.RestCandle,
    "rest_docs/GET_underlying.tickers.underlying.response_200.json": forms.RestUnderlyingTicker,
    "rest_docs/GET_underlyings.response_200.json": forms.RestUnderlying,
    "rest_docs/POST_countdown_cancel_all.response_200.json": forms.RestCountdown,
    "rest_docs/POST_mmp.reset.response_200.json": forms.RestMmp,
    "rest_docs/POST_mmp.response_200.json": forms.RestMmp,
    "rest_docs/POST_orders.response_201.json": RestOrder,
    "rest_live_2026_05/GET_contracts.json": ListedContract,
    "rest_live_2026_05/GET_expirations.json": int,
    "rest_live_2026_05/GET_order_book.json": forms.RestBook,
    "rest_live_2026_05/GET_tickers.json": Ticker,
    "rest_live_2026_05/GET_underlying.tickers.BTC_USDT.json": forms.RestUnderlyingTicker,
    "rest_live_2026_05/GET_underlyings.json": forms.RestUnderlying,
    "rest_live_ccxt_2022_2024/GET_account.detail.json": forms.AccountDetail,
    "rest_live_ccxt_2022_2024/GET_account_book_2023.json": forms.RestLedgerEntry,
    "rest_live_ccxt_2022_2024/GET_accounts.json": RestAccount,
    "rest_live_ccxt_2022_2024/GET_contracts.contract_ETH_2024.json": ListedContract,
    "rest_live_ccxt_2022_2024/GET_contracts.json": ListedContract,
    "rest_live_ccxt_2022_2024/GET_contracts_2024.json": ListedContract,
    "rest_live_ccxt_2022_2024/GET_my_trades.json": RestTrade,
    "rest_live_ccxt_2022_2024/GET_my_trades_2.json": RestTrade,
    "rest_live_ccxt_2022_2024/GET_orders.order_id_open.json": RestOrder,
    "rest_live_ccxt_2022_2024/GET_positions.contract_long.json": RestPosition,
    "rest_live_ccxt_2022_2024/GET_positions_flat.json": RestPosition,
    "rest_live_ccxt_2022_2024/GET_settlements_2023.json": forms.RestContractSettlement,
    "rest_live_ccxt_2022_2024/GET_tickers.json": Ticker,
    "rest_live_ccxt_2022_2024/GET_tickers_ETH_2023.json": Ticker,
    "rest_live_ccxt_2022_2024/GET_trades.json": forms.RestPublicTrade,
    "unified_docs/GET_unified.accounts.json": forms.UnifiedAccount,
    "unified_docs/GET_unified.risk_units.json": forms.RiskUnits,
    "unified_docs/GET_unified.unified_mode.json": forms.UnifiedMode,
    "unified_docs/POST_unified.portfolio_calculator.response_200.json": forms.PortfolioCalculation,
}
"""The answers; what else the folders hold are requests, which placing and guard make, and frames of another socket."""
REQUESTS = {
    "rest_docs/POST_countdown_cancel_all.request.json",
    "rest_docs/POST_mmp.request.json",
    "rest_docs/POST_mmp.reset.request.json",
    "rest_docs/POST_orders.request.json",
    "unified_docs/POST_unified.portfolio_calculator.request.json",
    "unified_docs/ws_unified.asset_detail.update.json",
    "unified_docs/ws_unified.assets.update.json",
}
S = 1_000_000_000


def rows(shared: Path, name: str, form: Answer) -> list[Any]:
    """The recorded body, as a list where it is one object."""
    document = json.loads((shared / "fixtures/gate" / name).read_text())
    return list(form.rows(json.dumps(document if isinstance(document, list) else [document]).encode()))


def test_every_file_of_answers_is_known_here(shared: Path) -> None:
    found = {f"{folder}/{path.name}" for folder in FOLDERS for path in (shared / "fixtures/gate" / folder).iterdir()}
    assert found == FORMS.keys() | REQUESTS


@pytest.mark.parametrize("name", FORMS)
def test_every_recorded_or_documented_answer_is_read(shared: Path, name: str) -> None:
    body = (shared / "fixtures/gate" / name).read_bytes()
    kind = FORMS[name]
    form = Answer(GenericAlias(list, (kind,)) if body.lstrip().startswith(b"[") else kind)
    assert list(form.rows(body))


@pytest.mark.parametrize(
    "name",
    [
        "rest_live_2026_05/GET_contracts.json",
        "rest_live_ccxt_2022_2024/GET_contracts.json",
        "rest_live_ccxt_2022_2024/GET_contracts_2024.json",
        "rest_live_ccxt_2022_2024/GET_contracts.contract_ETH_2024.json",
        "rest_docs/GET_contracts.response_200.json",
    ],
)
def test_every_recorded_contract_is_read(shared: Path, name: str) -> None:
    ((item, _, _),) = rows(shared, name, CONTRACTS)
    contract = market.contract("gate", item)
    assert contract.id.name == item.name
    assert contract.strike > 0


def test_the_recorded_contract_of_2026_is_read_whole(shared: Path) -> None:
    ((item, _, _),) = rows(shared, "rest_live_2026_05/GET_contracts.json", CONTRACTS)
    contract = market.contract("gate", item)
    assert (contract.multiplier, contract.tick, contract.mark_tick) == (Decimal("0.01"), Decimal(1), Decimal("0.1"))
    assert (contract.size_max, contract.orders_limit, contract.position_limit) == (Decimal(10000), 10, Decimal(40000))
    assert (contract.fee_cap, contract.settle_fee_rate, contract.settle_fee_cap) == (Decimal("0.125"), Decimal(0), Decimal("0.125"))
    assert (contract.init_margin_low, contract.init_margin_high, contract.maint_margin_base) == (
        Decimal("0.1"),
        Decimal("0.15"),
        Decimal("0.075"),
    )
    assert (contract.expiry, contract.created, contract.tag) == (1778918400 * S, 1778692045 * S, "day")


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("rest_live_ccxt_2022_2024/GET_orders.order_id_open.json", OrderState.OPEN),
        ("rest_docs/GET_orders.response_200.json", OrderState.FILLED),
        ("rest_docs/POST_orders.response_201.json", OrderState.FILLED),
        ("rest_docs/DELETE_orders.response_200.json", OrderState.FILLED),
    ],
)
def test_every_recorded_order_is_read(shared: Path, name: str, state: OrderState) -> None:
    ((item, _, beyond),) = rows(shared, name, Answer(list[RestOrder]))
    assert orders.order_updated(SOURCE, item, beyond).state is state


def test_every_recorded_trade_position_and_account_is_read(shared: Path) -> None:
    for name in (
        "rest_live_ccxt_2022_2024/GET_my_trades.json",
        "rest_live_ccxt_2022_2024/GET_my_trades_2.json",
        "rest_docs/GET_my_trades.response_200.json",
    ):
        (row,) = rows(shared, name, Answer(list[RestTrade]))
        fill: Any
        (fill,) = ledger.trade(SOURCE, *row)
        assert (abs(fill.size), fill.is_maker, fill.fee) == (Decimal(1), False, None)
    for name in ("rest_live_ccxt_2022_2024/GET_positions.contract_long.json", "rest_live_ccxt_2022_2024/GET_positions_flat.json"):
        (row,) = rows(shared, name, Answer(list[RestPosition]))
        position: Any
        (position,) = ledger.position(SOURCE, *row)
        assert position.delta is not None
    for name in ("rest_live_ccxt_2022_2024/GET_accounts.json", "rest_docs/GET_accounts.response_200.json"):
        ((item, _, _),) = rows(shared, name, Answer(list[RestAccount]))
        assert ledger.account(SOURCE, item).available > 0


@pytest.mark.parametrize("body", [b"[]x", b'{"a":1}', b'[{"id":1}]', b"\xff", b"[" * 100_000])
def test_a_body_of_another_form_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedError):
        list(Answer(list[RestOrder]).rows(body))
