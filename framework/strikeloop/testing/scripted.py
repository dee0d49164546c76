"""An adapter in memory that says and answers what a test has scripted, and a clock that a test moves.

Owns `ScriptedAdapter` with its two ports, `ScriptedLink`, `Held` and `ManualClock`. Without a script it is a small venue
that accepts everything and fills nothing. It opens no socket and never sleeps; it runs on asyncio and trio.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import anyio
import anyio.lowlevel
import attrs

from strikeloop.adapter import Channel, Decoded, ServerClock, Snapshot
from strikeloop.clock import SECOND_NS
from strikeloop.commands import AmendOrder, Approved, CancelOrder, SubmitOrder
from strikeloop.contracts import Contract, ContractId
from strikeloop.errors import DecodeError, LinkLostError, OrderRejectedError
from strikeloop.events import (
    BalanceUpdated,
    BookUpdated,
    ChannelRefused,
    ChannelSubscribed,
    Event,
    Filled,
    OrderState,
    OrderUpdated,
    Origin,
    PositionUpdated,
)
from strikeloop.live.clock import WallClock

START_NS = 1_780_272_000 * SECOND_NS
ACCOUNT_CHANNELS = (Channel(name="orders", essential=True), Channel(name="positions", essential=True), Channel(name="balances"))
FEED_CHANNELS = (Channel(name="quotes", conflatable=True),)


class ManualClock(WallClock):
    """A clock that stands still until a test moves it; `now` is ns UTC."""

    def __init__(self, now: int = START_NS) -> None:
        super().__init__()
        self._now = now

    def now(self) -> int:
        return self._now

    def pass_s(self, seconds: float) -> int:
        """Let time pass; returns now."""
        self._now += round(seconds * SECOND_NS)
        return self._now


class Held:
    """An answer that is given only when the test releases it; `asked` is set once somebody waits for it."""

    def __init__(self, answer: Any = None) -> None:
        self._answer, self._released, self.asked = answer, anyio.Event(), anyio.Event()

    def release(self, answer: Any = None) -> None:
        """Give the answer: this one, else the one it was made with, else what happens without a script."""
        self._answer = self._answer if answer is None else answer
        self._released.set()

    async def wait(self) -> Any:
        self.asked.set()
        await self._released.wait()
        return self._answer


class ScriptedLink:
    """One open connection. `sent` holds the frames that were written, `pings` counts protocol pings."""

    def __init__(self, on_frame: Callable[[ScriptedLink, bytes], None]) -> None:
        self._on_frame = on_frame
        self._batches: deque[list[bytes]] = deque()
        self._loss: str | None = None
        self._wake = anyio.Event()
        self.sent: list[bytes] = []
        self.pings = 0
        self.is_closed = False

    def deliver(self, *frames: bytes) -> None:
        """One read of the socket brings these frames."""
        self._batches.append(list(frames))
        self._wake.set()

    def lose(self, reason: str = "connection reset") -> None:
        """The connection ends, once what was delivered is read."""
        self._loss = reason
        self._wake.set()

    @property
    def is_lost(self) -> bool:
        """Whether the other side has ended it."""
        return self._loss is not None

    async def receive(self) -> Sequence[bytes]:
        await anyio.lowlevel.checkpoint()
        while not self._batches:
            if self._loss is not None:
                raise LinkLostError(self._loss)
            self._wake = anyio.Event()
            await self._wake.wait()
        return self._batches.popleft()

    async def send(self, frame: bytes) -> None:
        await anyio.lowlevel.checkpoint()
        if self._loss is not None:
            raise LinkLostError(self._loss)
        self.sent.append(frame)
        self._on_frame(self, frame)

    async def ping(self) -> None:
        await anyio.lowlevel.checkpoint()
        self.pings += 1

    async def aclose(self) -> None:
        await anyio.lowlevel.checkpoint()
        self.is_closed = True


class _ScriptedStream:
    """What both ports share: links that the test speaks through, and a script of answers for each kind of request.

    `script(kind, *answers)` queues answers: an exception is raised, a Held waits, anything else is returned. Kinds are
    connect, prepare, contracts, book, fills, snapshot, submit, cancel, amend, find. `calls` lists (kind, argument) as they came.
    """

    def __init__(self, name: str, port: str, channels: Sequence[Channel]) -> None:
        self.name, self.port, self._channels = name, port, tuple(channels)
        self.links: list[ScriptedLink] = []
        self.calls: list[tuple[str, Any]] = []
        self.refused: dict[str, ChannelRefused] = {}
        self.mute: set[str] = set()
        self._answers: dict[str, deque[Any]] = {}
        self._frames: dict[bytes, Decoded] = {}

    # ---- for the test ----

    @property
    def link(self) -> ScriptedLink:
        """The latest connection."""
        return self.links[-1]

    def script(self, kind: str, *answers: Any) -> None:
        """The next requests of this kind get these answers, in order; then again what happens without a script."""
        self._answers.setdefault(kind, deque()).extend(answers)

    def refuse(self, channel: str, *, code: str = "4", message: str = "refused", is_auth: bool = False) -> None:
        """Refuse the next subscriptions of this channel, until `allow`."""
        self.refused[channel] = ChannelRefused(
            time=0, received=0, adapter=self.name, port=self.port, channel=channel, code=code, message=message, is_auth=is_auth
        )

    def allow(self, channel: str) -> None:
        """Acknowledge the channel again."""
        self.refused.pop(channel, None)

    def say(self, channel: str, *events: Event, reconnect: bool = False) -> None:
        """A frame with these events comes over the latest connection; they are received when it is decoded."""
        self.link.deliver(self._frame(Decoded(channel=channel, events=events, reconnect=reconnect)))

    def frame(self, channel: str, *events: Event) -> bytes:
        """A frame with these events, for a link to `deliver` with others in one batch."""
        return self._frame(Decoded(channel=channel, events=events))

    def asked(self, kind: str) -> list[Any]:
        """The arguments of every request of this kind so far."""
        return [argument for asked, argument in self.calls if asked == kind]

    # ---- for the driver ----

    @property
    def channels(self) -> tuple[Channel, ...]:
        return self._channels

    async def connect(self) -> ScriptedLink:
        await self._answer("connect", None)
        self.links.append(ScriptedLink(self._on_frame))
        return self.link

    def subscribe(self, channel: str, time_s: int, contracts: Sequence[ContractId] = ()) -> Sequence[bytes]:
        return (json.dumps({"subscribe": channel, "time": time_s, "contracts": [contract.name for contract in contracts]}).encode(),)

    def unsubscribe(self, channel: str, time_s: int, contracts: Sequence[ContractId] = ()) -> Sequence[bytes]:
        return (json.dumps({"unsubscribe": channel, "time": time_s, "contracts": [contract.name for contract in contracts]}).encode(),)

    def ping(self, time_s: int) -> bytes | None:
        return json.dumps({"ping": time_s}).encode()

    def decode(self, frame: bytes | str, received: int) -> Decoded:
        """The events that were said in this frame. Raises DecodeError for one that nobody said."""
        decoded = self._frames.get(frame if isinstance(frame, bytes) else frame.encode())
        if decoded is None:
            raise DecodeError("this frame is not in the script", channel=self._channels[0].name, frame=str(frame))
        return attrs.evolve(decoded, events=tuple(attrs.evolve(event, received=received) for event in decoded.events))

    # ---- inside ----

    def _frame(self, decoded: Decoded) -> bytes:
        frame = f"frame {len(self._frames)}".encode()
        self._frames[frame] = decoded
        return frame

    def _on_frame(self, link: ScriptedLink, frame: bytes) -> None:
        """Answer a subscription as the test wants it, a ping with a heartbeat."""
        asked = json.loads(frame)
        if "ping" in asked:
            link.deliver(self._frame(Decoded(channel="", is_heartbeat=True)))
        channel = asked.get("subscribe")
        if channel is None or channel in self.mute or not any(one.name == channel and one.acknowledged for one in self._channels):
            return
        answer = self.refused.get(channel) or ChannelSubscribed(time=0, received=0, adapter=self.name, port=self.port, channel=channel)
        link.deliver(self._frame(Decoded(channel=channel, events=(answer,))))

    async def _answer(self, kind: str, argument: Any) -> Any:
        """What the script says, None where it says nothing."""
        self.calls.append((kind, argument))
        await anyio.lowlevel.checkpoint()
        answers = self._answers.get(kind)
        answer = answers.popleft() if answers else None
        while isinstance(answer, Held):
            answer = await answer.wait()
        if isinstance(answer, BaseException):
            raise answer
        return answer


class ScriptedFeed(_ScriptedStream):
    """The public side: lists the contracts it was made with."""

    def __init__(self, name: str, contracts: Sequence[Contract], channels: Sequence[Channel]) -> None:
        super().__init__(name, "feed", channels)
        self.listed = tuple(contracts)

    async def contracts(self) -> tuple[Contract, ...]:
        answer = await self._answer("contracts", None)
        return self.listed if answer is None else tuple(answer)

    async def book(self, contract: ContractId) -> BookUpdated:
        """A whole book; without a script an empty one."""
        answer = await self._answer("book", contract)
        return BookUpdated(time=0, received=0, contract=contract, bids=(), asks=(), snapshot=True) if answer is None else answer


class ScriptedAccount(_ScriptedStream):
    """The private side: `orders`, `positions` and `balances` are the books that snapshots show, `booked` the fills of them.

    Without a script a submission rests under a number of its own, a cancel cancels, an amendment amends.
    """

    def __init__(self, name: str, channels: Sequence[Channel], clock: WallClock) -> None:
        super().__init__(name, "account", channels)
        self._clock = clock
        self.orders: dict[str, OrderUpdated] = {}
        self.positions: list[PositionUpdated] = []
        self.booked: list[Filled] = []
        self.balances = [
            BalanceUpdated(
                time=0, received=0, origin=Origin.SNAPSHOT, adapter=name, currency="USDT", total=Decimal(1_000), available=Decimal(1_000)
            )
        ]

    async def prepare(self) -> None:
        await self._answer("prepare", None)

    async def fills(self, since: int) -> tuple[Filled, ...]:
        answer = await self._answer("fills", since)
        if answer is not None:
            return tuple(answer)
        return tuple(attrs.evolve(fill, origin=Origin.SNAPSHOT) for fill in self.booked if fill.time >= since)

    async def snapshot(self) -> Snapshot:
        answer = await self._answer("snapshot", None)
        if answer is not None:
            return answer  # type: ignore[no-any-return]  # the script holds what the test put there
        now = self._clock.now()
        return Snapshot(
            time=now,
            received=now,
            orders=tuple(
                attrs.evolve(order, origin=Origin.SNAPSHOT, received=now)
                for order in self.orders.values()
                if order.state is OrderState.OPEN
            ),
            positions=tuple(self.positions),
            balances=tuple(self.balances),
        )

    async def submit(self, order: Approved[SubmitOrder]) -> Sequence[Event]:
        answer = await self._answer("submit", order.command)
        return self._told(self.rest(order.command)) if answer is None else answer

    async def cancel(self, order: Approved[CancelOrder], order_id: str | None) -> Sequence[Event]:
        answer = await self._answer("cancel", order.command)
        if answer is not None:
            return answer  # type: ignore[no-any-return]  # the script holds what the test put there
        return self._told(self._book(attrs.evolve(self._known(order.command.client_id), state=OrderState.CANCELED, finish_as="cancelled")))

    async def amend(self, order: Approved[AmendOrder], order_id: str | None) -> Sequence[Event]:
        command = order.command
        answer = await self._answer("amend", command)
        if answer is not None:
            return answer  # type: ignore[no-any-return]  # the script holds what the test put there
        known = self._known(command.client_id)
        size, price = known.size if command.size is None else command.size, known.price if command.price is None else command.price
        return self._told(self._book(attrs.evolve(known, size=size, left=size - known.filled, price=price)))

    async def find(self, contract: ContractId, *, client_id: str | None = None, order_id: str | None = None) -> OrderUpdated | None:
        """Among all orders of the books; a script's empty answer `()` says that the venue does not know it."""
        answer = await self._answer("find", (contract, client_id, order_id))
        if answer is not None:
            return answer or None
        found = (order for order in self.orders.values() if client_id in (None, order.client_id) and order_id in (None, order.order_id))
        order = next(found, None)
        return None if order is None else attrs.evolve(order, origin=Origin.SNAPSHOT, received=self._clock.now())

    def rest(self, command: SubmitOrder) -> OrderUpdated:
        """Put an order into the books, as the venue does when it accepts it."""
        now = self._clock.now()
        return self._book(
            OrderUpdated(
                time=now,
                received=now,
                contract=command.contract,
                client_id=command.client_id,
                order_id=str(len(self.orders) + 1),
                state=OrderState.OPEN,
                size=command.size,
                left=command.size,
                price=command.price,
                tif=command.tif,
                reduce_only=command.reduce_only,
            )
        )

    def _book(self, order: OrderUpdated) -> OrderUpdated:
        self.orders[order.client_id or order.order_id or ""] = order
        return order

    def _known(self, client_id: str) -> OrderUpdated:
        known = self.orders.get(client_id)
        if known is None:
            raise OrderRejectedError(f"there is no order {client_id}", code="ORDER_NOT_FOUND")
        return attrs.evolve(known, time=self._clock.now(), received=self._clock.now())

    @staticmethod
    def _told(order: OrderUpdated) -> Sequence[Event]:
        return (order,)


class ScriptedAdapter:
    """`strikeloop.adapter.Adapter` in memory: both ports are there to be scripted, and `is_closed` tells the end.

    Give it the contracts it lists; `account_channels=None` makes it read-only.
    """

    def __init__(
        self,
        contracts: Sequence[Contract],
        *,
        name: str = "venue",
        clock: WallClock | None = None,
        account_channels: Sequence[Channel] | None = ACCOUNT_CHANNELS,
        feed_channels: Sequence[Channel] = FEED_CHANNELS,
    ) -> None:
        self.name = name
        self.clock = ServerClock((clock or ManualClock()).now)
        self._feed = ScriptedFeed(name, contracts, feed_channels)
        self._account = None if account_channels is None else ScriptedAccount(name, account_channels, clock or ManualClock())
        self.is_closed = False

    @property
    def feed(self) -> ScriptedFeed:
        return self._feed

    @property
    def account(self) -> ScriptedAccount | None:
        return self._account

    async def aclose(self) -> None:
        await anyio.lowlevel.checkpoint()
        self.is_closed = True
