"""Market maker protection and the countdown: how they are set and read, and what a triggered protection forbids."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from strikeloop import Approved, ConfigError, ContractId, LinkLostError, MmpTriggered, OrderRejectedError, SubmitOrder, VenueError
from strikeloop.adapter import UNTIL_RESET, DeadMansSwitch, MassCancel, Mmp, Protection, Settlements
from strikeloop_gate import Gate
from strikeloop_gate.guard import MmpSettings

pytestmark = pytest.mark.anyio

S = 1_000_000_000
NOW = 1_700_000_000 * S
VENUE_NOW_MS = NOW // 1_000_000 + 3_600_000
NAME = "BTC_USDT-20260516-77500-P"
CONTRACT = ContractId.of("gate", NAME)
MMP = {
    "underlying": "BTC_USDT", "window": 5000, "frozen_period": 200, "qty_limit": "10", "delta_limit": "10.5",
    "trigger_time_ms": 0, "frozen_until_ms": 0,
}  # fmt: skip
SET = Mmp(underlying="BTC_USDT", window_ms=5000, frozen_ms=200, qty_limit=Decimal(10), delta_limit=Decimal("10.5"))


def quote(*, mmp: bool = True) -> Approved[SubmitOrder]:
    return Approved(SubmitOrder(client_id="t-r1-a-1", contract=CONTRACT, size=Decimal(2), price=Decimal(200), mmp=mmp), "a", 1)


def triggered_frame(*contracts: str) -> bytes:
    item = {
        "id": 5, "size": 2, "left": 2, "price": 200, "fill_price": 0, "status": "finished", "finish_as": "mmp_cancelled", "tif": "gtc",
        "text": "t-r1-a-1", "create_time": 1, "time_ms": 2,
    }  # fmt: skip
    return json.dumps(
        {"time": 1, "channel": "options.orders", "event": "update", "result": [item | {"contract": contract} for contract in contracts]}
    ).encode()


def test_the_account_offers_all_that_an_account_may_do_besides(adapter: Any) -> None:
    for offered in (DeadMansSwitch, MassCancel, Settlements, Protection):
        assert isinstance(adapter.account, offered)


async def test_the_countdown_is_posted_for_one_underlying(adapter: Any, venue: Any, shared: Path) -> None:
    path = shared / "fixtures/gate/rest_docs/POST_countdown_cancel_all.response_200.json"
    venue.replies["POST /options/countdown_cancel_all"] = json.loads(path.read_text())
    for timeout_s in (30, 0):
        await adapter.account.countdown("BTC_USDT", timeout_s)
    assert [asked.json for asked in venue.calls("POST /options/countdown_cancel_all")] == [
        {"timeout": 30, "underlying": "BTC_USDT"},
        {"timeout": 0, "underlying": "BTC_USDT"},
    ]


async def test_a_countdown_that_the_venue_would_not_take_is_not_sent(adapter: Any, venue: Any) -> None:
    with pytest.raises(VenueError, match="shortest of 5 s"):
        await adapter.account.countdown("BTC_USDT", 4)
    assert venue.asked == []


@pytest.mark.parametrize(
    ("scope", "query"),
    [
        ({}, {}),
        ({"underlying": "BTC_USDT"}, {"underlying": "BTC_USDT"}),
        ({"contract": CONTRACT, "side": "buy"}, {"contract": NAME, "side": "bid"}),
        ({"side": "sell"}, {"side": "ask"}),
    ],
)
async def test_a_mass_cancel_names_its_scope_and_answers_with_the_orders(
    adapter: Any, venue: Any, order: dict[str, Any], scope: dict[str, Any], query: dict[str, str]
) -> None:
    venue.replies["DELETE /options/orders"] = [order | {"status": "finished", "finish_as": "cancelled"}]
    (canceled,) = await adapter.account.cancel_all(**scope)
    assert (canceled.client_id, canceled.state.value) == ("t-r1-a-1", "canceled")
    assert venue.asked[-1].query == query


async def test_protection_is_read_set_and_reset(adapter: Any, venue: Any) -> None:
    venue.replies |= {"GET /options/mmp": [MMP], "POST /options/mmp": MMP, "POST /options/mmp/reset": MMP}
    assert await adapter.account.mmp("BTC_USDT") == SET
    assert await adapter.account.mmp("ETH_USDT") is None
    assert await adapter.account.set_mmp(SET) == SET
    assert await adapter.account.reset_mmp("BTC_USDT") == SET
    assert venue.calls("POST /options/mmp")[0].json == {
        "underlying": "BTC_USDT", "window": 5000, "frozen_period": 200, "qty_limit": "10", "delta_limit": "10.5",
    }  # fmt: skip
    assert venue.calls("POST /options/mmp/reset")[0].json == {"underlying": "BTC_USDT"}


@pytest.mark.parametrize(
    ("changes", "until"),
    [
        ({}, None),
        ({"trigger_time_ms": 5, "frozen_until_ms": VENUE_NOW_MS + 1}, (VENUE_NOW_MS + 1) * 1_000_000),
        ({"trigger_time_ms": 5, "frozen_until_ms": VENUE_NOW_MS - 1}, None),
        ({"trigger_time_ms": 5, "frozen_period": 0}, UNTIL_RESET),
        ({"trigger_time_ms": 0, "frozen_period": 0}, None),
    ],
    ids=["never", "running", "over", "until-reset", "reset"],
)
async def test_it_is_known_until_when_quoting_is_frozen(adapter: Any, venue: Any, changes: dict[str, int], until: int | None) -> None:
    await adapter.account.prepare()
    venue.replies["GET /options/mmp"] = [MMP | changes]
    assert (await adapter.account.mmp("BTC_USDT")).frozen_until == until


def triggered(decoded: Any) -> list[str]:
    return [event.underlying for event in decoded.events if isinstance(event, MmpTriggered)]


async def test_every_order_that_protection_withdrew_tells_that_it_was_triggered(adapter: Any) -> None:
    frame = triggered_frame(NAME, NAME, "ETH_USDT-20260516-2000-P")
    decoded = adapter.account.decode(frame, 9)
    assert triggered(decoded) == ["BTC_USDT", "BTC_USDT", "ETH_USDT"]
    assert [event.received for event in decoded.events] == [9] * 6
    assert adapter.account.decode(frame, 9) == decoded


async def test_a_freeze_is_news_once_for_each_underlying_however_many_orders_show_it(adapter: Any) -> None:
    told = [adapter.account.triggered(underlying) for underlying in ("BTC_USDT", "BTC_USDT", "ETH_USDT", "BTC_USDT")]
    assert told == [True, False, True, False]


@pytest.mark.parametrize("over", ["look", "reset"])
async def test_the_freeze_after_one_that_is_over_is_news_again(adapter: Any, venue: Any, over: str) -> None:
    venue.replies |= {"GET /options/mmp": [MMP], "POST /options/mmp/reset": MMP}
    adapter.account.triggered("BTC_USDT")
    await (adapter.account.mmp if over == "look" else adapter.account.reset_mmp)("BTC_USDT")
    assert adapter.account.triggered("BTC_USDT")


async def test_an_order_that_was_looked_up_may_be_old_and_tells_no_freeze_but_the_venue_is_asked(
    adapter: Any, venue: Any, order: dict[str, Any]
) -> None:
    withdrawn = order | {"id": 5, "status": "finished", "finish_as": "mmp_cancelled"}
    venue.replies |= {"GET /options/orders/5": withdrawn, "GET /options/mmp": [MMP], "POST /options/orders": order}
    await adapter.account.find(CONTRACT, order_id="5")
    await adapter.account.submit(quote())
    assert len(venue.calls("GET /options/mmp")) == 1
    assert adapter.account.triggered("BTC_USDT")


async def test_what_is_frozen_before_anything_was_heard_is_known_from_looking(adapter: Any, venue: Any) -> None:
    venue.replies["GET /options/mmp"] = [MMP | {"frozen_period": 0, "trigger_time_ms": 5}]
    assert (await adapter.account.mmp("BTC_USDT")).frozen_until == UNTIL_RESET
    with pytest.raises(OrderRejectedError, match="froze quoting in BTC_USDT"):
        await adapter.account.submit(quote())
    assert venue.calls("POST /options/orders") == []


async def test_while_quoting_is_frozen_no_order_under_protection_leaves(adapter: Any, venue: Any, order: dict[str, Any]) -> None:
    await adapter.account.prepare()
    venue.replies |= {"POST /options/orders": order, "GET /options/mmp": [MMP | {"frozen_until_ms": VENUE_NOW_MS + 200}]}
    adapter.account.triggered("BTC_USDT")
    for _ in range(3):
        with pytest.raises(OrderRejectedError, match="froze quoting in BTC_USDT"):
            await adapter.account.submit(quote())
    assert venue.calls("POST /options/orders") == []
    assert len(venue.calls("GET /options/mmp")) == 1
    await adapter.account.submit(quote(mmp=False))
    assert len(venue.calls("POST /options/orders")) == 1


async def test_once_the_venue_says_that_it_is_over_quoting_goes_on(adapter: Any, venue: Any, order: dict[str, Any]) -> None:
    venue.replies |= {"POST /options/orders": order, "GET /options/mmp": [MMP]}
    adapter.account.triggered("BTC_USDT")
    for _ in range(2):
        await adapter.account.submit(quote())
    assert len(venue.calls("POST /options/orders")) == 2
    assert len(venue.calls("GET /options/mmp")) == 1


async def test_while_the_venue_does_not_say_whether_it_is_frozen_the_order_is_not_sent(adapter: Any, venue: Any, reply: Any) -> None:
    venue.replies["GET /options/mmp"] = reply(b"<html>", 502)
    adapter.account.triggered("BTC_USDT")
    with pytest.raises(LinkLostError, match="cannot be seen whether it still holds"):
        await adapter.account.submit(quote())
    assert venue.calls("POST /options/orders") == []


async def test_a_reset_frees_quoting_at_once(adapter: Any, venue: Any, order: dict[str, Any]) -> None:
    venue.replies |= {"POST /options/orders": order, "POST /options/mmp/reset": MMP}
    adapter.account.triggered("BTC_USDT")
    await adapter.account.reset_mmp("BTC_USDT")
    await adapter.account.submit(quote())
    assert venue.calls("GET /options/mmp") == []


@pytest.mark.parametrize(("known", "posts"), [([MMP], 0), ([], 1), ([MMP | {"qty_limit": "11"}], 1)], ids=["same", "none", "other"])
async def test_what_is_configured_is_set_where_the_venue_has_something_else(
    settings: dict[str, Any], venue: Any, known: list[Any], posts: int
) -> None:
    wanted = MmpSettings(window=5000, frozen_period=200, qty_limit=Decimal(10), delta_limit=Decimal("10.5"))
    adapter = Gate(**settings, mmp={"BTC_USDT": wanted}).open("gate", clock=lambda: NOW)
    venue.replies |= {"GET /options/mmp": known, "POST /options/mmp": MMP}
    assert adapter.account is not None
    await adapter.account.prepare()
    await adapter.aclose()
    assert len(venue.calls("POST /options/mmp")) == posts


def test_protection_of_an_underlying_that_is_not_traded_is_refused() -> None:
    wanted = MmpSettings(window=1, frozen_period=0, qty_limit=Decimal(1), delta_limit=Decimal(1))
    with pytest.raises(ConfigError, match=r"mmp\.ETH_USDT"):
        Gate(mmp={"ETH_USDT": wanted})
