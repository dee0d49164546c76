"""GreekLimits: how far the greeks of the whole account may go.

Owns the worst case of each greek over everything that could still trade. Positions, working orders and the order at
hand count; which of the working orders will trade is not known, so for each direction those count that push that way.
"""

from __future__ import annotations

from collections.abc import Iterator

from strikeloop import AmendOrder, Desk, Exposure, SubmitOrder, Verdict, hookimpl, plugin
from strikeloop_risk.asked import Asked, asked, verdict
from strikeloop_risk.limits import Limit, OnBreach, at_least_one, limit, of_total, of_underlying

FIGURES = ("delta", "gamma", "vega", "theta", "delta_cash", "gamma_cash")
SETTINGS = tuple(f"max_{figure}" for figure in FIGURES)
ROUNDING = 1e-9


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

    def __attrs_post_init__(self) -> None:
        at_least_one(self, SETTINGS)

    @hookimpl
    def review_order(self, command: SubmitOrder | AmendOrder, desk: Desk) -> Verdict:
        return verdict(asked(command, desk), lambda order: "; ".join(self._objections(order, desk)), self.on_breach)

    def _objections(self, order: Asked, desk: Desk) -> Iterator[str]:
        seen = desk.what_if([order.submission])
        if seen.after.unpriced:
            if not order.is_closing:
                yield f"the greeks of {', '.join(sorted(map(str, seen.after.unpriced)))} are not known yet, so no limit can be judged"
            return
        underlying = order.contract.underlying
        for place, setting in enumerate(SETTINGS):
            given: Limit | None = getattr(self, setting)
            if given is None:
                continue
            own = of_underlying(given, underlying)
            if own is not None:
                yield from _beyond(seen.before, seen.after, place, underlying, own)
            total = of_total(given)
            if total is not None and (own is None or total < own or len(seen.after.sums.by_underlying) > 1):
                yield from _beyond(seen.before, seen.after, place, None, total)


def _beyond(before: Exposure, after: Exposure, place: int, underlying: str | None, limit: float) -> Iterator[str]:
    """A sentence for the side that the order pushes beyond the limit, if it does."""
    (low, high), (low_before, high_before) = after.reach, before.reach
    now = before.sums.of(underlying)[place]
    for sign, reach, reach_before in ((1.0, high, high_before), (-1.0, low, low_before)):
        reached, known = reach.of(underlying)[place], reach_before.of(underlying)[place]
        if sign * reached > limit * (1 + ROUNDING) and sign * (reached - known) > limit * ROUNDING:
            own, name = after.sums.of(underlying)[place] - now, FIGURES[place].replace("_", " ")
            yield (
                f"{name} of {underlying or 'all underlyings'} could reach {reached:+.4g} (positions {now:+.4g}, "
                f"working orders {reached - now - own:+.4g}, this order {own:+.4g}), beyond the limit of {limit:g}"
            )
