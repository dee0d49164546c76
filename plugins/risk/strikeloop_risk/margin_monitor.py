"""MarginMonitor: what margin takes of the account, how far away a liquidation is, and what moves would do.

Owns the alerts about margin against equity, about what is left to trade with and about the distance to liquidation. It judges
no orders.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs

from strikeloop import (
    BalanceUpdated,
    ConfigError,
    ContractId,
    Desk,
    PortfolioRiskUpdated,
    PositionUpdated,
    Problem,
    Severity,
    hookimpl,
    plugin,
    state,
)
from strikeloop_risk.account import FURTHEST, ZERO, Move, Projection, held
from strikeloop_risk.levels import SECOND_NS, Alarms
from strikeloop_risk.limits import positive, share

_PARTS = (0.25, 0.5, 0.75, 1.0)


def _moves(_instance: Any, field: attrs.Attribute[Any], value: tuple[float, ...]) -> None:
    if not value or not all(-1 < move <= FURTHEST for move in value):
        raise ConfigError(Problem(field.name, f"is {list(value)}; expected fractions of the underlying, above -1 and at most {FURTHEST}"))


@plugin
class MarginMonitor(Alarms):
    """Raise an alert when margin takes too much of the equity (cash + value of the options), or a liquidation is not far away.

    max_required: share of equity that the maintenance margin may take before it is critical; at 1 a venue liquidates.
    max_occupied: the same for initial margin with what orders hold back.
    min_available: quote currency that should stay available; None does not watch it.
    min_distance: the move of the underlying, as a fraction of its price (0.1 is 10 %), within which nothing may liquidate the
    account; found on the venue's margin model, at once and with volatility as it is; None does not watch it.
    look_s: seconds between two looks at that distance; a change of position is looked at at once.
    moves: for which moves of the underlying (fractions) the alert about the distance tells profit and margin.
    warn_at: share of a limit from which it warns. clear: share of a threshold below which the alert ends.
    warn_again_s, again_s: seconds after which a standing warning, a standing critical alert is said again; None: never.
    on_critical: "alert", or what the kill switch does beside it: "halt", "cancel" (orders too) or "flatten" (positions too).
    """

    max_required: float = attrs.field(default=0.5, validator=share)
    max_occupied: float = attrs.field(default=0.8, validator=share)
    min_available: Decimal | None = attrs.field(default=None, validator=positive)
    min_distance: float | None = attrs.field(default=0.1, validator=share)
    look_s: float = attrs.field(default=60.0, validator=positive)
    moves: tuple[float, ...] = attrs.field(default=(-0.2, -0.1, -0.05, 0.05, 0.1, 0.2), validator=_moves)
    looked: dict[str, int] = state(factory=dict)
    sizes: dict[ContractId, Decimal] = state(factory=dict)

    @hookimpl
    def on_portfolio_risk(self, event: PortfolioRiskUpdated, desk: Desk) -> None:
        balance = _balance(desk, event.adapter)
        if balance is None:
            return
        equity = balance.total + (balance.option_value or ZERO)
        self._judge_share(desk, event.adapter, "margin required", event.margin_required, equity, self.max_required)
        self._judge_share(desk, event.adapter, "margin occupied", event.margin_occupied, equity, self.max_occupied)
        looked = self.looked.get(event.adapter)
        if looked is None or desk.now - looked >= self.look_s * SECOND_NS:
            self._look(desk, event.adapter)

    @hookimpl
    def on_position(self, event: PositionUpdated) -> None:
        """With another size the next figures of the account are those of another book."""
        if self.sizes.get(event.contract, ZERO) != event.size:
            self.sizes[event.contract] = event.size
            self.looked.pop(event.contract.adapter, None)

    @hookimpl
    def on_balance(self, event: BalanceUpdated, desk: Desk) -> None:
        least = self.min_available
        if least is None:
            return
        text = f"{event.available} {event.currency} available, {least} should stay"
        self.judge(
            desk,
            (event.adapter, event.currency),
            float(least / max(event.available, least / 1_000_000)),
            "available",
            lambda severity: f"back to {text}" if severity is Severity.INFO else text,
        )

    # ---- inside ----

    def _judge_share(self, desk: Desk, adapter: str, name: str, margin: Decimal, equity: Decimal, limit: float) -> None:
        part = float(margin / equity) if equity > 0 else (float("inf") if margin else 0.0)

        def say(severity: Severity) -> str:
            back = "back at " if severity is Severity.INFO else ""
            return f"{name} is {back}{margin:.2f}, {part:.0%} of the equity of {equity:.2f} (limit {limit:.0%})"

        self.judge(desk, (adapter, name), part / limit, name.replace(" ", "_"), say)

    def _look(self, desk: Desk, adapter: str) -> None:
        """Whether a liquidation is near; how near exactly is computed only where there is something to say."""
        self.looked[adapter] = desk.now
        balance, limit = _balance(desk, adapter), self.min_distance
        if balance is None or limit is None:
            return
        account, level = held(desk, adapter), self.levels.get((adapter, "distance"))
        projection = Projection(account.holdings, desk.margin_model, balance.total)
        if (level is None or level.now is Severity.INFO) and not any(move.is_liquidated for move in projection.after(self._around(limit))):
            return
        down, up = projection.liquidating()
        nearest = min((abs(move) for move in (down, up) if move is not None), default=FURTHEST)

        def say(severity: Severity) -> str:
            unpriced = f"; without {', '.join(map(str, account.unpriced))}, of which no price is known" if account.unpriced else ""
            back = "back at " if severity is Severity.INFO else ""
            after = "; ".join(map(str, projection.after(self.moves)))
            return f"{back}{_liquidates(down, up)} (limit {limit:.0%}); {after}{unpriced}"

        self.judge(desk, (adapter, "distance"), limit / max(nearest, 1e-6), "distance_to_liquidation", say)

    def _around(self, limit: float) -> tuple[float, ...]:
        """Moves to both sides, up to where a warning begins."""
        furthest = min(FURTHEST, limit / self.warn_at)
        return (0.0, *(sign * part * furthest for part in _PARTS for sign in (-1.0, 1.0)))


def projected(desk: Desk, adapter: str, moves: tuple[float, ...]) -> tuple[Move, ...]:
    """The account after each of these moves of the underlying (fractions), for a strategy that wants to know; () before a balance."""
    balance = _balance(desk, adapter)
    if balance is None:
        return ()
    return tuple(Projection(held(desk, adapter).holdings, desk.margin_model, balance.total).after(moves))


def _liquidates(down: float | None, up: float | None) -> str:
    told = " or ".join(f"{move:+.1%}" for move in (down, up) if move is not None)
    return f"a move of {told} of the underlying liquidates the account" if told else "no move of the underlying liquidates the account"


def _balance(desk: Desk, adapter: str) -> BalanceUpdated | None:
    return next((known for (owner, _), known in desk.portfolio.balances.items() if owner == adapter), None)
