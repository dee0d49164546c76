"""What is known of a venue's clock, as far as people and orders are concerned.

Owns `VenueTime`: who is told that the clocks differ, and that nothing is traded while nobody knows by how much.
"""

from __future__ import annotations

from strikeloop.clock import SECOND_NS
from strikeloop.events import AlertRaised, Event, GapClosed, GapOpened, Severity

WORTH_TELLING_NS = 5 * SECOND_NS
AGAIN_NS = 5 * SECOND_NS
CHANNEL = "clock"


class VenueTime:
    """The clock of one adapter's venue. Orders wait while it is in doubt: the block is the driver's, no snapshot lifts it."""

    def __init__(self, adapter: str) -> None:
        self._adapter, self._told, self._is_doubtful, self._asked = adapter, 0, False, 0

    def told(self, offset_ns: int | None, now: int, *, is_doubtful: bool) -> tuple[list[Event], bool]:
        """What is known now; gives what is worth telling, and whether the clock is to be measured again."""
        events: list[Event] = []
        if offset_ns is not None and not is_doubtful and abs(offset_ns - self._told) > WORTH_TELLING_NS:
            self._told = offset_ns
            events.append(self._skew(offset_ns, now))
        if is_doubtful != self._is_doubtful:
            self._is_doubtful, self._asked = is_doubtful, now - AGAIN_NS
            events.append(
                self._doubt(now)
                if is_doubtful
                else GapClosed(time=now, received=now, adapter=self._adapter, port="driver", channel=CHANNEL)
            )
        is_wanted = is_doubtful and now - self._asked >= AGAIN_NS
        self._asked = now if is_wanted else self._asked
        return events, is_wanted

    @property
    def shortcomings(self) -> tuple[str, ...]:
        return ("the venue's time is not known",) if self._is_doubtful else ()

    def _skew(self, offset_ns: int, now: int) -> AlertRaised:
        way = "ahead of" if offset_ns > 0 else "behind"
        text = (
            f"the clock of {self._adapter} is {abs(offset_ns) / SECOND_NS:.1f} s {way} ours: "
            "requests are signed with its time; set this machine's clock"
        )
        severity = Severity.WARNING if abs(offset_ns) > WORTH_TELLING_NS else Severity.INFO
        return AlertRaised(time=now, received=now, source="session", topic=CHANNEL, text=text, severity=severity)

    def _doubt(self, now: int) -> GapOpened:
        reason = f"the time of {self._adapter} is not known to {WORTH_TELLING_NS // SECOND_NS} s"
        return GapOpened(time=now, received=now, adapter=self._adapter, port="driver", channel=CHANNEL, reason=reason)
