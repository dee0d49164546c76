"""ExpiryMonitor: the expiries of what the account holds.

Owns the alerts before a held contract expires, each once, also across restarts: what was said is kept in the run's
memory. It wakes by timers, so a quiet market delays nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import attrs

from strikeloop import (
    ContractExpired,
    ContractId,
    ContractListed,
    Desk,
    PositionUpdated,
    Severity,
    TimerFired,
    hookimpl,
    plugin,
    state,
)

HOUR_NS = 3_600_000_000_000
_SEPARATOR = " "


def _hours(_instance: Any, field: attrs.Attribute[Any], value: tuple[float, ...]) -> None:
    if not value or min(value) <= 0:
        raise ValueError(f"{field.name} is {list(value)}; expected hours before expiry, each more than 0")


@plugin
class ExpiryMonitor:
    """Raise an alert as the expiry of a held contract comes near: a week, a day and an hour before by default.

    before_h: hours before expiry, each said once per contract. The last hour is critical, the last day a warning, what
    is further off is for information. A position opened when some of these times have passed is told of once, at once.
    """

    before_h: tuple[float, ...] = attrs.field(default=(168.0, 24.0, 1.0), validator=_hours)
    watched: dict[str, ContractId] = state(factory=dict)

    @hookimpl
    def on_start(self, desk: Desk) -> None:
        for position in desk.positions:
            self._look(position.contract, desk)

    @hookimpl
    def on_position(self, event: PositionUpdated, desk: Desk) -> None:
        if event.size and _key(event.contract) not in self.watched:
            self._look(event.contract, desk)

    @hookimpl
    def on_contract(self, event: ContractListed | ContractExpired, desk: Desk) -> None:
        if isinstance(event, ContractExpired):
            desk.memory.pop(_key(event.contract), None)
            self.watched.pop(_key(event.contract), None)
        elif desk.position(event.contract) is not None:
            self._look(event.contract, desk)

    @hookimpl
    def on_timer(self, event: TimerFired, desk: Desk) -> None:
        contract = self.watched.get(event.name) if event.instance == desk.instance else None
        if contract is not None:
            self._look(contract, desk)

    def _look(self, contract: ContractId, desk: Desk) -> None:
        """Say what is due of a held contract, and come back at its next time. A flat one is looked at when it is held again."""
        key, specification = _key(contract), desk.portfolio.contracts.get(contract)
        held = desk.position(contract)
        if specification is None or held is None:
            self.watched.pop(key, None)
            return
        self.watched[key] = contract
        left = specification.expiry - desk.now
        passed = [hours for hours in self.before_h if left <= hours * HOUR_NS]
        ahead = [hours for hours in self.before_h if left > hours * HOUR_NS]
        if passed and left > 0 and min(passed) < desk.memory.get(key, float("inf")):
            desk.memory[key] = min(passed)
            desk.alert(_sentence(contract, held.size, specification.expiry, left), topic="expiry", severity=_severity(min(passed)))
        if ahead:
            desk.at(specification.expiry - round(max(ahead) * HOUR_NS), key)


def _key(contract: ContractId) -> str:
    return f"{contract.adapter}{_SEPARATOR}{contract.name}"


def _severity(hours: float) -> Severity:
    return Severity.CRITICAL if hours <= 1 else Severity.WARNING if hours <= 24 else Severity.INFO


def _sentence(contract: ContractId, size: Decimal, expiry: int, left: int) -> str:
    when = datetime.fromtimestamp(expiry // 1_000_000_000, UTC)
    return f"{contract} expires in {_span(left)}, at {when:%Y-%m-%d %H:%M} UTC; the account holds {size:+}"


def _span(left: int) -> str:
    """The two largest units, rounded down to the second.

    >>> _span(90_061_000_000_000)
    '1 d 1 h'
    """
    seconds = left // 1_000_000_000
    sizes = {"d": seconds // 86_400, "h": seconds // 3_600 % 24, "min": seconds // 60 % 60, "s": seconds % 60}
    parts = [f"{count} {unit}" for unit, count in sizes.items() if count]
    return " ".join(parts[:2]) or "less than 1 s"
