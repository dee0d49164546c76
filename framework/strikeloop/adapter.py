"""The contract of an adapter: what its author writes, and nothing that the core can do for all.

Owns the protocols `Stream`, `Feed`, `Account`, what an account may do besides, and the values that cross them. An
adapter translates: it opens a link, signs, decodes and encodes. Reconnecting, resubscribing, liveness, order of events, snapshots and their
merging, deduplication and journalling belong to the core.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Final, Literal, Protocol, runtime_checkable

import attrs

from strikeloop.clock import ServerClock
from strikeloop.commands import AmendOrder, Approved, CancelOrder, SubmitOrder
from strikeloop.contracts import Contract, ContractId
from strikeloop.errors import DecodeError
from strikeloop.events import (
    BalanceUpdated,
    BookUpdated,
    ContractSettled,
    Event,
    Filled,
    OrderUpdated,
    PortfolioRiskUpdated,
    PositionClosed,
    PositionUpdated,
)

__all__ = [
    "Account",
    "Adapter",
    "BookFeed",
    "BookIds",
    "Channel",
    "DeadMansSwitch",
    "Decoded",
    "Feed",
    "KnowsFreezes",
    "Link",
    "MassCancel",
    "Mmp",
    "Ports",
    "Protection",
    "ReadsBatches",
    "ReportsRisk",
    "ServerClock",
    "Settlements",
    "Snapshot",
    "Stream",
]


class BookIds(StrEnum):
    """What the ids of a book's changes tell.

    NONE: nothing, the events are passed on as they are. CHAINED: each change begins right after the last one ended, and
    a whole book to begin with is asked for (`BookFeed.book`). RISING: they only grow; whole books come on the channel.
    """

    NONE = "none"
    CHAINED = "chained"
    RISING = "rising"


@attrs.frozen(kw_only=True)
class Channel:
    """One channel of a stream.

    `acknowledged`: the venue answers a subscription; where it does not, the first update or a snapshot confirms it.
    `essential`: while it is not confirmed no order leaves. `conflatable`: the latest event per contract is enough.
    `reports_fills`: each execution comes on it, so that positions must follow from fills. `reports_risk`: the venue's
    own portfolio risk comes on it; where no channel does, the core computes it. `by_contract`: its subscription names
    contracts; when the list of contracts changes, the new ones are subscribed and the dead ones unsubscribed.
    `books`: changes of order books come on it, of which the core makes whole books (BookUpdated with `snapshot`), of
    `book_depth` levels where the stream tells of no more. `repeats_bars`: a bar is told as it stands, again and again;
    the core releases it once the next one has begun.
    """

    name: str
    acknowledged: bool = True
    essential: bool = False
    conflatable: bool = False
    reports_fills: bool = False
    reports_risk: bool = False
    by_contract: bool = False
    books: BookIds = BookIds.NONE
    book_depth: int = 0
    repeats_bars: bool = False


@attrs.frozen(kw_only=True, weakref_slot=False)
class Decoded:
    """What one frame says. `is_heartbeat` frames only prove that the link lives; `reconnect` is the venue's request to move on.

    `sent` is when the venue sent it (ns UTC, by its clock) where that is worth knowing: on answers and heartbeats.
    `notices` name what is new to the adapter and did no harm, such as a field nobody documented: each is told as an
    alert, at most once a minute.
    """

    channel: str
    events: tuple[Event, ...] = ()
    is_heartbeat: bool = False
    reconnect: bool = False
    sent: int | None = None
    notices: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Snapshot:
    """The account as the venue's books say at `time`; every event in it has origin snapshot.

    `orders` are the open ones; `complete` tells that positions not listed are flat and orders not listed are not open.
    `fills` are those since the time that was asked for: an account is asked for them by themselves, and leaves them out.
    """

    time: int
    received: int
    orders: tuple[OrderUpdated, ...] = ()
    positions: tuple[PositionUpdated, ...] = ()
    balances: tuple[BalanceUpdated, ...] = ()
    fills: tuple[Filled, ...] = ()
    complete: bool = True


class Link(Protocol):
    """One open connection: text frames in batches (one list for each read of the socket), text frames out."""

    async def receive(self) -> Sequence[bytes]:
        """The frames of the next read, which may be none (a control frame, part of a frame): every return is a sign of life.

        Raises LinkLostError when the connection ends.
        """
        ...

    async def send(self, frame: bytes) -> None:
        """Send one text frame. Raises LinkLostError."""
        ...

    async def ping(self) -> None:
        """Send a protocol ping where the transport has one, else nothing."""
        ...

    async def aclose(self) -> None:
        """Close politely within a second; never raises."""
        ...


class Stream(Protocol):
    """What both ports of an adapter share."""

    @property
    def channels(self) -> tuple[Channel, ...]:
        """Every channel to subscribe, in the order of subscription."""
        ...

    async def connect(self) -> Link:
        """Open a link. Raises LinkLostError, AuthRejectedError."""
        ...

    def subscribe(self, channel: str, time_s: int, contracts: Sequence[ContractId] = ()) -> Sequence[bytes]:
        """The (signed) frames that subscribe `channel`, mostly one, made at the moment of sending; `time_s` is the venue's time.

        `contracts` names what is to be added to a subscription that stands, where the channel is `by_contract`.
        """
        ...

    def unsubscribe(self, channel: str, time_s: int, contracts: Sequence[ContractId] = ()) -> Sequence[bytes]:
        """The (signed) frames that end the subscription, or take `contracts` out of it."""
        ...

    def ping(self, time_s: int) -> bytes | None:
        """The venue's own keep-alive frame, or None where it has none."""
        ...

    def decode(self, frame: bytes | str, received: int) -> Decoded:
        """Translate one frame, purely: the same frame gives the same events. Raises DecodeError, and nothing else."""
        ...


@runtime_checkable
class ReadsBatches(Protocol):
    """A stream for which many frames at once cost less than one after the other."""

    def decode_batch(self, frames: Sequence[bytes | str], received: int) -> list[Decoded | DecodeError]:
        """What `decode` gives for each frame, or the error that it raises, in order."""
        ...


class Feed(Stream, Protocol):
    """Public market data."""

    async def contracts(self) -> tuple[Contract, ...]:
        """Every contract that can be traded now. Raises VenueError."""
        ...


class BookFeed(Feed, Protocol):
    """A feed with channels whose books are CHAINED."""

    async def book(self, contract: ContractId) -> BookUpdated:
        """The whole book now, best levels first, with `snapshot` and its `last_id`. Raises VenueError."""
        ...


class Account(Stream, Protocol):
    """The private side.

    Requests raise OrderRejectedError (the venue said no), OutcomeUnknownError (sent, no answer), LinkLostError (not
    sent), AuthRejectedError; they never repeat themselves. Answers are events.
    """

    async def prepare(self) -> None:
        """Learn what subscriptions need (the venue's time, user id, contracts) before connecting. Raises VenueError, AuthRejectedError."""
        ...

    async def fills(self, since: int) -> tuple[Filled, ...]:
        """Executions since `since` (ns, the venue's time), oldest first, with origin snapshot. Raises VenueError."""
        ...

    async def snapshot(self) -> Snapshot:
        """Open orders, then positions, then balances; no fills. Raises VenueError."""
        ...

    async def submit(self, order: Approved[SubmitOrder]) -> Sequence[Event]:
        """Place the order, once."""
        ...

    async def cancel(self, order: Approved[CancelOrder], order_id: str | None) -> Sequence[Event]:
        """Cancel; `order_id` where the venue has named one."""
        ...

    async def amend(self, order: Approved[AmendOrder], order_id: str | None) -> Sequence[Event]:
        """Amend; `order_id` where the venue has named one."""
        ...

    async def find(self, contract: ContractId, *, client_id: str | None = None, order_id: str | None = None) -> OrderUpdated | None:
        """Look one order up among open and finished ones; None when the venue does not know it. Raises VenueError."""
        ...


# ---- what an account may do besides: the core asks with isinstance, and goes without where it is not there --------------


@runtime_checkable
class DeadMansSwitch(Protocol):
    """The venue withdraws the orders of a client that has gone silent."""

    async def countdown(self, underlying: str, timeout_s: int) -> None:
        """Cancel every order of the account in `underlying` in `timeout_s` unless this is called again before; 0 disarms.

        Counts as a cancel for the rate limits. Raises VenueError, AuthRejectedError.
        """
        ...


@runtime_checkable
class MassCancel(Protocol):
    """The venue withdraws many orders in one request, whoever placed them."""

    async def cancel_all(
        self, *, underlying: str | None = None, contract: ContractId | None = None, side: Literal["buy", "sell"] | None = None
    ) -> Sequence[Event]:
        """Cancel every open order of the account that fits, all of them by default; returns how each stands now. Raises VenueError."""
        ...


@runtime_checkable
class Settlements(Protocol):
    """The venue remembers what expired."""

    async def settled(self, since: int) -> Sequence[ContractSettled | PositionClosed]:
        """What the account's expired positions paid since `since` (ns), oldest first, origin snapshot. Raises VenueError."""
        ...


UNTIL_RESET: Final = (1 << 63) - 1
"""`Mmp.frozen_until` of a freeze that holds until it is reset."""


@attrs.frozen(kw_only=True)
class Mmp:
    """Market maker protection of one underlying: what within `window_ms` freezes quoting for `frozen_ms`.

    `window_ms` 0 is off, `frozen_ms` 0 freezes until it is reset. `qty_limit` counts coins of the underlying,
    `delta_limit` net delta. `frozen_until` is ns UTC or UNTIL_RESET, None while quoting is free.
    """

    underlying: str
    window_ms: int
    frozen_ms: int
    qty_limit: Decimal
    delta_limit: Decimal
    frozen_until: int | None = None


@runtime_checkable
class Protection(Protocol):
    """The venue withdraws a market maker's quotes when too much of them trades at once."""

    async def mmp(self, underlying: str) -> Mmp | None:
        """What is set; None where nothing is. Raises VenueError."""
        ...

    async def set_mmp(self, mmp: Mmp) -> Mmp:
        """Set it (`frozen_until` is not sent); returns what holds now. Raises VenueError."""
        ...

    async def reset_mmp(self, underlying: str) -> Mmp:
        """Let quoting go on after it was triggered. Raises VenueError."""
        ...


@runtime_checkable
class KnowsFreezes(Protocol):
    """A stream that shows a freeze of quoting more than once, and an account that can tell which of it is news."""

    def triggered(self, underlying: str) -> bool:
        """The stream says that it was triggered: note it, and tell whether that is news since quoting was last known to be free."""
        ...


@runtime_checkable
class ReportsRisk(Protocol):
    """The venue computes the risk of a portfolio itself, for some accounts, and has to be asked for it."""

    async def risk(self) -> PortfolioRiskUpdated | None:
        """The account's risk now, origin venue; None where the venue computes none for it. Raises VenueError."""
        ...


class Adapter(Protocol):
    """Both ports of one configured adapter instance; a read-only adapter has no account.

    Its settings make it with `open(name, clock=...)`, where `clock` is ours (ns UTC). `clock` of the adapter is the venue's:
    the adapter measures it where it is told the time, and signs by it.
    """

    name: str
    clock: ServerClock

    @property
    def feed(self) -> Feed: ...

    @property
    def account(self) -> Account | None: ...

    async def aclose(self) -> None:
        """Release every connection; never raises."""
        ...


@attrs.define(eq=False, kw_only=True)
class Ports:
    """An `Adapter` made of its parts: what `open` of most settings returns. `closes` are awaited when the adapter is closed."""

    name: str
    clock: ServerClock
    feed: Feed
    account: Account | None = None
    closes: tuple[Callable[[], Awaitable[None]], ...] = ()

    async def aclose(self) -> None:
        """Release every connection."""
        for close in self.closes:
            await close()
