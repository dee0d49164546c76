"""What comes of one input: events that the engine makes, commands that may leave, and log lines, each in order.

Owns `Step` and `Outcome`, and how the engine's own events are worded. It calls nobody.
"""

from __future__ import annotations

from collections import deque

import attrs

from strikeloop.clock import Clock
from strikeloop.commands import Approved, Command
from strikeloop.desk import WriteLog
from strikeloop.dispatch import Instance
from strikeloop.drafts import maker
from strikeloop.events import AlertRaised, Event, OrderRefused, PluginFaulted, Severity


@attrs.frozen(weakref_slot=False)
class Step:
    """What one input led to: events the engine made, in order; commands that may leave, in order; log lines."""

    events: tuple[Event, ...] = ()
    approved: tuple[Approved[Command], ...] = ()
    logs: tuple[tuple[str, WriteLog], ...] = ()


NOTHING = Step()
_step = maker(Step)


class Outcome:
    """Collects until `taken`. `queue` holds what is not delivered yet, each event with the plugin that caused it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.queue: deque[tuple[Event, Instance | None]] = deque()
        self.events: list[Event] = []
        self.approved: list[Approved[Command]] = []
        self.logs: list[tuple[str, WriteLog]] = []

    def taken(self) -> Step:
        """All of it as one step; what comes from now on belongs to the next."""
        step = _step(tuple(self.events), tuple(self.approved), tuple(self.logs))
        self.events.clear()
        self.approved.clear()
        self.logs.clear()
        return step

    def tell(self, event: Event, cause: Instance | None = None) -> None:
        """To be delivered after what is queued already."""
        self.queue.append((event, cause))

    def alert(self, source: str, topic: str, text: str, severity: Severity, cause: Instance | None = None) -> None:
        now = self._clock.now
        self.tell(AlertRaised(time=now, received=now, source=source, topic=topic, text=text, severity=severity), cause)

    def refuse(self, command: Command, name: str, reasons: tuple[tuple[str, str], ...], cause: Instance | None) -> None:
        """A command of `name` does not leave."""
        now, contract, client_id = self._clock.now, command.contract, command.client_id
        refused = OrderRefused(
            time=now, received=now, instance=name, contract=contract, client_id=client_id, command=command, reasons=reasons
        )
        self.tell(refused, cause)

    def fault(self, instance: Instance, hook: str, text: str) -> None:
        """A hook raised, or did too much."""
        now = self._clock.now
        self.tell(PluginFaulted(time=now, received=now, instance=instance.name, hook=hook, error=text, halted=instance.halted), instance)
