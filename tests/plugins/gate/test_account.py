"""The account port against a scripted venue on loopback."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import anyio
import pytest

from strikeloop import (
    AmendOrder,
    Approved,
    AuthRejectedError,
    CancelOrder,
    ChannelSubscribed,
    ContractId,
    LinkLostError,
    OrderRejectedError,
    OrderState,
    Origin,
    OutcomeUnknownError,
    SubmitOrder,
    TimeInForce,
    VenueError,
)

pytestmark = pytest.mark.anyio

S = 1_000_000_000
NOW = 1_700_000_000 * S
CONTRACT = ContractId.of("gate", "BTC_USDT-20260516-77500-P")
TRADE = {
    "id": 16,
    "order_id": 2593450699,
    "contract": CONTRACT.name,
    "size": -1,
    "price": "333",
    "role": "taker",
    "create_time": 1700000000,
}


def submit(**changes: Any) -> Approved[SubmitOrder]:
    command: dict[str, Any] = {"client_id": "t-r1-a-1", "contract": CONTRACT, "size": Decimal(2), "price": Decimal("200.50")} | changes
    return Approved(SubmitOrder(**command), "a", 1)


def cancel() -> Approved[CancelOrder]:
    return Approved(CancelOrder(client_id="t-r1-a-1", contract=CONTRACT), "a", 1)


def amend(**changes: Any) -> Approved[AmendOrder]:
    return Approved(AmendOrder(client_id="t-r1-a-1", contract=CONTRACT, **changes), "a", 1)


async def test_preparing_learns_clock_user_and_contracts(adapter: Any, venue: Any) -> None:
    await adapter.account.prepare()
    assert adapter.account.user == "666"
    assert adapter.feed.names == (CONTRACT.name,)
    assert venue.calls("GET /options/accounts")[0].headers["timestamp"] == "1700003600"


async def test_preparing_asks_elsewhere_for_the_user_of_an_account_that_never_had_money(adapter: Any, venue: Any, reply: Any) -> None:
    venue.replies["GET /options/accounts"] = reply({"label": "USER_NOT_FOUND", "message": "please transfer funds first"}, 400)
    venue.replies["GET /account/detail"] = {"user_id": 10406147, "key": {"mode": 1}}
    await adapter.account.prepare()
    assert adapter.account.user == "10406147"


async def test_preparing_with_a_wrong_key_is_refused(adapter: Any, venue: Any, reply: Any) -> None:
    venue.replies["GET /options/accounts"] = reply({"label": "INVALID_KEY", "message": "Invalid key provided"}, 401)
    with pytest.raises(AuthRejectedError):
        await adapter.account.prepare()


async def test_a_limit_order_is_posted_once_and_answered_by_its_order(adapter: Any, venue: Any, reply: Any, order: dict[str, Any]) -> None:
    venue.replies["POST /options/orders"] = reply(order, 201)
    (updated,) = await adapter.account.submit(submit())
    (asked,) = venue.calls("POST /options/orders")
    assert asked.json == {"contract": CONTRACT.name, "size": 2, "price": "200.50", "tif": "gtc", "text": "t-r1-a-1"}
    assert (updated.state, updated.order_id, updated.client_id, updated.origin) == (OrderState.OPEN, "2593450699", "t-r1-a-1", Origin.VENUE)
    assert updated.created == 1_700_000_000_250_000_000


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"price": None}, {"price": "0", "tif": "ioc"}),
        ({"tif": TimeInForce.POC}, {"tif": "poc"}),
        ({"size": Decimal(-3), "reduce_only": True}, {"size": -3, "reduce_only": True}),
        ({"size": Decimal(0), "reduce_only": True, "price": None}, {"size": 0, "reduce_only": True, "close": True}),
        ({"price": Decimal("1E+3")}, {"price": "1000"}),
        ({"iceberg": Decimal(1), "mmp": True}, {"iceberg": 1, "mmp": True}),
    ],
)
async def test_an_order_takes_the_form_the_venue_has_for_it(
    adapter: Any, venue: Any, order: dict[str, Any], changes: dict[str, Any], expected: dict[str, Any]
) -> None:
    venue.replies["POST /options/orders"] = order
    await adapter.account.submit(submit(**changes))
    body = venue.calls("POST /options/orders")[0].json
    assert {key: body[key] for key in expected} == expected


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "mine"},
        {"client_id": "t-" + "x" * 29},
        {"size": Decimal("1.5")},
        {"iceberg": Decimal("1.5")},
        {"tif": TimeInForce.FOK},
    ],
)
async def test_an_order_without_a_form_is_rejected_before_it_is_sent(adapter: Any, venue: Any, changes: dict[str, Any]) -> None:
    with pytest.raises(OrderRejectedError):
        await adapter.account.submit(submit(**changes))
    assert not venue.asked


async def test_the_answer_is_tied_to_our_id_where_the_venue_leaves_its_text_out(adapter: Any, venue: Any, order: dict[str, Any]) -> None:
    venue.replies["POST /options/orders"] = order | {"text": "-"}
    (updated,) = await adapter.account.submit(submit())
    assert updated.client_id == "t-r1-a-1"


async def test_an_order_the_venue_refuses_is_rejected(adapter: Any, venue: Any, reply: Any) -> None:
    venue.replies["POST /options/orders"] = reply({"label": "INSUFFICIENT_AVAILABLE", "message": "balance"}, 400)
    with pytest.raises(OrderRejectedError) as caught:
        await adapter.account.submit(submit())
    assert caught.value.code == "INSUFFICIENT_AVAILABLE"


@pytest.mark.parametrize("fault", ["reset", "silent"])
async def test_an_order_without_an_answer_is_unknown_and_never_repeated(adapter: Any, venue: Any, reply: Any, fault: str) -> None:
    venue.replies["POST /options/orders"] = reply(fault=fault)
    with pytest.raises(OutcomeUnknownError):
        await adapter.account.submit(submit())
    assert len(venue.calls("POST /options/orders")) == 1


@pytest.mark.parametrize("body", [b"<html></html>", {"id": 1}, {"id": True}, []])
async def test_an_answer_that_cannot_be_read_leaves_the_order_unknown(adapter: Any, venue: Any, body: Any) -> None:
    venue.replies["POST /options/orders"] = body
    with pytest.raises(OutcomeUnknownError):
        await adapter.account.submit(submit())


async def test_an_order_that_cannot_be_sent_is_a_lost_link(adapter: Any) -> None:
    adapter.account.rest.base_url = "http://127.0.0.1:1/api/v4"
    with pytest.raises(LinkLostError):
        await adapter.account.submit(submit())


async def test_a_cancel_goes_to_the_venues_id(adapter: Any, venue: Any, order: dict[str, Any]) -> None:
    venue.replies["DELETE /options/orders/7"] = order | {"status": "finished", "finish_as": "cancelled", "finish_time": 1700000001}
    (updated,) = await adapter.account.cancel(cancel(), "7")
    assert (updated.state, updated.finished) == (OrderState.CANCELED, 1700000001 * S)


async def test_a_cancel_without_an_id_looks_the_order_up_by_its_text(adapter: Any, venue: Any, order: dict[str, Any]) -> None:
    venue.replies["GET /options/orders"] = [order | {"text": "web", "id": 1}, order]
    venue.replies["DELETE /options/orders/2593450699"] = order | {"status": "finished", "finish_as": "cancelled"}
    (updated,) = await adapter.account.cancel(cancel(), None)
    assert updated.state is OrderState.CANCELED


async def test_a_cancel_of_an_order_that_is_over_answers_with_it(adapter: Any, venue: Any, order: dict[str, Any], reply: Any) -> None:
    venue.replies["GET /options/orders"] = [reply([]), reply([order | {"status": "finished", "finish_as": "filled", "left": 0}])]
    (updated,) = await adapter.account.cancel(cancel(), None)
    assert updated.state is OrderState.FILLED
    assert not [asked for asked in venue.asked if asked.method == "DELETE"]


async def test_a_cancel_of_an_order_nobody_knows_is_rejected(adapter: Any) -> None:
    with pytest.raises(OrderRejectedError) as caught:
        await adapter.account.cancel(cancel(), None)
    assert caught.value.code == "ORDER_NOT_FOUND"


async def test_an_amendment_sends_price_and_size_and_looks_up_what_stays(adapter: Any, venue: Any, order: dict[str, Any]) -> None:
    venue.replies["GET /options/orders/7"] = order | {"id": 7}
    venue.replies["PUT /options/orders/7"] = order | {"id": 7, "price": "210"}
    (updated,) = await adapter.account.amend(amend(price=Decimal(210)), "7")
    assert venue.calls("PUT /options/orders/7")[0].json == {"contract": CONTRACT.name, "price": "210", "size": 2}
    assert updated.price == Decimal(210)


async def test_an_order_is_found_by_id_and_missing_ones_are_none(adapter: Any, venue: Any, order: dict[str, Any]) -> None:
    venue.replies["GET /options/orders/2593450699"] = order
    found = await adapter.account.find(CONTRACT, order_id="2593450699")
    assert (found.client_id, found.origin) == ("t-r1-a-1", Origin.SNAPSHOT)
    assert await adapter.account.find(CONTRACT, order_id="8") is None
    assert await adapter.account.find(CONTRACT, client_id="t-none") is None


async def test_of_orders_with_one_text_the_latest_is_found(adapter: Any, venue: Any, order: dict[str, Any]) -> None:
    venue.replies["GET /options/orders"] = [order | {"id": 99}, order | {"id": 100}]
    assert (await adapter.account.find(CONTRACT, client_id="t-r1-a-1")).order_id == "100"


async def test_a_snapshot_holds_orders_positions_balance_and_fills(adapter: Any, venue: Any, order: dict[str, Any]) -> None:
    venue.replies["GET /options/orders"] = [order]
    venue.replies["GET /options/my_trades"] = [TRADE]
    venue.replies["GET /options/positions"] = [
        {
            "contract": CONTRACT.name, "size": -1, "entry_price": "333", "realised_pnl": "-0.08", "mark_price": "350.6",
            "unrealised_pnl": "-0.176", "delta": "-0.2284", "gamma": "0.000116", "vega": "19.18", "theta": "-168.8", "close_order": None,
        }
    ]  # fmt: skip
    await adapter.account.prepare()
    snapshot, fills = await adapter.account.snapshot(), await adapter.account.fills(NOW - 5 * S)
    assert venue.calls("GET /options/my_trades")[0].query == {
        "underlying": "BTC_USDT",
        "from": "1699999995",
        "limit": "1000",
        "offset": "0",
    }
    assert venue.calls("GET /options/orders")[0].query["status"] == "open"
    assert [position.size for position in snapshot.positions] == [Decimal(-1)]
    assert [(fill.trade_id, fill.order_id, fill.size) for fill in fills] == [("16", "2593450699", Decimal(-1))]
    assert snapshot.balances[0].total == Decimal("1650.443022")
    assert snapshot.complete
    assert {event.origin for event in (*snapshot.orders, *snapshot.positions, *snapshot.balances, *fills)} == {Origin.SNAPSHOT}
    assert snapshot.time == pytest.approx(NOW + 3600 * S, abs=S // 1_000)


async def test_the_books_are_read_in_the_order_orders_positions_account(adapter: Any, venue: Any) -> None:
    await adapter.account.snapshot()
    assert [asked.path for asked in venue.asked] == ["/options/orders", "/options/positions", "/options/accounts"]


async def test_a_long_listing_is_read_to_its_end(adapter: Any, venue: Any, reply: Any) -> None:
    pages = [reply([TRADE | {"id": number} for number in range(1_000)]), reply([TRADE | {"id": 1_000}])]
    venue.replies["GET /options/my_trades"] = pages
    assert len(await adapter.account.fills(0)) == 1_001
    assert [asked.query["offset"] for asked in venue.calls("GET /options/my_trades")] == ["0", "1000"]


@pytest.mark.parametrize("body", [b"<html>", [{"id": 1}], [TRADE | {"size": "1.5"}], {"label": "SERVER_ERROR", "message": "x"}])
async def test_a_listing_that_cannot_be_read_is_an_error_of_the_venue(adapter: Any, venue: Any, reply: Any, body: Any) -> None:
    venue.replies["GET /options/my_trades"] = reply(body)
    with pytest.raises(VenueError):
        await adapter.account.fills(0)


async def test_subscriptions_are_signed_with_the_venues_time_and_acknowledged(adapter: Any, venue: Any) -> None:
    venue.on_frame = lambda frame: [
        {"time": frame["time"], "channel": frame["channel"], "event": "subscribe", "error": None, "result": {"status": "success"}}
    ]
    await adapter.account.prepare()
    link = await adapter.account.connect()
    confirmed: list[str] = []
    with anyio.fail_after(5):
        for channel in adapter.account.channels:
            await link.send(adapter.account.subscribe(channel.name, adapter.clock.now() // S)[0])
        while len(confirmed) < len(adapter.account.channels):
            for frame in await link.receive():
                (event,) = adapter.account.decode(frame, NOW).events
                assert isinstance(event, ChannelSubscribed)
                confirmed.append(event.channel)
    await link.aclose()
    assert confirmed == [channel.name for channel in adapter.account.channels]
    assert {frame["time"] for frame in venue.frames} == {1_700_003_600}
    assert all(len(frame["auth"]["SIGN"]) == 128 for frame in venue.frames)
    assert venue.frames[0]["payload"] == ["666", "!all"]


async def test_the_seed_dialect_has_four_channels_and_waits_for_no_acknowledgement(seed_adapter: Any) -> None:
    await seed_adapter.account.prepare()
    assert [channel.name for channel in seed_adapter.account.channels] == [
        "options.positions",
        "options.orders",
        "options.balances",
        "options.portfolio",
    ]
    assert not any(channel.acknowledged for channel in seed_adapter.account.channels)
    assert [channel.name for channel in seed_adapter.account.channels if channel.essential] == ["options.positions", "options.orders"]
    assert CONTRACT.name.encode() in seed_adapter.account.subscribe("options.orders", 1)[0]
    assert b'"payload":[]' in seed_adapter.account.unsubscribe("options.balances", 1)[0]


async def test_an_account_that_was_never_funded_has_nothing(adapter: Any, venue: Any, reply: Any) -> None:
    nobody = reply({"label": "USER_NOT_FOUND", "message": "please transfer funds first"}, 400)
    for path in ("/options/accounts", "/options/positions", "/options/orders", "/options/my_trades"):
        venue.replies[f"GET {path}"] = nobody
    snapshot = await adapter.account.snapshot()
    assert (snapshot.orders, snapshot.positions, await adapter.account.fills(0)) == ((), (), ())
    assert [(balance.total, balance.currency) for balance in snapshot.balances] == [(Decimal(0), "USDT")]
