"""Books and bars of the served venue, over a real socket and REST, as a strategy hears them."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from strikeloop import BookUpdated, CandleClosed, Desk, RunStarted, hookimpl, plugin, state
from strikeloop.engine import Engine, Plugin
from strikeloop.live import Live
from strikeloop.live.clock import WallClock
from strikeloop.margin import Classic
from strikeloop.summary import Summary
from strikeloop_gate import Gate
from tests.framework.live.stage import Notes
from tests.plugins.venue.served_stage import depth, index, served, ticker, trade

pytestmark = pytest.mark.anyio
CHANNELS = ("options.order_book_update", "options.contract_candlesticks")


@plugin
class Listener:
    """Keeps what it hears of books and bars."""

    books: list[BookUpdated] = state(factory=list)
    bars: list[CandleClosed] = state(factory=list)

    @hookimpl
    def on_start(self, event: RunStarted, desk: Desk) -> None:
        desk.watch("BTC_USDT")

    @hookimpl
    def on_book(self, event: BookUpdated) -> None:
        self.books.append(event)

    @hookimpl
    def on_candle(self, event: CandleClosed) -> None:
        self.bars.append(event)


async def test_a_book_is_whole_and_equals_the_venues_and_a_bar_is_told_once_it_is_over() -> None:
    books = [depth([(490 + at, 5), (480, at + 1)], [(550 + at, 8)], at=20 + at) for at in range(30)]
    bars = [trade(505 + at, 1, at=25 + 20 * at) for at in range(8)]
    told: list[Any] = sorted([index(70_000), ticker(500), *books, *bars], key=lambda event: event.time)
    listener = Listener()
    async with served(*told, speed=20) as client:
        adapter = Gate(rest_url=client.server.rest_url, ws_url=client.server.ws_url, channels=CHANNELS).open("gate")
        engine = Engine([Plugin(name="listener", kind="strategy", plugin=listener)], margin=Classic())
        live = Live(engine, clock=WallClock(), summary=Summary(run="test", mode="live"), book=Notes())
        live.add_adapter(adapter, trade=False)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(live.run)
            with anyio.fail_after(20):
                while not listener.bars or not listener.books or listener.books[-1].bids[0][0] != 519:  # noqa: ASYNC110 - several things at once
                    await anyio.sleep(0.02)
            live.stop("stop", "the test is over")
        final = await client.get(f"/options/order_book?contract={listener.books[-1].contract.name}&with_id=true&limit=20")
    last = listener.books[-1]
    assert all(book.snapshot for book in listener.books)
    assert (last.bids, last.asks) == tuple(
        tuple((float(level["p"]), float(level["s"])) for level in final[side]) for side in ("bids", "asks")
    )
    assert len({bar.start for bar in listener.bars}) == len(listener.bars)
