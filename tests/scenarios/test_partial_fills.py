"""Orders that trade in parts and are canceled in between: at the end we and the venue agree, in both dialects, over a lost connection."""

from __future__ import annotations

import time
from collections import Counter
from decimal import Decimal

import anyio
import attrs
import pytest

from strikeloop import Desk, Filled, GapOpened, RunStarted, TimeInForce, TimerFired, hookimpl, plugin, state
from strikeloop.engine import Engine
from strikeloop.live import Live, WallClock
from strikeloop.margin import Classic
from strikeloop.summary import Summary
from strikeloop.testing.sim import named
from strikeloop.wire import Secret
from strikeloop_gate import Gate
from strikeloop_venue import GeneratedMarket, VenueSettings
from strikeloop_venue.served import ServedVenue
from tests.scenarios.test_three_ways import Memory

pytestmark = pytest.mark.anyio

Standing = tuple[str, Decimal, Decimal]
"""Of one order: its state, its filled size, and the sum of its fills."""


@plugin
class Nibbler:
    """Ask for more than is shown, on both sides, at the limit, at the market and at once; withdraw at random."""

    orders: int = 24
    done: int = state(0)

    @hookimpl
    def on_start(self, event: RunStarted, desk: Desk) -> None:
        desk.every(0.06, "order")
        desk.every(0.04, "cancel")

    @hookimpl
    def on_timer(self, event: TimerFired, desk: Desk) -> None:
        if event.name == "cancel":
            for order in desk.working:
                if desk.random.random() < 0.3:
                    desk.cancel(order.key)
        elif self.done < self.orders:
            self.done += 1
            self.trade(desk)

    def trade(self, desk: Desk) -> None:
        contract = desk.chain("BTC_USDT")[desk.random.randrange(4)].id
        quote = desk.quote(contract)
        if quote is None or quote.bid is None or quote.ask is None:
            return
        act, price, shown = (desk.buy, quote.ask, quote.ask_size) if self.done % 2 else (desk.sell, quote.bid, quote.bid_size)
        size = int(shown) + desk.random.randrange(5)
        if self.done % 6 == 0:
            act(contract, size)
        else:
            act(contract, size, price=price, tif=TimeInForce.IOC if self.done % 5 == 0 else TimeInForce.GTC)


@attrs.frozen
class Outcome:
    """What the venue says in the end, what we think, and what should not have happened on the way."""

    venue: dict[str, Standing]
    ours: dict[str, Standing]
    venue_positions: dict[str, Decimal]
    positions: dict[str, Decimal]
    mine: dict[str, Decimal]
    gaps: list[str]
    connections: int


async def played(dialect: str, *, drop_after_s: float) -> Outcome:
    record = Memory()
    market = GeneratedMarket(start=time.time_ns(), duration_s=None, seed=3, step_ms=250, ticker_every_ms=1_000)
    settings = VenueSettings(balance=Decimal(1_000_000))
    async with settings.serve(market.open("venue"), dialect=dialect, drop_after_s=(drop_after_s,)) as served:
        adapter = Gate(dialect=dialect, rest_url=served.rest_url, ws_url=served.ws_url, key=Secret("key"), secret=Secret("secret")).open(
            "sim"
        )
        live = Live(
            Engine(named([Nibbler()]), margin=Classic(), tag="part", seed=3),
            clock=WallClock(),
            summary=Summary(run="partial", mode="live"),
            book=record,
        )
        live.add_adapter(adapter, trade=True)
        with anyio.fail_after(30):
            await live.run(3.5)
        return compared(served, live, record)


def compared(served: ServedVenue, live: Live, record: Memory) -> Outcome:
    (member,), engine = served.venue.members, live.engine
    account = member.book
    theirs: Counter[str] = Counter()
    for row in account.fills:
        theirs[row.event.order_id] += row.event.size  # type: ignore[assignment]  # a Counter counts Decimals as well
    heard: Counter[str] = Counter()
    for event in record.events:
        if isinstance(event, Filled):
            heard[event.order_id] += event.size  # type: ignore[assignment]  # as above
    known = {order_id: engine.orders.by_order_id("sim", order_id) for order_id in account.orders}
    return Outcome(
        venue={key: (row.event.state.value, row.event.filled, Decimal(theirs[key])) for key, row in account.orders.items()},
        ours={key: (order.state.value, order.filled, Decimal(heard[key])) for key, order in known.items() if order is not None},
        venue_positions={one.contract.name: one.size for one in member.positions()},
        positions={one.contract.name: one.size for one in engine.portfolio.positions},
        mine={contract.name: size for contract, size in engine.instances[0].desk.mine.items()},
        gaps=[event.reason for event in record.events if isinstance(event, GapOpened)],
        connections=live.summary.connections,
    )


@pytest.mark.parametrize("dialect", ["seed", "gate"])
async def test_what_traded_in_parts_is_counted_once_and_ends_as_the_venue_says(dialect: str) -> None:
    outcome = await played(dialect, drop_after_s=1.2)

    assert outcome.ours == outcome.venue
    assert outcome.positions == outcome.mine == outcome.venue_positions
    assert outcome.gaps == []
    in_parts = [standing for standing in outcome.venue.values() if standing[0] != "filled" and standing[1]]
    assert len(in_parts) >= 2
    assert outcome.connections == 2
