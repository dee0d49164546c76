"""A live run that quotes under market maker protection at the served venue: a fill triggers it, a reset lets it quote again."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest

from strikeloop import Desk, MmpTriggered
from strikeloop.live import run
from strikeloop.testing.faults import Requests
from strikeloop.wire import Secret
from strikeloop_gate import Gate
from strikeloop_gate.guard import MmpSettings
from strikeloop_venue.served import ServedVenue
from tests.scenarios.console import Done, adapter, served, strikeloop
from tests.scenarios.gate_world import KEY, SECRET, World, trading

pytestmark = pytest.mark.anyio

UNDERLYING = "BTC_USDT"
POSTED = Requests("POST", "/options/orders")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the end nobody waits for orders in doubt."""
    monkeypatch.setattr(run, "STOP_S", 0.3)


def protected(*, frozen_ms: int = 0) -> AbstractAsyncContextManager[World]:
    """A run whose first contract that trades freezes quoting: until a reset, or for so long."""
    limits = MmpSettings(window=5_000, frozen_period=frozen_ms, qty_limit=Decimal("0.01"), delta_limit=Decimal(0))
    return trading(mmp={UNDERLYING: limits})


async def freeze(world: World) -> list[str]:
    """Quote on three contracts and have one more order trade; returns the quotes."""
    quotes: list[str] = []
    for number in range(3):
        world.do(lambda desk, number=number: quotes.append(_bid(desk, number)))  # type: ignore[misc]  # a number of its own for each
        await world.told(quotes[-1], "open")
    world.do(lambda desk: desk.buy(_middle(desk), 1, mmp=True))
    for quote in quotes:
        await world.told(quote, "canceled")
    return quotes


async def quotes_again(world: World) -> None:
    """The strategy tries to quote, four times a second, until an order is taken."""
    with anyio.fail_after(10):
        while not await _is_taken(world, world.bid(mmp=True)):  # noqa: ASYNC110 - each turn is a new order, and nobody tells the end of a freeze
            await anyio.sleep(0.25)


async def _is_taken(world: World, quote: str) -> bool:
    await world.until(lambda: world.state(quote) in ("open", "rejected"))
    return world.state(quote) == "open"


def _bid(desk: Desk, number: int) -> str:
    contract = desk.chain(UNDERLYING)[number]
    return desk.buy(contract.id, 1, contract.tick, mmp=True)


def _middle(desk: Desk) -> Any:
    chain = desk.chain(UNDERLYING)
    return chain[len(chain) // 2].id


async def command(server: ServedVenue, folder: Path, *words: str, **env: str) -> Done:
    """`strikeloop mmp words` at this venue, as another process."""
    (folder / "strikeloop.toml").write_text(adapter(server))
    return await strikeloop(folder, "mmp", *words, "--underlying", UNDERLYING, env={"GATE_KEY": KEY, "GATE_SECRET": SECRET, **env})


async def test_a_fill_that_triggers_protection_withdraws_every_quote_and_is_told_once() -> None:
    async with protected() as world:
        await world.ready()
        quotes = await freeze(world)
        assert {(await world.told(quote, "canceled")).finish_as for quote in quotes} == {"mmp_cancelled"}
        assert [triggered.underlying for triggered in world.said(MmpTriggered)] == [UNDERLYING]


async def test_while_quoting_is_frozen_no_order_under_protection_leaves_and_others_do() -> None:
    async with protected() as world:
        await world.ready()
        await freeze(world)
        posted = len(world.proxy.those(POSTED))
        for _ in range(3):
            assert "froze quoting in BTC_USDT; reset it" in (await world.told(world.bid(mmp=True), "rejected")).reason
        assert len(world.proxy.those(POSTED)) == posted
        await world.told(world.bid(), "open")


async def by_command(world: World, folder: Path) -> None:
    done = await command(world.server, folder, "reset", "--json")
    assert json.loads(done.out)["mmp"]["frozen_until"] is None, done.err


async def at_the_venue(world: World, _: Path) -> None:
    """Another client of the same account does it."""
    other = Gate(rest_url=world.server.rest_url, ws_url=world.server.ws_url, key=Secret(KEY), secret=Secret(SECRET)).open("other")
    assert other.account is not None
    await other.account.reset_mmp(UNDERLYING)
    await other.aclose()


@pytest.mark.parametrize("reset", [by_command, at_the_venue])
async def test_a_reset_lets_a_run_quote_again_and_the_next_freeze_is_told_again(
    tmp_path: Path, reset: Callable[[World, Path], Awaitable[None]]
) -> None:
    async with protected() as world:
        await world.ready()
        await freeze(world)
        await world.told(world.bid(mmp=True), "rejected")
        await reset(world, tmp_path)
        await quotes_again(world)
        await freeze(world)
        assert len(world.said(MmpTriggered)) == 2


async def test_a_freeze_that_has_an_end_ends_by_itself() -> None:
    async with protected(frozen_ms=500) as world:
        await world.ready()
        await freeze(world)
        await quotes_again(world)


async def test_the_command_shows_a_freeze(tmp_path: Path) -> None:
    async with protected() as world:
        await world.ready()
        await freeze(world)
        assert "frozen until a reset" in (await command(world.server, tmp_path, "show")).out


async def test_the_command_says_that_the_venue_refuses_the_credentials(tmp_path: Path) -> None:
    async with served("gate") as server:
        done = await command(server, tmp_path, "show", GATE_KEY="another")
        assert (done.code, "INVALID_KEY" in done.err) == (4, True), done.err
