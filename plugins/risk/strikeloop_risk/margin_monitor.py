"""MarginMonitor: what margin takes of the account, watched at every update.

Owns the alerts about margin against equity and about what is left to trade with. It judges no orders.
"""

from __future__ import annotations

from decimal import Decimal

import attrs

from strikeloop import BalanceUpdated, Desk, PortfolioRiskUpdated, Severity, hookimpl, plugin, state
from strikeloop_risk.levels import Level
from strikeloop_risk.settings import positive, share

ZERO = Decimal(0)


@plugin
class MarginMonitor:
    """Raise an alert when margin takes too much of the equity (cash + value of the options), or too little is available.

    max_required: share of equity that the maintenance margin may take before it is critical; at 1 a venue liquidates.
    max_occupied: the same for initial margin with what orders hold back.
    min_available: quote currency that should stay available; None does not watch it.
    warn_at: share of a limit from which it warns. clear: share of a threshold below which the alert ends.
    """

    max_required: float = attrs.field(default=0.5, validator=share)
    max_occupied: float = attrs.field(default=0.8, validator=share)
    min_available: Decimal | None = attrs.field(default=None, validator=positive)
    warn_at: float = attrs.field(default=0.8, validator=share)
    clear: float = attrs.field(default=0.9, validator=share)
    levels: dict[tuple[str, str], Level] = state(factory=dict)

    @hookimpl
    def on_portfolio_risk(self, event: PortfolioRiskUpdated, desk: Desk) -> None:
        balance = next((known for (adapter, _), known in desk.portfolio.balances.items() if adapter == event.adapter), None)
        if balance is None:
            return
        equity = balance.total + (balance.option_value or ZERO)
        self._judge(desk, event.adapter, "margin required", event.margin_required, equity, self.max_required)
        self._judge(desk, event.adapter, "margin occupied", event.margin_occupied, equity, self.max_occupied)

    @hookimpl
    def on_balance(self, event: BalanceUpdated, desk: Desk) -> None:
        if self.min_available is None:
            return
        left = max(event.available, self.min_available / 1_000_000)
        severity = self._level(event.adapter, f"available {event.currency}").move(float(self.min_available / left))
        if severity is not None:
            text = f"{event.available} {event.currency} available, {self.min_available} should stay"
            desk.alert(f"back to {text}" if severity is Severity.INFO else text, topic="available", severity=severity)

    def _judge(self, desk: Desk, adapter: str, name: str, margin: Decimal, equity: Decimal, limit: float) -> None:
        part = float(margin / equity) if equity > 0 else (float("inf") if margin else 0.0)
        severity = self._level(adapter, name).move(part / limit)
        if severity is None:
            return
        back = "back at " if severity is Severity.INFO else ""
        text = f"{name} is {back}{margin:.2f}, {part:.0%} of the equity of {equity:.2f} (limit {limit:.0%})"
        desk.alert(text, topic=name.replace(" ", "_"), severity=severity)

    def _level(self, adapter: str, name: str) -> Level:
        level = self.levels.get((adapter, name))
        if level is None:
            level = self.levels[adapter, name] = Level(self.warn_at, self.clear)
        return level
