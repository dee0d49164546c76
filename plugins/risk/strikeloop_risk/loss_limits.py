"""LossLimits: how much of the account may be lost in a day, and from its height.

Owns the equity at the start of the day and at its highest, kept in the run's memory: a restart resets nothing. It opens again
with the next day; a drawdown stands until equity is back, or the memory is taken away by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple

import attrs

from strikeloop import (
    AmendOrder,
    BalanceUpdated,
    Desk,
    LedgerPosted,
    PortfolioRiskUpdated,
    Refused,
    Severity,
    SubmitOrder,
    Verdict,
    hookimpl,
    plugin,
    state,
)
from strikeloop_risk.asked import Asked, asked, has_balance_of
from strikeloop_risk.limits import at_least_one, positive, soft_below_hard

DAY_NS, HOUR_NS = 86_400_000_000_000, 3_600_000_000_000
_LIMITS = ("max_daily_loss", "max_drawdown", "soft_daily_loss", "soft_drawdown")
_SINCE = {"daily_loss": ("start", "since the day began at"), "drawdown": ("peak", "below the highest of")}
"""Where in the memory each loss is counted from, and how that is said."""


class _Limit(NamedTuple):
    """A limit that is set: on which loss, under which setting."""

    name: str
    setting: str
    amount: Any


def _hour(_instance: Any, field: attrs.Attribute[Any], value: float) -> None:
    if not 0 <= value < 24:
        raise ValueError(f"{field.name} is {value}; expected an hour of the day in UTC, from 0 to below 24")


@plugin
class LossLimits:
    """Refuse orders that open when too much was lost since the day began, or since the account stood highest.

    max_daily_loss: quote currency; equity at the start of the day − equity. Once it was reached, nothing opens until the next day.
    max_drawdown: quote currency; highest equity since this rule first ran − equity. Nothing opens while it is reached.
    soft_daily_loss, soft_drawdown: the same, for an alert (warning) instead; reaching a hard one is an alert too (critical).
    day_starts_h: the hour (UTC) at which a day begins, 0 by default; 8 is the hour of settlement at Gate.
    transfers: kinds of ledger entries that are deposits and withdrawals: they move equity and are neither loss nor gain.

    Equity is cash + Σ mark · size · multiplier, looked at with every balance, every update of portfolio risk and every order. A day
    whose start nobody saw begins with the first look at it. What only closes a position, or only makes a working order smaller, passes.
    """

    max_daily_loss: Decimal | None = attrs.field(default=None, validator=positive)
    max_drawdown: Decimal | None = attrs.field(default=None, validator=positive)
    soft_daily_loss: Decimal | None = attrs.field(default=None, validator=positive)
    soft_drawdown: Decimal | None = attrs.field(default=None, validator=positive)
    day_starts_h: float = attrs.field(default=0.0, validator=_hour)
    transfers: tuple[str, ...] = ("dnw",)
    limits: tuple[_Limit, ...] = state(default=())

    def __attrs_post_init__(self) -> None:
        at_least_one(self, _LIMITS)
        soft_below_hard(self, "soft_daily_loss", "max_daily_loss")
        soft_below_hard(self, "soft_drawdown", "max_drawdown")
        told = [_Limit(name, setting, getattr(self, setting)) for name in _SINCE for setting in (f"soft_{name}", f"max_{name}")]
        self.limits = tuple(limit for limit in told if limit.amount is not None)

    @hookimpl
    def on_start(self, desk: Desk) -> None:
        for adapter in dict.fromkeys(owner for owner, _ in desk.portfolio.balances):
            self._look(adapter, desk)

    @hookimpl
    def on_balance(self, event: BalanceUpdated, desk: Desk) -> None:
        self._look(event.adapter, desk)

    @hookimpl
    def on_portfolio_risk(self, event: PortfolioRiskUpdated, desk: Desk) -> None:
        self._look(event.adapter, desk)

    @hookimpl
    def on_ledger(self, event: LedgerPosted, desk: Desk) -> None:
        known = desk.memory.get(event.adapter)
        if known is not None and event.kind in self.transfers:
            for name in ("start", "peak"):
                known[name] = str(Decimal(known[name]) + event.change)

    @hookimpl
    def review_order(self, command: SubmitOrder | AmendOrder, desk: Desk) -> Verdict:
        order = asked(command, desk)
        if not order.opens:
            return None
        objections = "; ".join(self._look(order.contract.id.adapter, desk, order))
        return Refused(objections) if objections else None

    def _look(self, adapter: str, desk: Desk, order: Asked | None = None) -> list[str]:
        """Bring the day up to now; returns why nothing may open. With an order that is judged its what-if figures serve."""
        if not has_balance_of(desk, adapter):
            return ["the balance is not known yet, so no loss can be judged"]
        equity = (desk.what_if(adapter=adapter) if order is None else order.seen).before.equity
        day = (desk.now - round(self.day_starts_h * HOUR_NS)) // DAY_NS
        known = desk.memory.get(adapter)
        if known is None:
            known = desk.memory[adapter] = {"day": day, "start": str(equity), "peak": str(equity), "told": []}
        if known["day"] != day:
            known.update(day=day, start=str(equity), told=[name for name in known["told"] if name.endswith("drawdown")])
        if equity > Decimal(known["peak"]):
            known["peak"] = str(equity)
        return list(self._judge(known, equity, desk))

    def _judge(self, known: dict[str, Any], equity: Decimal, desk: Desk) -> Iterator[str]:
        told: list[str] = known["told"]
        for name, setting, limit in self.limits:
            start, since = _SINCE[name]
            lost, is_told = Decimal(known[start]) - equity, setting in told
            if lost < limit and not is_told:
                continue
            text = f"equity is {equity:.2f}, {lost:.2f} {since} {known[start]}: {setting} is {limit}"
            is_hard = setting.startswith("max_")
            if lost >= limit and not is_told:
                told.append(setting)
                desk.alert(text, topic=setting, severity=Severity.CRITICAL if is_hard else Severity.WARNING)
            elif lost < limit and name == "drawdown":
                told.remove(setting)
            if is_hard and setting in told:
                yield text if lost >= limit else f"{setting} of {limit} was reached today, and holds until the next day"
