"""Withdrawing what a directory's runs left at the venue, from outside: for runs that hang, or are gone.

Owns `withdraw`. It cancels orders one by one, by the tags in their names, so that orders of other hands stay. It places none,
and asks until the venue lists no order of ours any more.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import anyio
import attrs

from strikeloop.adapter import Account, Adapter
from strikeloop.clientids import parts_of
from strikeloop.commands import Approved, CancelOrder
from strikeloop.engine import Engine
from strikeloop.errors import VenueError
from strikeloop.events import HaltRequested, OrderUpdated
from strikeloop.margin import Classic

ROUNDS = 10
PAUSE_S = 1.0
REQUEST_S = 10.0
AT_ONCE = 8


@attrs.define(kw_only=True)
class Withdrawn:
    """What came of it on one account: the client ids that are gone, those that still work, how many orders of other hands stay."""

    adapter: str
    canceled: list[str] = attrs.field(factory=list)
    left: list[str] = attrs.field(factory=list)
    foreign: int = 0
    error: str = ""


async def withdraw(adapters: Sequence[Adapter], tags: Collection[str]) -> list[Withdrawn]:
    """Cancel every open order whose name bears one of `tags`, and close the adapters. Raises AuthRejectedError, VenueError."""
    try:
        return [await _withdraw(adapter.name, adapter.account, tags) for adapter in adapters if adapter.account is not None]
    finally:
        with anyio.CancelScope(shield=True):
            for adapter in adapters:
                await adapter.aclose()


async def _withdraw(name: str, account: Account, tags: Collection[str]) -> Withdrawn:
    """Until two lists in a row show none of ours: one that was on its way may have arrived after the first."""
    done, clear = Withdrawn(adapter=name), 0
    with anyio.fail_after(REQUEST_S):
        await account.prepare()
    for _ in range(ROUNDS):
        ours = await _ours(account, tags, done)
        clear = 0 if ours else clear + 1
        if clear == 2:
            break
        await _cancel(account, ours, done)
        await anyio.sleep(PAUSE_S)
    done.canceled = [client_id for client_id in done.canceled if client_id not in done.left]
    return done


async def _ours(account: Account, tags: Collection[str], done: Withdrawn) -> list[OrderUpdated]:
    with anyio.fail_after(REQUEST_S):
        listed = (await account.snapshot()).orders
    ours = [order for order in listed if parts_of(order.client_id)[0] in tags]
    done.foreign, done.left = len(listed) - len(ours), [order.client_id or "" for order in ours]
    return ours


async def _cancel(account: Account, orders: Sequence[OrderUpdated], done: Withdrawn) -> None:
    ids = {order.client_id: order.order_id for order in orders}
    limit = anyio.CapacityLimiter(AT_ONCE)

    async def one(approved: Approved[CancelOrder]) -> None:
        async with limit:
            try:
                with anyio.fail_after(REQUEST_S):
                    await account.cancel(approved, ids[approved.command.client_id])
            except (VenueError, TimeoutError) as error:
                done.error = str(error) or "no answer"
                return
        done.canceled.append(approved.command.client_id)

    async with anyio.create_task_group() as tasks:
        for approved in _approved(orders):
            tasks.start_soon(one, approved)


def _approved(orders: Sequence[OrderUpdated]) -> list[Approved[CancelOrder]]:
    """The cancels, from a kill switch that is told of these orders and nothing else."""
    engine = Engine([], margin=Classic(), tags={parts_of(order.client_id)[0] for order in orders})
    for order in orders:
        engine.step(order)
    asked = HaltRequested(time=0, received=0, cause="command", by="halt", reason="withdrawn from outside", cancel=True)
    return [_only(approved) for approved in engine.step(asked).approved]


def _only(approved: Approved[Any]) -> Approved[CancelOrder]:
    """Nothing but cancels comes of a withdrawal."""
    if not isinstance(approved.command, CancelOrder):
        raise TypeError(f"{type(approved.command).__name__} is no cancel")
    return approved
