"""The way out: intents are on disk before their orders leave, and commands of one order leave in sequence.

Owns `Sender`. What the venue answers goes to the session as events; an order whose answer did not come, or could not
be read, is UNKNOWN and never sent again. Cancels may be repeated, because closing twice does no harm.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from random import SystemRandom
from typing import Any

import anyio
import anyio.lowlevel
from anyio.abc import TaskGroup

from strikeloop.commands import AmendOrder, Approved, CancelOrder, Command, SubmitOrder
from strikeloop.engine import Engine
from strikeloop.errors import AuthRejectedError, LinkLostError, OrderRejectedError, VenueError
from strikeloop.events import AlertRaised, Event, OrderState, OrderUpdated, Origin, Severity
from strikeloop.killswitch import NAME
from strikeloop.live.clock import WallClock
from strikeloop.live.local import LocalVenue
from strikeloop.live.port import Port
from strikeloop.orders import Order
from strikeloop.session import Find

ANSWER_S = 5.0
CANCEL_ANSWER_S = 3.0
CANCEL_TRIES = 3
CANCEL_PAUSE_S = 0.2
UNKNOWN_PAUSE_S = 1.0
WAY_S = 0.02
LEAVING_TURNS = 12
"""Turns of the loop between an intent on disk and its request in the socket, with some to spare."""
SPREAD = SystemRandom()


async def anything_goes(_: Approved[Any]) -> str:
    """Nothing speaks against an order that was approved."""
    return ""


class Sender:
    """Sends to `ports` by adapter, or into a venue of `venues` in this process.

    `journal` returns when commands are on disk, or why they are not: then only cancels leave. `halted` is asked before every send to
    a port and names a reason, or nothing; so is `why_not` before each submission. `deliver` takes what is said in place of a venue
    in this process.
    """

    def __init__(
        self,
        engine: Engine,
        ports: dict[str, Port],
        clock: WallClock,
        journal: Callable[[Sequence[Approved[Command]]], Awaitable[str]],
        halted: Callable[[], str],
        *,
        venues: Mapping[str, LocalVenue] | None = None,
        why_not: Callable[[Approved[Any]], Awaitable[str]] = anything_goes,
        deliver: Callable[[Sequence[Event]], None] = lambda _: None,
    ) -> None:
        self._engine, self._ports, self._clock, self._journal, self._halted = engine, ports, clock, journal, halted
        self._venues: Mapping[str, LocalVenue] = {} if venues is None else venues
        self._why_not, self._deliver = why_not, deliver
        self._outbox: list[Approved[Command]] = []
        self._wake = anyio.Event()
        self._last: dict[str, anyio.Event] = {}
        self._busy = self._queued = 0
        self._launched = anyio.Event()

    def put(self, approved: Approved[Command]) -> None:
        """Queue a command; its submission is known to the session from now on."""
        if isinstance(approved.command, SubmitOrder) and approved.command.contract.adapter in self._ports:
            self._ports[approved.command.contract.adapter].session.submitted(approved.command.client_id)
        self._busy += 1
        self._queued += 1
        self._outbox.append(approved)
        self._wake.set()

    @property
    def is_idle(self) -> bool:
        """Whether every command was answered."""
        return self._busy == 0

    async def run(self) -> None:
        """Until cancelled: journal what is queued, then send it."""
        async with anyio.create_task_group() as tasks:
            while True:
                await self._wake.wait()
                self._wake = anyio.Event()
                batch, self._outbox = self._outbox, []
                unwritten = await self._journal(batch)
                for approved in batch:
                    if unwritten and not isinstance(approved.command, CancelOrder):
                        self._return(approved.command, f"not sent: {unwritten}", tasks)
                    else:
                        self._launch(approved, tasks)
                self._queued -= len(batch)
                if not self._queued:
                    self._launched.set()
                    self._launched = anyio.Event()

    async def make_way(self) -> None:
        """A turn of the loop for everybody; for those who keep it busy: what is queued leaves first, within WAY_S."""
        turns = 1
        if self._queued:
            turns = LEAVING_TURNS
            with anyio.move_on_after(WAY_S):
                await self._launched.wait()
        for _ in range(turns):
            await anyio.lowlevel.checkpoint()

    def _launch(self, approved: Approved[Command], tasks: TaskGroup) -> None:
        client_id, venue = approved.command.client_id, self._venues.get(approved.command.contract.adapter)
        if venue is not None:
            self._busy -= 1
            self._engine.sent((client_id,))
            venue.put(approved)
            return
        before, done = self._last.get(client_id), anyio.Event()
        self._last[client_id] = done
        tasks.start_soon(self._in_turn, approved, before, done)

    def _return(self, command: SubmitOrder | AmendOrder, reason: str, tasks: TaskGroup) -> None:
        """A command that must not leave: an order is rejected, one that was to be amended is as it was."""
        self._busy -= 1
        port = self._ports.get(command.contract.adapter)
        if port is None:
            order = self._engine.orders.get(command.client_id)
            if isinstance(command, AmendOrder) and order is not None and order.former:
                self._deliver((_as_before(order, reason, self._clock.now()),))
            else:
                self._deliver((self._update(command, OrderState.REJECTED, reason),))
        elif not self._reject(port, command, reason):
            tasks.start_soon(port.look_up, self._find(command))

    async def _in_turn(self, approved: Approved[Command], before: anyio.Event | None, done: anyio.Event) -> None:
        try:
            if before is not None:
                await before.wait()
            await self._send(approved)
        finally:
            self._busy -= 1
            done.set()
            if self._last.get(approved.command.client_id) is done:
                del self._last[approved.command.client_id]

    async def _send(self, approved: Approved[Any]) -> None:
        command: Command = approved.command
        port = self._ports[command.contract.adapter]
        if isinstance(command, CancelOrder):
            await self._cancel(port, approved)
            return
        is_free = approved.instance == NAME  # the kill switch only reduces: no halt and no dead man's switch holds it up
        if isinstance(command, SubmitOrder) and not is_free and (reason := await self._why_not(approved)):
            self._reject(port, command, f"not sent: {reason}")
            return
        with anyio.CancelScope(shield=True):  # what has begun to leave is brought to an answer
            is_told = await self._leave(port, approved)
        if not is_told:
            await port.look_up(self._find(command))

    async def _leave(self, port: Port, approved: Approved[Any]) -> bool:
        """Send an order or an amendment; False where the venue is to be asked how the order stands now."""
        command: SubmitOrder | AmendOrder = approved.command
        reason = "" if approved.instance == NAME else self._halted()
        if reason:
            return self._reject(port, command, f"not sent: {reason}")
        if isinstance(command, SubmitOrder):
            self._engine.sent((command.client_id,))
            return await self._once(port, command, lambda: port.account.submit(approved))
        return await self._once(port, command, lambda: port.account.amend(approved, self._order_id(command)))

    async def _once(self, port: Port, command: SubmitOrder | AmendOrder, request: Callable[[], Awaitable[Sequence[Event]]]) -> bool:
        """One request, never repeated. Whatever is not plainly a no, or plainly not sent, is an unknown outcome."""
        try:
            with anyio.fail_after(ANSWER_S):
                events = await request()
        except (OrderRejectedError, AuthRejectedError) as error:
            return self._reject(port, command, str(error))
        except LinkLostError as error:
            return self._reject(port, command, f"not sent: {error}")
        except (VenueError, TimeoutError) as error:
            update = self._update(command, OrderState.UNKNOWN, f"no answer: {str(error) or f'none within {ANSWER_S:g} s'}")
            port.session.outcome_unknown(command.client_id, command.contract, update, self._clock.now())
            port.pump()
        else:
            self._answer(port, command, events)
        return True

    def _reject(self, port: Port, command: SubmitOrder | AmendOrder, reason: str) -> bool:
        """The order does not exist at the venue; of one that was to be amended only the venue knows how it stands."""
        if isinstance(command, AmendOrder):
            return False
        self._answer(port, command, (self._update(command, OrderState.REJECTED, reason),))
        return True

    async def _cancel(self, port: Port, approved: Approved[Any]) -> None:
        """Ask until it is known what became of the order: closing twice does no harm, so a cancel may be repeated.

        After each try that told no end the venue is asked how the order stands. An order whose outcome is unknown may still
        arrive there: its cancel goes on until it was found or is absent.
        """
        command: CancelOrder = approved.command
        tries, reason = 0, ""
        while tries < CANCEL_TRIES and self._is_working(command):
            if tries:
                await anyio.sleep(CANCEL_PAUSE_S * 2**tries * (0.5 + SPREAD.random()))
            was_unknown = self._is_unknown(command)
            try:
                with anyio.fail_after(CANCEL_ANSWER_S):
                    events = await port.account.cancel(approved, self._order_id(command))
            except (VenueError, TimeoutError) as error:
                if was_unknown and not isinstance(error, AuthRejectedError):
                    await anyio.sleep(UNKNOWN_PAUSE_S)
                    continue
                reason = str(error) or f"no answer within {CANCEL_ANSWER_S:g} s"
                tries = CANCEL_TRIES if isinstance(error, AuthRejectedError) else tries + 1
            else:
                self._answer(port, command, events)
                tries, reason = tries + 1, "the venue answered, and the order still works"
            if self._is_working(command):
                await port.look_up(self._find(command))
        if self._is_working(command):
            self._answer(port, command, (self._alert(command, reason),))

    def _alert(self, command: CancelOrder, reason: str) -> AlertRaised:
        now = self._clock.now()
        text = f"{command.client_id} could not be withdrawn and may still trade: {reason}"[:500]
        return AlertRaised(time=now, received=now, source="sender", topic="cancel", text=text, severity=Severity.CRITICAL)

    def _find(self, command: Command) -> Find:
        return Find(command.contract, command.client_id, self._order_id(command))

    def _is_working(self, command: CancelOrder) -> bool:
        order = self._engine.orders.get(command.client_id)
        return order is not None and order.is_working

    def _is_unknown(self, command: CancelOrder) -> bool:
        order = self._engine.orders.get(command.client_id)
        return order is not None and order.state is OrderState.UNKNOWN

    def _answer(self, port: Port, command: Command, events: Sequence[Event]) -> None:
        port.session.answered(command.client_id, events, self._clock.now())
        port.pump()

    def _order_id(self, command: Command) -> str | None:
        order = self._engine.orders.get(command.client_id)
        return None if order is None else order.order_id

    def _update(self, command: SubmitOrder | AmendOrder, state: OrderState, reason: str) -> OrderUpdated:
        """What we say of an order ourselves."""
        now = self._clock.now()
        order = self._engine.orders.get(command.client_id)
        size = command.size if command.size is not None else (order.size if order is not None else Decimal(0))
        return OrderUpdated(
            time=now,
            received=now,
            origin=Origin.COMPUTED,
            contract=command.contract,
            client_id=command.client_id,
            state=state,
            size=size,
            price=command.price,
            reason=reason[:300],
        )


def _as_before(order: Order, reason: str, now: int) -> OrderUpdated:
    """An order whose last amendment never left."""
    size, price = order.former[-1]
    return OrderUpdated(
        time=now,
        received=now,
        origin=Origin.COMPUTED,
        contract=order.contract,
        client_id=order.client_id,
        order_id=order.order_id,
        state=OrderState.OPEN,
        size=size,
        left=size - order.filled,
        price=price,
        reason=reason[:300],
    )
