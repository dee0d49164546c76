"""The kill switch in its engine: what it is asked becomes a block, what it wants done a command, what it says an event.

Owns `Halting`. The machine itself, which knows when to withdraw and how to reduce, is strikeloop.killswitch.
"""

from __future__ import annotations

from collections.abc import Iterator

from strikeloop.blocks import Blocks
from strikeloop.clock import Clock
from strikeloop.commands import CancelOrder, SubmitOrder
from strikeloop.desk import RequestHalt, SetTimer
from strikeloop.dispatch import Instance
from strikeloop.events import HaltRequested, HaltReset
from strikeloop.killswitch import LOOK_NS, NAME, KillSwitch
from strikeloop.outcome import Outcome
from strikeloop.timers import Timers


class Halting:
    """`switch` as the engine drives it; `blocks`, `timers` and `outcome` are the engine's."""

    def __init__(self, switch: KillSwitch, clock: Clock, blocks: Blocks, timers: Timers, outcome: Outcome) -> None:
        self.switch = switch
        self._clock, self._blocks, self._timers, self._outcome = clock, blocks, timers, outcome

    def request(self, asked: HaltRequested) -> bool:
        """From here on nothing opens; whether it asked for something new."""
        switch = self.switch
        is_news = switch.request(asked, self._clock.now)
        if is_news:
            self._blocks["", NAME] = f"halted by {switch.by}: {switch.reason}"
            self.tell()
        return is_news

    def request_by(self, request: RequestHalt, instance: Instance) -> bool:
        """The same, asked by a plugin."""
        now, by = self._clock.now, instance.name
        asked = HaltRequested(
            time=now, received=now, cause=instance.kind, by=by, reason=request.reason, cancel=request.cancel, flatten=request.flatten
        )
        return self.request(asked)

    def reset(self, event: HaltReset) -> None:
        """Somebody lets the run trade again."""
        if self.switch.reset(event.by, event.reason, self._clock.now):
            self._blocks.pop(("", NAME), None)
            self._timers.cancel(NAME, "look")
            self.tell()

    def look(self, *, is_started: bool) -> Iterator[CancelOrder | SubmitOrder]:
        """What is to be done now, to be judged one by one; it looks again while it is not done."""
        switch, was_busy = self.switch, self.switch.is_busy
        yield from switch.look(self._clock.now, is_started=is_started)
        if switch.is_busy and not was_busy:
            self._timers.set(NAME, SetTimer("look", self._clock.now + LOOK_NS, LOOK_NS))
        elif was_busy and not switch.is_busy:
            self._timers.cancel(NAME, "look")
        self.tell()

    def tell(self) -> None:
        """Queue what the switch has to say."""
        for told in self.switch.take():
            self._outcome.tell(told)
