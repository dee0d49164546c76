"""What a feed's events go through before they are told: changes become books, bars wait for their end.

Owns `Market`, of one feed port. Every other event passes as it is. It never asks the venue; it says what to ask.
"""

from __future__ import annotations

from collections.abc import Iterable

from strikeloop.adapter import BookIds, Channel
from strikeloop.contracts import ContractId
from strikeloop.events import BookUpdated, CandleClosed, Event
from strikeloop.session.books import Books


class Market:
    """`streamed` is asked for each event of the feed; what it returns is told."""

    def __init__(self, channels: Iterable[Channel]) -> None:
        self._channels = {channel.name: channel for channel in channels if channel.books is not BookIds.NONE or channel.repeats_bars}
        self._bars: dict[tuple[str, ContractId, int], CandleClosed] = {}
        self.books = Books()

    def __contains__(self, name: str) -> bool:
        """Whether events of the channel `name` may be held back or changed; all others pass as they are."""
        return name in self._channels

    def reset(self) -> None:
        """The connection ended: books are unknown, and the end of a bar that has begun may have been missed."""
        self._bars.clear()
        self.books.reset()

    def streamed(self, name: str, event: Event) -> Event | None:
        """What is to be told after this event of the channel `name`; None when nothing is yet."""
        channel = self._channels.get(name)
        if channel is None:
            return event
        if isinstance(event, BookUpdated) and channel.books is not BookIds.NONE:
            return self.books.changed(channel, event)
        if isinstance(event, CandleClosed) and channel.repeats_bars:
            return self._closed(name, event)
        return event

    def _closed(self, name: str, bar: CandleClosed) -> CandleClosed | None:
        """The bar before this one, where this one is the first that begins later. A bar that is over is not told again."""
        key = (name, bar.contract, bar.interval)
        before = self._bars.get(key)
        if before is not None and bar.start < before.start:
            return None
        self._bars[key] = bar
        return before if before is not None and before.start < bar.start else None
