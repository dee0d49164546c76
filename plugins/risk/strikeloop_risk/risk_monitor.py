"""RiskMonitor: the account's risk figures, watched at every update.

Owns the alerts about greeks, leverage and value at risk of a whole account. It judges no orders.
"""

from __future__ import annotations

import attrs

from strikeloop import Desk, PortfolioRiskUpdated, Severity, hookimpl, plugin, state
from strikeloop_risk.levels import Level
from strikeloop_risk.settings import at_least_one, positive, share

_FIGURES = {
    "max_delta": "total_delta",
    "max_gamma": "total_gamma",
    "max_vega": "total_vega",
    "max_theta": "total_theta",
    "max_leverage": "effective_leverage",
    "max_var": "portfolio_var",
}


@plugin
class RiskMonitor:
    """Raise an alert when a total of the account nears its limit (warning), passes it (critical) or is back (info).

    max_delta: units of the underlying. max_gamma: delta per unit of its price. max_vega: quote currency per volatility
    point. max_theta: quote currency per day. max_leverage: multiples of equity. max_var: quote currency. Each is held
    against the absolute value; one that is left out is not watched.
    warn_at: share of a limit from which it warns. clear: share of a threshold below which the alert ends.
    """

    max_delta: float | None = attrs.field(default=None, validator=positive)
    max_gamma: float | None = attrs.field(default=None, validator=positive)
    max_vega: float | None = attrs.field(default=None, validator=positive)
    max_theta: float | None = attrs.field(default=None, validator=positive)
    max_leverage: float | None = attrs.field(default=None, validator=positive)
    max_var: float | None = attrs.field(default=None, validator=positive)
    warn_at: float = attrs.field(default=0.8, validator=share)
    clear: float = attrs.field(default=0.9, validator=share)
    levels: dict[tuple[str, str], Level] = state(factory=dict)

    def __attrs_post_init__(self) -> None:
        at_least_one(self, tuple(_FIGURES))

    @hookimpl
    def on_portfolio_risk(self, event: PortfolioRiskUpdated, desk: Desk) -> None:
        for setting, figure in _FIGURES.items():
            limit: float | None = getattr(self, setting)
            value: float | None = getattr(event, figure)
            if limit is None or value is None:
                continue
            level = self.levels.get((event.adapter, figure))
            if level is None:
                level = self.levels[event.adapter, figure] = Level(self.warn_at, self.clear)
            severity = level.move(abs(value) / limit)
            if severity is not None:
                desk.alert(_sentence(figure, value, limit, severity), topic=figure, severity=severity)


def _sentence(figure: str, value: float, limit: float, severity: Severity) -> str:
    name, amount = figure.replace("_", " "), f"{value:+.4g}"
    match severity:
        case Severity.CRITICAL:
            return f"{name} is {amount}, at or beyond its limit of {limit:g}"
        case Severity.WARNING:
            return f"{name} is {amount}, {abs(value) / limit:.0%} of its limit of {limit:g}"
        case Severity.INFO:
            return f"{name} is back at {amount}, its limit is {limit:g}"
