"""What a session has to say and to ask, until its driver takes it.

Owns `Outbox`, which the parts of one session share.
"""

from __future__ import annotations

from collections.abc import Callable

from strikeloop.events import Event, StreamEvent
from strikeloop.session.actions import Action


class Outbox:
    """The events to release and the actions to carry out for one port of one adapter, in order."""

    def __init__(self, adapter: str, port: str) -> None:
        self.adapter, self.port = adapter, port
        self.events: list[Event] = []
        self.actions: list[Action] = []
        self.say: Callable[[Event], None] = self.events.append
        self.ask: Callable[[Action], None] = self.actions.append

    def tell(self, kind: type[StreamEvent], now: int, **fields: object) -> None:
        """Say something about the connection."""
        self.events.append(kind(time=now, received=now, adapter=self.adapter, port=self.port, **fields))

    def take(self) -> tuple[list[Event], list[Action]]:
        """What came in since the last call."""
        events, actions = self.events[:], self.actions[:]
        self.events.clear()
        self.actions.clear()
        return events, actions
