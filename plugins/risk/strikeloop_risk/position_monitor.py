"""PositionMonitor: what the account holds, compared with what it held and with what our orders explain.

Owns the alerts about significant and about unexplained changes of positions. Between a position and the fill that
explains it some time may pass, in either order: a difference is unexplained only when it has stood for a while.
"""

from __future__ import annotations

from decimal import Decimal

import attrs

from strikeloop import (
    ContractId,
    ContractSettled,
    Desk,
    Filled,
    PositionClosed,
    PositionUpdated,
    Severity,
    TimerFired,
    hookimpl,
    plugin,
    state,
)
from strikeloop_risk.limits import positive

ZERO = Decimal(0)
SECOND_NS = 1_000_000_000
_TIMER = "unexplained"


@attrs.define
class _Seen:
    """One contract: the size last seen, at the last alert, and as our fills explain it; `since` a difference has stood."""

    size: Decimal = ZERO
    told: Decimal = ZERO
    explained: Decimal = ZERO
    difference: Decimal = ZERO
    since: int = 0


@plugin
class PositionMonitor:
    """Raise an alert when a position changes much (warning), or when no order of ours explains its change (critical).

    max_change: contracts by which a position may move from its size at the last alert.
    max_share: the same as a fraction of that size, for positions of at least `share_from` contracts.
    grace_s: seconds for which a position and our fills may differ before the difference is called unexplained.
    """

    max_change: Decimal = attrs.field(default=Decimal(10), validator=positive)
    max_share: float | None = attrs.field(default=0.5, validator=positive)
    share_from: Decimal = attrs.field(default=Decimal(4), validator=positive)
    grace_s: float = attrs.field(default=2.0, validator=positive)
    seen: dict[ContractId, _Seen] = state(factory=dict)
    is_armed: bool = state(default=False)

    @hookimpl
    def on_start(self, desk: Desk) -> None:
        for position in desk.positions:
            size = position.size
            self.seen[position.contract] = _Seen(size=size, told=size, explained=size)

    @hookimpl
    def on_position(self, event: PositionUpdated, desk: Desk) -> None:
        seen = self.seen.get(event.contract)
        if seen is None:
            seen = self.seen[event.contract] = _Seen()
        if event.size == seen.size:
            return
        seen.size = event.size
        self._compare(seen, desk)
        change = event.size - seen.told
        if self._is_significant(change, seen.told):
            part = f" ({abs(change) / abs(seen.told):.0%})" if seen.told else ""
            desk.alert(f"{event.contract} went from {seen.told:+} to {event.size:+}, by {change:+}{part}", topic="position_change")
            seen.told = event.size

    @hookimpl
    def on_fill(self, event: Filled, desk: Desk) -> None:
        if _is_ours(event, desk):
            seen = self.seen.setdefault(event.contract, _Seen())
            seen.explained += event.size
            self._compare(seen, desk)

    @hookimpl
    def on_settlement(self, event: ContractSettled | PositionClosed) -> None:
        """A settled contract is gone, and the venue has said why; a position that closed did so by orders, ours or not."""
        if isinstance(event, ContractSettled):
            self.seen.pop(event.contract, None)

    @hookimpl
    def on_timer(self, event: TimerFired, desk: Desk) -> None:
        if event.instance != desk.instance:
            return
        self.is_armed = False
        for contract, seen in self.seen.items():
            if not seen.difference:
                continue
            if desk.now - seen.since >= self._grace:
                desk.alert(
                    f"{contract} is {seen.size:+} but our orders explain {seen.explained:+}: {seen.difference:+} came by another hand",
                    topic="position_unexplained",
                    severity=Severity.CRITICAL,
                )
                seen.explained, seen.difference = seen.size, ZERO
            else:
                self._arm(desk)

    def _compare(self, seen: _Seen, desk: Desk) -> None:
        difference = seen.size - seen.explained
        if difference != seen.difference:
            seen.difference, seen.since = difference, desk.now
            if difference:
                self._arm(desk)

    def _arm(self, desk: Desk) -> None:
        if not self.is_armed:
            self.is_armed = True
            desk.at(desk.now + self._grace, _TIMER)

    def _is_significant(self, change: Decimal, told: Decimal) -> bool:
        if abs(change) >= self.max_change:
            return True
        return self.max_share is not None and abs(told) >= self.share_from and abs(change) >= Decimal(repr(self.max_share)) * abs(told)

    @property
    def _grace(self) -> int:
        return round(self.grace_s * SECOND_NS)


def _is_ours(event: Filled, desk: Desk) -> bool:
    """Whether the fill belongs to an order that some instance of this run owns; old dialects name only the venue's id."""
    order = None if event.client_id is None else desk.order(event.client_id)
    if order is None:
        order = next((known for known in reversed(desk.orders) if known.order_id == event.order_id), None)
    return order is not None and order.instance != ""
