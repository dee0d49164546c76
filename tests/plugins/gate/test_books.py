"""What the venue's books say of the account: each listing as its events, read to its end."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from strikeloop import OrderState, Origin, VenueError
from strikeloop_gate.books import MOST_PAGES, Books

pytestmark = pytest.mark.anyio

S = 1_000_000_000
NOW = 1_700_000_000 * S
NAME = "BTC_USDT-20260516-77500-P"
TRADE = {"id": 16, "order_id": 7, "contract": NAME, "size": -1, "price": "333", "role": "taker", "create_time": 1700000000}


@pytest.fixture
def books(adapter: Any) -> Books:
    found: Books = adapter.account.books
    return found


def recorded(shared: Path, name: str) -> Any:
    return json.loads((shared / "fixtures/gate" / name).read_text())


async def test_the_account_says_balance_user_and_how_it_is_margined(books: Books, venue: Any, shared: Path) -> None:
    venue.replies["GET /options/accounts"] = recorded(shared, "rest_docs/GET_accounts.response_200.json")
    standing = await books.account()
    assert (standing.user, standing.margin_mode, standing.is_portfolio) == ("666", 0, False)
    assert (standing.equity, standing.balance.total) == (Decimal("1610.329422"), Decimal("1650.443022"))


async def test_orders_are_asked_by_status_and_scope(books: Books, venue: Any, order: dict[str, Any]) -> None:
    venue.replies["GET /options/orders"] = [order]
    (found,) = await books.orders("finished", contract=NAME, underlying="BTC_USDT", since=5 * S, until=6 * S + 1)
    assert (found.order_id, found.state, found.origin) == ("2593450699", OrderState.OPEN, Origin.SNAPSHOT)
    assert venue.asked[-1].query == {
        "status": "finished",
        "underlying": "BTC_USDT",
        "contract": NAME,
        "from": "5",
        "to": "7",
        "limit": "1000",
        "offset": "0",
    }


async def test_what_a_page_repeats_because_something_was_added_meanwhile_counts_once(
    books: Books, venue: Any, reply: Any, order: dict[str, Any]
) -> None:
    first = [order | {"id": number} for number in range(1_000)]
    venue.replies["GET /options/orders"] = [reply(first), reply([order | {"id": 999}, order | {"id": 1_000}])]
    assert [found.order_id for found in await books.orders("open")] == [str(number) for number in range(1_001)]


async def test_a_listing_without_an_end_is_an_error(books: Books, venue: Any) -> None:
    venue.replies["GET /options/my_trades"] = [TRADE] * 1_000
    with pytest.raises(VenueError, match="shorter time"):
        await books.trades("BTC_USDT")
    assert len(venue.calls("GET /options/my_trades")) == MOST_PAGES


async def test_an_order_is_looked_for_by_its_text_only_as_far_as_it_is_found(
    books: Books, venue: Any, reply: Any, order: dict[str, Any]
) -> None:
    full = [order | {"id": number, "text": "web"} for number in range(1_000)]
    venue.replies["GET /options/orders"] = [reply([]), reply(full), reply([*full[1:], order]), reply(full)]
    found = await books.named("t-r1-a-1", contract=NAME)
    assert found is not None
    assert [(asked.query["status"], asked.query["offset"]) for asked in venue.asked] == [
        ("open", "0"),
        ("finished", "0"),
        ("finished", "1000"),
    ]


async def test_positions_are_listed_and_asked_one_by_one(books: Books, venue: Any, shared: Path) -> None:
    rows = recorded(shared, "rest_docs/GET_positions.response_200.json")
    venue.replies["GET /options/positions"] = rows
    venue.replies[f"GET /options/positions/{rows[0]['contract']}"] = rows[0]
    (listed,) = await books.positions("BTC_USDT")
    single = await books.position(rows[0]["contract"])
    assert (
        (listed.size, listed.delta, listed.origin) == (single.size, single.delta, single.origin) == (Decimal(10), -0.0046, Origin.SNAPSHOT)
    )


async def test_trades_come_oldest_first_and_once(books: Books, venue: Any) -> None:
    venue.replies["GET /options/my_trades"] = [TRADE, TRADE, TRADE | {"id": 15, "create_time": 1699999999}]
    assert [fill.trade_id for fill in await books.trades("BTC_USDT", since=1)] == ["15", "16"]
    assert venue.asked[-1].query["from"] == "0"


async def test_the_ledger_is_read_by_kind_and_keeps_equal_entries(books: Books, venue: Any, shared: Path) -> None:
    rows = recorded(shared, "rest_docs/GET_account_book.response_200.json")
    venue.replies["GET /options/account_book"] = rows * 2
    first, second = await books.entries(kind="fee", since=3 * S)
    assert (first.change, first.balance, first.kind) == (Decimal("-0.16"), Decimal("7378.189"), "fee")
    assert first == second
    assert (venue.asked[-1].query["type"], venue.asked[-1].query["from"]) == ("fee", "3")


async def test_settlements_state_the_cash_of_the_whole_position(books: Books, venue: Any) -> None:
    row = {"time": 1656057600, "underlying": "BTC_USDT", "contract": "BTC_USDT-20220624-26000-P", "strike_price": "26000"}
    row |= {"settle_price": "20917.46", "size": -2, "settle_profit": "-101.65", "fee": "0.1", "realised_pnl": "-90"}
    venue.replies["GET /options/my_settlements"] = [row]
    (settled,) = await books.settlements("BTC_USDT")
    assert (settled.size, settled.pnl, settled.fee, settled.realized_pnl) == (Decimal(-2), Decimal("-101.65"), Decimal("0.1"), Decimal(-90))
    assert settled.time == 1656057600 * S


async def test_what_expired_is_told_oldest_first_since_a_time(adapter: Any, venue: Any, shared: Path) -> None:
    venue.replies["GET /options/my_settlements"] = recorded(shared, "rest_docs/GET_my_settlements.response_200.json")
    venue.replies["GET /options/position_close"] = recorded(shared, "rest_docs/GET_position_close.response_200.json")
    found = await adapter.account.settled(0)
    assert [type(event).__name__ for event in found] == ["PositionClosed", "ContractSettled"]
    assert [type(event).__name__ for event in await adapter.account.settled(1_640_000_000 * S)] == ["ContractSettled"]


async def test_portfolio_risk_is_the_venues_own_in_portfolio_margin_mode_only(adapter: Any, venue: Any, shared: Path) -> None:
    venue.replies["GET /unified/risk_units"] = recorded(shared, "unified_docs/GET_unified.risk_units.json")
    await adapter.account.snapshot()
    assert await adapter.account.risk() is None
    venue.replies["GET /options/accounts"] = venue.replies["GET /options/accounts"] | {"margin_mode": 2}
    await adapter.account.snapshot()
    risk = await adapter.account.risk()
    assert (risk.total_delta, risk.total_gamma, risk.total_theta, risk.total_vega) == (0.22, 0.42, 0.29, 0.22)
    assert (risk.margin_occupied, risk.margin_required, risk.origin) == (Decimal("2334.002"), Decimal("2334.002"), Origin.VENUE)
    assert risk.effective_leverage == pytest.approx(2334.002 / 1610.329422)


@pytest.mark.parametrize(
    "rows", [b"<html>", {"id": 1}, [TRADE | {"size": "1.5"}], [TRADE | {"price": "NaN"}], [TRADE | {"contract": "../x"}]]
)
async def test_rows_that_cannot_be_understood_name_the_request(books: Books, venue: Any, rows: Any) -> None:
    venue.replies["GET /options/my_trades"] = rows
    with pytest.raises(VenueError, match="GET /options/my_trades: "):
        await books.trades("BTC_USDT")
