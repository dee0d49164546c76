"""RiskMonitor: the account's risk figures, watched at every update, and the venue's held against our own.

Owns the alerts about greeks, leverage and value at risk of a whole account. It judges no orders.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

import attrs

from strikeloop import Desk, Origin, PortfolioRiskUpdated, Severity, hookimpl, plugin, state
from strikeloop.margin import value_at_risk
from strikeloop_risk.account import at_the_money, held, own_greeks
from strikeloop_risk.levels import SECOND_NS, Alarms
from strikeloop_risk.limits import Limit, at_least_one, limit, of_total, of_underlying, positive

_GREEKS = ("delta", "gamma", "vega", "theta")
_OTHERS = {"max_leverage": "effective_leverage", "max_var": "portfolio_var"}
_LIMITS = (*(f"max_{greek}" for greek in _GREEKS), *_OTHERS)
_TOO_NEAR = 1 / 365 / 24
"""Within the last hour greeks hang on the second at which they were computed: nothing to compare."""
_NEGLIGIBLE = 0.05
"""The part of their greeks at the money below which options far from it are not measured by their own."""


@plugin
class RiskMonitor(Alarms):
    """Raise an alert when a total of the account nears its limit (warning), passes it (critical) or is back (info).

    Another is raised when the venue's figures and our own part.

    max_delta: units of the underlying. max_gamma: delta per unit of its price. max_vega: quote currency per volatility
    point. max_theta: quote currency per day. A number holds for the account's total; a table { default, total, BTC_USDT = … } for
    each underlying, by our own sums of the positions, and for the total.
    max_leverage: multiples of equity. max_var: quote currency, one day at 99 %; our own where the venue has none.
    Each is held against the absolute value; one that is left out is not watched.
    max_divergence: how far a total greek, or the required margin, may lie from our own computation (Black-76 on the marks' IVs;
    the margin model), as a fraction of the positions' greeks taken without sign (of the margin); None does not compare.
    divergence_s: seconds for which it must have stood.
    warn_at: share of a limit from which it warns. clear: share of a threshold below which the alert ends.
    warn_again_s, again_s: seconds after which a standing warning, a standing critical alert is said again; None: never.
    on_critical: "alert", or what the kill switch does beside it: "halt", "cancel" (orders too) or "flatten" (positions too).
    """

    max_delta: Limit | None = limit()
    max_gamma: Limit | None = limit()
    max_vega: Limit | None = limit()
    max_theta: Limit | None = limit()
    max_leverage: float | None = attrs.field(default=None, validator=positive)
    max_var: float | None = attrs.field(default=None, validator=positive)
    max_divergence: float | None = attrs.field(default=0.1, validator=positive)
    divergence_s: float = attrs.field(default=30.0, validator=positive)
    apart: dict[tuple[str, str], int] = state(factory=dict)
    compared: dict[str, int] = state(factory=dict)

    def __attrs_post_init__(self) -> None:
        at_least_one(self, (*_LIMITS, "max_divergence"))

    @hookimpl
    def on_portfolio_risk(self, event: PortfolioRiskUpdated, desk: Desk) -> None:
        for greek in _GREEKS:
            bound: Limit | None = getattr(self, f"max_{greek}")
            self._judge_figure(desk, event, f"total_{greek}", of_total(bound) if isinstance(bound, Mapping) else bound)
            if isinstance(bound, Mapping):
                self._judge_underlyings(desk, event, greek, bound)
        for setting, figure in _OTHERS.items():
            self._judge_figure(desk, event, figure, getattr(self, setting))
        if self.max_divergence is not None and desk.now - self.compared.get(event.adapter, 0) >= SECOND_NS * min(10.0, self.divergence_s):
            self.compared[event.adapter] = desk.now
            self._compare(desk, event, self.max_divergence)

    # ---- inside ----

    def _judge_underlyings(self, desk: Desk, event: PortfolioRiskUpdated, greek: str, bound: Mapping[str, float]) -> None:
        """By our own sums: the venue tells totals only."""
        sums: dict[str, float] = {}
        for position in desk.positions:
            known = desk.portfolio.contracts.get(position.contract)
            if known is not None and position.contract.adapter == event.adapter:
                sums[known.underlying] = sums.get(known.underlying, 0.0) + getattr(position.exposure, greek)
        watched = {key[2] for key in self.levels if len(key) == 3 and key[:2] == (event.adapter, greek)}
        for underlying in sorted({*sums, *watched}):
            most, value = of_underlying(bound, underlying), sums.get(underlying, 0.0)
            if most is not None:
                self.judge(
                    desk,
                    (event.adapter, greek, underlying),
                    abs(value) / most,
                    f"{greek}_{underlying}",
                    partial(_sentence, f"{greek} in {underlying}", value, most),
                )

    def _judge_figure(self, desk: Desk, event: PortfolioRiskUpdated, figure: str, most: float | None) -> None:
        told: float | None = getattr(event, figure)
        if most is None:
            return
        value = _own_var(desk, event) if told is None else told
        if value is not None:
            say = partial(_sentence, figure.replace("_", " "), value, most)
            self.judge(desk, (event.adapter, figure), abs(value) / most, figure, say)

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
    told = _required(desk, event)
    if told is not None:
        required = float(desk.margin_model.account(account.holdings).maintenance)
        yield "margin required", told, required, max(required, told)


def _required(desk: Desk, event: PortfolioRiskUpdated) -> float | None:
    """The maintenance margin by the venue's word; None where it says nothing of it."""
    if event.origin is not Origin.COMPUTED:
        return float(event.margin_required)
    balances = desk.portfolio.balances.items()
    told = [known.maintenance_margin for (owner, _), known in balances if owner == event.adapter and known.maintenance_margin is not None]
    return float(sum(told)) if told else None


def _sentence(name: str, value: float, limit: float, severity: Severity) -> str:
    amount = f"{value:+.4g}"
    match severity:
        case Severity.CRITICAL:
            return f"{name} is {amount}, at or beyond its limit of {limit:g}"
        case Severity.WARNING:
            return f"{name} is {amount}, {abs(value) / limit:.0%} of its limit of {limit:g}"
        case Severity.INFO:
            return f"{name} is back at {amount}, its limit is {limit:g}"
