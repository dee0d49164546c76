"""StressLimit and VarLimit: what the account could lose, by full revaluation.

Owns the judgment of losses in scenarios. The account is valued anew in each; working orders count in the scenarios where they
lose, so that no choice of orders that fill loses more.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import attrs

from strikeloop import AmendOrder, ConfigError, Desk, Problem, SubmitOrder, Verdict, hookimpl, plugin, state
from strikeloop.margin import Shocks, day_shocks, tail_loss
from strikeloop_risk.asked import Asked, asked, verdict
from strikeloop_risk.limits import Limit, OnBreach, limit, needs_arrays, of_total, of_underlying, positive

ROUNDING = 1e-9
HOURS_IN_YEAR = 365.0 * 24.0
VOLATILITY_STEP = 0.001


def _moves(_instance: Any, field: attrs.Attribute[Any], value: tuple[float, ...]) -> None:
    wrong = [move for move in value if not move > -1]
    if wrong or not value:
        raise ConfigError(Problem(field.name, f"is {list(value)}; expected fractions above -1, at least one", "for example [-0.2, 0, 0.2]"))


@plugin
class StressLimit:
    """Refuse an order after which the account could lose more than its limit in one of the scenarios of a grid.

    max_loss: quote currency. A number holds for each underlying and for all together; a table { default, total, BTC_USDT = … }
    says which.
    moves: changes of the underlying's price, as fractions. volatilities: changes of implied volatility, as fractions of itself.
    Every move is taken with every change of volatility, for all underlyings together. hours: time that passes meanwhile.
    on_breach: "refuse", or "resize" to let the largest part of the order pass that keeps within the limit.

    loss = max over the grid of −Σ (value after − mark) · size · multiplier, with the orders that work counted where they lose. An
    order that makes the worst loss no larger passes in any case. Needs numpy and scipy: pip install 'strikeloop-risk[vector]'.
    """

    max_loss: Limit = limit(attrs.NOTHING)
    moves: tuple[float, ...] = attrs.field(default=tuple(step / 100 for step in range(-20, 21, 4)), validator=_moves)
    volatilities: tuple[float, ...] = attrs.field(default=(-0.3, 0.0, 0.3), validator=_moves)
    hours: float = attrs.field(default=0.0, validator=attrs.validators.ge(0))
    on_breach: OnBreach = "refuse"
    shocks: Shocks = state(default=None)

    def __attrs_post_init__(self) -> None:
        needs_arrays("max_loss")
        self.shocks = Shocks.grid(self.moves, self.volatilities, elapsed=self.hours / HOURS_IN_YEAR)

    @hookimpl
    def review_order(self, command: SubmitOrder | AmendOrder, desk: Desk) -> Verdict:
        return verdict(asked(command, desk), self._objections, self.on_breach)

    def _objections(self, order: Asked) -> Iterator[str]:
        seen, name = order.seen, order.contract.underlying
        if seen.after.unpriced:
            yield from _unpriced(order, seen.after.unpriced)
            return
        own, total = of_underlying(self.max_loss, name), of_total(self.max_loss)
        if len(seen.after.sums.by_underlying) == 1 and own is not None and total is not None:
            own, total = min(own, total), None
        for underlying, bound in ((name, own), (None, total)):
            if bound is None:
                continue
            profits = seen.after.worst_profits(self.shocks, underlying)
            loss, before = -min(profits), -min(seen.before.worst_profits(self.shocks, underlying))
            if loss > bound * (1 + ROUNDING) and loss - before > bound * ROUNDING:
                yield (
                    f"{underlying or 'the account'} could lose {loss:.2f} in the scenario {self._scenario(profits)} "
                    f"(now {max(0.0, before):.2f}), above the limit of {bound:g}"
                )

    def _scenario(self, profits: list[float]) -> str:
        worst = profits.index(min(profits))
        return f"price {self.shocks.prices[worst] - 1:+.0%}, volatility {self.shocks.volatilities[worst]:+.0%}"


@plugin
class VarLimit:
    """Refuse an order after which the account's value at risk would be above the limit.

    max_var: quote currency; the loss that one day exceeds with probability 1 %, by full revaluation on 228 scenarios
    (`strikeloop.margin.value_at_risk`), with the orders that work counted where they lose.
    on_breach: "refuse", or "resize" to let a part of the order pass that keeps within the limit, no larger one of which is known to.

    Before and after are valued on the same scenarios, those of the more volatile of the two books, rounded up to a tenth of a
    volatility point, so that what is valued for one order serves for the next. An order that makes the figure
    no larger passes in any case. Needs numpy and scipy: pip install 'strikeloop-risk[vector]'.
    """

    max_var: float = attrs.field(validator=positive)
    on_breach: OnBreach = "refuse"

    def __attrs_post_init__(self) -> None:
        needs_arrays("max_var")

    @hookimpl
    def review_order(self, command: SubmitOrder | AmendOrder, desk: Desk) -> Verdict:
        return verdict(asked(command, desk), self._objections, self.on_breach)

    def _objections(self, order: Asked) -> Iterator[str]:
        seen = order.seen
        if seen.after.unpriced:
            yield from _unpriced(order, seen.after.unpriced)
            return
        shocks = day_shocks(math.ceil(max(seen.before.volatility, seen.after.volatility) / VOLATILITY_STEP) * VOLATILITY_STEP)
        loss = tail_loss(seen.after.worst_profits(shocks))
        if loss <= self.max_var * (1 + ROUNDING):
            return
        before = tail_loss(seen.before.worst_profits(shocks))
        if loss - before > self.max_var * ROUNDING:
            yield f"value at risk would be {loss:.2f} (now {before:.2f}), above the limit of {self.max_var:g}"


def _unpriced(order: Asked, contracts: tuple[Any, ...]) -> Iterator[str]:
    if not order.is_closing:
        yield f"{', '.join(sorted(map(str, contracts)))} cannot be valued yet, so no loss can be judged"
