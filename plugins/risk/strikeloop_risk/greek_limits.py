"""GreekLimits: how far the greeks of the whole account may go.

Owns the worst case of each greek over everything that could still trade. Positions, working orders and the order at
hand count; which of the working orders will trade is not known, so for each direction those count that push that way.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter

from strikeloop import AmendOrder, Desk, Exposure, SubmitOrder, Verdict, hookimpl, plugin, state
from strikeloop_risk.asked import Asked, asked, verdict
from strikeloop_risk.limits import Limit, OnBreach, at_least_one, limit, of_total, of_underlying

FIGURES = ("delta", "gamma", "vega", "theta", "delta_cash", "gamma_cash")
SETTINGS = tuple(f"max_{figure}" for figure in FIGURES)
ROUNDING = 1e-9
Bounds = list[tuple[str | None, list[tuple[int, float]]]]
"""Underlying or (None) all of them, with the figures that are limited there and their limits."""


@plugin
class GreekLimits:
    """Refuse an order that could take a greek of the account beyond its limit, in either direction.

    max_delta: units of the underlying. max_gamma: delta per unit of its price. max_vega: quote currency per volatility
    point. max_theta: quote currency per day. max_delta_cash: quote currency, Σ delta · underlying price. max_gamma_cash: quote
    currency, Σ gamma · price² / 100, the change of cash delta when the underlying moves by 1 %. All are Σ size · multiplier ·
    greek, as absolute values. A number holds for each underlying and for all together; a table { default, total, BTC_USDT = … }
    says which.
    on_breach: "refuse", or "resize" to let the largest part of the order pass that keeps within the limits.

    The working orders count at their worst: for the upper side those that raise the greek, for the lower side those
    that lower it; so do those of unknown outcome. An order is refused only for a side that it pushes: what reduces a greek
    that is already beyond its limit passes. A contract without greeks cannot be judged; only closing orders in it pass.
    """

    max_delta: Limit | None = limit()
    max_gamma: Limit | None = limit()
    max_vega: Limit | None = limit()
    max_theta: Limit | None = limit()
    max_delta_cash: Limit | None = limit()
    max_gamma_cash: Limit | None = limit()
    on_breach: OnBreach = "refuse"
    bounds: dict[tuple[str, bool], Bounds] = state(factory=dict)

    def __attrs_post_init__(self) -> None:
        at_least_one(self, SETTINGS)

    @hookimpl
    def review_order(self, command: SubmitOrder | AmendOrder, desk: Desk) -> Verdict:
        return verdict(asked(command, desk), self._objections, self.on_breach)

    def _objections(self, order: Asked) -> Iterator[str]:
        seen = order.seen
        if seen.after.unpriced:
            if not order.is_closing:
                yield f"the greeks of {', '.join(sorted(map(str, seen.after.unpriced)))} are not known yet, so no limit can be judged"
            return
        low, high = seen.after.reach
        is_alone = len(high.by_underlying) == 1
        beyond: list[tuple[int, str | None, float]] = []
        for name, bounds in self._bounds(order.contract.underlying, is_alone=is_alone):
            down, up = low.of(name), high.of(name)
            beyond += [(place, name, bound) for place, bound in bounds if up[place] > bound or -down[place] > bound]
        for place, name, bound in sorted(beyond, key=itemgetter(0)):  # figure by figure
            yield from _beyond(seen.before, seen.after, place, name, bound)

    def _bounds(self, underlying: str, *, is_alone: bool) -> Bounds:
        """What holds for an order; the total of a lone underlying is its own."""
        known = self.bounds.get((underlying, is_alone))
        if known is None:
            of_own: list[tuple[int, float]] = []
            of_all: list[tuple[int, float]] = []
            for place, setting in enumerate(SETTINGS):
                given: Limit | None = getattr(self, setting)
                own, total = of_underlying(given, underlying), of_total(given)
                if is_alone:
                    own, total = min((bound for bound in (own, total) if bound is not None), default=None), None
                of_own += [] if own is None else [(place, own)]
                of_all += [] if total is None else [(place, total)]
            known = self.bounds[underlying, is_alone] = [(underlying, of_own), (None, of_all)] if of_all else [(underlying, of_own)]
        return known


def _beyond(before: Exposure, after: Exposure, place: int, underlying: str | None, limit: float) -> Iterator[str]:
    """A sentence for the side that the order pushes beyond the limit, if it does."""
    low, high = after.reach
    low_before, high_before = before.reach
    now = before.sums.of(underlying)[place]
    for sign, reach, reach_before in ((1.0, high, high_before), (-1.0, low, low_before)):
        reached, known = reach.of(underlying)[place], reach_before.of(underlying)[place]
        if sign * reached > limit * (1 + ROUNDING) and sign * (reached - known) > limit * ROUNDING:
            own, name = after.sums.of(underlying)[place] - now, FIGURES[place].replace("_", " ")
            others = reached - now - own
            if abs(others) < ROUNDING * abs(reached):
                others = 0.0
            yield (
                f"{name} of {underlying or 'all underlyings'} could reach {reached:+.4g} (positions {now:+.4g}, "
                f"working orders {others:+.4g}, this order {own:+.4g}), beyond the limit of {limit:g}"
            )
