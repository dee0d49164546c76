"""Many clients at once: each is told the truth about its own account, and none waits for another."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from strikeloop_venue.served import Limit, ServerRules
from tests.plugins.venue.served_stage import Client, index, quote, served, trade
from tests.plugins.venue.stage import CALL

pytestmark = pytest.mark.anyio

CLIENTS, ORDERS = 12, 6
FREELY = ServerRules(rate_limits=dict.fromkeys(("public", "private", "orders", "cancels"), Limit(10**6, 1)), queue_limit=2_000)


async def test_every_client_hears_of_its_own_orders_all_of_them_and_of_no_other() -> None:
    heard: dict[int, list[Any]] = {number: [] for number in range(CLIENTS)}
    placed: dict[int, set[int]] = {}

    async def trade_and_listen(client: Client, number: int) -> None:
        who: dict[str, Any] = {"key": f"key{number + 1 if number else ''}", "secret": f"secret{number + 1 if number else ''}"}
        async with client.socket() as socket:
            await socket.subscribe("options.orders", [str(10_001 + number), "!all"], **who)
            await socket.until("options.orders", "subscribe")
            answers = []
            for price in range(ORDERS):
                body = {"contract": CALL.name, "size": number + 1, "price": str(400 + price)}
                answers.append((await client.request("POST", "/options/orders", body, **who)).json())
                await client.request("DELETE", f"/options/orders/{answers[-1]['id']}", **who)
            placed[number] = {answer["id"] for answer in answers}
            while len(heard[number]) < 2 * ORDERS:
                heard[number] += (await socket.until("options.orders"))["result"]

    async with served(accounts=CLIENTS, rules=FREELY) as client:
        async with anyio.create_task_group() as tasks:
            for number in range(CLIENTS):
                tasks.start_soon(trade_and_listen, client, number)
        for number in range(CLIENTS):
            assert {order["user"] for order in heard[number]} == {str(10_001 + number)}
            assert {order["size"] for order in heard[number]} == {number + 1}
            assert {order["id"] for order in heard[number]} == placed[number]
            finished = [order["id"] for order in heard[number] if order["status"] == "finished"]
            assert len(finished) == len(set(finished)) == ORDERS


async def test_clients_that_stop_reading_are_reset_and_nobody_else_is_kept_waiting() -> None:
    flood = [trade(500, 1, at=1 + number / 1e6) for number in range(20_000)]
    async with served(index(70_000), quote(490, 510), *flood, index(1, at=3), rules=FREELY, speed=2) as client, client.socket() as good:
        await good.listen("options.ul_price", ["BTC_USDT"])
        async with client.socket() as one, client.socket() as other:
            for deaf in (one, other):
                await deaf.listen("options.trades", [CALL.name])
            await good.until("options.ul_price", such=lambda result: result.get("price") == 1)
            with anyio.fail_after(20):
                while len(client.server.streams.connections) > 1:
                    await client.get("/spot/time")
            await good.send({"channel": "options.ping"})
            await good.until("options.pong", "")
