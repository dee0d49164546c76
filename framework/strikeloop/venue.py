"""The contract of a venue that runs in this process: a synchronous machine with virtual time.

Owns the protocols, and passes on `event_from_record` to sources that read what was recorded, `Columns`, `Batch` and `unrolled` to
those that hand over columns, and `structure` to who reads settings. strikeloop-venue implements a venue; the backtest driver, the
paper account and the served venue drive it. It reads no clock: it is told the time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from strikeloop.adapter import Snapshot
from strikeloop.columns import Batch, Columns, unrolled
from strikeloop.commands import Approved, Command
from strikeloop.contracts import Contract
from strikeloop.events import Event

if TYPE_CHECKING:
    from strikeloop.passing import Group, Passing
    from strikeloop.settings import event_from_record, structure

__all__ = [
    "Batch",
    "Bounded",
    "Columnar",
    "Columns",
    "Group",
    "Passing",
    "Served",
    "Skimming",
    "Source",
    "Spanning",
    "Venue",
    "event_from_record",
    "structure",
    "unrolled",
]


_HOMES = {
    **dict.fromkeys(("Group", "Passing"), "strikeloop.passing"),  # rows need numpy, the contract of a venue does not
    **dict.fromkeys(("event_from_record", "structure"), "strikeloop.settings"),  # who reads records and settings needs cattrs
}


if not TYPE_CHECKING:  # a type checker that saw it would take every misspelt name for an object

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_HOMES[name]), name)


class Venue(Protocol):
    """The execution side of a market: market data and commands in, account events out.

    Times are ns UTC and never go back. A command reaches the matching engine at `now` plus the entry latency; what
    comes of it is received after the response latency. Events carry `received` and come out in that order.
    """

    @property
    def feed(self) -> Callable[[Event], int] | None:
        """When the client receives a market event, ns, asked once for each in order; None: at its own `received`."""
        ...

    def on_market(self, event: Event) -> None:
        """Tell the venue what its market does at `event.time`: quotes, trades, tickers, index, listings."""
        ...

    def on_command(self, approved: Approved[Command], now: int) -> None:
        """A command leaves the client at `now`."""
        ...

    def advance(self, now: int) -> Sequence[Event]:
        """Run up to and including `now`; return the account events the client has received by then."""
        ...

    def next_time(self) -> int | None:
        """The earliest time at which `advance` has something to do or to deliver; None when nothing is pending."""
        ...

    def snapshot(self, now: int) -> Snapshot:
        """The account as the venue knows it, origin snapshot."""
        ...

    def contracts(self) -> tuple[Contract, ...]:
        """Every contract that can be traded now."""
        ...

    def report(self) -> Mapping[str, Any]:
        """What the venue knows of the run beside its events, in plain JSON types: it becomes part of the run's result."""
        ...


@runtime_checkable
class Skimming(Protocol):
    """What a `Venue` may also be: one that looks into the rows of a market itself, and is told only of those that change something.

    Its driver hands it the rows with `skim`, moves `Passing.at` past those that happened, asks `touched` which is the first that must be
    told by `on_market` (with `Passing.at` standing at it), and says `turn` before it lays out the next stretch. Whatever the venue is asked
    meanwhile it answers as if it had been told of every row before `Passing.at`.
    """

    @property
    def can_skim(self) -> bool:
        """Whether it may be told of some rows only: false where each of them counts, as with a delayed feed."""
        ...

    def skim(self, passing: Passing) -> None:
        """From now on the market passes here, before anything has."""
        ...

    def touched(self) -> int:
        """The position, at or after `Passing.at`, of the first row that touches an order, a margin or a mark of ours; else the end.

        The answer holds until the venue is told something, or `advance` has something to do.
        """
        ...

    def stop_skimming(self) -> None:
        """All rows of the stretch have happened; from now on `on_market` tells each again."""
        ...

    def turn(self) -> None:
        """All rows of the stretch have happened and the next one comes: take what may still be asked for."""
        ...


class Source(Protocol):
    """A market in order of time: what a backtest, a simulation or a served venue feeds on."""

    def contracts(self) -> tuple[Contract, ...]:
        """Every contract listed at the start."""
        ...

    def events(self) -> Iterator[Event]:
        """Market events (and ContractListed, ContractExpired), `time` never decreasing, `received` when a client saw it.

        A generated market is seen as it happens; a recorded one may know how long its data took.
        """
        ...

    def content_hash(self) -> str:
        """SHA-256 of what `events` yields, or of the parameters that determine it."""
        ...


@runtime_checkable
class Columnar(Protocol):
    """What a `Source` may also be: its market in columns, of which a backtest builds only the rows that somebody looks at.

    `events` then is `unrolled(self.batches())`, or means the same.
    """

    def batches(self) -> Iterator[Batch]:
        """The rows of `events`, in the same order, some 100,000 at a time: what is held in memory is a few of them."""
        ...


@runtime_checkable
class Bounded(Protocol):
    """What a `Source` may also be: one that can be read in part without reading the rest."""

    def between(self, start: int | None, end: int | None) -> Source:
        """The same market from `start` up to but not including `end`, ns UTC; None: as far as it goes. Its content hash names both."""
        ...


@runtime_checkable
class Spanning(Protocol):
    """What a `Source` may also be: one that knows how far it goes, so that a run can say how much is left."""

    def span(self) -> tuple[int, int] | None:
        """Times of the first row and of the end, ns UTC, about; None where it has no end."""
        ...


class Served(Protocol):
    """A venue that listens on loopback: what `serve` of a venue's settings gives, for demonstrations and tests."""

    @property
    def ws_url(self) -> str: ...

    @property
    def rest_url(self) -> str: ...

    def drop(self, code: int | None = None) -> int:
        """End every private connection, by a reset or with a close code; returns how many there were."""
        ...
