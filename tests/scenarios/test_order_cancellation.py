"""A run that is cancelled at any moment of a request: nothing is lost, nothing leaks, and the cancellation is not swallowed.

Each operation is played again and again and cancelled at its first, second, third … step, until it ends before the blow.
"""

from __future__ import annotations

import gc
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from strikeloop import AmendOrder, Approved, CancelOrder, ContractId, SubmitOrder, VenueError
from strikeloop.testing.faults import FaultProxy, Requests, Respond, Rule
from strikeloop.wire import Secret
from strikeloop_gate import Gate
from tests.framework.live.stage import Stage, until
from tests.plugins.gate.conftest import ACCOUNT, CONTRACT, ORDER

pytestmark = pytest.mark.anyio

NAME = ContractId.of("gate", str(CONTRACT["name"]))
MOST_STEPS = 200


class Steps:
    """Cancels a scope at its n-th step: a step is one turn of the event loop in which somebody else may run."""

    def __init__(self, at: int) -> None:
        self.at, self.is_over = at, False

    async def play(self, operation: Callable[[], Awaitable[Any]]) -> bool:
        """Run `operation` until it ends or is struck; whether it ended by itself."""
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._strike, scope)
                await operation()
                self.is_over = True
                tasks.cancel_scope.cancel()
        return self.is_over

    async def _strike(self, scope: anyio.CancelScope) -> None:
        for _ in range(self.at):
            await anyio.lowlevel.checkpoint()
        scope.cancel()


def answers() -> tuple[Rule, ...]:
    bodies = {
        ("POST", "/options/orders"): ORDER,
        ("DELETE", "/options/orders"): ORDER | {"status": "finished", "finish_as": "cancelled"},
        ("PUT", "/options/orders"): ORDER,
        ("GET", "/options/orders"): [ORDER],
        ("GET", "/options/positions"): [],
        ("GET", "/options/accounts"): ACCOUNT,
        ("GET", "/options/my_trades"): [],
    }
    return tuple(Rule(Requests(method, path), Respond(200, json.dumps(body)), times=None) for (method, path), body in bodies.items())


@asynccontextmanager
async def venue() -> AsyncIterator[tuple[FaultProxy, Any]]:
    async with FaultProxy(None, *answers()) as proxy:
        urls: dict[str, Any] = {"rest_url": proxy.url("http://x/api/v4"), "ws_url": proxy.url("ws://x/v4/ws")}
        adapter = Gate(**urls, key=Secret("key"), secret=Secret("secret")).open("gate")
        yield proxy, adapter
        await adapter.aclose()


OPERATIONS: dict[str, Callable[[Any], Awaitable[Any]]] = {
    "submit": lambda account: account.submit(
        Approved(SubmitOrder(client_id="t-r1-a-1", contract=NAME, size=Decimal(2), price=Decimal(200)), "a", 1)
    ),
    "cancel": lambda account: account.cancel(Approved(CancelOrder(client_id="t-r1-a-1", contract=NAME), "a", 1), "7"),
    "amend": lambda account: account.amend(
        Approved(AmendOrder(client_id="t-r1-a-1", contract=NAME, price=Decimal(5), size=Decimal(2)), "a", 1), "7"
    ),
    "snapshot": lambda account: account.snapshot(),
}


def sockets() -> int:
    """How many sockets this process has open."""
    gc.collect()
    return sum(path.is_socket() for path in Path("/proc/self/fd").iterdir())


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc to count sockets")
@pytest.mark.parametrize("operation", OPERATIONS)
async def test_a_request_that_is_cancelled_at_any_step_leaks_nothing_and_the_next_one_works(operation: str) -> None:
    async with venue() as (_, adapter):
        await OPERATIONS[operation](adapter.account)
        before, ended = sockets(), False
        for at in range(MOST_STEPS):
            ended = await Steps(at).play(lambda: OPERATIONS[operation](adapter.account))
            if ended:
                break
        assert ended
        assert at > 2
        with anyio.fail_after(5):
            await OPERATIONS[operation](adapter.account)
            while sockets() > before:  # noqa: ASYNC110 - the other side closes in its own time
                await anyio.sleep(0.01)


@pytest.mark.parametrize("at", range(12))
async def test_a_run_that_is_cancelled_while_an_order_is_on_its_way_brings_the_request_to_an_answer(at: int) -> None:
    stage = Stage()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stage.live.run)
        await until(lambda: stage.live.started)
        client_id = stage.buy()
        for _ in range(at):
            await anyio.lowlevel.checkpoint()
        tasks.cancel_scope.cancel()
    intended, sent, state = client_id in stage.notes.intended, stage.account.asked("submit"), stage.state(client_id)
    assert len(sent) <= 1
    assert not sent or intended
    assert state == ("open" if sent else "pending")
    assert stage.adapter.is_closed


@pytest.mark.parametrize("kind", ["cancel", "amend"])
@pytest.mark.parametrize("at", range(0, 12, 2))
async def test_a_run_that_is_cancelled_while_an_order_is_changed_ends(kind: str, at: int) -> None:
    stage = Stage()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stage.live.run)
        await until(lambda: stage.live.started)
        client_id = stage.buy(3, 7)
        await until(lambda: stage.state(client_id) == "open")
        stage.account.script(kind, VenueError("502"))
        stage.do(lambda desk: desk.cancel(client_id) if kind == "cancel" else desk.amend(client_id, size=2))
        for _ in range(at):
            await anyio.lowlevel.checkpoint()
        tasks.cancel_scope.cancel()
    assert stage.state(client_id) in ("open", "unknown", "canceled")
    assert stage.adapter.is_closed
