"""gate-ws, the venue's own WebSocket client, against the served venue."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from tests.clients.account import Account
from tests.clients.conftest import client


def test_subscriptions_are_acknowledged_and_updates_reach_the_callback(account: Account) -> None:
    gate_ws, gate_api = client("gate_ws"), client("gate_api")
    base = client("gate_ws.client").BaseChannel

    async def talk() -> None:
        heard: list[Any] = []

        async def note(connection: Any, response: Any) -> None:
            heard.append(response)

        async def until(fits: Callable[[Any], bool]) -> Any:
            async with asyncio.timeout(20):
                while True:
                    for response in heard:
                        if fits(response):
                            return response
                    await asyncio.sleep(0.01)

        class Orders(base):  # type: ignore[misc, valid-type]  # the class comes from a package that may not be installed
            name, require_auth = "options.orders", True

        class Index(base):  # type: ignore[misc, valid-type]  # as above
            name = "options.ul_price"

        connection = account.gate_ws(gate_ws)
        Orders(connection, note).subscribe([str(account.user_id), "!all"])
        Index(connection, note).subscribe(["BTC_USDT"])
        running = asyncio.ensure_future(connection.run())
        acknowledged = await until(lambda one: (one.channel, one.event) == ("options.orders", "subscribe"))
        assert acknowledged.error is None
        assert (await until(lambda one: (one.channel, one.event) == ("options.ul_price", "update"))).result["price"] > 0
        with account.gate_api(gate_api) as options:
            name = min(options.list_options_contracts("BTC_USDT"), key=lambda one: float(one.mark_price)).name
            placed = options.create_options_order(gate_api.OptionsOrder(contract=name, size=1, price="1", tif="gtc"))
        told = await until(lambda one: (one.channel, one.event) == ("options.orders", "update"))
        assert told.result[0]["id"] == placed.id
        connection.close()
        await running

    asyncio.run(talk())
