"""The state of each channel: asked for, confirmed, refused; and its clocks.

Owns `Channels`. Silence of a channel is normal and proves nothing; only a missing acknowledgement is a fault.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Any

import attrs

from strikeloop.adapter import Channel
from strikeloop.clock import SECOND_NS

ACKNOWLEDGE_NS = 5 * SECOND_NS
RETRY_NS = 5 * SECOND_NS
LONGEST_RETRY_NS = 60 * SECOND_NS
AUTH_RETRY_NS = 240 * SECOND_NS


class ChannelState(StrEnum):
    """Where a subscription stands."""

    IDLE = "idle"
    ASKED = "asked"
    CONFIRMED = "confirmed"
    REFUSED = "refused"


_ASKED = ChannelState.ASKED  # looking a member up in its enumeration costs as much as all the rest of `touched`


@attrs.define
class Status:
    """One channel of one connection. Times are ns UTC, None = never; `attempts` counts subscriptions without an answer.

    Its clocks: `acknowledged`, since when the subscription stands; `last_update`, when it last spoke; `last_confirmed`, when its
    state was last found right. Whether the connection lives is the connection's to say.
    """

    channel: Channel
    state: ChannelState = ChannelState.IDLE
    asked: int = 0
    attempts: int = 0
    refusals: int = 0
    is_barred: bool = False
    """Refused because of the credentials."""
    retry_at: int | None = None
    acknowledged: int | None = None
    last_update: int | None = None
    last_confirmed: int | None = None
    updates: int = 0
    conflated: int = 0
    """How many events were left out for later ones."""

    def plain(self) -> dict[str, Any]:
        """What a person is shown of it."""
        names = ("acknowledged", "last_update", "last_confirmed", "updates", "conflated")
        return {"state": self.state.value, **{name: getattr(self, name) for name in names}}


class Channels:
    """Every channel of one port, in the order of subscription."""

    def __init__(self, channels: Iterable[Channel]) -> None:
        self.statuses = {channel.name: Status(channel) for channel in channels}
        """By name."""

    def __iter__(self) -> Iterator[Status]:
        return iter(self.statuses.values())

    def __len__(self) -> int:
        return len(self.statuses)

    def get(self, name: str) -> Status | None:
        return self.statuses.get(name)

    def inherit(self, before: Channels) -> None:
        """Go on with what was counted on the connection before."""
        for status in self:
            known = before.get(status.channel.name)
            if known is not None:
                status.last_update, status.last_confirmed = known.last_update, known.last_confirmed
                status.updates += known.updates
                status.conflated += known.conflated

    def ended(self) -> None:
        """The connection ended: nothing is subscribed any more."""
        for status in self:
            status.state, status.acknowledged, status.retry_at, status.is_barred = ChannelState.IDLE, None, None, False

    def ask(self, status: Status, now: int) -> None:
        status.state, status.asked, status.retry_at = ChannelState.ASKED, now, None
        status.attempts += 1

    def touched(self, name: str, now: int, updates: int = 1) -> bool:
        """So many updates came on the channel; True when that confirms it (no acknowledgement is to be expected)."""
        status = self.statuses.get(name)
        if status is None:
            return False
        status.last_update = now
        status.updates += updates
        return status.state is _ASKED and self.confirm(name, now)

    def left_out(self, name: str, count: int) -> None:
        """So many events of the channel were left out for later ones."""
        status = self.statuses.get(name)
        if status is not None:
            status.conflated += count

    def verified(self, now: int) -> None:
        """The account was found right: so is what the channels that work said of it."""
        for status in self:
            if status.state is ChannelState.CONFIRMED:
                status.last_confirmed = now

    def confirm(self, name: str, now: int) -> bool:
        """The channel works; True when that is news."""
        status = self.statuses.get(name)
        if status is None:
            return False
        news = status.state is not ChannelState.CONFIRMED
        status.state, status.attempts, status.refusals, status.is_barred = ChannelState.CONFIRMED, 0, 0, False
        if news:
            status.acknowledged = now
        return news

    def refuse(self, name: str, now: int, *, is_auth: bool = False) -> None:
        """The venue said no: try that one again later, ever more slowly; at once slowly where the credentials were the reason."""
        status = self.statuses.get(name)
        if status is not None:
            status.state, status.attempts, status.is_barred = ChannelState.REFUSED, 0, is_auth
            status.retry_at = now + (AUTH_RETRY_NS if is_auth else min(RETRY_NS * 2 ** min(status.refusals, 10), LONGEST_RETRY_NS))
            status.refusals += 1

    @property
    def barred(self) -> int:
        """How many channels the credentials do not open."""
        return sum(status.is_barred for status in self)

    @property
    def settled(self) -> bool:
        """Whether every acknowledged channel was answered, one way or the other."""
        return all(status.state in (ChannelState.CONFIRMED, ChannelState.REFUSED) for status in self if status.channel.acknowledged)

    @property
    def unconfirmed(self) -> tuple[str, ...]:
        """Essential channels that are not confirmed: no order may leave."""
        return tuple(s.channel.name for s in self if s.channel.essential and s.state is not ChannelState.CONFIRMED)

    def overdue(self, now: int) -> tuple[Status, ...]:
        """Acknowledged channels whose answer is late."""
        return tuple(s for s in self if s.channel.acknowledged and s.state is ChannelState.ASKED and now - s.asked >= ACKNOWLEDGE_NS)

    def retries(self, now: int) -> tuple[Status, ...]:
        """Refused channels that are due to be asked for again."""
        return tuple(s for s in self if s.state is ChannelState.REFUSED and s.retry_at is not None and now >= s.retry_at)
