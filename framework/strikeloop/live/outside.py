"""Closing positions from outside: for runs that hang, or are gone. The same engine and kill switch, fed by asking the venue.

Owns `Outside`. It needs no stream, only requests: what an account's books say, the top of an order book, one order at a time and
contract. Every order is on disk before it leaves, in a journal of its own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Any

import anyio
import attrs

from strikeloop import events as e
from strikeloop.adapter import Account, Adapter
from strikeloop.clock import SECOND_NS
from strikeloop.commands import Approved, CancelOrder, Command, SubmitOrder
from strikeloop.contracts import ContractId
from strikeloop.engine import Engine
from strikeloop.errors import AuthRejectedError, LinkLostError, OrderRejectedError, VenueError
from strikeloop.live.storage import Book
from strikeloop.orders import Order

ZERO = Decimal(0)
PAUSE_S = 0.5
REQUEST_S = 10.0
ABSENT_POLLS, ABSENT_NS = 3, 30 * SECOND_NS


class Outside:
    """Flattens the accounts of `adapters` with `engine`, which has no plugins; `keep` is told each state of the kill switch."""

    def __init__(
        self, adapters: Sequence[Adapter], engine: Engine, book: Book, clock: Callable[[], int], keep: Callable[[e.HaltUpdated], None]
    ) -> None:
        self._adapters, self._engine, self._book, self._clock, self._keep = adapters, engine, book, clock, keep
        self._outbox: list[Approved[Any]] = []
        self._polls: dict[str, list[int]] = {}
        """When an order was asked for that the venue did not know."""

    async def run(self, by: str, reason: str) -> e.HaltUpdated:
        """Withdraw, close, and say how it ended; the adapters are closed then. Raises VenueError, AuthRejectedError, StorageError."""
        try:
            await self._begin(by, reason)
            while not self._engine.switch.is_done:
                await self._send()
                await anyio.sleep(PAUSE_S)
                await self._look()
                while (fired := self._engine.due(self._clock())) is not None:
                    self._tell(fired)
            await self._send()
            await self._book.flush()
        finally:
            with anyio.CancelScope(shield=True):
                for adapter in self._adapters:
                    await adapter.aclose()
        return self._engine.switch.told(self._clock())

    # ---- inside ----

    @property
    def _accounts(self) -> list[tuple[Adapter, Account]]:
        return [(adapter, adapter.account) for adapter in self._adapters if adapter.account is not None]

    async def _begin(self, by: str, reason: str) -> None:
        for adapter, account in self._accounts:
            with anyio.fail_after(REQUEST_S):
                await account.prepare()
                listed = await adapter.feed.contracts()
            now = self._clock()
            for one in listed:
                self._tell(e.ContractListed(time=now, received=now, contract=one.id, specification=one))
        await self._look()
        now = self._clock()
        self._tell(e.RunStarted(time=now, received=now))
        self._tell(e.HaltRequested(time=now, received=now, cause="command", by=by, reason=reason, cancel=True, flatten=True))

    def _tell(self, event: e.Event) -> None:
        """An input of the engine."""
        self._book.inputs((event,))
        step = self._engine.step(event)
        self._outbox += step.approved
        for told in step.events:
            if isinstance(told, e.HaltUpdated):
                self._keep(told)

    # ---- what the venue says ----

    async def _look(self) -> None:
        for adapter, account in self._accounts:
            try:
                await self._look_at(adapter, account)
            except (VenueError, TimeoutError) as error:
                self._engine.block(adapter.name, str(error) or "no answer")
            else:
                self._engine.unblock(adapter.name)

    async def _look_at(self, adapter: Adapter, account: Account) -> None:
        with anyio.fail_after(REQUEST_S):
            books = await account.snapshot()
        now, engine = self._clock(), self._engine
        for event in (*books.orders, *books.balances, *books.positions):
            self._tell(attrs.evolve(event, received=now))
        listed = {position.contract for position in books.positions}
        for position in engine.portfolio.positions:
            if position.contract.adapter == adapter.name and position.contract not in listed:
                self._tell(_flat(position.contract, now))
        open_there = {order.order_id for order in books.orders}
        for order in engine.orders.working():
            if order.contract.adapter == adapter.name and order.order_id not in open_there and order.state is not e.OrderState.PENDING:
                await self._look_up(account, order)
        for position in engine.portfolio.positions:
            if position.contract.adapter == adapter.name:
                await self._quote(adapter, position.contract)

    async def _look_up(self, account: Account, order: Order) -> None:
        """What became of an order that is not open: never heard of, after several questions over a while, it does not exist."""
        with anyio.fail_after(REQUEST_S):
            found = await account.find(order.contract, client_id=order.client_id, order_id=order.order_id)
        now = self._clock()
        if found is not None:
            self._tell(attrs.evolve(found, received=now))
            return
        polls = self._polls.setdefault(order.key, [])
        polls.append(now)
        if len(polls) >= ABSENT_POLLS and now - polls[0] >= ABSENT_NS and order.state is e.OrderState.UNKNOWN:
            self._tell(self._said(order.key, order.contract, e.OrderState.ABSENT, "the venue does not know it"))

    async def _quote(self, adapter: Adapter, contract: ContractId) -> None:
        """The top of the book, where the feed can be asked for it."""
        ask = getattr(adapter.feed, "book", None)
        if ask is None:
            return
        with anyio.fail_after(REQUEST_S):
            book: e.BookUpdated = await ask(contract)
        bid, bid_size = book.bids[0] if book.bids else (None, 0.0)
        offer, offer_size = book.asks[0] if book.asks else (None, 0.0)
        now = self._clock()
        self._tell(e.Quoted(time=book.time, received=now, contract=contract, bid=bid, ask=offer, bid_size=bid_size, ask_size=offer_size))

    # ---- what is sent ----

    async def _send(self) -> None:
        while self._outbox:
            batch, self._outbox = self._outbox, []
            await self._book.intents(batch)
            for approved in batch:
                await self._send_one(approved)

    async def _send_one(self, approved: Approved[Any]) -> None:
        command: Command = approved.command
        account = next(account for adapter, account in self._accounts if adapter.name == command.contract.adapter)
        if isinstance(command, SubmitOrder):
            self._engine.sent((command.client_id,))
            await self._ask(command, lambda: account.submit(approved))
        elif isinstance(command, CancelOrder):
            order = self._engine.orders.get(command.client_id)
            await self._ask(command, lambda: account.cancel(approved, None if order is None else order.order_id))

    async def _ask(self, command: SubmitOrder | CancelOrder, request: Callable[[], Awaitable[Sequence[e.Event]]]) -> None:
        """One request; an order whose answer did not come is UNKNOWN, a cancel is repeated by the kill switch."""
        try:
            with anyio.fail_after(REQUEST_S):
                events = await request()
        except (OrderRejectedError, AuthRejectedError, LinkLostError) as error:
            if isinstance(command, SubmitOrder):
                self._tell(self._said(command.client_id, command.contract, e.OrderState.REJECTED, str(error)))
        except (VenueError, TimeoutError) as error:
            if isinstance(command, SubmitOrder):
                self._tell(self._said(command.client_id, command.contract, e.OrderState.UNKNOWN, f"no answer: {error}"))
        else:
            now = self._clock()
            for event in events:
                self._tell(attrs.evolve(event, received=now))

    def _said(self, key: str, contract: ContractId, state: e.OrderState, reason: str) -> e.OrderUpdated:
        now, order = self._clock(), self._engine.orders.get(key)
        return e.OrderUpdated(
            time=now,
            received=now,
            origin=e.Origin.COMPUTED,
            contract=contract,
            client_id=key,
            state=state,
            size=ZERO if order is None else order.size,
            reason=reason[:300],
        )


def _flat(contract: ContractId, now: int) -> e.PositionUpdated:
    """A position that the books do not list any more."""
    origin = e.Origin.SNAPSHOT
    return e.PositionUpdated(time=now, received=now, origin=origin, contract=contract, size=ZERO, entry_price=ZERO, realized_pnl=ZERO)
