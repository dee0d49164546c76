"""RiskMonitor: the account's risk figures, watched at every update, and the venue's held against our own.

Owns the alerts about greeks, leverage and value at risk of a whole account. It judges no orders.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from strikeloop import Desk, Origin, PortfolioRiskUpdated, Severity, hookimpl, plugin, state
from strikeloop.margin import value_at_risk
from strikeloop_risk.account import at_the_money, held, own_greeks
from strikeloop_risk.levels import SECOND_NS, Alarms
from strikeloop_risk.settings import at_least_one, positive

_FIGURES = {
    "max_delta": "total_delta",
    "max_gamma": "total_gamma",
    "max_vega": "total_vega",
    "max_theta": "total_theta",
    "max_leverage": "effective_leverage",
    "max_var": "portfolio_var",
}
_GREEKS = ("delta", "gamma", "vega", "theta")
_TOO_NEAR = 1 / 365 / 24
"""Within the last hour greeks hang on the second at which they were computed: nothing to compare."""
_NEGLIGIBLE = 0.05
"""The part of their greeks at the money below which options far from it are not measured by their own."""


@plugin
class RiskMonitor(Alarms):
    """Raise an alert when a total of the account nears its limit (warning), passes it (critical) or is back (info).

    Another is raised when the venue's figures and our own part.

    max_delta: units of the underlying. max_gamma: delta per unit of its price. max_vega: quote currency per volatility
    point. max_theta: quote currency per day. max_leverage: multiples of equity. max_var: quote currency, one day at 99 %; our
    own where the venue has none. Each is held against the absolute value; one that is left out is not watched.
    max_divergence: how far a total greek, or the required margin, may lie from our own computation (Black-76 on the marks' IVs;
    the margin model), as a fraction of the positions' greeks taken without sign (of the margin); None does not compare.
    divergence_s: seconds for which it must have stood.
    warn_at: share of a limit from which it warns. clear: share of a threshold below which the alert ends.
    warn_again_s, again_s: seconds after which a standing warning, a standing critical alert is said again; None: never.
    """

    max_delta: float | None = attrs.field(default=None, validator=positive)
    max_gamma: float | None = attrs.field(default=None, validator=positive)
    max_vega: float | None = attrs.field(default=None, validator=positive)
    max_theta: float | None = attrs.field(default=None, validator=positive)
    max_leverage: float | None = attrs.field(default=None, validator=positive)
    max_var: float | None = attrs.field(default=None, validator=positive)
    max_divergence: float | None = attrs.field(default=0.1, validator=positive)
    divergence_s: float = attrs.field(default=30.0, validator=positive)
    apart: dict[tuple[str, str], int] = state(factory=dict)
    compared: dict[str, int] = state(factory=dict)

    def __attrs_post_init__(self) -> None:
        at_least_one(self, (*_FIGURES, "max_divergence"))

    @hookimpl
    def on_portfolio_risk(self, event: PortfolioRiskUpdated, desk: Desk) -> None:
        for setting, figure in _FIGURES.items():
            limit: float | None = getattr(self, setting)
            if limit is not None:
                self._judge_figure(desk, event, figure, limit)
        if self.max_divergence is not None and desk.now - self.compared.get(event.adapter, 0) >= SECOND_NS * min(10.0, self.divergence_s):
            self.compared[event.adapter] = desk.now
            self._compare(desk, event, self.max_divergence)

    # ---- inside ----

    def _judge_figure(self, desk: Desk, event: PortfolioRiskUpdated, figure: str, limit: float) -> None:
        told: float | None = getattr(event, figure)
        value = _own_var(desk, event) if told is None else told
        if value is not None:
            self.judge(
                desk, (event.adapter, figure), abs(value) / limit, figure, lambda severity: _sentence(figure, value, limit, severity)
            )

    def _compare(self, desk: Desk, event: PortfolioRiskUpdated, limit: float) -> None:
        for name, venue, own, scale in _pairs(desk, event):
            apart = abs(venue - own) / scale if scale > 0 else 0.0
            key = (event.adapter, f"divergence {name}")
            since = self.apart.setdefault(key, desk.now) if apart >= limit * self.warn_at else desk.now
            if apart < limit * self.warn_at:
                self.apart.pop(key, None)
            elif desk.now - since < self.divergence_s * SECOND_NS:
                continue
            self.judge(
                desk,
                key,
                apart / limit,
                "divergence",
                lambda severity, name=name, venue=venue, own=own, apart=apart: (  # type: ignore[misc]  # bound here, called at once
                    f"{name} is {'' if severity is not Severity.INFO else 'again '}{venue:+.4g} by the venue and {own:+.4g} by our own "
                    f"computation, {apart:.0%} apart (limit {limit:.0%})"
                ),
            )


def _own_var(desk: Desk, event: PortfolioRiskUpdated) -> float | None:
    """The value at risk of what is held; None where some of it cannot be priced, as is the case where our own computation gave none."""
    account = held(desk, event.adapter)
    return None if account.unpriced or event.origin is Origin.COMPUTED else value_at_risk(account.holdings)


def _pairs(desk: Desk, event: PortfolioRiskUpdated) -> Iterator[tuple[str, float, float, float]]:
    """Name, the venue's figure, our own, and the size they are measured by; nothing where something held cannot be priced."""
    account = held(desk, event.adapter, as_told=True)
    if account.unpriced or any(holding.years < _TOO_NEAR for holding in account.holdings):
        return
    own, most = [own_greeks(holding) for holding in account.holdings], [at_the_money(holding) for holding in account.holdings]
    for greek in _GREEKS:
        parts, at_most = ([getattr(one, greek) for one in them] for them in (own, most))
        scale = max(sum(map(abs, parts)), _NEGLIGIBLE * sum(map(abs, at_most)))
        yield f"total {greek}", getattr(event, f"total_{greek}"), sum(parts), scale
    if event.origin is not Origin.COMPUTED:
        required = float(desk.margin_model.account(account.holdings).maintenance)
        yield "margin required", float(event.margin_required), required, max(required, float(event.margin_required))


def _sentence(figure: str, value: float, limit: float, severity: Severity) -> str:
    name, amount = figure.replace("_", " "), f"{value:+.4g}"
    match severity:
        case Severity.CRITICAL:
            return f"{name} is {amount}, at or beyond its limit of {limit:g}"
        case Severity.WARNING:
            return f"{name} is {amount}, {abs(value) / limit:.0%} of its limit of {limit:g}"
        case Severity.INFO:
            return f"{name} is back at {amount}, its limit is {limit:g}"
