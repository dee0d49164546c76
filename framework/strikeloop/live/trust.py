"""Which accounts may be traded on after the loop stood still: those that were looked at since.

Owns `Trust`. What happened meanwhile is not known, so nothing that was decided before is sent.
"""

from __future__ import annotations

from collections.abc import Mapping

from strikeloop import events as e
from strikeloop.commands import Approved, SubmitOrder
from strikeloop.live.clock import WallClock
from strikeloop.live.port import Port

CONFIRMING = (e.GapClosed, e.Reconciled, e.StreamOpened)


class Trust:
    """`ports` are the accounts' ports by adapter; they may grow."""

    def __init__(self, ports: Mapping[str, Port], clock: WallClock) -> None:
        self._ports, self._clock = ports, clock
        self._lost: dict[str, int] = {}
        """When it was lost last, by account."""
        self._unsure: set[str] = set()
        """The accounts that were not looked at since."""

    def lose(self, reason: str) -> None:
        """Look at every account before another order leaves."""
        now = self._clock.now()
        for name, port in self._ports.items():
            self._lost[name] = now
            self._unsure.add(name)
            port.session.mistrust("loop", reason, now)
            port.pump()

    def see(self, event: e.Event) -> None:
        """An account that was looked at is trusted again."""
        if self._unsure and isinstance(event, CONFIRMING) and event.port == "account":
            self._unsure.discard(event.adapter)

    def allows(self, approved: Approved[SubmitOrder]) -> bool:
        """Whether this was approved, and its account looked at, after trust was lost last."""
        adapter = approved.command.contract.adapter
        return adapter not in self._unsure and approved.approved >= self._lost.get(adapter, 0)


__all__ = ["Trust"]
