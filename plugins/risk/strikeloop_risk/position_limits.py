"""PositionLimits: how many contracts the account may come to hold, in one contract, expiry and underlying.

Owns the worst case of sizes over everything that could still trade. Options do not cancel each other by number: over an
expiry or an underlying absolute sizes add up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from strikeloop import AmendOrder, Contract, ContractId, Desk, SubmitOrder, Verdict, hookimpl, plugin
from strikeloop_risk.asked import ZERO, Asked, asked, verdict
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

    def __attrs_post_init__(self) -> None:
        at_least_one(self, _LIMITS)

    @hookimpl
    def review_order(self, command: SubmitOrder | AmendOrder, desk: Desk) -> Verdict:
        order = asked(command, desk)
        elsewhere = self._elsewhere(order.contract, desk)
        return verdict(order, lambda asked_for: "; ".join(self._objections(asked_for, elsewhere)), self.on_breach)

    def _objections(self, order: Asked, elsewhere: tuple[Decimal, Decimal, Decimal]) -> Iterator[str]:
        contract, name = order.contract, order.contract.underlying
        expiry, underlying, everything = elsewhere
        before, after = _reach(order, is_asked=False), _reach(order, is_asked=True)
        if after <= before:
            return
        given = self.max_per_underlying
        total = given.get(TOTAL) if isinstance(given, Mapping) else None
        bounds = (
            (of_underlying(self.max_per_contract, name), ZERO, f"in {contract.id}"),
            (of_underlying(self.max_per_expiry, name), expiry, f"of {name} in this expiry"),
            (of_underlying(self.max_per_underlying, name), underlying, f"of {name}"),
            (total, everything, "of all underlyings"),
        )
        for bound, others, where in bounds:
            if bound is not None and others + after > bound:
                yield f"the account could hold {others + after} contracts {where} (without this order {others + before}), above {bound}"

    def _elsewhere(self, contract: Contract, desk: Desk) -> tuple[Decimal, Decimal, Decimal]:
        """Σ of the worst |size| in the other contracts: of the same expiry, of the same underlying, of all."""
        if self.max_per_expiry is None and self.max_per_underlying is None:
            return ZERO, ZERO, ZERO
        known, expiry, underlying, everything = desk.portfolio.contracts, ZERO, ZERO, ZERO
        for one, size in _worst_sizes(desk):
            if one == contract.id:
                continue
            everything += size
            other = known.get(one)
            if other is not None and other.underlying == contract.underlying and one.adapter == contract.id.adapter:
                underlying += size
                if other.expiry == contract.expiry:
                    expiry += size
        return expiry, underlying, everything


def _reach(order: Asked, *, is_asked: bool) -> Decimal:
    """The largest |size| that the position in the order's contract could come to, with or without the order."""
    high = low = order.held
    orders = [other.left for other in order.others if not other.reduce_only]
    if is_asked:
        orders.append(ZERO if order.reduce_only else order.left)
    elif order.amends is not None and not order.reduce_only:
        orders.append(order.amends.left)
    for left in orders:
        if left > 0:
            high += left
        else:
            low += left
    return max(high, -low)


def _worst_sizes(desk: Desk) -> Iterator[tuple[ContractId, Decimal]]:
    bought: dict[ContractId, Decimal] = {}
    sold: dict[ContractId, Decimal] = {}
    for order in desk.working:
        if not order.reduce_only:
            side = bought if order.left > 0 else sold
            side[order.contract] = side.get(order.contract, ZERO) + order.left
    for position in desk.positions:
        contract, size = position.contract, position.size
        yield contract, max(size + bought.pop(contract, ZERO), -size - sold.pop(contract, ZERO))
    for contract in {**bought, **sold}:
        yield contract, max(bought.get(contract, ZERO), -sold.get(contract, ZERO))
