"""PositionLimits: how many contracts the account may come to hold, in one contract, expiry and underlying.

Owns the worst case of sizes over everything that could still trade. Options do not cancel each other by number: over an
expiry or an underlying absolute sizes add up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from strikeloop import AmendOrder, Desk, SubmitOrder, Verdict, hookimpl, plugin, state
from strikeloop_risk.asked import Asked, asked, verdict
from strikeloop_risk.limits import TOTAL, ExactLimit, OnBreach, at_least_one, limit, of_underlying

_LIMITS = ("max_per_contract", "max_per_expiry", "max_per_underlying")


@plugin
class PositionLimits:
    """Refuse an order that could take a position beyond its limit, in contracts.

    max_per_contract: |size| in one contract. max_per_expiry: Σ |size| over the contracts of one underlying and expiry.
    max_per_underlying: Σ |size| over those of one underlying; its `total` is over all. A number holds for each contract, expiry
    or underlying, a table { default, BTC_USDT = … } by underlying.
    on_breach: "refuse", or "resize" to let the largest part of the order pass that keeps within the limits.

    Working orders count at their worst: in each contract all buys trade, or all sells do; so do those of unknown outcome. An
    order that makes none of these sums larger passes in any case.
    """

    max_per_contract: ExactLimit | None = limit()
    max_per_expiry: ExactLimit | None = limit()
    max_per_underlying: ExactLimit | None = limit()
    on_breach: OnBreach = "refuse"
    total: Decimal | None = state(default=None)

    def __attrs_post_init__(self) -> None:
        at_least_one(self, _LIMITS)
        given = self.max_per_underlying
        self.total = given.get(TOTAL) if isinstance(given, Mapping) else None

    @hookimpl
    def review_order(self, command: SubmitOrder | AmendOrder, desk: Desk) -> Verdict:
        return verdict(asked(command, desk), self._objections, self.on_breach)

    def _objections(self, order: Asked) -> Iterator[str]:
        contract, name, account = order.contract, order.contract.underlying, order.seen.before
        (low, high), (lower, higher) = account.could_hold(contract.id), order.seen.resting.could_hold(contract.id)
        before, after = max(high, -low), max(higher, -lower)
        if after <= before:
            return
        more, adapter = after - before, contract.id.adapter
        bound = of_underlying(self.max_per_contract, name)
        if bound is not None:
            yield from _beyond(bound, before, after, f"in {contract.id}")
        bound = of_underlying(self.max_per_expiry, name)
        if bound is not None:
            yield from _beyond(bound, held := account.most_held(adapter, name, contract.expiry), held + more, f"of {name} in this expiry")
        bound = of_underlying(self.max_per_underlying, name)
        if bound is not None:
            yield from _beyond(bound, held := account.most_held(adapter, name), held + more, f"of {name}")
        if self.total is not None:
            yield from _beyond(self.total, held := account.most_held(adapter), held + more, "of all underlyings")


def _beyond(bound: Decimal, before: Decimal, after: Decimal, where: str) -> Iterator[str]:
    if after > bound:
        yield f"the account could hold {after} contracts {where} (without this order {before}), above {bound}"
