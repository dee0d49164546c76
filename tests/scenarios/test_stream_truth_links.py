"""Real links that end in every way, or only seem to live: each is found out, made again, and the account reconciled."""

from __future__ import annotations

import time
from collections.abc import Callable

import anyio
import pytest

from strikeloop import Reconciled, StreamLost
from strikeloop.testing.faults import Close, Fault, Fragment, Frames, Freeze, HangUp, Reset, Rule, Upgrades
from tests.scenarios.gate_world import World, trading

pytestmark = pytest.mark.anyio
FOUND_WITHIN_S = 10.0
SLACK_S = 3.0
"""For a machine that does other things as well."""


@pytest.fixture
def anyio_backend() -> str:
    """Links end the same way for both loops; what is told of them is tested on both elsewhere."""
    return "asyncio"


def lost(world: World) -> list[StreamLost]:
    return [event for event in world.said(StreamLost) if event.port == "account"]


@pytest.mark.parametrize(
    "fault",
    [*(Close(code) for code in (1000, 1001, 1011, 1012, 4000)), Close(None), Reset(), HangUp()],
    ids=["1000", "1001", "1011", "1012", "4000", "no-code", "reset", "hung-up"],
)
async def test_a_link_that_is_ended_is_made_again_and_reconciled(fault: Fault) -> None:
    async with trading() as world:
        await world.ready()
        world.proxy.now(fault, connections=world.proxy.websockets)
        await world.until(lambda: world.session.connections >= 2 and world.session.state == "ready")
        assert len(lost(world)) >= 1
        assert len([event for event in world.said(Reconciled) if event.port == "account"]) >= 2
        await world.until(lambda: not world.live.engine.blocks)


async def test_a_link_that_ends_within_a_message_is_made_again() -> None:
    async with trading() as world:
        await world.ready()
        world.proxy.add(
            Rule(Frames(has={"channel": "options.pong"}), (Fragment(2, sent=1), HangUp())), Rule(Frames(), (Fragment(2, sent=1), HangUp()))
        )
        await world.until(lambda: len(world.said(StreamLost)) >= 1)
        await world.until(lambda: all(port.session.state == "ready" for port in (*world.live.feeds.values(), *world.live.ports.values())))


async def test_a_link_ended_for_violating_a_policy_is_not_made_again_soon() -> None:
    async with trading() as world:
        await world.ready()
        world.proxy.now(Close(1008, "bye"), connections=world.proxy.websockets)
        await world.until(lambda: lost(world))
        assert (lost(world)[0].retry_in_s, world.session.state) == (240, "auth-failed")


@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_half_open_links_are_found_within_ten_seconds_from_the_handshake_on() -> None:
    took: dict[str, float] = {}

    async def frozen(name: str, *rules: Rule, begin: Callable[[World], None] | None = None) -> None:
        async with trading(*rules) as world:
            if begin is not None:
                await world.ready()
                begin(world)
            else:
                await world.until(lambda: world.proxy.those(Upgrades()))
            began = time.monotonic()
            await world.until(lambda: world.said(StreamLost), within_s=FOUND_WITHIN_S + SLACK_S)
            took[name] = time.monotonic() - began

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: frozen("no answer to the handshake", Rule(Upgrades(), Freeze(), times=None)))
        tasks.start_soon(lambda: frozen("silent after the handshake", Rule(Frames(to="server"), Freeze(), times=None)))
        tasks.start_soon(lambda: frozen("silent later", begin=lambda world: world.proxy.now(Freeze(), connections=world.proxy.websockets)))
    assert set(took) == {"no answer to the handshake", "silent after the handshake", "silent later"}
