"""A run that is asked to end while it is busy with its connection ends soon and leaves nothing open, whatever the venue does."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import anyio
import pytest

from strikeloop import OrderState, OrderUpdated
from strikeloop.session import Phase
from strikeloop.testing.faults import Freeze, Requests, Reset, Rule
from tests.scenarios.gate_world import World, trading

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc to count what is open"),
]

SOON_S = 7.0


def sockets() -> int:
    """How many sockets this process has open."""
    gc.collect()
    return sum(path.is_socket() for path in Path("/proc/self/fd").iterdir())


@asynccontextmanager
async def leaving_nothing_open(*rules: Rule) -> AsyncIterator[World]:
    """A run that is asked to end after the block; it patiently waits for each answer."""
    before = sockets()
    async with trading(*rules, request_timeout_s=30.0) as world:
        yield world
        world.live.stop("stop", "the test says so")
        with anyio.fail_after(SOON_S):
            await world.ended.wait()
    with anyio.fail_after(5):
        while sockets() > before:  # noqa: ASYNC110 - the other side closes in its own time
            await anyio.sleep(0.01)


@pytest.mark.parametrize("path", ["/options/my_trades", "/options/positions"])
async def test_while_the_account_is_looked_at_for_the_first_time_and_the_venue_does_not_answer(path: str) -> None:
    async with leaving_nothing_open(Rule(Requests("GET", path), Freeze(), times=None)) as world:
        await world.until(lambda: not world.proxy.unstruck)
    assert not world.live.started


async def test_while_it_reconnects_with_an_order_at_the_venue() -> None:
    async with leaving_nothing_open() as world:
        await world.ready()
        await world.told(world.bid(), "open")
        world.proxy.refuse()
        world.proxy.now(Reset())
        await world.until(lambda: world.session.phase in (Phase.IDLE, Phase.CONNECTING))


async def test_while_it_reconciles_again_and_an_order_is_on_its_way() -> None:
    async with leaving_nothing_open() as world:
        await world.ready()
        for method, busy in (("POST", world.bid), ("GET", partial(world.proxy.now, Reset()))):
            world.proxy.add(Rule(Requests(method, "/options/"), Freeze(), times=None))
            busy()
            await world.until(lambda: not world.proxy.unstruck)
    (update,) = world.said(OrderUpdated)
    assert update.state is OrderState.UNKNOWN
